#include "stream_counts.h"

#include <algorithm>

namespace fle::tools {

std::string path_text(const bson::PathTable& paths, bson::PathTable::Id id) {
  return id == bson::PathTable::kOther ? "(longer paths, or too many)" : paths.text(id);
}

std::vector<Summary::Field> fields_by_path(const bson::PathTable& paths,
                                           const std::vector<std::vector<Count>>& counts) {
  const auto some = [](const std::vector<Count>& c) {
    return std::ranges::any_of(c, [](const Count& one) { return one.n != 0; });
  };
  std::vector<Summary::Field> fields;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    if (some(counts[id]))
      fields.push_back({path_text(paths, static_cast<bson::PathTable::Id>(id)), counts[id]});
  }
  std::ranges::sort(fields, {}, &Summary::Field::path);
  return fields;
}

namespace {

std::uint64_t sum_of(const client::LeafCount& c) noexcept {
  return c.encrypted + c.reencrypted + c.kept;
}

void add_to(client::LeafCount& all, const client::LeafCount& some) noexcept {
  all.encrypted += some.encrypted;
  all.reencrypted += some.reencrypted;
  all.kept += some.kept;
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

void StreamCounts::add(Tally& tally, std::span<const Bytes> documents) {
  if (task_ != Task::encrypt) add_paths(tally);
  if (task_ != Task::decrypt) add_leaves(tally, documents);
  tally.left_alone.document += documents_;
  add_left_alone(left_alone_, std::move(tally.left_alone));
  documents_ += documents.size();
}

void StreamCounts::add_leaves(const Tally& tally, std::span<const Bytes> documents) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < tally.leaves.size(); ++i) {
    add_to(leaves_[i], tally.leaves[i]);
    n += sum_of(tally.leaves[i]);
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

client::LeafCount StreamCounts::all_leaves() const noexcept {
  client::LeafCount all;
  for (const client::LeafCount& c : leaves_) add_to(all, c);
  return all;
}

Failure nothing_to_encrypt() {
  return {Errc::nothing_encrypted, "the schema encrypts no field (--require-fields)"};
}

Done StreamCounts::require_fields() const {
  if (leaves_.empty()) return nothing_to_encrypt();
  if (sum_of(all_leaves()) != 0) return ok;
  std::string text = "none of " + std::to_string(documents_) +
                     " documents has a field that the schema encrypts (--require-fields)";
  for (const std::string& hint : hints_->texts()) text += "; " + hint;
  return Failure(Errc::nothing_encrypted, text);
}

Summary StreamCounts::summary() const {
  Summary s = plan_ != nullptr ? by_schema() : of_decryption();
  s.left_alone = left_alone_;
  return s;
}

std::vector<Count> StreamCounts::counts_of(const client::LeafCount& leaf,
                                           std::uint64_t decrypted) const {
  std::vector<Count> counts{{"encrypted", leaf.encrypted}};
  if (task_ == Task::reencrypt) counts.push_back({"reencrypted", leaf.reencrypted});
  counts.push_back({"already", leaf.kept});
  if (task_ == Task::reencrypt) counts.push_back({"decrypted", decrypted});
  return counts;
}

Summary StreamCounts::by_schema() const {
  const client::LeafCount all = all_leaves();
  Summary s{"document", documents_, {}, {}};
  for (std::size_t i = 0; i < leaves_.size(); ++i)
    s.fields.push_back({plan_->leaves()[i].path, counts_of(leaves_[i], 0)});
  std::vector<std::vector<Count>> by_path;
  std::uint64_t decrypted = 0;
  for (const client::PathCount& c : counts_) {
    by_path.push_back(c.decrypted == 0 ? std::vector<Count>{} : counts_of({}, c.decrypted));
    decrypted += c.decrypted;
  }
  for (Summary::Field& f : fields_by_path(paths_, by_path)) s.fields.push_back(std::move(f));
  s.totals = counts_of(all, decrypted);
  if (leaves_.empty()) {
    s.warnings.emplace_back(task_ == Task::encrypt
                                ? "the schema encrypts no field: every document went out as it was"
                                : "the schema encrypts no field");
  } else if (sum_of(all) == 0) {
    s.warnings.emplace_back(task_ == Task::encrypt
                                ? "no document has a field that the schema encrypts: every "
                                  "document went out as it was"
                                : "no document has a field that the schema encrypts");
  }
  for (std::string& hint : hints_->texts()) s.warnings.push_back(std::move(hint));
  return s;
}

Summary StreamCounts::of_decryption() const {
  Summary s{"document", documents_, {{"decrypted", 0}, {"left", 0}}, {}};
  std::vector<std::vector<Count>> counts;
  for (const client::PathCount& c : counts_) {
    counts.push_back({{"decrypted", c.decrypted}, {"left", c.left}});
    s.totals[0].n += c.decrypted;
    s.totals[1].n += c.left;
  }
  s.fields = fields_by_path(paths_, counts);
  return s;
}

}  // namespace fle::tools
