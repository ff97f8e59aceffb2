#include <algorithm>

#include "fields/call_report.h"
#include "fields/field_batch.h"
#include "fields/field_failures.h"
#include "fle/bson_walk/walk.h"
#include "fle/client/client_encryption.h"

namespace fle::client {
namespace {

/// Where a value was found, for failures.
struct Origin {
  std::size_t document;       // from 0
  std::uint32_t type_offset;  // of the element; 0: a payload of its own
};

/// Values on their way from one key to another.
class Rotation {
 public:
  /// @param observer  may be null
  Rotation(kms::KeyHandle new_key, Observer* observer)
      : new_key_(std::move(new_key)), report_(observer) {}

  /// False when `payload` is under the new key already, or not under one of `only`.
  Outcome<bool> add(Bytes payload, std::span<const KeyId> only, Origin origin) {
    const auto header = parse_payload(payload);
    if (!header) return malformed_payload();
    const KeyId& id = header->key_id;
    if (id == new_key_->id) return false;
    if (!only.empty() && std::ranges::count(only, id) == 0) return false;
    values_.add_payload(payload);
    origins_.push_back(origin);
    return true;
  }

  /// Seals every value under the new key; payload(i) is then the new one of the i-th added.
  FieldsDone run(kms::KeyRing& keys) {
    const FieldsDone done = seal_all(keys);
    if (!report_.is_wanted()) return done;
    if (done) report_.add_fields(values_);
    report_.end("reencrypt", done ? Done(ok) : Done(done.error().why));
    return done;
  }
  [[nodiscard]] Bytes payload(std::size_t i) noexcept { return room(i); }
  [[nodiscard]] const Origin& origin(std::size_t i) const noexcept { return origins_[i]; }

 private:
  FieldsDone seal_all(kms::KeyRing& keys) {
    FLE_CHECK(values_.resolve(&keys));
    FLE_CHECK(values_.open({}));
    for (std::size_t i = 0; i < values_.size(); ++i)
      offsets_.push_back(offsets_.back() + payload_len(values_.opened(i)->value.size()));
    sealed_.resize(offsets_.back());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto [type, value] = *values_.opened(i);
      const auto algorithm = static_cast<Algorithm>(values_.payload(i)[0]);
      values_.add_job(*new_key_, algorithm, type, value, room(i));
    }
    const FieldsDone sealed = values_.seal();
    values_.release();
    return sealed;
  }
  MutBytes room(std::size_t i) noexcept {
    return MutBytes(sealed_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

  kms::KeyHandle new_key_;
  CallReport report_;
  FieldBatch values_;
  std::vector<Origin> origins_;  // of each value
  std::vector<std::uint8_t> sealed_;
  std::vector<std::size_t> offsets_{0};  // of each new payload, and of the end
};

Failure at(Failure f, const Origin& origin, Bytes document) {
  f.document = origin.document + 1;
  if (origin.type_offset != 0) f.path = bson::path_of(document, origin.type_offset);
  return f;
}

}  // namespace

Outcome<std::vector<std::vector<std::uint8_t>>> ClientEncryption::reencrypt(
    std::span<const Bytes> payloads, const KeyIdOrAltName& new_key) {
  FLE_TRY(kms::KeyHandle key, resolve(new_key));
  Rotation rotation(std::move(key), observer_.get());
  std::vector<bool> changes(payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const auto added = rotation.add(payloads[i], {}, {i, 0});
    if (!added) return at(added.error(), {i, 0}, {});
    changes[i] = *added;
  }
  if (const auto done = rotation.run(*keys_); !done) {
    const auto& [why, field] = done.error();
    return field ? at(why, rotation.origin(*field), {}) : why;
  }
  std::vector<std::vector<std::uint8_t>> out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const Bytes p = changes[i] ? rotation.payload(next++) : payloads[i];
    out.emplace_back(p.begin(), p.end());
  }
  return out;
}

Outcome<std::size_t> ClientEncryption::reencrypt_documents(std::span<const MutBytes> documents,
                                                           const KeyIdOrAltName& new_key,
                                                           std::span<const KeyId> only) {
  FLE_TRY(kms::KeyHandle key, resolve(new_key));
  Rotation rotation(std::move(key), observer_.get());
  std::vector<std::uint8_t*> targets;
  bson::Edits edits;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    Done walked = bson::find_ciphertexts(documents[i], edits);
    if (!walked) {
      walked.error().document = i + 1;
      return walked.error();
    }
    for (const bson::Mark& m : edits.marks()) {
      const Origin origin{i, m.type_offset};
      const auto added = rotation.add(bson::binary_content(documents[i], m), only, origin);
      if (!added) return at(added.error(), origin, documents[i]);
      if (*added) targets.push_back(documents[i].data() + m.value_offset + kBinaryHeaderLen);
    }
  }
  if (const auto done = rotation.run(*keys_); !done) {
    const auto& [why, field] = done.error();
    if (!field) return why;
    const Origin& origin = rotation.origin(*field);
    return at(why, origin, documents[origin.document]);
  }
  // A payload is as long under any key.
  for (std::size_t i = 0; i < targets.size(); ++i)
    std::ranges::copy(rotation.payload(i), targets[i]);
  return targets.size();
}

}  // namespace fle::client
