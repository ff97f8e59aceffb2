#ifndef FLE_QUERY_SRC_FIELDS_H_
#define FLE_QUERY_SRC_FIELDS_H_

#include <cstdint>
#include <forward_list>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fle/schema/plan.h"
#include "fle/work.h"
#include "member_tree.h"

namespace fle::query {

struct Overlay;
struct Mixture;

/// What is known of a field, and of the fields below it, at one point of a command: at first what
/// the collection's schema says, later what the stages of a pipeline have made of it. Small,
/// copied freely; refers to plans and to overlays of one Fields.
struct View {
  enum class Kind : std::uint8_t {
    plain,      ///< Nothing at or below this point is encrypted.
    encrypted,  ///< The value here is encrypted as `leaf` says.
    object,     ///< An object of `plan` with encrypted fields below, at `node`.
    overlay,    ///< An object that a stage has made; see Overlay.
    list,       ///< An array whose items are `items`, made by a stage.
    mixture,    ///< An object as one of several views says, for documents come from several places.
    ambiguous,  ///< Patterns of the schema disagree about it.
    unknown,    ///< Encrypted or not, or differently: known at run time only.
    dropped,    ///< A stage has dropped what stood here, which was `was`: see dropped().
  };
  Kind kind = Kind::plain;
  Kind was = Kind::plain;
  /// Of a list: its documents come from a collection ($lookup), so paths lead through it into them.
  bool joined = false;
  schema::Plan::NodeId node = 0;
  const schema::Plan* plan = nullptr;
  const schema::Leaf* leaf = nullptr;
  const Overlay* overlay = nullptr;
  const View* items = nullptr;
  const Mixture* mixture = nullptr;

  static View unknown() noexcept { return {Kind::unknown}; }
  static View encrypted(const schema::Leaf& leaf) noexcept {
    View v{Kind::encrypted};
    v.leaf = &leaf;
    return v;
  }
  /// Two views that say the same; overlays and items are compared by identity.
  friend bool operator==(const View&, const View&) = default;
};

/// The worst that may stand at or below a view. Of what was dropped nothing stands there any more,
/// but who compares its name with a value has most likely put the stages in the wrong order, and
/// would send the value as it is.
enum class Reach : std::uint8_t { nothing, dropped, encrypted, unknown };
[[nodiscard]] Reach reach(const View& view) noexcept;
/// Whether the server may have ciphertext there.
[[nodiscard]] inline bool holds_encrypted(const View& view) noexcept {
  return reach(view) >= Reach::encrypted;
}

/// What is left of `view` where a stage drops it: that its name, and those below it, held something
/// encrypted. Plain where they did not. Costs nothing: it is told of fields when they are asked
/// for.
[[nodiscard]] View dropped(View view) noexcept;
/// Whether `view` itself was dropped, or is a list of such values; not only something below it.
[[nodiscard]] bool is_dropped(const View& view) noexcept;
/// An object or list that has itself, but of whose fields some were dropped.
[[nodiscard]] inline bool is_partly_dropped(const View& view) noexcept {
  return reach(view) == Reach::dropped && !is_dropped(view);
}

/// The names are views into the command, or of static texts.
using Members = std::map<std::string_view, View>;

/// A view in an object, and what is known of all views in it.
struct Member {
  View view;

  struct Summary {
    Summary() = default;
    explicit Summary(const Member& member) noexcept;
    void add(const Summary& other) noexcept;
    Reach reach = Reach::nothing;  ///< The worst.
    std::uint32_t depth = 0;       ///< Of views in views.
  };
};

/// An object as a stage has made it: some members of its own, the others as they are in the first
/// of `bases` where they are not plain. Those are no overlays, nor were they any before they were
/// dropped: however many stages there are, a field is found in a few steps.
struct Overlay {
  MemberTree<Member> members{};
  std::vector<View> bases{};
  Reach reach = Reach::nothing;  ///< Of all of it. Kept, for objects in objects can be many.
  std::uint32_t depth = 0;       ///< Of views in views.
};

class Fields;
/// Views of which each is right for some of the documents. None is a mixture itself.
struct Mixture {
  std::vector<View> ways;
  Fields* fields;  ///< Mixes what they say of a field.
  Reach reach = Reach::nothing;
  std::uint32_t depth = 0;
};

/// The view of a whole collection.
[[nodiscard]] View view_of(const schema::Plan* plan) noexcept;
[[nodiscard]] View view_of(const schema::Plan& plan, const schema::Plan::Step& step) noexcept;
/// The field `name`, which has no dots, of the object `view`.
[[nodiscard]] View child(const View& view, std::string_view name, Work& work);

/// Where a dotted path leads.
struct Place {
  enum class Kind : std::uint8_t {
    plain,
    encrypted,  ///< `leaf` says how.
    prefix,     ///< An object with encrypted fields below.
    below,      ///< Inside an encrypted value, which nobody but the client can read.
    in_list,    ///< Encrypted values in an array that a stage has made.
    dropped,    ///< A stage has dropped an encrypted field, or an object with some, that was here.
    ambiguous,
    unknown,
  };
  Kind kind = Kind::plain;
  const schema::Leaf* leaf = nullptr;
  View view;  ///< Of the whole path.
};

/// @param path  as in match expressions and field paths: "a.b.0.c". A number may be a name or an
///              index: where the two readings differ the place is ambiguous.
[[nodiscard]] Place resolve(const View& root, std::string_view path, Work& work);
[[nodiscard]] bool is_index(std::string_view component) noexcept;

/// Whether a name may stand in a field path of the aggregation language: the server takes none that
/// is empty, begins with a dollar sign or holds a NUL.
[[nodiscard]] bool is_path_component(std::string_view component) noexcept;

/// Owns what views of one analysis refer to. What a pipeline makes is bounded in depth and in size:
/// beyond that it is unknown, and so refused when it is used.
class Fields {
 public:
  explicit Fields(Work& work) noexcept : nodes_(work), work_(work) {}
  [[nodiscard]] Work& work() const noexcept { return work_; }
  /// `base` with `members` in place of its own. `base` is anything but a list.
  [[nodiscard]] View object(const View& base, Members members);
  /// An object that has these members and no others. As object() of nothing, but it remembers
  /// plain ones too, for over().
  [[nodiscard]] View literal(Members members);
  /// What stands where a stage has put `value` in place of `old`. Names that `value` is not
  /// known to have are as if they were dropped from `old`.
  [[nodiscard]] View over(const View& value, const View& old);
  /// The fields of `top`, and of `under` those that `top` is not known to have.
  [[nodiscard]] View merged(const View& top, const View& under);
  /// What is known of documents of which some are as `a` says and the others as `b` does: of a
  /// field only what is so for all. That some lack it is no harm.
  [[nodiscard]] View mixture(const View& a, const View& b);
  /// An array of such items.
  [[nodiscard]] View list(const View& items, bool joined);
  /// To be asked before each view that is looked at where views of views are. False once there were
  /// so many that what is looked for must count as found: each stage could look at all.
  [[nodiscard]] bool may_visit() noexcept {
    work_.step();
    return ++n_visits_ <= 1'000'000;
  }
  /// False when it was called with this object, and this collation, before: what was found of all
  /// that is in it need not be looked for again.
  [[nodiscard]] bool is_first_visit(const Overlay& overlay, bool collation) {
    return visited_[collation ? 1 : 0].insert(&overlay).second;
  }

 private:
  /// What was mixed before: of a mixture the same fields are asked for again and again.
  struct Mixed {
    View a;
    View b;
    View mixture;
  };
  struct Draft {
    Members members{};
    std::vector<View> bases{};
  };
  void lay_under(Draft& draft, const View& view);
  [[nodiscard]] View keep(Draft draft);
  [[nodiscard]] View keep(Overlay overlay);
  [[nodiscard]] View mixture_of_both(const View& a, const View& b);
  /// `base` with `members` in place of its own: costs no more than these.
  [[nodiscard]] View extended(const Overlay& base, const Members& members);

  // Most commands have none: these take no memory until then.
  std::forward_list<Overlay> overlays_;
  std::forward_list<Mixture> mixtures_;
  std::unordered_multimap<std::size_t, Mixed> mixed_;
  std::forward_list<View> items_;
  MemberTree<Member>::Nodes nodes_;
  std::unordered_set<const Overlay*> visited_[2];
  std::size_t n_members_ = 0;
  std::size_t n_visits_ = 0;
  Work& work_;
};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_FIELDS_H_
