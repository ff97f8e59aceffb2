#include "draft.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include "plan_data.h"

namespace fle::schema {
namespace {

template <class C, class Eq>
bool same_lists(const std::vector<C>& a, const std::vector<C>& b, Eq equal) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), equal);
}

class Flattener {
 public:
  Flattener(PlanData& data, Work& work) noexcept : d_(data), work_(work) {}

  Plan::Step add(Draft& draft) {
    Plan::Step step;
    step.kind = draft.kind;
    if (draft.kind == Plan::Kind::encrypted) step.leaf = add_leaf(std::move(draft.leaf));
    if (draft.kind == Plan::Kind::object) step.node = add_object(draft);
    return step;
  }

 private:
  /// For each pattern the first one that means the same: what a look-up compares.
  std::vector<std::uint32_t> meanings_of(const std::vector<Draft::PatternChild>& patterns) {
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      std::size_t first = 0;
      while (first < i && !same_meaning(patterns[i].draft, patterns[first].draft, work_)) ++first;
      out.push_back(static_cast<std::uint32_t>(first));
    }
    return out;
  }

  Plan::LeafId add_leaf(Leaf leaf) {
    if (const auto* id = std::get_if<KeyId>(&leaf.key); id != nullptr && seen_.insert(*id).second) {
      d_.key_ids.push_back(*id);
    }
    if (leaf.types.contains(bson::Type::object) || leaf.types.contains(bson::Type::array))
      d_.container = static_cast<Plan::LeafId>(d_.leaves.size());
    const auto* const pointer = std::get_if<KeyPointer>(&leaf.key);
    d_.leaf_pointers.push_back(pointer == nullptr ? Plan::kNoPointer : add_pointer(*pointer));
    d_.leaves.push_back(std::move(leaf));
    return static_cast<Plan::LeafId>(d_.leaves.size() - 1);
  }

  Plan::PointerId add_pointer(const KeyPointer& pointer) {
    const auto id = static_cast<Plan::PointerId>(d_.pointers.size());
    const auto [known, added] = pointers_.emplace(pointer.text, id);
    if (added) d_.pointers.push_back(pointer);
    return known->second;
  }

  Plan::NodeId add_object(Draft& draft) {
    const auto id = static_cast<Plan::NodeId>(d_.nodes.size());
    d_.nodes.emplace_back();
    PlanData::Node node;
    // At most half full, so that look-ups of names that are not there end soon.
    const std::size_t size = std::bit_ceil(2 * draft.properties.size() + 1);
    node.first_slot = static_cast<std::uint32_t>(d_.slots.size());
    node.mask = static_cast<std::uint32_t>(size - 1);
    d_.slots.resize(d_.slots.size() + size);
    for (Draft::Child& c : draft.properties) {
      const Plan::Step step = add(c.draft);
      place(node, c.name, step);
    }
    // The children of a pattern have patterns too: rows of one node must stand together.
    const std::vector<std::uint32_t> meanings = meanings_of(draft.patterns);
    std::vector<PlanData::PatternRow> rows;
    for (std::size_t i = 0; i < draft.patterns.size(); ++i) {
      const Plan::Step step = add(draft.patterns[i].draft);
      rows.push_back({std::move(draft.patterns[i].pattern), step, meanings[i]});
    }
    if (draft.otherwise != nullptr) node.otherwise = add(*draft.otherwise);
    node.first_pattern = static_cast<std::uint32_t>(d_.patterns.size());
    node.n_patterns = static_cast<std::uint32_t>(rows.size());
    for (auto& row : rows) d_.patterns.push_back(std::move(row));
    d_.nodes[id] = node;
    return id;
  }

  void place(PlanData::Node& node, const std::string& name, const Plan::Step& step) {
    node.name_bits |= PlanData::bit_of(name);
    std::uint32_t i = d_.hash(name);
    while (d_.slots[node.first_slot + (i & node.mask)].len != PlanData::Slot::kFree) ++i;
    d_.slots[node.first_slot + (i & node.mask)] = {PlanData::ends(name),
                                                   static_cast<std::uint32_t>(d_.names.size()),
                                                   static_cast<std::uint32_t>(name.size()), step};
    d_.names += name;
  }

  PlanData& d_;
  Work& work_;
  std::set<KeyId> seen_;
  std::map<std::string, Plan::PointerId> pointers_;
};

/// The names that lead to something encrypted.
void list_names(PlanData& d) {
  const auto encrypts = [](const Plan::Step& step) { return step.kind != Plan::Kind::plain; };
  for (const PlanData::Slot& s : d.slots)
    if (s.len != PlanData::Slot::kFree && encrypts(s.step))
      d.encrypted_names.push_back(std::string_view(d.names).substr(s.name, s.len));
  std::ranges::sort(d.encrypted_names);
  auto& names = d.encrypted_names;
  names.erase(std::unique(names.begin(), names.end()), names.end());
  d.any_name = std::ranges::any_of(d.patterns, encrypts, &PlanData::PatternRow::step) ||
               std::ranges::any_of(d.nodes, encrypts, &PlanData::Node::otherwise);
}

void make_pointer_tree(PlanData& d) {
  if (d.pointers.empty()) return;
  d.pointer_tree.emplace_back();
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> edges;
  for (const KeyPointer& pointer : d.pointers) {
    std::uint32_t at = 0;
    for (const std::string& token : pointer.tokens) {
      const auto next = static_cast<std::uint32_t>(d.pointer_tree.size());
      const auto [edge, added] = edges.try_emplace({at, token}, next);
      if (added) {
        d.pointer_tree.push_back({at});
        ++d.pointer_tree[at].n_children;
      }
      at = edge->second;
    }
    d.pointer_ends.push_back(at);
  }
  for (const auto& [from, to] : edges)
    d.pointer_edges.push_back({from.first, to, std::string(from.second)});
}

}  // namespace

bool same_meaning(const Draft& a, const Draft& b, Work& work) noexcept {
  work.step();
  if (work.spent()) return false;
  if (a.wrong || b.wrong) return true;  // no fault beside that one
  if (a.kind != b.kind) return false;
  if (a.kind == Plan::Kind::encrypted) return same_encryption(a.leaf, b.leaf);
  if (a.kind != Plan::Kind::object) return true;
  const bool same_rest = a.otherwise == nullptr || b.otherwise == nullptr
                             ? a.otherwise == b.otherwise
                             : same_meaning(*a.otherwise, *b.otherwise, work);
  return same_rest &&
         same_lists(a.properties, b.properties,
                    [&](const Draft::Child& x, const Draft::Child& y) {
                      return x.name == y.name && same_meaning(x.draft, y.draft, work);
                    }) &&
         same_lists(a.patterns, b.patterns,
                    [&](const Draft::PatternChild& x, const Draft::PatternChild& y) {
                      return x.pattern.text() == y.pattern.text() &&
                             same_meaning(x.draft, y.draft, work);
                    });
}

std::unique_ptr<const PlanData> flatten(Draft root, Work& work) {
  auto data = std::make_unique<PlanData>();
  data->root = Flattener(*data, work).add(root);
  list_names(*data);
  make_pointer_tree(*data);
  return data;
}

}  // namespace fle::schema
