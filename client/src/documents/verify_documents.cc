#include "verify_documents.h"

#include <algorithm>
#include <utility>

#include "fle/bson/cursor.h"

namespace fle::client {
namespace {

using bson::Cursor;
using bson::Element;

Failure different(const char* what) { return {Errc::verification_failed, what}; }

/// Whether a failure says nothing of a result: to look at it takes memory, and a library that
/// works. The numbers below 100 are those of the ciphers.
bool is_trouble(Errc code) noexcept {
  return static_cast<unsigned>(code) < 100 && code != Errc::auth_failed &&
         code != Errc::malformed_payload;
}

bool is_ciphertext(Bytes document, const Element& e) noexcept {
  const Bytes value = bson::value_of(document, e);
  return e.type == bson::Type::bin_data && value[kBinaryHeaderLen - 1] == bson::kSubtypeEncrypted &&
         parse_payload(value.subspan(kBinaryHeaderLen)).has_value();
}

bool is_container(bson::Type type) noexcept {
  return type == bson::Type::object || type == bson::Type::array;
}

/// Documents in two forms, read side by side.
class Comparison {
 public:
  Comparison(kms::KeyRing* ring, const bson::Limits& limits) : ring_(ring), limits_(limits) {}

  /// @param sealed   the form that has ciphertexts.
  /// @param plain    the other.
  /// @param opened   how many ciphertexts stand for something else in `plain`.
  /// @param omitted  how many nulls of `plain` are not in `sealed`.
  Done add(std::size_t document, Bytes sealed, Bytes plain, std::size_t opened,
           std::size_t omitted) {
    document_ = document;
    sealed_ = sealed;
    plain_ = plain;
    omitted_ = 0;
    n_pairs_ = 0;
    levels_.assign(1, {Cursor(sealed), Cursor(plain)});
    while (!levels_.empty()) FLE_CHECK(next());
    if (omitted_ != omitted) return at(0, "another number of nulls is omitted than was found");
    if (n_pairs_ != opened) return at(0, "another number of values is encrypted than was found");
    return ok;
  }

  /// Opens every ciphertext that stands for something and has not been opened yet.
  Done open() {
    fields_.clear();
    Done done = open(fields_);
    fields_.release();
    pairs_.clear();
    return done;
  }

 private:
  // As many are opened at once: of a document of more, the rest is not in memory meanwhile.
  static constexpr std::size_t kMostPairs = 4096;
  // A value that is longer is compared alone, without memory for what it opens to.
  static constexpr std::size_t kLong = 1024 * 1024;

  /// A ciphertext and what it must open to.
  struct Pair {
    std::size_t document;
    Bytes sealed;  // the whole document
    std::uint32_t type_offset;
    Bytes payload;
    bson::Type type;
    Bytes value;
  };

  Done open(FieldBatch& fields) const {
    for (const Pair& p : pairs_)
      if (!fields.add_payload(p.payload)) return at(p, "is no ciphertext");
    if (FieldsDone resolved = fields.resolve(ring_); !resolved)
      return std::move(resolved.error().why);
    if (const FieldsDone opened = fields.open(limits_); !opened) {
      const auto field = opened.error().field;
      return field && !is_trouble(opened.error().why.code) ? at(pairs_[*field], "does not open")
                                                           : opened.error().why;
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto opened = fields.opened(i);
      if (!opened || opened->type != pairs_[i].type ||
          !std::ranges::equal(opened->value, pairs_[i].value))
        return at(pairs_[i], "opens to another value");
    }
    return ok;
  }

  [[nodiscard]] Done open_long(const Pair& p) const {
    FieldBatch field;
    if (!field.add_payload(p.payload)) return at(p, "is no ciphertext");
    if (FieldsDone resolved = field.resolve(ring_); !resolved)
      return std::move(resolved.error().why);
    const Result<bool> same = opens_to(field.key(0)->key, p.payload, p.value);
    if (!same && is_trouble(same.error().code)) return Failure(same.error());
    if (!same) return at(p, "does not open");
    const bool is_of_type = p.payload[kPayloadHeaderLen - 1] == static_cast<std::uint8_t>(p.type);
    return *same && is_of_type ? Done(ok) : at(p, "opens to another value");
  }

  struct Level {
    Cursor sealed;
    Cursor plain;
  };

  Done next() {
    Level& level = levels_.back();
    const bool more = level.sealed.next();
    bool more_plain = level.plain.next();
    while (more_plain && level.plain.element().type == bson::Type::null &&
           (!more || level.sealed.element().name != level.plain.element().name)) {
      ++omitted_;
      more_plain = level.plain.next();
    }
    if (level.sealed.malformed() || level.plain.malformed() || more != more_plain)
      return at(0, "a document begins or ends otherwise");
    if (!more) {
      levels_.pop_back();
      return ok;
    }
    return compare(level.sealed.element(), level.plain.element());
  }

  Done compare(const Element& sealed, const Element& plain) {
    if (sealed.name != plain.name) return at(sealed.type_offset, "stands where another field was");
    const Bytes value = bson::value_of(plain_, plain);
    if (sealed.type == plain.type && std::ranges::equal(bson::value_of(sealed_, sealed), value))
      return ok;
    if (is_ciphertext(sealed_, sealed)) {
      const Pair pair{document_,          sealed_,
                      sealed.type_offset, bson::value_of(sealed_, sealed).subspan(kBinaryHeaderLen),
                      plain.type,         value};
      ++n_pairs_;
      if (value.size() > kLong) return open_long(pair);
      pairs_.push_back(pair);
      return pairs_.size() < kMostPairs ? Done(ok) : open();
    }
    if (sealed.type != plain.type || !is_container(plain.type))
      return at(sealed.type_offset, "has another value");
    levels_.push_back({Cursor(sealed_, sealed.value_offset), Cursor(plain_, plain.value_offset)});
    return ok;
  }

  [[nodiscard]] Failure at(std::uint32_t type_offset, const char* what) const {
    return at({document_, sealed_, type_offset, {}, {}, {}}, what);
  }
  [[nodiscard]] static Failure at(const Pair& p, const char* what) {
    Failure f = different(what);
    f.document = p.document + 1;
    if (p.type_offset != 0) f.path = bson::path_of(p.sealed, p.type_offset);
    return f;
  }

  kms::KeyRing* ring_;
  const bson::Limits& limits_;
  FieldBatch fields_;
  std::size_t n_pairs_ = 0;  // of the document
  std::size_t document_ = 0;
  Bytes sealed_;
  Bytes plain_;
  std::size_t omitted_ = 0;
  std::vector<Level> levels_;
  std::vector<Pair> pairs_;
};

Bytes result_of(const BatchState& s, const BatchState::Document& d) noexcept {
  return d.size == 0 ? d.input : Bytes(s.output).subspan(d.offset, d.size);
}

/// Whether the plan finds what it makes in each place of a result.
Done is_as_planned(const BatchState& s, const schema::Plan& plan, std::size_t i,
                   std::size_t first_field, bson::Limits limits, bson::Edits& found) {
  limits.mark_encrypted = true;
  limits.work = nullptr;
  if (limits.nulls == bson::Nulls::omit) limits.nulls = bson::Nulls::refuse;
  const BatchState::Document& d = s.documents[i];
  const Bytes result = result_of(s, d);
  const std::span<const bson::Mark> planned = d.edits.marks();
  found.reserve(planned.size());
  Done walked = bson::find_fields(result, plan, found, limits);
  if (!walked && is_trouble(walked.error().code)) return walked;
  bool same = walked && found.marks().size() == planned.size();
  for (std::size_t n = 0; same && n < planned.size(); ++n) {
    const bson::Mark& m = found.marks()[n];
    same = m.leaf == planned[n].leaf && is_encrypted(result, m) &&
           may_stay(result, m, plan.leaf(m.leaf), *s.fields.key(first_field + n));
  }
  if (same) return ok;
  Failure f = different("a result is not what its schema encrypts");
  f.document = i + 1;
  return f;
}

/// Calls `add(document's number, document, its fields that were encrypted before and stay)`.
template <class Add>
Done each_document(const BatchState& s, Add add) {
  std::size_t first_field = 0;
  auto before = s.encrypted_before.begin();
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    const BatchState::Document& d = s.documents[i];
    const std::size_t end = first_field + d.edits.marks().size();
    std::size_t stay = 0;
    for (; before != s.encrypted_before.end() && before->field < end; ++before)
      stay += before->binary.empty() ? 0 : 1;
    if (!d.left_out) FLE_CHECK(add(i, d, first_field, stay));
    first_field = end;
  }
  return ok;
}

}  // namespace

Done verify_encrypted(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                      const bson::Limits& limits) {
  // Of a reencryption the documents are decrypted ones: what stays is compared by opening it, too.
  const bool all_open = s.opened && s.opened->n_documents != 0;
  const bool omits = limits.nulls == bson::Nulls::omit;
  Comparison comparison(ring, limits);
  bson::Edits found;
  const auto compare = [&](std::size_t i, const BatchState::Document& d, std::size_t first_field,
                           std::size_t stay) -> Done {
    FLE_CHECK(is_as_planned(s, plan, i, first_field, limits, found));
    if (s.is_large()) found = bson::Edits();
    return comparison.add(i, result_of(s, d), d.input,
                          d.edits.marks().size() - (all_open ? 0 : stay),
                          omits ? d.edits.nulls().size() : 0);
  };
  FLE_CHECK(each_document(s, compare));
  return comparison.open();
}

Done verify_decrypted(BatchState& s, kms::KeyRing* ring, const bson::Limits& limits) {
  Comparison comparison(ring, limits);
  auto kept = s.kept_fields.begin();
  FLE_CHECK(each_document(
      s, [&](std::size_t i, const BatchState::Document& d, std::size_t first_field, std::size_t) {
        const std::size_t marks = d.edits.marks().size();
        const auto first = kept;
        while (kept != s.kept_fields.end() && *kept < first_field + marks) ++kept;
        return comparison.add(i, d.input, result_of(s, d),
                              marks - static_cast<std::size_t>(kept - first), 0);
      }));
  return comparison.open();
}

}  // namespace fle::client
