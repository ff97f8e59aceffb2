#ifndef FLE_TESTS_CRYPTD_MESSAGES_H_
#define FLE_TESTS_CRYPTD_MESSAGES_H_

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "support/bson_values.h"

namespace fle::test {

// Wire messages, written down a second time and byte by byte, so that the daemon's own functions
// are not what checks them.

inline void put_u32(Buf& out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}
inline std::uint32_t get_u32(Bytes b, std::size_t at) {
  if (at + 4 > b.size()) throw std::runtime_error("message too short");
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;) v = v << 8 | b[at + i];
  return v;
}
inline void put(Buf& out, Bytes b) { out.insert(out.end(), b.begin(), b.end()); }
inline void put_cstring(Buf& out, std::string_view s) {
  out.insert(out.end(), s.begin(), s.end());
  out.push_back(0);
}

/// CRC-32C, bit by bit.
inline std::uint32_t slow_crc32c(Bytes b) {
  std::uint32_t c = 0xffffffff;
  for (const std::uint8_t byte : b) {
    c ^= byte;
    for (int i = 0; i < 8; ++i) c = (c & 1) != 0 ? c >> 1 ^ 0x82f63b78 : c >> 1;
  }
  return ~c;
}

inline Buf with_header(std::int32_t op_code, Bytes content, std::uint32_t request_id = 7) {
  Buf m;
  put_u32(m, static_cast<std::uint32_t>(16 + content.size()));
  put_u32(m, request_id);
  put_u32(m, 0);
  put_u32(m, static_cast<std::uint32_t>(op_code));
  put(m, content);
  return m;
}

inline Buf body(Bytes document) {
  Buf s;
  s.reserve(1 + document.size());  // without it GCC 12 sees a copy beyond the first byte
  s.push_back(0);
  put(s, document);
  return s;
}
inline Buf body(std::string_view json) { return body(bson_of(json)); }

inline Buf sequence(std::string_view name, std::initializer_list<std::string_view> documents) {
  Buf content;
  put_cstring(content, name);
  for (const std::string_view d : documents) put(content, bson_of(d));
  Buf s{1};
  put_u32(s, static_cast<std::uint32_t>(4 + content.size()));
  put(s, content);
  return s;
}

inline constexpr std::uint32_t kChecksum = 1;
inline constexpr std::uint32_t kMore = 2;
inline constexpr std::uint32_t kExhaust = 1 << 16;

/// OP_MSG of sections, its checksum computed if `flags` ask for one.
inline Buf op_msg(const std::vector<Buf>& sections, std::uint32_t flags = 0,
                  std::uint32_t request_id = 7) {
  Buf content;
  put_u32(content, flags);
  for (const Buf& s : sections) put(content, s);
  if ((flags & kChecksum) == 0) return with_header(2013, content, request_id);
  put_u32(content, 0);
  Buf m = with_header(2013, content, request_id);
  m.resize(m.size() - 4);
  put_u32(m, slow_crc32c(m));
  return m;
}
inline Buf op_msg(std::string_view json, std::uint32_t flags = 0, std::uint32_t request_id = 7) {
  return op_msg(std::vector<Buf>{body(json)}, flags, request_id);
}

inline Buf op_query(std::string_view collection, std::string_view json) {
  Buf content;
  put_u32(content, 0);
  put_cstring(content, collection);
  put_u32(content, 0);
  put_u32(content, 0xffffffff);
  put(content, bson_of(json));
  return with_header(2004, content);
}

/// An answer, taken apart. Everything that must hold for any answer is checked on the way.
struct Reply {
  std::uint32_t op_code = 0;
  std::uint32_t response_to = 0;
  std::uint32_t flags = 0;
  Buf document;

  explicit Reply(Bytes m) {
    if (get_u32(m, 0) != m.size()) throw std::runtime_error("length of the answer");
    response_to = get_u32(m, 8);
    op_code = get_u32(m, 12);
    flags = get_u32(m, 16);
    if (op_code == 2013) {
      if (flags > kChecksum) throw std::runtime_error("flags of the answer");
      const std::size_t end = m.size() - 4 * flags;
      if (flags != 0 && get_u32(m, end) != slow_crc32c(m.first(end)))
        throw std::runtime_error("checksum of the answer");
      if (end < 21 || m[20] != 0) throw std::runtime_error("section of the answer");
      document.assign(m.begin() + 21, m.begin() + static_cast<std::ptrdiff_t>(end));
    } else {
      if (op_code != 1 || get_u32(m, 32) != 1) throw std::runtime_error("not an OP_REPLY of one");
      document.assign(m.begin() + 36, m.end());
    }
    if (get_u32(document, 0) != document.size()) throw std::runtime_error("not one document");
  }

  [[nodiscard]] std::string json() const { return json_of(document); }
  /// The error's code, 0 for {ok: 1}.
  [[nodiscard]] std::int32_t code() const {
    const bson_t b = bson_view(document);
    bson_iter_t it;
    if (!bson_iter_init_find(&it, &b, "ok") || !BSON_ITER_HOLDS_DOUBLE(&it))
      throw std::runtime_error("no ok: " + json());
    if (bson_iter_double(&it) == 1.0) return 0;
    if (!bson_iter_init_find(&it, &b, "code") || !BSON_ITER_HOLDS_INT32(&it))
      throw std::runtime_error("no code: " + json());
    return bson_iter_int32(&it);
  }
  [[nodiscard]] bool has(const char* key) const {
    const bson_t b = bson_view(document);
    return bson_has_field(&b, key);
  }
};

}  // namespace fle::test

#endif  // FLE_TESTS_CRYPTD_MESSAGES_H_
