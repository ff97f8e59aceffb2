#ifndef FLE_QUERY_SRC_EXPRESSION_EVALUATOR_H_
#define FLE_QUERY_SRC_EXPRESSION_EVALUATOR_H_

#include <array>
#include <optional>
#include <unordered_set>
#include <vector>

#include "expression.h"

namespace fle::query {

/// Paths would begin there, not at the document: for all constructs that bind variables.
inline constexpr Refusal kCurrent{"expression.current", Errc::expression_not_allowed,
                                  "CURRENT cannot be bound anew where fields are encrypted",
                                  "use a variable of your own"};

/// What is known of an expression's result.
struct Value {
  enum class Kind : std::uint8_t {
    computed,  ///< A field, a variable, or made of such: `view` says what it may hold.
    constant,  ///< Written in the command, at `element`.
    absent,    ///< $$REMOVE.
  };
  Kind kind = Kind::computed;
  View view{};
  Element element{};
  bool no_items = false;  ///< Of `computed`: an array that is written without items.

  static Value of(const View& view) { return {Kind::computed, view, {}}; }
};

/// An argument and where it stands.
struct Operand {
  Element element;
  Value value;
};

/// Names of fields.
struct Names {
  std::unordered_set<std::string_view> some;
  std::vector<const schema::Plan*> plans;  ///< And all that these encrypt.
  bool any = false;                        ///< Nobody knows which.
  /// A field that is encrypted as a whole and may be an object or an array; null: there is none.
  const schema::Leaf* container = nullptr;

  [[nodiscard]] bool contain(std::string_view name) const;
};

struct Passing;

/// Reads one expression. Marks must be made in document order, but what a constant is compared with
/// may stand behind it ({$eq: ["x", "$ssn"]}, {$let: {in, vars}}): so evaluate() only notes which
/// constants meet which encrypted field, and write() marks them afterwards, in order.
class Evaluator {
 public:
  Evaluator(Context& context, const MatchScope& scope, bool any_depth = false)
      : context_(context), scope_(scope), variables_(scope.variables), any_depth_(any_depth) {}

  /// `e` is an element of the innermost document.
  [[nodiscard]] Outcome<Value> evaluate(const Element& e);
  /// Marks the constants that were met in `e`, which was evaluated.
  [[nodiscard]] Done write(const Element& e);

  // ---- For the rules of operators

  [[nodiscard]] Context& context() noexcept { return context_; }
  [[nodiscard]] const MatchScope& scope() const noexcept { return scope_; }
  [[nodiscard]] View list_of(const View& items) { return context_.fields().list(items, false); }

  /// The arguments of an operator: the items of an array, or the one that is no array.
  [[nodiscard]] Outcome<std::vector<Operand>> operands(const Element& op);
  /// The same where an operator has named arguments too: those.
  [[nodiscard]] Outcome<std::vector<Operand>> arguments(const Element& op);
  /// As evaluate(), for an argument that nothing encrypted may reach.
  [[nodiscard]] Done need_plain(const Element& e, std::string_view operation);
  /// The same, of `e` with its value.
  [[nodiscard]] Done need_plain(const Element& e, const Value& value, std::string_view operation);
  /// The same, of all arguments of an operator.
  [[nodiscard]] Done need_plain(const Element& op, std::span<const Operand> arguments);
  /// As need_plain(), for an argument that is asked whether it is true.
  /// @param item  what else names may be about: what a variable holds.
  [[nodiscard]] Done need_condition(const Element& e, std::string_view operation,
                                    const View& item = {});
  /// That an argument is no filter: no object that is written out with names of encrypted fields.
  [[nodiscard]] Done need_no_filter(const Element& e, std::string_view operation,
                                    const View& item = {});
  /// The same of an argument that is asked whether it is true, or for a number: what may be its
  /// result, and the items of arrays in it, are no filters either.
  [[nodiscard]] Done need_no_filter_in(const Element& e, std::string_view operation,
                                       const View& item = {});
  /// The arguments of an operator, named ones too, each of which must be plain.
  [[nodiscard]] Outcome<std::vector<Operand>> plain_arguments(const Element& op);
  /// Nothing that is encrypted as a whole may hide objects that $redact would descend to.
  [[nodiscard]] Done need_open_objects(const Element& e);
  /// Two values are compared for equality.
  [[nodiscard]] Done meet(const Operand& a, const Operand& b, std::string_view operation);
  /// A constant is compared with a field.
  void meet(const Element& constant, const schema::Leaf& leaf, std::string_view operation);
  /// Of an object whose fields were dropped in part, what it is compared with must not be a
  /// document with values for them.
  [[nodiscard]] Done need_no_document(const Operand& object, const Operand& other,
                                      std::string_view operation);
  /// Whether a value is an array without items, as the command has it.
  [[nodiscard]] bool is_empty_list(const Value& value) const noexcept;
  /// What may be either of two values.
  [[nodiscard]] Value either(const Value& a, const Value& b);

  /// Evaluates with `own` bound as well.
  [[nodiscard]] Outcome<Value> evaluate_with(const Element& e,
                                             const std::map<std::string_view, View>& own);
  /// The field `name`, in which dots and dollar signs mean nothing, of `object`.
  /// @param e  says so; shown in errors.
  [[nodiscard]] Outcome<View> field_of(const Element& e, const View& object, std::string_view name);
  /// Whether an expression could reach something encrypted at all.
  [[nodiscard]] bool reaches() const noexcept;

 private:
  struct Meeting {
    std::uint32_t type_offset;  // of the constant
    const schema::Leaf* leaf;
    std::string_view operation;
  };

  [[nodiscard]] Outcome<Value> string(const Element& e);
  [[nodiscard]] Outcome<Value> variable(const Element& e, std::string_view text);
  [[nodiscard]] Outcome<Value> object(const Element& e);
  [[nodiscard]] Outcome<Value> array(const Element& e);
  [[nodiscard]] Outcome<Value> path(const Element& e, const View& from, std::string_view path);
  [[nodiscard]] Done check_any_depth(const Element& e, std::string_view component);
  [[nodiscard]] Done need_no_index(const Element& e, const View& from, std::string_view path,
                                   std::string_view number, bool in_list);
  [[nodiscard]] Done need_no_filter_passed(const Element& op, const Passing& passing,
                                           std::string_view operation, const View& item);
  [[nodiscard]] const Names& names();
  [[nodiscard]] Done write_inside(const Element& e);
  [[nodiscard]] bool is_next(const Element& e) const noexcept;
  [[nodiscard]] bool next_is_in(const Element& e) const noexcept;

  Context& context_;
  const MatchScope& scope_;
  const Variables* variables_;
  bool any_depth_;
  std::optional<Names> names_;  // that lead to something encrypted, once any_depth_ asks for them
  std::vector<Meeting> meetings_;
  std::size_t written_ = 0;
};

/// As expression(), with all that is known of the result.
[[nodiscard]] Outcome<Value> written_value(Context& context, const Element& e,
                                           const MatchScope& scope);

/// The named arguments of an operator or stage, in the order of `names`. One that is not in the
/// list, or appears twice, is refused: nobody knows which one the server takes.
template <std::size_t n>
[[nodiscard]] Outcome<std::array<std::optional<Element>, n>> named_arguments(
    Context& context, const Element& spec, const std::array<const char*, n>& names) {
  std::array<std::optional<Element>, n> found{};
  if (spec.type != Type::object) return context.refuse(kMalformed, spec, {}, spec.name);
  const Context::Inside inside(context, spec);
  for (Cursor c = context.cursor(spec); c.next();) {
    const Element& e = c.element();
    std::size_t i = 0;
    while (i < n && e.name != names[i]) ++i;
    if (i == n || found[i]) return context.refuse(kMalformed, e, {}, spec.name);
    found[i] = e;
  }
  return found;
}

/// Whether `e` is an object that is an operator with its argument, not one of named arguments.
[[nodiscard]] bool is_operation(const Context& context, const Element& e) noexcept;

/// Calls an operator's rule. `op` is the one field of the object that is the expression.
[[nodiscard]] Outcome<Value> apply_operator(Evaluator& evaluator, const Element& op);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_EXPRESSION_EVALUATOR_H_
