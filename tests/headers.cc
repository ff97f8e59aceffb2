// Nothing: see test_headers in CMakeLists.txt.
