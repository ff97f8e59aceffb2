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

/// One message of an exchange with a KMS, as the interface has it, and its answer.
class KmsContext {
 public:
  /// @param exchange  in State::send; stays its owner's, and must outlive this.
  KmsContext(kms::Exchange& exchange, std::string provider_id);

  [[nodiscard]] const std::string& provider_id() const noexcept { return provider_id_; }
  [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
  /// The message. After a wait it is made anew.
  [[nodiscard]] Bytes message();
  [[nodiscard]] std::uint32_t bytes_needed();
  [[nodiscard]] std::int64_t microseconds_to_wait() const noexcept;
  /// @return whether the message is to be sent again
  /// @retval Errc::invalid_argument  more than was asked for
  /// @retval as Exchange::failure
  [[nodiscard]] Outcome<bool> feed(Bytes bytes);
  /// The connection broke.
  /// @return whether the message is to be sent again
  [[nodiscard]] bool lost();

  /// Whether a driver still has to run it: it was not handed out, or is to be tried again.
  [[nodiscard]] bool is_to_run() const noexcept { return !handed_out_; }
  void hand_out() noexcept { handed_out_ = true; }
  /// Whether its answer is complete.
  [[nodiscard]] bool is_over() const noexcept { return over_; }
  [[nodiscard]] bool waits() const noexcept;
  /// Its round is over: what is left is the status.
  void retire() noexcept;
  /// @retval Errc::key_not_inherited  it was made before the process forked
  [[nodiscard]] Done check_process() const;

  Status status;

 private:
  void note_sent();
  void see_what_is_next() noexcept;

  const std::uint64_t process_ = process_number();
  kms::Exchange* exchange_;  // null once retired
  std::string provider_id_;
  std::string endpoint_;
  WipedBytes message_;
  bool handed_out_ = false;
  bool sending_ = true;  // its message is not known to be sent
  bool over_ = false;
};

}  // namespace fle::mongocrypt

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is libmongocrypt's
struct _mongocrypt_kms_ctx_t {
  _mongocrypt_kms_ctx_t(fle::kms::Exchange& exchange, std::string provider_id)
      : context(exchange, std::move(provider_id)) {}
  static constexpr std::uint64_t kMagic = 0x6b6d7320'63747820;
  std::uint64_t magic = kMagic;
  fle::mongocrypt::KmsContext context;
};

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_KMS_CONTEXT_H_
