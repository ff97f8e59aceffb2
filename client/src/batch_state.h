#ifndef FLE_CLIENT_SRC_BATCH_STATE_H_
#define FLE_CLIENT_SRC_BATCH_STATE_H_

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fle/batch.h"
#include "fle/client/document_cipher.h"
#include "fle/secret.h"

namespace fle::client {

/// The keys of one call: each distinct id and alternate name once, and an index for every field.
class KeyTable {
 public:
  using Index = std::uint32_t;

  void clear() noexcept;
  Index add(const KeyId& id);
  Index add(std::string_view alt_name);

  /// One look-up for all of them.
  Done resolve(kms::KeyRing* ring);
  /// One by one, when resolve() failed: failure() then says why a key is not there.
  void resolve_each(kms::KeyRing* ring);

  [[nodiscard]] const kms::KeyHandle& operator[](Index i) const noexcept;
  [[nodiscard]] const std::optional<Failure>& failure(Index i) const noexcept {
    return failures_[i];
  }

 private:
  struct Text {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };
  // A key is an id or a name; which list it stands in, and where.
  struct Entry {
    bool by_name;
    std::uint32_t at;
  };
  std::vector<Entry> entries_;
  std::vector<KeyId> ids_;
  std::vector<std::string> names_;
  std::vector<kms::KeyHandle> by_id_;
  std::vector<kms::KeyHandle> by_name_;
  std::vector<std::optional<Failure>> failures_;
  std::unordered_map<KeyId, Index> id_index_;
  Index last_ = 0;  // the entry of the id that was added last, if any was
  std::unordered_map<std::string, Index, Text, std::equal_to<>> name_index_;
};

/// Everything a batch needs while it runs, and keeps for the next one.
struct Batch::State {
  struct Document {
    Bytes input;
    bson::Edits edits;
    std::size_t offset = 0;  // of the result in `output`
    std::size_t size = 0;    // of the result; 0: nothing changed, the input is the result
  };
  std::vector<Document> documents;  // grows only: the first n_documents are in use
  std::size_t n_documents = 0;
  std::vector<std::uint8_t> output;  // grows only: the first n_output bytes are in use
  std::size_t n_output = 0;
  // Documents that have results. One that was added later has none: its input must not pass for
  // one.
  std::size_t n_results = 0;
  std::size_t fields = 0;
  std::vector<KeptField> kept;

  // Scratch of one call.
  KeyTable keys;
  std::vector<KeyTable::Index> field_keys;  // of every mark of every document, in order
  std::vector<SealJob> seal_jobs;
  std::vector<OpenJob> open_jobs;
  WipedBuffer plaintext;

  [[nodiscard]] std::span<Document> in_use() noexcept { return {documents.data(), n_documents}; }

  /// Takes back every result: nothing of an earlier or a failed call may be read.
  void abandon() noexcept {
    wipe({output.data(), n_output});
    n_output = 0;
    plaintext.clear();
    keys.clear();
    field_keys.clear();
    seal_jobs.clear();
    open_jobs.clear();
    kept.clear();
    fields = 0;
    n_results = 0;
  }

  /// Lays all results out behind each other and copies what stays.
  Done lay_out(const bson::Limits& limits);
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_BATCH_STATE_H_
