#ifndef FLE_TESTS_QUERY_LEAK_SCHEMA_MODEL_H_
#define FLE_TESTS_QUERY_LEAK_SCHEMA_MODEL_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/leak/tree.h"

// A schema as a tree, from which the generator, the oracle and the JSON text are made. What a field
// name means in it is looked up by the plainest reading of the specification; schema::Plan, which
// compiles the text, is not asked.
namespace fle::test::leak {

/// The data keys of all schemas: key number n has an id of sixteen bytes 0x11 * (n + 1), and the
/// alternate name "alt<n>".
inline constexpr int kKeys = 3;
inline constexpr int kPointerKey = -1;  ///< keyId: "/keyName"

/// A sub-schema and the name, or pattern of names, that it stands for.
template <class Name>
struct NamedSchema;

struct SchemaNode {
  enum class Kind { plain, object, encrypted };
  struct Pattern {
    std::string text;
    bool at_start = true;  ///< "^text", else "text$".
    [[nodiscard]] bool finds(std::string_view name) const noexcept {
      return at_start ? name.starts_with(text) : name.ends_with(text);
    }
  };
  SchemaNode(Kind k = Kind::plain);  // NOLINT(google-explicit-constructor)

  Kind kind;

  // Of an encrypted field: what holds in the end, and whether the text leaves it to
  // encryptMetadata.
  bool deterministic = false;
  int key = 0;
  std::vector<Type> types;  ///< None: whatever the algorithm allows.
  bool inherits_algorithm = false;
  bool inherits_key = false;

  // Of an object.
  std::vector<NamedSchema<std::string>> properties;
  std::vector<NamedSchema<Pattern>> patterns;
  std::vector<SchemaNode> additional;  ///< One, or none.
  struct Metadata {
    bool has_algorithm = false;
    bool deterministic = false;
    bool has_key = false;
    int key = 0;
  };
  Metadata metadata{};

  /// Everything that the schema says about the field `name` of this object; it may contradict
  /// itself. Empty: nothing, the field is plain.
  [[nodiscard]] std::vector<const SchemaNode*> children(std::string_view name) const;
  [[nodiscard]] bool encrypts() const;  ///< Here or below.
};

template <class Name>
struct NamedSchema {
  Name name;
  SchemaNode node;
};

inline SchemaNode::SchemaNode(Kind k) : kind(k) {}

/// A path that commands may name, and what the schema says about it.
struct Path {
  enum class Kind { plain, prefix, encrypted };
  std::string dotted;
  Kind kind;
  const SchemaNode* node = nullptr;  ///< Null where the schema does not know the field.
};

/// One collection of a random database.
struct Collection {
  std::string name;
  bool has_schema = true;
  bool remote = false;
  SchemaNode root{};
  std::string json{};  ///< The schema's text.
  std::vector<Path> paths{};

  /// One of a kind; null where there is none.
  [[nodiscard]] const Path* pick(Rng& rng, Path::Kind kind) const;
};

/// @param patterns  false for builds that know no patternProperties.
/// Now and then contradictory: the compiler refuses those.
[[nodiscard]] Collection random_collection(std::string name, bool patterns, Rng& rng);

[[nodiscard]] std::string schema_json(const SchemaNode& root, bool remote);
[[nodiscard]] std::vector<Path> list_paths(const SchemaNode& root);

/// A type that the field takes.
[[nodiscard]] Type type_for(const SchemaNode& leaf, Rng& rng);
/// Any type that can be stored.
[[nodiscard]] Type any_type(Rng& rng);

}  // namespace fle::test::leak

#endif  // FLE_TESTS_QUERY_LEAK_SCHEMA_MODEL_H_
