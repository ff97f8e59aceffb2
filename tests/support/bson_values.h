#ifndef FLE_TESTS_SUPPORT_BSON_VALUES_H_
#define FLE_TESTS_SUPPORT_BSON_VALUES_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bson/bson.h>

#include "fle/bson/type.h"
#include "fle/bytes.h"

namespace fle::test {

using Buf = std::vector<std::uint8_t>;

// Bare BSON values and whole documents for tests, as bytes. Everything throws std::runtime_error on
// input that is not what it says: a test must not go on with it.

/// Owns a libbson document. Not std::unique_ptr: bson_t is over-aligned, and as a template argument
/// it would lose that, says GCC.
class BsonDocument {
 public:
  BsonDocument() : b_(bson_new()) {}
  explicit BsonDocument(bson_t* b) : b_(b) {}
  BsonDocument(BsonDocument&& o) noexcept : b_(std::exchange(o.b_, nullptr)) {}
  BsonDocument& operator=(BsonDocument&&) = delete;
  ~BsonDocument() { bson_destroy(b_); }

  [[nodiscard]] bson_t* get() const noexcept { return b_; }
  [[nodiscard]] Buf bytes() const { return {bson_get_data(b_), bson_get_data(b_) + b_->len}; }

 private:
  bson_t* b_;
};

/// libbson's view of a document, which must outlive it.
[[nodiscard]] inline bson_t bson_view(Bytes document) {
  bson_t b;
  if (!bson_init_static(&b, document.data(), document.size()))
    throw std::runtime_error("not a BSON document");
  return b;
}

/// A BSON type with its value: the element without its name.
struct TypedValue {
  bson::Type type;
  Buf bytes;
  friend bool operator==(const TypedValue&, const TypedValue&) = default;
};

/// The element that `it` stands at, without its name.
[[nodiscard]] TypedValue value_at(const bson_iter_t& it);
/// Every field of a document, or item of an array, in order.
[[nodiscard]] std::vector<std::pair<std::string, TypedValue>> fields_of(Bytes document);
/// The value at the end of `path`, a name for each level; names may have dots in them.
[[nodiscard]] std::optional<TypedValue> find_value(Bytes document,
                                                   std::initializer_list<std::string_view> path);
/// Content of a string; throws on other types.
[[nodiscard]] std::string text_of(const TypedValue& value);
/// Content of a binary of subtype 6; nothing for other values.
[[nodiscard]] std::optional<Buf> payload_of(const TypedValue& value);
void append_value(bson_t* to, const std::string& name, const TypedValue& value);

/// The document {v: value}, which libmongocrypt's explicit functions take and give.
[[nodiscard]] Buf document_with_v(const TypedValue& value);
/// The value of a document that has exactly one field.
[[nodiscard]] TypedValue only_value(Bytes document);
/// The value of a binary: int32 length, subtype, content.
[[nodiscard]] TypedValue binary(std::uint8_t subtype, Bytes content);

[[nodiscard]] Buf from_base64(std::string_view text);
/// Extended JSON to BSON and back, by libbson.
[[nodiscard]] Buf bson_of(std::string_view json);
[[nodiscard]] std::string json_of(Bytes document);

/// Every type that CSFLE encrypts, in order of their numbers.
[[nodiscard]] const std::vector<bson::Type>& encryptable_types();
/// Types that CSFLE never encrypts: undefined, null, maxKey, minKey.
[[nodiscard]] const std::vector<bson::Type>& refused_types();

/// A well-formed value of `type` whose bytes come from `rng`. Types of fixed size ignore `size`;
/// others get exactly `size` bytes, or as few as the type needs.
[[nodiscard]] TypedValue make_value(bson::Type type, std::size_t size, std::mt19937_64& rng);
/// False when make_value ignores `size`.
[[nodiscard]] bool has_variable_size(bson::Type type);

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_BSON_VALUES_H_
