#include "projection.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "expression_evaluator.h"

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
/// In bytes. Nested projections repeat their path for each field.
constexpr std::size_t kMaxPath = 4096;

/// What becomes of a field, or of the fields below it.
struct Shape {
  enum class Kind : std::uint8_t { branch, keep, drop, put };
  Kind kind = Kind::branch;
  View value{};  ///< Of `put`.
  std::map<std::string, Shape, std::less<>> below{};
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

/// Notes what becomes of one path. Every component must lead through objects.
Done add_path(Context& context, const Element& e, Shape& root, const View& view,
              std::string_view path, const Shape& leaf) {
  Shape* at = &root;
  View in = view;
  std::size_t n = 0;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t dot = std::min(path.find('.', start), path.size());
    const std::string_view name = path.substr(start, dot - start);
    start = dot + 1;
    if (!is_path_component(name) || ++n > kMaxComponents)
      return context.refuse(kMalformed, e, path, {});
    if (at->kind != Shape::Kind::branch) return context.refuse(kCollision, e, path, {});
    if (in.kind == View::Kind::encrypted) return context.refuse(kBelow, e, path, {});
    if (in.kind == View::Kind::ambiguous) return context.refuse(kAmbiguous, e, path, {});
    in = child(in, name, context.work());
    const bool last = start > path.size();
    const auto [below, added] = at->below.try_emplace(std::string(name));
    at = &below->second;
    if (last && !added) return context.refuse(kCollision, e, path, {});
    if (last) *at = leaf;
  }
  return ok;
}

/// What a projection may hold besides flags and expressions.
enum class Syntax : std::uint8_t { find, project, add_fields };

class Reader {
 public:
  Reader(Context& context, const MatchScope& scope, Syntax syntax, std::string_view operation)
      : context_(context), scope_(scope), syntax_(syntax), operation_(operation) {}

  Done read(const Element& spec, const std::string& prefix);
  [[nodiscard]] Outcome<View> result(const Element& e);

 private:
  Done read_field(const Element& e, const std::string& path);
  Done flag(const Element& e, const std::string& path);
  Done computed(const Element& e, const std::string& path);
  Done find_operator(const Element& e, const Element& op, const std::string& path);
  Done need_plain_path(const Element& e, std::string_view path, std::string_view operation);
  [[nodiscard]] bool is_flag(const Element& e) const noexcept;
  [[nodiscard]] std::optional<Element> operator_of(const Element& e) const;

  Context& context_;
  const MatchScope& scope_;
  Syntax syntax_;
  std::string_view operation_;
  Shape shape_{};
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

/// `spec` is an object of paths; those within it go on from `prefix`.
Done Reader::read(const Element& spec, const std::string& prefix) {
  if (spec.type != Type::object) return context_.refuse(kMalformed, spec, {}, operation_);
  const Context::Inside inside(context_, spec);
  for (Cursor c = context_.cursor(spec); c.next();) {
    context_.work().bytes(prefix.size() + c.element().name.size());
    FLE_CHECK(read_field(c.element(), prefix + std::string(c.element().name)));
  }
  return ok;
}

Done Reader::read_field(const Element& e, const std::string& path) {
  if (path.size() > kMaxPath) return context_.refuse(kMalformed, e, {}, operation_);
  if (syntax_ == Syntax::find && path.ends_with(".$")) {
    includes_ = true;
    return need_plain_path(e, path.substr(0, path.size() - 2), "$");
  }
  if (is_flag(e)) return flag(e, path);
  if (e.type != Type::object) return computed(e, path);
  const std::optional<Element> op = operator_of(e);
  if (op && syntax_ == Syntax::find && (op->name == "$slice" || op->name == "$elemMatch"))
    return find_operator(e, *op, path);
  if (op) return computed(e, path);
  if (context_.cursor(e).next()) return read(e, path + ".");
  return syntax_ == Syntax::add_fields ? computed(e, path)
                                       : Done(context_.refuse(kMalformed, e, path, operation_));
}

Done Reader::flag(const Element& e, const std::string& path) {
  // Its truth is not worth the reading of decimals, but a wrong guess would change the view.
  if (e.type == Type::decimal) return context_.refuse(kFlag, e, path, operation_);
  const bool keep = context_.truthy(e);
  const bool id = path == "_id";
  (keep ? includes_ : excludes_) |= !id;
  if (id) keeps_id_ = keep;
  const Place place = resolve(scope_.view, path, context_.work());
  if (place.kind != Place::Kind::plain && !context_.is_flag(e) && !context_.is_direction(e))
    return context_.refuse(kFlagValue, e, path, operation_);
  if (place.kind != Place::Kind::plain && place.kind != Place::Kind::dropped)
    context_.unchanged(e, path, operation_, "projection.flag",
                       "the ciphertext is passed on whole, or left out");
  Shape leaf;
  leaf.kind = keep ? Shape::Kind::keep : Shape::Kind::drop;
  return add_path(context_, e, shape_, scope_.view, path, leaf);
}

Done Reader::computed(const Element& e, const std::string& path) {
  includes_ = true;
  FLE_TRY(const Value value, written_value(context_, e, scope_));
  Shape leaf;
  leaf.kind = value.kind == Value::Kind::absent ? Shape::Kind::drop : Shape::Kind::put;
  leaf.value = value.view;
  if (scope_.stored != nullptr && leaf.kind == Shape::Kind::put)
    FLE_CHECK(need_storable(context_, e, *scope_.stored, path, value.view));
  return add_path(context_, e, shape_, scope_.view, path, leaf);
}

Done Reader::need_plain_path(const Element& e, std::string_view path, std::string_view operation) {
  const Place place = resolve(scope_.view, path, context_.work());
  if (place.kind == Place::Kind::plain) return ok;
  return context_.refuse(kOperator, e, path, operation);
}

/// $slice and $elemMatch of find: they look into an array.
Done Reader::find_operator(const Element& e, const Element& op, const std::string& path) {
  if (op.name == "$slice") {
    // It has a meaning as an expression too, which reads what it is given.
    FLE_CHECK(need_plain_path(e, path, op.name));
    FLE_TRY(const View value, expression(context_, e, scope_));
    return reach(value) == Reach::nothing
               ? Done(ok)
               : Done(context_.refuse(refusal_of(value), e, path, op.name));
  }
  includes_ = true;
  return need_plain_path(e, path, op.name);
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
    {"field: expression", "by the rules for expressions", Evidence::docs},
    {"\"field.$\"", "refused on an encrypted field or an object that holds one"},
    {"$slice", "refused on an encrypted field or an object that holds one"},
    {"$elemMatch", "refused on an encrypted field or an object that holds one"},
    {"path into an encrypted field", "refused"},
};

}  // namespace

Done projection(Context& context, const Element& e, const MatchScope& scope) {
  return Reader(context, scope, Syntax::find, e.name).read(e, {});
}

Outcome<View> project(Context& context, const Element& e, const MatchScope& scope) {
  Reader reader(context, scope, Syntax::project, e.name);
  FLE_CHECK(reader.read(e, {}));
  return reader.result(e);
}

Outcome<View> add_fields(Context& context, const Element& e, const MatchScope& scope) {
  Reader reader(context, scope, Syntax::add_fields, e.name);
  FLE_CHECK(reader.read(e, {}));
  return reader.result(e);
}

Outcome<View> unset_fields(Context& context, const Element& e, const View& view) {
  Shape shape;
  const Shape drop{Shape::Kind::drop};
  const auto unset = [&](const Element& path) -> Done {
    if (path.type != Type::string) return context.refuse(kMalformed, path, {}, e.name);
    return add_path(context, path, shape, view, context.text(path), drop);
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
  FLE_CHECK(add_path(context, e, shape, view, path, Shape{Shape::Kind::put, value}));
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
