#ifndef FLE_TOOLS_TERMINAL_PROGRESS_H_
#define FLE_TOOLS_TERMINAL_PROGRESS_H_

#include <chrono>
#include <cstdint>

namespace fle::tools {

/// A progress bar on standard error, when that is a terminal that can show one: as wide as it has
/// columns at that moment, at most one line. Not for concurrent use.
class Progress {
 public:
  /// @param total  bytes that will come, 0 when unknown.
  /// @param quiet  no bar; also where documents go to a terminal, which it would be drawn into.
  Progress(std::uint64_t total, bool quiet) noexcept;
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::uint64_t bytes, std::uint64_t documents) noexcept;
  /// Takes the bar away, before another line; add() draws it again.
  void hide() noexcept;

 private:
  static constexpr unsigned kMostColumns = 120;
  void draw() noexcept;
  void write_line(char* line, unsigned width) const noexcept;
  [[nodiscard]] double part() const noexcept;
  using Clock = std::chrono::steady_clock;
  bool on_;
  std::uint64_t total_;
  std::uint64_t bytes_ = 0;
  std::uint64_t documents_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_{};
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_TERMINAL_PROGRESS_H_
