#ifndef FLE_TOOLS_MONGOCRYPT_READING_QUERYABLE_H_
#define FLE_TOOLS_MONGOCRYPT_READING_QUERYABLE_H_

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/failure.h"

namespace fle::mongocrypt {

/// A driver's encryptedFieldsMap: whether it is one document of documents.
/// @retval Errc::malformed_bson, Errc::schema_bad_value
[[nodiscard]] Done check_encrypted_field_map(Bytes map);

/// Which collections have encryptedFields, where somebody is there for them: those of a driver's
/// map, and those that a server has told of. The latter for as long as the original remembers them,
/// which forgets nothing before. Of those that the driver has a schema for, a server is not asked,
/// and not believed.
/// Thread-safe.
class QueryableCollections {
 public:
  /// @param map         of the driver, "db.collection" to fields; may be empty.
  /// @param schema_map  of the driver, "db.collection" to schema; may be empty.
  QueryableCollections(Bytes map, Bytes schema_map);

  [[nodiscard]] bool contains(std::string_view ns);
  /// Looks at an answer of a server to listCollections. True: the collection is one.
  bool learn(std::string_view db, Bytes collection_info);

 private:
  using Clock = std::chrono::steady_clock;

  std::set<std::string, std::less<>> of_map_;
  std::set<std::string, std::less<>> of_schema_map_;
  std::mutex mutex_;
  std::map<std::string, Clock::time_point, std::less<>> learned_;  // until when
};

/// Whether a document holds encrypted values of another protocol than libfle's. False for what is
/// no document.
[[nodiscard]] bool holds_queryable(Bytes document);

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_READING_QUERYABLE_H_
