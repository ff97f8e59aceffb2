#ifndef FLE_TOOLS_FREQUENCIES_H_
#define FLE_TOOLS_FREQUENCIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fle::tools {

/// What is known of how often the values of a field occur.
struct Frequency {
  std::uint64_t values = 0;
  std::uint64_t distinct = 0;
  double distinct_error = 0;          // a part of `distinct`, in 95 of 100 cases; 0: it is exact
  std::uint64_t commonest_least = 0;  // times that the commonest value occurs: between these
  std::uint64_t commonest_most = 0;
  std::vector<std::uint64_t> counts{};  // of the commonest values, most first; only if all is exact
  [[nodiscard]] bool exact() const noexcept { return distinct_error == 0; }
};

/// Counts how often each of many values occurs, in bounded memory: exactly while there are few.
///
/// From then on, the commonest are counted as by Misra and Gries ("Finding repeated elements",
/// 1982) in the form of Anderson et al. ("A high-performance algorithm for identifying frequent
/// items in data streams", 2017): when the table is full, its median count is taken from all. What
/// was taken bounds the error. Distinct values are counted by HyperLogLog (Flajolet et al., 2007).
class Frequencies {
 public:
  static constexpr std::size_t kFew = 32;            ///< Values that are counted exactly at least,
  static constexpr std::size_t kMost = 512;          ///< and once it is large.
  static constexpr std::size_t kFewRegisters = 256;  ///< Of HyperLogLog.
  static constexpr std::size_t kRegisters = 4096;    ///< Of a large one.

  /// @param value  a hash of 64 bits; that of a deterministic ciphertext is in it already.
  void add(std::uint64_t value) { add(value, 1); }
  /// As if all values of both had been added here.
  void merge(const Frequencies& other);
  /// Whether the next new value is one too many to be exact, unless it becomes large().
  [[nodiscard]] bool is_full() const noexcept { return entries_.size() == kFew && !is_large_; }
  [[nodiscard]] bool is_large() const noexcept { return is_large_; }
  /// Lets it take 14 KiB.
  void enlarge() noexcept { is_large_ = true; }
  [[nodiscard]] Frequency frequency() const;

 private:
  struct Entry {
    std::uint64_t value = 0;
    std::uint64_t count = 0;
  };
  [[nodiscard]] std::size_t most() const noexcept { return is_large_ ? kMost : kFew; }
  void add(std::uint64_t value, std::uint64_t n);
  void count(std::uint64_t value, std::uint64_t n);
  [[nodiscard]] std::size_t place_of(std::uint64_t value) const noexcept;
  void index(std::size_t n_slots);
  void thin_out();
  [[nodiscard]] std::uint64_t median_count() const;
  void start_estimating();
  void coarsen();
  void note(std::uint64_t value) noexcept;
  [[nodiscard]] double distinct_estimate() const;

  std::vector<Entry> entries_;        // side by side: a table is gone through again and again
  std::vector<std::uint16_t> slots_;  // of values, by their low bits: the number of the entry, from
                                      // 1; 0: none. A power of two, at most half of them in use
  bool is_large_ = false;
  std::uint64_t taken_ = 0;  // from the count of any value, at most
  std::uint64_t values_ = 0;
  std::vector<std::uint8_t> registers_;  // none while all is exact
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_FREQUENCIES_H_
