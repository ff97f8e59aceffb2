#include "tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "key_log.h"
#include "resolve.h"
#include "text/text.h"
#include "tls_stream_files.h"

namespace fle::kms {
namespace {

using Clock = std::chrono::steady_clock;

Failure unreachable(std::string why) { return {Errc::kms_unreachable, std::move(why)}; }

std::string system_reason(int code) { return std::system_category().message(code); }

class Socket {
 public:
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Socket& operator=(Socket&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Waits until `fd` is ready for `events`; false when it got late.
bool wait_for(int fd, short events, Deadline deadline) noexcept {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd p{fd, events, 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return true;  // the next call on the socket tells what it is
  }
}

Outcome<Socket> connect_to(const addrinfo& a, Deadline deadline) {
  Socket s(::socket(a.ai_family, a.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a.ai_protocol));
  if (s.fd() < 0) return unreachable("no socket: " + system_reason(errno));
  if (::connect(s.fd(), a.ai_addr, a.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return unreachable("no connection: " + system_reason(errno));
    if (!wait_for(s.fd(), POLLOUT, deadline)) return unreachable("no connection in time");
    int why = 0;
    socklen_t len = sizeof why;
    if (::getsockopt(s.fd(), SOL_SOCKET, SO_ERROR, &why, &len) != 0) why = errno;
    if (why != 0) return unreachable("no connection: " + system_reason(why));
  }
  const int on = 1;  // a request is one write, and its answer is waited for
  static_cast<void>(::setsockopt(s.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  return s;
}

Outcome<Socket> connect_to(const TlsPeer& peer, Deadline deadline) {
  FLE_TRY(const Addresses addresses, resolve(peer, deadline));
  int n = 0;
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) ++n;
  Outcome<Socket> last = unreachable("the name has no address");
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next, --n) {
    // An address that swallows everything gets its share of the time, not all of it.
    last = connect_to(*a, Clock::now() + (deadline - Clock::now()) / n);
    if (last) break;
  }
  return last;
}

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE on a broken connection: that
// would end a process whose author never heard of it. This one sends with MSG_NOSIGNAL.
int fd_of(BIO* b) noexcept { return static_cast<const Socket*>(BIO_get_data(b))->fd(); }

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* b, const char* data, int len) {
  BIO_clear_retry_flags(b);
  const ssize_t n = ::send(fd_of(b), data, static_cast<std::size_t>(len), MSG_NOSIGNAL);
  if (n < 0 && would_block()) BIO_set_retry_write(b);
  return static_cast<int>(n);
}

int bio_read(BIO* b, char* out, int len) {
  BIO_clear_retry_flags(b);
  const ssize_t n = ::recv(fd_of(b), out, static_cast<std::size_t>(len), 0);
  if (n < 0 && would_block()) BIO_set_retry_read(b);
  return static_cast<int>(n);
}

long bio_ctrl(BIO* /*b*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is held back, the rest is not needed
}

BIO_METHOD* make_bio_method() {
  BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fle socket");
  if (m == nullptr) return nullptr;
  BIO_meth_set_write(m, bio_write);
  BIO_meth_set_read(m, bio_read);
  BIO_meth_set_ctrl(m, bio_ctrl);
  return m;
}

using Ssl = OpensslPtr<SSL, SSL_free>;

bool is_address(const std::string& host) noexcept {
  std::uint8_t ignored[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

/// The certificate has to be for this very host.
bool expect_host(SSL* ssl, const std::string& host) noexcept {
  if (is_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

struct TlsStream::State {
  Socket socket;
  Ssl ssl;
  std::uint64_t n_read = 0;
  pid_t owner = ::getpid();

  /// Runs a call of OpenSSL, which returns 1 when it is done, and waits for the socket as it asks.
  template <class Call>
  Done run(Call call, Deadline deadline) {
    for (;;) {
      ERR_clear_error();
      errno = 0;
      const int result = call();
      const int system_code = errno;
      wipe_stack();  // OpenSSL checks the MAC of CBC suites on copies there
      if (result == 1) return ok;
      const int want = SSL_get_error(ssl.get(), result);
      if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
        return broken(want, system_code);
      if (!wait_for(socket.fd(), want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
        return unreachable("no answer in time");
    }
  }

  [[nodiscard]] Failure broken(int want, int system_code) const {
    const long verify = SSL_get_verify_result(ssl.get());
    if (verify != X509_V_OK) {
      ERR_clear_error();
      return unreachable(std::string("its certificate is not accepted: ") +
                         X509_verify_cert_error_string(verify) +
                         "; check the CA file, the host name and the clock");
    }
    if (want == SSL_ERROR_ZERO_RETURN) return unreachable("the server closed the connection");
    if (want == SSL_ERROR_SYSCALL)
      return unreachable(system_code == 0 ? "the connection was cut"
                                          : "the connection broke: " + system_reason(system_code));
    return unreachable("TLS: " + openssl_reason());
  }
};

Done check_tls_options(const TlsOptions& options) {
  FLE_CHECK(make_tls_context(options));
  return ok;
}

TlsStream::TlsStream(std::unique_ptr<State> s) noexcept : s_(std::move(s)) {}
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&&) noexcept = default;

TlsStream::~TlsStream() {
  // Says goodbye if that takes no waiting; nobody depends on it. A forked child says nothing: it
  // would speak on the parent's connection, under keys and numbers that the parent uses as well.
  if (s_ != nullptr && s_->owner == ::getpid()) SSL_shutdown(s_->ssl.get());
  ERR_clear_error();
}

Outcome<TlsStream> TlsStream::connect(const TlsPeer& peer, const TlsOptions& options,
                                      Deadline deadline) {
  if (would_log_keys()) return unreachable(kWouldLogKeys);
  FLE_TRY(const SslContext ctx, make_tls_context(options));
  FLE_TRY(Socket socket, connect_to(peer, deadline));
  static BIO_METHOD* const method = make_bio_method();
  Ssl ssl(SSL_new(ctx.get()));
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (ssl == nullptr || bio == nullptr || !expect_host(ssl.get(), peer.host)) {
    BIO_free(bio);
    return Failure{Errc::crypto_failed, "a TLS connection: " + openssl_reason()};
  }
  auto state = std::make_unique<State>(State{std::move(socket), std::move(ssl)});
  BIO_set_data(bio, &state->socket);
  BIO_set_init(bio, 1);
  SSL_set_bio(state->ssl.get(), bio, bio);
  SSL* const s = state->ssl.get();
  FLE_CHECK(state->run([s] { return SSL_connect(s); }, deadline));
  return TlsStream(std::move(state));
}

Done TlsStream::write(Bytes data, Deadline deadline) {
  std::size_t done = 0;
  SSL* const s = s_->ssl.get();
  while (done < data.size()) {
    std::size_t n = 0;
    FLE_CHECK(s_->run([&] { return SSL_write_ex(s, data.data() + done, data.size() - done, &n); },
                      deadline));
    done += n;
  }
  return ok;
}

Done TlsStream::read(MutBytes out, Deadline deadline) {
  std::size_t done = 0;
  SSL* const s = s_->ssl.get();
  while (done < out.size()) {
    std::size_t n = 0;
    FLE_CHECK(s_->run([&] { return SSL_read_ex(s, out.data() + done, out.size() - done, &n); },
                      deadline));
    done += n;
    s_->n_read += n;
  }
  return ok;
}

std::uint64_t TlsStream::n_read() const noexcept { return s_->n_read; }

bool TlsStream::is_idle() const noexcept {
  if (s_->owner != ::getpid() || SSL_pending(s_->ssl.get()) != 0) return false;
  pollfd p{s_->socket.fd(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 0;
}

}  // namespace fle::kms
