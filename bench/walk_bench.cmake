add_executable(walk_bench walk_bench.cc)
target_link_libraries(walk_bench PRIVATE libfle::bson_walk PkgConfig::FLE_BSON benchmark::benchmark)
target_include_directories(walk_bench PRIVATE "${CMAKE_CURRENT_LIST_DIR}")
fle_warnings(walk_bench)
