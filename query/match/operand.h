#ifndef FLE_QUERY_SRC_OPERAND_H_
#define FLE_QUERY_SRC_OPERAND_H_

#include <span>
#include <string_view>

#include "ground/context.h"

// What stands where a command has no room for a value: numbers, flags, words of the server.
// Anything else there means nothing to the server, or is refused by it, and would be sent as it is:
// a value that was meant for another place.
namespace fle::query {

/// Whether a place takes `e`.
using Takes = bool (*)(const Context& context, const Element& e);

/// A field of an object that stands in such a place.
struct Part {
  std::string_view name;
  Takes takes;
};
/// Whether `e` is an object of these parts alone, none of them twice.
[[nodiscard]] bool has_only(const Context& context, const Element& e, std::span<const Part> parts);
/// Whether `e` is one of these words.
[[nodiscard]] bool is_word(const Context& context, const Element& e,
                           std::span<const std::string_view> words);

[[nodiscard]] bool takes_number(const Context& context, const Element& e);
[[nodiscard]] bool takes_bool(const Context& context, const Element& e);
/// What is true or false in the server's eyes and cannot be a value that is worth hiding: a number,
/// a boolean, null.
[[nodiscard]] bool takes_truth(const Context& context, const Element& e);
/// The same, or "", which $unset is given.
[[nodiscard]] bool takes_nothing(const Context& context, const Element& e);
[[nodiscard]] bool takes_string(const Context& context, const Element& e);
[[nodiscard]] bool takes_array(const Context& context, const Element& e);
[[nodiscard]] bool takes_object(const Context& context, const Element& e);
/// What is computed: a path, a variable, an operator with its argument.
[[nodiscard]] bool takes_computed(const Context& context, const Element& e);
[[nodiscard]] bool takes_numbers(const Context& context, const Element& e);
/// A regular expression, or its text.
[[nodiscard]] bool takes_pattern(const Context& context, const Element& e);
/// A type's number or name, or an array of such.
[[nodiscard]] bool takes_types(const Context& context, const Element& e);
/// A number, binary, or an array of numbers.
[[nodiscard]] bool takes_bits(const Context& context, const Element& e);
/// A word for a time that passes: "hour".
[[nodiscard]] bool takes_unit(const Context& context, const Element& e);
/// A series of numbers that $bucketAuto knows.
[[nodiscard]] bool takes_granularity(const Context& context, const Element& e);
/// A word that $meta knows.
[[nodiscard]] bool takes_meta(const Context& context, const Element& e);
/// What a field is sorted by: a number, or {$meta: ...}.
[[nodiscard]] bool takes_direction(const Context& context, const Element& e);
/// A number, or an object of fields and their directions.
[[nodiscard]] bool takes_order(const Context& context, const Element& e);
/// What $slice is given in a projection: a number, two, or the arguments of the expression.
[[nodiscard]] bool takes_slice(const Context& context, const Element& e);
/// What $currentDate, $bit, $push and $addToSet are given.
[[nodiscard]] bool takes_clock(const Context& context, const Element& e);
[[nodiscard]] bool takes_bit_operations(const Context& context, const Element& e);
[[nodiscard]] bool takes_pushed(const Context& context, const Element& e);
[[nodiscard]] bool takes_added(const Context& context, const Element& e);

/// Refuses what a place does not take. Null takes anything.
/// @param operation  shown in the error.
[[nodiscard]] Done need(Context& context, const Element& e, Takes takes,
                        std::string_view operation);

/// Whether an expression operator or accumulator has names for its arguments.
[[nodiscard]] bool has_named_arguments(std::string_view operation) noexcept;
/// Refuses an argument of an expression operator or accumulator that it has no name for, or has
/// twice. Operators without named arguments take anything.
[[nodiscard]] Done need_known_arguments(Context& context, const Element& op);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_OPERAND_H_
