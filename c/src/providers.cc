#include <string>
#include <utility>

#include "edge.h"
#include "fle/bson/cursor.h"
#include "fle/bson/extended_json.h"

namespace {

/// The pin that a JSON text of fields and their texts is.
Outcome<fle::kms::MasterKeyPin> read_pin(std::string_view json) {
  fle::WipedBytes document;
  if (Done read = fle::bson::read_extended_json(document, json); !read) {
    read.error().code = Errc::kms_config_invalid;
    return std::move(read.error());
  }
  fle::kms::MasterKeyPin pin;
  const Bytes whole(document);
  for (fle::bson::Cursor cursor(whole); cursor.next();) {
    const fle::bson::Element& e = cursor.element();
    if (e.type != fle::bson::Type::string)
      return Failure(Errc::kms_config_invalid, "expected a string", std::string(e.name));
    if (!pin.emplace(e.name, fle::bson::text_of(whole, e)).second)
      return Failure(Errc::kms_config_invalid, "appears twice", std::string(e.name));
  }
  return pin;
}

Outcome<std::unique_ptr<fle_providers>> providers_of(std::string_view json,
                                                     const fle_kms_options* options,
                                                     unsigned flags) {
  const fle::LockPolicy policy = fle::c::lock_policy(flags);
  auto made = std::make_unique<fle_providers>(
      fle_providers{std::make_shared<fle::kms::Providers>(), policy});
  if (json.empty()) return made;
  fle::kms::KmsOptions all;
  if (options != nullptr) all = options->options;
  all.lock_policy = policy;
  all.credentials = fle::kms::automatic_credentials(policy);
  FLE_TRY(*made->providers, fle::kms::Providers::from_json(json, all));
  return made;
}

}  // namespace

fle_kms_options* fle_kms_options_create(fle_error* error) {
  return make(error, []() -> Outcome<std::unique_ptr<fle_kms_options>> {
    return std::make_unique<fle_kms_options>();
  });
}

void fle_kms_options_destroy(fle_kms_options* options) { delete options; }

int fle_kms_options_set_text(fle_kms_options* options, int which, const char* provider,
                             std::size_t provider_size, const char* text, std::size_t size,
                             fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(options, "options"));
    FLE_TRY(const std::string_view id_text, path_of(provider, provider_size, "provider"));
    FLE_TRY(const std::string_view value, path_of(text, size, "text"));
    const std::string id(id_text);
    fle::kms::KmsOptions& all = options->options;
    switch (which) {
      case FLE_TLS_CA_FILE:
        all.tls[id].ca_file = value;
        return ok;
      case FLE_TLS_CERTIFICATE_FILE:
        all.tls[id].certificate_file = value;
        return ok;
      case FLE_TLS_PRIVATE_KEY_FILE:
        all.tls[id].private_key_file = value;
        return ok;
      case FLE_ALLOWED_ENDPOINT:
        all.allowed_endpoints[id].emplace_back(value);
        return ok;
      case FLE_MASTER_KEY_PIN: {
        FLE_TRY(fle::kms::MasterKeyPin pin, read_pin(value));
        all.master_keys[id].push_back(std::move(pin));
        return ok;
      }
      default:
        return Failure(Errc::invalid_argument, "which is no fle_kms_text");
    }
  });
}

int fle_kms_options_set_number(fle_kms_options* options, int which, std::uint32_t number,
                               fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(options, "options"));
    fle::kms::KmsOptions& all = options->options;
    const std::chrono::milliseconds time(number);
    if (which == FLE_CONNECT_TIMEOUT_MS && number != 0)
      all.connect_timeout = time;
    else if (which == FLE_REQUEST_TIMEOUT_MS && number != 0)
      all.request_timeout = time;
    else if (which == FLE_CALL_TIMEOUT_MS)
      all.call_timeout = time;
    else if (which == FLE_MAX_RETRIES)
      all.max_retries = number;
    else
      return Failure(Errc::invalid_argument, "which is no fle_kms_number, or cannot be 0");
    return ok;
  });
}

fle_providers* fle_providers_create(const char* kms_providers, std::size_t size,
                                    const fle_kms_options* options, unsigned flags,
                                    fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_providers>> {
    FLE_CHECK(fle::c::check_flags(flags, FLE_LOCK_BEST_EFFORT));
    if (kms_providers == nullptr && (size == 0 || size == FLE_NUL))
      return providers_of({}, options, flags);
    FLE_TRY(const std::string_view json, text_of(kms_providers, size, "kms_providers"));
    // An empty text is no JSON.
    return providers_of(json.empty() ? " " : json, options, flags);
  });
}

fle_providers* fle_providers_create_bson(const void* kms_providers, std::size_t size,
                                         const fle_kms_options* options, unsigned flags,
                                         fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_providers>> {
    FLE_CHECK(fle::c::check_flags(flags, FLE_LOCK_BEST_EFFORT));
    FLE_TRY(const Bytes document, bytes_of(kms_providers, size, "kms_providers"));
    fle::WipedChars json;
    FLE_CHECK(fle::bson::write_extended_json(json, document, fle::bson::JsonForm::canonical));
    return providers_of({json.data(), json.size()}, options, flags);
  });
}

int fle_providers_add_local(fle_providers* providers, const char* id, std::size_t id_size,
                            const void* master_key, std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(providers, "providers"));
    FLE_TRY(const std::string_view name, text_of(id, id_size, "id"));
    FLE_TRY(const Bytes key, bytes_of(master_key, size, "master_key"));
    if (providers->providers.use_count() != 1)
      return Failure(Errc::invalid_argument, "a fle_keys uses these providers already");
    return providers->providers->add_local(name, key, providers->lock_policy);
  });
}

void fle_providers_destroy(fle_providers* providers) { delete providers; }
