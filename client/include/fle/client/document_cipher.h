#ifndef FLE_CLIENT_DOCUMENT_CIPHER_H_
#define FLE_CLIENT_DOCUMENT_CIPHER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fle/bson_walk/walk.h"
#include "fle/budget.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/observe.h"
#include "fle/schema/plan.h"

namespace fle::client {

/// Encrypts and decrypts whole BSON documents, one or thousands at a time: the fields of all
/// documents of a call are one batch for the fastest kernel.
///
///   auto plan   = fle::schema::compile_json(schema_text);
///   auto cipher = fle::client::DocumentCipher(*plan, key_ring);
///   fle::client::Batch batch;
///   batch.add(document);
///   if (auto done = cipher.encrypt(batch); done) send(batch.output(0));
///
/// Thread safety: one cipher serves any number of threads, each with its own Batch.

/// What to do with a ciphertext whose data key is unavailable (decryption only): it is not in the
/// vault, its document breaks a rule, its master key does not open it or may not be used, or its
/// KMS provider is not there. Trouble that may pass fails the batch in any case: a vault or KMS
/// that does not answer, or that this client cannot log in to.
enum class MissingKeys : std::uint8_t {
  fail,  ///< The whole batch fails; the Failure names field, key and provider.
  keep,  ///< The value stays encrypted; Batch::kept() says which and why. All others are decrypted.
};

/// A field left encrypted under MissingKeys::keep.
struct KeptField {
  std::uint64_t document;  ///< Index in the batch, from 0.
  std::string path;
  KeyId key_id;
  Errc reason;
  /// One of the key's alternate names, where the vault has the key but it could not be unwrapped.
  std::string alt_name{};
  std::string provider{};  ///< KMS provider id of the key, likewise.
  /// The reason in words, with key and provider, and what to do next.
  std::string message{};
};

/// Fields of one path in the documents that were counted.
struct PathCount {
  std::uint64_t decrypted = 0;
  std::uint64_t left = 0;  ///< Encrypted, under MissingKeys::keep.
};

/// What encrypt() does with a value that is encrypted where the plan encrypts.
enum class EncryptedAlready : std::uint8_t {
  refuse,  ///< Errc::already_encrypted.
  /// One that the plan would have made (its key, its algorithm, an allowed type) is verified and
  /// stays, byte for byte; any other is refused.
  keep,
};

/// What a call does about documents that it cannot do. Trouble that is not a document's (a vault or
/// KMS that does not answer, a key of the plan that is not there, lack of memory) fails it always.
enum class OnFaulty : std::uint8_t {
  fail,       ///< It fails with the first fault that it meets.
  explain,    ///< The same, and Batch::faulty() has every fault of that document.
  leave_out,  ///< It does the others: Batch::faulty() has those that have no result, and why.
};

/// A document that could not be done.
struct FaultyDocument {
  std::uint64_t document;  ///< Index in the batch, from 0.
  bson::Faults faults;     ///< Each names document and field; in no particular order.
};

/// Fields of one leaf of the plan in the documents that were counted.
struct LeafCount {
  std::uint64_t encrypted = 0;    ///< Were in plaintext.
  std::uint64_t reencrypted = 0;  ///< Were encrypted otherwise: by reencrypt() only.
  std::uint64_t kept = 0;         ///< Were encrypted under the plan, and are as they were.
  std::uint64_t nulls = 0;        ///< Are null, or were and are omitted; not encrypted.
};

/// Binaries of subtype 6 that a call has left as they are, where no key is missing.
struct LeftAlone {
  /// Of this protocol. encrypt(): where the plan has no field. decrypt(): within code, and within
  /// values that were opened, which were encrypted twice.
  std::uint64_t ciphertexts = 0;
  std::uint64_t foreign = 0;   ///< Of another one: Queryable Encryption, or placeholders.
  std::uint64_t document = 0;  ///< Index of the first one's document, from 0.
  std::string path{};          ///< And its path; empty when there is none.
};

/// Data keys that a call lacks: those that no cache and no vault has.
struct WantedKeys {
  std::vector<KeyId> ids;
  std::vector<std::string> alt_names;

  [[nodiscard]] bool empty() const noexcept { return ids.empty() && alt_names.empty(); }
  void clear() noexcept {
    ids.clear();
    alt_names.clear();
  }
};

struct BatchState;  // private

/// Documents in, documents out; holds all scratch memory and keeps it for the next batch.
class FLE_API Batch {
 public:
  Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  /// Forgets all documents; keeps memory. Plaintext scratch is wiped.
  void clear() noexcept;
  /// Adds one document by reference: its bytes must stay as they are until the results are read.
  void add(BorrowedBytes document);
  [[nodiscard]] std::size_t size() const noexcept;

  /// The result for document `index`; valid until clear(), the next encrypt or decrypt. A document
  /// in which nothing changed is returned as the caller's own bytes. Empty when there is no result:
  /// the last call failed or left the document out, or the document was added after it.
  [[nodiscard]] Bytes output(std::size_t index) const noexcept;
  /// Fields that the last call encrypted or decrypted.
  [[nodiscard]] std::size_t fields() const noexcept;
  [[nodiscard]] std::span<const KeptField> kept() const noexcept;
  /// Documents that the last call could not do, in order, as OnFaulty says.
  [[nodiscard]] std::span<const FaultyDocument> faulty() const noexcept;

  // Counts of the last call, for reports; nothing where it failed. They read the documents, so
  // these must still be there. Not counted unless asked for: a call costs no more without them.

  /// After encrypt(): adds to counts[leaf] the fields of each leaf of the plan.
  void count_leaves(std::vector<std::uint64_t>& counts) const;
  /// The same, by what they were before. Also after reencrypt().
  void count_leaves(std::vector<LeafCount>& counts) const;
  /// After decrypt(): adds to counts[id] the fields at each path, with numbers of `paths`.
  /// After reencrypt(): those that were decrypted, as the plan does not encrypt them.
  void count_paths(bson::PathTable& paths, std::vector<PathCount>& counts) const;
  /// What looks encrypted and was neither encrypted nor decrypted.
  [[nodiscard]] LeftAlone left_alone() const;

 private:
  friend struct BatchState;
  std::unique_ptr<BatchState> s_;
};

class FLE_API DocumentCipher {
 public:
  struct Options {
    bson::Limits limits{};
    MissingKeys missing_keys = MissingKeys::fail;
    /// What one call of encrypt() may cost, for all documents of its batch.
    Budget budget{};
    EncryptedAlready encrypted_already = EncryptedAlready::refuse;
    OnFaulty on_faulty = OnFaulty::fail;
    /// Whether each call opens what it has made, by another walk, and compares all of it with what
    /// it was made of, before it returns; about doubles its cost.
    bool verify = false;
    /// Hears of each call. Null: nobody does.
    std::shared_ptr<Observer> observer{};
  };

  /// How documents come from another plan.
  struct Reencryption {
    /// Keys of what is encrypted; null: those of the cipher.
    std::shared_ptr<kms::KeyRing> old_keys{};
    /// Whether what the cipher's plan does not encrypt may be decrypted. Else it is refused.
    bool may_decrypt = false;
  };

  /// @param plan  may be null for a cipher that only decrypts.
  DocumentCipher(std::shared_ptr<const schema::Plan> plan, std::shared_ptr<kms::KeyRing> keys);
  DocumentCipher(std::shared_ptr<const schema::Plan> plan, std::shared_ptr<kms::KeyRing> keys,
                 Options options);

  /// Encrypts what the plan says, in every document. All or nothing, but for OnFaulty::leave_out; a
  /// Failure names document (from 1, in order of add) and field path. What becomes of a null where
  /// the plan encrypts is options.limits.nulls.
  ///
  /// @retval Errc::invalid_argument  the cipher has no plan
  /// @retval Errc::work_limit        the budget is spent; names the pattern that took the most
  /// @retval Errc::verification_failed  Options::verify has found a difference
  /// @retval Errc::no_memory
  /// @retval as bson::find_fields, bson::resolve_pointer, bson::Edits::layout, KeyRing::lease
  [[nodiscard]] Done encrypt(Batch& batch) const;
  /// Decrypts every encrypted value, in every document. All or nothing, but for MissingKeys::keep
  /// and OnFaulty::leave_out.
  /// What an encrypted value decrypts to is not searched for ciphertext again.
  ///
  /// @retval Errc::auth_failed        changed data, or written under another key
  /// @retval Errc::malformed_payload  a subtype 6 binary of type 1 or 2 that is cut short
  /// @retval Errc::malformed_bson     the document, or what a value decrypts to
  /// @retval Errc::no_memory
  /// @retval as bson::find_ciphertexts, bson::Edits::layout, KeyRing::lease
  [[nodiscard]] Done decrypt(Batch& batch) const;
  /// Brings documents that are encrypted under other plans, in part, or not at all, under the plan
  /// of the cipher: what the plan would have made (its key, its algorithm, an allowed type) is
  /// verified and stays, byte for byte; what is encrypted otherwise is opened and sealed anew; what
  /// is in plaintext is encrypted. All or nothing, as encrypt(). Plaintext is nowhere but in the
  /// batch, until its clear().
  ///
  /// @retval Errc::no_longer_encrypted  the plan leaves in plaintext what is encrypted, or a part
  /// of
  ///                                    it, and how.may_decrypt is not set
  /// @retval as encrypt(), decrypt()
  [[nodiscard]] Done reencrypt(Batch& batch, const Reencryption& how) const;

 private:
  std::shared_ptr<const schema::Plan> plan_;
  std::shared_ptr<kms::KeyRing> keys_;
  Options options_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_DOCUMENT_CIPHER_H_
