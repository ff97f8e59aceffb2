#ifndef FLE_CLIENT_SRC_BATCH_STATE_H_
#define FLE_CLIENT_SRC_BATCH_STATE_H_

#include <vector>

#include "fle/batch.h"
#include "fle/client/document_cipher.h"
#include "fle/secret.h"
#include "key_table.h"

namespace fle::client {

/// Everything a batch needs while it runs, and keeps for the next one.
struct Batch::State {
  struct Document {
    Bytes input;
    bson::Edits edits;
    std::size_t offset = 0;  // of the result in `output`
    std::size_t size = 0;    // of the result; 0: nothing changed, the input is the result
  };
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { abandon(); }  // decrypted documents may be in there

  std::vector<Document> documents;  // grows only: the first n_documents are in use
  std::size_t n_documents = 0;
  std::vector<std::uint8_t> output;  // grows only: the first n_output bytes are in use
  std::size_t n_output = 0;
  // Documents that have results. One that was added later has none: its input must not pass for
  // one.
  std::size_t n_results = 0;
  std::size_t fields = 0;
  std::vector<KeptField> kept;
  std::vector<std::size_t> kept_fields;  // which fields of the batch these are, in order

  // Scratch of one call.
  KeyTable keys;
  std::vector<KeyTable::Index> field_keys;  // of every mark of every document, in order
  struct PointerKey {
    std::size_t document = 0;  // for which it was looked up, from 1; 0: for none
    KeyTable::Index key = 0;
  };
  std::vector<PointerKey> pointer_keys;  // of each JSON pointer of the plan
  bson::PointerValues pointers;
  std::size_t pointers_of = 0;  // the document that they are of, from 1
  std::vector<SealJob> seal_jobs;
  std::vector<OpenJob> open_jobs;
  WipedBuffer plaintext;

  [[nodiscard]] std::span<Document> in_use() noexcept { return {documents.data(), n_documents}; }

  /// Lets go of everything that only a running call needs: keys, and decrypted values.
  void end_call() noexcept {
    keys.clear();
    plaintext.clear();
  }

  /// Takes back every result: nothing of an earlier or a failed call may be read.
  void abandon() noexcept {
    wipe({output.data(), n_output});
    n_output = 0;
    end_call();
    field_keys.clear();
    pointer_keys.clear();
    pointers_of = 0;
    seal_jobs.clear();
    open_jobs.clear();
    kept.clear();
    kept_fields.clear();
    fields = 0;
    n_results = 0;
  }

  /// Lays all results out behind each other and copies what stays.
  Done lay_out(const bson::Limits& limits);
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_BATCH_STATE_H_
