#include "kms/kmip/fake/fake_kmip.h"

#include <list>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kmip/ttlv.h"

namespace fle::kms::test {
Buf FakeConnection::read_request() {
  if (ssl_ == nullptr) return {};
  const auto fill = [&](std::uint8_t* out, std::size_t n) {
    for (std::size_t got = 0; n > 0; out += got, n -= got)
      if (SSL_read_ex(ssl_, out, n, &got) != 1) return false;
    return true;
  };
  Buf request(ttlv::kHeaderLen);
  if (!fill(request.data(), request.size())) return {};
  request.resize(request.size() + (std::size_t{request[6]} << 8U | request[7]));
  if (!fill(request.data() + ttlv::kHeaderLen, request.size() - ttlv::kHeaderLen)) return {};
  return request;
}

void FakeConnection::send(Bytes bytes) {
  std::size_t n = 0;
  if (!bytes.empty()) static_cast<void>(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n));
}

void FakeConnection::wait_for_end() {
  std::uint8_t ignored[256];
  while (::recv(fd_, ignored, sizeof ignored, 0) > 0) {
  }
}

void FakeConnection::drip(Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    send(bytes.subspan(i, 1));
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 10) > 0) return;
  }
}

void FakeConnection::say_goodbye() { SSL_shutdown(ssl_); }

void FakeConnection::reset_at_end() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

namespace {

/// Binds to a free loopback port and gives its number.
std::uint16_t bind_to_any_port(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t len = sizeof address;
  if (::bind(fd, any, len) != 0 || ::getsockname(fd, any, &len) != 0)
    throw std::runtime_error("no port");
  return ntohs(address.sin_port);
}

}  // namespace

SilentPort::SilentPort()
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), number_(bind_to_any_port(fd_)) {}
SilentPort::~SilentPort() { ::close(fd_); }

FakeKmip::FakeKmip(const std::string& folder, Behavior behavior, const FakeOptions& options)
    : behavior_(std::move(behavior)),
      tls_(options.tls),
      ctx_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  const std::string certificate = folder + "/" + options.certificate;
  SSL_CTX* const ctx = ctx_.get();
  if (options.max_tls_version != 0) {
    SSL_CTX_set_min_proto_version(ctx, 0);
    SSL_CTX_set_max_proto_version(ctx, options.max_tls_version);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (SSL_CTX_use_certificate_chain_file(ctx, (certificate + ".pem").c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(ctx, (certificate + ".key").c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(ctx, (folder + "/ca.pem").c_str(), nullptr) != 1)
    throw std::runtime_error("the fake KMIP server has no certificates");
  port_ = bind_to_any_port(listener_);
  if (::listen(listener_, 64) != 0) throw std::runtime_error("the fake KMIP server cannot start");
  acceptor_ = std::thread([this] { accept_connections(); });
}

FakeKmip::~FakeKmip() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
}

void FakeKmip::await_closed(int n) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return n_closed_ >= n; });
}

void FakeKmip::accept_connections() {
  // The client must not raise SIGPIPE; this server may.
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::list<std::thread> threads;
  while (!stop_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++n_connections_;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    {
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
    }
    threads.emplace_back([this, fd] { serve(fd); });
  }
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& t : threads) t.join();
}

void FakeKmip::serve(int fd) {
  {
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(tls_ ? SSL_new(ctx_.get()) : nullptr, SSL_free);
    if (ssl != nullptr) SSL_set_fd(ssl.get(), fd);
    FakeConnection connection(fd, ssl.get());
    if (ssl == nullptr || SSL_accept(ssl.get()) == 1) behavior_(connection);
  }
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  ::close(fd);
  ++n_closed_;
  changed_.notify_all();
}

}  // namespace fle::kms::test
