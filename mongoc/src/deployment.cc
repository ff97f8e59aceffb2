#include "deployment.h"

#include <mutex>

#include <unistd.h>

#include "bson_view.h"
#include "fle/bson/writer.h"

namespace fle::mongoc {
namespace {

using Cursor = std::unique_ptr<mongoc_cursor_t, FreeWith<mongoc_cursor_destroy>>;
using Database = std::unique_ptr<mongoc_database_t, FreeWith<mongoc_database_destroy>>;
using Server =
    std::unique_ptr<mongoc_server_description_t, FreeWith<mongoc_server_description_destroy>>;
using Uri = std::unique_ptr<mongoc_uri_t, FreeWith<mongoc_uri_destroy>>;

/// Options for libmongoc to add to.
struct Options {
  Options() noexcept { bson_init(&bson); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() { bson_destroy(&bson); }
  bson_t bson;
};

void initialize() {
  static std::once_flag once;
  // Never undone: libmongoc cannot be initialized twice, and an embedder may use it, too.
  std::call_once(once, [] { mongoc_init(); });
}

/// A login that a server did not take: libmongoc says so in its own numbers, and nothing was sent.
bool is_login(const bson_error_t& error) noexcept {
  return error.domain == MONGOC_ERROR_SCRAM || error.domain == MONGOC_ERROR_SASL ||
         (error.domain == MONGOC_ERROR_CLIENT && error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE);
}

Failure failure(const bson_error_t& error) {
  // The domain of the error API version 2 that a server's own numbers come in.
  const bool answered = error.domain == MONGOC_ERROR_SERVER;
  Failure f(answered || is_login(error) ? Errc::server_refused : Errc::server_unreachable,
            shortened(printable(error.message), kMaxSaid));
  if (!answered) return f;
  f.server_code = static_cast<std::int32_t>(error.code);
  f.message += " (code " + std::to_string(f.server_code) + ")";
  return f;
}

/// Whether this is a process that `pid` forked: what it has of libmongoc is its parent's.
bool is_forked_from(pid_t pid) noexcept { return ::getpid() != pid; }

Failure forked() {
  return {Errc::invalid_argument, "made before a fork: make a client of its own in the child"};
}

/// The option `readConcern` or `writeConcern`, where the connection string has one.
void put_concern(bson_t* options, const mongoc_client_t* client, Mode mode) {
  using ReadConcern = std::unique_ptr<mongoc_read_concern_t, FreeWith<mongoc_read_concern_destroy>>;
  using WriteConcern =
      std::unique_ptr<mongoc_write_concern_t, FreeWith<mongoc_write_concern_destroy>>;
  if (mode == Mode::read) {
    const ReadConcern concern(mongoc_read_concern_copy(mongoc_client_get_read_concern(client)));
    if (!mongoc_read_concern_is_default(concern.get()))
      mongoc_read_concern_append(concern.get(), options);
  } else if (mode == Mode::write) {
    const WriteConcern concern(mongoc_write_concern_copy(mongoc_client_get_write_concern(client)));
    if (!mongoc_write_concern_is_default(concern.get()))
      mongoc_write_concern_append(concern.get(), options);
  }
}

}  // namespace

void silence_log() {
  initialize();
  mongoc_log_set_handler(nullptr, nullptr);
}

Connection::~Connection() {
  if (!is_forked_from(pid_)) return;
  // To give them back would take locks of the pool, which a thread of the parent may have held.
  static_cast<void>(session_.release());
  static_cast<void>(client_.release());
}

Done Connection::hold(Mode mode) {
  if (is_forked_from(pid_)) return forked();
  bson_error_t error{};
  const mongoc_read_prefs_t* preference =
      mode == Mode::read ? mongoc_client_get_read_prefs(client_.get()) : nullptr;
  const Server server(
      mongoc_client_select_server(client_.get(), mode == Mode::write, preference, &error));
  if (server == nullptr) return failure(error);
  server_ = mongoc_server_description_id(server.get());
  // Null where the server has no sessions: then cursors are in none.
  session_.reset(mongoc_client_start_session(client_.get(), nullptr, &error));
  return ok;
}

Done Connection::run(const std::string& db, Bytes command, Mode mode, Reply& reply) {
  if (is_forked_from(pid_)) return forked();
  if (db.empty() || db.find('\0') != std::string::npos)
    return Failure{Errc::invalid_argument, "a database's name is empty or has a NUL byte"};
  bson_t view;
  if (!init_view(view, command))
    return Failure{Errc::malformed_bson, "a command is not a BSON document"};
  Options options;
  bson_error_t error{};
  put_concern(&options.bson, client_.get(), mode);
  if (server_ != 0)
    bson_append_int32(&options.bson, "serverId", -1, static_cast<std::int32_t>(server_));
  if (session_ != nullptr && !mongoc_client_session_append(session_.get(), &options.bson, &error))
    return failure(error);
  const mongoc_read_prefs_t* preference =
      mode == Mode::read ? mongoc_client_get_read_prefs(client_.get()) : nullptr;
  if (mongoc_client_command_with_opts(client_.get(), db.c_str(), &view, preference, &options.bson,
                                      reply.reset(), &error))
    return ok;
  return failure(error);
}

Deployment::Deployment(Pool pool) : pid_(::getpid()), pool_(std::move(pool)) {}

Deployment::~Deployment() {
  // In a forked child the pool is left behind: to destroy it would speak on the parent's
  // connections.
  if (is_forked_from(pid_)) static_cast<void>(pool_.release());
}

Outcome<std::unique_ptr<Deployment>> Deployment::open(const std::string& uri) {
  initialize();
  bson_error_t error{};  // its text quotes the connection string
  const Uri parsed(uri.find('\0') == std::string::npos
                       ? mongoc_uri_new_with_error(uri.c_str(), &error)
                       : nullptr);
  if (parsed == nullptr)
    return Failure{Errc::invalid_argument, "the address is no MongoDB connection string"};
  if (!mongoc_write_concern_is_acknowledged(mongoc_uri_get_write_concern(parsed.get())))
    return Failure{Errc::invalid_argument,
                   "the connection string asks for unacknowledged writes (w=0), which could fail "
                   "without a trace"};
  Pool pool(mongoc_client_pool_new_with_error(parsed.get(), &error));
  if (pool == nullptr && error.domain == MONGOC_ERROR_STREAM)
    return Failure{Errc::server_unreachable,
                   "the servers of the mongodb+srv:// connection string were not found in DNS"};
  if (pool == nullptr)
    return Failure{Errc::invalid_argument,
                   "options of the MongoDB connection string contradict each other, or libmongoc "
                   "does not have them"};
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  return std::unique_ptr<Deployment>(new Deployment(std::move(pool)));
}

Outcome<Connection> Deployment::connect() const {
  if (is_forked_from(pid_)) return forked();
  mongoc_client_t* client = mongoc_client_pool_pop(pool_.get());
  if (client == nullptr)
    return Failure{Errc::server_unreachable, "no connection of the pool became free in time"};
  return Connection(pool_.get(), client, pid_);
}

Outcome<std::vector<std::vector<std::uint8_t>>> Deployment::list_collections(std::string_view db,
                                                                             Bytes filter) const {
  FLE_TRY(const Connection connection, connect());
  const std::string name(db);
  const Database database(mongoc_client_get_database(connection.client_.get(), name.c_str()));
  bson::Writer writer(kSlack + filter.size());
  bson_t options;
  if (!init_view(options, writer.add_document("filter", or_empty(filter)).finish()))
    return Failure{Errc::document_too_large, "the filter for listCollections"};
  const Cursor cursor(mongoc_database_find_collections_with_opts(database.get(), &options));
  std::vector<std::vector<std::uint8_t>> found;
  const bson_t* document = nullptr;
  while (mongoc_cursor_next(cursor.get(), &document)) {
    const std::uint8_t* bytes = bson_get_data(document);
    found.emplace_back(bytes, bytes + document->len);
  }
  bson_error_t error{};
  if (mongoc_cursor_error(cursor.get(), &error)) return failure(error);
  return found;
}

}  // namespace fle::mongoc
