#ifndef FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_
#define FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "fle/schema/plan.h"
#include "reading/value.h"
#include "rules.h"

namespace fle::schema {

/// The options of `encrypt` and `encryptMetadata`, each with the place it came from.
struct EncryptOptions {
  template <class T>
  struct Option {
    T value;
    Location place;
  };
  std::optional<Option<Algorithm>> algorithm;
  std::optional<Option<KeySelector>> key;
  std::optional<Option<bson::TypeSet>> types;  // `encrypt` only; never inherited
  std::size_t n_types = 0;                     // names in it
  // Given, but what was given is wrong: a fault of its own, and not also one that is missing.
  bool wrong_algorithm = false;
  bool wrong_key = false;
  bool wrong_types = false;

  [[nodiscard]] bool any_wrong() const noexcept {
    return wrong_algorithm || wrong_key || wrong_types;
  }
};

/// Reads the object under `encrypt` (with bsonType) or `encryptMetadata` (without). Options that it
/// does not give come from `inherited`: each on its own, the nearest ancestor first.
[[nodiscard]] Outcome<EncryptOptions> read_options(const SchemaValue& value, const Location& place,
                                                   bool with_types, const EncryptOptions& inherited,
                                                   Faults& faults);

/// Makes the leaf, once all options are there and fit each other; nothing where they do not, and
/// the faults of that are kept.
[[nodiscard]] Outcome<std::optional<Leaf>> make_leaf(const EncryptOptions& options,
                                                     std::string path, const Location& place,
                                                     Faults& faults);

/// Whether a name is one of an option of `encrypt`.
[[nodiscard]] bool is_encrypt_option(std::string_view name) noexcept;
/// What was meant by the name of a BSON type that there is none of; empty where nothing is likely.
[[nodiscard]] std::string type_suggestion(std::string_view name);

/// "bsonType" or "type" of a sub-schema: the types it names. None: a fault of it was kept.
[[nodiscard]] Outcome<std::vector<std::string>> read_type_names(const SchemaValue& value,
                                                                const Location& place,
                                                                std::string_view keyword,
                                                                Faults& faults);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_
