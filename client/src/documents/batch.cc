#include <cstring>
#include <utility>

#include "batch_state.h"
#include "fle/bson/little_endian.h"
#include "fle/bson_walk/path_table.h"

namespace fle::client {
namespace {

/// Counts some fields of documents that were decrypted on the way to another plan.
void count_decrypted(const BatchState& opened, std::span<const std::size_t> some,
                     bson::PathTable& paths, std::vector<PathCount>& counts) {
  std::size_t first = 0;  // field of the document
  for (std::size_t i = 0; i < opened.n_documents && !some.empty(); ++i) {
    const BatchState::Document& d = opened.documents[i];
    const std::size_t end = first + d.edits.marks().size();
    if (some.front() < end) {
      const std::span<const bson::PathTable::Id> ids = paths.find(d.input, d.edits);
      counts.resize(paths.size());
      for (; !some.empty() && some.front() < end; some = some.subspan(1))
        ++counts[ids[some.front() - first]].decrypted;
    }
    first = end;
  }
}

/// The document, array or scope that a value was opened to; empty for any other.
Bytes opened_container(const BatchState& s, const BatchState::Document& d, const bson::Mark& m) {
  if (d.size == 0) return {};
  const Bytes value = Bytes(s.output).subspan(d.offset + m.new_offset, m.new_size);
  switch (m.new_type) {
    case bson::Type::object:
    case bson::Type::array:
      return value;
    case bson::Type::javascript_with_scope:
      return value.subspan(8 + bson::load32(value.data() + 4));
    default:
      return {};
  }
}

/// Whether a subtype of 6 and what a ciphertext begins with could be in there.
bool may_hold_ciphertext(Bytes value) noexcept {
  while (!value.empty()) {
    const void* const six = std::memchr(value.data(), bson::kSubtypeEncrypted, value.size() - 1);
    if (six == nullptr) return false;
    const auto next =
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(six) - value.data()) + 1;
    if (value[next] == 1 || value[next] == 2) return true;
    value = value.subspan(next);
  }
  return false;
}

/// How many ciphertexts came out of values of a document that were opened: each was encrypted
/// twice, and is a ciphertext still.
/// @param within  for what is found in one value.
std::uint32_t opened_ciphertexts(const BatchState& s, const BatchState::Document& d,
                                 bson::Edits& within, std::uint32_t& first) {
  std::uint32_t n = 0;
  for (const bson::Mark& m : d.edits.marks()) {
    const Bytes container = opened_container(s, d, m);
    if (!may_hold_ciphertext(container) ||
        !bson::find_ciphertexts(container, within, bson::kCommandLimits))
      continue;
    const auto found = static_cast<std::uint32_t>(std::as_const(within).marks().size()) +
                       within.unmarked().ciphertexts;
    if (n == 0 && found != 0) first = m.type_offset;
    n += found;
  }
  return n;
}

}  // namespace

void BatchState::abandon() noexcept {
  wipe({output.data(), n_output});
  n_output = 0;
  fields.clear();
  if (opened && opened->n_documents != 0) {
    for (std::size_t i = 0; i < opened->n_documents; ++i)
      documents[i].input = opened->documents[i].input;
    opened->abandon();
    opened->n_documents = 0;
  }
  encrypted_before.clear();
  decrypted_fields.clear();
  verified.clear();
  pointer_keys.clear();
  pointers_of = 0;
  kept.clear();
  kept_fields.clear();
  n_fields = 0;
  n_results = 0;
}

void BatchState::forget_faulty() noexcept {
  faulty.clear();
  for (Document& d : in_use()) d.left_out = false;
}

Failure BatchState::at_field(Failure f, std::size_t i, const bson::Mark& m) const {
  f.document = i + 1;
  f.path = bson::path_of(documents[i].input, m.type_offset);
  return f;
}

Failure BatchState::at_field(FieldFailure f) const {
  std::size_t field = f.field.value_or(static_cast<std::size_t>(-1));
  for (std::size_t i = 0; i < n_documents && f.field; ++i) {
    const std::span<const bson::Mark> marks = documents[i].edits.marks();
    if (field < marks.size()) return at_field(std::move(f.why), i, marks[field]);
    field -= marks.size();
  }
  return std::move(f.why);
}

Batch::Batch() : s_(std::make_unique<BatchState>()) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

void Batch::clear() noexcept {
  if (s_->n_documents == 0) return;  // nothing was added since: no call had anything to leave
  s_->abandon();
  s_->forget_faulty();
  s_->n_documents = 0;
}

void Batch::add(BorrowedBytes document) {
  if (s_->n_documents == s_->documents.size()) s_->documents.emplace_back();
  BatchState::Document& d = s_->documents[s_->n_documents++];
  d.input = document;
  d.size = 0;
  d.left_out = false;
  d.edits.clear();
}

std::size_t Batch::size() const noexcept { return s_->n_documents; }

Bytes Batch::output(std::size_t index) const noexcept {
  if (index >= s_->n_results) return {};
  const BatchState::Document& d = s_->documents[index];
  if (d.left_out) return {};
  return d.size == 0 ? d.input : Bytes{s_->output.data() + d.offset, d.size};
}

std::size_t Batch::fields() const noexcept { return s_->n_fields; }
std::span<const KeptField> Batch::kept() const noexcept { return s_->kept; }
std::span<const FaultyDocument> Batch::faulty() const noexcept { return s_->faulty; }

void Batch::count_leaves(std::vector<std::uint64_t>& counts) const {
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    for (const bson::Mark& m : std::as_const(s_->documents[i].edits).marks()) {
      if (m.leaf >= counts.size()) counts.resize(m.leaf + 1);
      ++counts[m.leaf];
    }
  }
}

void Batch::count_leaves(std::vector<LeafCount>& counts) const {
  std::size_t field = 0;
  auto before = s_->encrypted_before.begin();
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    for (const schema::Plan::LeafId leaf : s_->documents[i].edits.nulls()) {
      if (leaf >= counts.size()) counts.resize(leaf + 1);
      ++counts[leaf].nulls;
    }
    for (const bson::Mark& m : std::as_const(s_->documents[i].edits).marks()) {
      if (m.leaf >= counts.size()) counts.resize(m.leaf + 1);
      LeafCount& count = counts[m.leaf];
      if (before == s_->encrypted_before.end() || before->field != field) {
        ++count.encrypted;
      } else {
        ++(before->binary.empty() ? count.reencrypted : count.kept);
        ++before;
      }
      ++field;
    }
  }
}

void Batch::count_paths(bson::PathTable& paths, std::vector<PathCount>& counts) const {
  if (s_->opened && s_->opened->n_documents != 0) {
    count_decrypted(*s_->opened, s_->decrypted_fields, paths, counts);
    return;
  }
  std::size_t field = 0;
  auto kept = s_->kept_fields.begin();
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    const std::span<const bson::PathTable::Id> ids =
        paths.find(s_->documents[i].input, s_->documents[i].edits);
    counts.resize(paths.size());
    for (const bson::PathTable::Id id : ids) {
      const bool left = kept != s_->kept_fields.end() && *kept == field;
      if (left) ++kept;
      ++(left ? counts[id].left : counts[id].decrypted);
      ++field;
    }
  }
}

LeftAlone Batch::left_alone() const {
  LeftAlone all;
  bson::Edits within;
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    const BatchState::Document& d = s_->documents[i];
    const bson::Unmarked& u = d.edits.unmarked();
    std::uint32_t first = u.first;
    const std::uint32_t opened = opened_ciphertexts(*s_, d, within, first);
    if (u.none() && opened == 0) continue;
    if (all.ciphertexts + all.foreign == 0) {
      all.document = i;
      all.path = bson::path_of(d.input, u.none() ? first : u.first);
    }
    all.ciphertexts += u.ciphertexts + opened;
    all.foreign += u.foreign;
  }
  return all;
}

}  // namespace fle::client
