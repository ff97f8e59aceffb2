#ifndef FLE_SCHEMA_SRC_RULES_H_
#define FLE_SCHEMA_SRC_RULES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fle/failure.h"
#include "reading/location.h"

// What a schema may break, and where that is noted.
namespace fle::schema {

// X(name, id, code, repair): one line each. The repair is what to do, for whoever wrote the schema.
// clang-format off
#define FLE_SCHEMA_RULES(X)                                                                          \
  X(syntax, "schema.syntax", Errc::schema_syntax,                                                    \
    "write one JSON object, in UTF-8, each name once")                                               \
  X(which, "schema.which", Errc::schema_bad_value,                                                   \
    "name the collection: DB.COLL")                                                                  \
  X(none_inside, "schema.none_inside", Errc::schema_bad_value,                                       \
    "put the schema under 'validator', '$jsonSchema', or hand over the schema alone")                \
  X(not_object, "schema.not_object", Errc::schema_type_mismatch,                                     \
    "write an object: {} says nothing of a field")                                                   \
  X(work_limit, "schema.work_limit", Errc::work_limit,                                               \
    "list fields in 'properties' instead of patterns, or raise the budget")                          \
  X(keyword_unknown, "keyword.unknown", Errc::schema_unknown_keyword,                                \
    "correct the name, or remove it")                                                                \
  X(keyword_remote_only, "keyword.remote_only", Errc::schema_remote_only,                            \
    "remove it: it belongs into the collection's validator, and is read there as a remote schema")   \
  X(keyword_not_object, "keyword.not_object", Errc::schema_type_mismatch,                            \
    "list fields in it, each with its schema: {\"field\": {...}}")                                   \
  X(type_twice, "type.twice", ErrorDetail::bson_type_beside_type,                                    \
    "keep 'bsonType' and remove 'type'")                                                             \
  X(type_unknown, "type.unknown", Errc::schema_bad_value,                                            \
    "name a BSON type: string, int, long, double, decimal, bool, date, objectId, binData, object, "  \
    "array, ...")                                                                                    \
  X(type_not_string, "type.not_string", Errc::schema_type_mismatch,                                  \
    "write the type as a string, or several as an array of strings")                                 \
  X(type_none, "type.none", Errc::schema_bad_value,                                                  \
    "name a type, or remove the keyword")                                                            \
  X(type_not_encryptable, "type.not_encryptable", ErrorDetail::type_not_encryptable,                 \
    "take the random algorithm where it encrypts the type, or leave the type out")                   \
  X(encrypt_sibling, "encrypt.sibling", ErrorDetail::encrypt_beside_keyword,                         \
    "move 'bsonType' into 'encrypt', and remove other keywords: nothing can look into ciphertext")   \
  X(encrypt_at_root, "encrypt.at_root", Errc::schema_bad_position,                                   \
    "give each field its own 'encrypt' in 'properties'; 'encryptMetadata' holds what they share")    \
  X(encrypt_unreachable, "encrypt.unreachable", Errc::schema_bad_position,                           \
    "encrypt the field in 'properties', an array as a whole with the random algorithm")              \
  X(encrypt_not_object, "encrypt.not_object", Errc::schema_type_mismatch,                            \
    "write an object with algorithm, keyId and bsonType")                                            \
  X(option_unknown, "option.unknown", ErrorDetail::schema_unknown_option,                            \
    "correct the name, or remove it")                                                                \
  X(metadata_position, "metadata.position", Errc::schema_bad_position,                               \
    "add \"bsonType\": \"object\" beside it")                                                        \
  X(metadata_empty, "metadata.empty", ErrorDetail::metadata_empty,                                   \
    "put 'algorithm', 'keyId' or both into it, or remove it")                                        \
  X(ancestor_not_object, "ancestor.not_object", Errc::schema_bad_position,                           \
    "set \"bsonType\": \"object\" here; an array around a field cannot be, encrypt it as a whole")   \
  X(name_dotted, "name.dotted", Errc::schema_bad_position,                                           \
    "rename the field in the documents; a path is written as nested 'properties'")                   \
  X(id_random, "id.random", Errc::schema_conflict,                                                   \
    "take the deterministic algorithm for _id, or leave it plain: \"_id\": {} in 'properties'")      \
  X(id_ambiguous, "id.ambiguous", Errc::schema_conflict,                                             \
    "give _id an entry of its own in 'properties'")                                                  \
  X(pattern_bad, "pattern.bad", Errc::schema_bad_value,                                              \
    "correct the regular expression (PCRE), or list the fields in 'properties'")                     \
  X(pattern_not_built, "pattern.not_built", Errc::not_in_build,                                      \
    "list the fields in 'properties', or take a build with PCRE2")                                   \
  X(pattern_conflict, "pattern.conflict", Errc::schema_conflict,                                     \
    "let both say the same, or narrow the pattern")                                                  \
  X(patterns_many, "pattern.many", Errc::schema_bad_value,                                           \
    "list fields in 'properties' instead of patterns")                                               \
  X(algorithm_not_string, "algorithm.not_string", Errc::schema_type_mismatch,                        \
    "write the name of the algorithm as a string")                                                   \
  X(algorithm_unknown, "algorithm.unknown", Errc::schema_bad_value,                                  \
    "Deterministic where the field is searched for, Random elsewhere")                               \
  X(algorithm_missing, "algorithm.missing", Errc::schema_incomplete,                                 \
    "add 'algorithm' to 'encrypt', or to 'encryptMetadata' at the root for all fields")              \
  X(key_missing, "key.missing", Errc::schema_incomplete,                                             \
    "add \"keyId\": [{\"$uuid\": \"...\"}] to 'encrypt', or to 'encryptMetadata' at the root for all") \
  X(key_not_array, "key.not_array", ErrorDetail::key_id_not_an_array,                                \
    "write \"keyId\": [{\"$uuid\": \"...\"}], with brackets")                                        \
  X(key_not_one, "key.not_one", ErrorDetail::key_id_not_one,                                         \
    "keep one UUID: a value is encrypted under one key")                                             \
  X(key_item, "key.not_binary", ErrorDetail::key_id_item_not_binary,                                 \
    "write the UUID as {\"$uuid\": \"...\"}, not as a string")                                       \
  X(key_not_uuid, "key.not_uuid", ErrorDetail::key_id_not_a_uuid,                                    \
    "write the UUID as {\"$uuid\": \"...\"}, as 'fle key create' prints it")                         \
  X(pointer_empty, "pointer.empty", ErrorDetail::pointer_empty,                                      \
    "write /field, or a UUID in an array")                                                           \
  X(pointer_relative, "pointer.relative", ErrorDetail::pointer_without_slash,                        \
    "put '/' in front; the name of a key itself cannot stand in a schema")                           \
  X(pointer_escape, "pointer.escape", ErrorDetail::pointer_bad_escape,                               \
    "write ~0 for '~' and ~1 for '/' in a name")                                                     \
  X(pointer_long, "pointer.long", Errc::schema_bad_pointer,                                          \
    "keep the key's name nearer to the root of the document")                                        \
  X(pointer_deterministic, "pointer.deterministic", Errc::schema_bad_pointer,                        \
    "give the field a key by UUID, or take the random algorithm")                                    \
  X(pointer_encrypted, "pointer.encrypted", Errc::schema_bad_pointer,                                \
    "point to a string that stays plain")                                                            \
  X(deterministic_no_type, "deterministic.no_type", Errc::schema_incomplete,                         \
    "add the field's one type to 'encrypt': 'bsonType'")                                             \
  X(deterministic_types, "deterministic.types", Errc::schema_bad_value,                              \
    "keep the one type that the field has; where it has several, take the random algorithm")
// clang-format on

enum class Rule : std::uint8_t {
#define FLE_SCHEMA_RULE_ENUMERATOR(name, id, code, repair) name,
  FLE_SCHEMA_RULES(FLE_SCHEMA_RULE_ENUMERATOR)
#undef FLE_SCHEMA_RULE_ENUMERATOR
};

struct RuleInfo {
  const char* id;  ///< Stable: scripts rely on it.
  ErrorCode code;
  const char* repair;
};
/// In the order of the enumerators.
[[nodiscard]] std::span<const RuleInfo> rules() noexcept;
[[nodiscard]] const RuleInfo& info(Rule rule) noexcept;

struct Fault {
  Rule rule;
  Failure failure;
};

/// Where a compilation takes its faults: the first one ends it, or all are kept.
class Faults {
 public:
  /// More are not kept: a schema with as many has one cause.
  static constexpr std::size_t kMost = 1000;

  Faults() = default;
  explicit Faults(std::vector<Fault>& all) noexcept : all_(&all) {}

  /// A broken rule: the failure to end with, or ok where it was kept and the rest is to be read.
  [[nodiscard]] Done found(Rule rule, const std::string& message, const Location& place);
  /// Behind this one nothing can be read.
  [[nodiscard]] Failure last(Rule rule, const std::string& message, const Location& place);
  [[nodiscard]] bool keeps_all() const noexcept { return all_ != nullptr; }

 private:
  std::vector<Fault>* all_ = nullptr;
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_RULES_H_
