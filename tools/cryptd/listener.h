#ifndef FLE_TOOLS_CRYPTD_LISTENER_H_
#define FLE_TOOLS_CRYPTD_LISTENER_H_

#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "connection.h"

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
    std::function<void(const std::error_code&)> failed;
  };
  virtual ~Listener() = default;
  virtual void start() = 0;
  virtual void close() = 0;
};

template <class Protocol>
class ListenerOn final : public Listener {
 public:
  using Acceptor = typename Protocol::acceptor;

  ListenerOn(Acceptor acceptor, const Events& events)
      : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), events_(events) {}

  void start() override {
    acceptor_.async_accept([this](const std::error_code& ec, typename Protocol::socket socket) {
      if (ec == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (ec && ec != asio::error::connection_aborted) return pause(ec);
      if (!ec) accepted(std::move(socket));
      start();
    });
  }
  void close() override {
    std::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  // With no descriptor left the next try would fail as fast, over and over.
  void pause(const std::error_code& why) {
    events_.failed(why);
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](const std::error_code& ec) {
      if (!ec && acceptor_.is_open()) start();
    });
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

  Acceptor acceptor_;
  asio::steady_timer pause_;
  const Events& events_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_LISTENER_H_
