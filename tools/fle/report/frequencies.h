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
  static constexpr std::size_t kMost = 512;              ///< Values that are counted exactly.
  static constexpr std::size_t kRegisters = 4096;        ///< Of HyperLogLog.
  static constexpr double kDistinctError = 2 * 0.01625;  ///< Twice 1.04 / sqrt(kRegisters).

  /// @param value  a hash of 64 bits; that of a deterministic ciphertext is in it already.
  void add(std::uint64_t value) { add(value, 1); }
  void merge(const Frequencies& other);
  [[nodiscard]] Frequency frequency() const;

 private:
  struct Entry {
    std::uint64_t value = 0;
    std::uint64_t count = 0;  // 0: free
  };
  void add(std::uint64_t value, std::uint64_t n);
  void count(std::uint64_t value, std::uint64_t n);
  void insert(const Entry& e);
  void resize(std::size_t n_slots);
  void thin_out();
  void start_estimating();
  void note(std::uint64_t value) noexcept;
  [[nodiscard]] double distinct_estimate() const;

  std::vector<Entry> slots_;  // a power of two, at most half of them in use
  std::size_t used_ = 0;
  std::uint64_t taken_ = 0;  // from the count of any value, at most
  std::uint64_t values_ = 0;
  std::vector<std::uint8_t> registers_;  // none while all is exact
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_FREQUENCIES_H_
