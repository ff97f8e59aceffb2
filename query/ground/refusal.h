#ifndef FLE_QUERY_SRC_REFUSAL_H_
#define FLE_QUERY_SRC_REFUSAL_H_

#include "fle/errc.h"
#include "fle/observe.h"

namespace fle::query {

/// Why something is refused. One row for each reason: its id stands in findings and in
/// docs/analysis.md, its text in every error.
struct Refusal {
  Word id;  ///< "match.operator"
  ErrorCode code;
  const char* text;    ///< The specification's words where a test of it wants them.
  const char* advice;  ///< What to write instead.
};

// Anything.
inline constexpr Refusal kMalformed{"command.malformed", Errc::command_malformed,
                                    "has not the shape that it must have",
                                    "compare it with the server's manual"};
inline constexpr Refusal kAmbiguous{
    "path.ambiguous", Errc::ambiguous_path,
    "the schema, or a number or an empty name in the path, gives it more than one meaning",
    "name the field by a path that has one meaning"};
inline constexpr Refusal kUnknown{
    "path.unknown", Errc::encryption_unknown,
    "Cannot get metadata for path whose encryption properties are not known until runtime",
    "use the field before the stage or expression that makes it"};
inline constexpr Refusal kBelow{
    "path.below", Errc::operator_not_allowed,
    "the path leads into an encrypted value, which the server cannot read",
    "use the whole field, or leave the field out of the query and look at it after decryption"};
inline constexpr Refusal kInList{
    "path.in_list", Errc::operator_not_allowed,
    "the path leads to encrypted values in an array that a stage has made",
    "match before the stage that makes the array"};
inline constexpr Refusal kDropped{
    "path.dropped", Errc::comparison_not_possible,
    "a stage before has dropped this encrypted field, or the object that held it, or covered it by "
    "a constant: nothing is left to compare, and the value beside it would be sent as it is",
    "put the stage that uses the field before the one that drops it, as $match before $project or "
    "$group"};
inline constexpr Refusal kPrefix{
    "path.prefix", Errc::comparison_not_possible,
    "the value holds an encrypted field: as a whole it cannot be compared or replaced safely",
    "name the fields below one by one"};

/// Texts of the specification's tests, shared by several operators.
inline constexpr Refusal kRandom{
    "match.random", Errc::random_not_comparable,
    "Cannot query on fields encrypted with the randomized encryption algorithm",
    "encrypt the field with the deterministic algorithm if it must be searched"};

/// While a deterministic field's key is changed (see roll_over).
inline constexpr Refusal kRollOver{
    "roll_over", Errc::comparison_not_possible,
    "the field's key is being changed: equal values may have different ciphertext",
    "compare the field with a value in a filter, or wait until every document has the new key"};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_REFUSAL_H_
