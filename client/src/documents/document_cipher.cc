#include "fle/client/document_cipher.h"

#include <new>
#include <utility>

#include "batch_state.h"
#include "faulty_documents.h"
#include "fields/call_report.h"

namespace fle::client {
namespace {

/// @retval Errc::invalid_argument  there is none
Outcome<const schema::Plan*> need(const std::shared_ptr<const schema::Plan>& plan) {
  if (plan != nullptr) return plan.get();
  return Failure(Errc::invalid_argument, "this cipher has no schema: it only decrypts");
}

/// Calls `body`, which may run out of memory.
template <class Body>
auto guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Failure(Errc::no_memory, {});  // a text would need some
  }
}

/// Runs `work` on a clean batch; takes everything back when it fails. `explain` finds all faults of
/// a document.
template <class DoWork, class DoExplain>
Done run_all(Batch& batch, OnFaulty on_faulty, DoWork work, DoExplain explain) {
  BatchState& s = BatchState::of(batch);
  s.forget_faulty();
  for (;;) {
    s.abandon();
    s.wanted.clear();
    Done done = guarded([&] { return work(s); });
    if (done) {
      s.n_results = s.n_documents;
      if (s.opened && s.opened->n_documents != 0) s.opened->fields.count();
      s.fields.count();
      s.end_call();
      return done;
    }
    Done listed = guarded([&]() -> Done {
      s.fields.list_wanted(s.wanted);
      return ok;
    });
    s.abandon();
    if (!listed) return listed;
    if (on_faulty == OnFaulty::fail) return done;
    FLE_TRY(const bool again,
            guarded([&] { return find_faulty(s, done.error(), on_faulty, work, explain); }));
    if (!again) return done;
  }
}

/// The same, and tells who wants to hear of it.
template <class DoWork, class DoExplain>
Done run(Batch& batch, Word operation, const DocumentCipher::Options& options, DoWork work,
         DoExplain explain) {
  if (options.observer == nullptr) return run_all(batch, options.on_faulty, work, explain);
  CallReport report(options.observer.get());
  Done done = run_all(batch, options.on_faulty, work, explain);
  if (done) {
    const BatchState& s = BatchState::of(batch);
    if (s.opened && s.opened->n_documents != 0) report.add_fields(s.opened->fields);
    report.add_fields(s.fields);
    report.add_documents(operation, s.n_results - s.faulty.size());
  }
  report.end(operation, done);
  return done;
}

}  // namespace

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys)
    : DocumentCipher(std::move(plan), std::move(keys), Options{}) {}

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys, Options options)
    : plan_(std::move(plan)), keys_(std::move(keys)), options_(std::move(options)) {}

Done DocumentCipher::encrypt(Batch& batch) const {
  return run(
      batch, "encrypt", options_,
      [this](BatchState& s) -> Done {
        FLE_TRY(const schema::Plan* const plan, need(plan_));
        return encrypt_documents(s, *plan, keys_.get(), options_);
      },
      [this](Bytes document, bson::Faults& out) {
        return explain_encryption(document, *plan_, keys_.get(), options_, out);
      });
}

Done DocumentCipher::decrypt(Batch& batch) const {
  return run(
      batch, "decrypt", options_,
      [this](BatchState& s) { return decrypt_documents(s, keys_.get(), options_); },
      [this](Bytes document, bson::Faults& out) {
        return explain_decryption(document, keys_.get(), options_, out);
      });
}

Done DocumentCipher::reencrypt(Batch& batch, const Reencryption& how) const {
  return run(
      batch, "reencrypt", options_,
      [&](BatchState& s) -> Done {
        FLE_TRY(const schema::Plan* const plan, need(plan_));
        return reencrypt_documents(s, *plan, keys_.get(), options_, how);
      },
      [&](Bytes document, bson::Faults& out) {
        return explain_reencryption(document, *plan_, keys_.get(), options_, how, out);
      });
}

}  // namespace fle::client
