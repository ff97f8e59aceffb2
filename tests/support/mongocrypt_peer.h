#ifndef FLE_TESTS_SUPPORT_MONGOCRYPT_PEER_H_
#define FLE_TESTS_SUPPORT_MONGOCRYPT_PEER_H_

#include <functional>
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
/// Functions with an `out` are what the benchmarks time: they reuse its memory.
/// Not for concurrent use.
class MongocryptPeer {
 public:
  /// @param master_key  96 bytes.
  /// @param schema_map    BSON {"db.coll": schema}; empty: none.
  /// @param crypt_shared  path of a mongo_crypt_v1.so to load; empty: none.
  explicit MongocryptPeer(const Buf& master_key, const Buf& schema_map = {},
                          const std::string& crypt_shared = {});
  /// Sends a message to the KMS at `endpoint` (host:port) and returns its whole answer.
  using KmsExchange = std::function<Buf(const std::string& endpoint, const Buf& message)>;
  /// With other KMS providers than local.
  /// @param kms_providers  BSON of the kmsProviders map.
  MongocryptPeer(const Buf& kms_providers, KmsExchange exchange);
  ~MongocryptPeer();
  MongocryptPeer(const MongocryptPeer&) = delete;
  MongocryptPeer& operator=(const MongocryptPeer&) = delete;

  /// Adds a data-key document to the vault.
  void add_key(Buf key_document);

  struct NewKey {
    std::vector<std::string> alt_names{};
    Buf key_material{};  ///< 96 bytes; empty: random.
    Buf master_key{};    ///< BSON, provider included; empty: that of the local provider.
  };
  /// Creates a data key; returns its document, which is not yet in the vault.
  Buf create_data_key(const NewKey& options);

  /// Explicit encryption: the payload of the binary.
  Buf encrypt_value(const TypedValue& value, Algorithm algorithm, const KeyId& key);
  /// Explicit decryption of a payload.
  TypedValue decrypt_value(Bytes payload);
  /// The same on documents, as the C API has it: {v: value} to {v: Binary(6)} and back.
  void encrypt_explicit(Buf& out, const Buf& document, Algorithm algorithm, const KeyId& key);
  void decrypt_explicit(Buf& out, const Buf& document);

  /// Automatic decryption of a whole document.
  void decrypt_document(Buf& out, const Buf& document);
  Buf decrypt_document(const Buf& document);

  /// The command {insert: "coll", documents: [...]} for database "db", and the query analyzer's
  /// reply to it.
  struct Insert {
    Buf command;
    Buf reply;
  };
  /// @param marked  the documents with placeholders (marking()) in place of the values to encrypt.
  static Insert prepare_insert(const std::vector<Buf>& documents, const std::vector<Buf>& marked);
  /// Automatic encryption of a command. Needs a schema map with "db.coll".
  void encrypt_insert(Buf& out, const Insert& insert);
  /// Both steps; returns the documents of the encrypted command.
  std::vector<Buf> encrypt_inserts(const std::vector<Buf>& documents,
                                   const std::vector<Buf>& marked);

  /// Automatic encryption of any command, analyzed in this process by crypt_shared.
  Buf encrypt_command(const std::string& db, const Buf& command);
  /// What the loaded crypt_shared says of itself: 0 and "" if there is none.
  [[nodiscard]] std::uint64_t crypt_shared_version() const;
  [[nodiscard]] std::string crypt_shared_version_string() const;

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
