/*
 * The C interface of mongo_crypt_v1.so, the shared library that drivers load for query analysis
 * ("crypt_shared"): a command goes in, the same command with its values marked for encryption
 * comes out. This library is libfle's; the interface is the one that libmongocrypt loads, so that
 * a driver needs nothing but the path of this file (docs/crypt_shared.md).
 *
 * Memory and threads:
 *  - A lib may be shared by any number of threads, as long as none destroys it.
 *  - A query_analyzer and a status belong to one thread at a time.
 *  - No function throws, prints, ends the process, or starts a thread.
 *
 * Any status argument may be NULL. Where one is given, a function sets its error on success too.
 *
 * Plain C, from C89 with <stdint.h> on; C++ as well.
 */
#ifndef MONGO_CRYPT_V1_H
#define MONGO_CRYPT_V1_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MONGO_CRYPT_V1_API __attribute__((visibility("default")))
#else
#define MONGO_CRYPT_V1_API
#endif

typedef struct mongo_crypt_v1_status mongo_crypt_v1_status;
typedef struct mongo_crypt_v1_lib mongo_crypt_v1_lib;
typedef struct mongo_crypt_v1_query_analyzer mongo_crypt_v1_query_analyzer;

/* What status_get_error and lib_destroy return. */
typedef enum mongo_crypt_v1_error {
  /* The status handle is NULL, or none. */
  MONGO_CRYPT_V1_ERROR_IN_REPORTING_ERROR = -2,
  /* A broken rule of this interface; the explanation says which. */
  MONGO_CRYPT_V1_ERROR_UNKNOWN = -1,
  MONGO_CRYPT_V1_SUCCESS = 0,
  MONGO_CRYPT_V1_ERROR_ENOMEM = 1,
  /* The command was refused. status_get_code has MongoDB's number for the reason. */
  MONGO_CRYPT_V1_ERROR_EXCEPTION = 2,
  MONGO_CRYPT_V1_ERROR_LIBRARY_ALREADY_INITIALIZED = 3,
  MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED = 4,
  /* NULL, destroyed, or never a lib. */
  MONGO_CRYPT_V1_ERROR_INVALID_LIB_HANDLE = 5,
  /* Two calls use one query_analyzer at the same time. */
  MONGO_CRYPT_V1_ERROR_REENTRANCY_NOT_ALLOWED = 6
} mongo_crypt_v1_error;

/*
 * The version of MongoDB's library whose interface this is, 8.1.0: four words of 16 bits, major
 * first, then minor, revision, and one reserved. From 8.1 on, consumers may send the schemas of
 * several collections (csfleEncryptionSchemas).
 */
MONGO_CRYPT_V1_API uint64_t mongo_crypt_v1_get_version(void);

/* "mongo_crypt_v1-libfle-X.Y.Z-compatible-8.1.0". Static: not to be freed. */
MONGO_CRYPT_V1_API const char* mongo_crypt_v1_get_version_str(void);

/*
 * A status in state SUCCESS, or NULL without memory. Statuses are independent of the lib: one may
 * be created before it and outlive it.
 */
MONGO_CRYPT_V1_API mongo_crypt_v1_status* mongo_crypt_v1_status_create(void);

/* Ends a status and its explanation. NULL is allowed. */
MONGO_CRYPT_V1_API void mongo_crypt_v1_status_destroy(mongo_crypt_v1_status* status);

/* A mongo_crypt_v1_error: how the last call with this status ended. */
MONGO_CRYPT_V1_API int mongo_crypt_v1_status_get_error(const mongo_crypt_v1_status* status);

/*
 * Why it failed: one line of UTF-8 without control characters, "" after a success. Owned by the
 * status, until its next use. Never has a value out of the command in it.
 */
MONGO_CRYPT_V1_API const char* mongo_crypt_v1_status_get_explanation(
    const mongo_crypt_v1_status* status);

/* With ERROR_EXCEPTION, MongoDB's number for the error: 51999 where that is not public. Else 0. */
MONGO_CRYPT_V1_API int mongo_crypt_v1_status_get_code(const mongo_crypt_v1_status* status);

/*
 * The library's handle; at most one lives in a process at any time. NULL on failure:
 * ERROR_LIBRARY_ALREADY_INITIALIZED, ERROR_ENOMEM.
 */
MONGO_CRYPT_V1_API mongo_crypt_v1_lib* mongo_crypt_v1_lib_create(mongo_crypt_v1_status* status);

/*
 * Ends the library. All its analyzers must be gone: while some live, nothing happens.
 *
 * Returns SUCCESS; ERROR_LIBRARY_NOT_INITIALIZED when there is none; ERROR_INVALID_LIB_HANDLE for
 * another pointer, NULL among them; ERROR_UNKNOWN when analyzers are left.
 */
MONGO_CRYPT_V1_API int mongo_crypt_v1_lib_destroy(mongo_crypt_v1_lib* lib,
                                                  mongo_crypt_v1_status* status);

/*
 * An analyzer, for any number of analyze_query calls. Schemas that were compiled for one are known
 * to all. NULL on failure: ERROR_LIBRARY_NOT_INITIALIZED, ERROR_INVALID_LIB_HANDLE, ERROR_ENOMEM.
 */
MONGO_CRYPT_V1_API mongo_crypt_v1_query_analyzer* mongo_crypt_v1_query_analyzer_create(
    mongo_crypt_v1_lib* lib, mongo_crypt_v1_status* status);

/* Ends an analyzer that no call uses. NULL is allowed. */
MONGO_CRYPT_V1_API void mongo_crypt_v1_query_analyzer_destroy(
    mongo_crypt_v1_query_analyzer* analyzer);

/*
 * Analyzes one command.
 *
 * document  BSON: the command, with $db, and with jsonSchema and isRemoteSchema, or
 *           csfleEncryptionSchemas. At most 48,000,000 bytes, by its own int32 length.
 * ns_str    "db.collection", ns_len bytes, not NUL-terminated. The database must be that of $db.
 * bson_len  receives the size of the result in bytes; must not be NULL.
 *
 * Returns BSON {hasEncryptionPlaceholders, schemaRequiresEncryption, result, ok: 1.0}, to be freed
 * with mongo_crypt_v1_bson_free. NULL on failure, *bson_len is 0 then: ERROR_EXCEPTION for a
 * command or schema that is refused, ERROR_ENOMEM, ERROR_REENTRANCY_NOT_ALLOWED, ERROR_UNKNOWN for
 * arguments that are NULL or no analyzer.
 */
MONGO_CRYPT_V1_API uint8_t* mongo_crypt_v1_analyze_query(mongo_crypt_v1_query_analyzer* analyzer,
                                                         const uint8_t* document,
                                                         const char* ns_str, uint32_t ns_len,
                                                         uint32_t* bson_len,
                                                         mongo_crypt_v1_status* status);

/* Wipes and frees a result of analyze_query. NULL is allowed. */
MONGO_CRYPT_V1_API void mongo_crypt_v1_bson_free(uint8_t* bson);

#ifdef __cplusplus
}
#endif

#endif /* MONGO_CRYPT_V1_H */
