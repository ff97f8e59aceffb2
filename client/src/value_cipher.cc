#include "fle/client/value_cipher.h"

#include <algorithm>

#include "binary.h"
#include "count_fields.h"
#include "field_failures.h"
#include "fle/batch.h"
#include "fle/bson_walk/walk.h"

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

Outcome<std::vector<std::uint8_t>> encrypt_value(bson::Type type, Bytes value, Algorithm algorithm,
                                                 const kms::ResolvedKey& key) {
  FLE_CHECK(check_encryptable(type, value, algorithm));
  std::vector<std::uint8_t> payload(payload_len(value.size()));
  const SealJob job{&key.key, key.id, algorithm, static_cast<std::uint8_t>(type), value, payload};
  if (const BatchStatus sealed = seal_batch({&job, 1}); !sealed) {
    return not_sealed(sealed.error().code);
  }
  count_sealed({&job, 1});
  return payload;
}

Outcome<DecryptedValue> decrypt_value(Bytes payload, kms::KeyRing& keys) {
  const auto header = parse_payload(payload);
  if (!header) return malformed_payload();
  kms::KeyLease lease;
  const kms::ResolvedKey* key = nullptr;
  FLE_CHECK(keys.lease(lease, {.ids = {&header->key_id, 1}, .by_id = {&key, 1}}));
  WipedBuffer scratch;
  FLE_CHECK(scratch.reset(open_capacity(payload.size())));
  OpenJob job{&key->key, payload, scratch.bytes()};
  if (const BatchStatus opened = open_batch({&job, 1}); !opened)
    return does_not_open(opened.error().code);
  DecryptedValue v{static_cast<bson::Type>(header->bson_type), {}};
  FLE_CHECK(v.bytes.reset(job.plaintext_len));
  std::copy_n(job.out.begin(), job.plaintext_len, v.bytes.bytes().begin());
  if (!bson::check_value(v.type, v.bytes.bytes())) return malformed_plaintext();
  count_opened({&job, 1});
  return v;
}

}  // namespace fle::client
