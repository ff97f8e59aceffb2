#include "accumulator.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ground/proposal.h"
#include "match/expression_evaluator.h"
#include "match/operand.h"

namespace fle::query {
namespace {

constexpr Refusal kArithmetic{
    "accumulator.reads", Errc::expression_not_allowed,
    "an accumulator that is not allowed on encrypted fields reads one",
    "use $push, $addToSet, $first or $last, and compute after decryption"};
constexpr Refusal kUnknownAccumulator{"accumulator.unknown", Errc::expression_not_allowed,
                                      "an accumulator that is not known here",
                                      "compute after decryption"};
constexpr Refusal kSortBy{"accumulator.sort", Errc::operator_not_allowed,
                          "sorting by an encrypted field would sort its ciphertext",
                          "sort after decryption"};
constexpr Refusal kGroupRandom{"group.random", Errc::random_not_comparable,
                               "a field encrypted with the random algorithm cannot tell equal "
                               "values from others",
                               "encrypt the field with the deterministic algorithm"};
constexpr Refusal kGroupCollation{"group.collation", Errc::collation_not_allowed,
                                  "a collation has no effect on encrypted strings",
                                  "use {locale: \"simple\"}, or none"};

Outcome<View> pass(Context& context, const Element& op, const MatchScope& scope) {
  return expression(context, op, scope);
}

Outcome<View> push(Context& context, const Element& op, const MatchScope& scope) {
  FLE_TRY(const View view, expression(context, op, scope));
  return context.fields().list(view, false);
}

Outcome<View> add_to_set(Context& context, const Element& op, const MatchScope& scope) {
  FLE_TRY(const View view, expression(context, op, scope));
  FLE_CHECK(need_groupable(context, op, view, scope, op.name));
  return context.fields().list(view, false);
}

/// Returns what is left of the argument: the names of fields that were dropped of it.
Outcome<View> need_plain(Context& context, const Element& e, const MatchScope& scope,
                         std::string_view operation) {
  FLE_TRY(const View view, expression(context, e, scope));
  if (!holds_encrypted(view) && !is_dropped(view)) {
    // An object may be one of named arguments, whose names are not those of what is made of them.
    const bool whole = e.type != Type::object || is_operation(context, e);
    return is_partly_dropped(view) ? context.fields().over({}, whole ? view : View::unknown())
                                   : View{};
  }
  const bool whole = view.kind == View::Kind::encrypted;
  return context.refuse(whole ? kArithmetic : refusal_of(view), e,
                        whole ? std::string_view(view.leaf->path) : std::string_view(), operation);
}

Outcome<View> plain_only(Context& context, const Element& op, const MatchScope& scope) {
  return need_plain(context, op, scope, op.name);
}

/// As plain_only, for what adds up numbers: a filter in its place counts nothing.
Outcome<View> numbers_only(Context& context, const Element& op, const MatchScope& scope) {
  FLE_CHECK(Evaluator(context, scope).need_no_filter_in(op, op.name));
  return plain_only(context, op, scope);
}

/// $top and its kind sort documents by fields that they name.
Outcome<View> sorting(Context& context, const Element& op, const MatchScope& scope) {
  if (op.type != Type::object) return context.refuse(kMalformed, op, {}, op.name);
  const Context::Inside inside(context, op);
  View output;
  for (Cursor c = context.cursor(op); c.next();) {
    const Element& e = c.element();
    if (e.name == "sortBy") {
      FLE_CHECK(refuse_encrypted_paths(context, e, scope.view, kSortBy, op.name));
      FLE_CHECK(need_directions(context, e));
    } else {
      FLE_TRY(const View view, need_plain(context, e, scope, op.name));
      if (e.name == "output") output = view;
    }
  }
  return output;
}

struct Accumulator {
  RuleText text;
  Outcome<View> (*rule)(Context&, const Element&, const MatchScope&);
};

constexpr const char* kPassed = "encrypted fields are passed on";
constexpr const char* kRefused = "refused when its argument is or holds an encrypted field";
constexpr Accumulator kAccumulators[] = {
    {{"$push", "encrypted fields are passed on; later stages cannot match in the list",
      Evidence::docs},
     push},
    {{"$addToSet", "as $push; of encrypted fields deterministic ones only", Evidence::docs},
     add_to_set},
    {{"$first", kPassed}, pass},
    {{"$last", kPassed}, pass},
    {{"$sum", kRefused, Evidence::docs}, numbers_only},
    {{"$avg", kRefused, Evidence::docs}, numbers_only},
    {{"$min", kRefused, Evidence::docs}, plain_only},
    {{"$max", kRefused, Evidence::docs}, plain_only},
    {{"$stdDevPop", kRefused, Evidence::docs}, numbers_only},
    {{"$stdDevSamp", kRefused, Evidence::docs}, numbers_only},
    {{"$count", "as it is"}, plain_only},
    {{"$mergeObjects", kRefused}, plain_only},
    {{"$median", kRefused}, plain_only},
    {{"$percentile", kRefused}, plain_only},
    {{"$firstN", kRefused}, plain_only},
    {{"$lastN", kRefused}, plain_only},
    {{"$minN", kRefused}, plain_only},
    {{"$maxN", kRefused}, plain_only},
    {{"$top", "refused when it sorts by an encrypted field or gives one"}, sorting},
    {{"$topN", "as $top"}, sorting},
    {{"$bottom", "as $top"}, sorting},
    {{"$bottomN", "as $top"}, sorting},
    {{"$accumulator", kRefused}, plain_only},
    {{"any other", "refused"}, nullptr},
};
constexpr Accumulator kWindowOperators[] = {
    {{"$rank", "as it is"}, plain_only},
    {{"$denseRank", "as it is"}, plain_only},
    {{"$documentNumber", "as it is"}, plain_only},
    {{"$shift", kRefused}, plain_only},
    {{"$derivative", kRefused}, plain_only},
    {{"$integral", kRefused}, plain_only},
    {{"$covariancePop", kRefused}, plain_only},
    {{"$covarianceSamp", kRefused}, plain_only},
    {{"$expMovingAvg", kRefused}, plain_only},
    {{"$linearFill", kRefused}, plain_only},
    {{"$locf", kRefused}, plain_only},
    {{"$minMaxScaler", kRefused}, plain_only},
};

}  // namespace

Outcome<View> accumulator(Context& context, const Element& e, const MatchScope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, {});
  const Context::Inside inside(context, e);
  Cursor c = context.cursor(e);
  if (!c.next()) return context.refuse(kMalformed, e, {}, {});
  const Element op = c.element();
  if (c.next()) return context.refuse(kMalformed, c.element(), {}, op.name);
  FLE_TRY(const View view, accumulate(context, op, scope));
  FLE_CHECK(context.write_const(op));
  return view;
}

namespace {

/// @param more  tables whose names might have been meant as well.
template <std::size_t n, class... More>
Outcome<View> apply_row(const Accumulator (&rows)[n], Context& context, const Element& op,
                        const MatchScope& scope, const More&... more) {
  const auto* row =
      std::ranges::find_if(rows, [&op](const Accumulator& a) { return op.name == a.text.name; });
  if (row == std::end(rows) || row->rule == nullptr)
    return context.refuse(kUnknownAccumulator, op, {}, op.name, proposal(op.name, rows, more...));
  FLE_CHECK(need_known_arguments(context, op));
  return row->rule(context, op, scope);
}

}  // namespace

Outcome<View> accumulate(Context& context, const Element& op, const MatchScope& scope) {
  return apply_row(kAccumulators, context, op, scope);
}

Outcome<View> window_operator(Context& context, const Element& op, const MatchScope& scope) {
  const bool only_here = std::ranges::any_of(
      kWindowOperators, [&op](const Accumulator& a) { return op.name == a.text.name; });
  return only_here ? apply_row(kWindowOperators, context, op, scope)
                   : apply_row(kAccumulators, context, op, scope, kWindowOperators);
}

namespace {

Done need_groupable_part(Context& context, const Element& e, const View& view,
                         const MatchScope& scope, std::string_view operation) {
  if (!holds_encrypted(view)) return ok;
  if (view.kind != View::Kind::encrypted) return context.refuse(refusal_of(view), e, {}, operation);
  const schema::Leaf& leaf = *view.leaf;
  if (leaf.algorithm == Algorithm::random)
    return context.refuse(kGroupRandom, e, leaf.path, operation);
  const bool strings =
      leaf.types.empty() || leaf.types.contains(Type::string) || leaf.types.contains(Type::symbol);
  if (scope.collation && strings) return context.refuse(kGroupCollation, e, leaf.path, operation);
  if (context.rolls(leaf)) return context.refuse(kRollOver, e, leaf.path, operation);
  return ok;
}

}  // namespace

Done need_groupable(Context& context, const Element& e, const View& view, const MatchScope& scope,
                    std::string_view operation) {
  // A compound key: each part must do. Parts can be shared ({a: "$x", b: "$x"}, stage after stage),
  // so that there are far more ways to them than parts.
  std::vector<View> parts{view};
  while (!parts.empty()) {
    const View part = parts.back();
    parts.pop_back();
    context.work().step();
    if (part.kind != View::Kind::overlay) {
      FLE_CHECK(need_groupable_part(context, e, part, scope, operation));
    } else if (context.fields().is_first_visit(*part.overlay, scope.collation)) {
      parts.insert(parts.end(), part.overlay->bases.begin(), part.overlay->bases.end());
      part.overlay->members.for_each(
          [&parts](std::string_view, const Member& member) { parts.push_back(member.view); });
    }
  }
  return ok;
}

namespace {

template <std::size_t n>
constexpr std::array<RuleText, n> texts(const Accumulator (&rows)[n]) {
  std::array<RuleText, n> out{};
  std::ranges::transform(rows, out.begin(), &Accumulator::text);
  return out;
}

}  // namespace

std::span<const RuleText> accumulator_rules() noexcept {
  static constexpr auto kTexts = texts(kAccumulators);
  return kTexts;
}
std::span<const RuleText> window_operator_rules() noexcept {
  static constexpr auto kTexts = texts(kWindowOperators);
  return kTexts;
}

}  // namespace fle::query
