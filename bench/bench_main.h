#ifndef FLE_BENCH_BENCH_MAIN_H_
#define FLE_BENCH_BENCH_MAIN_H_

#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace fle::bench {

#if defined(__clang__)
inline constexpr const char* kCompiler = "Clang " __clang_version__;
#else
inline constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

/// Writes a line for each row that has run: name, nanoseconds an item, what did the work.
class RowWriter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string name = run.benchmark_name();
      if (run.error_occurred) throw std::runtime_error(name + ": " + run.error_message);
      const auto rate = run.counters.find("items_per_second");
      if (rate == run.counters.end()) throw std::runtime_error(name + " does not count its items");
      std::cout << "row\t" << name << '\t' << 1e9 / static_cast<double>(rate->second.value) << '\t'
                << run.report_label << '\n';
    }
  }
};

/// The other side of measure.py: runs every row once, then what it is asked for, until its input
/// ends. A line asks for `rounds` times the rows that it names, back to back:
///
///     rounds TAB name TAB name ...
///
/// Every other round runs them from the last to the first, so that none of them always follows
/// the same one, or always meets a machine that has just grown warm. The answer is a line for each
/// run of a row, and "end".
inline void serve(std::istream& asked) {
  RowWriter writer;
  std::cout << "compiler\t" << kCompiler << '\n';
  benchmark::RunSpecifiedBenchmarks(&writer);
  std::cout << "end" << std::endl;
  std::string line;
  while (std::getline(asked, line)) {
    std::istringstream words(line);
    std::string name;
    std::getline(words, name, '\t');
    const int rounds = std::stoi(name);
    std::vector<std::string> names;
    while (std::getline(words, name, '\t')) names.push_back(name);
    for (int i = 0; i < rounds; ++i) {
      for (const std::string& row : names) {
        if (benchmark::RunSpecifiedBenchmarks(&writer, "^" + row + "$") != 1)
          throw std::runtime_error("no row of the name " + row);
      }
      std::reverse(names.begin(), names.end());
    }
    std::cout << "end" << std::endl;
  }
}

/// Registers the benchmarks, which includes checking that all peers agree, and runs them: those
/// that measure.py asks for after the option --serve, else as any program of Google Benchmark.
template <class Register>
int run(int argc, char** argv, Register register_all) try {
  const bool serves = argc > 1 && std::strcmp(argv[1], "--serve") == 0;
  if (serves) {
    std::rotate(argv + 1, argv + 2, argv + argc);
    --argc;
  }
  benchmark::AddCustomContext("compiler", kCompiler);
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (serves) {
    serve(std::cin);
  } else {
    benchmark::RunSpecifiedBenchmarks();
  }
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
