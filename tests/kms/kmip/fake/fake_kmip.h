#ifndef FLE_TESTS_KMS_KMIP_FAKE_KMIP_H_
#define FLE_TESTS_KMS_KMIP_FAKE_KMIP_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <openssl/ssl.h>

#include "kms/kmip/fake/kmip_answers.h"

namespace fle::kms::test {

/// One connection that a FakeKmip has accepted. What fails here fails silently: the client's view
/// is what is tested.
class FakeConnection {
 public:
  FakeConnection(int fd, SSL* ssl) noexcept : fd_(fd), ssl_(ssl) {}
  /// The next request; empty when the client is gone.
  Buf read_request();
  void send(Bytes bytes);
  /// Waits until the client closes the connection.
  void wait_for_end();
  /// Sends one byte after the other, with a pause behind each, until the client closes the
  /// connection.
  void drip(Bytes bytes);
  /// Says goodbye, as TLS wants it. Without it the connection is cut when the behavior ends.
  void say_goodbye();
  /// Lets the connection end with a TCP reset.
  void reset_at_end();

 private:
  int fd_;
  SSL* ssl_;
};

struct FakeOptions {
  std::string certificate = "server";  ///< Of the test's folder.
  bool tls = true;
  int max_tls_version = 0;  ///< 0: the newest there is.
};

/// A TLS server on a loopback port whose connections do what the test says; each in a thread of its
/// own. Clients need a certificate of the folder's "ca".
class FakeKmip {
 public:
  using Behavior = std::function<void(FakeConnection&)>;
  FakeKmip(const std::string& folder, Behavior behavior, const FakeOptions& options = {});
  ~FakeKmip();
  FakeKmip(const FakeKmip&) = delete;
  FakeKmip& operator=(const FakeKmip&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string endpoint(const std::string& host = "localhost") const {
    return host + ":" + std::to_string(port_);
  }
  [[nodiscard]] int n_connections() const noexcept { return n_connections_; }
  /// Waits until the server has closed so many connections since its start.
  void await_closed(int n);

 private:
  void accept_connections();
  void serve(int fd);

  Behavior behavior_;
  bool tls_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> ctx_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> n_connections_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<int> open_;  // sockets of connections; guarded by mutex_
  int n_closed_ = 0;    // guarded by mutex_
  std::thread acceptor_;
};

/// A loopback port at which nobody listens, nor will as long as this lives.
class SilentPort {
 public:
  SilentPort();
  ~SilentPort();
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  int fd_;
  std::uint16_t number_;
};

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_KMIP_FAKE_KMIP_H_
