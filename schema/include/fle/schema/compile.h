#ifndef FLE_SCHEMA_COMPILE_H_
#define FLE_SCHEMA_COMPILE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/budget.h"
#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/schema/plan.h"

namespace fle::schema {

/// Where a schema comes from (CSFLE specification, "JSONSchema").
enum class Origin : std::uint8_t {
  local,   ///< Given by the application (schemaMap): validation keywords are refused.
  remote,  ///< A collection's validator: validation keywords are known and ignored.
};

/// Compiles an automatic-encryption JSON Schema, given as Extended JSON text (relaxed or canonical,
/// {"$uuid": ...} and the legacy {"$binary": ..., "$type": ...} included).
///
/// Every rule of the CSFLE schema is checked: see docs/schema.md. A Failure carries the JSON
/// pointer in `path`, and line and column of the offending token.
///
/// @param budget  for searching the names in `properties` with the patterns beside them.
/// @retval Errc::schema_syntax .. Errc::schema_bad_pointer
/// @retval Errc::work_limit    the budget is spent; names the pattern that took the most
/// @retval Errc::not_in_build  patternProperties in a build without PCRE2
[[nodiscard]] FLE_API Outcome<std::shared_ptr<const Plan>> compile_json(
    std::string_view text, Origin origin = Origin::local, const Budget& budget = {});

/// The same for a schema as people keep it, in what stands around it: a validator
/// ({"$jsonSchema": ...}), a document that has one (the commands create and collMod, a collection's
/// options, an entry of listCollections, and a list or an answer of such entries), or a driver's
/// schema map ({"db.collection": ...}). A schema out of a validator is compiled as Origin::remote.
/// The others here refuse all of that, and name it.
///
/// @param ns  "db.collection": whose schema to take from a schema map, or of which collection from
///            a list. Empty: the only one.
/// @retval Errc::schema_bad_value  a schema map with several schemas, or none of `ns`; a validator
///                                 without a $jsonSchema
[[nodiscard]] FLE_API Outcome<std::shared_ptr<const Plan>> compile_wrapped_json(
    std::string_view text, Origin origin, std::string_view ns, const Budget& budget = {});

/// Where compile_wrapped_json finds the schema: the names that lead to it, {"validator",
/// "$jsonSchema"} or {"clinic.patients"}; none where the text itself is the schema. What it finds
/// need not compile. Failures as there.
[[nodiscard]] FLE_API Outcome<std::vector<std::string>> find_wrapped_json(std::string_view text,
                                                                          std::string_view ns);

/// Of which collections a text has schemas.
struct WrappedCollections {
  std::vector<std::string> names;  ///< none: the text is one schema, in whatever stands around it
  bool with_database = true;       ///< false: of a list, which is of one database
};
/// The collections whose schemas compile_wrapped_json takes from a text: those of a schema map, or
/// those in a list that have a schema. What they have need not compile.
/// @retval Errc::schema_syntax     the text is no JSON
/// @retval Errc::schema_bad_value  there is no schema in what stands around it
[[nodiscard]] FLE_API Outcome<WrappedCollections> find_wrapped_collections_json(
    std::string_view text);

/// As compile_json for a schema that is a BSON document (a validator's $jsonSchema). Errors carry
/// the JSON pointer only.
[[nodiscard]] FLE_API Outcome<std::shared_ptr<const Plan>> compile_bson(
    Bytes document, Origin origin = Origin::local, const Budget& budget = {});

}  // namespace fle::schema

#endif  // FLE_SCHEMA_COMPILE_H_
