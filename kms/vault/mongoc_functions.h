#ifndef FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_
#define FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_

#include <string>

#include <mongoc/mongoc.h>

#include "fle/result.h"
#include "late/late_library.h"

namespace fle::kms::mongo {

/// What a key vault takes of libmongoc.
struct MongocFunctions {
  explicit MongocFunctions(LateLibrary& mongoc);

  decltype(::mongoc_init)* init;
  decltype(::mongoc_log_set_handler)* log_set_handler;
  decltype(::mongoc_uri_new_with_error)* uri_new_with_error;
  decltype(::mongoc_uri_destroy)* uri_destroy;
  decltype(::mongoc_client_pool_new_with_error)* client_pool_new_with_error;
  decltype(::mongoc_client_pool_set_error_api)* client_pool_set_error_api;
  decltype(::mongoc_client_pool_pop)* client_pool_pop;
  decltype(::mongoc_client_pool_push)* client_pool_push;
  decltype(::mongoc_client_pool_destroy)* client_pool_destroy;
  decltype(::mongoc_client_get_collection)* client_get_collection;
  decltype(::mongoc_client_write_command_with_opts)* client_write_command_with_opts;
  decltype(::mongoc_collection_find_with_opts)* collection_find_with_opts;
  decltype(::mongoc_collection_find_indexes_with_opts)* collection_find_indexes_with_opts;
  decltype(::mongoc_collection_delete_one)* collection_delete_one;
  decltype(::mongoc_collection_create_bulk_operation_with_opts)*
      collection_create_bulk_operation_with_opts;
  decltype(::mongoc_collection_destroy)* collection_destroy;
  decltype(::mongoc_cursor_next)* cursor_next;
  decltype(::mongoc_cursor_error)* cursor_error;
  decltype(::mongoc_cursor_destroy)* cursor_destroy;
  decltype(::mongoc_bulk_operation_insert_with_opts)* bulk_operation_insert_with_opts;
  decltype(::mongoc_bulk_operation_update_one_with_opts)* bulk_operation_update_one_with_opts;
  decltype(::mongoc_bulk_operation_execute)* bulk_operation_execute;
  decltype(::mongoc_bulk_operation_destroy)* bulk_operation_destroy;
};

/// Loads libmongoc by the first call, and initializes it. Thread-safe.
/// @return or why there is none, in one line
[[nodiscard]] Result<const MongocFunctions*, std::string> load_mongoc();

/// Precondition: load_mongoc() succeeded once. Thread-safe.
[[nodiscard]] const MongocFunctions& mongoc() noexcept;

}  // namespace fle::kms::mongo

#endif  // FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_
