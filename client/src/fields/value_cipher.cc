#include "fle/client/value_cipher.h"

#include <algorithm>

#include "binary.h"
#include "count_fields.h"
#include "field_failures.h"
#include "fle/batch.h"
#include "fle/bson_walk/walk.h"
#include "fle/overlap.h"

namespace fle::client {

Done check_encryptable(bson::Type type, Bytes value, Algorithm algorithm) {
  if (!bson::encryptable(type, algorithm)) {
    return Failure(Errc::type_not_allowed,
                   std::string(algorithm == Algorithm::deterministic &&
                                       bson::encryptable(type, Algorithm::random)
                                   ? "BSON type invalid for deterministic encryption: "
                                   : "BSON type invalid for encryption: ") +
                       std::string(bson::alias(type)));
  }
  FLE_CHECK(bson::check_value(type, value));
  if (type == bson::Type::bin_data && value[kBinaryHeaderLen - 1] == bson::kSubtypeEncrypted) {
    return Failure(Errc::type_not_allowed, "BSON binary subtype 6 is invalid for encryption");
  }
  return ok;
}

namespace {

/// A value that was found to be encryptable, to exactly payload_len() bytes.
Done seal_value(MutBytes out, bson::Type type, Bytes value, Algorithm algorithm,
                const kms::ResolvedKey& key) {
  const SealJob job{&key.key, key.id, algorithm, static_cast<std::uint8_t>(type), value, out};
  if (const BatchStatus sealed = seal_batch({&job, 1}); !sealed) {
    return not_sealed(sealed.error().code);
  }
  count_sealed(counts_of(std::span<const SealJob>(&job, 1)));
  return ok;
}

}  // namespace

Outcome<std::size_t> encrypt_value(MutBytes out, bson::Type type, Bytes value, Algorithm algorithm,
                                   const kms::ResolvedKey& key) {
  FLE_CHECK(check_encryptable(type, value, algorithm));
  const std::size_t len = payload_len(value.size());
  if (out.size() < len) return buffer_too_small();
  if (overlap(out.first(len), value)) return overlapping();
  FLE_CHECK(seal_value(out.first(len), type, value, algorithm, key));
  return len;
}

Outcome<std::vector<std::uint8_t>> encrypt_value(bson::Type type, Bytes value, Algorithm algorithm,
                                                 const kms::ResolvedKey& key) {
  FLE_CHECK(check_encryptable(type, value, algorithm));
  std::vector<std::uint8_t> payload(payload_len(value.size()));
  FLE_CHECK(seal_value(payload, type, value, algorithm, key));
  return payload;
}

Outcome<bson::Value> encrypt_value(const bson::Value& value, Algorithm algorithm,
                                   const kms::ResolvedKey& key) {
  FLE_TRY(const std::vector<std::uint8_t> payload,
          encrypt_value(value.type(), value.bytes(), algorithm, key));
  return bson::Value::binary(bson::kSubtypeEncrypted, payload);
}

Outcome<ValueInPlace> decrypt_value(MutBytes out, Bytes payload, kms::KeyRing& keys) {
  if (overlap(out, payload)) return overlapping();
  const auto fail = [out](Failure why) {
    wipe(out);
    return why;
  };
  const auto header = parse_payload(payload);
  if (!header) return fail(malformed_payload());
  if (out.size() < open_capacity(payload.size())) return fail(buffer_too_small());
  kms::KeyLease lease;
  const kms::ResolvedKey* key = nullptr;
  if (const Done found = keys.lease(lease, {.ids = {&header->key_id, 1}, .by_id = {&key, 1}});
      !found) {
    return fail(found.error());
  }
  OpenJob job{&key->key, payload, out};
  if (const BatchStatus opened = open_batch({&job, 1}); !opened)
    return does_not_open(opened.error().code);  // open_batch has wiped `out`
  const auto type = static_cast<bson::Type>(header->bson_type);
  if (!bson::check_value(type, out.first(job.plaintext_len))) return fail(malformed_plaintext());
  count_opened(counts_of(std::span<const OpenJob>(&job, 1)));
  return ValueInPlace{type, job.plaintext_len};
}

Outcome<DecryptedValue> decrypt_value(Bytes payload, kms::KeyRing& keys) {
  WipedBuffer scratch;
  FLE_CHECK(scratch.reset(open_capacity(payload.size())));
  FLE_TRY(const ValueInPlace value, decrypt_value(scratch.bytes(), payload, keys));
  DecryptedValue v{value.type, {}};
  FLE_CHECK(v.bytes.reset(value.size));
  std::copy_n(scratch.bytes().begin(), value.size, v.bytes.bytes().begin());
  return v;
}

Outcome<bson::Value> decrypt_value(const bson::Value& encrypted, kms::KeyRing& keys) {
  FLE_TRY(const bson::Binary binary, encrypted.as_binary());
  if (binary.subtype != bson::kSubtypeEncrypted)
    return Failure(Errc::wrong_type, "the value is a binary of subtype " +
                                         std::to_string(binary.subtype) +
                                         ", not an encrypted one (subtype 6)");
  FLE_TRY(const DecryptedValue plain, decrypt_value(binary.bytes, keys));
  return bson::Value::of(plain.type, plain.bytes.bytes());
}

}  // namespace fle::client
