#ifndef FLE_TESTS_CRYPTD_CLIENT_H_
#define FLE_TESTS_CRYPTD_CLIENT_H_

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cryptd/messages.h"
#include "support/patience.h"

namespace fle::test {

/// A blocking connection to a daemon. What takes longer than the patience of tests is an error.
class Client {
 public:
  explicit Client(std::uint16_t port, const char* address = "127.0.0.1") {
    if (std::strchr(address, ':') != nullptr) {
      sockaddr_in6 a{};
      a.sin6_family = AF_INET6;
      a.sin6_port = htons(port);
      ::inet_pton(AF_INET6, address, &a.sin6_addr);
      connect(a);
    } else {
      sockaddr_in a{};
      a.sin_family = AF_INET;
      a.sin_port = htons(port);
      ::inet_pton(AF_INET, address, &a.sin_addr);
      connect(a);
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  explicit Client(const std::string& socket_path) {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof a.sun_path) throw std::runtime_error("path too long");
    std::memcpy(a.sun_path, socket_path.data(), socket_path.size());
    connect(a);
  }
  Client(Client&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(Bytes b) {
    while (!b.empty()) {
      const ssize_t n = ::send(fd_, b.data(), b.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;  // with a time limit also a stop and its end interrupt
      if (n <= 0) throw std::system_error(errno, std::system_category(), "send");
      b = b.subspan(static_cast<std::size_t>(n));
    }
  }
  /// The next answer; nothing: the daemon has closed the connection.
  std::optional<Reply> read() {
    Buf m(16);
    if (!fill(m, 0)) return std::nullopt;
    m.resize(get_u32(m, 0));
    if (!fill(m, 16)) throw std::runtime_error("half an answer");
    return Reply(m);
  }
  Reply ask(Bytes message) {
    send(message);
    auto reply = read();
    if (!reply) throw std::runtime_error("closed instead of an answer");
    return *std::move(reply);
  }
  Reply ask(std::string_view json) { return ask(op_msg(json)); }
  /// All that comes until the daemon closes the connection.
  std::string read_all() {
    std::string all;
    std::array<std::uint8_t, 4096> part{};
    for (ssize_t n = 0; (n = receive(part)) > 0;)
      all.append(reinterpret_cast<const char*>(part.data()), static_cast<std::size_t>(n));
    return all;
  }
  /// Nothing more comes, and the daemon has closed.
  bool closed() {
    std::uint8_t byte = 0;
    return receive({&byte, 1}) <= 0 && errno != EAGAIN;
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  template <class Address>
  void connect(const Address& a) {
    fd_ = ::socket(reinterpret_cast<const sockaddr&>(a).sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{std::chrono::seconds(kPatience).count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) {
      const int error = errno;
      if (fd_ >= 0) ::close(fd_);
      throw std::system_error(error, std::system_category(), "connect");
    }
  }
  ssize_t receive(MutBytes into) {
    ssize_t n = 0;
    do n = ::recv(fd_, into.data(), into.size(), 0);
    while (n < 0 && errno == EINTR);
    return n;
  }
  /// False at the end of the stream, if that comes before the first byte.
  bool fill(Buf& m, std::size_t from) {
    const std::size_t first = from;
    while (from < m.size()) {
      const ssize_t n = receive(MutBytes(m).subspan(from));
      if (n == 0 && from == first) return false;
      if (n <= 0) throw std::system_error(errno, std::system_category(), "recv");
      from += static_cast<std::size_t>(n);
    }
    return true;
  }

  int fd_ = -1;
};

/// For threads of a test, where an exception would end the program: false when `f` throws.
template <class F>
bool succeeds(F f) {
  try {
    f();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace fle::test

#endif  // FLE_TESTS_CRYPTD_CLIENT_H_
