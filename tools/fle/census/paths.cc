// A Census's paths and cells: how they are found, and how too many become fewer.
#include <algorithm>
#include <cstring>

#include "census.h"
#include "fle/bson/little_endian.h"
#include "ground/value.h"

namespace fle::tools {
namespace {

using bson::Type;
using schema::Plan;

constexpr std::size_t kMostCells = 4 * Census::kMostPaths;
// For what must not be overlooked, beside all others.
constexpr std::size_t kReserve = Census::kMostPaths;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Whether a name is data rather than one that a programmer gave.
bool looks_like_id(std::string_view name) noexcept {
  constexpr std::size_t kShortestHex = 16;
  if (name.empty()) return false;
  if (name.size() > Census::kLongestName) return true;
  if (std::ranges::all_of(name, is_digit)) return true;
  return name.size() >= kShortestHex && std::ranges::any_of(name, is_digit) &&
         std::ranges::all_of(name, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
         });
}

bool is_same(const Plan::Step& a, const Plan::Step& b) noexcept {
  if (a.kind != b.kind) return false;
  return a.kind == Plan::Kind::object      ? a.node == b.node
         : a.kind == Plan::Kind::encrypted ? a.leaf == b.leaf
                                           : true;
}

Plan::Step step_of(const Census::Path& parent, std::string_view name) noexcept {
  if (parent.plan == nullptr || parent.step.kind != Plan::Kind::object) return {};
  return parent.plan->child(parent.step.node, name);
}

}  // namespace

Census::Census()
    : hash_(SeededHash::random()), paths_(kRoot + 1), presence_(kRoot + 1), cells_(1), slots_(64) {}

std::uint64_t Census::hash_of(const Path& path, std::string_view name) const noexcept {
  const std::uint64_t where = path.parent * 0x9e3779b97f4a7c15ULL;
  const std::uint64_t step = (std::uint64_t{path.step.node} << 20) + path.step.leaf;
  return hash_(name) ^ where ^ (step * 0xc2b2ae3d27d4eb4fULL) ^
         static_cast<std::uint64_t>(path.kind);
}

Census::Id Census::find(const Path& path, std::string_view name) const noexcept {
  for (std::size_t i = path.hash >> 32;; ++i) {
    const Id id = slots_[i & (slots_.size() - 1)];
    if (id == kNone) return kNone;
    const Path& p = paths_[id];
    if (p.hash == path.hash && p.parent == path.parent && p.kind == path.kind &&
        is_same(p.step, path.step) && this->name(p) == name)
      return id;
  }
}

Census::Id Census::find_or_add(Path path, std::string_view name) {
  path.hash = hash_of(path, name);
  if (const Id id = find(path, name); id != kNone) return id;
  // So many that even an object's names as one would be too many.
  const bool of_schema = path.step.kind != Plan::Kind::plain;
  if (paths_.size() >= 2 * kHardLimit + (of_schema ? kReserve : 0)) {
    has_overlooked_ |= of_schema;
    return kNone;
  }
  Path& parent = paths_[path.parent];
  if (path.kind == Kind::name && ++parent.n_names > kMostNames) crowded_ = true;
  path.name = static_cast<std::uint32_t>(names_.size());
  path.name_size = static_cast<std::uint32_t>(name.size());
  names_ += name;
  names_ += '\0';
  paths_.push_back(path);
  presence_.emplace_back();
  grow();
  return static_cast<Id>(paths_.size() - 1);
}

/// Puts the newest path into its slot, into more slots where they get scarce.
void Census::grow() {
  std::size_t first = paths_.size() - 1;
  if (2 * paths_.size() > slots_.size()) {
    slots_.assign(2 * slots_.size(), kNone);
    first = kRoot + 1;
  }
  for (std::size_t n = first; n < paths_.size(); ++n) {
    std::size_t i = paths_[n].hash >> 32;
    while (slots_[i & (slots_.size() - 1)] != kNone) ++i;
    slots_[i & (slots_.size() - 1)] = static_cast<Id>(n);
  }
}

Census::Id Census::collection(std::string_view ns, const Plan* plan) {
  Path path;
  path.parent = kRoot;
  path.kind = Kind::collection;
  path.plan = plan;
  if (plan != nullptr) path.step = plan->root();
  const Id id = find_or_add(path, ns);
  if (paths_[id].first_cell == kNone) add_cell(id, {});
  return id;
}

Census::Id Census::path_of(Id parent, bool item, std::string_view name) {
  const Path& in = paths_[parent];
  Path path;
  path.parent = parent;
  path.plan = in.plan;
  if (item) {
    path.kind = Kind::item;
    return find_or_add(path, {});
  }
  path.step = step_of(in, name);
  const bool named = path.step.kind != Plan::Kind::plain;
  path.kind = Kind::name;
  if (!in.folded && paths_.size() < kHardLimit && (named || !looks_like_id(name)) &&
      name.size() <= kLongestName)
    return find_or_add(path, name);
  // Names that are ids do not take the others with them: only too many names do.
  if (paths_.size() >= kHardLimit) paths_[parent].folded = mixed_ = true;
  path.kind = Kind::any;
  return find_or_add(path, {});
}

Census::Id Census::find_cell(Id path, const Look& look) const noexcept {
  Id id = paths_[path].first_cell;
  while (id != kNone && cells_[id].look != look) id = cells_[id].next_of_path;
  return id;
}

Census::Id Census::add_cell(Id path, const Look& look) {
  Path& p = paths_[path];
  const bool matters = p.step.kind != Plan::Kind::plain || look.state != State::plain;
  if (path == kNone || cells_.size() >= kMostCells + (matters ? kReserve : 0)) {
    has_overlooked_ |= matters;
    return kNone;
  }
  if (look.state == State::encrypted && !look.other_key) ++p.n_keys;
  Cell& cell = cells_.emplace_back();
  cell.path = path;
  cell.look = look;
  cell.next_of_path = p.first_cell;
  set_head(cell);
  p.first_cell = static_cast<Id>(cells_.size() - 1);
  return p.first_cell;
}

/// How elements of the cell begin, unless that cannot be told from their bytes alone.
void Census::set_head(Cell& cell) const noexcept {
  const Path& path = paths_[cell.path];
  const Path& in = paths_[path.parent];
  // Which names become "*" is a matter of each name as long as some do not, and of the schema.
  if (path.kind == Kind::collection ||
      (path.kind == Kind::any && (!in.folded || in.step.kind == Plan::Kind::object)))
    return;
  cell.type = static_cast<std::uint8_t>(cell.look.state == State::encrypted ? Type::bin_data
                                                                            : cell.look.type);
  if (path.kind == Kind::name) cell.head_size = static_cast<std::uint16_t>(path.name_size + 2);
  std::array<std::uint8_t, sizeof cell.head> bytes{cell.type};
  std::array<std::uint8_t, sizeof cell.head> mask{};
  std::memset(mask.data(), 0xff, std::clamp<std::size_t>(cell.head_size, 1, mask.size()));
  std::memcpy(bytes.data() + 1, names_.data() + path.name,
              std::min<std::size_t>(path.name_size, bytes.size() - 1));
  for (std::size_t i = 0; i < cell.head.size(); ++i) {
    cell.head[i] = bson::load64(bytes.data() + 8 * i);
    cell.head_mask[i] = bson::load64(mask.data() + 8 * i);
  }
  if (cell.head_size > sizeof cell.head) return;
  const bson::internal::Shape shape = bson::internal::kShapes[cell.type];
  if (cell.look.state == State::encrypted) {
    if (cell.look.other_key) return;
    cell.measure = Measure::ciphertext;
    cell.fixed_size = static_cast<std::uint8_t>(payload_size(cell.look.type));
  } else if (shape.rule == bson::internal::Rule::document) {
    cell.measure = Measure::document;
  } else if (shape.rule == bson::internal::Rule::plain && shape.length_mask != 0) {
    cell.measure = Measure::text;
  } else if (shape.rule == bson::internal::Rule::plain && shape.last_mask == 0) {
    cell.measure = Measure::fixed;
    cell.fixed_size = shape.base;
  }
}

Census::Id Census::cell_of(Id path, const Look& look) {
  if (const Id id = find_cell(path, look); id != kNone) return id;
  if (look.state != State::encrypted || look.other_key || paths_[path].n_keys < most_keys_)
    return add_cell(path, look);
  Look other = look;
  other.key = {};
  other.other_key = true;
  return cell_of(path, other);
}

bool Census::fold_all(Merged& merged) {
  bool changed = false;
  while (is_untidy() && fold(merged)) changed = true;
  return changed;
}

/// Which paths have ciphertext under names of theirs.
std::vector<bool> Census::around_ciphertext() const {
  std::vector<bool> around(paths_.size());
  for (const Cell& c : cells_)
    if (c.path != kNone && c.look.state != State::plain) around[paths_[c.path].parent] = true;
  return around;
}

/// Makes one path of the names of each object that has too many, else of that which has most. An
/// object that has ciphertext under its names comes last: together with that, what is rightly plain
/// under others would look like what was left out.
bool Census::fold(Merged& merged) {
  const std::vector<bool> around = around_ciphertext();
  std::uint32_t most = 1;
  std::uint32_t most_apart = 1;
  for (Id id = 0; id < paths_.size(); ++id) {
    if (paths_[id].folded) continue;
    most = std::max(most, paths_[id].n_names);
    if (!around[id]) most_apart = std::max(most_apart, paths_[id].n_names);
  }
  if (most == 1 && !mixed_) return false;
  const bool by_size = !mixed_ && !crowded_;
  const bool apart = by_size && most_apart > 1;
  const std::uint32_t limit = apart ? most_apart : by_size ? most : kMostNames + 1;
  Census old;
  std::swap(old, *this);
  most_keys_ = old.most_keys_;
  has_overlooked_ = old.has_overlooked_;
  for (Id id = 0; id < old.paths_.size(); ++id)
    if (old.paths_[id].n_names >= limit && !(apart && around[id])) old.paths_[id].folded = true;
  absorb(old, merged);
  mixed_ = false;
  return true;
}

/// The path here that is `p` of another census.
Census::Id Census::equivalent(const Path& p, Id parent, std::string_view name) {
  Path path;
  path.parent = parent;
  path.kind = p.kind == Kind::name && paths_[parent].folded ? Kind::any : p.kind;
  path.plan = p.plan;
  path.step = p.step;
  return find_or_add(path, path.kind == Kind::any ? std::string_view() : name);
}

void Census::absorb(const Census& other, Merged& merged) {
  std::vector<Id> mine(other.paths_.size(), kNone);
  mine[kRoot] = kRoot;
  paths_[kRoot].folded |= other.paths_[kRoot].folded;
  // Parents come first.
  for (Id id = kRoot + 1; id < other.paths_.size(); ++id) {
    const Path& p = other.paths_[id];
    if (p.parent != kNone && mine[p.parent] == kNone) continue;
    mine[id] = equivalent(p, mine[p.parent], other.name(p));
    Path& to = paths_[mine[id]];
    std::uint64_t& documents = presence_[mine[id]].documents;
    documents += other.documents(id);
    // Of names that become one, a document may have several.
    if (to.kind == Kind::any)
      documents =
          std::min(documents, std::max(other.documents(id), presence_[to.parent].documents));
    if (to.slot == kNoSlot) {
      to.slot = p.slot;
    } else if (p.slot != kNoSlot && p.slot != to.slot) {
      merged.emplace_back(to.slot, p.slot);
    }
    if (p.folded && !to.folded) mixed_ |= to.n_names != 0;
    to.folded |= p.folded;
  }
  for (Id id = 1; id < other.cells_.size(); ++id) {
    const Cell& c = other.cells_[id];
    Cell& to = cells_[cell_of(mine[c.path], c.look)];
    to.first_document =
        to.values == 0 ? c.first_document : std::min(to.first_document, c.first_document);
    to.values += c.values;
    to.bytes += c.bytes;
  }
  cells_[kNone].values += other.cells_[kNone].values;
  has_overlooked_ |= other.has_overlooked_;
}

bool Census::is_folded(Id path) const noexcept {
  for (; path > kRoot && paths_[path].kind != Kind::collection; path = paths_[path].parent)
    if (paths_[path].kind == Kind::any) return true;
  return false;
}

Census::Id Census::collection_of(Id path) const noexcept {
  while (path > kRoot && paths_[path].kind != Kind::collection) path = paths_[path].parent;
  return path;
}

std::string Census::text(Id path) const {
  if (path == kNone) return "(others)";
  std::vector<Id> way;
  for (Id id = path; id > kRoot && paths_[id].kind != Kind::collection; id = paths_[id].parent)
    way.push_back(id);
  std::string text;
  for (auto it = way.rbegin(); it != way.rend(); ++it) {
    const Path& p = paths_[*it];
    if (p.kind == Kind::item) {
      text += "[]";
      continue;
    }
    if (it != way.rbegin()) text += '.';
    if (p.kind == Kind::any && p.step.kind == Plan::Kind::encrypted)
      text = p.plan->leaf(p.step.leaf).path;
    else
      text += p.kind == Kind::any ? "*" : name(p);
  }
  return text;
}

}  // namespace fle::tools
