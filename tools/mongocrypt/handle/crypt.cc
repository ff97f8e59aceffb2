#include "crypt.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace fle::mongocrypt {
namespace {

constexpr std::size_t kMaxSpare = 64;

/// Knows no key: those that the ring has not are fetched by drivers.
class NoVault final : public kms::KeyVault {
 public:
  Done insert(const kms::KeyDocument&) override {
    return Failure(Errc::vault_failed, "a driver's key vault is the driver's to write");
  }
  Outcome<std::vector<kms::KeyDocument>> find(std::span<const KeyId>,
                                              std::span<const std::string>) override {
    return std::vector<kms::KeyDocument>{};
  }
  Outcome<std::vector<kms::KeyDocument>> list() override { return std::vector<kms::KeyDocument>{}; }
};

/// FLE_MONGOCRYPT_KMS_HOSTS: "aws=kms.example.com,.example.org azure=..."; see
/// kms::KmsOptions::allowed_endpoints.
void add_hosts(std::string_view text, kms::KmsOptions& options) {
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    auto& hosts = options.allowed_endpoints[std::string(entry.substr(0, equals))];
    std::string_view list = entry.substr(equals + 1);
    while (!list.empty()) {
      const std::string_view host = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), host.size() + 1));
      if (!host.empty()) hosts.emplace_back(host);
    }
  }
}

}  // namespace

Outcome<std::unique_ptr<Engine>> Engine::make(const CryptOptions& options) {
  FLE_TRY(Credentials credentials,
          Credentials::from_bson(options.kms_providers, Crypt::kms_options(options)));
  std::unique_ptr<Engine> made(new Engine(std::move(credentials)));
  kms::KeyRingOptions ring;
  ring.lock_policy = Crypt::lock_policy();
  if (options.key_lifetime) ring.lifetime = *options.key_lifetime;
  made->keys_ = std::make_shared<kms::KeyRing>(std::make_shared<NoVault>(),
                                               std::make_shared<const kms::Providers>(), ring);
  client::AutoEncrypter::Options how;
  if (options.schema_map) {
    FLE_TRY(made->schemas_, SchemaMap::from_bson(*options.schema_map));
    how.local_schemas = [map = made->schemas_.get()](std::string_view ns) { return map->find(ns); };
  }
  made->encrypter_ = std::make_unique<client::AutoEncrypter>(std::move(how), made->keys_);
  return made;
}

bool Engine::is_of_this_process() const noexcept { return process_ == process_number(); }

client::Message Engine::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      client::Message message = std::move(spare_.back());
      spare_.pop_back();
      return message;
    }
  }
  return {};
}

void Engine::give_back(client::Message message) noexcept {
  message.drop_held();
  try {
    const std::lock_guard lock(mutex_);
    if (spare_.size() < kMaxSpare) spare_.push_back(std::move(message));
  } catch (const std::bad_alloc&) {  // then it goes
  }
}

Crypt::~Crypt() {
  Engine* const engine = engine_.load();
  // One of a parent process may have locks that nobody here will ever release.
  if (engine != nullptr && engine->is_of_this_process()) delete engine;
}

Outcome<CryptOptions*> Crypt::options_to_set() {
  if (tried_)
    return Failure(Errc::invalid_argument, "options must be set before mongocrypt_init is called");
  return &options_;
}

LockPolicy Crypt::lock_policy() noexcept {
  const char* const asked = ::secure_getenv("FLE_MONGOCRYPT_LOCK");
  return asked != nullptr && std::string_view(asked) == "required" ? LockPolicy::required
                                                                   : LockPolicy::best_effort;
}

kms::KmsOptions Crypt::kms_options(const CryptOptions& options) {
  kms::KmsOptions made;
  made.lock_policy = lock_policy();
  made.call_timeout = std::chrono::milliseconds(0);  // the driver's network, the driver's time
  if (!options.retries_kms) made.max_retries = 0;
  if (const char* const hosts = ::secure_getenv("FLE_MONGOCRYPT_KMS_HOSTS")) add_hosts(hosts, made);
  return made;
}

Done Crypt::init() {
  if (tried_) return Failure(Errc::invalid_argument, "mongocrypt_init was called before");
  tried_ = true;
  log_ = options_.log;
  FLE_TRY(std::unique_ptr<Engine> made, Engine::make(options_));
  if (made->credentials().empty())
    return Failure(Errc::kms_config_invalid, "no kms provider set: give at least one");
  if (options_.names_analyzer)
    log(MONGOCRYPT_LOG_LEVEL_INFO,
        "libfle analyzes commands itself: the crypt_shared library that was named is not loaded");
  if (options_.has_hooks)
    log(MONGOCRYPT_LOG_LEVEL_INFO,
        "libfle has cryptography of its own: the hooks that were set are not called");
  if (const auto probe = SecretBytes::create(1, LockPolicy::required); !probe)
    log(MONGOCRYPT_LOG_LEVEL_WARNING,
        "keys cannot be locked into memory and may be swapped out: raise RLIMIT_MEMLOCK (ulimit "
        "-l), or set FLE_MONGOCRYPT_LOCK=required to refuse that");
  engine_.store(made.release());
  return ok;
}

Outcome<Engine*> Crypt::engine() {
  Engine* current = engine_.load();
  if (current == nullptr)
    return Failure(Errc::invalid_argument, "mongocrypt_init must be called first");
  if (current->is_of_this_process()) return current;
  FLE_TRY(std::unique_ptr<Engine> made, Engine::make(options_));
  if (engine_.compare_exchange_strong(current, made.get())) return made.release();
  return current;  // another thread of the child was faster
}

void Crypt::log(mongocrypt_log_level_t level, std::string_view text) const noexcept {
  const mongocrypt_log_fn_t log_fn = log_;
  if (log_fn == nullptr) return;
  try {
    const std::string message(text);
    log_fn(level, message.c_str(), static_cast<std::uint32_t>(message.size()),
           options_.log_context);
  } catch (const std::bad_alloc&) {  // a line less
  }
}

}  // namespace fle::mongocrypt
