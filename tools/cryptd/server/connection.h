#ifndef FLE_TOOLS_CRYPTD_CONNECTION_H_
#define FLE_TOOLS_CRYPTD_CONNECTION_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "fle/observe/metrics.h"
#include "fle/wiped.h"
#include "handler.h"
#include "protocol/commands.h"

namespace fle::cryptd {

using Socket = asio::generic::stream_protocol::socket;

/// What a finished command leaves in the log, and in metrics.
struct CommandRecord {
  Word command;
  std::size_t request_size;
  std::size_t reply_size;
  std::chrono::steady_clock::duration duration;
};

/// What a connection needs of the server it belongs to. Called on the server's I/O thread.
class ConnectionOwner {
 public:
  [[nodiscard]] virtual const Responder& responder() const = 0;
  /// Runs `job` on another thread.
  /// @param client  whose it is: clients take turns.
  /// @param size    bytes of the message that it is for.
  virtual void run_elsewhere(const std::string& client, std::size_t size,
                             std::function<void()> job) = 0;
  /// A job of run_elsewhere() is done; with the same arguments.
  virtual void analysis_ended(const std::string& client, std::size_t size) noexcept = 0;
  /// Where the I/O thread takes what other threads leave for it.
  [[nodiscard]] virtual asio::io_context& io() noexcept = 0;
  virtual void command_began() noexcept = 0;
  virtual void command_ended(const CommandRecord& record) noexcept = 0;
  virtual void connection_closed(std::uint64_t id) noexcept = 0;
  /// What scrapers get; null: nothing.
  [[nodiscard]] virtual const Metrics* metrics() const noexcept = 0;
  /// Of Options::now.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const = 0;
  /// How long a client that is refused may go on sending.
  [[nodiscard]] virtual std::chrono::milliseconds linger_time() const = 0;
  /// See Options::stall_time.
  [[nodiscard]] virtual std::chrono::milliseconds stall_time() const = 0;

 protected:
  ~ConnectionOwner() = default;
};

/// One client. Takes one message at a time and answers it before it reads the next, so a client
/// that sends without reading fills its own buffers and not ours. Lives on the I/O thread.
///
/// Memory is taken as bytes arrive, never because a length was announced, and wiped when it is
/// given back. What an exception leaves ends this connection and no other.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// @param client  see ConnectionOwner::run_elsewhere.
  Connection(Socket socket, std::uint64_t id, std::string client, ConnectionOwner& owner);

  void start() noexcept;
  /// Ends once what the client has begun to send is answered; at once if that is nothing.
  void finish() noexcept;
  /// Ends now.
  void close() noexcept;
  /// For Handler: an exception has left a handler of this connection.
  void failed() noexcept { close(); }
  /// Since when the client has owed the rest of a message, or its first, or to take its answer;
  /// nothing: it owes nothing.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> owes_since() const noexcept;

 private:
  void await_message();
  void read_more();
  void received(std::size_t n);
  void make_room(std::size_t length);
  void dispatch();
  [[nodiscard]] bool is_scraped() const noexcept;
  void received_scrape();
  void answer_elsewhere();
  void watch_client();
  void abandon() noexcept;
  void analyze() noexcept;
  void answered();
  void reply(Answer answer);
  void replied();
  void linger();
  void discard();
  void watch_progress();
  void check_progress();
  template <class Call>
  [[nodiscard]] auto handler(HandlerMemory& memory, Call call) {
    return Handler(memory, shared_from_this(), std::move(call));
  }
  [[nodiscard]] Bytes message() const noexcept { return {message_.data(), received_}; }

  HandlerMemory io_memory_;     // of the one read or write
  HandlerMemory timer_memory_;  // of timer_
  HandlerMemory watch_memory_;  // of the look for the client's end
  HandlerMemory post_memory_;   // of an answer on its way back from another thread
  Socket socket_;
  asio::steady_timer timer_;  // of a client that makes no progress, or that lingers
  ConnectionOwner& owner_;
  const std::uint64_t id_;
  const std::string client_;

  WipedBytes message_;              // its size is the room that there is
  std::optional<Request> request_;  // of message_, where it is analyzed and was taken apart before
  std::size_t received_ = 0;        // bytes of the message that have come
  bool reading_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  bool closed_ = false;
  bool analyzing_ = false;
  std::atomic<bool> abandoned_{false};  // read by the thread that analyses
  Answer answer_;                       // while it is analyzed, the other thread's

  bool watched_ = false;                     // timer_ is set for check_progress()
  std::uint64_t moved_ = 0;                  // bytes read and written
  std::optional<std::uint64_t> moved_then_;  // at the last look
  std::chrono::steady_clock::time_point looked_at_;
  std::chrono::steady_clock::time_point since_;  // when the message that is read or answered began
  bool has_finished_one_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_CONNECTION_H_
