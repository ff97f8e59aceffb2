#ifndef FLE_BSON_LIBBSON_H_
#define FLE_BSON_LIBBSON_H_

/// Values from and to libbson. The one header of libfle that needs libbson's: programs that name it
/// link libbson themselves.
///
///   FLE_TRY(const Value ssn, from_libbson(iter));         // of a bson_iter_t
///   FLE_TRY(const Value sealed, encryption.encrypt(ssn, Algorithm::deterministic, key_id));
///   FLE_CHECK(append(document, "ssn", sealed));           // to a bson_t
///
/// Memory of libbson's is not wiped: what is in a bson_t or a bson_value_t is its owner's to wipe.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <bson/bson.h>

#include "fle/bson/little_endian.h"
#include "fle/bson/value.h"
#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/wiped.h"

namespace fle::bson {

/// The bytes of a document, while it stays and is not changed.
[[nodiscard]] inline BorrowedBytes view(const bson_t* document) noexcept {
  return {bson_get_data(document), document->len};
}

/// The value that the iterator stands on, whatever its type.
/// @param iter  bson_iter_next() or bson_iter_find() has returned true for it.
/// @retval Errc::malformed_bson
[[nodiscard]] inline Outcome<Value> from_libbson(const bson_iter_t& iter) {
  const std::uint32_t begin =
      iter.key + static_cast<std::uint32_t>(std::strlen(bson_iter_key(&iter))) + 1;
  return Value::of(static_cast<Type>(iter.raw[iter.type]),
                   Bytes(iter.raw + begin, iter.next_off - begin));
}

namespace internal {

/// Value bytes, put together in memory that is wiped.
class ValueBytes {
 public:
  ValueBytes& put(const void* p, std::size_t n) {
    const auto* const b = static_cast<const std::uint8_t*>(p);
    if (n != 0) bytes_.insert(bytes_.end(), b, b + n);
    return *this;
  }
  ValueBytes& length(std::size_t n) {
    std::uint8_t b[4];
    store32(b, static_cast<std::uint32_t>(n));
    return put(b, sizeof b);
  }
  ValueBytes& number(std::uint64_t n) {
    std::uint8_t b[8];
    store64(b, n);
    return put(b, sizeof b);
  }
  ValueBytes& text(const char* p, std::size_t n) { return length(n + 1).put(p, n).put("", 1); }
  ValueBytes& c_string(const char* p) { return put(p, std::strlen(p) + 1); }
  [[nodiscard]] Bytes all() const noexcept { return bytes_; }

 private:
  WipedBytes bytes_;
};

}  // namespace internal

/// @retval Errc::malformed_bson  of a document or array; or a type that BSON 1.1 does not have
[[nodiscard]] inline Outcome<Value> from_libbson(const bson_value_t& v) {
  internal::ValueBytes b;
  switch (v.value_type) {
    case BSON_TYPE_DOUBLE:
      return Value(v.value.v_double);
    case BSON_TYPE_UTF8:
      return Value(std::string_view(v.value.v_utf8.str, v.value.v_utf8.len));
    case BSON_TYPE_DOCUMENT:
      return Value::document(Bytes(v.value.v_doc.data, v.value.v_doc.data_len));
    case BSON_TYPE_ARRAY:
      return Value::array(Bytes(v.value.v_doc.data, v.value.v_doc.data_len));
    case BSON_TYPE_BINARY:
      return Value::binary(static_cast<std::uint8_t>(v.value.v_binary.subtype),
                           Bytes(v.value.v_binary.data, v.value.v_binary.data_len));
    case BSON_TYPE_OID:
      b.put(v.value.v_oid.bytes, sizeof v.value.v_oid.bytes);
      break;
    case BSON_TYPE_BOOL:
      return Value(v.value.v_bool);
    case BSON_TYPE_DATE_TIME:
      return Value(Date(Date::duration(v.value.v_datetime)));
    case BSON_TYPE_REGEX:
      b.c_string(v.value.v_regex.regex).c_string(v.value.v_regex.options);
      break;
    case BSON_TYPE_DBPOINTER:
      b.text(v.value.v_dbpointer.collection, v.value.v_dbpointer.collection_len)
          .put(v.value.v_dbpointer.oid.bytes, sizeof v.value.v_dbpointer.oid.bytes);
      break;
    case BSON_TYPE_CODE:
      b.text(v.value.v_code.code, v.value.v_code.code_len);
      break;
    case BSON_TYPE_SYMBOL:
      b.text(v.value.v_symbol.symbol, v.value.v_symbol.len);
      break;
    case BSON_TYPE_CODEWSCOPE:
      b.length(4 + 4 + v.value.v_codewscope.code_len + 1 + v.value.v_codewscope.scope_len)
          .text(v.value.v_codewscope.code, v.value.v_codewscope.code_len)
          .put(v.value.v_codewscope.scope_data, v.value.v_codewscope.scope_len);
      break;
    case BSON_TYPE_INT32:
      return Value(std::int32_t{v.value.v_int32});
    case BSON_TYPE_TIMESTAMP:
      b.number(std::uint64_t{v.value.v_timestamp.timestamp} << 32 | v.value.v_timestamp.increment);
      break;
    case BSON_TYPE_INT64:
      return Value(std::int64_t{v.value.v_int64});
    case BSON_TYPE_DECIMAL128:
      return Value(Decimal128{v.value.v_decimal128.high, v.value.v_decimal128.low});
    case BSON_TYPE_EOD:
      return Failure(Errc::malformed_bson, "a bson_value_t without a value");
    default:
      break;  // those without bytes
  }
  return Value::of(static_cast<Type>(v.value_type), b.all());
}

namespace internal {

/// Calls `use` with a document of one element, and an iterator that stands on it.
template <class Use>
[[nodiscard]] Done with_element(std::string_view name, const Value& value, Use use) {
  if (name.size() + value.bytes().size() > BSON_MAX_SIZE - 7)
    return Failure(Errc::document_too_large, "libbson has no documents so large");
  WipedBytes document(4 + 1 + name.size() + 1 + value.bytes().size() + 1);
  store32(document.data(), static_cast<std::uint32_t>(document.size()));
  document[4] = static_cast<std::uint8_t>(value.type());
  std::uint8_t* const at = document.data() + 5;
  if (!name.empty()) std::memcpy(at, name.data(), name.size());
  at[name.size()] = 0;
  if (!value.bytes().empty())
    std::memcpy(at + name.size() + 1, value.bytes().data(), value.bytes().size());
  document.back() = 0;
  bson_t view;
  bson_iter_t iter;
  if (!bson_init_static(&view, document.data(), document.size()) || !bson_iter_init(&iter, &view) ||
      !bson_iter_next(&iter))
    return Failure(Errc::malformed_bson, "libbson does not read the value");
  return use(view, iter);
}

}  // namespace internal

/// Appends a value to a document: byte for byte, where libbson's own functions sort the options of
/// a regular expression, leave out those that they do not know, and end code at a NUL.
/// @param name  without NUL, which would end it in the document: what is behind it would be read
///              as the value.
/// @retval Errc::invalid_argument    NUL in the name
/// @retval Errc::malformed_bson      libbson does not read the value
/// @retval Errc::document_too_large  libbson has no more room
[[nodiscard]] inline Done append(bson_t* document, std::string_view name, const Value& value) {
  if (name.find('\0') != std::string_view::npos)
    return Failure(Errc::invalid_argument, "a field name with NUL in it");
  return internal::with_element(name, value, [&](const bson_t& element, bson_iter_t&) -> Done {
    if (bson_concat(document, &element)) return ok;
    return Failure(Errc::document_too_large, "libbson does not append the value");
  });
}

/// @param out  gets a copy, for bson_value_destroy().
/// @retval Errc::malformed_bson  libbson does not read the value
[[nodiscard]] inline Done to_libbson(bson_value_t* out, const Value& value) {
  return internal::with_element({}, value, [&](const bson_t&, bson_iter_t& iter) -> Done {
    bson_value_copy(bson_iter_value(&iter), out);
    return ok;
  });
}

}  // namespace fle::bson

#endif  // FLE_BSON_LIBBSON_H_
