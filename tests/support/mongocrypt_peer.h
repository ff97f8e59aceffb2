#ifndef FLE_TESTS_SUPPORT_MONGOCRYPT_PEER_H_
#define FLE_TESTS_SUPPORT_MONGOCRYPT_PEER_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fle/types.h"
#include "support/bson_values.h"

namespace fle::test {

/// libmongocrypt refused; the text is its own.
struct PeerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// libmongocrypt, the independent implementation, with a local KMS provider and a key vault that is
/// a list of key documents. Everything throws PeerError when libmongocrypt refuses.
///
/// Not for concurrent use.
class MongocryptPeer {
 public:
  /// @param master_key  96 bytes.
  /// @param schema_map  BSON {"db.coll": schema}; empty: none.
  explicit MongocryptPeer(const Buf& master_key, const Buf& schema_map = {});
  ~MongocryptPeer();
  MongocryptPeer(const MongocryptPeer&) = delete;
  MongocryptPeer& operator=(const MongocryptPeer&) = delete;

  /// Adds a data-key document to the vault.
  void add_key(Buf key_document);

  struct NewKey {
    std::vector<std::string> alt_names;
    Buf key_material;  ///< 96 bytes; empty: random.
  };
  /// Creates a data key; returns its document, which is not yet in the vault.
  Buf create_data_key(const NewKey& options);

  /// Explicit encryption: the payload of the binary.
  Buf encrypt_value(const TypedValue& value, Algorithm algorithm, const KeyId& key);
  /// Explicit decryption of a payload.
  TypedValue decrypt_value(Bytes payload);
  /// The same on documents, as the C API has it: {v: value} to {v: Binary(6)} and back. The timed
  /// path of the benchmarks.
  Buf encrypt_explicit(const Buf& document, Algorithm algorithm, const KeyId& key);
  Buf decrypt_explicit(const Buf& document);

  /// Automatic decryption of a whole document.
  Buf decrypt_document(const Buf& document);
  /// Automatic encryption of the command {insert: "coll", documents: [...]} in database "db", given
  /// the documents and what the query analyser would make of them: the same with placeholders
  /// (marking()) in place of the values to encrypt. Returns the documents. Needs a schema map with
  /// "db.coll".
  std::vector<Buf> encrypt_inserts(const std::vector<Buf>& documents,
                                   const std::vector<Buf>& marked);

  [[nodiscard]] static std::string version();

 private:
  struct Impl;
  std::unique_ptr<Impl> p_;
};

/// A key document of libmongocrypt under another id. The material is not bound to the id.
[[nodiscard]] Buf with_key_id(Buf key_document, const KeyId& id);

/// The placeholder {a, ki or ka, v} for `value`: a binary of subtype 6 (specification:
/// bson-binary-encrypted, "Type 0: Intent-to-encrypt marking").
[[nodiscard]] TypedValue marking(const TypedValue& value, Algorithm algorithm, const KeyId& key);
[[nodiscard]] TypedValue marking(const TypedValue& value, Algorithm algorithm,
                                 const std::string& key_alt_name);

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_MONGOCRYPT_PEER_H_
