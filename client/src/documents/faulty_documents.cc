#include "faulty_documents.h"

#include <algorithm>
#include <utility>

#include "extent.h"
#include "fields/field_failures.h"
#include "fle/wiped.h"

namespace fle::client {
namespace {

using bson::Faults;

/// Whether a document is at fault that names a key for which this is said. A KMS that refuses may
/// refuse its client.
bool is_foreign(Errc code) noexcept {
  return is_of_key(code) && code != Errc::kms_refused && code != Errc::kms_bad_answer;
}

/// Whether a document can be the reason. The numbers from 100 to 199 are those of documents.
bool may_be_of_document(Errc code) noexcept {
  const auto number = static_cast<unsigned>(code);
  return (number >= 100 && number < 200) || code == Errc::auth_failed ||
         code == Errc::malformed_payload || code == Errc::work_limit || is_foreign(code);
}

/// A document in a batch of its own, which is empty again at the end, whatever ends the trial.
class Trial {
 public:
  Trial(BatchState& s, std::size_t i) : one_(own(s)) {
    if (one_.documents.empty()) one_.documents.emplace_back();
    one_.documents[0].input = s.documents[i].input;
    one_.n_documents = 1;
  }
  ~Trial() {
    one_.end_call();
    one_.abandon();
    one_.give_back();
    one_.n_documents = 0;
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  [[nodiscard]] BatchState& batch() noexcept { return one_; }

 private:
  static BatchState& own(BatchState& s) {
    if (s.alone == nullptr) s.alone = std::make_unique<BatchState>();
    return *s.alone;
  }

  BatchState& one_;
};

/// Tries one document alone. What the call would have stopped for is among its faults.
Done judge(BatchState& s, std::size_t i, const Work& work, const Explain& explain, Faults& out) {
  Done done = work(Trial(s, i).batch());
  if (done) return ok;
  const auto of_document = [i](Failure f) {
    f.document = i + 1;
    return f;
  };
  if (!may_be_of_document(done.error().code)) return of_document(std::move(done.error()));
  if (Done explained = explain(s.documents[i].input, out); !explained)
    return of_document(std::move(explained.error()));
  if (out.n == 0) out.add(std::move(done.error()));
  for (Failure& f : out.first) f.document = i + 1;
  return ok;
}

/// Fields of one document, each looked at by itself.
class Explanation {
 public:
  Explanation(Bytes document, const DocumentCipher::Options& options, Faults& out)
      : document_(document), options_(options), out_(out) {}

  /// Every field that the plan encrypts; what decryption has put there is `decrypted`.
  Done encryption(const schema::Plan& plan, kms::KeyRing* ring, bson::Edits& fields,
                  bool check_encrypted) {
    fle::Work own;
    bson::Limits limits = options_.limits;
    limits.mark_encrypted =
        !check_encrypted || options_.encrypted_already == EncryptedAlready::keep;
    limits.faults = &out_;
    limits.work = &own;
    options_.budget.allow(own, document_.size());
    if (Done walked = bson::find_fields(document_, plan, fields, limits); !walked) {
      out_.add(std::move(walked.error()));
      return ok;
    }
    for (const bson::Mark& m : std::as_const(fields).marks())
      FLE_CHECK(field(plan, ring, m, check_encrypted));
    return ok;
  }

  /// Opens the value at a mark; false, and a fault, where it does not open. `opened` has it until
  /// the next call.
  Outcome<bool> open(const bson::Mark& m, kms::KeyRing* ring, FieldBatch& opened) {
    opened.clear();
    if (!opened.add_payload(bson::binary_content(document_, m)))
      return fault(malformed_payload(), m);
    FieldsDone done = opened.resolve(ring);
    if (!done) {
      Failure& why = done.error().why;
      if (options_.missing_keys == MissingKeys::keep && is_of_key(why.code)) return false;
      if (!is_foreign(why.code)) return why;
      return fault(std::move(why), m);
    }
    done = opened.open(options_.limits);
    if (!done && !may_be_of_document(done.error().why.code)) return done.error().why;
    return done ? true : fault(std::move(done.error().why), m);
  }

  /// False, for those who return whether all is well.
  bool fault(Failure f, const bson::Mark& m) {
    if (out_.n < Faults::kMost) f.path = bson::path_of(document_, m.type_offset);
    out_.add(std::move(f));
    return false;
  }

 private:
  Done field(const schema::Plan& plan, kms::KeyRing* ring, const bson::Mark& m,
             bool check_encrypted) {
    const schema::Leaf& leaf = plan.leaf(m.leaf);
    const auto* const id = std::get_if<KeyId>(&leaf.key);
    FieldBatch under;
    if (id != nullptr) {
      under.add(*id);
    } else {
      auto name = bson::resolve_pointer(document_, std::get<schema::KeyPointer>(leaf.key));
      if (!name) {
        fault(std::move(name.error()), m);
        return ok;
      }
      under.add(*name);
    }
    if (FieldsDone resolved = under.resolve(ring); !resolved) {
      // The document has chosen a key by its name. One that the plan names is no matter of it.
      Failure& why = resolved.error().why;
      if (id == nullptr && is_foreign(why.code)) {
        fault(std::move(why), m);
        return ok;
      }
      why.path = bson::path_of(document_, m.type_offset);
      return std::move(why);
    }
    if (!check_encrypted || !is_encrypted(document_, m)) return ok;
    if (Done stays = may_stay(document_, m, leaf, *under.key(0)); !stays) {
      fault(std::move(stays.error()), m);
      return ok;
    }
    FieldBatch opened;
    FLE_CHECK(open(m, ring, opened));
    return ok;
  }

  Bytes document_;
  const DocumentCipher::Options& options_;
  Faults& out_;
};

/// The document with what opens in the place of what is encrypted; the rest stays.
Outcome<WipedBytes> open_what_opens(Bytes document, kms::KeyRing* ring, Explanation& faults,
                                    bson::Edits& edits, const bson::Limits& limits) {
  WipedBytes values;  // that opened
  std::vector<bool> opens;
  {
    FieldBatch opened;  // not while the result takes its memory
    for (bson::Mark& m : edits.marks()) {
      FLE_TRY(const bool one, faults.open(m, ring, opened));
      opens.push_back(one);
      m.new_type = m.type;
      m.new_size = static_cast<std::uint32_t>(m.value_size);
      if (!one) continue;
      const FieldBatch::Opened value = *opened.opened(0);
      m.new_type = value.type;
      m.new_size = static_cast<std::uint32_t>(value.value.size());
      values.insert(values.end(), value.value.begin(), value.value.end());
    }
  }
  FLE_TRY(const std::size_t size, edits.layout(document, limits));
  WipedBytes out(size);
  edits.write(out, document);
  Bytes rest = values;
  auto is_open = opens.begin();
  for (const bson::Mark& m : edits.marks()) {
    Bytes value = document.subspan(m.value_offset, m.value_size);
    if (*is_open++) {
      value = rest.first(m.new_size);
      rest = rest.subspan(m.new_size);
    }
    std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(m.new_offset));
  }
  return out;
}

}  // namespace

Outcome<bool> find_faulty(BatchState& s, const Failure& why, OnFaulty on_faulty, const Work& work,
                          const Explain& explain) {
  if (!may_be_of_document(why.code) || why.document > s.n_documents) return false;
  s.give_back();
  if (on_faulty == OnFaulty::explain) {
    if (why.document == 0) return false;
    FaultyDocument found{why.document - 1, {}};
    FLE_CHECK(judge(s, why.document - 1, work, explain, found.faults));
    if (found.faults.n != 0) s.faulty.push_back(std::move(found));
    return false;
  }
  const std::size_t before = s.faulty.size();
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    if (s.documents[i].left_out) continue;
    FaultyDocument found{i, {}};
    FLE_CHECK(judge(s, i, work, explain, found.faults));
    if (found.faults.n == 0) continue;
    s.documents[i].left_out = true;
    s.faulty.push_back(std::move(found));
  }
  return s.faulty.size() != before;
}

Done explain_encryption(Bytes document, const schema::Plan& plan, kms::KeyRing* ring,
                        const DocumentCipher::Options& options, Faults& out) {
  bson::Edits fields;
  return Explanation(document, options, out).encryption(plan, ring, fields, true);
}

Done explain_decryption(Bytes document, kms::KeyRing* ring, const DocumentCipher::Options& options,
                        Faults& out) {
  bson::Edits edits;
  if (Done walked = bson::find_ciphertexts(document, edits, options.limits); !walked) {
    out.add(std::move(walked.error()));
    return ok;
  }
  Explanation faults(document, options, out);
  FieldBatch opened;
  for (const bson::Mark& m : std::as_const(edits).marks()) FLE_CHECK(faults.open(m, ring, opened));
  return ok;
}

Done explain_reencryption(Bytes document, const schema::Plan& plan, kms::KeyRing* ring,
                          const DocumentCipher::Options& options,
                          const DocumentCipher::Reencryption& how, Faults& out) {
  bson::Edits were;
  if (Done walked = bson::find_ciphertexts(document, were, options.limits); !walked) {
    out.add(std::move(walked.error()));
    return ok;
  }
  DocumentCipher::Options opening = options;
  opening.missing_keys = MissingKeys::fail;
  Explanation was(document, opening, out);
  kms::KeyRing* const old_ring = how.old_keys != nullptr ? how.old_keys.get() : ring;
  auto opened = open_what_opens(document, old_ring, was, were, options.limits);
  if (!opened) {
    if (!may_be_of_document(opened.error().code)) return std::move(opened.error());
    out.add(std::move(opened.error()));
    return ok;
  }
  bson::Edits fields;
  FLE_CHECK(Explanation(*opened, options, out).encryption(plan, ring, fields, false));
  if (how.may_decrypt) return ok;
  std::size_t next = 0;
  const std::span<const bson::Mark> planned = std::as_const(fields).marks();
  for (const bson::Mark& m : std::as_const(were).marks()) {
    const Extent value = opened_at(m);
    while (next < planned.size() && sealed_from(planned[next]).end < value.end) ++next;
    if (next == planned.size() || !sealed_from(planned[next]).holds(value))
      was.fault(no_longer_encrypted(), m);
  }
  return ok;
}

}  // namespace fle::client
