#ifndef FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_
#define FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_

#include <string>

#include <mongoc/mongoc.h>

#include "fle/result.h"
#include "late/late_library.h"

namespace fle::kms::mongo {

/// What a key vault takes of libmongoc.
struct MongocFunctions : LateTable {
  using LateTable::LateTable;

  FLE_LATE_FUNCTION(init, mongoc_init);
  FLE_LATE_FUNCTION(log_set_handler, mongoc_log_set_handler);
  FLE_LATE_FUNCTION(uri_new_with_error, mongoc_uri_new_with_error);
  FLE_LATE_FUNCTION(uri_destroy, mongoc_uri_destroy);
  FLE_LATE_FUNCTION(client_pool_new_with_error, mongoc_client_pool_new_with_error);
  FLE_LATE_FUNCTION(client_pool_set_error_api, mongoc_client_pool_set_error_api);
  FLE_LATE_FUNCTION(client_pool_pop, mongoc_client_pool_pop);
  FLE_LATE_FUNCTION(client_pool_push, mongoc_client_pool_push);
  FLE_LATE_FUNCTION(client_pool_destroy, mongoc_client_pool_destroy);
  FLE_LATE_FUNCTION(client_get_collection, mongoc_client_get_collection);
  FLE_LATE_FUNCTION(client_write_command_with_opts, mongoc_client_write_command_with_opts);
  FLE_LATE_FUNCTION(collection_find_with_opts, mongoc_collection_find_with_opts);
  FLE_LATE_FUNCTION(collection_find_indexes_with_opts, mongoc_collection_find_indexes_with_opts);
  FLE_LATE_FUNCTION(collection_delete_one, mongoc_collection_delete_one);
  FLE_LATE_FUNCTION(collection_create_bulk_operation_with_opts,
                    mongoc_collection_create_bulk_operation_with_opts);
  FLE_LATE_FUNCTION(collection_destroy, mongoc_collection_destroy);
  FLE_LATE_FUNCTION(cursor_next, mongoc_cursor_next);
  FLE_LATE_FUNCTION(cursor_error, mongoc_cursor_error);
  FLE_LATE_FUNCTION(cursor_destroy, mongoc_cursor_destroy);
  FLE_LATE_FUNCTION(bulk_operation_insert_with_opts, mongoc_bulk_operation_insert_with_opts);
  FLE_LATE_FUNCTION(bulk_operation_update_one_with_opts,
                    mongoc_bulk_operation_update_one_with_opts);
  FLE_LATE_FUNCTION(bulk_operation_execute, mongoc_bulk_operation_execute);
  FLE_LATE_FUNCTION(bulk_operation_destroy, mongoc_bulk_operation_destroy);
};

/// Loads libmongoc by the first call, and initializes it. Thread-safe.
/// @return or why there is none, in one line
[[nodiscard]] Result<const MongocFunctions*, std::string> load_mongoc();

/// Precondition: load_mongoc() succeeded once. Thread-safe.
[[nodiscard]] const MongocFunctions& mongoc() noexcept;

}  // namespace fle::kms::mongo

#endif  // FLE_KMS_VAULT_MONGOC_FUNCTIONS_H_
