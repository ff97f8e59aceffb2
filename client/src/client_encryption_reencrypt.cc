#include <algorithm>
#include <unordered_map>

#include "binary.h"
#include "fle/batch.h"
#include "fle/bson_walk/walk.h"
#include "fle/client/client_encryption.h"
#include "fle/seeded_hash.h"
#include "open_failures.h"

namespace fle::client {
namespace {

/// Where a value was found, for failures.
struct Place {
  std::size_t document;       // from 0
  std::uint32_t type_offset;  // of the element; 0: a payload of its own
};

/// Values on their way from one key to another.
class Rotation {
 public:
  explicit Rotation(kms::KeyHandle new_key) : new_key_(std::move(new_key)) {}

  /// False when `payload` is under the new key already, or not under one of `only`.
  Outcome<bool> add(Bytes payload, std::span<const KeyId> only, Place place) {
    const auto header = parse_payload(payload);
    if (!header) return malformed_payload();
    const KeyId& id = header->key_id;
    if (id == new_key_->id) return false;
    if (!only.empty() && std::ranges::count(only, id) == 0) return false;
    const auto [it, is_new] = key_index_.try_emplace(id, ids_.size());
    if (is_new) ids_.push_back(id);
    values_.push_back({payload, *header, it->second, place});
    return true;
  }

  /// What goes wrong; `place` says with which value, where it is one.
  struct Trouble {
    Failure failure;
    std::optional<Place> place;
  };
  using Result_ = Result<std::monostate, Trouble>;

  /// Seals every value under the new key; payload(i) is then the new one of the i-th added.
  Result_ run(kms::KeyRing& keys) {
    std::vector<kms::KeyHandle> handles(ids_.size());
    if (const Done done = keys.resolve(handles, {}, ids_, {}); !done)
      return Trouble{done.error(), std::nullopt};
    if (Result_ opened = open(handles); !opened) return opened;
    return seal();
  }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] Bytes payload(std::size_t i) const noexcept { return sealed_jobs_[i].out; }

 private:
  struct Value {
    Bytes payload;
    PayloadHeader header;
    std::size_t key;
    Place place;
  };

  Result_ open(std::span<const kms::KeyHandle> handles) {
    std::size_t scratch = 0;
    for (const Value& v : values_) scratch += open_capacity(v.payload.size());
    if (const Status room = plaintext_.reset(scratch); !room)
      return Trouble{Failure(room.error()), std::nullopt};
    MutBytes room = plaintext_.bytes();
    for (const Value& v : values_) {
      const std::size_t n = open_capacity(v.payload.size());
      open_jobs_.push_back({&handles[v.key]->key, v.payload, room.first(n)});
      room = room.subspan(n);
    }
    if (const BatchStatus opened = open_batch(open_jobs_); !opened)
      return Trouble{does_not_open(opened.error().code), values_[opened.error().index].place};
    for (std::size_t i = 0; i < values_.size(); ++i) {
      // What a reader would refuse must not get a new key's blessing.
      const OpenJob& job = open_jobs_[i];
      const auto type = static_cast<bson::Type>(values_[i].header.bson_type);
      if (!bson::check_value(type, job.out.first(job.plaintext_len)))
        return Trouble{malformed_plaintext(), values_[i].place};
    }
    return ok;
  }

  Result_ seal() {
    std::size_t size = 0;
    for (const OpenJob& job : open_jobs_) size += payload_len(job.plaintext_len);
    sealed_.resize(size);
    MutBytes room(sealed_);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const OpenJob& job = open_jobs_[i];
      const std::size_t n = payload_len(job.plaintext_len);
      sealed_jobs_.push_back({&new_key_->key, new_key_->id, values_[i].header.algorithm,
                              values_[i].header.bson_type, job.out.first(job.plaintext_len),
                              room.first(n)});
      room = room.subspan(n);
    }
    if (const BatchStatus sealed = seal_batch(sealed_jobs_); !sealed)
      return Trouble{Failure(sealed.error().code, "the value could not be encrypted"),
                     values_[sealed.error().index].place};
    plaintext_.clear();
    return ok;
  }

  kms::KeyHandle new_key_;
  std::vector<Value> values_;
  std::vector<KeyId> ids_;  // each once
  std::unordered_map<KeyId, std::size_t, SeededHash> key_index_{0, SeededHash::random()};
  WipedBuffer plaintext_;
  std::vector<OpenJob> open_jobs_;
  std::vector<std::uint8_t> sealed_;
  std::vector<SealJob> sealed_jobs_;
};

Failure at(Failure f, const Place& place, Bytes document) {
  f.document = place.document + 1;
  if (place.type_offset != 0) f.path = bson::path_of(document, place.type_offset);
  return f;
}

}  // namespace

Outcome<std::vector<std::vector<std::uint8_t>>> ClientEncryption::reencrypt(
    std::span<const Bytes> payloads, const KeySelector& new_key) {
  FLE_TRY(kms::KeyHandle key, resolve(new_key));
  Rotation rotation(std::move(key));
  std::vector<bool> changes(payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const auto added = rotation.add(payloads[i], {}, {i, 0});
    if (!added) return at(added.error(), {i, 0}, {});
    changes[i] = *added;
  }
  if (const auto done = rotation.run(*keys_); !done) {
    const auto& [failure, place] = done.error();
    return place ? at(failure, *place, {}) : failure;
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
                                                           const KeySelector& new_key,
                                                           std::span<const KeyId> only) {
  FLE_TRY(kms::KeyHandle key, resolve(new_key));
  Rotation rotation(std::move(key));
  std::vector<std::uint8_t*> targets;
  bson::Edits edits;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    Done walked = bson::find_ciphertexts(documents[i], edits);
    if (!walked) {
      walked.error().document = i + 1;
      return walked.error();
    }
    for (const bson::Mark& m : edits.marks()) {
      const Place place{i, m.type_offset};
      const auto added = rotation.add(bson::binary_content(documents[i], m), only, place);
      if (!added) return at(added.error(), place, documents[i]);
      if (*added) targets.push_back(documents[i].data() + m.value_offset + kBinaryHeaderLen);
    }
  }
  if (const auto done = rotation.run(*keys_); !done) {
    const auto& [failure, place] = done.error();
    return place ? at(failure, *place, documents[place->document]) : failure;
  }
  // A payload is as long under any key.
  for (std::size_t i = 0; i < targets.size(); ++i)
    std::ranges::copy(rotation.payload(i), targets[i]);
  return targets.size();
}

}  // namespace fle::client
