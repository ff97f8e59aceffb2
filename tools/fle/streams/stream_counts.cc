#include "stream_counts.h"

#include <algorithm>

namespace fle::tools {
namespace {

/// The text of a path, also of those that a PathTable has no room for.
std::string path_text(const bson::PathTable& paths, bson::PathTable::Id id) {
  return id == bson::PathTable::kOther ? "(longer paths, or too many)" : paths.text(id);
}

constexpr unsigned bit_of(Task task) noexcept { return 1U << static_cast<unsigned>(task); }
constexpr unsigned kEncrypt = bit_of(Task::encrypt);
constexpr unsigned kDecrypt = bit_of(Task::decrypt);
constexpr unsigned kReencrypt = bit_of(Task::reencrypt);
constexpr unsigned kAll = kEncrypt | kDecrypt | kReencrypt;

/// What a summary tells of each state, and to whom.
struct Column {
  const char* what;
  unsigned tasks;
  FieldState state;
};
constexpr const char* kAbsent = "absent";
constexpr Column kColumns[] = {
    {"encrypted", kEncrypt | kReencrypt, FieldState::encrypted},
    {"reencrypted", kReencrypt, FieldState::reencrypted},
    {"already", kEncrypt | kReencrypt, FieldState::already},
    {"decrypted", kDecrypt | kReencrypt, FieldState::decrypted},
    {"left", kDecrypt, FieldState::left},
    {"null", kEncrypt | kReencrypt, FieldState::null},
    {kAbsent, kEncrypt | kReencrypt, FieldState::absent},
    {"wrong type", kEncrypt | kReencrypt, FieldState::wrong_type},
    {"foreign key", kAll, FieldState::foreign_key},
    {"does not open", kAll, FieldState::does_not_open},
    {"other fault", kAll, FieldState::other_fault},
};
static_assert(std::size(kColumns) == kFieldStates);

/// What the field of a fault is found to be.
struct FaultState {
  Errc code;
  FieldState state;
};
constexpr FaultState kFaultStates[] = {
    {Errc::type_not_allowed, FieldState::wrong_type},
    {Errc::not_an_object, FieldState::wrong_type},
    {Errc::encrypted_below_array, FieldState::wrong_type},
    {Errc::timestamp_zero, FieldState::wrong_type},
    {Errc::already_encrypted, FieldState::foreign_key},
    {Errc::unresolved_key_pointer, FieldState::foreign_key},
    {Errc::key_not_found, FieldState::foreign_key},
    {Errc::key_document_invalid, FieldState::foreign_key},
    {Errc::key_unwrap_failed, FieldState::foreign_key},
    {Errc::kms_not_configured, FieldState::foreign_key},
    {Errc::kms_unsupported, FieldState::foreign_key},
    {Errc::auth_failed, FieldState::does_not_open},
    {Errc::malformed_payload, FieldState::does_not_open},
};

FieldState state_of(const Failure& f) noexcept {
  if (f.detail == ErrorDetail::null_not_encryptable) return FieldState::null;
  const auto* const found = std::ranges::find(kFaultStates, f.code, &FaultState::code);
  return found == std::end(kFaultStates) ? FieldState::other_fault : found->state;
}

std::uint64_t& at(FieldStates& states, FieldState s) noexcept {
  return states[static_cast<std::size_t>(s)];
}

std::uint64_t encrypted_in(const client::LeafCount& c) noexcept {
  return c.encrypted + c.reencrypted + c.kept;
}

void add_to(client::LeafCount& all, const client::LeafCount& some) noexcept {
  all.encrypted += some.encrypted;
  all.reencrypted += some.reencrypted;
  all.kept += some.kept;
  all.nulls += some.nulls;
}

void add_to(FieldStates& all, const FieldStates& some) noexcept {
  for (std::size_t i = 0; i < kFieldStates; ++i) all[i] += some[i];
}

/// Whether a leaf is of one field, and not of all that a pattern or another rule takes in: these
/// show as "/re/" and "*" in its path.
bool is_of_one_field(std::string_view path) noexcept {
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t dot = std::min(path.find('.', from), path.size());
    const std::string_view name = path.substr(from, dot - from);
    if (name == "*" || name.starts_with('/')) return false;
    from = dot + 1;
  }
  return true;
}

}  // namespace

StreamCounts::StreamCounts(Task task, std::shared_ptr<const schema::Plan> plan)
    : task_(task), plan_(std::move(plan)) {
  if (plan_ == nullptr) return;
  hints_.emplace(*plan_);
  leaves_.resize(plan_->leaves().size());
}

void Tally::take(const client::Batch& batch, Task task) {
  leaves.assign(leaves.size(), {});
  counts.assign(counts.size(), {});
  if (task != Task::decrypt) batch.count_leaves(leaves);
  if (task != Task::encrypt) batch.count_paths(paths, counts);
  left_alone = batch.left_alone();
}

void StreamCounts::add(Tally& tally, const CountedPart& part) {
  if (task_ != Task::encrypt) add_paths(tally);
  if (task_ != Task::decrypt) add_leaves(tally, part.done);
  for (const LeftOut& l : part.left_out) add_faults(l.faults);
  tally.left_alone.document += documents_;
  add_left_alone(left_alone_, std::move(tally.left_alone));
  documents_ += part.n_documents;
  left_out_ += part.left_out.size();
}

void StreamCounts::add_leaves(const Tally& tally, std::span<const Bytes> documents) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < tally.leaves.size(); ++i) {
    add_to(leaves_[i], tally.leaves[i]);
    n += encrypted_in(tally.leaves[i]);
  }
  // Every document has every field: nothing is misspelt.
  if (n == documents.size() * leaves_.size()) return;
  for (const Bytes d : documents) hints_->look(d);
}

void StreamCounts::add_paths(const Tally& tally) {
  for (std::size_t i = 0; i < tally.counts.size(); ++i) {
    const client::PathCount& c = tally.counts[i];
    if (c.decrypted + c.left == 0) continue;
    const bson::PathTable::Id id = paths_.find(tally.paths, static_cast<bson::PathTable::Id>(i));
    counts_.resize(paths_.size());
    counts_[id].decrypted += c.decrypted;
    counts_[id].left += c.left;
  }
}

/// Paths come out of documents: there may be no end of them.
void StreamCounts::add_faults(const bson::Faults& faults) {
  for (const Failure& f : faults.first) {
    std::string path = f.path.empty() ? "(document)" : f.path;
    if (!faults_.contains(path) && faults_.size() >= bson::PathTable::kMost)
      path = path_text(paths_, bson::PathTable::kOther);
    ++at(faults_[path], state_of(f));
  }
}

std::uint64_t StreamCounts::n_encrypted() const noexcept {
  std::uint64_t n = 0;
  for (const client::LeafCount& c : leaves_) n += encrypted_in(c);
  return n;
}

Failure nothing_to_encrypt() {
  return {Errc::nothing_encrypted, "the schema encrypts no field (--require-fields)"};
}

Done StreamCounts::require_fields() const {
  if (leaves_.empty()) return nothing_to_encrypt();
  if (n_encrypted() != 0) return ok;
  std::string text = "none of " + std::to_string(documents_) +
                     (documents_ == 1 ? " document" : " documents") +
                     " has a field that the schema encrypts (--require-fields)";
  for (const std::string& hint : hints_->texts()) text += "; " + hint;
  return Failure(Errc::nothing_encrypted, text);
}

std::vector<Count> StreamCounts::counts_of(const FieldStates& states) const {
  std::vector<Count> counts;
  for (const Column& c : kColumns)
    if ((c.tasks & bit_of(task_)) != 0)
      counts.push_back({c.what, states[static_cast<std::size_t>(c.state)]});
  return counts;
}

/// A field is absent where a document that was done has none.
FieldStates StreamCounts::states_of(std::size_t leaf) const {
  const client::LeafCount& c = leaves_[leaf];
  FieldStates states{};
  at(states, FieldState::encrypted) = c.encrypted;
  at(states, FieldState::reencrypted) = c.reencrypted;
  at(states, FieldState::already) = c.kept;
  at(states, FieldState::null) = c.nulls;
  const std::uint64_t present = encrypted_in(c) + c.nulls;
  const std::uint64_t done = documents_ - left_out_;
  if (is_of_one_field(plan_->leaves()[leaf].path) && present < done)
    at(states, FieldState::absent) = done - present;
  return states;
}

StreamCounts::ByPath StreamCounts::decrypted_paths() const {
  ByPath all = paths_before_;
  for (std::size_t id = 0; id < counts_.size(); ++id) {
    if (counts_[id].decrypted + counts_[id].left == 0) continue;
    FieldStates& states = all[path_text(paths_, static_cast<bson::PathTable::Id>(id))];
    at(states, FieldState::decrypted) += counts_[id].decrypted;
    at(states, FieldState::left) += counts_[id].left;
  }
  return all;
}

StreamCounts::ByPath StreamCounts::by_path() const {
  ByPath all = faults_;
  for (const auto& [path, states] : decrypted_paths()) add_to(all[path], states);
  return all;
}

void StreamCounts::save(Packer& out) const {
  out.add(documents_);
  out.add(left_out_);
  out.add(std::uint64_t{leaves_.size()});
  for (const client::LeafCount& c : leaves_)
    for (const std::uint64_t n : {c.encrypted, c.reencrypted, c.kept, c.nulls}) out.add(n);
  for (const ByPath& paths : {decrypted_paths(), faults_}) {
    out.add(std::uint64_t{paths.size()});
    for (const auto& [path, states] : paths) {
      out.add(path);
      for (const std::uint64_t n : states) out.add(n);
    }
  }
  for (const std::uint64_t n : {left_alone_.ciphertexts, left_alone_.foreign, left_alone_.document})
    out.add(n);
  out.add(left_alone_.path);
  if (hints_) hints_->save(out);
}

bool StreamCounts::load(Unpacker& in) {
  documents_ = in.number();
  left_out_ = in.number();
  if (in.number() != leaves_.size()) return false;
  for (client::LeafCount& c : leaves_)
    for (std::uint64_t* n : {&c.encrypted, &c.reencrypted, &c.kept, &c.nulls}) *n = in.number();
  for (ByPath* paths : {&paths_before_, &faults_}) {
    for (std::uint64_t left = in.number(); left != 0 && in.good(); --left) {
      FieldStates& states = (*paths)[std::string(in.text())];
      for (std::uint64_t& n : states) n = in.number();
    }
  }
  for (std::uint64_t* n : {&left_alone_.ciphertexts, &left_alone_.foreign, &left_alone_.document})
    *n = in.number();
  left_alone_.path = in.text();
  if (hints_) hints_->load(in);
  return in.good();
}

Summary StreamCounts::summary(const char* fate) const {
  Summary s{"document", documents_, {}, {}};
  s.fates = {{fate, left_out_}};
  ByPath others = by_path();
  FieldStates total{};
  const auto tell = [&](std::string path, const FieldStates& states) {
    add_to(total, states);
    s.fields.push_back({std::move(path), counts_of(states)});
  };
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const std::string& path = plan_->leaves()[i].path;
    FieldStates states = states_of(i);
    if (const auto found = others.find(path); found != others.end()) {
      add_to(states, found->second);
      others.erase(found);
    }
    tell(path, states);
  }
  for (const auto& [path, states] : others) tell(path, states);
  s.totals = counts_of(total);
  // Of one field it says something; of all of them nothing.
  std::erase_if(s.totals, [](const Count& c) { return c.what == kAbsent; });
  s.left_alone = left_alone_;
  if (task_ == Task::decrypt)
    s.left_where = "within code or within what was decrypted: ciphertext still";
  if (plan_ != nullptr) warn(s);
  return s;
}

void StreamCounts::warn(Summary& s) const {
  const bool encrypts = task_ == Task::encrypt;
  const char* const as_it_was = encrypts ? ": every document went out as it was" : "";
  if (leaves_.empty()) {
    s.warnings.push_back(std::string("the schema encrypts no field") + as_it_was);
  } else if (n_encrypted() == 0) {
    s.warnings.push_back(std::string("no document has a field that the schema encrypts") +
                         as_it_was);
  }
  for (std::string& hint : hints_->texts()) s.warnings.push_back(std::move(hint));
}

}  // namespace fle::tools
