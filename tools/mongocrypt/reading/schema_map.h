#ifndef FLE_TOOLS_MONGOCRYPT_READING_SCHEMA_MAP_H_
#define FLE_TOOLS_MONGOCRYPT_READING_SCHEMA_MAP_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/schema/plan.h"

namespace fle::mongocrypt {

/// A driver's schemaMap. Each schema is compiled when a command first needs it, as libmongocrypt's
/// users expect: one that is broken stops only the commands on its collection. Thread-safe.
class SchemaMap {
 public:
  /// @param document  BSON: {"db.collection": schema, ...}; copied.
  /// @retval Errc::malformed_bson    not a document
  /// @retval Errc::schema_bad_value  a value that is no document, a collection that stands twice
  [[nodiscard]] static Outcome<std::unique_ptr<SchemaMap>> from_bson(Bytes document);

  /// Null for a collection that is not in the map.
  /// @retval as schema::compile_bson; remembered
  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> find(std::string_view ns);

 private:
  struct Entry {
    std::vector<std::uint8_t> schema;
    std::optional<Outcome<std::shared_ptr<const schema::Plan>>> compiled;
  };
  std::shared_mutex mutex_;  // guards Entry::compiled
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_READING_SCHEMA_MAP_H_
