#ifndef FLE_BENCH_BENCH_MAIN_H_
#define FLE_BENCH_BENCH_MAIN_H_

#include <exception>
#include <iostream>

#include <benchmark/benchmark.h>

namespace fle::bench {

/// Registers the benchmarks, which includes checking that all peers agree, and runs them.
template <class Register>
int run(int argc, char** argv, Register register_all) try {
#if defined(__clang__)
  benchmark::AddCustomContext("compiler", "Clang " __clang_version__);
#else
  benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
} catch (const std::exception& e) {
  std::cerr << argv[0] << ": " << e.what() << "\n";
  return 1;
}

/// An iteration is work on `n` items: the report divides by them.
inline void set_time_per_item(benchmark::State& state, std::size_t n) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

}  // namespace fle::bench

#endif  // FLE_BENCH_BENCH_MAIN_H_
