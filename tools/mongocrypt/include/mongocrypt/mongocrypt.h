/* The C interface of libmongocrypt, versions 1.7 to 1.21, as libfle's libmongocrypt.so.0 has it.
 *
 * For drivers: what compiles against libmongocrypt's own header compiles against this one, and the
 * same binary loads either library. docs/libmongocrypt.md says how to put it in place, and what
 * each function does here.
 *
 * Errors. A function that returns bool returns false when it failed; the status function of the
 * handle that it was called on then says why. Handles of the wrong kind and null pointers are
 * refused where they can be told; a handle that was destroyed cannot.
 *
 * Threads. A mongocrypt_t serves any number of threads once it is initialized. Every other handle
 * is for one thread at a time; the KMS contexts of one context may be fed by a thread each.
 *
 * Bytes. A mongocrypt_binary_t views memory of the caller's; what is handed in is copied before the
 * call returns. What is handed out lives as long as the handle that it came from; a message to a
 * KMS until mongocrypt_ctx_kms_done, or until it is asked for again.
 *
 * Lengths of texts are in bytes; -1 means that the text ends at its NUL.
 */
#ifndef FLE_MONGOCRYPT_MONGOCRYPT_H_
#define FLE_MONGOCRYPT_MONGOCRYPT_H_

/* NOLINTBEGIN: C, and names that are not ours to choose */
#include <stdbool.h>
#include <stdint.h>

#if defined(FLE_MONGOCRYPT_BUILDING)
#define MONGOCRYPT_EXPORT __attribute__((visibility("default")))
#else
#define MONGOCRYPT_EXPORT
#endif

/* The release of libmongocrypt whose interface this is. */
#define MONGOCRYPT_VERSION "1.21.0"

#ifdef __cplusplus
extern "C" {
#endif

/* "1.21.0+libfle.VERSION": with it a process shows whose library it has loaded. `len`, if not null,
 * receives its length. */
MONGOCRYPT_EXPORT const char* mongocrypt_version(uint32_t* len);
/* True: cryptography never has to come from hooks. */
MONGOCRYPT_EXPORT bool mongocrypt_is_crypto_available(void);

/* ---- Views of bytes. ---- */

/* For reading and writing in place, as some drivers do. One that mongocrypt_binary_new made is
 * longer than this: a view must come from there, or from mongocrypt_binary_new_from_data. */
typedef struct _mongocrypt_binary_t {
  void* data;
  uint32_t len;
} mongocrypt_binary_t;

/* An empty view, to be filled. Null when there is no memory. */
MONGOCRYPT_EXPORT mongocrypt_binary_t* mongocrypt_binary_new(void);
/* A view of `len` bytes, which must outlive it. */
MONGOCRYPT_EXPORT mongocrypt_binary_t* mongocrypt_binary_new_from_data(uint8_t* data, uint32_t len);
MONGOCRYPT_EXPORT uint8_t* mongocrypt_binary_data(const mongocrypt_binary_t* binary);
MONGOCRYPT_EXPORT uint32_t mongocrypt_binary_len(const mongocrypt_binary_t* binary);
/* Frees the view, not what it views. Null is fine. */
MONGOCRYPT_EXPORT void mongocrypt_binary_destroy(mongocrypt_binary_t* binary);

/* ---- What went wrong. ---- */

typedef struct _mongocrypt_status_t mongocrypt_status_t;

typedef enum {
  MONGOCRYPT_STATUS_OK = 0,
  MONGOCRYPT_STATUS_ERROR_CLIENT = 1,       /* of this library, or of how it was called */
  MONGOCRYPT_STATUS_ERROR_KMS = 2,          /* of a key management service */
  MONGOCRYPT_STATUS_ERROR_CRYPT_SHARED = 3, /* of query analysis; the code is the server's */
} mongocrypt_status_type_t;

MONGOCRYPT_EXPORT mongocrypt_status_t* mongocrypt_status_new(void);
/* For hooks. `message_len` counts the terminating NUL, or is -1. */
MONGOCRYPT_EXPORT void mongocrypt_status_set(mongocrypt_status_t* status,
                                             mongocrypt_status_type_t type, uint32_t code,
                                             const char* message, int32_t message_len);
MONGOCRYPT_EXPORT mongocrypt_status_type_t mongocrypt_status_type(mongocrypt_status_t* status);
MONGOCRYPT_EXPORT uint32_t mongocrypt_status_code(mongocrypt_status_t* status);
/* The text, which lives as long as the status stays as it is; null when there is none. */
MONGOCRYPT_EXPORT const char* mongocrypt_status_message(mongocrypt_status_t* status, uint32_t* len);
MONGOCRYPT_EXPORT bool mongocrypt_status_ok(mongocrypt_status_t* status);
MONGOCRYPT_EXPORT void mongocrypt_status_destroy(mongocrypt_status_t* status);

/* ---- The handle of a client. ---- */

typedef struct _mongocrypt_t mongocrypt_t;

typedef enum {
  MONGOCRYPT_LOG_LEVEL_FATAL = 0,
  MONGOCRYPT_LOG_LEVEL_ERROR = 1,
  MONGOCRYPT_LOG_LEVEL_WARNING = 2,
  MONGOCRYPT_LOG_LEVEL_INFO = 3,
  MONGOCRYPT_LOG_LEVEL_TRACE = 4
} mongocrypt_log_level_t;
typedef void (*mongocrypt_log_fn_t)(mongocrypt_log_level_t level, const char* message,
                                    uint32_t message_len, void* ctx);

/* Cryptography of the driver's own, which this library accepts and does not call; an original does.
 */
typedef bool (*mongocrypt_crypto_fn)(void* ctx, mongocrypt_binary_t* key, mongocrypt_binary_t* iv,
                                     mongocrypt_binary_t* in, mongocrypt_binary_t* out,
                                     uint32_t* bytes_written, mongocrypt_status_t* status);
typedef bool (*mongocrypt_hmac_fn)(void* ctx, mongocrypt_binary_t* key, mongocrypt_binary_t* in,
                                   mongocrypt_binary_t* out, mongocrypt_status_t* status);
typedef bool (*mongocrypt_hash_fn)(void* ctx, mongocrypt_binary_t* in, mongocrypt_binary_t* out,
                                   mongocrypt_status_t* status);
typedef bool (*mongocrypt_random_fn)(void* ctx, mongocrypt_binary_t* out, uint32_t count,
                                     mongocrypt_status_t* status);

MONGOCRYPT_EXPORT mongocrypt_t* mongocrypt_new(void);

/* Options; each before mongocrypt_init(). */
MONGOCRYPT_EXPORT bool mongocrypt_setopt_log_handler(mongocrypt_t* crypt,
                                                     mongocrypt_log_fn_t log_fn, void* log_ctx);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_kms_provider_aws(mongocrypt_t* crypt,
                                                          const char* aws_access_key_id,
                                                          int32_t aws_access_key_id_len,
                                                          const char* aws_secret_access_key,
                                                          int32_t aws_secret_access_key_len);
/* 96 bytes. */
MONGOCRYPT_EXPORT bool mongocrypt_setopt_kms_provider_local(mongocrypt_t* crypt,
                                                            mongocrypt_binary_t* key);
/* BSON, as kmsProviders of drivers. An empty document: credentials come when a key needs them. */
MONGOCRYPT_EXPORT bool mongocrypt_setopt_kms_providers(mongocrypt_t* crypt,
                                                       mongocrypt_binary_t* kms_providers);
/* BSON: {"db.collection": JSON Schema, ...}. Each is compiled when a command first needs it. */
MONGOCRYPT_EXPORT bool mongocrypt_setopt_schema_map(mongocrypt_t* crypt,
                                                    mongocrypt_binary_t* schema_map);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_encrypted_field_config_map(mongocrypt_t* crypt,
                                                                    mongocrypt_binary_t* efc_map);
MONGOCRYPT_EXPORT void mongocrypt_setopt_append_crypt_shared_lib_search_path(mongocrypt_t* crypt,
                                                                             const char* path);
MONGOCRYPT_EXPORT void mongocrypt_setopt_set_crypt_shared_lib_path_override(mongocrypt_t* crypt,
                                                                            const char* path);
MONGOCRYPT_EXPORT void mongocrypt_setopt_use_need_kms_credentials_state(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT void mongocrypt_setopt_use_need_mongo_collinfo_with_db_state(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_enable_multiple_collinfo(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_retry_kms(mongocrypt_t* crypt, bool enable);
/* Milliseconds that a data key may be used before it is fetched anew; 0: for ever. */
MONGOCRYPT_EXPORT bool mongocrypt_setopt_key_expiration(mongocrypt_t* crypt,
                                                        uint64_t cache_expiration_ms);
MONGOCRYPT_EXPORT void mongocrypt_setopt_bypass_query_analysis(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_use_range_v2(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_crypto_hooks(mongocrypt_t* crypt,
                                                      mongocrypt_crypto_fn aes_256_cbc_encrypt,
                                                      mongocrypt_crypto_fn aes_256_cbc_decrypt,
                                                      mongocrypt_random_fn random,
                                                      mongocrypt_hmac_fn hmac_sha_512,
                                                      mongocrypt_hmac_fn hmac_sha_256,
                                                      mongocrypt_hash_fn sha_256, void* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_aes_256_ctr(mongocrypt_t* crypt,
                                                     mongocrypt_crypto_fn aes_256_ctr_encrypt,
                                                     mongocrypt_crypto_fn aes_256_ctr_decrypt,
                                                     void* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_aes_256_ecb(mongocrypt_t* crypt,
                                                     mongocrypt_crypto_fn aes_256_ecb_encrypt,
                                                     void* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5(
    mongocrypt_t* crypt, mongocrypt_hmac_fn sign_rsaes_pkcs1_v1_5, void* sign_ctx);

/* Once. Afterwards contexts can be made, and no option set. */
MONGOCRYPT_EXPORT bool mongocrypt_init(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_status(mongocrypt_t* crypt, mongocrypt_status_t* status);
/* Contexts that are left may still be used and destroyed. Null is fine. */
MONGOCRYPT_EXPORT void mongocrypt_destroy(mongocrypt_t* crypt);

/* The analyzer is in here, and nothing is to be spawned: not null once initialized, but where an
 * original is to do what only its own analyzer can tell (docs/libmongocrypt.md). */
MONGOCRYPT_EXPORT const char* mongocrypt_crypt_shared_lib_version_string(const mongocrypt_t* crypt,
                                                                         uint32_t* len);
MONGOCRYPT_EXPORT uint64_t mongocrypt_crypt_shared_lib_version(const mongocrypt_t* crypt);

/* ---- One operation. ---- */

typedef struct _mongocrypt_ctx_t mongocrypt_ctx_t;

typedef enum {
  MONGOCRYPT_CTX_ERROR = 0,
  MONGOCRYPT_CTX_NEED_MONGO_COLLINFO = 1, /* run listCollections with the filter of mongo_op */
  MONGOCRYPT_CTX_NEED_MONGO_MARKINGS = 2, /* of an original alone, see FLE_MONGOCRYPT_QE */
  MONGOCRYPT_CTX_NEED_MONGO_KEYS = 3,     /* run find in the key vault with that filter */
  MONGOCRYPT_CTX_NEED_KMS = 4,            /* run every KMS context */
  MONGOCRYPT_CTX_READY = 5,               /* finalize */
  MONGOCRYPT_CTX_DONE = 6,
  MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS = 7,        /* provide_kms_providers */
  MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB = 8, /* as 1, in the database of mongo_db */
} mongocrypt_ctx_state_t;

#define MONGOCRYPT_ALGORITHM_DETERMINISTIC_STR "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
#define MONGOCRYPT_ALGORITHM_RANDOM_STR "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
/* Of Queryable Encryption, which is handed over (FLE_MONGOCRYPT_QE) or refused. */
#define MONGOCRYPT_ALGORITHM_INDEXED_STR "Indexed"
#define MONGOCRYPT_ALGORITHM_UNINDEXED_STR "Unindexed"
#define MONGOCRYPT_ALGORITHM_RANGE_STR "Range"
#define MONGOCRYPT_ALGORITHM_RANGEPREVIEW_DEPRECATED_STR "RangePreview"
#define MONGOCRYPT_ALGORITHM_TEXTPREVIEW_STR "TextPreview"
#define MONGOCRYPT_QUERY_TYPE_EQUALITY_STR "equality"
#define MONGOCRYPT_QUERY_TYPE_RANGE_STR "range"
#define MONGOCRYPT_QUERY_TYPE_RANGEPREVIEW_DEPRECATED_STR "rangePreview"
#define MONGOCRYPT_QUERY_TYPE_PREFIXPREVIEW_STR "prefixPreview"
#define MONGOCRYPT_QUERY_TYPE_SUFFIXPREVIEW_STR "suffixPreview"
#define MONGOCRYPT_QUERY_TYPE_SUBSTRINGPREVIEW_STR "substringPreview"

MONGOCRYPT_EXPORT mongocrypt_ctx_t* mongocrypt_ctx_new(mongocrypt_t* crypt);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_status(mongocrypt_ctx_t* ctx, mongocrypt_status_t* status);

/* Options; each before an init function of the context. */
/* The 16 bytes of a data key's id. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_key_id(mongocrypt_ctx_t* ctx,
                                                    mongocrypt_binary_t* key_id);
/* BSON: {"keyAltName": string}. Again for each name of a new data key. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_key_alt_name(mongocrypt_ctx_t* ctx,
                                                          mongocrypt_binary_t* key_alt_name);
/* BSON: {"keyMaterial": binary of 96 bytes}. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_key_material(mongocrypt_ctx_t* ctx,
                                                          mongocrypt_binary_t* key_material);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_algorithm(mongocrypt_ctx_t* ctx, const char* algorithm,
                                                       int len);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_masterkey_aws(mongocrypt_ctx_t* ctx,
                                                           const char* region, int32_t region_len,
                                                           const char* cmk, int32_t cmk_len);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_masterkey_aws_endpoint(mongocrypt_ctx_t* ctx,
                                                                    const char* endpoint,
                                                                    int32_t endpoint_len);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_masterkey_local(mongocrypt_ctx_t* ctx);
/* BSON: {"provider": string, and what drivers call masterKey}. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_key_encryption_key(mongocrypt_ctx_t* ctx,
                                                                mongocrypt_binary_t* bin);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_contention_factor(mongocrypt_ctx_t* ctx,
                                                               int64_t contention_factor);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_index_key_id(mongocrypt_ctx_t* ctx,
                                                          mongocrypt_binary_t* key_id);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_query_type(mongocrypt_ctx_t* ctx,
                                                        const char* query_type, int len);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_algorithm_range(mongocrypt_ctx_t* ctx,
                                                             mongocrypt_binary_t* opts);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_setopt_algorithm_text(mongocrypt_ctx_t* ctx,
                                                            mongocrypt_binary_t* opts);

/* What the context is for; once. Documents are BSON. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_datakey_init(mongocrypt_ctx_t* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_encrypt_init(mongocrypt_ctx_t* ctx, const char* db,
                                                   int32_t db_len, mongocrypt_binary_t* cmd);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_decrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* doc);
/* {"v": value} */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_explicit_encrypt_init(mongocrypt_ctx_t* ctx,
                                                            mongocrypt_binary_t* msg);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_explicit_encrypt_expression_init(mongocrypt_ctx_t* ctx,
                                                                       mongocrypt_binary_t* msg);
/* {"v": binary of subtype 6} */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_explicit_decrypt_init(mongocrypt_ctx_t* ctx,
                                                            mongocrypt_binary_t* msg);
/* A filter of the key vault. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_rewrap_many_datakey_init(mongocrypt_ctx_t* ctx,
                                                               mongocrypt_binary_t* filter);

MONGOCRYPT_EXPORT mongocrypt_ctx_state_t mongocrypt_ctx_state(mongocrypt_ctx_t* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_mongo_op(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* op_bson);
/* The database that the operation runs in, for state 8; else null. */
MONGOCRYPT_EXPORT const char* mongocrypt_ctx_mongo_db(mongocrypt_ctx_t* ctx);
/* One document of the answer; as often as it has documents. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_mongo_feed(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* reply);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_mongo_done(mongocrypt_ctx_t* ctx);
/* BSON, as kmsProviders; for this context only. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_provide_kms_providers(
    mongocrypt_ctx_t* ctx, mongocrypt_binary_t* kms_providers_definition);
MONGOCRYPT_EXPORT bool mongocrypt_ctx_finalize(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* out);
/* Null is fine. */
MONGOCRYPT_EXPORT void mongocrypt_ctx_destroy(mongocrypt_ctx_t* ctx);

/* ---- One message to a key management service. Belongs to its context. ---- */

typedef struct _mongocrypt_kms_ctx_t mongocrypt_kms_ctx_t;

/* Null when there is none left to run. */
MONGOCRYPT_EXPORT mongocrypt_kms_ctx_t* mongocrypt_ctx_next_kms_ctx(mongocrypt_ctx_t* ctx);
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_message(mongocrypt_kms_ctx_t* kms,
                                                  mongocrypt_binary_t* msg);
/* "HOST:PORT", to be reached by TLS. */
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_endpoint(mongocrypt_kms_ctx_t* kms,
                                                   const char** endpoint);
/* How much of the answer is wanted at most; 0: no more. */
MONGOCRYPT_EXPORT uint32_t mongocrypt_kms_ctx_bytes_needed(mongocrypt_kms_ctx_t* kms);
/* Microseconds to wait before the message is sent. */
MONGOCRYPT_EXPORT int64_t mongocrypt_kms_ctx_usleep(mongocrypt_kms_ctx_t* kms);
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_feed(mongocrypt_kms_ctx_t* kms,
                                               mongocrypt_binary_t* bytes);
/* The same; *should_retry: the message is to be sent again, see mongocrypt_ctx_next_kms_ctx(). */
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_feed_with_retry(mongocrypt_kms_ctx_t* kms,
                                                          mongocrypt_binary_t* bytes,
                                                          bool* should_retry);
/* The network failed. True: the message is to be sent again. */
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_fail(mongocrypt_kms_ctx_t* kms);
MONGOCRYPT_EXPORT bool mongocrypt_kms_ctx_status(mongocrypt_kms_ctx_t* kms,
                                                 mongocrypt_status_t* status);
/* "aws", "azure", "gcp" or "kmip", with the name if the provider has one. */
MONGOCRYPT_EXPORT const char* mongocrypt_kms_ctx_get_kms_provider(mongocrypt_kms_ctx_t* kms,
                                                                  uint32_t* len);
/* All KMS contexts of the round have run. */
MONGOCRYPT_EXPORT bool mongocrypt_ctx_kms_done(mongocrypt_ctx_t* ctx);

#ifdef __cplusplus
}
#endif
/* NOLINTEND */

#endif /* FLE_MONGOCRYPT_MONGOCRYPT_H_ */
