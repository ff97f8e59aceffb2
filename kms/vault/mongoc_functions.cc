#include "mongoc_functions.h"

#include <mutex>

#include "fle/try.h"

namespace fle::kms::mongo {
namespace {

constinit LateFunctions<MongocFunctions> mongoc_library(FLE_MONGOC_SONAME);

}  // namespace

MongocFunctions::MongocFunctions(LateLibrary& mongoc)
    : init(FLE_LATE_FUNCTION(mongoc, mongoc_init)),
      log_set_handler(FLE_LATE_FUNCTION(mongoc, mongoc_log_set_handler)),
      uri_new_with_error(FLE_LATE_FUNCTION(mongoc, mongoc_uri_new_with_error)),
      uri_destroy(FLE_LATE_FUNCTION(mongoc, mongoc_uri_destroy)),
      client_pool_new_with_error(FLE_LATE_FUNCTION(mongoc, mongoc_client_pool_new_with_error)),
      client_pool_set_error_api(FLE_LATE_FUNCTION(mongoc, mongoc_client_pool_set_error_api)),
      client_pool_pop(FLE_LATE_FUNCTION(mongoc, mongoc_client_pool_pop)),
      client_pool_push(FLE_LATE_FUNCTION(mongoc, mongoc_client_pool_push)),
      client_pool_destroy(FLE_LATE_FUNCTION(mongoc, mongoc_client_pool_destroy)),
      client_get_collection(FLE_LATE_FUNCTION(mongoc, mongoc_client_get_collection)),
      client_write_command_with_opts(
          FLE_LATE_FUNCTION(mongoc, mongoc_client_write_command_with_opts)),
      collection_find_with_opts(FLE_LATE_FUNCTION(mongoc, mongoc_collection_find_with_opts)),
      collection_find_indexes_with_opts(
          FLE_LATE_FUNCTION(mongoc, mongoc_collection_find_indexes_with_opts)),
      collection_delete_one(FLE_LATE_FUNCTION(mongoc, mongoc_collection_delete_one)),
      collection_create_bulk_operation_with_opts(
          FLE_LATE_FUNCTION(mongoc, mongoc_collection_create_bulk_operation_with_opts)),
      collection_destroy(FLE_LATE_FUNCTION(mongoc, mongoc_collection_destroy)),
      cursor_next(FLE_LATE_FUNCTION(mongoc, mongoc_cursor_next)),
      cursor_error(FLE_LATE_FUNCTION(mongoc, mongoc_cursor_error)),
      cursor_destroy(FLE_LATE_FUNCTION(mongoc, mongoc_cursor_destroy)),
      bulk_operation_insert_with_opts(
          FLE_LATE_FUNCTION(mongoc, mongoc_bulk_operation_insert_with_opts)),
      bulk_operation_update_one_with_opts(
          FLE_LATE_FUNCTION(mongoc, mongoc_bulk_operation_update_one_with_opts)),
      bulk_operation_execute(FLE_LATE_FUNCTION(mongoc, mongoc_bulk_operation_execute)),
      bulk_operation_destroy(FLE_LATE_FUNCTION(mongoc, mongoc_bulk_operation_destroy)) {}

Result<const MongocFunctions*, std::string> load_mongoc() {
  FLE_TRY(const MongocFunctions* const functions, mongoc_library.load());
  static std::once_flag once;
  // Never undone: libmongoc cannot be initialized twice, and an embedder may use it, too.
  std::call_once(once, functions->init);
  return functions;
}

const MongocFunctions& mongoc() noexcept { return *mongoc_library; }

}  // namespace fle::kms::mongo
