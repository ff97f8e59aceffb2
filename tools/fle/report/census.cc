#include "census.h"

#include <algorithm>

#include "fle/bson_walk/walk.h"

namespace fle::tools {
namespace {

using bson::Type;
using schema::Plan;

constexpr bson::Limits kLimits{180, 16 * 1024 * 1024 + 16 * 1024};
constexpr std::size_t kMostCells = 4 * Census::kMostPaths;

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

Census::Census() : hash_(SeededHash::random()), paths_(kRoot + 1), cells_(1), slots_(64) {}

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
  if (paths_.size() >= 2 * kHardLimit) return kNone;
  Path& parent = paths_[path.parent];
  if (path.kind == Kind::name && ++parent.n_names > kMostNames) crowded_ = true;
  path.name = static_cast<std::uint32_t>(names_.size());
  path.name_size = static_cast<std::uint32_t>(name.size());
  names_ += name;
  paths_.push_back(path);
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
  return find_or_add(path, ns.substr(0, 4 * kLongestName));
}

Census::Id Census::slow_path(Id parent, bool item, std::string_view name) {
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
  if (cells_.size() >= kMostCells) return kNone;
  Path& p = paths_[path];
  if (look.state == State::encrypted && !look.other_key) ++p.n_keys;
  cells_.push_back({path, p.first_cell, kNone, look});
  p.first_cell = static_cast<Id>(cells_.size() - 1);
  return p.first_cell;
}

Census::Id Census::cell_of(Id path, const Look& look) {
  if (const Id id = find_cell(path, look); id != kNone) return id;
  if (look.state != State::encrypted || look.other_key || paths_[path].n_keys < kMostKeys)
    return add_cell(path, look);
  Look other = look;
  other.key = {};
  other.other_key = true;
  return cell_of(path, other);
}

Census::Id Census::element(Id before, const Level& level, Bytes document, const bson::Element& e,
                           std::uint64_t number, Watcher& watcher) {
  const Bytes value = bson::value_of(document, e);
  const Look look = look_at(e.type, value);
  // Documents of a stream are alike: what follows is what followed before.
  Id id = cells_[before].guess;
  const Path& guess = paths_[cells_[id].path];
  if (id == kNone || guess.parent != level.path ||
      (level.array ? guess.kind != Kind::item
                   : guess.kind != Kind::name || this->name(guess) != e.name) ||
      cells_[id].look != look) {
    id = cell_of(slow_path(level.path, level.array, e.name), look);
    cells_[before].guess = id;
  }
  Cell& cell = cells_[id];
  if (cell.values++ == 0) cell.first_document = number;
  Path& path = paths_[cell.path];
  if (path.last_document != number) {
    path.last_document = number;
    ++path.documents;
  }
  if (look.state != State::plain) {
    cell.bytes += e.value_size;
    if (look.state == State::encrypted) {
      const bool known = !cell.look.other_key;
      if (!known || look.algorithm == Algorithm::deterministic)
        watcher.encrypted(*this, cell.path, look, value, known);
    }
  }
  return id;
}

Done Census::add(Bytes document, Id collection, std::uint64_t number, Watcher& watcher) {
  bool malformed = document.size() < 5 || document.size() > kLimits.max_bytes;
  Id before = kNone;
  levels_.clear();
  if (!malformed) levels_.push_back({bson::Cursor(document), collection, false});
  while (!levels_.empty() && !malformed) {
    Level& level = levels_.back();
    if (!level.cursor.next()) {
      malformed = level.cursor.malformed();
      levels_.pop_back();
      continue;
    }
    const bson::Element& e = level.cursor.element();
    before = element(before, level, document, e, number, watcher);
    if (!is_container(e.type)) continue;
    malformed = levels_.size() == kLimits.max_depth;
    const Level inner{bson::Cursor(document, e.value_offset), cells_[before].path,
                      e.type == Type::array};
    levels_.push_back(inner);
  }
  if (malformed) {
    // It says what is wrong, and where.
    bson::Edits edits;
    FLE_CHECK(bson::find_ciphertexts(document, edits, kLimits));
    return Failure(Errc::malformed_bson, {});
  }
  ++paths_[collection].documents;
  return ok;
}

bool Census::tidy() {
  bool changed = false;
  while ((crowded_ || mixed_ || paths_.size() > kMostPaths) && fold()) changed = true;
  return changed;
}

/// Makes one path of the names of each object that has too many, else of that which has most.
bool Census::fold() {
  std::uint32_t most = 1;
  for (const Path& p : paths_)
    if (!p.folded) most = std::max(most, p.n_names);
  if (most == 1 && !mixed_) return false;
  const bool by_size = !mixed_ && !crowded_;
  const std::uint32_t limit = by_size ? most : kMostNames + 1;
  Census old;
  std::swap(old, *this);
  for (Path& p : old.paths_)
    if (p.n_names >= limit) p.folded = true;
  absorb(old);
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

void Census::absorb(const Census& other) {
  std::vector<Id> mine(other.paths_.size(), kNone);
  mine[kRoot] = kRoot;
  paths_[kRoot].folded |= other.paths_[kRoot].folded;
  // Parents come first.
  for (Id id = kRoot + 1; id < other.paths_.size(); ++id) {
    const Path& p = other.paths_[id];
    if (p.parent != kNone && mine[p.parent] == kNone) continue;
    mine[id] = equivalent(p, mine[p.parent], other.name(p));
    Path& to = paths_[mine[id]];
    to.documents += p.documents;
    // Of names that become one, a document may have several.
    if (to.kind == Kind::any)
      to.documents = std::min(to.documents, std::max(p.documents, paths_[to.parent].documents));
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
}

Census::Id Census::collection_of(Id path) const noexcept {
  while (path > kRoot && paths_[path].kind != Kind::collection) path = paths_[path].parent;
  return path;
}

std::string Census::text(Id path) const {
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
    if (!text.empty()) text += '.';
    if (p.kind == Kind::any && p.step.kind == Plan::Kind::encrypted)
      text = p.plan->leaf(p.step.leaf).path;
    else
      text += p.kind == Kind::any ? "*" : name(p);
  }
  return text.empty() ? "(others)" : text;
}

}  // namespace fle::tools
