// The handle of a client.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/version.h"
#include "handle/context_options.h"
#include "handles.h"

namespace {

using fle::Bytes;
using fle::Done;
using fle::Errc;
using fle::ok;
using fle::mongocrypt::bytes_of;
using fle::mongocrypt::Crypt;
using fle::mongocrypt::CryptOptions;
using fle::mongocrypt::invalid;
using fle::mongocrypt::is_valid;
using fle::mongocrypt::not_a_handle;
using fle::mongocrypt::text_of;

/// Runs a call on a handle.
template <class Call>
bool on(mongocrypt_t* handle, Call call) noexcept {
  // An option that was refused is missing: who goes on without it might send plaintext.
  if (!is_valid(handle) || !handle->crypt->status.is_ok()) return false;
  return fle::mongocrypt::guarded(handle->crypt->status, [&] { return call(*handle->crypt); });
}

/// Sets an option.
template <class Set>
bool set(mongocrypt_t* handle, Set set_option) noexcept {
  return on(handle, [&](Crypt& crypt) -> Done {
    FLE_TRY(CryptOptions* const options, crypt.options_to_set());
    return set_option(*options);
  });
}

/// Adds KMS providers, once they have proved to be right.
Done add_providers(CryptOptions& options, Bytes document) {
  auto& all = options.kms_providers;
  all.emplace_back(document.begin(), document.end());
  auto checked = fle::mongocrypt::Credentials::from_bson(all, Crypt::kms_options(options));
  if (checked) return ok;
  all.pop_back();
  return checked.error();
}

/// Whether the driver needs no analyzer of its own.
bool has_analyzer(const mongocrypt_t* handle) noexcept {
  return is_valid(handle) && handle->crypt->is_ready() && !handle->crypt->asks_markings();
}

bool is_empty(Bytes document) noexcept {
  fle::bson::Cursor cursor(document);
  return !cursor.next() && !cursor.malformed();
}

}  // namespace

extern "C" {

mongocrypt_t* mongocrypt_new() { return fle::mongocrypt::create<mongocrypt_t>(); }

bool mongocrypt_setopt_log_handler(mongocrypt_t* crypt, mongocrypt_log_fn_t log_fn, void* log_ctx) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    options.log = log_fn;
    options.log_context = log_ctx;
    return ok;
  });
}

bool mongocrypt_setopt_kms_provider_aws(mongocrypt_t* crypt, const char* aws_access_key_id,
                                        int32_t aws_access_key_id_len,
                                        const char* aws_secret_access_key,
                                        int32_t aws_secret_access_key_len) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    const auto id = text_of(aws_access_key_id, aws_access_key_id_len);
    const auto secret = text_of(aws_secret_access_key, aws_secret_access_key_len);
    if (!id) return invalid("invalid aws access key id");
    if (!secret) return invalid("invalid aws secret access key");
    fle::bson::Writer w;
    w.begin_document("aws").add_string("accessKeyId", *id);
    w.add_string("secretAccessKey", *secret);
    return add_providers(options, w.finish());
  });
}

bool mongocrypt_setopt_kms_provider_local(mongocrypt_t* crypt, mongocrypt_binary_t* key) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    const auto bytes = bytes_of(key);
    if (!bytes) return not_a_handle("the binary of the local key");
    if (bytes->size() != 96) return invalid("local key must be 96 bytes");
    fle::bson::Writer w;
    w.begin_document("local").add_binary("key", 0, *bytes);
    return add_providers(options, w.finish());
  });
}

bool mongocrypt_setopt_kms_providers(mongocrypt_t* crypt, mongocrypt_binary_t* kms_providers) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    const auto bytes = bytes_of(kms_providers);
    if (!bytes) return not_a_handle("the binary of the KMS providers");
    return add_providers(options, *bytes);
  });
}

bool mongocrypt_setopt_schema_map(mongocrypt_t* crypt, mongocrypt_binary_t* schema_map) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    const auto bytes = bytes_of(schema_map);
    if (!bytes) return not_a_handle("the binary of the schema map");
    if (options.schema_map) return invalid("already set schema");
    FLE_CHECK(fle::mongocrypt::SchemaMap::from_bson(*bytes));
    options.schema_map.emplace(bytes->begin(), bytes->end());
    return ok;
  });
}

bool mongocrypt_setopt_encrypted_field_config_map(mongocrypt_t* crypt,
                                                  mongocrypt_binary_t* efc_map) {
  return on(crypt, [&](Crypt& c) -> Done {
    FLE_TRY(CryptOptions* const options, c.options_to_set());
    const auto bytes = bytes_of(efc_map);
    if (!bytes) return not_a_handle("the binary of the encrypted field config map");
    if (is_empty(*bytes)) return ok;
    if (c.original() == nullptr) return c.refuse_queryable("encryptedFieldsMap");
    if (!options->encrypted_field_map.empty()) return invalid("already set encryptedFieldsMap");
    FLE_CHECK(fle::mongocrypt::check_encrypted_field_map(*bytes));
    options->encrypted_field_map.assign(bytes->begin(), bytes->end());
    return ok;
  });
}

void mongocrypt_setopt_append_crypt_shared_lib_search_path(mongocrypt_t* crypt, const char* path) {
  (void)set(crypt, [&](CryptOptions& options) -> Done {
    if (path != nullptr) options.analyzer_folders.emplace_back(path);
    return ok;
  });
}

void mongocrypt_setopt_set_crypt_shared_lib_path_override(mongocrypt_t* crypt, const char* path) {
  (void)set(crypt, [&](CryptOptions& options) -> Done {
    if (path != nullptr) options.analyzer_path = path;
    return ok;
  });
}

void mongocrypt_setopt_use_need_kms_credentials_state(mongocrypt_t* crypt) {
  (void)set(crypt, [](CryptOptions& options) -> Done {
    options.asks_credentials = true;
    return ok;
  });
}

void mongocrypt_setopt_use_need_mongo_collinfo_with_db_state(mongocrypt_t* crypt) {
  (void)set(crypt, [](CryptOptions& options) -> Done {
    options.asks_with_db = true;
    return ok;
  });
}

bool mongocrypt_setopt_enable_multiple_collinfo(mongocrypt_t* crypt) {
  return set(crypt, [](CryptOptions& options) -> Done {
    options.asks_together = true;
    return ok;
  });
}

bool mongocrypt_setopt_retry_kms(mongocrypt_t* crypt, bool enable) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    options.retries_kms = enable;
    return ok;
  });
}

bool mongocrypt_setopt_key_expiration(mongocrypt_t* crypt, uint64_t cache_expiration_ms) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    // A hundred years are for ever, and do not overflow a clock.
    constexpr uint64_t kMost = 100ULL * 365 * 24 * 3600 * 1000;
    options.key_lifetime = std::chrono::milliseconds(std::min(cache_expiration_ms, kMost));
    return ok;
  });
}

void mongocrypt_setopt_bypass_query_analysis(mongocrypt_t* crypt) {
  (void)set(crypt, [](CryptOptions& options) -> Done {
    options.bypasses_analysis = true;
    return ok;
  });
}

bool mongocrypt_setopt_use_range_v2(mongocrypt_t* crypt) {
  return set(crypt, [](CryptOptions& options) -> Done {
    options.uses_range_v2 = true;
    return ok;
  });
}

bool mongocrypt_setopt_crypto_hooks(mongocrypt_t* crypt, mongocrypt_crypto_fn aes_256_cbc_encrypt,
                                    mongocrypt_crypto_fn aes_256_cbc_decrypt,
                                    mongocrypt_random_fn random, mongocrypt_hmac_fn hmac_sha_512,
                                    mongocrypt_hmac_fn hmac_sha_256, mongocrypt_hash_fn sha_256,
                                    void* ctx) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    if (aes_256_cbc_encrypt == nullptr || aes_256_cbc_decrypt == nullptr || random == nullptr ||
        hmac_sha_512 == nullptr || hmac_sha_256 == nullptr || sha_256 == nullptr)
      return invalid("a crypto hook is null");
    options.hooks.cbc_encrypt = aes_256_cbc_encrypt;
    options.hooks.cbc_decrypt = aes_256_cbc_decrypt;
    options.hooks.random = random;
    options.hooks.hmac_sha_512 = hmac_sha_512;
    options.hooks.hmac_sha_256 = hmac_sha_256;
    options.hooks.sha_256 = sha_256;
    options.hooks.context = ctx;
    return ok;
  });
}

bool mongocrypt_setopt_aes_256_ctr(mongocrypt_t* crypt, mongocrypt_crypto_fn aes_256_ctr_encrypt,
                                   mongocrypt_crypto_fn aes_256_ctr_decrypt, void* ctx) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    if (aes_256_ctr_encrypt == nullptr || aes_256_ctr_decrypt == nullptr)
      return invalid("a crypto hook is null");
    options.hooks.ctr_encrypt = aes_256_ctr_encrypt;
    options.hooks.ctr_decrypt = aes_256_ctr_decrypt;
    options.hooks.ctr_context = ctx;
    return ok;
  });
}

bool mongocrypt_setopt_aes_256_ecb(mongocrypt_t* crypt, mongocrypt_crypto_fn aes_256_ecb_encrypt,
                                   void* ctx) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    if (aes_256_ecb_encrypt == nullptr) return invalid("a crypto hook is null");
    options.hooks.ecb_encrypt = aes_256_ecb_encrypt;
    options.hooks.ecb_context = ctx;
    return ok;
  });
}

bool mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5(mongocrypt_t* crypt,
                                                         mongocrypt_hmac_fn sign_rsaes_pkcs1_v1_5,
                                                         void* sign_ctx) {
  return set(crypt, [&](CryptOptions& options) -> Done {
    if (sign_rsaes_pkcs1_v1_5 == nullptr) return invalid("a crypto hook is null");
    options.hooks.sign = sign_rsaes_pkcs1_v1_5;
    options.hooks.sign_context = sign_ctx;
    return ok;
  });
}

bool mongocrypt_init(mongocrypt_t* crypt) {
  return on(crypt, [](Crypt& c) { return c.init(); });
}

bool mongocrypt_status(mongocrypt_t* crypt, mongocrypt_status_t* status) {
  if (!is_valid(crypt) || !is_valid(status)) return false;
  return fle::mongocrypt::copy_status(crypt->crypt->status, *status);
}

void mongocrypt_destroy(mongocrypt_t* crypt) {
  if (is_valid(crypt)) crypt->crypt->stop_calling();
  fle::mongocrypt::destroy(crypt);
}

const char* mongocrypt_crypt_shared_lib_version_string(const mongocrypt_t* crypt, uint32_t* len) {
  static constexpr char kVersion[] = "mongo_crypt_v1-libfle-" FLE_VERSION_STRING "-inside";
  if (len != nullptr) *len = 0;
  if (!has_analyzer(crypt)) return nullptr;
  if (len != nullptr) *len = sizeof kVersion - 1;
  return kVersion;
}

uint64_t mongocrypt_crypt_shared_lib_version(const mongocrypt_t* crypt) {
  // The version of crypt_shared whose rules these are: see mongo_crypt_v1.h.
  constexpr uint64_t kVersion = 0x0008'0001'0000'0000;
  return has_analyzer(crypt) ? kVersion : 0;
}

}  // extern "C"
