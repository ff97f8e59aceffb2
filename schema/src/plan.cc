#include "fle/schema/plan.h"

#include <cstring>

#include "plan_data.h"

namespace fle::schema {

namespace {

/// The last `n` bytes of a name, 0 to 7, as one word: no two names of one length share it.
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

}  // namespace

// The names in the tables come from the schema, so nobody can fill one probe chain from outside.
std::uint32_t Plan::Data::hash(std::string_view name) noexcept {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
  std::uint64_t h = name.size();
  const char* p = name.data();
  std::size_t n = name.size();
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    h = (h ^ word) * kMultiplier;
    h ^= h >> 32;
  }
  h = (h ^ short_word(p, n)) * kMultiplier;
  // The top bits depend on every byte of the name; those from 32 on hardly on its last ones, which
  // is where "key0001" and "key0002" differ.
  return static_cast<std::uint32_t>(h >> 32) ^ static_cast<std::uint32_t>(h >> 52);
}

const Plan::Data::Slot* Plan::Data::find(const Node& node, std::string_view name) const noexcept {
  for (std::uint32_t i = hash(name);; ++i) {
    const Slot& s = slots[node.first_slot + (i & node.mask)];
    if (s.len == Slot::kFree) return nullptr;
    if (s.len == name.size() && std::memcmp(names.data() + s.name, name.data(), s.len) == 0)
      return &s;
  }
}

bool same_encryption(const Leaf& a, const Leaf& b) {
  return a.algorithm == b.algorithm && a.key == b.key && a.types == b.types;
}

Plan::Plan(std::unique_ptr<const Data> data) noexcept : d_(std::move(data)) {
  const Step top = root();
  // Ambiguous counts as encrypted: the walk will refuse such a document anyway.
  if (top.kind == Kind::object) {
    const Kind id = child(top.node, "_id").kind;
    encrypts_id_ = id == Kind::encrypted || id == Kind::ambiguous;
  }
}
Plan::~Plan() = default;

Plan::Step Plan::root() const noexcept { return d_->root; }

Plan::Step Plan::child(NodeId id, std::string_view name) const noexcept {
  const Data::Node& node = d_->nodes[id];
  // Where a name stands in `properties`, the patterns were merged in by the compiler.
  if (const Data::Slot* s = d_->find(node, name)) return s->step;
  if (node.n_patterns == 0) return node.otherwise;
  const Data::PatternRow* found = nullptr;
  for (std::uint32_t i = 0; i < node.n_patterns; ++i) {
    const Data::PatternRow& row = d_->patterns[node.first_pattern + i];
    const Pattern::Match m = row.pattern.search(name);
    if (m == Pattern::Match::no) continue;
    if (m == Pattern::Match::failed || (found != nullptr && found->meaning != row.meaning)) {
      return {Kind::ambiguous, 0, 0};
    }
    found = &row;
  }
  return found != nullptr ? found->step : node.otherwise;
}

bool Plan::dotted_name_is_encrypted(NodeId node, std::string_view name) const noexcept {
  for (;;) {
    const std::size_t dot = name.find('.');
    const Step step = child(node, name.substr(0, dot));
    if (step.kind != Kind::object) return step.kind != Kind::plain;
    if (dot == std::string_view::npos) return true;  // a prefix of an encrypted field
    node = step.node;
    name.remove_prefix(dot + 1);
  }
}

std::span<const Leaf> Plan::leaves() const noexcept { return d_->leaves; }
bool Plan::encrypts_id() const noexcept { return encrypts_id_; }
std::span<const KeyId> Plan::key_ids() const noexcept { return d_->key_ids; }

}  // namespace fle::schema
