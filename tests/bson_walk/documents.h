#ifndef FLE_TESTS_BSON_WALK_DOCUMENTS_H_
#define FLE_TESTS_BSON_WALK_DOCUMENTS_H_

#include <algorithm>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <bson/bson.h>

#include "fle/bytes.h"
#include "fle/schema/compile.h"

namespace fle::test {

using Buffer = std::vector<std::uint8_t>;

/// A heap block of exactly the document's size: AddressSanitizer sees one byte read too many.
class Exact {
 public:
  explicit Exact(Bytes b) : p_(new std::uint8_t[b.size()]), size_(b.size()) {
    std::copy(b.begin(), b.end(), p_.get());
  }
  explicit Exact(std::size_t size) : p_(new std::uint8_t[size]), size_(size) {
    std::fill_n(p_.get(), size, std::uint8_t{0xcc});
  }
  [[nodiscard]] Bytes bytes() const { return {p_.get(), size_}; }
  [[nodiscard]] MutBytes mut() { return {p_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> p_;
  std::size_t size_;
};

inline Buffer take(bson_t* b) {
  Buffer out(bson_get_data(b), bson_get_data(b) + b->len);
  bson_destroy(b);
  return out;
}

/// Canonical or relaxed Extended JSON to BSON, by libbson. Single quotes stand for double ones.
inline Buffer from_json(std::string json) {
  std::replace(json.begin(), json.end(), '\'', '"');
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), &error);
  if (b == nullptr) throw std::invalid_argument(error.message);
  return take(b);
}

inline std::string to_json(Bytes doc) {
  bson_t b;
  if (!bson_init_static(&b, doc.data(), doc.size())) return "not a document";
  char* text = bson_as_canonical_extended_json(&b, nullptr);
  std::string out = text == nullptr ? "not a document" : text;
  bson_free(text);
  return out;
}

/// A document with one element: type byte, name, raw value.
inline Buffer one_element(std::uint8_t type, const std::string& name, const Buffer& value) {
  Buffer b(4, 0);
  b.push_back(type);
  b.insert(b.end(), name.begin(), name.end());
  b.push_back(0);
  b.insert(b.end(), value.begin(), value.end());
  b.push_back(0);
  for (std::size_t i = 0; i < 4; ++i) b[i] = static_cast<std::uint8_t>(b.size() >> (8 * i));
  return b;
}

/// `levels` documents in each other, the outermost counted; with arrays in between.
inline Buffer nested(unsigned levels) {
  Buffer b{5, 0, 0, 0, 0};
  for (unsigned i = 1; i < levels; ++i)
    b = one_element(i % 3 == 0 ? BSON_TYPE_ARRAY : BSON_TYPE_DOCUMENT, "0", b);
  return b;
}

/// A schema of `properties`, with one key for all of them.
inline std::shared_ptr<const schema::Plan> plan_of(const std::string& properties,
                                                   const std::string& more = {}) {
  std::string text =
      "{'bsonType':'object','encryptMetadata':{'keyId':[{'$binary':"
      "{'base64':'AAAAAAAAAAAAAAAAAAAAAA==','subType':'04'}}]},'properties':{" +
      properties + "}" + more + "}";
  std::replace(text.begin(), text.end(), '\'', '"');
  auto plan = schema::compile_json(text);
  if (!plan.has_value()) throw std::invalid_argument(plan.error().to_string());
  return *plan;
}

inline std::string deterministic(const std::string& type) {
  return "{'encrypt':{'algorithm':'AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic','bsonType':'" +
         type + "'}}";
}
inline std::string random(const std::string& type = {}) {
  return "{'encrypt':{'algorithm':'AEAD_AES_256_CBC_HMAC_SHA_512-Random'" +
         (type.empty() ? "" : ",'bsonType':'" + type + "'") + "}}";
}
inline std::string object(const std::string& properties) {
  return "{'bsonType':'object','properties':{" + properties + "}}";
}

/// Documents with every BSON type at random, the same for the same seed.
class RandomDocuments {
 public:
  explicit RandomDocuments(std::uint64_t seed) : rng_(seed) {}

  Buffer next() {
    bson_t* b = bson_new();
    fill(b, 0);
    return take(b);
  }
  std::uint64_t below(std::uint64_t n) { return rng_() % n; }

 private:
  std::string text(std::uint64_t most) {
    std::string s(below(most), 'x');
    for (char& c : s) c = static_cast<char>('a' + below(26));
    return s;
  }

  void fill(bson_t* b, int depth) {
    const std::uint64_t n = below(8);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::string key = text(24);
      append(b, key.c_str(), depth);
    }
  }

  void append_binary(bson_t* b, const char* key) {
    static constexpr int kSubtypes[] = {0, 1, 2, 3, 4, 5, 6, 6, 6, 128};
    Buffer content(below(40));
    for (auto& c : content) c = static_cast<std::uint8_t>(below(4));
    bson_append_binary(b, key, -1, static_cast<bson_subtype_t>(kSubtypes[below(10)]),
                       content.data(), static_cast<std::uint32_t>(content.size()));
  }

  void append_scope(bson_t* b, const char* key, int depth) {
    bson_t scope;
    bson_init(&scope);
    if (depth < 6) fill(&scope, depth + 1);
    // libbson writes plain code for an empty scope.
    if (bson_empty(&scope)) bson_append_int32(&scope, "a", -1, 1);
    bson_append_code_with_scope(b, key, -1, text(20).c_str(), &scope);
    bson_destroy(&scope);
  }

  void append(bson_t* b, const char* key, int depth) {
    bson_t child;
    bson_oid_t oid;
    bson_decimal128_t decimal{1, 2};
    switch (below(22)) {
      case 0:
        bson_append_double(b, key, -1, 1.5);
        break;
      case 1:
        bson_append_utf8(b, key, -1, text(40).c_str(), -1);
        break;
      case 2:
        bson_append_document_begin(b, key, -1, &child);
        if (depth < 6) fill(&child, depth + 1);
        bson_append_document_end(b, &child);
        break;
      case 3:
        bson_append_array_begin(b, key, -1, &child);
        if (depth < 6) fill(&child, depth + 1);
        bson_append_array_end(b, &child);
        break;
      case 4:
      case 5:
        append_binary(b, key);
        break;
      case 6:
        bson_append_undefined(b, key, -1);
        break;
      case 7:
        bson_oid_init_from_string(&oid, "0123456789abcdef01234567");
        bson_append_oid(b, key, -1, &oid);
        break;
      case 8:
        bson_append_bool(b, key, -1, below(2) != 0);
        break;
      case 9:
        bson_append_date_time(b, key, -1, 7);
        break;
      case 10:
        bson_append_null(b, key, -1);
        break;
      case 11:
        bson_append_regex(b, key, -1, text(9).c_str(), "ix");
        break;
      case 12:
        bson_oid_init_from_string(&oid, "0123456789abcdef01234567");
        bson_append_dbpointer(b, key, -1, text(9).c_str(), &oid);
        break;
      case 13:
        bson_append_code(b, key, -1, text(20).c_str());
        break;
      case 14:
        bson_append_symbol(b, key, -1, text(20).c_str(), -1);
        break;
      case 15:
        append_scope(b, key, depth);
        break;
      case 16:
        bson_append_int32(b, key, -1, 7);
        break;
      case 17:
        bson_append_timestamp(b, key, -1, 1, 2);
        break;
      case 18:
        bson_append_int64(b, key, -1, 7);
        break;
      case 19:
        bson_append_decimal128(b, key, -1, &decimal);
        break;
      case 20:
        bson_append_maxkey(b, key, -1);
        break;
      default:
        bson_append_minkey(b, key, -1);
        break;
    }
  }

  std::mt19937_64 rng_;
};

/// One element as libbson's iterator sees it.
struct Seen {
  std::uint32_t type_offset;
  std::uint32_t value_size;
  std::uint8_t type;
  bool in_scope;
  std::string path;
};

/// What libbson's iterator finds in `doc`, scopes included, in document order.
/// @return  false when it stops before the end
inline bool iterate(Bytes doc, std::vector<Seen>& out, std::uint32_t base = 0,
                    const std::string& prefix = {}, bool in_scope = false) {
  bson_t b;
  bson_iter_t it;
  if (!bson_init_static(&b, doc.data(), doc.size()) || !bson_iter_init(&it, &b)) return false;
  while (bson_iter_next(&it)) {
    const auto type = static_cast<std::uint8_t>(bson_iter_type_unsafe(&it));
    const std::string path = prefix + bson_iter_key(&it);
    out.push_back({base + it.off, it.next_off - it.d1, type, in_scope, path});
    std::uint32_t n = 0;
    const std::uint8_t* p = nullptr;
    if (type == BSON_TYPE_DOCUMENT) bson_iter_document(&it, &n, &p);
    if (type == BSON_TYPE_ARRAY) bson_iter_array(&it, &n, &p);
    if (type == BSON_TYPE_CODEWSCOPE) {
      std::uint32_t code = 0;
      bson_iter_codewscope(&it, &code, &n, &p);
      // The one thing that libbson 1.23 lets pass and BSON 1.1 does not: code without its NUL.
      if (p == nullptr || p[-1] != 0) return false;
    }
    if (type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY || type == BSON_TYPE_CODEWSCOPE) {
      if (p == nullptr) return false;
      const auto offset = static_cast<std::uint32_t>(p - doc.data());
      if (!iterate({p, n}, out, base + offset, path + ".",
                   in_scope || type == BSON_TYPE_CODEWSCOPE))
        return false;
    }
  }
  // bson_iter_next stops alike at the end and at damage; only the end stands on the last byte.
  return bson_iter_offset(&it) + 1 == doc.size();
}

}  // namespace fle::test

#endif  // FLE_TESTS_BSON_WALK_DOCUMENTS_H_
