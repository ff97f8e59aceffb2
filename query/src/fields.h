#ifndef FLE_QUERY_SRC_FIELDS_H_
#define FLE_QUERY_SRC_FIELDS_H_

#include <cstdint>
#include <forward_list>
#include <map>
#include <string>
#include <string_view>

#include "fle/schema/plan.h"
#include "fle/work.h"

namespace fle::query {

struct Overlay;

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
    ambiguous,  ///< Patterns of the schema disagree about it.
    unknown,    ///< Encrypted or not, or differently: known at run time only.
  };
  Kind kind = Kind::plain;
  /// Of a list: its documents come from a collection ($lookup), so paths lead through it into them.
  bool joined = false;
  schema::Plan::NodeId node = 0;
  const schema::Plan* plan = nullptr;
  const schema::Leaf* leaf = nullptr;
  const Overlay* overlay = nullptr;
  const View* items = nullptr;

  static View unknown() noexcept { return {Kind::unknown}; }
  static View encrypted(const schema::Leaf& leaf) noexcept {
    View v{Kind::encrypted};
    v.leaf = &leaf;
    return v;
  }
  /// Two views that say the same; overlays are compared by identity.
  friend bool operator==(const View&, const View&) = default;
};

/// What may stand at or below a view.
enum class Reach : std::uint8_t { nothing, encrypted, unknown };
[[nodiscard]] Reach reach(const View& view) noexcept;

using Members = std::map<std::string, View, std::less<>>;

/// An object as a stage has made it: some members of its own, the others as they are in `base`.
struct Overlay {
  View base;
  Members members;
  Reach reach;          ///< Of all of it. Kept, for objects in objects can be many.
  std::uint32_t depth;  ///< Of views in views.
};

/// The view of a whole collection.
[[nodiscard]] View view_of(const schema::Plan* plan) noexcept;
[[nodiscard]] View view_of(const schema::Plan& plan, const schema::Plan::Step& step) noexcept;
/// The field `name`, which has no dots, of the object `view`.
[[nodiscard]] View child(const View& view, std::string_view name, Work& work) noexcept;

/// Where a dotted path leads.
struct Place {
  enum class Kind : std::uint8_t {
    plain,
    encrypted,  ///< `leaf` says how.
    prefix,     ///< An object with encrypted fields below.
    below,      ///< Inside an encrypted value, which nobody but the client can read.
    in_list,    ///< Encrypted values in an array that a stage has made.
    ambiguous,
    unknown,
  };
  Kind kind = Kind::plain;
  const schema::Leaf* leaf = nullptr;
  View view;  ///< Of the whole path.
};

/// @param path  as in match expressions and field paths: "a.b.0.c". A number may be a name or an
///              index: where the two readings differ the place is ambiguous.
[[nodiscard]] Place resolve(const View& root, std::string_view path, Work& work) noexcept;
[[nodiscard]] bool is_index(std::string_view component) noexcept;

/// Whether a name may stand in a field path of the aggregation language: the server takes none that
/// is empty, begins with a dollar sign or holds a NUL.
[[nodiscard]] bool is_path_component(std::string_view component) noexcept;

/// Whether two leaves encrypt alike, so that their ciphertexts can be compared.
[[nodiscard]] bool same_encryption(const schema::Leaf& a, const schema::Leaf& b);

/// Owns what views of one analysis refer to. What a pipeline makes is bounded in depth and in size:
/// beyond that it is unknown, and so refused when it is used.
class Fields {
 public:
  explicit Fields(Work& work) noexcept : work_(work) {}
  [[nodiscard]] Work& work() const noexcept { return work_; }
  /// `base` with `members` in place of its own. `base` is an object, plain or unknown.
  [[nodiscard]] View object(const View& base, Members members);
  /// An array of such items.
  [[nodiscard]] View list(const View& items, bool joined);

 private:
  // Most commands have none: these take no memory until then.
  std::forward_list<Overlay> overlays_;
  std::forward_list<View> items_;
  std::size_t n_members_ = 0;
  Work& work_;
};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_FIELDS_H_
