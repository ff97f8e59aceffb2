#include "vault_mongo_client.h"

#include <algorithm>

#include <unistd.h>

#include "document/bson_fields.h"
#include "fle/wiped.h"

namespace fle::kms::mongo {
namespace {

using Handle = std::unique_ptr<mongoc_collection_t, FreeWith<&MongocFunctions::collection_destroy>>;
using Cursor = std::unique_ptr<mongoc_cursor_t, FreeWith<&MongocFunctions::cursor_destroy>>;
using Bulk =
    std::unique_ptr<mongoc_bulk_operation_t, FreeWith<&MongocFunctions::bulk_operation_destroy>>;
using Uri = std::unique_ptr<mongoc_uri_t, FreeWith<&MongocFunctions::uri_destroy>>;

/// {writeConcern: {w: "majority"}}: what a call reported as stored survives the loss of a server.
BsonBuilder& majority_write(BsonBuilder& b) {
  bson_t concern;
  bson_append_document_begin(b.get(), "writeConcern", -1, &concern);
  bson_append_utf8(&concern, "w", -1, "majority", -1);
  bson_append_document_end(b.get(), &concern);
  return b;
}

/// {readConcern: {level: "majority"}}: no key is seen that could vanish again.
BsonBuilder& majority_read(BsonBuilder& b) {
  bson_t concern;
  bson_append_document_begin(b.get(), "readConcern", -1, &concern);
  bson_append_utf8(&concern, "level", -1, "majority", -1);
  bson_append_document_end(b.get(), &concern);
  return b;
}

/// What a server answers that shuts down, is cut off from others or is no primary any more, as
/// MongoDB's specification of retryable reads has it: soon another one is.
constexpr std::uint32_t kMayPass[] = {
    6,      // HostUnreachable
    7,      // HostNotFound
    89,     // NetworkTimeout
    91,     // ShutdownInProgress
    134,    // ReadConcernMajorityNotAvailableYet
    189,    // PrimarySteppedDown
    262,    // ExceededTimeLimit
    9001,   // SocketException
    10107,  // NotWritablePrimary
    11600,  // InterruptedAtShutdown
    11602,  // InterruptedDueToReplStateChange
    13435,  // NotPrimaryNoSecondaryOk
    13436,  // NotPrimaryOrSecondary
};

}  // namespace

void silence_log() {
  // Where there is no libmongoc nothing logs, and whoever opens a collection is told.
  if (const auto loaded = load_mongoc()) (*loaded)->log_set_handler(nullptr, nullptr);
}

/// A connection for the time of one call.
class Collection::Lease {
 public:
  Lease(mongoc_client_pool_t* pool, mongoc_client_t* client, Handle collection)
      : client_(client, Return{pool}), collection_(std::move(collection)) {}

  [[nodiscard]] mongoc_client_t* client() const noexcept { return client_.get(); }
  [[nodiscard]] mongoc_collection_t* collection() const noexcept { return collection_.get(); }

 private:
  struct Return {
    mongoc_client_pool_t* pool;
    void operator()(mongoc_client_t* c) const noexcept { mongoc().client_pool_push(pool, c); }
  };

  // In this order: what is of a connection ends before that goes back.
  std::unique_ptr<mongoc_client_t, Return> client_;
  Handle collection_;
};

Collection::Collection(Pool pool, std::string database, std::string collection)
    : pid_(::getpid()),
      pool_(std::move(pool)),
      database_(std::move(database)),
      collection_(std::move(collection)) {}

Collection::~Collection() {
  // In a forked child the pool is left behind: to destroy it would speak on the parent's
  // connections.
  if (::getpid() != pid_) static_cast<void>(pool_.release());
}

Outcome<Collection::Lease> Collection::lease() const {
  if (::getpid() != pid_) return failure("opened before a fork: open it again in the child");
  mongoc_client_t* const client = mongoc().client_pool_pop(pool_.get());
  if (client == nullptr) {  // waitQueueTimeoutMS
    Failure f = failure("no connection of the pool became free in time");
    f.code = Errc::vault_unreachable;
    return f;
  }
  return Lease(
      pool_.get(), client,
      Handle(mongoc().client_get_collection(client, database_.c_str(), collection_.c_str())));
}

Outcome<std::unique_ptr<Collection>> Collection::open(std::string_view uri, std::string database,
                                                      std::string collection) {
  if (const auto loaded = load_mongoc(); !loaded)
    return Failure{Errc::vault_failed, "a key vault in MongoDB needs libmongoc: " + loaded.error()};
  bson_error_t error{};  // its text quotes the connection string
  WipedChars text(uri.begin(), uri.end());
  text.push_back('\0');
  const Uri parsed(uri.find('\0') == std::string_view::npos
                       ? mongoc().uri_new_with_error(text.data(), &error)
                       : nullptr);
  if (parsed == nullptr)
    return Failure{Errc::vault_failed, "the key vault's address is no MongoDB connection string"};
  Pool pool(mongoc().client_pool_new_with_error(parsed.get(), &error));
  if (pool == nullptr && error.domain == MONGOC_ERROR_STREAM)
    return Failure{Errc::vault_unreachable,
                   "the servers of the key vault's mongodb+srv:// address were not found in DNS"};
  if (pool == nullptr)
    return Failure{Errc::vault_failed,
                   "options of the key vault's MongoDB connection string contradict each other, or "
                   "libmongoc does not have them"};
  mongoc().client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  return std::unique_ptr<Collection>(
      new Collection(std::move(pool), std::move(database), std::move(collection)));
}

Failure Collection::failure(std::string_view why) const {
  std::string text = "key vault '" + database_ + "." + collection_ + "': ";
  // From the network: one line, and not without end.
  for (const char c : why.substr(0, 400)) text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return {Errc::vault_failed, std::move(text)};
}

Failure Collection::failure(const bson_error_t& error) const {
  Failure f = failure(std::string(error.message) + " (code " + std::to_string(error.code) + ")");
  if (error.domain == MONGOC_ERROR_STREAM || error.domain == MONGOC_ERROR_SERVER_SELECTION ||
      (error.domain == MONGOC_ERROR_SERVER && std::ranges::count(kMayPass, error.code) != 0))
    f.code = Errc::vault_unreachable;
  return f;
}

Done Collection::drain(mongoc_cursor_t* cursor, const FoundDocument& each,
                       bson_error_t& error) const {
  const bson_t* document = nullptr;
  while (mongoc().cursor_next(cursor, &document))
    FLE_CHECK(each({bson_get_data(document), document->len}));
  if (mongoc().cursor_error(cursor, &error)) return failure(error);
  return ok;
}

Done Collection::find(const bson_t* filter, const FoundDocument& each, bson_error_t& error) {
  FLE_TRY(const Lease connection, lease());
  BsonBuilder options;
  const Cursor cursor(mongoc().collection_find_with_opts(connection.collection(), filter,
                                                         majority_read(options).get(), nullptr));
  return drain(cursor.get(), each, error);
}

Done Collection::list_indexes(const FoundDocument& each) {
  FLE_TRY(const Lease connection, lease());
  const Cursor cursor(mongoc().collection_find_indexes_with_opts(connection.collection(), nullptr));
  bson_error_t error{};
  Done done = drain(cursor.get(), each, error);
  if (!done && error.code == kNamespaceNotFound) return ok;
  return done;
}

Done Collection::write(const bson_t* command, BsonBuilder& reply, bson_error_t& error) {
  FLE_TRY(const Lease connection, lease());
  BsonBuilder options;
  if (mongoc().client_write_command_with_opts(connection.client(), database_.c_str(), command,
                                              majority_write(options).get(), reply.get(), &error))
    return ok;
  return failure(error);
}

Done Collection::insert(std::span<const Document> documents, BsonBuilder& reply,
                        bson_error_t& error) {
  FLE_TRY(const Lease connection, lease());
  BsonBuilder options;
  const Bulk bulk(mongoc().collection_create_bulk_operation_with_opts(
      connection.collection(), majority_write(options).get()));
  for (const Document& document : documents) {
    bson_t d;
    if (!init_view(d, document) ||
        !mongoc().bulk_operation_insert_with_opts(bulk.get(), &d, nullptr, &error))
      return failure("a document is malformed");
  }
  if (mongoc().bulk_operation_execute(bulk.get(), reply.get(), &error) == 0) return failure(error);
  return ok;
}

Outcome<bool> Collection::delete_one(const bson_t* filter) {
  FLE_TRY(const Lease connection, lease());
  BsonBuilder options;
  BsonBuilder reply;
  bson_error_t error;
  if (!mongoc().collection_delete_one(connection.collection(), filter,
                                      majority_write(options).get(), reply.get(), &error))
    return failure(error);
  bson_iter_t it;
  return bson_iter_init_find(&it, reply.get(), "deletedCount") && bson_iter_as_int64(&it) != 0;
}

Outcome<std::size_t> Collection::update(std::span<const Update> updates) {
  FLE_TRY(const Lease connection, lease());
  BsonBuilder options;
  const Bulk bulk(mongoc().collection_create_bulk_operation_with_opts(
      connection.collection(), majority_write(options).get()));
  bson_error_t error;
  for (const auto& [filter, update] : updates) {
    bson_t f;
    bson_t u;
    if (!init_view(f, filter) || !init_view(u, update) ||
        !mongoc().bulk_operation_update_one_with_opts(bulk.get(), &f, &u, nullptr, &error))
      return failure("an update is malformed");
  }
  BsonBuilder reply;
  if (mongoc().bulk_operation_execute(bulk.get(), reply.get(), &error) == 0) return failure(error);
  bson_iter_t it;
  if (!bson_iter_init_find(&it, reply.get(), "nMatched")) return failure("answers without a count");
  return static_cast<std::size_t>(bson_iter_as_int64(&it));
}

}  // namespace fle::kms::mongo
