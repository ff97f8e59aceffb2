#ifndef FLE_TESTS_CLIENT_C_SUPPORT_H_
#define FLE_TESTS_CLIENT_C_SUPPORT_H_

#include <memory>
#include <string>

#include "client/client_support.h"
#include "fle.h"

namespace fle::test::c {

template <auto kDestroy>
struct Destroyer {
  template <class Handle>
  void operator()(Handle* handle) const noexcept {
    kDestroy(handle);
  }
};
template <class Handle, auto kDestroy>
using Owned = std::unique_ptr<Handle, Destroyer<kDestroy>>;

using Error = Owned<fle_error, fle_error_destroy>;
using Buffer = Owned<fle_buffer, fle_buffer_destroy>;
using KmsOptions = Owned<fle_kms_options, fle_kms_options_destroy>;
using Providers = Owned<fle_providers, fle_providers_destroy>;
using Vault = Owned<fle_vault, fle_vault_destroy>;
using KeyOptions = Owned<fle_key_options, fle_key_options_destroy>;
using Keys = Owned<fle_keys, fle_keys_destroy>;
using Schema = Owned<fle_schema, fle_schema_destroy>;
using Cipher = Owned<fle_cipher, fle_cipher_destroy>;
using Batch = Owned<fle_batch, fle_batch_destroy>;
using Commands = Owned<fle_commands, fle_commands_destroy>;
using Stream = Owned<fle_stream, fle_stream_destroy>;

inline Bytes bytes(const Buffer& buffer) {
  return {fle_buffer_data(buffer.get()), fle_buffer_size(buffer.get())};
}

/// What the functions work with: the master key of test::World, a vault in memory, one key.
struct Clinic {
  Clinic() {
    const std::vector<std::uint8_t> master(96, 0x5a);
    const Providers providers(fle_providers_create(nullptr, 0, nullptr, 0, error.get()));
    fle_providers_add_local(providers.get(), "local", FLE_NUL, master.data(), master.size(),
                            error.get());
    const Vault vault(fle_vault_open_memory(error.get()));
    keys.reset(fle_keys_create(vault.get(), providers.get(), 0, error.get()));
    const KeyOptions options(fle_key_options_create(error.get()));
    fle_key_options_add_name(options.get(), "patients", FLE_NUL, error.get());
    fle_keys_create_key(keys.get(), id.bytes.data(), options.get(), error.get());
    schema = schema_of(patients_json(id));
    cipher.reset(fle_cipher_create(keys.get(), schema.get(), 0, error.get()));
    if (cipher == nullptr) throw std::runtime_error(message());
  }
  Schema schema_of(std::string json) const {
    for (char& c : json)
      if (c == '\'') c = '"';
    return Schema(fle_schema_create(json.data(), json.size(), nullptr, 0, error.get()));
  }
  [[nodiscard]] std::string message() const { return fle_error_message(error.get()); }
  [[nodiscard]] Doc encrypted(const Doc& documents) const {
    EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), documents.data(), documents.size(),
                                    error.get()),
              FLE_OK)
        << message();
    return copy(bytes(out));
  }
  [[nodiscard]] Doc decrypted(const Doc& documents) const {
    EXPECT_EQ(fle_decrypt_documents(cipher.get(), out.get(), documents.data(), documents.size(),
                                    error.get()),
              FLE_OK)
        << message();
    return copy(bytes(out));
  }

  Error error{fle_error_create()};
  Buffer out{fle_buffer_create()};
  Keys keys;
  KeyId id;
  Schema schema;
  Cipher cipher;
};

inline Doc operator+(Doc a, const Doc& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace fle::test::c

#endif  // FLE_TESTS_CLIENT_C_SUPPORT_H_
