#include "handed_over.h"

#include <new>

namespace fle::mongocrypt {
namespace {

/// @param read  what the original tells
template <class Read>
void tell_status(Status& status, Read read) noexcept {
  try {
    const original::Told told = read();
    if (told.type != MONGOCRYPT_STATUS_OK) status.set(told.type, told.code, told.text);
  } catch (const std::bad_alloc&) {
    status.set_fixed("out of memory");
  }
}

}  // namespace

bool HandedKms::lost() {
  const bool again = theirs_.lost();
  if (!again) failed();
  return again;
}

void HandedKms::failed() noexcept {
  tell_status(status, [this] { return theirs_.told(); });
}

_mongocrypt_kms_ctx_t* HandedOver::next_kms_context() {
  mongocrypt_kms_ctx_t* const next = theirs_->next_kms_context();
  if (next == nullptr) return nullptr;
  // One that is to be tried again comes again.
  for (const auto& known : kms_)
    if (known->context.is(next)) return known.get();
  kms_.push_back(std::make_unique<KmsHandle<HandedKms>>(original::Kms(theirs_->library(), next)));
  return kms_.back().get();
}

void HandedOver::tell(Status& status) const noexcept {
  tell_status(status, [this] { return theirs_->told(); });
}

}  // namespace fle::mongocrypt
