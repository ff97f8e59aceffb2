#include "fields.h"

#include <algorithm>
#include <utility>

namespace fle::query {
namespace {

using schema::Plan;

Reach worse(Reach a, Reach b) noexcept { return std::max(a, b); }

const View* own_member(const Overlay& o, std::string_view name) noexcept {
  const auto found = o.members.find(name);
  return found == o.members.end() ? nullptr : &found->second;
}

/// Splits off the first component of a dotted path.
std::string_view take_component(std::string_view& path, bool& last) noexcept {
  const std::size_t dot = path.find('.');
  last = dot == std::string_view::npos;
  const std::string_view first = path.substr(0, dot);
  path = last ? std::string_view{} : path.substr(dot + 1);
  return first;
}

Place place_of(const View& view) noexcept {
  switch (view.kind) {
    case View::Kind::encrypted:
      return {Place::Kind::encrypted, view.leaf, view};
    case View::Kind::ambiguous:
      return {Place::Kind::ambiguous, nullptr, view};
    case View::Kind::list:
      // The documents of a $lookup are matched as documents; a list of ciphertexts is not.
      if (view.joined || reach(view) == Reach::nothing) break;
      return {reach(view) == Reach::unknown ? Place::Kind::unknown : Place::Kind::in_list, nullptr,
              view};
    default:
      break;
  }
  switch (reach(view)) {
    case Reach::nothing:
      return {Place::Kind::plain, nullptr, view};
    case Reach::encrypted:
      return {Place::Kind::prefix, nullptr, view};
    case Reach::unknown:
      break;
  }
  return {Place::Kind::unknown, nullptr, view};
}

}  // namespace

Reach reach(const View& view) noexcept {
  switch (view.kind) {
    case View::Kind::plain:
      return Reach::nothing;
    case View::Kind::encrypted:
    case View::Kind::object:
    case View::Kind::ambiguous:
      return Reach::encrypted;
    case View::Kind::unknown:
      return Reach::unknown;
    case View::Kind::list:
      return reach(*view.items);
    case View::Kind::overlay:
      break;
  }
  return view.overlay->reach;
}

View view_of(const Plan& plan, const Plan::Step& step) noexcept {
  View v;
  switch (step.kind) {
    case Plan::Kind::plain:
      return v;
    case Plan::Kind::encrypted:
      return View::encrypted(plan.leaf(step.leaf));
    case Plan::Kind::object:
      v.kind = View::Kind::object;
      v.plan = &plan;
      v.node = step.node;
      return v;
    case Plan::Kind::ambiguous:
      break;
  }
  v.kind = View::Kind::ambiguous;
  return v;
}

View view_of(const Plan* plan) noexcept {
  return plan == nullptr ? View{} : view_of(*plan, plan->root());
}

View child(const View& view, std::string_view name, Work& work) noexcept {
  work.step();
  work.bytes(name.size());
  switch (view.kind) {
    case View::Kind::plain:
      return {};
    case View::Kind::object:
      return view_of(*view.plan, view.plan->child(view.node, name, &work));
    case View::Kind::overlay:
      if (const View* own = own_member(*view.overlay, name)) return *own;
      return child(view.overlay->base, name, work);
    case View::Kind::list:
      return child(*view.items, name, work);
    case View::Kind::encrypted:
    case View::Kind::ambiguous:
      return view;
    case View::Kind::unknown:
      break;
  }
  return View::unknown();
}

bool is_index(std::string_view component) noexcept {
  return !component.empty() &&
         std::ranges::all_of(component, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_path_component(std::string_view component) noexcept {
  return !component.empty() && component.front() != '$' &&
         component.find('\0') == std::string_view::npos;
}

bool same_encryption(const schema::Leaf& a, const schema::Leaf& b) {
  return a.algorithm == b.algorithm && a.key == b.key && a.types == b.types;
}

namespace {

Place resolve_from(const View& root, std::string_view path, Work& work) noexcept {
  View at = root;
  bool through_made_list = false;
  for (bool last = false; !last;) {
    // Whatever follows, it stays so: a long rest of a path costs nothing for each of its readings.
    if (at.kind == View::Kind::plain) return {};
    if (at.kind == View::Kind::unknown) return {Place::Kind::unknown, nullptr, at};
    const std::string_view name = take_component(path, last);
    if (at.kind == View::Kind::encrypted) return {Place::Kind::below, at.leaf, at};
    if (at.kind == View::Kind::ambiguous) return {Place::Kind::ambiguous, nullptr, at};
    const bool list = at.kind == View::Kind::list;
    through_made_list = through_made_list || (list && !at.joined);
    // As an index the component leads into an item, or, where the schema has an object, nowhere:
    // but the document may hold an array there, and the rest of the path then goes on inside.
    const View skipped = list ? *at.items : at;
    at = child(at, name, work);
    if (!is_index(name)) continue;
    const Place as_index = last ? place_of(skipped) : resolve_from(skipped, path, work);
    const Place as_name = last ? place_of(at) : resolve_from(at, path, work);
    if (as_index.kind == as_name.kind && as_index.leaf == as_name.leaf) return as_name;
    if (as_name.kind == Place::Kind::plain && list) return as_index;
    if (as_index.kind == Place::Kind::plain) return as_name;
    return {Place::Kind::ambiguous, nullptr, at};
  }
  Place place = place_of(at);
  if (through_made_list && place.kind != Place::Kind::plain && place.kind != Place::Kind::unknown)
    place.kind = Place::Kind::in_list;
  return place;
}

/// Each number has two readings, so the work doubles with each.
constexpr int kMaxIndexes = 8;

int count_indexes(std::string_view path) noexcept {
  int n = 0;
  for (bool last = false; !last;) n += is_index(take_component(path, last)) ? 1 : 0;
  return n;
}

}  // namespace

Place resolve(const View& root, std::string_view path, Work& work) noexcept {
  if (reach(root) == Reach::nothing) return {};
  if (count_indexes(path) > kMaxIndexes) return {Place::Kind::ambiguous, nullptr, root};
  return resolve_from(root, path, work);
}

namespace {

/// A stored document nests no deeper; nor need a view.
constexpr std::uint32_t kMaxDepth = 200;
/// Members of all objects that the stages of one command make.
constexpr std::size_t kMaxMembers = 1'000'000;

std::uint32_t depth(const View& view) noexcept {
  std::uint32_t lists = 0;
  View at = view;
  for (; at.kind == View::Kind::list; at = *at.items) ++lists;
  return lists + (at.kind == View::Kind::overlay ? at.overlay->depth : 0);
}

}  // namespace

View Fields::object(const View& base, Members members) {
  if (members.empty()) return base;
  View under = base;
  if (base.kind == View::Kind::overlay) {
    // An overlay of an overlay would grow with each stage: take its members over instead.
    n_members_ += base.overlay->members.size();
    if (n_members_ <= kMaxMembers)
      members.insert(base.overlay->members.begin(), base.overlay->members.end());
    under = base.overlay->base;
  }
  n_members_ += members.size();
  Overlay o{under, {}, query::reach(under), 0};
  for (const auto& [name, member] : members) {
    work_.step();
    work_.bytes(name.size());
    o.reach = worse(o.reach, query::reach(member));
    o.depth = std::max(o.depth, depth(member) + 1);
  }
  if (n_members_ > kMaxMembers || o.depth > kMaxDepth) return View::unknown();
  if (o.reach == Reach::nothing) return {};
  o.members = std::move(members);
  View v{View::Kind::overlay};
  v.overlay = &overlays_.emplace_front(std::move(o));
  return v;
}

View Fields::list(const View& items, bool joined) {
  if (reach(items) == Reach::nothing) return {};
  if (depth(items) >= kMaxDepth) return View::unknown();
  View v{View::Kind::list, joined};
  v.items = &items_.emplace_front(items);
  return v;
}

}  // namespace fle::query
