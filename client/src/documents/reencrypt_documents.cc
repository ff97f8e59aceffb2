#include <memory>
#include <utility>

#include "batch_state.h"
#include "extent.h"
#include "fields/field_failures.h"
#include "verify_documents.h"

namespace fle::client {
namespace {

/// Decrypts the documents of `s` beside it, and lets the results be its documents.
Done open_documents(BatchState& s, kms::KeyRing* ring, DocumentCipher::Options options) {
  if (s.opened == nullptr) s.opened = std::make_unique<BatchState>();
  BatchState& o = *s.opened;
  if (o.documents.size() < s.n_documents) o.documents.resize(s.n_documents);
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    o.documents[i].input = s.documents[i].input;
    o.documents[i].left_out = s.documents[i].left_out;
  }
  o.n_documents = s.n_documents;
  options.missing_keys = MissingKeys::fail;
  options.verify = false;  // the whole way is verified at its end
  Done done = decrypt_documents(o, ring, options);
  if (!done) o.fields.list_wanted(s.wanted);
  if (!done) return done;
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    const BatchState::Document& d = o.documents[i];
    if (d.size != 0) s.documents[i].input = Bytes(o.output).subspan(d.offset, d.size);
  }
  return ok;
}

/// Meets what was encrypted with what will be, in documents that lie in the same order.
class Comparison {
 public:
  Comparison(BatchState& s, const schema::Plan& plan, bool may_decrypt)
      : s_(s), plan_(plan), may_decrypt_(may_decrypt) {}

  Done all() {
    if (s_.is_large()) s_.encrypted_before.reserve(s_.opened->n_fields);
    for (std::size_t i = 0; i < s_.n_documents; ++i) {
      const std::span<const bson::Mark> fields = std::as_const(s_.documents[i].edits).marks();
      std::size_t next = 0;  // of `fields`
      for (const bson::Mark& was : std::as_const(s_.opened->documents[i].edits).marks()) {
        const Extent value = opened_at(was);
        while (next < fields.size() && sealed_from(fields[next]).end < value.end) ++next;
        if (next == fields.size() || !sealed_from(fields[next]).holds(value)) {
          if (!may_decrypt_) return dropped(i, was);
          s_.decrypted_fields.push_back(n_opened_);
        } else if (sealed_from(fields[next]) == value) {
          same(i, was, fields[next], n_fields_ + next);
        }
        ++n_opened_;
      }
      n_fields_ += fields.size();
    }
    return ok;
  }

 private:
  /// The same value, encrypted before and after.
  void same(std::size_t document, const bson::Mark& was, const bson::Mark& field,
            std::size_t number) {
    const Bytes input = s_.opened->documents[document].input;
    const auto header = parse_payload(bson::binary_content(input, was));
    const bool stays =
        header && is_of_plan(*header, plan_.leaf(field.leaf), *s_.fields.key(number));
    s_.encrypted_before.push_back(
        {number, stays ? input.subspan(was.value_offset, was.value_size) : Bytes{}});
  }

  Failure dropped(std::size_t document, const bson::Mark& was) const {
    return s_.opened->at_field(no_longer_encrypted(), document, was);
  }

  BatchState& s_;
  const schema::Plan& plan_;
  bool may_decrypt_;
  std::size_t n_fields_ = 0;  // of the documents before
  std::size_t n_opened_ = 0;
};

/// What they are is known: only to count paths they are asked for where they are.
void forget_opened(BatchState& s) {
  s.opened->fields.forget_fields();
  if (s.decrypted_fields.empty()) s.opened->documents.front().edits = bson::Edits();
}

}  // namespace

Done reencrypt_documents(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                         const DocumentCipher::Options& options,
                         const DocumentCipher::Reencryption& how) {
  kms::KeyRing* const old_ring = how.old_keys != nullptr ? how.old_keys.get() : ring;
  FLE_CHECK(open_documents(s, old_ring, options));
  FLE_CHECK(find_plan_fields(s, plan, ring, options.limits, options.budget));
  FLE_CHECK(Comparison(s, plan, how.may_decrypt).all());
  if (s.is_large()) forget_opened(s);
  // Two vaults may have two keys under one id.
  if (old_ring != ring) FLE_CHECK(verify_kept(s, ring, options.limits));
  FLE_CHECK(seal_documents(s, plan, options.limits));
  return options.verify ? verify_encrypted(s, plan, ring, options.limits) : Done(ok);
}

}  // namespace fle::client
