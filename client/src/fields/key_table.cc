#include "key_table.h"

#include <algorithm>
#include <utility>

namespace fle::client {
namespace {

/// The key of every field of a cipher that was given no key ring.
const kms::KeyProblem& no_ring() {
  static const kms::KeyProblem problem = [] {
    kms::KeyProblem p;
    p.why = Failure(Errc::key_not_found, "no key vault is configured: give the cipher a KeyRing");
    return p;
  }();
  return problem;
}

}  // namespace

void HeldKeys::add(kms::KeyHandle key, std::span<const std::string> alt_names) {
  for (const std::string& name : alt_names) by_name_.insert_or_assign(name, key);
  by_id_.insert_or_assign(key->id, std::move(key));
}

void HeldKeys::clear() noexcept {
  by_name_.clear();
  by_id_.clear();
}

const kms::ResolvedKey* HeldKeys::find(const KeyId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

const kms::ResolvedKey* HeldKeys::find(std::string_view alt_name) const {
  const auto found = by_name_.find(alt_name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

KeyTable::KeyTable() noexcept : hash_(SeededHash::random()) {}

void KeyTable::clear() noexcept {
  if (size() == 0) return;  // nothing was asked for since
  problems_ = {};
  left_.clear();
  lease_.release();
  ids_.clear();
  names_.clear();
  by_id_.clear();
  by_name_.clear();
  last_ = 0;
  if (++round_ == 0) {  // after four billion rounds
    std::ranges::fill(slots_, Slot{0, 0});
    round_ = 1;
  }
}

template <class Key>
KeyTable::Index KeyTable::add_to(std::vector<Key>& keys, const Key& key, Index is_name_bit) {
  if (slots_.size() < 2 * (size() + 1)) grow();
  const std::uint64_t hash = hash_(key);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].round == round_; i = (i + 1) & mask) {
    const Index index = slots_[i].index;
    if ((index & 1U) == is_name_bit && keys[index >> 1] == key) return index;
  }
  const auto index = static_cast<Index>(keys.size() << 1) | is_name_bit;
  keys.push_back(key);
  place(hash, index);
  return index;
}

KeyTable::Index KeyTable::add_other(const KeyId& id) {
  last_ = add_to(ids_, id, 0);
  return last_;
}

KeyTable::Index KeyTable::add(std::string_view alt_name) { return add_to(names_, alt_name, 1); }

void KeyTable::place(std::uint64_t hash, Index index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].round == round_) i = (i + 1) & mask;
  slots_[i] = {round_, index};
}

void KeyTable::grow() {
  constexpr std::size_t kSmallest = 16;
  std::vector<Slot> wider(std::max(kSmallest, 2 * slots_.size()), Slot{0, 0});
  slots_.swap(wider);
  round_ = 1;
  for (std::size_t i = 0; i < ids_.size(); ++i) place(hash_(ids_[i]), static_cast<Index>(i << 1));
  for (std::size_t i = 0; i < names_.size(); ++i)
    place(hash_(names_[i]), static_cast<Index>(i << 1) | 1U);
}

Done KeyTable::resolve(kms::KeyRing* ring) {
  by_id_.assign(ids_.size(), nullptr);
  by_name_.assign(names_.size(), nullptr);
  has_ring_ = ring != nullptr;
  if (size() == 0) return ok;
  if (ring == nullptr) return no_ring().why;
  const Done leased = ring->lease(lease_, {ids_, names_, by_id_, by_name_});
  problems_ = lease_.problems();
  return leased || held_ == nullptr || held_->empty() ? leased : take_held();
}

Done KeyTable::take_held() {
  left_.clear();
  for (const kms::KeyProblem& problem : problems_) {
    const kms::ResolvedKey*& key = (problem.by_name ? by_name_ : by_id_)[problem.index];
    key = problem.by_name ? held_->find(names_[problem.index]) : held_->find(ids_[problem.index]);
    if (key == nullptr) left_.push_back(problem);
  }
  problems_ = left_;
  return left_.empty() ? Done(ok) : Done(left_.front().why);
}

const kms::KeyProblem* KeyTable::missing(Index i) const noexcept {
  if (!has_ring_) return &no_ring();
  // Ids come before names, each by index.
  const auto place = [](bool by_name, std::size_t index) { return std::pair(by_name, index); };
  const auto wanted = place(is_name(i), i >> 1);
  const auto found = std::ranges::lower_bound(
      problems_, wanted, {}, [&](const kms::KeyProblem& p) { return place(p.by_name, p.index); });
  if (found == problems_.end() || place(found->by_name, found->index) != wanted) return nullptr;
  return &*found;
}

}  // namespace fle::client
