#ifndef FLE_TESTS_KMS_SUPPORT_H_
#define FLE_TESTS_KMS_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "fle/kms/key_document.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/provider.h"

namespace fle::kms::test {

using Buf = std::vector<std::uint8_t>;

/// Extended JSON to BSON, by libbson.
inline Buf bson_of(const std::string& json) {
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), &error);
  if (b == nullptr) throw std::runtime_error(std::string(error.message) + " in " + json);
  const std::uint8_t* p = bson_get_data(b);
  Buf out(p, p + b->len);
  bson_destroy(b);
  return out;
}

inline std::string json_of(Bytes bson) {
  bson_t b;
  if (!bson_init_static(&b, bson.data(), bson.size())) throw std::runtime_error("not BSON");
  char* s = bson_as_canonical_extended_json(&b, nullptr);
  if (s == nullptr) throw std::runtime_error("not BSON inside");
  std::string out = s;
  bson_free(s);
  return out;
}

inline Buf master_key_bytes(std::uint8_t seed = 1) {
  Buf b(96);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::uint8_t>(seed * 7 + i * 13);
  return b;
}

inline std::shared_ptr<const Providers> local_providers(std::uint8_t seed = 1) {
  auto p = std::make_shared<Providers>();
  const auto added = p->add_local("local", master_key_bytes(seed));
  if (!added) throw std::runtime_error(added.error().to_string());
  return p;
}

inline KeyId id_of(std::uint32_t n) {
  KeyId id;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return id;
}

/// A well-formed document; its material is not a real wrap.
inline KeyDocument document(std::uint32_t n, std::vector<std::string> names = {}) {
  KeyDocument d;
  d.id = id_of(n);
  d.alt_names = std::move(names);
  d.key_material = Buf(160, static_cast<std::uint8_t>(n));
  d.creation_date = KeyDocument::Time(std::chrono::milliseconds(1'600'000'000'000 + n));
  d.update_date = d.creation_date;
  d.master_key = MasterKey::local();
  return d;
}

/// The data key of real_document(n): each is another one.
inline Buf data_key_of(std::uint32_t n) {
  Buf key(96, static_cast<std::uint8_t>(n + 1));
  for (std::size_t i = 0; i < 3; ++i) key[i] ^= static_cast<std::uint8_t>(n >> (8 * (i + 1)));
  return key;
}

/// A document whose material is a data key under the master key of local_providers(seed).
inline KeyDocument real_document(std::uint32_t n, std::vector<std::string> names = {},
                                 std::uint8_t seed = 1) {
  KeyDocument d = document(n, std::move(names));
  auto dek = SecretBytes::copy_of(data_key_of(n));
  auto provider = local_providers(seed);
  d.key_material = *(*provider->find("local"))->wrap(*dek, d.master_key);
  return d;
}

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_SUPPORT_H_
