#include "fle/client/document_cipher.h"

#include <new>
#include <utility>

#include "batch_state.h"

namespace fle::client {
namespace {

constexpr const char* kNoPlan = "this cipher has no schema: it only decrypts";

/// Runs `work` on a clean batch; takes everything back when it fails.
template <class Work>
Done run(Batch& batch, Work work) {
  BatchState& s = BatchState::of(batch);
  s.abandon();
  s.wanted.clear();
  Done done = ok;
  try {
    done = work(s);
  } catch (const std::bad_alloc&) {
    done = Failure(Errc::no_memory, {});  // a text would need some
  }
  if (done) {
    s.n_results = s.n_documents;
    s.end_call();
  } else {
    s.fields.list_wanted(s.wanted);
    s.abandon();
  }
  return done;
}

}  // namespace

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys)
    : DocumentCipher(std::move(plan), std::move(keys), Options{}) {}

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys, Options options)
    : plan_(std::move(plan)), keys_(std::move(keys)), options_(options) {}

Done DocumentCipher::encrypt(Batch& batch) const {
  if (plan_ == nullptr) return Failure(Errc::invalid_argument, kNoPlan);
  return run(batch,
             [this](BatchState& s) { return encrypt_documents(s, *plan_, keys_.get(), options_); });
}

Done DocumentCipher::decrypt(Batch& batch) const {
  return run(batch, [this](BatchState& s) { return decrypt_documents(s, keys_.get(), options_); });
}

Done DocumentCipher::reencrypt(Batch& batch, const Reencryption& how) const {
  if (plan_ == nullptr) return Failure(Errc::invalid_argument, kNoPlan);
  return run(batch, [&](BatchState& s) {
    return reencrypt_documents(s, *plan_, keys_.get(), options_, how);
  });
}

}  // namespace fle::client
