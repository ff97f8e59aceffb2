#include "seal_key.h"

#include <algorithm>
#include <optional>
#include <string>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bson_fields.h"
#include "fle/data_key.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCommitmentAt = 1;
constexpr std::size_t kMacAt = kCommitmentAt + sizeof(Mac);
constexpr std::size_t kSealLen = kMacAt + sizeof(Mac);

// What separates these keys from all else that is made of the same secret.
constexpr std::string_view kSalt = "libfle key seal v1";
constexpr std::string_view kMacInfo = "document";
constexpr std::string_view kCommitInfo = "data key";

Bytes bytes_of(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

Failure crypto_failed(const char* what) { return {Errc::crypto_failed, what}; }

/// Writes what a seal covers: every part with its length before it, so that no two documents have
/// one encoding.
class Encoder {
 public:
  void byte(std::uint8_t b) { out_.push_back(b); }
  void fixed(Bytes b) { out_.insert(out_.end(), b.begin(), b.end()); }
  void number(std::uint64_t n) {
    for (int shift = 56; shift >= 0; shift -= 8)
      out_.push_back(static_cast<std::uint8_t>(n >> shift));
  }
  void part(Bytes b) {
    number(b.size());
    fixed(b);
  }
  void part(std::string_view s) { part(bytes_of(s)); }
  [[nodiscard]] Bytes bytes() const noexcept { return out_; }

 private:
  std::vector<std::uint8_t> out_;
};

struct MasterKeyPart {
  std::string_view name;
  std::uint8_t type;
  std::string_view text;
};

/// Fields by name: their order in a document means nothing.
Outcome<std::vector<MasterKeyPart>> parts_of(const MasterKey& master_key) {
  std::vector<MasterKeyPart> parts;
  const Failure unfit(Errc::key_document_invalid, "not what a masterKey may hold", "masterKey");
  FLE_CHECK(each_field(master_key.bson, unfit, [&](const bson_iter_t& it) -> Done {
    MasterKeyPart part{key_of(it), static_cast<std::uint8_t>(bson_iter_type(&it)), {}};
    if (BSON_ITER_HOLDS_BOOL(&it)) {
      part.text = bson_iter_bool(&it) ? "1" : "0";
    } else if (const auto text = string_of(it)) {
      part.text = *text;
    } else {
      return unfit;
    }
    parts.push_back(part);
    return ok;
  }));
  std::ranges::sort(parts, {}, &MasterKeyPart::name);
  return parts;
}

std::string named(const KeyDocument& key) { return "data key " + key.id.to_string(); }

}  // namespace

Outcome<Mac> hmac_sha256(Bytes key, Bytes data) {
  Mac out{};
  unsigned n = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(),
           out.data(), &n) != nullptr)
    return out;
  return crypto_failed("HMAC-SHA-256");
}

Done hkdf_sha256(MutBytes out, Bytes secret, Bytes salt, Bytes info) {
  if (out.size() > sizeof(Mac)) return crypto_failed("HKDF-SHA-256");
  auto extracted = hmac_sha256(salt, secret);
  if (!extracted) return extracted.error();
  std::vector<std::uint8_t> message(info.begin(), info.end());
  message.push_back(1);  // the number of the block
  auto block = hmac_sha256(*extracted, message);
  wipe(*extracted);
  if (!block) return block.error();
  std::copy_n(block->begin(), out.size(), out.begin());
  wipe(*block);
  wipe_stack();
  return ok;
}

Outcome<SealKey> SealKey::from_secret(Bytes secret, LockPolicy policy) {
  if (secret.size() < kMinSecret)
    return Failure(Errc::kms_config_invalid, "the sealing key must have at least " +
                                                 std::to_string(kMinSecret) + " bytes, but has " +
                                                 std::to_string(secret.size()));
  FLE_TRY(SecretBytes keys, SecretBytes::create(2 * sizeof(Mac), policy));
  const MutBytes out = keys.expose_mut();
  FLE_CHECK(hkdf_sha256(out.first(sizeof(Mac)), secret, bytes_of(kSalt), bytes_of(kMacInfo)));
  FLE_CHECK(hkdf_sha256(out.subspan(sizeof(Mac)), secret, bytes_of(kSalt), bytes_of(kCommitInfo)));
  return SealKey(std::move(keys));
}

Done SealKey::check_process() const {
  if (::getpid() == owner_) return ok;
  return Failure(Errc::key_not_inherited,
                 "the sealing key is not carried into a forked child: make Providers there");
}

Outcome<Mac> SealKey::commit(Bytes data_key) const {
  FLE_CHECK(check_process());
  auto tag = hmac_sha256(keys_.expose().subspan(sizeof(Mac)), data_key);
  wipe_stack();
  return tag;
}

Outcome<Mac> SealKey::mac_of(const KeyDocument& key, const Mac& commitment) const {
  FLE_CHECK(check_process());
  Encoder e;
  e.byte(kVersion);
  e.fixed(commitment);
  e.fixed(key.id.bytes);
  e.part(key.key_material);
  FLE_TRY(const std::vector<MasterKeyPart> parts, parts_of(key.master_key));
  e.number(parts.size());
  for (const MasterKeyPart& part : parts) {
    e.part(part.name);
    e.byte(part.type);
    e.part(part.text);
  }
  std::vector<std::string_view> names(key.alt_names.begin(), key.alt_names.end());
  std::ranges::sort(names);
  e.number(names.size());
  for (const std::string_view name : names) e.part(name);
  auto mac = hmac_sha256(keys_.expose().first(sizeof(Mac)), e.bytes());
  wipe_stack();
  return mac;
}

Outcome<std::vector<std::uint8_t>> SealKey::seal(const KeyDocument& key,
                                                 const Mac& commitment) const {
  FLE_TRY(const Mac mac, mac_of(key, commitment));
  std::vector<std::uint8_t> out{kVersion};
  out.insert(out.end(), commitment.begin(), commitment.end());
  out.insert(out.end(), mac.begin(), mac.end());
  return out;
}

Outcome<bool> SealKey::fits(const KeyDocument& key) const {
  if (key.seal.size() != kSealLen || key.seal.front() != kVersion) return false;
  FLE_TRY(const Mac mac, mac_of(key, commitment_in(key)));
  return ct_equal(mac, Bytes(key.seal).subspan(kMacAt));
}

Mac commitment_in(const KeyDocument& key) noexcept {
  Mac out{};
  if (key.seal.size() == kSealLen)
    std::copy_n(key.seal.begin() + kCommitmentAt, out.size(), out.begin());
  return out;
}

Done check_seal(const Providers& providers, const KeyDocument& key) {
  if (key.seal.empty()) {
    if (!providers.seals_required()) return ok;
    return Failure(Errc::key_not_sealed,
                   named(key) +
                       " has no seal, and the options demand one: it was stored by a "
                       "program that makes none, or somebody took the seal away; if the "
                       "vault is known to be right, `fle key seal` seals it");
  }
  const SealKey* const with = providers.seal_key(key.master_key.provider);
  if (with == nullptr) {
    if (!providers.seals_required()) return ok;
    return Failure(Errc::key_not_sealed,
                   named(key) +
                       ": its seal cannot be checked: there is no sealing key for KMS "
                       "provider " +
                       quoted(key.master_key.provider) + "; give the sealing key of this vault");
  }
  if (key.seal.front() != kVersion)
    return Failure(Errc::key_seal_broken, named(key) + ": its seal has format version " +
                                              std::to_string(key.seal.front()) +
                                              ", this libfle knows version " +
                                              std::to_string(kVersion));
  FLE_TRY(const bool fits, with->fits(key));
  if (fits) return ok;
  return Failure(
      Errc::key_seal_broken,
      named(key) +
          ": its seal does not fit: this is another sealing key or, where none is given, "
          "another local master key; or _id, keyMaterial, masterKey or keyAltNames were "
          "changed without it. Where a driver has rewrapped or renamed it, `fle key seal --renew` "
          "finds the same "
          "data key and seals it anew; else restore the key's document from a backup");
}

Done check_data_key(Bytes data_key) {
  if (data_key.size() == DataKey::kLen) return ok;
  return Failure(Errc::key_unwrap_failed,
                 "the data key has not " + std::to_string(DataKey::kLen) + " bytes");
}

Done check_sealed_material(const Providers& providers, const KeyDocument& key, Bytes data_key) {
  FLE_CHECK(check_data_key(data_key));
  if (key.seal.empty()) return ok;
  const SealKey* const with = providers.seal_key(key.master_key.provider);
  if (with == nullptr) return ok;
  FLE_TRY(const Mac commitment, with->commit(data_key));
  if (ct_equal(commitment, commitment_in(key))) return ok;
  return Failure(Errc::key_seal_broken,
                 named(key) + ": its keyMaterial opens to another data key than was sealed");
}

}  // namespace fle::kms
