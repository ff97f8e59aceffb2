#include <cstring>
#include <utility>

#include "batch_state.h"
#include "fields/field_failures.h"
#include "verify_documents.h"

namespace fle::client {
namespace {

/// Adds a field under the key that a JSON pointer leads to. Any number of fields can have one, and
/// the whole document is searched: once for all pointers.
Done add_by_pointer(BatchState& s, const schema::Plan& plan, std::size_t document,
                    schema::Plan::PointerId pointer) {
  s.pointer_keys.resize(plan.pointers().size());
  BatchState::PointerKey& known = s.pointer_keys[pointer];
  if (known.document == document + 1) {
    s.fields.add_under(known.key);
    return ok;
  }
  if (std::exchange(s.pointers_of, document + 1) != document + 1)
    s.pointers.read(s.documents[document].input, plan);
  FLE_TRY(const std::string_view name, s.pointers.value(pointer));
  known = {document + 1, s.fields.add(name)};
  return ok;
}

Done choose_keys(BatchState& s, const schema::Plan& plan) {
  const std::span<const schema::Leaf> leaves = plan.leaves();
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    for (const bson::Mark& m : std::as_const(s.documents[i].edits).marks()) {
      if (const auto* id = std::get_if<KeyId>(&leaves[m.leaf].key)) {
        s.fields.add(*id);
        continue;
      }
      const Done added = add_by_pointer(s, plan, i, plan.pointer_of(m.leaf));
      if (!added) return s.at_field(added.error(), i, m);
    }
  }
  return ok;
}

std::size_t size_of_all(BatchState& s) {
  std::size_t bytes = 0;
  for (const BatchState::Document& d : s.in_use()) bytes += d.input.size();
  return bytes;
}

Done find_all(BatchState& s, const schema::Plan& plan, bson::Limits limits, const Budget& budget) {
  limits.faults = nullptr;  // no document may go on that has some
  fle::Work own;
  if (limits.work == nullptr) limits.work = &own;
  budget.allow(*limits.work, size_of_all(s));
  s.alike.forget();
  const Done walked = s.walk_all([&](Bytes doc, bson::Edits& edits, bool is_last) {
    return s.alike.find_fields(doc, plan, edits, limits, is_last);
  });
  limits.work->end_limit();
  return walked;
}

/// What stays of the fields of a batch, asked for one by one.
class Staying {
 public:
  explicit Staying(const BatchState& s) noexcept
      : next_(s.encrypted_before.begin()), end_(s.encrypted_before.end()) {}

  /// Of the next field; empty: it is sealed.
  Bytes of_next() noexcept {
    const bool is_before = next_ != end_ && next_->field == field_;
    ++field_;
    return is_before ? (next_++)->binary : Bytes{};
  }
  [[nodiscard]] std::size_t n_asked() const noexcept { return field_; }

 private:
  std::vector<BatchState::EncryptedBefore>::const_iterator next_;
  std::vector<BatchState::EncryptedBefore>::const_iterator end_;
  std::size_t field_ = 0;
};

void set_sizes(BatchState::Document& d, Staying& staying) noexcept {
  for (bson::Mark& m : d.edits.marks()) {
    const Bytes stays = staying.of_next();
    m.new_type = bson::Type::bin_data;
    m.new_size = static_cast<std::uint32_t>(
        stays.empty() ? kBinaryHeaderLen + payload_len(m.value_size) : stays.size());
  }
}

void add_job(BatchState& s, const BatchState::Document& d, const bson::Mark& m,
             std::span<const schema::Leaf> leaves, Staying& staying) {
  const std::size_t field = staying.n_asked();
  const Bytes stays = staying.of_next();
  if (stays.empty()) {
    s.fields.add_binary(field, leaves[m.leaf].algorithm, m.type,
                        d.input.subspan(m.value_offset, m.value_size), s.room(d, m));
  } else {
    std::memcpy(s.room(d, m).data(), stays.data(), stays.size());
    s.fields.leave_out(field);
  }
}

std::string described(Algorithm algorithm, const KeyId& key, const std::string& type) {
  return std::string(algorithm == Algorithm::deterministic ? "deterministic" : "random") +
         ", key " + key.to_string() + ", " + type;
}

/// Why a value that is encrypted does not pass for one that the plan makes.
Failure made_otherwise(const PayloadHeader& header, const schema::Leaf& leaf, const KeyId& key) {
  const auto type = static_cast<bson::Type>(header.bson_type);
  std::string text = "the value is encrypted already, and otherwise than the schema says: " +
                     described(header.algorithm, header.key_id, std::string(bson::alias(type)));
  std::string types;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto t = static_cast<bson::Type>(byte);
    if (leaf.types.contains(t)) types += (types.empty() ? "" : " or ") + std::string(alias(t));
  }
  if (types.empty()) types = "any type";
  return {Errc::already_encrypted,
          text + "; the schema: " + described(leaf.algorithm, key, types) + ": re-encrypt it"};
}

/// Takes what is encrypted already, if the plan would have made the same.
Done keep_encrypted(BatchState& s, const schema::Plan& plan) {
  std::size_t field = 0;
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    const BatchState::Document& d = s.documents[i];
    for (const bson::Mark& m : d.edits.marks()) {
      const std::size_t n = field++;
      const Bytes value = d.input.subspan(m.value_offset, m.value_size);
      if (!is_encrypted(d.input, m)) continue;
      if (Done stays = may_stay(d.input, m, plan.leaf(m.leaf), *s.fields.key(n)); !stays)
        return s.at_field(std::move(stays.error()), i, m);
      s.encrypted_before.push_back({n, value});
    }
  }
  return ok;
}

}  // namespace

bool is_of_plan(const PayloadHeader& header, const schema::Leaf& leaf,
                const kms::ResolvedKey& key) noexcept {
  const auto type = static_cast<bson::Type>(header.bson_type);
  return header.algorithm == leaf.algorithm && header.key_id == key.id &&
         (leaf.types.empty() || leaf.types.contains(type));
}

bool is_encrypted(Bytes document, const bson::Mark& m) noexcept {
  return m.type == bson::Type::bin_data &&
         document[m.value_offset + kBinaryHeaderLen - 1] == bson::kSubtypeEncrypted;
}

Done may_stay(Bytes document, const bson::Mark& m, const schema::Leaf& leaf,
              const kms::ResolvedKey& key) {
  const auto header = parse_payload(bson::binary_content(document, m));
  if (!header) return malformed_payload();
  if (!is_of_plan(*header, leaf, key)) return made_otherwise(*header, leaf, key.id);
  return ok;
}

Done verify_kept(BatchState& s, kms::KeyRing* ring, const bson::Limits& limits) {
  constexpr std::size_t kAtOnce =
      4096;  // of a document of more, the rest is not in memory meanwhile
  std::vector<std::size_t> numbers;
  const auto open_these = [&]() -> Done {
    FieldsDone opened = s.verified.resolve(ring);
    if (opened) opened = s.verified.open(limits);
    if (!opened) {
      FieldFailure f = std::move(opened.error());
      if (f.field) f.field = numbers[*f.field];
      return s.at_field(std::move(f));
    }
    s.verified.clear();
    numbers.clear();
    return ok;
  };
  for (const BatchState::EncryptedBefore& before : s.encrypted_before) {
    if (before.binary.empty()) continue;
    if (!s.verified.add_payload(before.binary.subspan(kBinaryHeaderLen)))
      return s.at_field(FieldFailure(malformed_payload(), before.field));
    numbers.push_back(before.field);
    if (numbers.size() == kAtOnce) FLE_CHECK(open_these());
  }
  return numbers.empty() ? Done(ok) : open_these();
}

Done find_plan_fields(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                      const bson::Limits& limits, const Budget& budget) {
  FLE_CHECK(find_all(s, plan, limits, budget));
  FLE_CHECK(choose_keys(s, plan));
  if (const FieldsDone resolved = s.fields.resolve(ring); !resolved)
    return s.at_field(resolved.error());
  return ok;
}

Done seal_documents(BatchState& s, const schema::Plan& plan, const bson::Limits& limits) {
  Staying sized(s);
  Staying filled(s);
  const std::span<const schema::Leaf> leaves = plan.leaves();
  const bool large = s.is_large();
  if (!large) s.fields.expect_jobs();
  FieldsDone sealed = ok;
  FLE_CHECK(s.lay_out(
      limits, [&](BatchState::Document& d) { set_sizes(d, sized); },
      [&](const BatchState::Document& d) {
        for (const bson::Mark& m : d.edits.marks()) {
          add_job(s, d, m, leaves, filled);
          if (large && sealed) sealed = s.fields.seal_if_many();
        }
      }));
  if (sealed) sealed = s.fields.seal();
  if (!sealed) return s.at_field(sealed.error());
  return ok;
}

Done encrypt_documents(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                       const DocumentCipher::Options& options) {
  bson::Limits limits = options.limits;
  limits.mark_encrypted = options.encrypted_already == EncryptedAlready::keep;
  FLE_CHECK(find_plan_fields(s, plan, ring, limits, options.budget));
  if (limits.mark_encrypted) {
    FLE_CHECK(keep_encrypted(s, plan));
    FLE_CHECK(verify_kept(s, ring, limits));
  }
  FLE_CHECK(seal_documents(s, plan, limits));
  return options.verify ? verify_encrypted(s, plan, ring, options.limits) : Done(ok);
}

}  // namespace fle::client
