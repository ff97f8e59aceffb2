#include "server.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include "connection.h"
#include "daemon/unix_socket.h"
#include "fair_queue.h"
#include "fle/report.h"
#include "handler.h"
#include "listener.h"

namespace fle::cryptd {
namespace {

using Clock = std::chrono::steady_clock;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

// Messages beyond this have threads of their own: however many come, short ones need not wait.
constexpr std::size_t kLargeMessage = 1 << 20;
// With a free port on one address, another address may have it taken.
constexpr int kPortTries = 16;

// For what is no connection: standard streams, log, listeners, Asio's own, files that libraries
// open.
constexpr std::size_t kOwnDescriptors = 24;

// When descriptors are scarce, a client keeps its own for this long before it has finished a
// message.
constexpr std::chrono::seconds kToFinish{1};

std::size_t connections_that_fit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::size_t>::max();
  const std::size_t n = files.rlim_cur;
  return std::max({n / 2, n - std::min(n, kOwnDescriptors), std::size_t{1}});
}

std::size_t analysis_threads() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 8);
}

/// Whose connection it is: the process at the other end of a Unix socket. Who connects by TCP
/// cannot be told apart, and all of them are one.
std::string client_of(Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known =
      ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return known && peer.pid > 0 ? "process " + std::to_string(peer.pid) : "tcp";
}

Outcome<tcp::acceptor> listen_on(asio::io_context& io, const tcp::endpoint& at) {
  tcp::acceptor a(io);
  std::error_code ec;
  a.open(at.protocol(), ec);
  // So that a daemon can follow another one at once. It takes no address from one that listens.
  if (!ec) a.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && at.address().is_v6()) a.set_option(asio::ip::v6_only(true), ec);
  if (!ec) a.bind(at, ec);
  if (!ec) a.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return Failure(Errc::io_failed, "cannot listen on " + name_of(at) + ": " + ec.message());
  return a;
}

}  // namespace

class Server::State final : private ConnectionOwner {
 public:
  State(const Options& options, Responder responder, Log& log, std::shared_ptr<Metrics> metrics)
      : options_(options),
        responder_(std::move(responder)),
        log_(log),
        metrics_(std::move(metrics)),
        max_connections_(options.max_connections != 0 ? options.max_connections
                                                      : connections_that_fit()) {
    events_.make_room = [this] { return connections_.size() < max_connections_ || make_room(); };
    events_.accepted = [this](Socket s, const std::string& remote) {
      add_connection(std::move(s), remote);
    };
    events_.failed = [this](const std::error_code& ec) { accept_failed(ec); };
  }
  ~State() = default;

  Done listen() {
    FLE_CHECK(listen_on_addresses());
    if (options_.unix_socket) FLE_CHECK(listen_on_unix_socket());
    for (const std::string& a : listening_on_)
      log_.info("NETWORK", 23015, "listener", "Listening on", {{"address", a}});
    log_.info("NETWORK", 23016, "listener", "Waiting for connections",
              {{"port", std::int64_t{port_}}, {"ssl", "off"}});
    return ok;
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  bool run() {
    await_signal();
    last_command_ = now();
    watch_idleness();
    for (const auto& l : listeners_) l->start();
    run_handlers();
    if (in_flight_ != 0) return false;
    small_.pool.join();
    large_.pool.join();
    return true;
  }

  void stop();
  /// For Handler: what each does for itself has room of its own, so there is nothing to mend.
  void failed() noexcept {}

  void remove_socket() noexcept { unix_socket_.remove(); }

 private:
  template <class Call>
  [[nodiscard]] auto handler(HandlerMemory& memory, Call call) {
    return Handler(memory, this, std::move(call));
  }

  Done listen_on_addresses() {
    for (int tries = 1;; ++tries) {
      std::vector<tcp::acceptor> acceptors;
      Done done = bind_all(acceptors);
      if (!done && (options_.port != 0 || tries == kPortTries)) return done;
      if (!done) continue;
      for (tcp::acceptor& a : acceptors)
        listeners_.push_back(std::make_shared<ListenerOn<tcp>>(std::move(a), events_));
      return ok;
    }
  }

  /// All on one port: the one that is asked for, or the one that the first address gets.
  Done bind_all(std::vector<tcp::acceptor>& out) {
    port_ = options_.port;
    listening_on_.clear();
    for (const std::string& address : options_.addresses) {
      FLE_TRY(tcp::acceptor a, listen_on(io_, {asio::ip::make_address(address), port_}));
      std::error_code ignored;
      port_ = a.local_endpoint(ignored).port();
      listening_on_.push_back(address);
      out.push_back(std::move(a));
    }
    return ok;
  }

  Done listen_on_unix_socket() {
    const auto fd = unix_socket_.listen(options_.unix_socket_folder, options_.unix_socket_mode);
    if (fd) {
      listening_on_.push_back(socket_path(options_.unix_socket_folder));
      listeners_.push_back(
          std::make_shared<ListenerOn<Local>>(Local::acceptor(io_, Local(), *fd), events_));
      return ok;
    }
    if (options_.unix_socket_required) return fd.error();
    log_.warning("NETWORK", 7300001, "listener", "No Unix socket", {{"error", fd.error().message}});
    return ok;
  }

  /// Handlers do not throw. What Asio throws itself ends no more than the operation.
  void run_handlers() {
    for (bool done = false; !done;) {
      try {
        io_.run();
        done = true;
      } catch (const std::exception&) {
        log_.error("CONTROL", 7300008, "main", "An operation failed");
      }
    }
  }

  /// Of the clients that owe something, the one that has for longest gives up its descriptor: to
  /// those who finish what they begin. False when none owes anything.
  bool make_room() {
    std::shared_ptr<Connection> slowest;
    Clock::time_point longest = now() - kToFinish;
    for (const auto& [id, c] : connections_) {
      const auto since = c->owes_since();
      if (!since || *since > longest) continue;
      longest = *since;
      slowest = c;
    }
    if (!slowest) return false;
    if (!std::exchange(told_of_room_, true))
      log_.warning("NETWORK", 7300009, "listener",
                   "No descriptors left: dropping clients that do not finish what they send");
    slowest->close();
    tell({Metric::connections, {"dropped"}, 1});
    return true;
  }

  void add_connection(Socket socket, const std::string& remote) {
    const std::uint64_t id = ++last_connection_;
    ConnectionOwner& self = *this;
    std::string client = client_of(socket);
    auto c = std::make_shared<Connection>(std::move(socket), id, std::move(client), self);
    connections_.emplace(id, c);
    tell({Metric::connections, {"accepted"}, 1});
    if (!options_.quiet)
      log_.info("NETWORK", 22943, "listener", "Connection accepted",
                {{"remote", remote},
                 {"connectionId", static_cast<std::int64_t>(id)},
                 {"connectionCount", static_cast<std::int64_t>(connections_.size())}});
    c->start();
  }

  void accept_failed(const std::error_code& ec) noexcept {
    // Whatever the system is out of, a connection less may be enough.
    if (connections_.size() < max_connections_) static_cast<void>(make_room());
    // Ten times a second as long as it lasts: once is enough.
    if (std::exchange(accept_error_, ec) == ec) return;
    try {
      log_.warning("NETWORK", 7300002, "listener", "Cannot accept connections for now",
                   {{"error", ec.message()}});
    } catch (const std::exception&) {  // no memory for the text either
    }
  }

  // ConnectionOwner
  [[nodiscard]] const Responder& responder() const override { return responder_; }

  void run_elsewhere(const std::string& client, std::size_t size,
                     std::function<void()> job) override {
    Lane& lane = size > kLargeMessage ? large_ : small_;
    lane.queue.add({client, std::move(job)});
    start_waiting(lane);
  }
  void analysis_ended(const std::string& client, std::size_t size) noexcept override {
    Lane& lane = size > kLargeMessage ? large_ : small_;
    lane.queue.ended(client);
    start_waiting(lane);
  }
  struct Lane {
    explicit Lane(std::size_t threads) : queue(threads), pool(threads) {}
    FairQueue queue;
    asio::thread_pool pool;
  };
  void start_waiting(Lane& lane) noexcept {
    try {
      while (auto job = lane.queue.next()) {
        try {
          asio::post(lane.pool, job->run);
        } catch (const std::exception&) {
          job->run();  // here, rather than never
        }
      }
    } catch (const std::exception&) {  // those that wait start when the next one ends
    }
  }

  [[nodiscard]] asio::io_context& io() noexcept override { return io_; }
  [[nodiscard]] const Metrics* metrics() const noexcept override { return metrics_.get(); }
  void tell(const Event& event) const noexcept { report(metrics_.get(), {&event, 1}); }
  void command_began() noexcept override { ++in_flight_; }
  void command_ended(const CommandRecord& r) noexcept override {
    --in_flight_;
    last_command_ = now();
    const Word command = r.command.empty() ? Word("refused") : r.command;
    if (metrics_ != nullptr) {
      tell({Metric::request_seconds, {command}, nanoseconds(r.duration)});
      tell({Metric::request_bytes, {"received"}, r.request_size});
      tell({Metric::request_bytes, {"sent"}, r.reply_size});
    }
    if (options_.verbosity == 0) return;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(r.duration).count();
    log_.info("COMMAND", 7300003, "conn", "Command",
              {{"command", command.view()},
               {"requestBytes", static_cast<std::int64_t>(r.request_size)},
               {"replyBytes", static_cast<std::int64_t>(r.reply_size)},
               {"durationMillis", std::int64_t{ms}}});
  }
  void connection_closed(std::uint64_t id) noexcept override {
    connections_.erase(id);
    tell({Metric::connections, {"closed"}, 1});
    accept_error_.clear();
    if (!options_.quiet)
      log_.info("NETWORK", 22944, "conn", "Connection ended",
                {{"connectionId", static_cast<std::int64_t>(id)},
                 {"connectionCount", static_cast<std::int64_t>(connections_.size())}});
    if (ending_ && connections_.empty()) io_.stop();
  }
  [[nodiscard]] std::chrono::milliseconds linger_time() const override {
    return options_.linger_time;
  }
  [[nodiscard]] std::chrono::milliseconds stall_time() const override {
    return options_.stall_time;
  }
  [[nodiscard]] Clock::time_point now() const override {
    return options_.now ? options_.now() : Clock::now();
  }

  void await_signal() {
    signals_.async_wait(handler(signal_memory_, [](State& s, const std::error_code& ec, int) {
      if (ec) return;
      if (s.ending_) {
        s.log_.info("CONTROL", 7300007, "main", "Not waiting any longer", {{"reason", "signal"}});
        return s.io_.stop();
      }
      s.await_signal();
      s.end("signal");
    }));
  }

  void watch_idleness() {
    if (options_.idle_shutdown.count() == 0) return;
    const auto left = last_command_ + options_.idle_shutdown - now();
    if (in_flight_ == 0 && left.count() <= 0) return end("idle");
    idle_timer_.expires_after(in_flight_ == 0 ? left : options_.idle_shutdown);
    idle_timer_.async_wait(handler(idle_memory_, [](State& s, const std::error_code& ec) {
      if (!ec) s.watch_idleness();
    }));
  }

  void end(std::string_view why) noexcept {
    if (std::exchange(ending_, true)) return;
    log_.info("CONTROL", 7300004, "main", "Finishing the requests in flight", {{"reason", why}});
    for (const auto& l : listeners_) l->close();
    try {
      idle_timer_.cancel();
      drain_timer_.expires_after(options_.drain_time);
      drain_timer_.async_wait(handler(drain_memory_, [](State& s, const std::error_code& ec) {
        if (!ec) s.io_.stop();
      }));
    } catch (const std::exception&) {
      return io_.stop();  // without the timer the wait might have no end
    }
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::shared_ptr<Connection> c = it->second;
      ++it;  // first: it may leave the table at once
      c->finish();
    }
    if (connections_.empty()) io_.stop();
  }

  const Options options_;
  const Responder responder_;
  Log& log_;
  const std::shared_ptr<Metrics> metrics_;
  Listener::Events events_;
  UnixSocket unix_socket_;
  std::uint16_t port_ = 0;
  std::vector<std::string> listening_on_;

  // Before io_, which gives them back at its end.
  HandlerMemory signal_memory_;
  HandlerMemory idle_memory_;
  HandlerMemory drain_memory_;
  HandlerMemory stop_memory_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> stay_{io_.get_executor()};
  asio::signal_set signals_{io_, SIGTERM, SIGINT};
  asio::steady_timer idle_timer_{io_};
  asio::steady_timer drain_timer_{io_};
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  const std::size_t max_connections_;
  std::uint64_t last_connection_ = 0;
  std::size_t in_flight_ = 0;  // commands that are being answered
  Clock::time_point last_command_;
  std::error_code accept_error_;
  bool told_of_room_ = false;
  bool ending_ = false;

  // Last: their threads end before what they work on.
  // One more than one client may have.
  Lane small_{analysis_threads() + 1};
  Lane large_{std::max<std::size_t>(1, analysis_threads() / 2) + 1};
};

void Server::State::stop() {
  asio::post(io_, handler(stop_memory_, [](State& s) { s.end("asked to"); }));
}

Server::Server(const Options& options, Responder responder, Log& log,
               std::shared_ptr<Metrics> metrics)
    : s_(std::make_unique<State>(options, std::move(responder), log, std::move(metrics))) {}
Server::~Server() = default;
Done Server::listen() { return s_->listen(); }
std::uint16_t Server::port() const noexcept { return s_->port(); }
bool Server::run() { return s_->run(); }
void Server::remove_socket() noexcept { s_->remove_socket(); }
void Server::stop() { s_->stop(); }

}  // namespace fle::cryptd
