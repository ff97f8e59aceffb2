#ifndef FLE_TOOLS_STREAM_COUNTS_H_
#define FLE_TOOLS_STREAM_COUNTS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "case_hints.h"
#include "fle/bson_walk/path_table.h"
#include "fle/client/document_cipher.h"
#include "packed.h"
#include "terminal/summary.h"

namespace fle::tools {

/// What is done to the documents of a stream.
enum class Task : std::uint8_t { encrypt, decrypt, reencrypt };

/// What a field of a document is found to be.
enum class FieldState : std::uint8_t {
  encrypted,
  reencrypted,
  already,  ///< Encrypted under the schema, and as it was.
  decrypted,
  left,  ///< Encrypted, for its key cannot be had.
  null,
  absent,
  // Of documents that are left out.
  wrong_type,
  foreign_key,  ///< Its key cannot be had, or it is encrypted otherwise than the schema says.
  does_not_open,
  other_fault,
};
inline constexpr std::size_t kFieldStates = 11;
using FieldStates = std::array<std::uint64_t, kFieldStates>;

/// What was counted in one batch. Keeps its memory for the next one.
struct Tally {
  std::vector<client::LeafCount> leaves;  // by a schema: fields of each leaf
  bson::PathTable paths;                  // what is decrypted: of this and earlier batches
  std::vector<client::PathCount> counts;
  client::LeftAlone left_alone;

  /// Counts a batch that is done and whose documents are still there: by the thread that has it
  /// in its cache.
  void take(const client::Batch& batch, Task task);
};

/// A document that has no result, and why.
struct LeftOut {
  std::size_t index;  // in its part of the stream
  bson::Faults faults;
};

/// A part of a stream, once it is done.
struct CountedPart {
  std::uint64_t n_documents;    // in it
  std::span<const Bytes> done;  // those that have results, as they came
  std::span<const LeftOut> left_out;
};

/// Counts what encrypt, decrypt and reencrypt do to a stream, by path. On one thread, in stream
/// order.
class StreamCounts {
 public:
  /// @param plan  null for decryption.
  StreamCounts(Task task, std::shared_ptr<const schema::Plan> plan);

  /// @param tally  its left_alone.document is an index in the part.
  void add(Tally& tally, const CountedPart& part);
  /// Of an encrypting run under --require-fields.
  /// @retval Errc::nothing_encrypted  no document has a field that the plan encrypts
  [[nodiscard]] Done require_fields() const;
  /// Whether there is no field that a plan encrypts.
  [[nodiscard]] bool nothing_to_count() const noexcept { return leaves_.empty(); }
  /// All counts, for another process to go on with.
  void save(Packer& out) const;
  /// Takes what save() has written, of the same task and plan, before anything is counted. False:
  /// it is not that.
  [[nodiscard]] bool load(Unpacker& in);
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }
  /// @param fate  of documents that were left out: "skipped", "quarantined".
  [[nodiscard]] Summary summary(const char* fate) const;

 private:
  using ByPath = std::map<std::string, FieldStates, std::less<>>;

  void add_leaves(const Tally& tally, std::span<const Bytes> documents);
  void add_paths(const Tally& tally);
  void add_faults(const bson::Faults& faults);
  [[nodiscard]] FieldStates states_of(std::size_t leaf) const;
  [[nodiscard]] std::uint64_t n_encrypted() const noexcept;
  /// What was decrypted, and what could not be.
  [[nodiscard]] ByPath decrypted_paths() const;
  /// The same, and faults.
  [[nodiscard]] ByPath by_path() const;
  /// As one line of a summary has them.
  [[nodiscard]] std::vector<Count> counts_of(const FieldStates& states) const;
  void warn(Summary& s) const;

  const Task task_;
  const std::shared_ptr<const schema::Plan> plan_;
  std::optional<CaseHints> hints_;
  std::uint64_t documents_ = 0;
  std::uint64_t left_out_ = 0;  // of these
  std::vector<client::LeafCount> leaves_;
  bson::PathTable paths_;
  std::vector<client::PathCount> counts_;
  ByPath paths_before_;  // what load() has brought of paths_
  ByPath faults_;
  client::LeftAlone left_alone_;
};

/// The failure of --require-fields where a schema has no field at all.
[[nodiscard]] Failure nothing_to_encrypt();

}  // namespace fle::tools

#endif  // FLE_TOOLS_STREAM_COUNTS_H_
