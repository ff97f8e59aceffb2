#ifndef FLE_KMS_EXCHANGE_H_
#define FLE_KMS_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "fle/bytes.h"
#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/secret.h"

namespace fle::kms {

/// One key wrapped or unwrapped, or a master key made ready, for callers that have a network of
/// their own: what to send to whom, what is still wanted of the answer, how long to wait before
/// another attempt, and at last the result. Tokens are asked for on the way. No socket, no TLS and
/// no waiting happens in here. See docs/kms.md, "A network of your own".
///
/// What Provider::begin_prepare(), begin_wrap() or begin_unwrap() gives is run by its state(),
/// until it has ended:
/// - State::send: connect by TLS (but see Message::tls) to the host and port of message(), write
/// its bytes, then sent(),
///   or lost() if that failed;
/// - State::receive: read at most bytes_needed() bytes and feed() them, at the end of the stream
///   closed(), on an error lost();
/// - State::wait: wait for delay(), then resume();
/// - State::done: take_master_key(), take_wrapped() or take_key();
/// - State::failed: failure().
///
/// Each message may go over a connection of its own; one of HTTP asks the server to close it after
/// the answer. Whoever keeps a KMIP connection open drops it as soon as it has bytes that nobody
/// asked for, and after each closed(), lost() and failure.
///
/// It is the caller who authenticates the server: TLS 1.2 or newer, with the certificate checked
/// for Message::host. Whoever leaves that out hands credentials and keys to anybody.
///
/// In a forked child one that was begun before has failed (Errc::key_not_inherited): the keys in it
/// are wiped there, and zeros must not pass for them.
///
/// An exchange lives no longer than its provider, one thread at a time. Calls out of turn do
/// nothing. Dropping one gives it up.
class FLE_API Exchange {
 public:
  enum class State : std::uint8_t {
    send,     ///< message() is to be sent.
    receive,  ///< bytes_needed() of the answer are wanted.
    wait,     ///< delay(), then resume().
    done,
    failed,
  };
  struct Message {
    std::string_view host;  ///< A DNS name; for KMIP, and without TLS, an address, too.
    std::uint16_t port = 0;
    Bytes bytes;  ///< HTTP/1.1 or KMIP. Secret: credentials, keys.
    /// False: without TLS, to what hands out credentials on this machine or its own link. Only
    /// automatic_credentials() brings such messages.
    bool tls = true;
  };

  virtual ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] State state() const noexcept { return state_; }

  /// While State::send; valid until the next call, and wiped by sent().
  [[nodiscard]] Message message() const;
  void sent();

  /// While State::receive: how many bytes to read at most, at least 1; else 0. A read may give
  /// fewer, and need not wait for all of them.
  [[nodiscard]] std::size_t bytes_needed() const noexcept;
  /// The next bytes of the answer, which may be hostile. The caller wipes them: they may be a key.
  void feed(Bytes bytes);
  /// While State::receive: the server closed the connection, and said so by TLS (close_notify).
  void closed();
  /// While State::send or receive: no connection, or it broke. A provider that may repeat the
  /// message does so after a wait.
  /// @param why  for the error text
  void lost(std::string_view why);

  /// While State::wait.
  [[nodiscard]] std::chrono::milliseconds delay() const noexcept { return delay_; }
  void resume();

  /// Once State::done of begin_prepare(), begin_wrap() and begin_unwrap(): the master key to wrap
  /// under, keyMaterial, 96 bytes; once only.
  /// @retval Errc::invalid_argument  there is no such result, or it was taken
  /// @retval                         when failed: failure()
  [[nodiscard]] Outcome<MasterKey> take_master_key();
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> take_wrapped();
  [[nodiscard]] Outcome<SecretBytes> take_key();
  /// Once State::failed: the codes of Provider::prepare(), wrap() and unwrap().
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

  /// One that has ended before it began.
  [[nodiscard]] static std::unique_ptr<Exchange> ended(Outcome<MasterKey> master_key);
  [[nodiscard]] static std::unique_ptr<Exchange> ended(Outcome<std::vector<std::uint8_t>> wrapped);
  [[nodiscard]] static std::unique_ptr<Exchange> ended(Outcome<SecretBytes> key);

 protected:
  Exchange() noexcept;

  void wants_to_send() noexcept { state_ = State::send; }
  void wants_answer() noexcept { state_ = State::receive; }
  void wants_to_wait(std::chrono::milliseconds delay) noexcept;
  void finish(Outcome<MasterKey> master_key);
  void finish(Outcome<std::vector<std::uint8_t>> wrapped);
  void finish(Outcome<SecretBytes> key);

 private:
  class Ended;
  using Result = std::variant<std::monostate, MasterKey, std::vector<std::uint8_t>, SecretBytes>;
  template <class T>
  void end_with(Outcome<T> result);
  template <class T>
  Outcome<T> take(const char* what);

  /// Whether this is the process that began it; else it fails.
  bool is_at_home();

  // Called in the states that allow it.
  [[nodiscard]] virtual Message do_message() const { return {}; }
  virtual void do_sent() {}
  [[nodiscard]] virtual std::size_t do_bytes_needed() const noexcept { return 1; }
  virtual void do_feed(Bytes) {}
  virtual void do_closed() {}
  virtual void do_lost(std::string_view) {}
  virtual void do_resume() {}

  const std::int64_t owner_;  // the process
  State state_ = State::failed;
  std::chrono::milliseconds delay_{0};
  Result result_;  // until it is taken
  Failure failure_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_EXCHANGE_H_
