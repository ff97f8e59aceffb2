#ifndef FLE_SCHEMA_SRC_LOCATION_H_
#define FLE_SCHEMA_SRC_LOCATION_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/failure.h"
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
  /// What leads here from the root.
  [[nodiscard]] std::vector<std::string> names() const;

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

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_LOCATION_H_
