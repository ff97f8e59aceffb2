#ifndef FLE_MONGOC_DEPLOYMENT_H_
#define FLE_MONGOC_DEPLOYMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <mongoc/mongoc.h>
#include <sys/types.h>

#include "fle/bytes.h"
#include "fle/failure.h"

// All that libfle::mongoc wants of libmongoc: a pool of plain connections that send what they are
// given. No Failure holds the connection string, which may hold a password.
namespace fle::mongoc {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};

/// A reply as it came.
class Reply {
 public:
  Reply() noexcept { bson_init(&b_); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { bson_destroy(&b_); }

  /// Empty, for libmongoc to write it anew.
  [[nodiscard]] bson_t* reset() noexcept {
    bson_destroy(&b_);
    return &b_;
  }
  [[nodiscard]] Bytes bytes() const noexcept { return {bson_get_data(&b_), b_.len}; }

 private:
  bson_t b_;
};

/// What goes with a command, out of the connection string.
enum class Mode : std::uint8_t {
  raw,    ///< Nothing: the command is the caller's; to the primary.
  read,   ///< Read concern and read preference.
  write,  ///< Write concern; to the primary.
};

class Deployment;

/// One connection of the pool, for the time of a command or a cursor. Not for concurrent use. It is
/// of the process that took it: a forked child speaks on it neither when it is used nor when it
/// goes.
class Connection {
 public:
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = delete;
  ~Connection();

  /// Keeps to one server and one session from here on: a cursor is at home in both.
  /// @retval as run()
  [[nodiscard]] Done hold(Mode mode);
  /// Sends `command` as it is.
  /// @param reply  what came back, as far as something did; an {ok: 0} included.
  /// @retval Errc::server_unreachable, Errc::server_refused
  /// @retval Errc::invalid_argument  in a forked child
  [[nodiscard]] Done run(const std::string& db, Bytes command, Mode mode, Reply& reply);

 private:
  friend class Deployment;
  using Session = std::unique_ptr<mongoc_client_session_t, FreeWith<mongoc_client_session_destroy>>;
  struct Return {
    mongoc_client_pool_t* pool;
    void operator()(mongoc_client_t* c) const noexcept { mongoc_client_pool_push(pool, c); }
  };

  Connection(mongoc_client_pool_t* pool, mongoc_client_t* client, pid_t pid)
      : pid_(pid), client_(client, Return{pool}) {}

  const pid_t pid_;
  // In this order: a session ends before its connection goes back.
  std::unique_ptr<mongoc_client_t, Return> client_;
  Session session_;
  std::uint32_t server_ = 0;  // libmongoc's number; 0: any
};

class Deployment {
 public:
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;
  ~Deployment();

  /// Talks to no server but those of DNS.
  /// @retval Errc::invalid_argument    no connection string, or one with w=0
  /// @retval Errc::server_unreachable  the servers of mongodb+srv:// are not to be found
  [[nodiscard]] static Outcome<std::unique_ptr<Deployment>> open(const std::string& uri);

  /// Waits for a free connection, as long as waitQueueTimeoutMS says.
  /// @retval Errc::invalid_argument    in a forked child
  /// @retval Errc::server_unreachable  none became free
  [[nodiscard]] Outcome<Connection> connect() const;
  /// Runs listCollections on `db`: all documents that it returns.
  [[nodiscard]] Outcome<std::vector<std::vector<std::uint8_t>>> list_collections(
      std::string_view db, Bytes filter) const;

 private:
  using Pool = std::unique_ptr<mongoc_client_pool_t, FreeWith<mongoc_client_pool_destroy>>;
  explicit Deployment(Pool pool);

  const pid_t pid_;
  Pool pool_;
};

/// The longest text of a server that is told.
inline constexpr std::size_t kMaxSaid = 400;

/// Takes libmongoc's log off standard error.
void silence_log();

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_DEPLOYMENT_H_
