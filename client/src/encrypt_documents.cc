#include <utility>

#include "batch_state.h"

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
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    for (const bson::Mark& m : std::as_const(s.documents[i].edits).marks()) {
      if (const auto* id = std::get_if<KeyId>(&plan.leaf(m.leaf).key)) {
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
  fle::Work own;
  if (limits.work == nullptr) limits.work = &own;
  budget.allow(*limits.work, size_of_all(s));
  const Done walked = s.walk_all(
      [&](Bytes doc, bson::Edits& edits) { return bson::find_fields(doc, plan, edits, limits); });
  limits.work->end_limit();
  return walked;
}

void set_sizes(BatchState& s) noexcept {
  for (BatchState::Document& d : s.in_use()) {
    for (bson::Mark& m : d.edits.marks()) {
      m.new_type = bson::Type::bin_data;
      m.new_size = static_cast<std::uint32_t>(kBinaryHeaderLen + payload_len(m.value_size));
    }
  }
}

void add_jobs(BatchState& s, const schema::Plan& plan) {
  std::size_t field = 0;
  for (const BatchState::Document& d : s.in_use()) {
    for (const bson::Mark& m : d.edits.marks())
      s.fields.add_binary(field++, plan.leaf(m.leaf).algorithm, m.type,
                          d.input.subspan(m.value_offset, m.value_size), s.room(d, m));
  }
}

}  // namespace

Done encrypt_documents(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                       const DocumentCipher::Options& options) {
  FLE_CHECK(find_all(s, plan, options.limits, options.budget));
  FLE_CHECK(choose_keys(s, plan));
  if (const FieldsDone resolved = s.fields.resolve(ring); !resolved)
    return s.at_field(resolved.error());
  set_sizes(s);
  FLE_CHECK(s.lay_out(options.limits));
  add_jobs(s, plan);
  if (const FieldsDone sealed = s.fields.seal(); !sealed) return s.at_field(sealed.error());
  s.fields.count();
  return ok;
}

}  // namespace fle::client
