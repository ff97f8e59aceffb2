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

/// What a dropped view was.
View undropped(View view) noexcept {
  view.kind = std::exchange(view.was, View::Kind::plain);
  return view;
}

/// As the first of `bases` has it that has not a plain one.
View child_of_bases(const Overlay& o, std::string_view name, Work& work) {
  for (const View& base : o.bases)
    if (const View found = child(base, name, work); found.kind != View::Kind::plain) return found;
  return {};
}

/// Whether names below it can be told from each other.
bool has_fields(View::Kind kind) noexcept {
  return kind == View::Kind::object || kind == View::Kind::overlay || kind == View::Kind::list ||
         kind == View::Kind::mixture;
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
      if (is_dropped(view)) return {Place::Kind::dropped, nullptr, view};
      // The documents of a $lookup are matched as documents; a list of ciphertexts is not.
      if (view.joined || !holds_encrypted(view)) break;
      return {reach(view) == Reach::unknown ? Place::Kind::unknown : Place::Kind::in_list, nullptr,
              view};
    case View::Kind::dropped:
      return {Place::Kind::dropped, nullptr, view};
    default:
      break;
  }
  switch (reach(view)) {
    case Reach::nothing:
    case Reach::dropped:
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
    case View::Kind::dropped:
      return Reach::dropped;
    case View::Kind::list:
      return reach(*view.items);
    case View::Kind::mixture:
      return view.mixture->reach;
    case View::Kind::overlay:
      break;
  }
  return view.overlay->reach;
}

View dropped(View view) noexcept {
  if (view.kind == View::Kind::dropped) return view;
  if (reach(view) == Reach::nothing) return {};
  view.was = std::exchange(view.kind, View::Kind::dropped);
  return view;
}

bool is_dropped(const View& view) noexcept {
  const View* at = &view;
  while (at->kind == View::Kind::list) at = at->items;
  return at->kind == View::Kind::dropped;
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

View child(const View& view, std::string_view name, Work& work) {
  work.step();
  work.bytes(name.size());
  switch (view.kind) {
    case View::Kind::plain:
      return {};
    case View::Kind::object:
      return view_of(*view.plan, view.plan->child(view.node, name, &work));
    case View::Kind::overlay:
      if (const View* own = own_member(*view.overlay, name)) return *own;
      return child_of_bases(*view.overlay, name, work);
    case View::Kind::list:
      return child(*view.items, name, work);
    case View::Kind::mixture: {
      const std::vector<View>& ways = view.mixture->ways;
      View mixed = child(ways.front(), name, work);
      for (std::size_t i = 1; i < ways.size(); ++i)
        mixed = view.mixture->fields->mixture(mixed, child(ways[i], name, work));
      return mixed;
    }
    case View::Kind::encrypted:
    case View::Kind::ambiguous:
      return view;
    case View::Kind::dropped:
      return dropped(child(undropped(view), name, work));
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

Place resolve_from(const View& root, std::string_view path, Work& work) {
  View at = root;
  bool through_made_list = false;
  for (bool last = false; !last;) {
    // Whatever follows, it stays so: a long rest of a path costs nothing for each of its readings.
    if (at.kind == View::Kind::plain) return {};
    if (at.kind == View::Kind::unknown) return {Place::Kind::unknown, nullptr, at};
    if (at.kind == View::Kind::dropped && !has_fields(at.was))
      return {Place::Kind::dropped, nullptr, at};
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
  const bool stays = place.kind == Place::Kind::plain || place.kind == Place::Kind::unknown ||
                     place.kind == Place::Kind::dropped;
  if (through_made_list && !stays) place.kind = Place::Kind::in_list;
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

Place resolve(const View& root, std::string_view path, Work& work) {
  if (reach(root) == Reach::nothing) return {};
  if (count_indexes(path) > kMaxIndexes) return {Place::Kind::ambiguous, nullptr, root};
  return resolve_from(root, path, work);
}

namespace {

/// A stored document nests no deeper; nor need a view.
constexpr std::uint32_t kMaxDepth = 200;
/// Members of all objects that the stages of one command make.
constexpr std::size_t kMaxMembers = 1'000'000;
/// Views that a mixture is made of.
constexpr std::size_t kMaxWays = 8;
/// Objects of schemas that one object of a pipeline was put together from.
constexpr std::size_t kMaxBases = 16;

std::uint32_t depth(const View& view) noexcept {
  std::uint32_t lists = 0;
  View at = view;
  for (; at.kind == View::Kind::list; at = *at.items) ++lists;
  if (at.kind == View::Kind::overlay) return lists + at.overlay->depth;
  return lists + (at.kind == View::Kind::mixture ? at.mixture->depth : 0);
}

}  // namespace

/// Puts the fields of `view` under those that `overlay` has so far.
void Fields::lay_under(Overlay& overlay, const View& view) {
  const bool gone = view.kind == View::Kind::dropped;
  if ((gone ? view.was : view.kind) != View::Kind::overlay) {
    if (view.kind != View::Kind::plain &&
        std::ranges::find(overlay.bases, view) == overlay.bases.end())
      overlay.bases.push_back(view);
    return;
  }
  // An overlay of an overlay would grow with each stage: take its members over instead.
  const Overlay& below = *view.overlay;
  n_members_ += below.members.size();
  if (n_members_ > kMaxMembers) return;
  for (const auto& [name, member] : below.members) {
    work_.step();
    const View left = gone ? dropped(member) : member;
    const bool hidden = left.kind == View::Kind::plain && gone;
    if (!hidden && child_of_bases(overlay, name, work_).kind == View::Kind::plain)
      overlay.members.emplace(name, left);
  }
  for (const View& base : below.bases) lay_under(overlay, gone ? dropped(base) : base);
}

View Fields::keep(Overlay overlay) {
  n_members_ += overlay.members.size();
  for (const View& base : overlay.bases) overlay.reach = worse(overlay.reach, query::reach(base));
  for (const auto& [name, member] : overlay.members) {
    work_.step();
    work_.bytes(name.size());
    overlay.reach = worse(overlay.reach, query::reach(member));
    overlay.depth = std::max(overlay.depth, depth(member) + 1);
  }
  const bool too_large =
      n_members_ > kMaxMembers || overlay.depth > kMaxDepth || overlay.bases.size() > kMaxBases;
  if (too_large) return View::unknown();
  View v{View::Kind::overlay};
  v.overlay = &overlays_.emplace_front(std::move(overlay));
  return v;
}

View Fields::object(const View& base, Members members) {
  if (members.empty()) return base;
  Overlay o{std::move(members)};
  lay_under(o, base);
  const View made = keep(std::move(o));
  return query::reach(made) == Reach::nothing ? View{} : made;
}

View Fields::literal(Members members) {
  return members.empty() ? View{} : keep(Overlay{std::move(members)});
}

View Fields::merged(const View& top, const View& under) {
  Overlay o;
  lay_under(o, top);
  lay_under(o, under);
  return o.members.empty() && o.bases.empty() ? View{} : keep(std::move(o));
}

View Fields::over(const View& value, const View& old) {
  const View gone = dropped(old);
  const bool same = value == old || (old.kind == View::Kind::list && value == *old.items);
  if (same || (!has_fields(gone.was) && gone.was != View::Kind::unknown)) return value;
  switch (value.kind) {
    case View::Kind::list:
      return list(over(*value.items, old), value.joined);
    case View::Kind::plain:
    case View::Kind::object:
    case View::Kind::overlay:
    case View::Kind::mixture:
      return merged(value, gone);
    default:
      return value;
  }
}

namespace {

/// Documents that lack the field say nothing about those that have it.
bool is_lacking(const View& view, const View& other) noexcept {
  return view.kind == View::Kind::dropped && view.was == View::Kind::encrypted &&
         other.kind == View::Kind::encrypted && same_encryption(*view.leaf, *other.leaf);
}

/// The views that `view` is made of, each once.
void add_ways(std::vector<View>& ways, const View& view) {
  if (view.kind != View::Kind::mixture) {
    if (std::ranges::find(ways, view) == ways.end()) ways.push_back(view);
    return;
  }
  for (const View& way : view.mixture->ways) add_ways(ways, way);
}

}  // namespace

View Fields::mixture(const View& a, const View& b) {
  work_.step();
  const bool plain = query::reach(a) == Reach::nothing && query::reach(b) == Reach::nothing;
  if (plain) return {};
  const bool alike = a.kind == View::Kind::encrypted && b.kind == View::Kind::encrypted &&
                     same_encryption(*a.leaf, *b.leaf);
  if (a == b || alike || is_lacking(b, a)) return a;
  if (is_lacking(a, b)) return b;
  const bool a_gone = a.kind == View::Kind::dropped;
  const bool b_gone = b.kind == View::Kind::dropped;
  if (a_gone && b_gone) return dropped(mixture(undropped(a), undropped(b)));
  if (query::reach(a) == Reach::nothing && b_gone) return b;
  if (query::reach(b) == Reach::nothing && a_gone) return a;
  if (a.kind == View::Kind::list && b.kind == View::Kind::list)
    return list(mixture(*a.items, *b.items), a.joined && b.joined);
  // A path that leads into an array here and into an object there has two meanings.
  const auto is_object = [](const View& v) {
    const View::Kind kind = v.kind == View::Kind::dropped ? v.was : v.kind;
    return kind == View::Kind::plain || (has_fields(kind) && kind != View::Kind::list);
  };
  if (!is_object(a) || !is_object(b)) return View::unknown();
  Mixture m{{}, this};
  add_ways(m.ways, a);
  add_ways(m.ways, b);
  for (const View& way : m.ways) {
    m.reach = worse(m.reach, query::reach(way));
    m.depth = std::max(m.depth, query::depth(way) + 1);
  }
  if (m.ways.size() > kMaxWays || m.depth > kMaxDepth || ++n_members_ > kMaxMembers)
    return View::unknown();
  View v{View::Kind::mixture};
  v.mixture = &mixtures_.emplace_front(std::move(m));
  return v;
}

View Fields::list(const View& items, bool joined) {
  if (reach(items) == Reach::nothing) return {};
  if (depth(items) >= kMaxDepth) return View::unknown();
  View v{View::Kind::list};
  v.joined = joined;
  v.items = &items_.emplace_front(items);
  return v;
}

}  // namespace fle::query
