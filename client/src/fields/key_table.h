#ifndef FLE_CLIENT_SRC_KEY_TABLE_H_
#define FLE_CLIENT_SRC_KEY_TABLE_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/kms/key_ring.h"
#include "fle/seeded_hash.h"

namespace fle::client {

/// Keys that a caller with a network of its own has brought, by id and by alternate name.
class HeldKeys {
 public:
  void add(kms::KeyHandle key, std::span<const std::string> alt_names);
  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return by_id_.empty(); }
  /// Null when it is not there.
  [[nodiscard]] const kms::ResolvedKey* find(const KeyId& id) const;
  [[nodiscard]] const kms::ResolvedKey* find(std::string_view alt_name) const;

 private:
  std::map<KeyId, kms::KeyHandle> by_id_;
  std::map<std::string, kms::KeyHandle, std::less<>> by_name_;
};

/// The keys of one call: each distinct id and alternate name once, and an index for every field.
/// Keeps its memory for the next call, so that a warm one allocates nothing.
class KeyTable {
 public:
  /// An id or a name: its place among them, and in the lowest bit which of the two.
  using Index = std::uint32_t;

  KeyTable() noexcept;

  /// Lets go of all keys.
  void clear() noexcept;
  Index add(const KeyId& id) {
    // Most fields have the key of the field before them.
    if (!ids_.empty() && same(ids_[last_ >> 1], id)) return last_;
    return add_other(id);
  }
  /// @param alt_name  must stay where it is until clear().
  Index add(std::string_view alt_name);

  /// Keys that stand in for those that the ring does not have; null: none. They must stay.
  void hold(const HeldKeys* held) noexcept { held_ = held; }

  /// One look-up for all of them.
  /// @return the first that is missing, if any is: missing() then tells of every one
  Done resolve(kms::KeyRing* ring);

  /// Null when the key is missing. Good until clear().
  [[nodiscard]] const kms::ResolvedKey* operator[](Index i) const noexcept {
    return (is_name(i) ? by_name_ : by_id_)[i >> 1];
  }
  /// Why a key is missing; null when it is not.
  [[nodiscard]] const kms::KeyProblem* missing(Index i) const noexcept;
  /// The same of all, ids before names, by index. Good until clear().
  [[nodiscard]] std::span<const kms::KeyProblem> problems() const noexcept { return problems_; }
  [[nodiscard]] const KeyId& id(std::size_t i) const noexcept { return ids_[i]; }
  [[nodiscard]] std::string_view name(std::size_t i) const noexcept { return names_[i]; }

 private:
  // A slot that was written in an earlier round is free: clearing takes no time.
  struct Slot {
    std::uint32_t round;
    Index index;
  };
  Index add_other(const KeyId& id);
  /// As ==, for one that is asked for each field: that calls memcmp.
  static bool same(const KeyId& a, const KeyId& b) noexcept {
    std::array<std::uint64_t, 2> x;
    std::array<std::uint64_t, 2> y;
    std::memcpy(x.data(), a.bytes.data(), sizeof x);
    std::memcpy(y.data(), b.bytes.data(), sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
  static bool is_name(Index i) noexcept { return (i & 1U) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size() + names_.size(); }
  template <class Key>
  Index add_to(std::vector<Key>& keys, const Key& key, Index is_name_bit);
  /// Takes what is missing out of `held_`, as far as it is there.
  Done take_held();
  void place(std::uint64_t hash, Index index) noexcept;
  void grow();

  std::vector<KeyId> ids_;
  std::vector<std::string_view> names_;
  std::vector<const kms::ResolvedKey*> by_id_;
  std::vector<const kms::ResolvedKey*> by_name_;
  kms::KeyLease lease_;
  const HeldKeys* held_ = nullptr;
  std::vector<kms::KeyProblem> left_;  // problems that held_ has not solved
  std::span<const kms::KeyProblem> problems_;
  bool has_ring_ = false;
  Index last_ = 0;  // of the id that was added last, if any was

  // Ids and names come out of documents, hence the seed.
  SeededHash hash_;
  std::vector<Slot> slots_;  // open addressing; a power of two, at most half in use
  std::uint32_t round_ = 1;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_KEY_TABLE_H_
