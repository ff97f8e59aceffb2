#ifndef FLE_TESTS_INTEROP_RANDOM_DOCUMENTS_H_
#define FLE_TESTS_INTEROP_RANDOM_DOCUMENTS_H_

#include <random>
#include <string>
#include <vector>

#include "fle/types.h"
#include "support/bson_values.h"

namespace fle::test {

/// A data key as a schema and a marking name it.
struct NamedKey {
  KeyId id;
  std::string alt_name;
};

/// One field of a random collection.
struct FieldShape {
  enum class Kind { plain, plain_object, plain_array, object, encrypted };
  std::string name;
  Kind kind = Kind::plain;
  bson::Type type{};
  Algorithm algorithm = Algorithm::random;
  NamedKey key;
  bool by_name = false;            ///< The schema has a JSON pointer to the key's alternate name.
  bool inherited = false;          ///< The schema leaves the key to encryptMetadata.
  std::vector<FieldShape> fields;  ///< Of an object; plain objects and arrays choose their own.
};

/// The fields of a random collection: nested objects, some of them encrypted, at least one.
struct CollectionShape {
  std::vector<FieldShape> fields;
  NamedKey root_key;  ///< Of the root's encryptMetadata, and the one that /keyName leads to.
};
[[nodiscard]] CollectionShape make_shape(const std::vector<NamedKey>& keys, std::mt19937_64& rng);

/// The automatic-encryption schema that the shape stands for, as Extended JSON.
[[nodiscard]] std::string schema_of(const CollectionShape& shape);

/// One document of the collection, and what a query analyzer makes of it.
struct RandomDocument {
  Buf plain;
  Buf marked;  ///< The same with placeholders in place of the values to encrypt.
  std::size_t n_encrypted = 0;
};
[[nodiscard]] RandomDocument make_document(const CollectionShape& shape, std::mt19937_64& rng);

}  // namespace fle::test

#endif  // FLE_TESTS_INTEROP_RANDOM_DOCUMENTS_H_
