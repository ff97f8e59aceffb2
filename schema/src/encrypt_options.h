#ifndef FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_
#define FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "fle/schema/plan.h"
#include "value.h"

namespace fle::schema {

/// A place in the schema, for errors: its pointer becomes a text when there is one. A text for each
/// place would take the depth of the schema times its size.
class Location {
 public:
  /// The root.
  explicit Location(std::size_t where = 0) noexcept : offset(where) {}
  [[nodiscard]] Location at(std::string_view name, std::size_t where) const {
    Location inner;
    inner.offset = where;
    inner.step_ = std::make_shared<const Step>(Step{step_, std::string(name)});
    return inner;
  }
  [[nodiscard]] Location at(std::string_view name, const SchemaValue& value) const {
    return at(name, value.offset);
  }
  /// RFC 6901.
  [[nodiscard]] std::string pointer() const;

  std::size_t offset;

 private:
  struct Step {
    std::shared_ptr<const Step> outer;
    std::string name;
  };
  std::shared_ptr<const Step> step_;
};

/// The compiler does not see the text: until compile_json puts in line and column, `column` holds
/// the byte offset of the place.
[[nodiscard]] Failure fail(ErrorCode code, const std::string& message, const Location& place);

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
};

/// Reads the object under `encrypt` (with bsonType) or `encryptMetadata` (without). Options that it
/// does not give come from `inherited`: each on its own, the nearest ancestor first.
[[nodiscard]] Outcome<EncryptOptions> read_options(const SchemaValue& value, const Location& place,
                                                   bool with_types,
                                                   const EncryptOptions& inherited);

/// Makes the leaf, once all options are there and fit each other.
[[nodiscard]] Outcome<Leaf> make_leaf(const EncryptOptions& options, std::string path,
                                      const Location& place);

/// Whether a name is one of an option of `encrypt`.
[[nodiscard]] bool is_encrypt_option(std::string_view name) noexcept;
/// What was meant by the name of a BSON type that there is none of; empty where nothing is likely.
[[nodiscard]] std::string type_suggestion(std::string_view name);

/// "bsonType" or "type" of a sub-schema: the types it names.
[[nodiscard]] Outcome<std::vector<std::string>> read_type_names(const SchemaValue& value,
                                                                const Location& place,
                                                                std::string_view keyword);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_ENCRYPT_OPTIONS_H_
