#include "fields.h"

#include <algorithm>
#include <array>
#include <functional>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace fle::query {
namespace {

using schema::Plan;

Reach worse(Reach a, Reach b) noexcept { return std::max(a, b); }

/// What a dropped view was.
View undropped(View view) noexcept {
  view.kind = std::exchange(view.was, View::Kind::plain);
  return view;
}

/// As the first of `bases` has it that has not a plain one.
View child_of_bases(std::span<const View> bases, std::string_view name, Work& work) {
  for (const View& base : bases)
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
      if (const Member* own = view.overlay->members.find(name, work)) return own->view;
      return child_of_bases(view.overlay->bases, name, work);
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

namespace {

/// Each number has two readings, so there are twice as many with each.
constexpr int kMaxIndexes = 8;

int count_indexes(std::string_view path) {
  int n = 0;
  for (bool last = false; !last;) n += is_index(take_component(path, last)) ? 1 : 0;
  return n;
}

/// Reads one path.
class PathReader {
 public:
  explicit PathReader(Work& work) noexcept : work_(work) {}

  Place read(const View& root, std::string_view path);

 private:
  /// The readings of the numbers before a place in the path lead to a few views, each of which is
  /// taken on from there once: so the searches of a schema's patterns do not double with each.
  struct Known {
    const char* at;
    View from;
    Place place;
  };
  /// Holds none at first: most paths have no numbers.
  union Room {
    Room() noexcept {}
    Known known;
  };

  Place rest(const View& from, std::string_view path);

  Work& work_;
  std::size_t n_known_ = 0;
  std::array<Room, 64> known_;  // of [0, n_known_)
};

Place PathReader::rest(const View& from, std::string_view path) {
  if (from.kind == View::Kind::plain) return {};
  work_.step(n_known_);
  for (std::size_t i = 0; i < n_known_; ++i)
    if (const Known& k = known_[i].known; k.at == path.data() && k.from == from) return k.place;
  const Place place = read(from, path);
  // Only a schema that was made for it has so many fields that are called by numbers.
  if (n_known_ == known_.size()) return {Place::Kind::ambiguous, nullptr, from};
  ::new (&known_[n_known_++].known) Known{path.data(), from, place};
  return place;
}

Place PathReader::read(const View& root, std::string_view path) {
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
    at = child(at, name, work_);
    if (!is_index(name)) continue;
    const Place as_index = last ? place_of(skipped) : rest(skipped, path);
    const Place as_name = last ? place_of(at) : rest(at, path);
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

Place resolve_written(const View& root, std::string_view path, Work& work) {
  work.bytes(path.size());
  // Most paths are one name of a document, which has one reading, a number's, too.
  const bool is_document = root.kind == View::Kind::object || root.kind == View::Kind::overlay;
  if (is_document && path.find('.') == std::string_view::npos)
    return place_of(child(root, path, work));
  if (count_indexes(path) > kMaxIndexes) return {Place::Kind::ambiguous, nullptr, root};
  return PathReader(work).read(root, path);
}

bool has_empty_component(std::string_view path) noexcept {
  return path.starts_with('.') || path.ends_with('.') || path.find("..") != std::string_view::npos;
}

/// The path without components that are empty.
std::string without_empty_components(std::string_view path) {
  std::string out;
  for (bool last = false; !last;) {
    const std::string_view name = take_component(path, last);
    if (!out.empty() && !name.empty()) out += '.';
    out += name;
  }
  return out;
}

}  // namespace

Place resolve(const View& root, std::string_view path, Work& work) {
  if (reach(root) == Reach::nothing) return {};
  // Servers refuse it, or take what stands before the NUL.
  if (path.find('\0') != std::string_view::npos) return {Place::Kind::ambiguous, nullptr, root};
  // A dot too many: "insurance..policyNumber" has a meaning, but hardly this one.
  if (has_empty_component(path)) {
    const Place written = resolve_written(root, path, work);
    if (written.kind != Place::Kind::plain) return written;
    const Place meant = resolve_written(root, without_empty_components(path), work);
    return meant.kind == Place::Kind::plain ? meant : Place{Place::Kind::ambiguous, nullptr, root};
  }
  return resolve_written(root, path, work);
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

Member::Summary::Summary(const Member& member) noexcept
    : reach(query::reach(member.view)), depth(query::depth(member.view) + 1) {}

void Member::Summary::add(const Summary& other) noexcept {
  reach = worse(reach, other.reach);
  depth = std::max(depth, other.depth);
}

/// Puts the fields of `view` under those that `draft` has so far.
void Fields::lay_under(Draft& draft, const View& view) {
  const bool gone = view.kind == View::Kind::dropped;
  if ((gone ? view.was : view.kind) != View::Kind::overlay) {
    if (view.kind != View::Kind::plain && std::ranges::find(draft.bases, view) == draft.bases.end())
      draft.bases.push_back(view);
    return;
  }
  // An overlay of an overlay would grow with each stage: take its members over instead.
  const Overlay& below = *view.overlay;
  n_members_ += below.members.size();
  if (n_members_ > kMaxMembers) return;
  below.members.for_each([&](std::string_view name, const Member& member) {
    work_.step();
    const View left = gone ? dropped(member.view) : member.view;
    const bool hidden = left.kind == View::Kind::plain && gone;
    if (!hidden && child_of_bases(draft.bases, name, work_).kind == View::Kind::plain)
      draft.members.emplace(name, left);
  });
  for (const View& base : below.bases) lay_under(draft, gone ? dropped(base) : base);
}

View Fields::keep(Draft draft) {
  Overlay o;
  o.bases = std::move(draft.bases);
  n_members_ += draft.members.size();
  if (n_members_ > kMaxMembers) return View::unknown();
  auto first = draft.members.begin();
  o.members = MemberTree<Member>::of(first, draft.members.size(), nodes_);
  return keep(std::move(o));
}

View Fields::keep(Overlay overlay) {
  const Member::Summary members = overlay.members.summary();
  overlay.reach = members.reach;
  overlay.depth = members.depth;
  for (const View& base : overlay.bases) overlay.reach = worse(overlay.reach, query::reach(base));
  const bool too_large =
      n_members_ > kMaxMembers || overlay.depth > kMaxDepth || overlay.bases.size() > kMaxBases;
  if (too_large) return View::unknown();
  View v{View::Kind::overlay};
  v.overlay = &overlays_.emplace_front(std::move(overlay));
  return v;
}

View Fields::extended(const Overlay& base, const Members& members) {
  Overlay o = base;
  const std::size_t before = nodes_.size();
  for (const auto& [name, member] : members) {
    o.members = o.members.with(name, {member}, nodes_);
    if (n_members_ + nodes_.size() - before > kMaxMembers) return View::unknown();
  }
  n_members_ += nodes_.size() - before;
  return keep(std::move(o));
}

View Fields::object(const View& base, Members members) {
  if (members.empty()) return base;
  View made;
  if (base.kind == View::Kind::overlay && members.size() <= base.overlay->members.size() / 16 + 1) {
    made = extended(*base.overlay, members);
  } else {
    Draft draft{std::move(members)};
    lay_under(draft, base);
    made = keep(std::move(draft));
  }
  return query::reach(made) == Reach::nothing ? View{} : made;
}

View Fields::literal(Members members) {
  return members.empty() ? View{} : keep(Draft{std::move(members)});
}

View Fields::merged(const View& top, const View& under) {
  Draft draft;
  lay_under(draft, top);
  const bool few = under.kind == View::Kind::overlay && draft.bases.empty() &&
                   draft.members.size() <= under.overlay->members.size() / 16 + 1;
  if (few) return extended(*under.overlay, draft.members);
  lay_under(draft, under);
  return draft.members.empty() && draft.bases.empty() ? View{} : keep(std::move(draft));
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

std::size_t hash_of(const View& a, const View& b) noexcept {
  std::size_t hash = 0;
  const auto add = [&hash](auto part) { hash = hash * 31 + std::hash<decltype(part)>()(part); };
  for (const View* v : {&a, &b}) {
    add(static_cast<unsigned>(v->kind));
    add(static_cast<unsigned>(v->was));
    add(v->node);
    add(v->plan);
    add(v->leaf);
    add(v->overlay);
    add(v->items);
    add(v->mixture);
  }
  return hash;
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
  const std::size_t hash = hash_of(a, b);
  for (auto [at, end] = mixed_.equal_range(hash); at != end; ++at)
    if (at->second.a == a && at->second.b == b) return at->second.mixture;
  const View mixed = mixture_of_both(a, b);
  mixed_.emplace(hash, Mixed{a, b, mixed});
  return mixed;
}

View Fields::mixture_of_both(const View& a, const View& b) {
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
