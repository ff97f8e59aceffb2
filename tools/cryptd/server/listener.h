#ifndef FLE_TOOLS_CRYPTD_LISTENER_H_
#define FLE_TOOLS_CRYPTD_LISTENER_H_

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "connection.h"
#include "handler.h"

namespace fle::cryptd {

/// "127.0.0.1:40000"; clients of a Unix socket have no address.
inline std::string name_of(const asio::ip::tcp::endpoint& e) {
  const std::string address = e.address().to_string();
  return (e.address().is_v6() ? '[' + address + ']' : address) + ':' + std::to_string(e.port());
}
inline std::string name_of(const asio::local::stream_protocol::endpoint&) {
  return "anonymous unix socket";
}

/// Accepts connections on one address until it is closed.
class Listener {
 public:
  struct Events {
    std::function<void(Socket, const std::string& remote)> accepted;
    /// Before a connection is taken; false: there is no room for one now.
    std::function<bool()> make_room;
    /// Does not throw.
    std::function<void(const std::error_code&)> failed;
  };
  virtual ~Listener() = default;
  virtual void start() = 0;
  virtual void close() noexcept = 0;
};

template <class Protocol>
class ListenerOn final : public Listener,
                         public std::enable_shared_from_this<ListenerOn<Protocol>> {
 public:
  using Acceptor = typename Protocol::acceptor;

  ListenerOn(Acceptor acceptor, const Events& events)
      : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), events_(events) {
    std::error_code ignored;
    acceptor_.non_blocking(true, ignored);
  }

  // Waits and then accepts by itself: what Asio does behind an accept of its own may fail for lack
  // of memory where no handler would hear of it.
  void start() override {
    acceptor_.async_wait(Acceptor::wait_read,
                         handler(wait_memory_, [](ListenerOn& l, const std::error_code& ec) {
                           if (!ec && l.acceptor_.is_open()) l.accept();
                         }));
  }
  void close() noexcept override {
    std::error_code ignored;
    acceptor_.close(ignored);
    try {
      pause_.cancel();
    } catch (const std::exception&) {  // declared to throw
    }
  }
  /// For Handler.
  void failed() noexcept {
    if (!acceptor_.is_open()) return;
    try {
      pause(std::make_error_code(std::errc::not_enough_memory));
    } catch (...) {
      // A timer may need room where it is kept; that to wait for a connection is reserved.
      start();
    }
  }

 private:
  template <class Call>
  [[nodiscard]] auto handler(HandlerMemory& memory, Call call) {
    return Handler(memory, this->shared_from_this(), std::move(call));
  }

  void accept() {
    std::error_code ec;
    if (!events_.make_room()) ec = std::make_error_code(std::errc::too_many_files_open);
    if (!ec) {
      typename Protocol::socket socket = acceptor_.accept(ec);
      if (!ec) accepted(std::move(socket));
    }
    const bool passes = !ec || ec == asio::error::would_block || ec == asio::error::try_again ||
                        ec == asio::error::connection_aborted || ec == asio::error::interrupted;
    passes ? start() : pause(ec);
  }

  // With no descriptor left the next try would fail as fast, over and over.
  void pause(const std::error_code& why) {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait(handler(pause_memory_, [](ListenerOn& l, const std::error_code& ec) {
      if (!ec && l.acceptor_.is_open()) l.start();
    }));
    events_.failed(why);
  }

  void accepted(typename Protocol::socket socket) {
    std::error_code gone;
    const auto remote = socket.remote_endpoint(gone);
    if (gone) return;
    if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
      std::error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    events_.accepted(std::move(socket), name_of(remote));
  }

  HandlerMemory wait_memory_;
  HandlerMemory pause_memory_;
  Acceptor acceptor_;
  asio::steady_timer pause_;
  const Events& events_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_LISTENER_H_
