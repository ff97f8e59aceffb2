#ifndef FLE_C_SRC_HANDLES_H_
#define FLE_C_SRC_HANDLES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "fle.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/client_encryption.h"
#include "fle/client/document_cipher.h"
#include "fle/failure.h"
#include "fle/secret.h"
#include "fle/wiped.h"

/// What the handles of fle.h are. Each owns or shares what it needs, whatever becomes of the
/// others.

struct fle_error {
  fle::Failure failure;
  int code = FLE_OK;
  std::string line;  ///< Of a failure, as one text.
};

struct fle_buffer {
  fle::WipedBytes bytes;
  std::uint64_t fields = 0;
  std::uint64_t kept = 0;
  // Scratch of the calls that fill it: what they allocate once they need not allocate again, which
  // is most of their time. Between calls it holds no plaintext.
  std::optional<fle::client::Batch> batch;
  std::optional<fle::client::Message> message;
};

struct fle_kms_options {
  fle::kms::KmsOptions options;
};

struct fle_providers {
  std::shared_ptr<fle::kms::Providers> providers;
  fle::LockPolicy lock_policy;
};

struct fle_vault {
  std::shared_ptr<fle::kms::KeyVault> vault;
};

struct fle_key_options {
  fle::kms::MasterKey master_key = fle::kms::MasterKey::local();
  std::vector<std::string> alt_names;
  fle::SecretBytes material;  ///< Empty: random.
};

struct fle_keys {
  std::shared_ptr<fle::kms::KeyVault> vault;
  fle::client::ClientEncryption encryption;
};

struct fle_schema {
  std::shared_ptr<const fle::schema::Plan> plan;
};

struct fle_cipher {
  fle::client::DocumentCipher cipher;
  fle::bson::Limits limits;
};

struct fle_batch {
  fle::client::Batch batch;
};

namespace fle::c {

/// The schemas of collections, which may be set while commands run.
class Schemas {
 public:
  void set(std::string ns, std::shared_ptr<const schema::Plan> plan);
  /// Null: there is none.
  [[nodiscard]] std::shared_ptr<const schema::Plan> find(std::string_view ns) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const schema::Plan>, std::less<>> plans_;
};

}  // namespace fle::c

struct fle_commands {
  std::shared_ptr<fle::c::Schemas> schemas;
  fle::client::AutoEncrypter encrypter;
};

#endif  // FLE_C_SRC_HANDLES_H_
