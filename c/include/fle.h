#ifndef FLE_H_
#define FLE_H_

#include <stddef.h>
#include <stdint.h>

#include "fle/version.h"  // FLE_VERSION and its parts

/// libfle for C, and for languages that call C. C99; docs/embedding.md has a tour, examples/embed
/// whole programs. It is libfle's C++ interface (fle/fle.h) behind functions: the same code, the
/// same bytes. What is not in here (rewrapping, reencryption, callbacks) is there.
///
/// Handles. What has `_create` or `_open` in its name makes a handle, or returns NULL and says why
/// in `error`; `_destroy` frees it, and does nothing with NULL. A handle keeps what it was made of:
/// they may be destroyed in any order, once no call uses them.
///
/// Errors. Every other function that may fail returns 0 or a code, and tells the rest to `error`,
/// which may be NULL. Where a pointer that must be given is NULL, or a size or number cannot be,
/// the code is FLE_ERRC_INVALID_ARGUMENT. No error holds a value or a key. Nothing is thrown,
/// printed (but see fle_vault_open_mongodb) or ended.
///
/// Bytes and texts go in as a pointer and a size in bytes, and are not kept but where it says so.
/// Texts are UTF-8; FLE_NUL as the size of one says that it ends in a NUL. Results go into a
/// fle_buffer, whose memory is wiped; what goes in may not stand in the one that a call fills. BSON
/// documents are those of bsonspec.org, version 1.1.
///
/// Threads. fle_keys, fle_vault, fle_schema, fle_cipher and fle_commands may be used by any number
/// of threads at once; every other handle by one at a time. After a fork, make them anew in the
/// child.
///
/// Later releases add functions, flags and codes. Until 1.0 a minor release may change others; the
/// soname changes with it.

#define FLE_C_API __attribute__((visibility("default")))
#define FLE_NUL ((size_t)-1)

#ifdef __cplusplus
extern "C" {
#endif

/// The version of the library that runs, "0.1.0": FLE_VERSION_STRING is that of this header.
FLE_C_API const char* fle_version(void);
/// The same as FLE_MAKE_VERSION makes it.
FLE_C_API int fle_version_number(void);

// Errors.

// clang-format off
/// Codes, the same as those of fle/errc.h, where each is explained. Numbers never change.
enum fle_errc {
  FLE_OK = 0,
  FLE_ERRC_INVALID_ARGUMENT = 1, FLE_ERRC_BUFFER_TOO_SMALL = 2, FLE_ERRC_AUTH_FAILED = 3,
  FLE_ERRC_NO_MEMORY = 4, FLE_ERRC_LOCK_FAILED = 5, FLE_ERRC_RANDOM_FAILED = 6,
  FLE_ERRC_MALFORMED_PAYLOAD = 7, FLE_ERRC_KEY_NOT_INHERITED = 8, FLE_ERRC_CRYPTO_FAILED = 9,
  FLE_ERRC_NOT_IN_BUILD = 10, FLE_ERRC_KERNEL_UNAVAILABLE = 11, FLE_ERRC_WORK_LIMIT = 12,

  FLE_ERRC_MALFORMED_BSON = 100, FLE_ERRC_NESTING_TOO_DEEP = 101, FLE_ERRC_DOCUMENT_TOO_LARGE = 102,
  FLE_ERRC_DUPLICATE_FIELD = 103, FLE_ERRC_TYPE_NOT_ALLOWED = 104, FLE_ERRC_ALREADY_ENCRYPTED = 105,
  FLE_ERRC_ENCRYPTED_BELOW_ARRAY = 106, FLE_ERRC_AMBIGUOUS_PATH = 107,
  FLE_ERRC_DOTTED_FIELD_NAME = 108, FLE_ERRC_UNRESOLVED_KEY_POINTER = 109,
  FLE_ERRC_MISSING_ID = 110, FLE_ERRC_TIMESTAMP_ZERO = 111, FLE_ERRC_NOT_AN_OBJECT = 112,
  FLE_ERRC_NO_LONGER_ENCRYPTED = 113, FLE_ERRC_WRONG_TYPE = 114,

  FLE_ERRC_SCHEMA_SYNTAX = 200, FLE_ERRC_SCHEMA_UNKNOWN_KEYWORD = 201,
  FLE_ERRC_SCHEMA_TYPE_MISMATCH = 202, FLE_ERRC_SCHEMA_BAD_VALUE = 203,
  FLE_ERRC_SCHEMA_CONFLICT = 204, FLE_ERRC_SCHEMA_INCOMPLETE = 205,
  FLE_ERRC_SCHEMA_BAD_POSITION = 206, FLE_ERRC_SCHEMA_REMOTE_ONLY = 207,
  FLE_ERRC_SCHEMA_BAD_POINTER = 208,

  FLE_ERRC_KEY_NOT_FOUND = 300, FLE_ERRC_KEY_DOCUMENT_INVALID = 301,
  FLE_ERRC_KEY_UNWRAP_FAILED = 302, FLE_ERRC_KEY_DUPLICATE = 303,
  FLE_ERRC_KMS_NOT_CONFIGURED = 304, FLE_ERRC_KMS_CONFIG_INVALID = 305,
  FLE_ERRC_KMS_UNSUPPORTED = 306, FLE_ERRC_VAULT_FAILED = 307, FLE_ERRC_VAULT_BUSY = 308,
  FLE_ERRC_KMS_UNREACHABLE = 309, FLE_ERRC_KMS_REFUSED = 310, FLE_ERRC_KMS_BAD_ANSWER = 311,
  FLE_ERRC_KMS_NO_CREDENTIALS = 312, FLE_ERRC_MASTER_KEY_NOT_PINNED = 313,
  FLE_ERRC_KEY_NOT_SEALED = 314, FLE_ERRC_KEY_SEAL_BROKEN = 315, FLE_ERRC_VAULT_UNREACHABLE = 316,
  FLE_ERRC_KMS_BUSY = 317,

  FLE_ERRC_IO_FAILED = 400, FLE_ERRC_JSON_INVALID = 401, FLE_ERRC_TRUNCATED_STREAM = 402,
  FLE_ERRC_NOTHING_ENCRYPTED = 403, FLE_ERRC_IO_BUSY = 404, FLE_ERRC_VERIFICATION_FAILED = 405,
  FLE_ERRC_CANNOT_RESUME = 406,

  FLE_ERRC_COMMAND_NOT_SUPPORTED = 500, FLE_ERRC_COMMAND_MALFORMED = 501,
  FLE_ERRC_OPERATOR_NOT_ALLOWED = 502, FLE_ERRC_RANDOM_NOT_COMPARABLE = 503,
  FLE_ERRC_COMPARISON_NOT_POSSIBLE = 504, FLE_ERRC_UPDATE_NOT_ALLOWED = 505,
  FLE_ERRC_STAGE_NOT_ALLOWED = 506, FLE_ERRC_EXPRESSION_NOT_ALLOWED = 507,
  FLE_ERRC_ENCRYPTION_UNKNOWN = 508, FLE_ERRC_COLLATION_NOT_ALLOWED = 509,
  FLE_ERRC_POINTER_KEY_NOT_ALLOWED = 510, FLE_ERRC_VIEW_NOT_SUPPORTED = 511,
  FLE_ERRC_SCHEMA_MISSING = 512, FLE_ERRC_ANALYSIS_DISORDERED = 513,

  FLE_ERRC_SERVER_UNREACHABLE = 600, FLE_ERRC_SERVER_REFUSED = 601, FLE_ERRC_WRITE_FAILED = 602,
  FLE_ERRC_SERVER_BAD_ANSWER = 603
};
// clang-format on

/// "auth_failed" for 3; "ok" for 0, "unknown" for what is no code. Never NULL.
FLE_C_API const char* fle_errc_name(int code);

/// How the last call ended that it was given to. Keep one for each thread.
typedef struct fle_error fle_error;
/// NULL when there is no memory, which a call can do without.
FLE_C_API fle_error* fle_error_create(void);
FLE_C_API void fle_error_destroy(fle_error* error);
FLE_C_API int fle_error_code(const fle_error* error);
/// One line of text, with place and code: "document 3: field 'ssn': type_not_allowed: ...". Empty
/// after success. Valid until the next call that gets `error`; never NULL.
FLE_C_API const char* fle_error_message(const fle_error* error);
/// Where: a field's path or a JSON pointer. As fle_error_message.
FLE_C_API const char* fle_error_path(const fle_error* error);
/// Which document of a call or a stream, from 1; 0: none.
FLE_C_API uint64_t fle_error_document(const fle_error* error);
/// Where in a text, from 1 (columns in bytes); 0: nowhere.
FLE_C_API uint32_t fle_error_line(const fle_error* error);
FLE_C_API uint32_t fle_error_column(const fle_error* error);

// Results.

/// Bytes of the library's, wiped when they go. Every call that fills one lets go of what it had,
/// and leaves it empty where it fails. Keeps its memory for the next call.
typedef struct fle_buffer fle_buffer;
/// NULL when there is no memory.
FLE_C_API fle_buffer* fle_buffer_create(void);
FLE_C_API void fle_buffer_destroy(fle_buffer* buffer);
/// Wipes the content.
FLE_C_API void fle_buffer_clear(fle_buffer* buffer);
/// Valid until the next call that gets `buffer`. May be NULL when the size is 0.
FLE_C_API const uint8_t* fle_buffer_data(const fle_buffer* buffer);
FLE_C_API size_t fle_buffer_size(const fle_buffer* buffer);
/// Values that the call that filled it has encrypted or decrypted. None: has the schema a typing
/// error?
FLE_C_API uint64_t fle_buffer_fields(const fle_buffer* buffer);
/// Values that it has left encrypted, under FLE_KEEP_MISSING_KEYS.
FLE_C_API uint64_t fle_buffer_kept(const fle_buffer* buffer);

/// What functions take as `flags`, each those that it names; 0: none of them.
enum fle_flags {
  /// Go on where memory cannot be locked (RLIMIT_MEMLOCK): keys may then be swapped out. Else
  /// FLE_ERRC_LOCK_FAILED.
  FLE_LOCK_BEST_EFFORT = 0x01,
  /// Make the file when it is missing.
  FLE_CREATE_FILE = 0x02,
  /// When decrypting, a value whose key cannot be had stays encrypted.
  FLE_KEEP_MISSING_KEYS = 0x04,
  /// When encrypting, a value that the schema would have made is verified, and stays. Else
  /// FLE_ERRC_ALREADY_ENCRYPTED.
  FLE_KEEP_ENCRYPTED = 0x08,
  /// Open whatever was made once more, and compare. About doubles the cost.
  FLE_VERIFY = 0x10,
  /// When encrypting, a null stays as it is, or its field goes. Else FLE_ERRC_TYPE_NOT_ALLOWED.
  FLE_KEEP_NULLS = 0x20,
  FLE_OMIT_NULLS = 0x40,
  /// Commands on collections without a schema are sent in plaintext. Else FLE_ERRC_SCHEMA_MISSING.
  FLE_ALLOW_WITHOUT_SCHEMA = 0x80
};

// Keys. A data key is named by 16 bytes, its UUID in stored order, or by its alternate names.

/// Fills `out` from the operating system.
FLE_C_API int fle_random_bytes(void* out, size_t size, fle_error* error);

/// What reaching KMS servers needs beside kmsProviders (docs/kms.md, fle/kms/kms_options.h).
typedef struct fle_kms_options fle_kms_options;
FLE_C_API fle_kms_options* fle_kms_options_create(fle_error* error);
FLE_C_API void fle_kms_options_destroy(fle_kms_options* options);

enum fle_kms_text {
  FLE_TLS_CA_FILE = 1,       ///< PEM; else the system's authorities.
  FLE_TLS_CERTIFICATE_FILE,  ///< PEM; the client's, with its chain.
  FLE_TLS_PRIVATE_KEY_FILE,  ///< PEM; else it stands in the certificate's.
  FLE_ALLOWED_ENDPOINT,      ///< A host that a masterKey may name; one more each time.
  /// Master keys that may be used, as JSON of their fields: {"key": "arn:aws:kms:*"}. One more each
  /// time; with none, whoever writes to the vault may name any. Set them for all but local ones.
  FLE_MASTER_KEY_PIN
};
/// @param provider  KMS provider id, "aws" or "kmip:NAME", that `text` is for
/// FLE_ERRC_KMS_CONFIG_INVALID
FLE_C_API int fle_kms_options_set_text(fle_kms_options* options, int which, const char* provider,
                                       size_t provider_size, const char* text, size_t size,
                                       fle_error* error);
enum fle_kms_number {
  FLE_CONNECT_TIMEOUT_MS = 1,  ///< 10,000 unless set
  FLE_REQUEST_TIMEOUT_MS,      ///< 30,000
  FLE_CALL_TIMEOUT_MS,         ///< 60,000, all keys of a call together; 0: none
  FLE_MAX_RETRIES              ///< 3
};
FLE_C_API int fle_kms_options_set_number(fle_kms_options* options, int which, uint32_t number,
                                         fle_error* error);

/// KMS providers: what keeps the master keys that data keys are wrapped under.
typedef struct fle_providers fle_providers;
/// @param kms_providers  what drivers call kmsProviders, as Extended JSON (docs/kms.md):
///                       {"aws": {"accessKeyId": ...}, "local": {"key": ...}}. {} as the options of
///                       a cloud: what the machine offers. May be NULL: none yet.
/// @param options        may be NULL
/// @param flags          FLE_LOCK_BEST_EFFORT
/// FLE_ERRC_KMS_CONFIG_INVALID, FLE_ERRC_KMS_UNSUPPORTED
FLE_C_API fle_providers* fle_providers_create(const char* kms_providers, size_t size,
                                              const fle_kms_options* options, unsigned int flags,
                                              fle_error* error);
/// The same from a BSON document.
FLE_C_API fle_providers* fle_providers_create_bson(const void* kms_providers, size_t size,
                                                   const fle_kms_options* options,
                                                   unsigned int flags, fle_error* error);
/// Adds a local provider with a master key of 96 bytes. Only before a fle_keys is made of it.
/// @param id  "local" or "local:NAME"
/// FLE_ERRC_KMS_CONFIG_INVALID: another length, a bad id, or one that is taken
FLE_C_API int fle_providers_add_local(fle_providers* providers, const char* id, size_t id_size,
                                      const void* master_key, size_t size, fle_error* error);
FLE_C_API void fle_providers_destroy(fle_providers* providers);

/// Key vaults: where data keys are stored, wrapped. Any may also fail with FLE_ERRC_VAULT_FAILED,
/// FLE_ERRC_VAULT_BUSY, FLE_ERRC_VAULT_UNREACHABLE and FLE_ERRC_IO_BUSY while it is used.
typedef struct fle_vault fle_vault;
/// One in memory, for keys that fle_keys_import brings.
FLE_C_API fle_vault* fle_vault_open_memory(fle_error* error);
/// One in a file (SQLite), which many processes may share; that of `fle --vault`.
/// @param flags  FLE_CREATE_FILE
/// FLE_ERRC_VAULT_FAILED, FLE_ERRC_NOT_IN_BUILD
FLE_C_API fle_vault* fle_vault_open_file(const char* path, size_t path_size, unsigned int flags,
                                         fle_error* error);
/// One in MongoDB, as drivers have it, by libmongoc. That has a log, which goes to standard error
/// and which a program turns off by libmongoc's mongoc_log_set_handler().
/// @param ns  keyVaultNamespace, "encryption.__keyVault"
/// FLE_ERRC_VAULT_FAILED, FLE_ERRC_NOT_IN_BUILD
FLE_C_API fle_vault* fle_vault_open_mongodb(const char* uri, size_t uri_size, const char* ns,
                                            size_t ns_size, fle_error* error);
FLE_C_API void fle_vault_destroy(fle_vault* vault);

/// Providers and vault together, with the cache of unwrapped keys: one for the process.
typedef struct fle_keys fle_keys;
/// @param flags  FLE_LOCK_BEST_EFFORT
FLE_C_API fle_keys* fle_keys_create(fle_vault* vault, fle_providers* providers, unsigned int flags,
                                    fle_error* error);
FLE_C_API void fle_keys_destroy(fle_keys* keys);

/// What a new data key gets.
typedef struct fle_key_options fle_key_options;
FLE_C_API fle_key_options* fle_key_options_create(fle_error* error);
FLE_C_API void fle_key_options_destroy(fle_key_options* options);
/// @param provider  KMS provider id, "aws"
/// @param fields    what drivers call masterKey, as Extended JSON: {"region": ..., "key": ...}. May
///                  be NULL where there are none, as for "local".
/// FLE_ERRC_KEY_DOCUMENT_INVALID: a field is missing, unknown or of another type
FLE_C_API int fle_key_options_set_master_key(fle_key_options* options, const char* provider,
                                             size_t provider_size, const char* fields,
                                             size_t fields_size, fle_error* error);
/// An alternate name more.
FLE_C_API int fle_key_options_add_name(fle_key_options* options, const char* name, size_t size,
                                       fle_error* error);
/// The data key itself, 96 bytes, instead of random ones.
FLE_C_API int fle_key_options_set_material(fle_key_options* options, const void* material,
                                           size_t size, fle_error* error);

/// Makes a data key, wraps it, and stores it.
/// @param id       gets its id
/// @param options  may be NULL: for the provider "local", without names
/// FLE_ERRC_KEY_DUPLICATE: a name is taken. And what the vault and the KMS fail with.
FLE_C_API int fle_keys_create_key(fle_keys* keys, uint8_t id[16], const fle_key_options* options,
                                  fle_error* error);
/// The id of the key that has this alternate name. FLE_ERRC_KEY_NOT_FOUND
FLE_C_API int fle_keys_find(fle_keys* keys, uint8_t id[16], const char* name, size_t size,
                            fle_error* error);
/// The key's document, which has the wrapped key only. FLE_ERRC_KEY_NOT_FOUND
FLE_C_API int fle_keys_get(fle_keys* keys, fle_buffer* out, const uint8_t id[16], fle_error* error);
/// The documents of all keys, one behind the other.
FLE_C_API int fle_keys_list(fle_keys* keys, fle_buffer* out, fle_error* error);
/// Stores keys that exist already: those of a MongoDB's vault, or what fle_keys_list gave. All or
/// none; a vault in MongoDB keeps those before the one that is refused.
/// @param documents  key documents, one behind the other
/// FLE_ERRC_KEY_DOCUMENT_INVALID, FLE_ERRC_KEY_DUPLICATE: fle_error_document says which
FLE_C_API int fle_keys_import(fle_keys* keys, const void* documents, size_t size, fle_error* error);
/// Gives a key one more name. FLE_ERRC_KEY_NOT_FOUND, FLE_ERRC_KEY_DUPLICATE
FLE_C_API int fle_keys_add_name(fle_keys* keys, const uint8_t id[16], const char* name, size_t size,
                                fle_error* error);
/// Deletes a key: what is encrypted under it cannot be read again. FLE_ERRC_KEY_NOT_FOUND
FLE_C_API int fle_keys_delete(fle_keys* keys, const uint8_t id[16], fle_error* error);

// Values.

/// AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic and -Random.
enum fle_algorithm { FLE_DETERMINISTIC = 1, FLE_RANDOM = 2 };

/// Encrypts one value in a document of its own: {"v": 241014209} becomes {"v": BinData(6, ...)}.
/// @param document  a BSON document with one element, of any name
/// FLE_ERRC_TYPE_NOT_ALLOWED, FLE_ERRC_KEY_NOT_FOUND, FLE_ERRC_MALFORMED_BSON
FLE_C_API int fle_encrypt_value(fle_keys* keys, fle_buffer* out, int algorithm,
                                const uint8_t key_id[16], const void* document, size_t size,
                                fle_error* error);
/// And back. FLE_ERRC_WRONG_TYPE: it is no binary of subtype 6; FLE_ERRC_AUTH_FAILED,
/// FLE_ERRC_MALFORMED_PAYLOAD, FLE_ERRC_KEY_NOT_FOUND
FLE_C_API int fle_decrypt_value(fle_keys* keys, fle_buffer* out, const void* document, size_t size,
                                fle_error* error);

/// The same without documents, into memory of the caller's; nothing is allocated.
/// @param out       with NULL nothing is done but to set `out_size`
/// @param out_size  in: the bytes that `out` has; out: those that it needs, or that were written.
/// @param type      BSON type of the value, 0x10 for int
/// @param value     the bare value, as it stands behind its name in a document; may not overlap
/// What is written is the content of a binary of subtype 6.
/// FLE_ERRC_BUFFER_TOO_SMALL, or an argument is refused: nothing was written. On any other failure
/// the bytes that are needed are wiped.
FLE_C_API int fle_encrypt_value_into(fle_keys* keys, void* out, size_t* out_size, int algorithm,
                                     const uint8_t key_id[16], int type, const void* value,
                                     size_t size, fle_error* error);
/// And back. Up to 16 bytes more are needed than are written.
/// @param payload   the content of a binary of subtype 6; may not overlap
FLE_C_API int fle_decrypt_value_into(fle_keys* keys, void* out, size_t* out_size, int* type,
                                     const void* payload, size_t size, fle_error* error);

// Documents.

/// A schema: which fields are encrypted, and how (docs/schema.md).
typedef struct fle_schema fle_schema;
/// @param json  Extended JSON: a schema, or what stands around one: a validator, a driver's schema
///              map
/// @param ns    "db.collection", where it has several; may be NULL
/// FLE_ERRC_SCHEMA_*, with fle_error_path, fle_error_line and fle_error_column
FLE_C_API fle_schema* fle_schema_create(const char* json, size_t size, const char* ns,
                                        size_t ns_size, fle_error* error);
/// Of a BSON document, which is the schema itself.
FLE_C_API fle_schema* fle_schema_create_bson(const void* document, size_t size, fle_error* error);
FLE_C_API void fle_schema_destroy(fle_schema* schema);

/// Encrypts and decrypts documents.
typedef struct fle_cipher fle_cipher;
/// @param schema  may be NULL for one that only decrypts
/// @param flags   FLE_KEEP_MISSING_KEYS, FLE_KEEP_ENCRYPTED, FLE_VERIFY, FLE_KEEP_NULLS,
///                FLE_OMIT_NULLS
FLE_C_API fle_cipher* fle_cipher_create(fle_keys* keys, const fle_schema* schema,
                                        unsigned int flags, fle_error* error);
FLE_C_API void fle_cipher_destroy(fle_cipher* cipher);

/// Encrypts what the schema says, or decrypts every encrypted value, in one document or in many:
/// all of a call are one batch for the fastest kernel. All or nothing.
/// @param documents  BSON documents, one behind the other; so are the results, in the same order
/// FLE_ERRC_TYPE_NOT_ALLOWED, FLE_ERRC_KEY_NOT_FOUND, FLE_ERRC_AUTH_FAILED and others, with
/// fle_error_document and fle_error_path
FLE_C_API int fle_encrypt_documents(const fle_cipher* cipher, fle_buffer* out,
                                    const void* documents, size_t size, fle_error* error);
FLE_C_API int fle_decrypt_documents(const fle_cipher* cipher, fle_buffer* out,
                                    const void* documents, size_t size, fle_error* error);

/// The same for documents wherever they are, without copies.
typedef struct fle_batch fle_batch;
FLE_C_API fle_batch* fle_batch_create(fle_error* error);
FLE_C_API void fle_batch_destroy(fle_batch* batch);
/// Forgets all documents, wipes the results, keeps memory.
FLE_C_API void fle_batch_clear(fle_batch* batch);
/// Adds a document, which has to stay as it is until the results have been read.
FLE_C_API int fle_batch_add(fle_batch* batch, const void* document, size_t size, fle_error* error);
FLE_C_API int fle_encrypt_batch(const fle_cipher* cipher, fle_batch* batch, fle_error* error);
FLE_C_API int fle_decrypt_batch(const fle_cipher* cipher, fle_batch* batch, fle_error* error);
/// The result for document `index`, from 0, or NULL; valid until the next call that gets `batch`. A
/// document in which nothing changed is the caller's own.
FLE_C_API const uint8_t* fle_batch_output(const fle_batch* batch, size_t index, size_t* size);
/// As fle_buffer_fields and fle_buffer_kept.
FLE_C_API uint64_t fle_batch_fields(const fle_batch* batch);
FLE_C_API uint64_t fle_batch_kept(const fle_batch* batch);

// Commands of MongoDB, by query analysis (docs/auto_encryption.md).

typedef struct fle_commands fle_commands;
/// @param flags  FLE_ALLOW_WITHOUT_SCHEMA; FLE_KEEP_MISSING_KEYS for replies
FLE_C_API fle_commands* fle_commands_create(fle_keys* keys, unsigned int flags, fle_error* error);
FLE_C_API void fle_commands_destroy(fle_commands* commands);
/// Sets the schema of the collection `ns`, "db.collection", for commands from now on.
/// @param schema  NULL: nothing in it is encrypted
FLE_C_API int fle_commands_set_schema(fle_commands* commands, const char* ns, size_t ns_size,
                                      const fle_schema* schema, fle_error* error);
/// The command to send: what the schemas say is encrypted, in documents, filters, updates and
/// pipelines. What cannot work on encrypted fields is refused, and the text says what to write.
/// @param db       the database that it is sent to
/// @param command  one BSON document
/// FLE_ERRC_SCHEMA_MISSING, FLE_ERRC_COMMAND_NOT_SUPPORTED to FLE_ERRC_ANALYSIS_DISORDERED
FLE_C_API int fle_encrypt_command(const fle_commands* commands, fle_buffer* out, const char* db,
                                  size_t db_size, const void* command, size_t size,
                                  fle_error* error);
/// A reply with all its values decrypted.
FLE_C_API int fle_decrypt_reply(const fle_commands* commands, fle_buffer* out, const void* reply,
                                size_t size, fle_error* error);

// Streams: BSON documents one behind the other, as mongodump writes them, in pieces of any size.

enum fle_direction { FLE_ENCRYPT = 1, FLE_DECRYPT = 2 };
typedef struct fle_stream fle_stream;
FLE_C_API fle_stream* fle_stream_create(const fle_cipher* cipher, int direction, fle_error* error);
FLE_C_API void fle_stream_destroy(fle_stream* stream);
/// Takes the next bytes, and gives the documents that are done, which may be none: they are
/// collected for a batch. After a failure, in which fle_error_document counts from the start of the
/// stream, `out` has the documents before the batch that failed, and every further call fails
/// likewise.
FLE_C_API int fle_stream_push(fle_stream* stream, fle_buffer* out, const void* data, size_t size,
                              fle_error* error);
/// Gives all documents that are whole.
FLE_C_API int fle_stream_flush(fle_stream* stream, fle_buffer* out, fle_error* error);
/// Gives the last documents. FLE_ERRC_TRUNCATED_STREAM: it ends inside one.
FLE_C_API int fle_stream_finish(fle_stream* stream, fle_buffer* out, fle_error* error);

#ifdef __cplusplus
}
#endif

#endif  // FLE_H_
