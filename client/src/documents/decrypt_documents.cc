#include <cstring>
#include <utility>

#include "batch_state.h"
#include "fields/field_failures.h"
#include "verify_documents.h"

namespace fle::client {
namespace {

Done read_payloads(BatchState& s) {
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    const BatchState::Document& d = s.documents[i];
    for (const bson::Mark& m : d.edits.marks())
      if (!s.fields.add_payload(bson::binary_content(d.input, m)))
        return s.at_field(malformed_payload(), i, m);
  }
  return ok;
}

/// Notes a field that stays encrypted; its path comes later.
KeptField kept_field(std::uint64_t document, const KeyId& id, const kms::KeyProblem& problem) {
  KeptField kept{document, {}, id, problem.why.code};
  if (!problem.alt_names.empty()) kept.alt_name = problem.alt_names.front();
  kept.provider = problem.provider;
  kept.message = problem.why.message;
  return kept;
}

/// The fields of a document that have no key, and their paths in one walk.
Done keep_fields(BatchState& s, std::size_t document, std::size_t first_field) {
  const Bytes input = s.documents[document].input;
  const std::span<const bson::Mark> marks = std::as_const(s.documents[document].edits).marks();
  const std::size_t first_kept = s.kept.size();
  std::vector<std::uint32_t> offsets;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::size_t field = first_field + i;
    const kms::KeyProblem* problem = s.fields.missing(field);
    if (problem == nullptr) continue;
    if (!is_of_key(problem->why.code)) return s.at_field(problem->why, document, marks[i]);
    const auto header = parse_payload(s.fields.payload(field));
    s.kept_fields.push_back(field);
    s.kept.push_back(kept_field(document, header->key_id, *problem));
    offsets.push_back(marks[i].type_offset);
  }
  std::vector<std::string> paths = bson::paths_of(input, offsets);
  for (std::size_t i = 0; i < paths.size(); ++i) s.kept[first_kept + i].path = std::move(paths[i]);
  return ok;
}

Done find_keys(BatchState& s, kms::KeyRing* ring, MissingKeys missing) {
  const FieldsDone resolved = s.fields.resolve(ring);
  if (resolved) return ok;
  if (missing == MissingKeys::fail) return s.at_field(resolved.error());
  std::size_t field = 0;
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    FLE_CHECK(keep_fields(s, i, field));
    field += s.documents[i].edits.marks().size();
  }
  return ok;
}

/// Takes types and sizes from the plaintexts; what is kept stays as it is.
/// @param field  the first of the document, and then of the next one.
void set_sizes(const FieldBatch& fields, BatchState::Document& d, std::size_t& field) noexcept {
  for (bson::Mark& m : d.edits.marks()) {
    const auto opened = fields.opened(field++);
    m.new_type = opened ? opened->type : m.type;
    m.new_size = opened ? static_cast<std::uint32_t>(opened->value.size()) : m.value_size;
  }
}

/// @param field  likewise.
void write_values(BatchState& s, const BatchState::Document& d, std::size_t& field) noexcept {
  for (const bson::Mark& m : d.edits.marks()) {
    const auto opened = s.fields.opened(field++);
    const Bytes value = opened ? opened->value : d.input.subspan(m.value_offset, m.value_size);
    if (!value.empty()) std::memcpy(s.room(d, m).data(), value.data(), value.size());
  }
}

/// Opens the values of one large document where they go, so that it is in memory once less. How
/// long each is shows when it is open: they stand with room for what their ciphertexts may hold,
/// and then move together.
Done open_in_place(BatchState& s, const bson::Limits& limits) {
  BatchState::Document& d = s.documents.front();
  std::size_t field = 0;
  for (bson::Mark& m : d.edits.marks()) {
    const std::size_t n = field++;
    m.new_type = m.type;
    m.new_size = s.fields.key(n) == nullptr
                     ? m.value_size
                     : static_cast<std::uint32_t>(open_capacity(s.fields.payload(n).size()));
  }
  FLE_TRY(const std::size_t room, d.edits.layout(d.input, limits));
  if (s.output.size() < room) s.output.resize(room);
  s.n_output = room;
  d.offset = 0;
  const std::span<bson::Mark> marks = d.edits.marks();
  std::vector<std::uint32_t> offsets;  // of values, as they are opened
  offsets.reserve(marks.size());
  for (const bson::Mark& m : marks) offsets.push_back(m.new_offset);
  const FieldsDone opened = s.fields.open_into(
      limits, [&](std::size_t n) { return s.room(d, marks[n]); },
      [&](std::size_t n, const FieldBatch::Opened& value) {
        marks[n].new_type = value.type;
        marks[n].new_size = static_cast<std::uint32_t>(value.value.size());
      });
  if (!opened) return s.at_field(opened.error());
  FLE_TRY(d.size, d.edits.layout(d.input, limits));
  // In order: none goes where another one still is.
  for (std::size_t n = 0; n < marks.size(); ++n) {
    const bson::Mark& m = marks[n];
    const std::uint8_t* from =
        s.fields.key(n) == nullptr ? d.input.data() + m.value_offset : s.output.data() + offsets[n];
    if (m.new_size != 0) std::memmove(s.room(d, m).data(), from, m.new_size);
  }
  d.edits.write({s.output.data(), d.size}, d.input);
  wipe({s.output.data() + d.size, room - d.size});
  s.n_output = d.size;
  // Of many short values, each with room for up to 16 more bytes.
  if (room - d.size >= BatchState::kLarge) {
    std::vector<std::uint8_t> fitting(s.output.data(), s.output.data() + d.size);
    wipe({s.output.data(), d.size});
    s.output.swap(fitting);
  }
  return ok;
}

Done open_and_lay_out(BatchState& s, const bson::Limits& limits) {
  if (s.is_large() && s.fields.size() != 0) return open_in_place(s, limits);
  if (const FieldsDone opened = s.fields.open(limits); !opened) return s.at_field(opened.error());
  std::size_t sized = 0;
  std::size_t filled = 0;
  return s.lay_out(
      limits, [&](BatchState::Document& d) { set_sizes(s.fields, d, sized); },
      [&](const BatchState::Document& d) { write_values(s, d, filled); });
}

}  // namespace

bool is_of_key(Errc reason) noexcept {
  switch (reason) {
    case Errc::key_not_found:
    case Errc::key_document_invalid:
    case Errc::key_unwrap_failed:
    case Errc::kms_not_configured:
    case Errc::kms_unsupported:
    case Errc::kms_refused:
    case Errc::kms_bad_answer:
    case Errc::not_in_build:
      return true;
    default:
      return false;
  }
}

Done decrypt_documents(BatchState& s, kms::KeyRing* ring, const DocumentCipher::Options& options) {
  if (s.n_documents > 1) s.alike.forget();
  FLE_CHECK(s.walk_all([&](Bytes doc, bson::Edits& edits, bool is_last) {
    return s.alike.find_ciphertexts(doc, edits, options.limits, is_last);
  }));
  FLE_CHECK(read_payloads(s));
  FLE_CHECK(find_keys(s, ring, options.missing_keys));
  FLE_CHECK(open_and_lay_out(s, options.limits));
  s.n_fields -= s.kept.size();
  return options.verify ? verify_decrypted(s, ring, options.limits) : Done(ok);
}

}  // namespace fle::client
