#ifndef FLE_MONGOC_ENCRYPTED_CLIENT_H_
#define FLE_MONGOC_ENCRYPTED_CLIENT_H_

#include <memory>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/client/auto_encrypter.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/mongoc/encrypted_collection.h"
#include "fle/mongoc/write.h"

namespace fle::mongoc {

/// A MongoDB client that encrypts commands and decrypts replies by itself (specification:
/// client-side-encryption, "AutoEncryptionOpts"). The connection is libmongoc's; libmongocrypt,
/// mongocryptd and crypt_shared are not needed.
///
///   ClientOptions options;
///   options.kms_providers = providers;
///   options.auto_encryption.schema_map["clinic.patients"] = plan;
///   auto client = EncryptedClient::create("mongodb://localhost", std::move(options));
///   auto patients = (*client)->collection("clinic", "patients");
///   auto done = patients.insert_one(document);

struct ClientOptions {
  /// Opens data keys; KMS credentials and TLS files are given to it (Providers::from_json). Null:
  /// a client without master keys, which reads what is not encrypted (MissingKeys::keep).
  std::shared_ptr<const kms::Providers> kms_providers{};
  /// "database.collection" of the key vault, in the deployment that the client connects to.
  std::string key_vault_namespace = "encryption.__keyVault";
  /// Schemas, bypass options, what to do about missing keys. Where list_collections is null the
  /// client asks the deployment for schemas that are not in the schema_map.
  client::AutoEncrypter::Options auto_encryption{};
  kms::KeyRingOptions key_ring{};
  /// Takes libmongoc's log off standard error, in the whole process (mongoc_log_set_handler).
  bool silence_log = false;
};

/// Thread safety: every function from any thread; threads share a pool of connections
/// (maxPoolSize in the connection string). The key vault is read through a pool of its own, so
/// that a small pool cannot wait for itself. After a fork the child makes a client of its own: here
/// every call would be Errc::invalid_argument.
///
/// Answers pass libmongoc first. Its version 1.23 ends the process for some that no MongoDB gives:
/// lengths in BSON that do not fit, a writeConcernError that is no document. Connect by TLS where
/// somebody else may answer.
///
/// Not there: transactions and causally consistent sessions; retryable reads and writes (a Failure
/// with Errc::server_unreachable leaves open whether a write was done; repeat it when it may be
/// done twice); change streams; unacknowledged writes (w=0), for they cannot fail visibly. Read
/// concern, read preference and write concern come from the connection string.
class FLE_API EncryptedClient {
 public:
  /// Talks to no server of MongoDB yet; those of mongodb+srv:// are looked up in DNS.
  ///
  /// @param uri  mongodb:// or mongodb+srv:// with all that it may say; never in an error.
  /// @retval Errc::invalid_argument  `uri` is no connection string, demands unacknowledged writes,
  ///                                 or the key vault's namespace is not "database.collection"
  /// @retval Errc::server_unreachable  DNS does not have the servers of mongodb+srv://
  /// @retval as kms::open_mongo_vault
  [[nodiscard]] static Outcome<std::unique_ptr<EncryptedClient>> create(std::string_view uri,
                                                                        ClientOptions options);
  EncryptedClient(const EncryptedClient&) = delete;
  EncryptedClient& operator=(const EncryptedClient&) = delete;
  /// Collections and cursors may outlive their client.
  ~EncryptedClient();

  /// Runs one command on the primary: encrypts it, sends it, decrypts the reply.
  ///
  /// A cursor in the reply is the caller's: getMore and killCursors are commands like all others,
  /// but a server that checks logins wants them in the session of the first command. Use
  /// EncryptedCollection::find or aggregate for results of many batches.
  ///
  /// @param command  one BSON document, the command's name first; without $db.
  /// @return         the reply. Write errors in it are the caller's to look for.
  /// @retval as AutoEncrypter::encrypt_command and decrypt_reply. A Failure of the latter comes
  ///         after the command was done.
  /// @retval Errc::invalid_argument  `command` has fields of a session or transaction: lsid, ...
  /// @retval Errc::server_unreachable, Errc::server_refused (with Failure::server_code)
  [[nodiscard]] Outcome<Document> run_command(std::string_view db, Bytes command);

  /// Talks to no server.
  [[nodiscard]] EncryptedCollection collection(std::string_view db, std::string_view name) const;
  /// Makes a collection.
  /// @param options  fields of MongoDB's command `create`, as one BSON document: {validator: ...}.
  /// @retval as run_command
  [[nodiscard]] Done create_collection(std::string_view db, std::string_view name,
                                       Bytes options = {});

  /// The key vault, for kms::create_data_key and ClientEncryption.
  [[nodiscard]] const std::shared_ptr<kms::KeyVault>& key_vault() const noexcept;
  /// The cache of data keys, for ClientEncryption and to forget or to load keys.
  [[nodiscard]] const std::shared_ptr<kms::KeyRing>& key_ring() const noexcept;

 private:
  explicit EncryptedClient(std::shared_ptr<CommandRunner> runner) noexcept;
  std::shared_ptr<CommandRunner> runner_;
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_ENCRYPTED_CLIENT_H_
