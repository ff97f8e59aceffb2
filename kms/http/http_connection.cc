#include "http_connection.h"

#include <algorithm>
#include <climits>
#include <csignal>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "curl_functions.h"
#include "http_text.h"
#include "net/key_log.h"
#include "net/resolve.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxDetail = 200;

// libcurl's own guard against SIGPIPE changes the handler of the whole process, and is off under
// CURLOPT_NOSIGNAL. This one blocks the signal for the thread and swallows what we caused.
class NoSigpipe {
 public:
  NoSigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec now{};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &now) > 0) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

CURLcode keep_secrets(CURL*, void* context, void*) noexcept {
  auto* const tls = static_cast<SSL_CTX*>(context);
  // OpenSSL otherwise keeps decrypted bytes in the connection's buffer until others overwrite them.
  SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
  // For another user of libcurl in this process the variable may have been there once.
  SSL_CTX_set_keylog_callback(tls, nullptr);
  return CURLE_OK;
}

bool curl_uses_openssl() noexcept {
  const char* tls = curl().version_info(CURLVERSION_NOW)->ssl_version;
  return tls != nullptr && std::string_view(tls).starts_with("OpenSSL/");
}

// Wrong certificates, files and settings stay wrong.
bool is_permanent(CURLcode code) noexcept {
  constexpr CURLcode kPermanent[] = {CURLE_PEER_FAILED_VERIFICATION,
                                     CURLE_SSL_CACERT_BADFILE,
                                     CURLE_SSL_CERTPROBLEM,
                                     CURLE_SSL_ISSUER_ERROR,
                                     CURLE_SSL_CIPHER,
                                     CURLE_SSL_ENGINE_NOTFOUND,
                                     CURLE_NOT_BUILT_IN,
                                     CURLE_URL_MALFORMAT,
                                     CURLE_BAD_FUNCTION_ARGUMENT};
  return std::ranges::find(kPermanent, code) != std::end(kPermanent);
}

HttpFault fault(CURLcode code, const char* detail) {
  // The one fault that this file finds too, once the connection is there, has one wording.
  std::string why =
      code == CURLE_OPERATION_TIMEDOUT ? "no connection in time" : curl().easy_strerror(code);
  if (*detail != '\0') why += " (" + words(detail, kMaxDetail) + ")";
  return {std::move(why),
          is_permanent(code) ? HttpFault::Kind::permanent : HttpFault::Kind::transient};
}

/// RFC 6761, section 6.3: libcurl knows their addresses itself.
bool is_loopback_name(std::string_view host) noexcept {
  return host == "localhost" || host.ends_with(".localhost");
}

/// For CURLOPT_RESOLVE. libcurl's own way to look up names waits for a resolver that is late, or
/// leaves any number of threads behind.
HttpResult<curl_slist*> addresses_of(const HttpEndpoint& to, Deadline deadline) {
  const auto found = resolve({to.host, to.port}, deadline);
  if (!found) return HttpFault{found.error().message, HttpFault::Kind::transient};
  std::string addresses;
  for (const addrinfo* a = found->get(); a != nullptr; a = a->ai_next) {
    char text[INET6_ADDRSTRLEN];
    if (::getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
        0)
      continue;
    addresses += (addresses.empty() ? "" : ",") +
                 (a->ai_family == AF_INET6 ? "[" + std::string(text) + "]" : std::string(text));
  }
  if (addresses.empty()) return HttpFault{"the host has no address", HttpFault::Kind::transient};
  const std::string entry = to.host + ":" + std::to_string(to.port) + ":" + addresses;
  curl_slist* const list = curl().slist_append(nullptr, entry.c_str());
  // Without the list libcurl would look the name up itself.
  if (list == nullptr) return HttpFault{"no memory for addresses", HttpFault::Kind::permanent};
  return list;
}

int milliseconds_until(Deadline deadline) noexcept {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

HttpResult<std::monostate> wait_for(CURL* handle, short events, Deadline deadline) {
  curl_socket_t s = CURL_SOCKET_BAD;
  if (curl().easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &s) != CURLE_OK || s == CURL_SOCKET_BAD)
    return HttpFault{"the connection is gone", HttpFault::Kind::transient};
  pollfd p{s, events, 0};
  const int left = milliseconds_until(deadline);
  if (left == 0) return HttpFault{"no answer in time", HttpFault::Kind::transient};
  // Whatever ends poll(), data, a signal or its time: the caller tries again, and comes back here.
  ::poll(&p, 1, left);
  return std::monostate{};
}

}  // namespace

struct HttpConnection::Handles {
  CURL* handle = nullptr;
  curl_slist* connect_to = nullptr;
  curl_slist* addresses = nullptr;
  char detail[CURL_ERROR_SIZE] = {};

  ~Handles() {
    curl().easy_cleanup(handle);
    curl().slist_free_all(connect_to);
    curl().slist_free_all(addresses);
  }
};

HttpConnection::HttpConnection() : h_(std::make_unique<Handles>()), owner_(::getpid()) {}

HttpConnection::~HttpConnection() {
  if (owner_ == ::getpid()) {
    const NoSigpipe guard;
    h_.reset();
    return;
  }
  // In a forked child: a proper close would send an alert over the connection that the parent still
  // uses. So only the child's descriptor goes; the handle's memory is left behind.
  const Handles* h = h_.release();
  curl_socket_t s = CURL_SOCKET_BAD;
  if (curl().easy_getinfo(h->handle, CURLINFO_ACTIVESOCKET, &s) == CURLE_OK && s != CURL_SOCKET_BAD)
    ::close(s);
}

HttpResult<std::unique_ptr<HttpConnection>> HttpConnection::open(const HttpEndpoint& to,
                                                                 const HttpSettings& settings,
                                                                 Deadline deadline) {
  if (would_log_keys()) return HttpFault{kWouldLogKeys, HttpFault::Kind::permanent};
  if (const auto loaded = load_curl(); !loaded)
    return HttpFault{loaded.error(), HttpFault::Kind::permanent};
  std::unique_ptr<HttpConnection> out(new HttpConnection);
  Handles& h = *out->h_;
  h.handle = curl().easy_init();
  if (h.handle == nullptr) return HttpFault{"libcurl cannot start", HttpFault::Kind::permanent};
  CURLcode code = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (code == CURLE_OK) code = curl().easy_setopt(h.handle, option, value);
  };
  const auto set_text = [&](CURLoption option, const std::string& value) {
    if (!value.empty()) set(option, value.c_str());
  };
  const bool is_address_6 = to.host.find(':') != std::string::npos;
  const std::string& connect_to = to.plain ? settings.connect_plain_to : settings.connect_to;
  if (connect_to.empty() && !is_loopback_name(to.host) && !is_address_6) {
    const auto by = std::min(deadline, std::chrono::steady_clock::now() + settings.connect_timeout);
    FLE_TRY(h.addresses, addresses_of(to, by));
  }
  const std::string scheme = to.plain ? "http" : "https";
  const std::string host = is_address_6 ? "[" + to.host + "]" : to.host;
  const auto timeout = std::chrono::milliseconds(milliseconds_until(deadline));
  set(CURLOPT_ERRORBUFFER, h.detail);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_RESOLVE, h.addresses);
  set(CURLOPT_URL, (scheme + "://" + host + ":" + std::to_string(to.port) + "/").c_str());
  set(CURLOPT_PROTOCOLS_STR, scheme.c_str());
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROXY, "");
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::min(settings.connect_timeout, timeout).count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(timeout.count(), std::int64_t{1})));
  set_text(CURLOPT_CAINFO, settings.tls.ca_file);
  // Without this the system's authorities would still be trusted beside the given file.
  if (!settings.tls.ca_file.empty()) set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  set_text(CURLOPT_SSLCERT, settings.tls.certificate_file);
  set_text(CURLOPT_SSLKEY, settings.tls.private_key_file);
  if (curl_uses_openssl()) set(CURLOPT_SSL_CTX_FUNCTION, &keep_secrets);
  if (!connect_to.empty()) {
    h.connect_to = curl().slist_append(nullptr, connect_to.c_str());
    set(CURLOPT_CONNECT_TO, h.connect_to);
  }
  const NoSigpipe guard;
  if (code == CURLE_OK) code = curl().easy_perform(h.handle);
  if (code != CURLE_OK) return fault(code, h.detail);
  return out;
}

HttpResult<std::monostate> HttpConnection::send(Bytes data, Deadline deadline) {
  const NoSigpipe guard;
  while (!data.empty()) {
    std::size_t n = 0;
    const CURLcode code = curl().easy_send(h_->handle, data.data(), data.size(), &n);
    if (code != CURLE_OK && code != CURLE_AGAIN) return fault(code, h_->detail);
    data = data.subspan(n);
    if (code == CURLE_AGAIN) FLE_CHECK(wait_for(h_->handle, POLLOUT, deadline));
  }
  return std::monostate{};
}

HttpResult<std::size_t> HttpConnection::receive(MutBytes out, Deadline deadline) {
  const NoSigpipe guard;
  for (;;) {
    std::size_t n = 0;
    const CURLcode code = curl().easy_recv(h_->handle, out.data(), out.size(), &n);
    if (code == CURLE_OK) return n;
    if (code != CURLE_AGAIN) return fault(code, h_->detail);
    FLE_CHECK(wait_for(h_->handle, POLLIN, deadline));
  }
}

bool HttpConnection::is_quiet() noexcept {
  const NoSigpipe guard;
  char byte = 0;
  std::size_t n = 0;
  return curl().easy_recv(h_->handle, &byte, 1, &n) == CURLE_AGAIN;
}

}  // namespace fle::kms
