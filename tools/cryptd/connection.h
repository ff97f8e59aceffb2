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
#include <vector>

#include <asio/generic/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "commands.h"

namespace fle::cryptd {

using Socket = asio::generic::stream_protocol::socket;

/// What a finished command leaves in the log.
struct CommandRecord {
  std::string_view command;
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
  virtual void command_began() = 0;
  virtual void command_ended(const CommandRecord& record) = 0;
  virtual void connection_closed(std::uint64_t id) = 0;
  /// How long a client that is refused may go on sending.
  [[nodiscard]] virtual std::chrono::milliseconds linger_time() const = 0;

 protected:
  ~ConnectionOwner() = default;
};

/// One client. Takes one message at a time and answers it before it reads the next, so a client
/// that sends without reading fills its own buffers and not ours. Lives on the I/O thread.
///
/// Memory is taken as bytes arrive, never because a length was announced.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// @param client  see ConnectionOwner::run_elsewhere.
  Connection(Socket socket, std::uint64_t id, std::string client, ConnectionOwner& owner);

  void start() { await_message(); }
  /// Ends once what the client has begun to send is answered; at once if that is nothing.
  void finish();
  /// Ends now.
  void close();

 private:
  void await_message();
  void read_more();
  void received(std::size_t n);
  void make_room(std::size_t length);
  void dispatch();
  void answer_elsewhere();
  void watch_client();
  void abandon();
  void answered(Answer answer);
  void reply(Answer answer);
  void replied();
  void linger();
  void discard();
  [[nodiscard]] Bytes message() const noexcept { return {message_.data(), received_}; }

  Socket socket_;
  asio::steady_timer linger_timer_;
  ConnectionOwner& owner_;
  const std::uint64_t id_;
  const std::string client_;

  std::vector<std::uint8_t> message_;  // its size is the room that there is
  std::size_t received_ = 0;           // bytes of the message that have come
  bool reading_ = false;
  bool finishing_ = false;
  bool closed_ = false;
  bool analysing_ = false;
  std::atomic<bool> abandoned_{false};  // read by the thread that analyses
  Answer answer_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_CONNECTION_H_
