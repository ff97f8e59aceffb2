#ifndef FLE_CLIENT_SRC_BATCH_STATE_H_
#define FLE_CLIENT_SRC_BATCH_STATE_H_

#include <memory>
#include <vector>

#include "fields/field_batch.h"
#include "fle/bson_walk/alike.h"
#include "fle/client/document_cipher.h"

namespace fle::client {

/// Everything a batch needs while it runs, and keeps for the next one.
struct BatchState {
  struct Document {
    Bytes input;
    bson::Edits edits;
    std::size_t offset = 0;  // of the result in `output`
    std::size_t size = 0;    // of the result; 0: nothing changed, the input is the result
    bool left_out = false;   // has faults, and no result
  };
  BatchState() = default;
  BatchState(const BatchState&) = delete;
  BatchState& operator=(const BatchState&) = delete;
  ~BatchState() { abandon(); }  // decrypted documents may be in there

  [[nodiscard]] static BatchState& of(Batch& batch) noexcept { return *batch.s_; }

  std::vector<Document> documents;  // grows only: the first n_documents are in use
  std::size_t n_documents = 0;
  std::vector<std::uint8_t> output;  // grows only: the first n_output bytes are in use
  std::size_t n_output = 0;
  // Documents that have results. One that was added later has none: its input must not pass for
  // one.
  std::size_t n_results = 0;
  std::size_t n_fields = 0;  // encrypted or decrypted
  std::vector<KeptField> kept;
  std::vector<std::size_t> kept_fields;  // which fields of the batch these are, in order

  // Fields that were encrypted before encryption, in order; and what stays of those.
  struct EncryptedBefore {
    std::size_t field = 0;
    Bytes binary{};  // length, subtype and payload; empty: sealed anew
  };
  std::vector<EncryptedBefore> encrypted_before;
  FieldBatch verified;  // payloads that stay
  // Of reencrypt(): the documents as they came, decrypted. Its outputs are the inputs here.
  std::unique_ptr<BatchState> opened;
  // Its fields that no field here takes up.
  std::vector<std::size_t> decrypted_fields;

  std::vector<FaultyDocument> faulty;
  std::unique_ptr<BatchState> alone;  // in which one document is tried; empty between the tries

  bson::AlikeDocuments alike;  // of the call; where calls decrypt one each, of those before it

  WantedKeys wanted;  // that the last call lacked

  // Scratch of one call.
  FieldBatch fields;  // of every mark of every document, in order
  struct PointerKey {
    std::size_t document = 0;  // for which it was looked up, from 1; 0: for none
    KeyTable::Index key = 0;
  };
  std::vector<PointerKey> pointer_keys;  // of each JSON pointer of the plan
  bson::PointerValues pointers;
  std::size_t pointers_of = 0;  // the document that they are of, from 1

  [[nodiscard]] std::span<Document> in_use() noexcept { return {documents.data(), n_documents}; }
  /// Where the new value of a mark goes.
  [[nodiscard]] MutBytes room(const Document& d, const bson::Mark& m) noexcept {
    return {output.data() + d.offset + m.new_offset, m.new_size};
  }

  /// Lets go of everything that only a running call needs: keys, and decrypted values.
  void end_call() noexcept {
    fields.release();
    verified.release();
    if (opened) opened->end_call();
  }

  /// Takes back every result: nothing of an earlier or a failed call may be read.
  void abandon() noexcept;
  /// After abandon(): what large documents have taken is free for another try.
  void give_back() noexcept {
    if (output.size() >= kLarge) std::vector<std::uint8_t>().swap(output);
    for (Document& d : documents)
      if (d.input.size() >= kLarge) d.edits = bson::Edits();
    if (opened) opened->give_back();
  }
  /// One document that is not to be in memory more often, nor with more beside it, than it must.
  /// One of many is small, and what becomes of it is in the cache.
  [[nodiscard]] bool is_large() const noexcept {
    return n_documents == 1 && documents.front().input.size() >= kLarge;
  }
  static constexpr std::size_t kLarge = 1024 * 1024;
  /// Lets all documents be part of the next call again.
  void forget_faulty() noexcept;

  /// Walks every document with `find`, a function of its bytes, its edits, and whether it is the
  /// last one.
  template <class Find>
  Done walk_all(Find find) {
    for (std::size_t i = 0; i < n_documents; ++i) {
      Document& d = documents[i];
      if (d.left_out) {
        d.edits.clear();
        continue;
      }
      Done done = find(d.input, d.edits, i + 1 == n_documents);
      if (!done) {
        done.error().document = i + 1;
        return done;
      }
      if (is_large()) d.edits.shrink_to_fit();
      n_fields += d.edits.marks().size();
    }
    return ok;
  }

  /// Lays all results out behind each other and copies what stays.
  /// @param set_sizes  gives the marks of a document their new types and sizes.
  /// @param fill       puts the new values of a document where they go.
  template <class SetSizes, class Fill>
  Done lay_out(const bson::Limits& limits, SetSizes set_sizes, Fill fill) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < n_documents; ++i) {
      Document& d = documents[i];
      d.size = 0;
      if (d.edits.empty()) continue;
      set_sizes(d);
      auto size = d.edits.layout(d.input, limits);
      if (!size) {
        size.error().document = i + 1;
        return size.error();
      }
      d.offset = total;
      d.size = *size;
      total += *size;
    }
    if (output.size() < total) output.resize(total);
    n_output = total;
    for (Document& d : in_use()) {
      if (d.size == 0) continue;
      d.edits.write({output.data() + d.offset, d.size}, d.input);
      fill(d);
    }
    return ok;
  }

  /// A failure at mark `m` of document `i`.
  [[nodiscard]] Failure at_field(Failure f, std::size_t i, const bson::Mark& m) const;
  /// What stopped the fields, and where.
  [[nodiscard]] Failure at_field(FieldFailure f) const;
};

// The directions, each on a clean batch that is abandoned when they fail.
Done encrypt_documents(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                       const DocumentCipher::Options& options);
Done decrypt_documents(BatchState& s, kms::KeyRing* ring, const DocumentCipher::Options& options);
Done reencrypt_documents(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                         const DocumentCipher::Options& options,
                         const DocumentCipher::Reencryption& how);

// The steps of encryption, after which reencrypt_documents() judges what is encrypted before
// seal_documents().

/// Finds the plan's fields, and their keys.
Done find_plan_fields(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                      const bson::Limits& limits, const Budget& budget);
/// Whether the plan would have made this of a value of its type.
[[nodiscard]] bool is_of_plan(const PayloadHeader& header, const schema::Leaf& leaf,
                              const kms::ResolvedKey& key) noexcept;
/// Whether a mark of find_fields() is of a value that is encrypted already.
[[nodiscard]] bool is_encrypted(Bytes document, const bson::Mark& m) noexcept;
/// Whether such a value may stay: not its content, which verify_kept() opens.
[[nodiscard]] Done may_stay(Bytes document, const bson::Mark& m, const schema::Leaf& leaf,
                            const kms::ResolvedKey& key);
/// Verifies what stays of `s.encrypted_before`.
Done verify_kept(BatchState& s, kms::KeyRing* ring, const bson::Limits& limits);
/// Lays out the results and seals every field but those that stay.
Done seal_documents(BatchState& s, const schema::Plan& plan, const bson::Limits& limits);

/// Whether a field that decryption has no key for may stay encrypted for this reason. Trouble that
/// may pass is not one: a vault or a KMS that cannot be reached says nothing about the key.
[[nodiscard]] bool is_of_key(Errc reason) noexcept;

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_BATCH_STATE_H_
