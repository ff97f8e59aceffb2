#ifndef FLE_TOOLS_STREAM_COUNTS_H_
#define FLE_TOOLS_STREAM_COUNTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "case_hints.h"
#include "command_line/summary.h"
#include "fle/bson_walk/path_table.h"
#include "fle/client/document_cipher.h"

namespace fle::tools {

/// The text of a path, also of those that a PathTable has no room for.
[[nodiscard]] std::string path_text(const bson::PathTable& paths, bson::PathTable::Id id);
/// The fields at each path, for a Summary; in order of the paths, without those that have none.
/// @param counts  by the path's number.
[[nodiscard]] std::vector<Summary::Field> fields_by_path(
    const bson::PathTable& paths, const std::vector<std::vector<Count>>& counts);

/// What is done to the documents of a stream.
enum class Task : std::uint8_t { encrypt, decrypt, reencrypt };

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

/// Counts what encrypt, decrypt and reencrypt do to a stream, by path. On one thread, in stream
/// order.
class StreamCounts {
 public:
  /// @param plan  null for decryption.
  StreamCounts(Task task, std::shared_ptr<const schema::Plan> plan);

  /// @param documents  of the batch, as they came.
  void add(Tally& tally, std::span<const Bytes> documents);
  /// Of an encrypting run under --require-fields.
  /// @retval Errc::nothing_encrypted  no document has a field that the plan encrypts
  [[nodiscard]] Done require_fields() const;
  [[nodiscard]] Summary summary() const;
  /// Whether there is no field that a plan encrypts.
  [[nodiscard]] bool nothing_to_count() const noexcept { return leaves_.empty(); }

 private:
  void add_leaves(const Tally& tally, std::span<const Bytes> documents);
  void add_paths(const Tally& tally);
  [[nodiscard]] Summary by_schema() const;
  [[nodiscard]] Summary of_decryption() const;
  [[nodiscard]] client::LeafCount all_leaves() const noexcept;
  /// As one line of a summary has them.
  [[nodiscard]] std::vector<Count> counts_of(const client::LeafCount& leaf,
                                             std::uint64_t decrypted) const;

  const Task task_;
  const std::shared_ptr<const schema::Plan> plan_;
  std::optional<CaseHints> hints_;
  std::uint64_t documents_ = 0;
  std::vector<client::LeafCount> leaves_;
  bson::PathTable paths_;
  std::vector<client::PathCount> counts_;
  client::LeftAlone left_alone_;
};

/// The failure of --require-fields where a schema has no field at all.
[[nodiscard]] Failure nothing_to_encrypt();

}  // namespace fle::tools

#endif  // FLE_TOOLS_STREAM_COUNTS_H_
