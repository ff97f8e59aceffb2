// A KMS provider and a key vault of one's own: what stands in for a hardware module wraps data
// keys, and a map keeps them. Built and run by the tests.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <openssl/evp.h>

#include "fle/client/client_encryption.h"
#include "fle/kms/create_data_key.h"
#include "fle/random.h"

namespace {

using fle::Bytes;
using fle::Done;
using fle::Errc;
using fle::Failure;
using fle::KeyId;
using fle::ok;
using fle::Outcome;
using fle::SecretBytes;
using fle::kms::KeyDocument;
using fle::kms::MasterKey;

/// Wraps under keys that have a label: masterKey is {provider: "hsm", label: "..."}. A real one
/// would send the data key to the module; here it is AES key wrap (RFC 3394) in this process.
class Module final : public fle::kms::Provider {
 public:
  static Outcome<std::unique_ptr<Module>> create() {
    FLE_TRY(SecretBytes kek, SecretBytes::create(32));
    FLE_CHECK(fle::random_bytes(kek.expose_mut()));
    return std::make_unique<Module>(std::move(kek));
  }
  explicit Module(SecretBytes kek) : kek_(std::move(kek)) {}

  // Before anything is stored: a new key names a label that the module has.
  Outcome<MasterKey> prepare(const MasterKey& asked) override {
    FLE_CHECK(check_label(asked));
    return asked;
  }
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                          const MasterKey& master_key) override {
    FLE_CHECK(check_label(master_key));
    std::vector<std::uint8_t> wrapped(data_key.size() + 8);
    if (!run(true, data_key.expose(), wrapped)) return Failure(Errc::crypto_failed, "hsm: wrap");
    return wrapped;
  }
  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    FLE_CHECK(check_label(master_key));
    if (key_material.size() != fle::DataKey::kLen + 8)
      return Failure(Errc::key_unwrap_failed, "hsm: keyMaterial has another length");
    FLE_TRY(SecretBytes data_key, SecretBytes::create(fle::DataKey::kLen));
    if (!run(false, key_material, data_key.expose_mut()))
      return Failure(Errc::key_unwrap_failed, "hsm: wrapped by another module, or changed");
    return data_key;
  }

 private:
  static Done check_label(const MasterKey& master_key) {
    FLE_TRY(const MasterKey ours, MasterKey::from_json("hsm", R"({"label": "clinic"})"));
    if (master_key.bson == ours.bson) return ok;
    return Failure(Errc::key_unwrap_failed, "hsm: no key has this label");
  }

  [[nodiscard]] bool run(bool wrap, Bytes in, fle::MutBytes out) const {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(),
                                                                              EVP_CIPHER_CTX_free);
    if (ctx == nullptr) return false;
    EVP_CIPHER_CTX_set_flags(ctx.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    int n = 0;
    return EVP_CipherInit_ex2(ctx.get(), EVP_aes_256_wrap(), kek_.expose().data(), nullptr,
                              wrap ? 1 : 0, nullptr) == 1 &&
           EVP_CipherUpdate(ctx.get(), out.data(), &n, in.data(), static_cast<int>(in.size())) ==
               1 &&
           static_cast<std::size_t>(n) == out.size();
  }

  SecretBytes kek_;
};

/// The least that a key vault has. A real one would be a table of a database.
class MapVault final : public fle::kms::KeyVault {
 public:
  Done insert(const KeyDocument& key) override {
    FLE_CHECK(fle::kms::parse_key_document(fle::kms::to_bson(key)));  // the rules of key documents
    const std::lock_guard lock(mutex_);
    for (const std::string& name : key.alt_names)
      if (by_name(name) != nullptr) return Failure(Errc::key_duplicate, "the name is taken");
    if (!keys_.try_emplace(key.id, key).second)
      return Failure(Errc::key_duplicate, "the id is taken");
    return ok;
  }
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> alt_names) override {
    const std::lock_guard lock(mutex_);
    std::map<KeyId, const KeyDocument*> found;
    for (const KeyId& id : ids)
      if (const auto it = keys_.find(id); it != keys_.end()) found.emplace(id, &it->second);
    for (const std::string& name : alt_names)
      if (const KeyDocument* key = by_name(name)) found.emplace(key->id, key);
    std::vector<KeyDocument> out;
    for (const auto& [id, key] : found) out.push_back(*key);
    return out;
  }
  Outcome<std::vector<KeyDocument>> list() override {
    const std::lock_guard lock(mutex_);
    std::vector<KeyDocument> out;
    for (const auto& [id, key] : keys_) out.push_back(key);
    std::ranges::stable_sort(out, {}, &KeyDocument::creation_date);  // then by id, as they came
    return out;
  }

 private:
  [[nodiscard]] const KeyDocument* by_name(const std::string& name) const {
    for (const auto& [id, key] : keys_)
      if (std::ranges::count(key.alt_names, name) != 0) return &key;
    return nullptr;
  }

  std::mutex mutex_;
  std::map<KeyId, KeyDocument> keys_;
};

Outcome<bool> round_trip() {
  FLE_TRY(auto module, Module::create());
  auto providers = std::make_shared<fle::kms::Providers>();
  FLE_CHECK(providers->add("hsm", std::move(module)));
  auto vault = std::make_shared<MapVault>();
  fle::kms::CreateKeyOptions options;
  FLE_TRY(options.master_key, MasterKey::from_json("hsm", R"({"label": "clinic"})"));
  FLE_TRY(const KeyDocument key, fle::kms::create_data_key(*vault, *providers, options));

  fle::client::ClientEncryption encryption(vault, providers);
  const fle::bson::Value ssn = 241014209;
  FLE_TRY(const auto sealed, encryption.encrypt(ssn, fle::Algorithm::deterministic, key.id));
  FLE_TRY(const auto back, encryption.decrypt(sealed));
  std::printf("data key %s, %zu bytes of ciphertext\n", key.id.to_string().c_str(),
              sealed.bytes().size());
  return back == ssn;
}

}  // namespace

int main() {
  const auto same = round_trip();
  if (!same) std::fprintf(stderr, "%s\n", same.error().to_string().c_str());
  return same && *same ? 0 : 1;
}
