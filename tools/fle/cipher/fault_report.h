#ifndef FLE_TOOLS_FAULT_REPORT_H_
#define FLE_TOOLS_FAULT_REPORT_H_

#include <cstdint>
#include <mutex>
#include <string>

#include "command_line/command.h"
#include "fle/bson_walk/walk.h"
#include "fle/client/document_cipher.h"
#include "streams/packed.h"

namespace fle::tools {

/// Tells a long list on standard error: the first lines each, then a count by finish().
class LongReport {
 public:
  void add(const std::string& line) {
    if (n_++ < kMost) complain(line);
  }
  /// More that nobody has a line for.
  void add(std::uint64_t n) noexcept { n_ += n; }
  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  void start_at(std::uint64_t n) noexcept { n_ = n; }
  static constexpr std::uint64_t kMost = 20;

 private:
  std::uint64_t n_ = 0;
};

/// Fields that stayed encrypted.
class KeptReport {
 public:
  /// @param ns  of its collection; may be empty
  void add(const client::KeptField& f, std::uint64_t document, const std::string& ns);
  void finish() const;
  void save(Packer& out) const { out.add(lines_.n()); }
  void load(Unpacker& in) { lines_.start_at(in.number()); }

 private:
  LongReport lines_;
};

/// Documents that were left out.
class LeftOutReport {
 public:
  void add(const bson::Faults& faults);
  /// @param quarantine  where they are; empty: nowhere.
  void finish(const std::string& quarantine) const;
  [[nodiscard]] bool any() const noexcept { return n_documents_ != 0; }
  void save(Packer& out) const {
    out.add(n_documents_);
    out.add(lines_.n());
  }
  void load(Unpacker& in) {
    n_documents_ = in.number();
    lines_.start_at(in.number());
  }

 private:
  LongReport lines_;
  std::uint64_t n_documents_ = 0;
};

/// All faults of the document that a run ends with. Which one that is shows at the end: threads
/// that work on what comes later may be faster. Thread-safe.
class StopReport {
 public:
  /// @param chunk  that the document is in; its thread goes no further.
  void note(std::uint64_t chunk, bson::Faults faults);
  /// How a run ends that `why` ended.
  [[nodiscard]] Ending tell(Failure why) const;

 private:
  std::mutex mutex_;
  std::uint64_t chunk_ = UINT64_MAX;
  bson::Faults faults_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_FAULT_REPORT_H_
