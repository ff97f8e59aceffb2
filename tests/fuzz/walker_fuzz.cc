// Hostile documents for every walk. Whatever the walks say about one document must agree, and what
// they rewrite must be a document again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fle/bson_walk/walk.h"
#include "fle/schema/compile.h"

namespace {

using fle::Bytes;
using fle::bson::Edits;
using fle::bson::Mark;

void require(bool condition) {
  if (!condition) std::abort();
}

const fle::schema::Plan& plan() {
  static const auto compiled = fle::schema::compile_json(R"({
    "bsonType": "object",
    "encryptMetadata": {
      "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random",
      "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]},
    "properties": {
      "a": {"encrypt": {}},
      "b": {"encrypt": {"bsonType": "int",
            "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
      "c": {"bsonType": "object",
            "properties": {"a": {"encrypt": {}},
                           "c": {"bsonType": "object", "properties": {"t": {"encrypt": {}}}}},
            "additionalProperties": {"encrypt": {"bsonType": ["string", "array", "object"]}}}}})");
  require(compiled.has_value());
  return **compiled;
}

/// Rewrites the marks by strings of sizes that depend on the input, in blocks of the exact size.
void rewrite(Bytes doc, Edits& edits) {
  std::size_t n = 0;
  for (Mark& m : edits.marks()) {
    require(m.type_offset < m.value_offset);
    require(m.value_offset + m.value_size < doc.size());
    require(doc[m.type_offset] == static_cast<std::uint8_t>(m.type));
    require(fle::bson::check_value(m.type, doc.subspan(m.value_offset, m.value_size)).has_value());
    m.new_type = fle::bson::Type::string;
    m.new_size = 5 + static_cast<std::uint32_t>(doc[n++ % doc.size()]);
  }
  const auto size = edits.layout(doc);
  require(size.has_value());
  const auto out = std::make_unique<std::uint8_t[]>(*size);
  edits.write({out.get(), *size}, doc);
  for (const Mark& m : edits.marks()) {
    std::uint8_t* const value = out.get() + m.new_offset;
    std::memset(value, 'x', m.new_size);
    for (int i = 0; i < 4; ++i) value[i] = static_cast<std::uint8_t>((m.new_size - 4) >> (8 * i));
    value[m.new_size - 1] = 0;
  }
  const Bytes rewritten(out.get(), *size);
  require(fle::bson::check_value(fle::bson::Type::object, rewritten).has_value());
  for (const Mark& m : edits.marks()) {
    const auto type_offset = m.new_offset - (m.value_offset - m.type_offset);
    require(fle::bson::path_of(rewritten, type_offset) == fle::bson::path_of(doc, m.type_offset));
  }
}

void walk(Bytes doc) {
  Edits edits;
  const bool well_formed = fle::bson::find_ciphertexts(doc, edits).has_value();
  require(well_formed == fle::bson::check_value(fle::bson::Type::object, doc).has_value());
  if (well_formed) rewrite(doc, edits);

  const fle::Done fields = fle::bson::find_fields(doc, plan(), edits);
  require(fields.has_value() ? well_formed : edits.empty());
  if (fields.has_value()) rewrite(doc, edits);

  for (const char* token : {"a", "1"})
    (void)fle::bson::resolve_pointer(doc, {"/c/x", {"c", token}}).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  walk(input);
  // The first byte as a type, the rest as its value; and all of it as the body of a document.
  if (size > 0)
    (void)fle::bson::check_value(static_cast<fle::bson::Type>(data[0]), input.subspan(1))
        .has_value();
  std::vector<std::uint8_t> doc(4);
  doc.insert(doc.end(), data, data + size);
  doc.push_back(0);
  for (int i = 0; i < 4; ++i)
    doc[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(doc.size() >> (8 * i));
  const auto exact = std::make_unique<std::uint8_t[]>(doc.size());
  std::memcpy(exact.get(), doc.data(), doc.size());
  walk({exact.get(), doc.size()});
  return 0;
}
