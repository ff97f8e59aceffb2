#ifndef FLE_TESTS_SUPPORT_LOCAL_KEYS_H_
#define FLE_TESTS_SUPPORT_LOCAL_KEYS_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"

namespace fle::test {

/// A key vault in memory with its key ring: local provider, one master key. For tests that start
/// from known data keys. Throws on anything that does not work.
class LocalKeys {
 public:
  explicit LocalKeys(const std::vector<std::uint8_t>& master_key,
                     const std::string& provider = "local")
      : provider_(provider), vault_(kms::make_memory_vault()) {
    auto providers = std::make_shared<kms::Providers>();
    must(providers->add_local(provider, master_key));
    providers_ = std::move(providers);
    ring_ = std::make_shared<kms::KeyRing>(vault_, providers_);
  }

  /// Stores a data key given in plain, wrapped under the master key.
  kms::KeyDocument add(const KeyId& id, const std::vector<std::uint8_t>& data_key,
                       std::vector<std::string> alt_names = {}) {
    auto secret = SecretBytes::copy_of(data_key);
    if (!secret) throw std::runtime_error(secret.error().where);
    kms::KeyDocument d;
    d.id = id;
    d.alt_names = std::move(alt_names);
    d.master_key = kms::MasterKey::local(provider_);
    d.key_material = must((*must(providers_->find(provider_))).wrap(*secret, d.master_key));
    must(vault_->insert(d));
    return d;
  }
  /// Stores a data-key document as it is.
  kms::KeyDocument add_document(Bytes bson) {
    auto d = must(kms::parse_key_document(bson));
    must(vault_->insert(d));
    return d;
  }

  [[nodiscard]] kms::KeyVault& vault() noexcept { return *vault_; }
  [[nodiscard]] const kms::Providers& providers() const noexcept { return *providers_; }
  [[nodiscard]] const std::shared_ptr<kms::KeyRing>& ring() const noexcept { return ring_; }

  /// The value, or an exception with the Failure's text.
  template <class T>
  static T must(Outcome<T> r) {
    if (!r) throw std::runtime_error(r.error().to_string());
    return *std::move(r);
  }

 private:
  std::string provider_;
  std::shared_ptr<kms::KeyVault> vault_;
  std::shared_ptr<const kms::Providers> providers_;
  std::shared_ptr<kms::KeyRing> ring_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_LOCAL_KEYS_H_
