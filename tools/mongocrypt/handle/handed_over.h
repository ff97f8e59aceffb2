#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_HANDED_OVER_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_HANDED_OVER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "kms_context.h"
#include "original/context.h"
#include "status.h"

namespace fle::mongocrypt {

/// A message of the original's to a KMS.
class HandedKms final : public KmsMessage {
 public:
  explicit HandedKms(original::Kms theirs)
      : KmsMessage(theirs.provider_id(), theirs.endpoint()), theirs_(theirs) {}
  [[nodiscard]] bool is(const mongocrypt_kms_ctx_t* theirs) const noexcept {
    return theirs_.is(theirs);
  }
  [[nodiscard]] Outcome<Bytes> message() override { return theirs_.message(); }
  [[nodiscard]] std::uint32_t bytes_needed() override { return theirs_.bytes_needed(); }
  [[nodiscard]] std::int64_t microseconds_to_wait() const noexcept override {
    return theirs_.microseconds_to_wait();
  }
  [[nodiscard]] Outcome<bool> feed(Bytes bytes) override { return theirs_.feed(bytes); }
  [[nodiscard]] bool lost() override;
  void failed() noexcept override;

 private:
  original::Kms theirs_;
};

/// A context of the original's, and the handles that a driver gets of it.
class HandedOver {
 public:
  explicit HandedOver(std::unique_ptr<original::Context> theirs) : theirs_(std::move(theirs)) {}

  [[nodiscard]] original::Context& theirs() noexcept { return *theirs_; }
  [[nodiscard]] const original::Context& theirs() const noexcept { return *theirs_; }
  /// Null when there is none left to run.
  [[nodiscard]] _mongocrypt_kms_ctx_t* next_kms_context();
  /// Says in `status` what the original says, where it says anything.
  void tell(Status& status) const noexcept;
  /// In a forked child: what another thread of the parent had locked is left alone.
  void abandon() noexcept { static_cast<void>(theirs_.release()); }

 private:
  std::unique_ptr<original::Context> theirs_;
  std::vector<std::unique_ptr<KmsHandle<HandedKms>>> kms_;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_HANDED_OVER_H_
