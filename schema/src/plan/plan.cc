#include "fle/schema/plan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "plan_data.h"

namespace fle::schema {

namespace {

using Ends = PlanData::Ends;

constexpr std::size_t kInEnds = 16;

std::uint64_t load8(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// A name of 0 to 7 bytes as one word: no two names of one length share it.
std::uint64_t short_word(const char* p, std::size_t n) noexcept {
  if (n >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, p, 4);
    std::memcpy(&last, p + n - 4, 4);
    return std::uint64_t{last} << 32 | first;
  }
  if (n == 0) return 0;
  const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
  return byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16;
}

/// The first and the last 8 bytes, which overlap in names below 16.
inline Ends ends_of(std::string_view name) noexcept {
  if (name.size() < 8) return {short_word(name.data(), name.size()), 0};
  return {load8(name.data()), load8(name.data() + name.size() - 8)};
}

/// Both halves of the product: every bit of either factor has a say in the low bits.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ULL;

/// What the ends leave out of a long name.
std::uint64_t hash_middle(std::string_view name, std::uint64_t h, std::uint64_t seed) noexcept {
  for (std::size_t i = 8; i + 8 < name.size(); i += 8)
    h = fold(h ^ load8(name.data() + i), seed ^ kOdd);
  return h;
}

// Two multiplications, for this runs for each field of a document. After one alone, names that
// differ in a few digits lie on a lattice, which under some seeds has few points below the mask of
// a table.
inline std::uint32_t hash_of(std::string_view name, const Ends& ends,
                             const PlanData::Seed& seed) noexcept {
  std::uint64_t h = fold(ends.first ^ seed.first, ends.last ^ (seed.last + name.size()));
  if (name.size() > kInEnds) [[unlikely]]
    h = hash_middle(name, h, seed.last);
  return static_cast<std::uint32_t>(fold(h, kOdd));
}

inline const PlanData::Slot* find(const PlanData& d, const PlanData::Node& node,
                                  std::string_view name) noexcept {
  if ((node.name_bits & PlanData::bit_of(name)) == 0) return nullptr;
  const Ends ends = ends_of(name);
  const PlanData::Slot* const table = d.slots.data() + node.first_slot;
  for (std::uint32_t i = hash_of(name, ends, d.seed);; ++i) {
    const PlanData::Slot& s = table[i & node.mask];
    if (s.len == PlanData::Slot::kFree) return nullptr;
    if (s.len != name.size() || s.ends != ends) continue;
    if (s.len <= kInEnds || std::memcmp(d.names.data() + s.name, name.data(), s.len) == 0)
      return &s;
  }
}

}  // namespace

Ends PlanData::ends(std::string_view name) noexcept { return ends_of(name); }
std::uint32_t PlanData::hash(std::string_view name) const noexcept {
  return hash_of(name, ends_of(name), seed);
}

/// Without randomness the hash is merely a known one: look-ups may then be made slow, not wrong.
PlanData::Seed PlanData::Seed::random() noexcept {
  std::array<std::uint64_t, 2> words{};
  const bool drawn = ::getentropy(words.data(), sizeof words) == 0;
  return drawn ? Seed{words[0], words[1]} : Seed{0x9e3779b97f4a7c15ULL, 0xc2b2ae3d27d4eb4fULL};
}

bool same_encryption(const Leaf& a, const Leaf& b) {
  return a.algorithm == b.algorithm && a.key == b.key && a.types == b.types;
}

Plan::Plan(std::unique_ptr<const PlanData> data) noexcept : d_(std::move(data)) {
  const Step top = root();
  // Ambiguous counts as encrypted: the walk will refuse such a document anyway.
  if (top.kind == Kind::object) {
    const Kind id = child(top.node, "_id").kind;
    encrypts_id_ = id == Kind::encrypted || id == Kind::ambiguous;
  }
}
Plan::~Plan() = default;

std::shared_ptr<const Plan> PlanData::make_plan(std::unique_ptr<const PlanData> data) {
  return std::shared_ptr<const Plan>(new Plan(std::move(data)));
}

Plan::Step Plan::root() const noexcept { return d_->root; }

Plan::Step Plan::child(NodeId id, std::string_view name, Work* work) const noexcept {
  const PlanData::Node& node = d_->nodes[id];
  // Where a name stands in `properties`, the patterns were merged in by the compiler.
  if (const PlanData::Slot* s = find(*d_, node, name)) return s->step;
  if (node.n_patterns == 0) return node.otherwise;
  const PlanData::PatternRow* found = nullptr;
  for (std::uint32_t i = 0; i < node.n_patterns; ++i) {
    const PlanData::PatternRow& row = d_->patterns[node.first_pattern + i];
    const Pattern::Match m = row.pattern.search(name, work);
    if (m == Pattern::Match::no) continue;
    if (m == Pattern::Match::failed || (found != nullptr && found->meaning != row.meaning)) {
      return {Kind::ambiguous, 0, 0};
    }
    found = &row;
  }
  return found != nullptr ? found->step : node.otherwise;
}

bool Plan::dotted_name_is_encrypted(NodeId node, std::string_view name, Work* work) const noexcept {
  for (;;) {
    if (work != nullptr) work->step();
    const std::size_t dot = name.find('.');
    const Step step = child(node, name.substr(0, dot), work);
    if (step.kind != Kind::object) return step.kind != Kind::plain;
    if (dot == std::string_view::npos) return true;  // a prefix of an encrypted field
    node = step.node;
    name.remove_prefix(dot + 1);
  }
}

std::span<const Leaf> Plan::leaves() const noexcept { return d_->leaves; }
bool Plan::encrypts_id() const noexcept { return encrypts_id_; }
std::span<const KeyId> Plan::key_ids() const noexcept { return d_->key_ids; }

bool Plan::names_encrypted(std::string_view name) const noexcept {
  return d_->any_name || std::ranges::binary_search(d_->encrypted_names, name);
}

const Leaf* Plan::container() const noexcept {
  return d_->container == PlanData::kNoContainer ? nullptr : &d_->leaves[d_->container];
}

std::span<const KeyPointer> Plan::pointers() const noexcept { return d_->pointers; }
Plan::PointerId Plan::pointer_of(LeafId id) const noexcept { return d_->leaf_pointers[id]; }
std::span<const Plan::PointerNode> Plan::pointer_tree() const noexcept { return d_->pointer_tree; }

std::uint32_t Plan::pointer_end(PointerId id) const noexcept { return d_->pointer_ends[id]; }

std::uint32_t Plan::pointer_child(std::uint32_t node, std::string_view token) const noexcept {
  const auto place = [](const PlanData::PointerEdge& e) {
    return std::pair(e.from, std::string_view(e.token));
  };
  const auto edge = std::ranges::lower_bound(d_->pointer_edges, std::pair(node, token), {}, place);
  return edge != d_->pointer_edges.end() && place(*edge) == std::pair(node, token) ? edge->to : 0;
}

}  // namespace fle::schema
