add_executable(walk_bench walk_bench.cc)
target_link_libraries(walk_bench PRIVATE libfle::bson_walk PkgConfig::BSON benchmark::benchmark)
fle_warnings(walk_bench)
