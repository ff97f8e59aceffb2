#include "projection.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "match/expression_evaluator.h"
#include "match/operand.h"

namespace fle::query {
namespace {

constexpr Refusal kOperator{"projection.operator", Errc::operator_not_allowed,
                            "the projection looks into an encrypted field",
                            "project the whole field, and look into it after decryption"};
constexpr Refusal kCollision{"projection.collision", Errc::command_malformed,
                             "two paths of the projection collide", "name each field once"};
constexpr Refusal kMixed{"projection.mixed", Errc::command_malformed,
                         "a projection includes fields or excludes them, not both",
                         "write two stages"};
constexpr Refusal kFlag{"projection.flag", Errc::command_malformed,
                        "whether a field is included cannot be said by a decimal128",
                        "use true or false"};

constexpr Refusal kFlagValue{"projection.flag_value", Errc::command_malformed,
                             "the number only says yes, and would be sent as it is: give 1 or true",
                             "include the field by 1 or true"};
constexpr Refusal kMask{
    "projection.constant", Errc::command_malformed,
    "a constant in place of an encrypted field would be sent as it is, and may be a value of it",
    "compare the field in the filter; where the constant is meant to cover it, write {$literal: "
    "...}"};
constexpr Refusal kComputesEncrypted{
    "update.pipeline_writes", Errc::update_not_allowed,
    "an update by a pipeline must not write a field that the schema encrypts, or an object with "
    "one",
    "write it by the operator $set, which encrypts its value; {$unset: \"field\"} is fine"};
constexpr Refusal kCiphertextMoves{
    "update.pipeline_moves", Errc::update_not_allowed,
    "an update by a pipeline must not store an encrypted value in a field that the schema does not "
    "encrypt",
    "read the document, and write the value by the operator $set"};

/// As the server's limit for field paths.
constexpr std::size_t kMaxComponents = 200;
constexpr std::size_t kMaxPathBytes = 4096;

/// What becomes of a field, or of the fields below it.
struct Shape {
  enum class Kind : std::uint8_t {
    branch,
    keep,
    drop,  ///< Or covered by a constant: of what was there nothing is left.
    put,
  };
  Kind kind = Kind::branch;
  View value{};  ///< Of `put`.
  std::map<std::string_view, Shape> below{};
};

/// What becomes of the fields that a Shape does not name.
enum class Others : std::uint8_t { stay, go };

View reshaped(Fields& fields, const Shape& shape, const View& in, Others others);

View reshaped_field(Fields& fields, const Shape& shape, const View& in, Others others) {
  switch (shape.kind) {
    case Shape::Kind::keep:
      return in;
    case Shape::Kind::drop:
      return dropped(in);
    case Shape::Kind::put:
      return fields.over(shape.value, in);
    case Shape::Kind::branch:
      break;
  }
  return reshaped(fields, shape, in, others);
}

/// The documents of an array are reshaped one by one.
View reshaped(Fields& fields, const Shape& shape, const View& in, Others others) {
  if (in.kind == View::Kind::list)
    return fields.list(reshaped(fields, shape, *in.items, others), in.joined);
  Members members;
  for (const auto& [name, below] : shape.below)
    members.emplace(name, reshaped_field(fields, below, child(in, name, fields.work()), others));
  return fields.object(others == Others::stay ? in : dropped(in), std::move(members));
}

/// Where a path leads to, while it is followed.
struct Spot {
  Shape* at;
  View in;
  std::size_t n = 0;  ///< Components so far.
};

/// Follows `names`, dotted ones, from `spot`, and notes the fields on the way. Every component must
/// lead through objects.
/// @param path  all of it, for errors.
Done follow(Context& context, const Element& e, Spot& spot, std::string_view names,
            std::string_view path) {
  for (std::size_t start = 0; start <= names.size();) {
    const std::size_t dot = std::min(names.find('.', start), names.size());
    const std::string_view name = names.substr(start, dot - start);
    start = dot + 1;
    if (!is_path_component(name) || ++spot.n > kMaxComponents)
      return context.refuse(kMalformed, e, path, {});
    if (spot.at->kind != Shape::Kind::branch) return context.refuse(kCollision, e, path, {});
    if (spot.in.kind == View::Kind::encrypted) return context.refuse(kBelow, e, path, {});
    if (spot.in.kind == View::Kind::ambiguous) return context.refuse(kAmbiguous, e, path, {});
    spot.in = child(spot.in, name, context.work());
    spot.at = &spot.at->below[name];
  }
  return ok;
}

/// Notes what becomes of the path that goes on from `spot` with `names`; returns what stands there.
Outcome<View> add_path(Context& context, const Element& e, Spot spot, std::string_view names,
                       std::string_view path, const Shape& leaf) {
  FLE_CHECK(follow(context, e, spot, names, path));
  const bool added = spot.at->kind == Shape::Kind::branch && spot.at->below.empty();
  if (!added) return context.refuse(kCollision, e, path, {});
  *spot.at = leaf;
  return spot.in;
}

/// What a projection may hold besides flags and expressions.
enum class Syntax : std::uint8_t { find, project, add_fields };

class Reader {
 public:
  Reader(Context& context, const MatchScope& scope, Syntax syntax, std::string_view operation)
      : context_(context), scope_(scope), syntax_(syntax), operation_(operation) {}

  Done read(const Element& spec);
  [[nodiscard]] Outcome<View> result(const Element& e);

 private:
  /// An object of paths that is being read, and the names that lead to it from the one around.
  struct Level {
    Level* outer;
    std::string_view names;
    std::optional<Spot> spot{};  // once something was noted below
  };

  Done read_level(const Element& spec, Level& level);
  Done read_field(const Element& e, Level& level);
  Done flag(const Element& e, Level& level);
  Done computed(const Element& e, Level& level);
  Done find_operator(const Element& e, const Element& op);
  Done need_plain_path(const Element& e, std::string_view path, std::string_view operation);
  Done find_spot(const Element& e, Level& level);
  [[nodiscard]] Outcome<View> add(const Element& e, Level& level, const Shape& leaf);
  [[nodiscard]] bool is_flag(const Element& e) const noexcept;
  [[nodiscard]] std::optional<Element> operator_of(const Element& e) const;

  Context& context_;
  const MatchScope& scope_;
  Syntax syntax_;
  std::string_view operation_;
  Shape shape_{};
  std::string path_;       // of the field that is being read
  bool includes_ = false;  // besides _id
  bool excludes_ = false;  // besides _id
  bool keeps_id_ = true;
};

bool Reader::is_flag(const Element& e) const noexcept {
  return syntax_ != Syntax::add_fields &&
         (e.type == Type::bool_ || e.type == Type::int_ || e.type == Type::long_ ||
          e.type == Type::double_ || e.type == Type::decimal);
}

/// The first field of an object when that is an operator.
std::optional<Element> Reader::operator_of(const Element& e) const {
  Cursor c = context_.cursor(e);
  if (!c.next() || !c.element().name.starts_with('$')) return std::nullopt;
  return c.element();
}

/// `spec` is an object of paths.
Done Reader::read(const Element& spec) {
  Level outermost{nullptr, {}, Spot{&shape_, scope_.view}};
  return read_level(spec, outermost);
}

/// Those in `spec` go on from `path_`.
Done Reader::read_level(const Element& spec, Level& level) {
  if (spec.type != Type::object) return context_.refuse(kMalformed, spec, {}, operation_);
  const Context::Inside inside(context_, spec);
  const std::size_t prefix = path_.size();
  for (Cursor c = context_.cursor(spec); c.next();) {
    const std::string_view name = c.element().name;
    // Before it is copied: names can be as long as the command.
    if (prefix + name.size() > kMaxPathBytes)
      return context_.refuse(kMalformed, c.element(), {}, operation_);
    path_.append(name);
    context_.work().bytes(name.size());
    FLE_CHECK(read_field(c.element(), level));
    path_.resize(prefix);
  }
  return ok;
}

Done Reader::read_field(const Element& e, Level& level) {
  if (syntax_ == Syntax::find && path_.ends_with(".$")) {
    includes_ = true;
    FLE_CHECK(need_plain_path(e, std::string_view(path_).substr(0, path_.size() - 2), "$"));
    return is_flag(e) ? ok : Done(context_.refuse(kMalformed, e, path_, "$"));
  }
  if (is_flag(e)) return flag(e, level);
  if (e.type != Type::object) return computed(e, level);
  const std::optional<Element> op = operator_of(e);
  if (op && syntax_ == Syntax::find && (op->name == "$slice" || op->name == "$elemMatch"))
    return find_operator(e, *op);
  if (op) return computed(e, level);
  if (context_.cursor(e).next()) {
    path_ += '.';
    Level below{&level, e.name};
    return read_level(e, below);
  }
  return syntax_ == Syntax::add_fields ? computed(e, level)
                                       : Done(context_.refuse(kMalformed, e, path_, operation_));
}

/// Follows the names that lead to `level`, once, however many fields it has.
Done Reader::find_spot(const Element& e, Level& level) {
  if (level.spot) return ok;
  FLE_CHECK(find_spot(e, *level.outer));
  Spot spot = *level.outer->spot;
  FLE_CHECK(follow(context_, e, spot, level.names, path_));
  level.spot = spot;
  return ok;
}

Outcome<View> Reader::add(const Element& e, Level& level, const Shape& leaf) {
  FLE_CHECK(find_spot(e, level));
  return add_path(context_, e, *level.spot, e.name, path_, leaf);
}

Done Reader::flag(const Element& e, Level& level) {
  // Its truth is not worth the reading of decimals, but a wrong guess would change the view.
  if (e.type == Type::decimal) return context_.refuse(kFlag, e, path_, operation_);
  const bool keep = context_.truthy(e);
  const bool id = path_ == "_id";
  (keep ? includes_ : excludes_) |= !id;
  if (id) keeps_id_ = keep;
  // A number that only says yes would be sent as it is, where it may be a value that was meant to
  // be encrypted.
  if (!context_.is_flag(e) && !context_.is_direction(e) &&
      resolve(scope_.view, path_, context_.work()).kind != Place::Kind::plain)
    return context_.refuse(kFlagValue, e, path_, operation_);
  Shape leaf;
  leaf.kind = keep ? Shape::Kind::keep : Shape::Kind::drop;
  FLE_TRY(const View view, add(e, level, leaf));
  if (holds_encrypted(view))
    context_.unchanged(e, path_, operation_, "projection.flag",
                       "the ciphertext is passed on whole, or left out");
  return ok;
}

/// Whether a constant is written there that has room for a value of a field, and is not said to be
/// one by $literal.
bool holds_bare_constant(const Context& context, const Element& e) {
  switch (e.type) {
    case Type::string:
      return !context.text(e).empty() && !context.text(e).starts_with('$');
    case Type::object:
      if (is_operation(context, e)) return false;
      [[fallthrough]];
    case Type::array:
      for (Cursor c = context.cursor(e); c.next();)
        if (holds_bare_constant(context, c.element())) return true;
      return false;
    default:
      return !context.is_flag(e);
  }
}

/// Whether nothing in a value is computed.
bool is_constant(const Context& context, const Element& e) {
  switch (e.type) {
    case Type::string:
      return !context.text(e).starts_with('$');
    case Type::object:
    case Type::array:
      for (Cursor c = context.cursor(e); c.next();) {
        const std::string_view name = c.element().name;
        if (name == "$literal" || name == "$const") return true;
        if (name.starts_with('$') || !is_constant(context, c.element())) return false;
      }
      return true;
    default:
      return true;
  }
}

Done Reader::computed(const Element& e, Level& level) {
  includes_ = true;
  FLE_TRY(const Value value, written_value(context_, e, scope_));
  Shape leaf;
  const bool made = value.kind == Value::Kind::computed && !is_constant(context_, e);
  leaf.kind = made ? Shape::Kind::put : Shape::Kind::drop;
  leaf.value = value.view;
  if (scope_.stored != nullptr && value.kind != Value::Kind::absent)
    FLE_CHECK(need_storable(context_, e, *scope_.stored, path_, value.view));
  FLE_TRY(const View replaced, add(e, level, leaf));
  // $addFields says what a field is to be. A projection says which fields are wanted: a value there
  // was meant for a filter, and a find of servers before 4.4 takes it for "yes".
  const bool asks = syntax_ != Syntax::add_fields;
  if (asks && holds_encrypted(replaced) && holds_bare_constant(context_, e))
    return context_.refuse(kMask, e, path_, operation_);
  return ok;
}

Done Reader::need_plain_path(const Element& e, std::string_view path, std::string_view operation) {
  const Place place = resolve(scope_.view, path, context_.work());
  if (place.kind == Place::Kind::plain) return ok;
  return context_.refuse(kOperator, e, path, operation);
}

/// $slice and $elemMatch of find: they look into an array.
Done Reader::find_operator(const Element& e, const Element& op) {
  if (op.name == "$slice") {
    // It has a meaning as an expression too, which reads what it is given.
    FLE_CHECK(need_plain_path(e, path_, op.name));
    {
      const Context::Inside inside(context_, e);
      FLE_CHECK(need(context_, op, takes_slice, op.name));
    }
    FLE_TRY(const View value, expression(context_, e, scope_));
    return reach(value) == Reach::nothing
               ? Done(ok)
               : Done(context_.refuse(refusal_of(value), e, path_, op.name));
  }
  includes_ = true;
  FLE_CHECK(need_plain_path(e, path_, op.name));
  const Context::Inside inside(context_, e);
  Cursor c = context_.cursor(e);
  if (c.next() && c.next()) return context_.refuse(kMalformed, c.element(), path_, op.name);
  return match_plain_items(context_, op);
}

Outcome<View> Reader::result(const Element& e) {
  if (syntax_ == Syntax::add_fields)
    return reshaped(context_.fields(), shape_, scope_.view, Others::stay);
  if (includes_ && excludes_) return context_.refuse(kMixed, e, {}, operation_);
  // {_id: 1} alone includes, {_id: 0} alone excludes.
  const bool exclusion = excludes_ || (!includes_ && !keeps_id_);
  if (!exclusion && keeps_id_) shape_.below.try_emplace("_id", Shape{Shape::Kind::keep});
  return reshaped(context_.fields(), shape_, scope_.view, exclusion ? Others::stay : Others::go);
}

constexpr RuleText kRules[] = {
    {"field: 1, field: 0", "as it is, also on encrypted fields and objects that hold some",
     Evidence::docs},
    {"field: expression",
     "by the rules for expressions; a constant in place of an encrypted field, or of an object "
     "that "
     "holds one, as {$literal: ...} alone",
     Evidence::docs},
    {"\"field.$\"", "refused on an encrypted field or an object that holds one"},
    {"$slice", "refused on an encrypted field or an object that holds one"},
    {"$elemMatch", "refused on an encrypted field or an object that holds one"},
    {"path into an encrypted field", "refused"},
};

}  // namespace

Done projection(Context& context, const Element& e, const MatchScope& scope) {
  return Reader(context, scope, Syntax::find, e.name).read(e);
}

Outcome<View> project(Context& context, const Element& e, const MatchScope& scope) {
  Reader reader(context, scope, Syntax::project, e.name);
  FLE_CHECK(reader.read(e));
  return reader.result(e);
}

Outcome<View> add_fields(Context& context, const Element& e, const MatchScope& scope) {
  Reader reader(context, scope, Syntax::add_fields, e.name);
  FLE_CHECK(reader.read(e));
  return reader.result(e);
}

Outcome<View> unset_fields(Context& context, const Element& e, const View& view) {
  Shape shape;
  const Shape drop{Shape::Kind::drop};
  const auto unset = [&](const Element& path) -> Done {
    if (path.type != Type::string) return context.refuse(kMalformed, path, {}, e.name);
    FLE_CHECK(
        add_path(context, path, {&shape, view}, context.text(path), context.text(path), drop));
    return ok;
  };
  if (e.type != Type::array) {
    FLE_CHECK(unset(e));
  } else {
    const Context::Inside inside(context, e);
    for (Cursor c = context.cursor(e); c.next();) FLE_CHECK(unset(c.element()));
  }
  return reshaped(context.fields(), shape, view, Others::stay);
}

Outcome<View> with_field(Context& context, const Element& e, const View& view,
                         std::string_view path, const View& value) {
  Shape shape;
  FLE_CHECK(add_path(context, e, {&shape, view}, path, path, Shape{Shape::Kind::put, value}));
  return reshaped(context.fields(), shape, view, Others::stay);
}

Done need_storable(Context& context, const Element& e, const View& stored, std::string_view path,
                   const View& value) {
  const Place place = resolve(stored, path, context.work());
  if (place.kind == Place::Kind::plain)
    return holds_encrypted(value) ? Done(context.refuse(kCiphertextMoves, e, path, {})) : ok;
  if (value == place.view) return ok;
  return context.refuse(kComputesEncrypted, e, path, {});
}

std::span<const RuleText> projection_rules() noexcept { return kRules; }

}  // namespace fle::query
