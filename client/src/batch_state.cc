#include "batch_state.h"

namespace fle::client {

void KeyTable::clear() noexcept {
  entries_.clear();
  ids_.clear();
  names_.clear();
  by_id_.clear();
  by_name_.clear();
  failures_.clear();
  id_index_.clear();
  name_index_.clear();
  last_ = 0;
}

KeyTable::Index KeyTable::add(const KeyId& id) {
  // Most fields have the key of the field before them.
  if (!ids_.empty() && ids_[entries_[last_].at] == id) return last_;
  const auto [it, fresh] = id_index_.try_emplace(id, static_cast<Index>(entries_.size()));
  if (fresh) {
    entries_.push_back({false, static_cast<std::uint32_t>(ids_.size())});
    ids_.push_back(id);
  }
  last_ = it->second;
  return last_;
}

KeyTable::Index KeyTable::add(std::string_view alt_name) {
  if (const auto it = name_index_.find(alt_name); it != name_index_.end()) return it->second;
  const auto index = static_cast<Index>(entries_.size());
  name_index_.emplace(alt_name, index);
  entries_.push_back({true, static_cast<std::uint32_t>(names_.size())});
  names_.emplace_back(alt_name);
  return index;
}

Done KeyTable::resolve(kms::KeyRing* ring) {
  by_id_.assign(ids_.size(), nullptr);
  by_name_.assign(names_.size(), nullptr);
  failures_.assign(entries_.size(), std::nullopt);
  if (entries_.empty()) return ok;
  if (ring == nullptr) return Failure(Errc::key_not_found, "no key vault is configured");
  return ring->resolve(by_id_, by_name_, ids_, names_);
}

void KeyTable::resolve_each(kms::KeyRing* ring) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry e = entries_[i];
    if (ring == nullptr) {
      failures_[i] = Failure(Errc::key_not_found, "no key vault is configured");
      continue;
    }
    auto key = e.by_name ? ring->by_alt_name(names_[e.at]) : ring->by_id(ids_[e.at]);
    if (!key) {
      failures_[i] = key.error();
    } else {
      (e.by_name ? by_name_ : by_id_)[e.at] = std::move(*key);
    }
  }
}

const kms::KeyHandle& KeyTable::operator[](Index i) const noexcept {
  const Entry e = entries_[i];
  return (e.by_name ? by_name_ : by_id_)[e.at];
}

Done Batch::State::lay_out(const bson::Limits& limits) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < n_documents; ++i) {
    Document& d = documents[i];
    d.size = 0;
    if (d.edits.empty()) continue;
    auto size = d.edits.layout(d.input, limits);
    if (!size) {
      size.error().document = i + 1;
      return size.error();
    }
    d.offset = total;
    d.size = *size;
    total += *size;
  }
  if (output.size() < total) output.resize(total);
  n_output = total;
  for (Document& d : in_use()) {
    if (d.size != 0) d.edits.write({output.data() + d.offset, d.size}, d.input);
  }
  return ok;
}

}  // namespace fle::client
