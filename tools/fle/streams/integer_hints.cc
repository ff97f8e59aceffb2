#include "integer_hints.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fle::tools {
namespace {

using schema::Plan;
using Path = std::span<const std::string_view>;

/// What stands at a place in a command: how names and operators follow each other there.
enum class Syntax : std::uint8_t { filter, update, document };

/// Where commands have documents, filters and updates; "*" is an item of an array.
struct HintPlace {
  std::array<std::string_view, 3> path;
  Syntax syntax;
};
constexpr HintPlace kPlaces[] = {{{"filter"}, Syntax::filter},
                                 {{"query"}, Syntax::filter},
                                 {{"update"}, Syntax::update},
                                 {{"documents", "*"}, Syntax::document},
                                 {{"updates", "*", "q"}, Syntax::filter},
                                 {{"updates", "*", "u"}, Syntax::update},
                                 {{"deletes", "*", "q"}, Syntax::filter},
                                 {{"pipeline", "*", "$match"}, Syntax::filter}};

/// Of an item of an array.
bool is_index(std::string_view name) noexcept {
  constexpr std::size_t kMostDigits = 10;
  return !name.empty() && name.size() <= kMostDigits &&
         std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

/// A path inside of a place; empty if it is in none.
struct Below {
  Path path{};
  Syntax syntax = Syntax::document;
};
Below below_a_place(Path path) noexcept {
  if (!path.empty() && path.front() == "explain") path = path.subspan(1);
  for (const HintPlace& place : kPlaces) {
    const auto n = static_cast<std::size_t>(std::ranges::find(place.path, std::string_view()) -
                                            place.path.begin());
    if (path.size() > n && std::equal(place.path.begin(), place.path.begin() + n, path.begin(),
                                      [](std::string_view p, std::string_view name) {
                                        return p == "*" ? is_index(name) : p == name;
                                      }))
      return {path.subspan(n), place.syntax};
  }
  return {};
}

bool is_long(const schema::Leaf& leaf) noexcept {
  return leaf.types.contains(bson::Type::long_) && !leaf.types.contains(bson::Type::int_);
}

bool has_longs(const std::shared_ptr<const Plan>& plan) noexcept {
  return plan != nullptr && std::ranges::any_of(plan->leaves(), is_long);
}

/// Follows names into a schema, no further than it goes. It is asked about each integer below a
/// name, which can be as long as the input, and a pattern can take forever: where that is so,
/// nothing is said, and an int is refused where the schema has a long.
class Follower {
 public:
  static constexpr std::size_t kLongestName = 1024;

  explicit Follower(const Plan& plan) : plan_(plan), step_(plan.root()) { work_.allow(kMostSteps); }

  /// Whether there is more to follow.
  bool take(std::string_view name) {
    const bool known = step_.kind == Plan::Kind::object && name.size() <= kLongestName;
    step_ = known ? plan_.child(step_.node, name, &work_) : Plan::Step{};
    return step_.kind != Plan::Kind::plain;
  }
  [[nodiscard]] bool is_at_long() const {
    return step_.kind == Plan::Kind::encrypted && is_long(plan_.leaf(step_.leaf));
  }

 private:
  static constexpr std::uint64_t kMostSteps = 10'000;

  const Plan& plan_;
  Plan::Step step_;
  Work work_;
};

/// A name with dots, which stand between names.
bool take_dotted(Follower& follower, std::string_view path) {
  for (bool last = false; !last;) {
    const std::size_t dot = path.substr(0, Follower::kLongestName + 1).find('.');
    last = dot == std::string_view::npos;
    if (!follower.take(path.substr(0, dot))) return false;
    path.remove_prefix(last ? path.size() : dot + 1);
  }
  return true;
}

bool is_long_field(Follower& follower, Path path) {
  for (const std::string_view name : path)
    if (!follower.take(name)) return false;
  return follower.is_at_long();
}

/// Operators and the arrays that they take stand before, between and behind paths.
bool is_long_operand(Follower& follower, Path path) {
  bool after_operator = false;
  for (const std::string_view name : path) {
    const bool skipped = name.starts_with('$') || (after_operator && is_index(name));
    after_operator = name.starts_with('$');
    if (!skipped && !take_dotted(follower, name)) return false;
  }
  return follower.is_at_long();
}

/// An operator, a path, and what is in the value; or a whole document.
bool is_long_in_update(Follower& follower, Path path) {
  if (!path.front().starts_with('$')) return is_long_field(follower, path);
  return path.size() > 1 && take_dotted(follower, path[1]) &&
         is_long_field(follower, path.subspan(2));
}

}  // namespace

IntegerHints::IntegerHints(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)), used_(has_longs(plan_)) {}

bool IntegerHints::is_long(Path path) const {
  Follower follower(*plan_);
  return is_long_field(follower, path);
}

CommandIntegerHints::CommandIntegerHints(SchemaMap schemas, std::string db)
    : schemas_(std::move(schemas)),
      db_(std::move(db)),
      used_(std::ranges::any_of(schemas_, [](const auto& s) { return has_longs(s.second); })) {}

bool CommandIntegerHints::is_long(Path path) const {
  if (plan_ == nullptr) return false;
  const Below below = below_a_place(path);
  if (below.path.empty()) return false;
  Follower follower(*plan_);
  switch (below.syntax) {
    case Syntax::filter:
      return is_long_operand(follower, below.path);
    case Syntax::update:
      return is_long_in_update(follower, below.path);
    case Syntax::document:
      break;
  }
  return is_long_field(follower, below.path);
}

/// The value of a command's name, which comes first, is its collection's; but for bulkWrite's.
void CommandIntegerHints::first_string(Path path, std::string_view text) const {
  const bool names = path.size() == 1 || (path.size() == 2 && path.front() == "explain");
  const auto found = names ? schemas_.find(db_ + "." + std::string(text)) : schemas_.end();
  plan_ = found == schemas_.end() ? nullptr : found->second.get();
}

namespace {

/// The type that a value has, of which a schema takes none; empty where that is not what is wrong.
std::string_view refused_type(const Failure& f) noexcept {
  constexpr std::string_view kStart = "Cannot encrypt element of type: ";
  std::string_view text = f.message;
  if (f.code != Errc::type_not_allowed || !text.starts_with(kStart)) return {};
  text.remove_prefix(kStart.size());
  return text.substr(0, text.find_first_of(", ("));
}

/// The type that the schema takes there, or the first of them.
std::string_view expected_type(const Failure& f) noexcept {
  constexpr std::string_view kBefore = ", the schema expects ";
  const std::string_view text = f.message;
  const std::size_t at = text.find(kBefore);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + kBefore.size();
  return text.substr(from, text.find_first_of(" ;", from) - from);
}

/// How a value of the type is written. Empty of an object and an array, which are no typing slip of
/// a number or a text.
std::string_view example_of(std::string_view type) noexcept {
  struct Example {
    std::string_view type;
    std::string_view json;
  };
  static constexpr Example kExamples[] = {
      {"int", R"({"$numberInt": "5"})"},
      {"long", R"({"$numberLong": "5"})"},
      {"double", R"({"$numberDouble": "5.0"})"},
      {"decimal", R"({"$numberDecimal": "5.0"})"},
      {"string", R"("5")"},
      {"bool", "true"},
      {"date", R"({"$date": "2024-02-29T23:59:59.999Z"})"},
      {"timestamp", R"({"$timestamp": {"t": 5, "i": 1}})"},
      {"objectId", R"({"$oid": "0123456789abcdef01234567"})"},
      {"binData", R"({"$binary": {"base64": "AQID", "subType": "00"}})"},
      {"regex", R"({"$regularExpression": {"pattern": "a", "options": ""}})"},
      {"javascript", R"({"$code": "a"})"},
      {"javascriptWithScope", R"({"$code": "a", "$scope": {}})"},
      {"symbol", R"({"$symbol": "a"})"},
      {"dbPointer",
       R"({"$dbPointer": {"$ref": "a.b", "$id": {"$oid": "0123456789abcdef01234567"}}})"}};
  const auto* const found = std::ranges::find(kExamples, type, &Example::type);
  return found == std::end(kExamples) ? std::string_view() : found->json;
}

}  // namespace

bool refuses_null(const Failure& f) noexcept { return refused_type(f) == "null"; }

Failure with_json_advice(Failure f) {
  // What JSON writes without a word about its type.
  static constexpr std::string_view kPlain[] = {"int", "long", "double", "string"};
  const std::string_view example =
      std::ranges::count(kPlain, refused_type(f)) != 0 ? example_of(expected_type(f)) : "";
  if (!example.empty())
    f.message +=
        "; JSON says a type as canonical Extended JSON does, such as " + std::string(example);
  return f;
}

}  // namespace fle::tools
