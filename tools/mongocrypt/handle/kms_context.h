#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_KMS_CONTEXT_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_KMS_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/exchange.h"
#include "fle/wiped.h"
#include "process.h"
#include "status.h"

namespace fle::mongocrypt {

/// One message to a KMS, as the interface has it, and its answer.
class KmsMessage {
 public:
  KmsMessage(std::string provider_id, std::string endpoint)
      : provider_id_(std::move(provider_id)), endpoint_(std::move(endpoint)) {}
  KmsMessage(const KmsMessage&) = delete;
  KmsMessage& operator=(const KmsMessage&) = delete;
  virtual ~KmsMessage() = default;

  [[nodiscard]] const std::string& provider_id() const noexcept { return provider_id_; }
  [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] virtual Outcome<Bytes> message() = 0;
  [[nodiscard]] virtual std::uint32_t bytes_needed() = 0;
  [[nodiscard]] virtual std::int64_t microseconds_to_wait() const noexcept = 0;
  /// @return whether the message is to be sent again
  [[nodiscard]] virtual Outcome<bool> feed(Bytes bytes) = 0;
  /// The connection broke.
  /// @return whether the message is to be sent again
  [[nodiscard]] virtual bool lost() = 0;
  /// A call failed, as `status` says. Makes it more exact, where more is known.
  virtual void failed() noexcept {}
  /// @retval Errc::key_not_inherited  it was made before the process forked
  [[nodiscard]] Done check_process() const;

  Status status;

 private:
  const std::uint64_t process_ = process_number();
  const std::string provider_id_;
  const std::string endpoint_;
};

/// One of an exchange of ours.
class KmsContext final : public KmsMessage {
 public:
  /// @param exchange  in State::send; stays its owner's, and must outlive this.
  KmsContext(kms::Exchange& exchange, std::string provider_id);

  /// After a wait it is made anew.
  [[nodiscard]] Outcome<Bytes> message() override;
  [[nodiscard]] std::uint32_t bytes_needed() override;
  [[nodiscard]] std::int64_t microseconds_to_wait() const noexcept override;
  /// @retval Errc::invalid_argument  more than was asked for
  /// @retval as Exchange::failure
  [[nodiscard]] Outcome<bool> feed(Bytes bytes) override;
  [[nodiscard]] bool lost() override;
  /// Whether it says the same to the same server.
  [[nodiscard]] bool is_same_as(const KmsContext& other) const noexcept;

  /// Whether a driver still has to run it: it was not handed out, or is to be tried again.
  [[nodiscard]] bool is_to_run() const noexcept { return !handed_out_; }
  void hand_out() noexcept { handed_out_ = true; }
  /// Whether its answer is complete.
  [[nodiscard]] bool is_over() const noexcept { return over_; }
  [[nodiscard]] bool waits() const noexcept;
  /// Its round is over: what is left is the status.
  void retire() noexcept;

 private:
  void note_sent();
  void see_what_is_next() noexcept;

  kms::Exchange* exchange_;  // null once retired
  WipedBytes message_;
  bool handed_out_ = false;
  bool sending_ = true;  // its message is not known to be sent
  bool over_ = false;
};

}  // namespace fle::mongocrypt

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is libmongocrypt's
struct _mongocrypt_kms_ctx_t {
  explicit _mongocrypt_kms_ctx_t(fle::mongocrypt::KmsMessage& of) noexcept : message(of) {}
  static constexpr std::uint64_t kMagic = 0x6b6d7320'63747820;
  std::uint64_t magic = kMagic;
  fle::mongocrypt::KmsMessage& message;
};

namespace fle::mongocrypt {

/// A handle with its message.
template <class Message>
struct KmsHandle : _mongocrypt_kms_ctx_t {
  template <class... Args>
  explicit KmsHandle(Args&&... args)
      : _mongocrypt_kms_ctx_t(context), context(std::forward<Args>(args)...) {}
  Message context;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_KMS_CONTEXT_H_
