#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "edge.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/key_vault.h"

namespace {

Outcome<std::unique_ptr<fle_vault>> vault_of(Outcome<std::unique_ptr<fle::kms::KeyVault>> opened) {
  if (!opened) return opened.error();
  return std::make_unique<fle_vault>(fle_vault{std::move(*opened)});
}

Failure no_such_key(const std::string& which) {
  return {Errc::key_not_found, "the key vault has no data key " + which};
}

}  // namespace

fle_vault* fle_vault_open_memory(fle_error* error) {
  return make(error, [&] { return vault_of(fle::kms::make_memory_vault()); });
}

fle_vault* fle_vault_open_file(const char* path, std::size_t path_size, unsigned flags,
                               fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_vault>> {
    FLE_CHECK(fle::c::check_flags(flags, FLE_CREATE_FILE));
    FLE_TRY(const std::string_view name, path_of(path, path_size, "path"));
    return vault_of(fle::kms::open_sqlite_vault(name, (flags & FLE_CREATE_FILE) != 0));
  });
}

fle_vault* fle_vault_open_mongodb(const char* uri, std::size_t uri_size, const char* ns,
                                  std::size_t ns_size, fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_vault>> {
    FLE_TRY(const std::string_view where, path_of(uri, uri_size, "uri"));
    FLE_TRY(const std::string_view name, path_of(ns, ns_size, "ns"));
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot >= name.size() - 1)
      return Failure(Errc::invalid_argument, "ns is not of the form database.collection");
    fle::kms::MongoVaultOptions options;
    // Read during the call alone, and wiped by the caller: it may have a password.
    options.secret_uri = {reinterpret_cast<const std::uint8_t*>(where.data()), where.size()};
    options.database = name.substr(0, dot);
    options.collection = name.substr(dot + 1);
    return vault_of(fle::kms::open_mongo_vault(options));
  });
}

void fle_vault_destroy(fle_vault* vault) { delete vault; }

fle_keys* fle_keys_create(fle_vault* vault, fle_providers* providers, unsigned flags,
                          fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_keys>> {
    FLE_CHECK(fle::c::check_flags(flags, FLE_LOCK_BEST_EFFORT));
    FLE_CHECK(need(vault, "vault"));
    FLE_CHECK(need(providers, "providers"));
    fle::kms::KeyRingOptions options;
    options.lock_policy = fle::c::lock_policy(flags);
    return std::unique_ptr<fle_keys>(
        new fle_keys{vault->vault, {vault->vault, providers->providers, options}});
  });
}

void fle_keys_destroy(fle_keys* keys) { delete keys; }

fle_key_options* fle_key_options_create(fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_key_options>> {
    return std::make_unique<fle_key_options>();
  });
}

void fle_key_options_destroy(fle_key_options* options) { delete options; }

int fle_key_options_set_master_key(fle_key_options* options, const char* provider,
                                   std::size_t provider_size, const char* fields,
                                   std::size_t fields_size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(options, "options"));
    FLE_TRY(const std::string_view id, text_of(provider, provider_size, "provider"));
    std::string_view json = "{}";
    if (fields != nullptr) {
      FLE_TRY(json, text_of(fields, fields_size, "fields"));
    }
    FLE_TRY(options->master_key, fle::kms::MasterKey::from_json(id, json));
    return ok;
  });
}

int fle_key_options_add_name(fle_key_options* options, const char* name, std::size_t size,
                             fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(options, "options"));
    FLE_TRY(const std::string_view text, text_of(name, size, "name"));
    options->alt_names.emplace_back(text);
    return ok;
  });
}

int fle_key_options_set_material(fle_key_options* options, const void* material, std::size_t size,
                                 fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(options, "options"));
    FLE_TRY(const Bytes key, bytes_of(material, size, "material"));
    if (key.size() != fle::DataKey::kLen)
      return Failure(Errc::invalid_argument,
                     "material is not " + std::to_string(fle::DataKey::kLen) + " bytes long");
    // Where it comes from is not locked either.
    FLE_TRY(fle::SecretBytes copy,
            fle::SecretBytes::create(key.size(), fle::LockPolicy::best_effort));
    std::copy(key.begin(), key.end(), copy.expose_mut().begin());
    options->material = std::move(copy);
    return ok;
  });
}

int fle_keys_create_key(fle_keys* keys, std::uint8_t id[16], const fle_key_options* options,
                        fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(need(id, "id"));
    fle::kms::MasterKey master_key = fle::kms::MasterKey::local();
    fle::client::DataKeyOptions made_of;
    if (options != nullptr) {
      master_key = options->master_key;
      made_of.alt_names = options->alt_names;
      if (options->material.size() != 0) made_of.key_material = options->material.expose();
    }
    FLE_TRY(const fle::kms::KeyDocument key, keys->encryption.create_data_key(master_key, made_of));
    std::copy(key.id.bytes.begin(), key.id.bytes.end(), id);
    return ok;
  });
}

int fle_keys_find(fle_keys* keys, std::uint8_t id[16], const char* name, std::size_t size,
                  fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(need(id, "id"));
    FLE_TRY(const std::string_view text, text_of(name, size, "name"));
    FLE_TRY(const auto key, keys->encryption.get_key_by_alt_name(text));
    if (!key) return no_such_key("with the name '" + std::string(text) + "'");
    std::copy(key->id.bytes.begin(), key->id.bytes.end(), id);
    return ok;
  });
}

int fle_keys_get(fle_keys* keys, fle_buffer* out, const std::uint8_t id[16], fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const KeyId key_id, key_id_of(id));
    FLE_TRY(const auto key, keys->encryption.get_key(key_id));
    if (!key) return no_such_key(key_id.to_string());
    fle::c::append(*out, fle::kms::to_bson(*key));
    return ok;
  });
}

int fle_keys_list(fle_keys* keys, fle_buffer* out, fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const auto all, keys->encryption.get_keys());
    for (const fle::kms::KeyDocument& key : all) fle::c::append(*out, fle::kms::to_bson(key));
    return ok;
  });
}

int fle_keys_import(fle_keys* keys, const void* documents, std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const Bytes all, bytes_of(documents, size, "documents"));
    std::vector<fle::kms::KeyDocument> read;
    FLE_CHECK(fle::c::each_document(all, {}, [&](Bytes document) -> Done {
      FLE_TRY(auto key, fle::kms::parse_key_document(document));
      read.push_back(std::move(key));
      return ok;
    }));
    return keys->vault->insert_many(read);
  });
}

int fle_keys_add_name(fle_keys* keys, const std::uint8_t id[16], const char* name, std::size_t size,
                      fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const KeyId key_id, key_id_of(id));
    FLE_TRY(const std::string_view text, text_of(name, size, "name"));
    FLE_TRY(const auto before, keys->encryption.add_key_alt_name(key_id, text));
    if (!before) return no_such_key(key_id.to_string());
    return ok;
  });
}

int fle_keys_delete(fle_keys* keys, const std::uint8_t id[16], fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const KeyId key_id, key_id_of(id));
    FLE_TRY(const bool was_there, keys->encryption.delete_key(key_id));
    if (!was_there) return no_such_key(key_id.to_string());
    return ok;
  });
}
