#include "fle/bson_walk/path_table.h"

#include "fle/same_text.h"
#include "fle/seeded_hash.h"
#include "ground/value.h"

namespace fle::bson {
namespace {

/// The name of the element whose type byte and value stand at these places.
std::string_view name_at(Bytes doc, std::uint32_t type_offset, std::uint32_t value_offset) {
  return {reinterpret_cast<const char*>(doc.data()) + type_offset + 1,
          value_offset - type_offset - 2};
}

}  // namespace

PathTable::PathTable()
    : seed_(std::bit_cast<decltype(seed_)>(SeededHash::random())), nodes_(kRoot + 1), slots_(64) {}

std::span<const PathTable::Id> PathTable::find(Bytes doc, const Edits& edits) {
  found_.clear();
  if (doc.size() != edits.walked_size_) return {};
  const auto in_array = [&](std::uint32_t enclosing) {
    // The document itself is no element.
    return enclosing != 0 &&
           doc[edits.enclosing_[enclosing].type_offset] == static_cast<std::uint8_t>(Type::array);
  };
  // Documents of a stream are alike: what follows a path is what followed it before.
  Id before = kRoot;
  const auto next = [&](std::uint32_t enclosing, std::uint32_t type_offset,
                        std::uint32_t value_offset) {
    before = child_after(before, inside_[enclosing], in_array(enclosing),
                         name_at(doc, type_offset, value_offset));
    return before;
  };
  inside_.clear();
  for (const Edits::Enclosing& e : edits.enclosing_) {
    inside_.push_back(inside_.empty() ? kRoot : next(e.parent, e.type_offset, e.offset));
  }
  for (std::size_t i = 0; i < edits.marks_.size(); ++i) {
    const Mark& m = edits.marks_[i];
    found_.push_back(next(edits.inside_of_[i], m.type_offset, m.value_offset));
  }
  return found_;
}

PathTable::Id PathTable::find(const PathTable& other, Id id) {
  if (id <= kRoot || id >= other.size()) return id == kRoot ? kRoot : kOther;
  const Node& n = other.nodes_[id];
  return child(find(other, n.parent), n.item, other.name(n));
}

PathTable::Id PathTable::child_after(Id before, Id parent, bool item, std::string_view name) {
  if (parent == kOther) return kOther;
  const Id guess = nodes_[before].next;
  const Node& n = nodes_[guess];
  if (guess != kOther && n.parent == parent && n.item == item &&
      (item || same_text(this->name(n), name)))
    return guess;
  const Id id = child(parent, item, name);
  nodes_[before].next = id;
  return id;
}

PathTable::Id PathTable::child(Id parent, bool item, std::string_view name) {
  if (parent == kOther) return kOther;
  if (item) name = {};
  const SeededHash seeded(seed_[0], seed_[1]);
  const std::uint64_t hash = seeded(name) ^ parent * 0x9e3779b97f4a7c15ULL ^ std::uint64_t{item};
  for (std::size_t i = hash >> 32;; ++i) {
    const Id id = slots_[i & (slots_.size() - 1)];
    if (id == kOther) break;
    const Node& n = nodes_[id];
    if (n.hash == hash && n.parent == parent && n.item == item && this->name(n) == name) return id;
  }
  const auto size = static_cast<std::uint32_t>(name.size());
  const std::size_t text_size =
      std::size_t{nodes_[parent].text_size} + (item ? 2 : name.size() + (parent == kRoot ? 0 : 1));
  if (nodes_.size() == kMost || text_size > kLongest) return kOther;
  return add({parent, item, 0, size, static_cast<std::uint32_t>(text_size), hash, kOther}, name);
}

PathTable::Id PathTable::add(const Node& node, std::string_view name) {
  const auto id = static_cast<Id>(nodes_.size());
  nodes_.push_back(node);
  nodes_.back().name = static_cast<std::uint32_t>(names_.size());
  names_ += name;
  grow();
  return id;
}

/// Puts the newest path into its slot, into more slots where they get scarce.
void PathTable::grow() {
  std::size_t first = nodes_.size() - 1;
  if (2 * nodes_.size() > slots_.size()) {
    slots_.assign(2 * slots_.size(), kOther);
    first = kRoot + 1;
  }
  for (std::size_t n = first; n < nodes_.size(); ++n) {
    std::size_t i = nodes_[n].hash >> 32;
    while (slots_[i & (slots_.size() - 1)] != kOther) ++i;
    slots_[i & (slots_.size() - 1)] = static_cast<Id>(n);
  }
}

std::string PathTable::text(Id id) const {
  std::vector<Id> way;
  for (; id > kRoot && id < nodes_.size(); id = nodes_[id].parent) way.push_back(id);
  std::string text;
  for (auto it = way.rbegin(); it != way.rend(); ++it) {
    const Node& n = nodes_[*it];
    if (n.item) {
      text += "[]";
      continue;
    }
    if (it != way.rbegin()) text += '.';
    text += name(n);
  }
  return text;
}

}  // namespace fle::bson
