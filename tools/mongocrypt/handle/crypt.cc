#include "crypt.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "context_options.h"

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

/// Everything that the original logs.
void log_of_original(mongocrypt_log_level_t level, const char* text, std::uint32_t len,
                     void* crypt) {
  if (text != nullptr) static_cast<const Crypt*>(crypt)->log(level, std::string_view(text, len));
}

/// An option that only a newer library has.
void note_lack(const Crypt& crypt, const original::Crypt& theirs, const char* what) {
  crypt.log(MONGOCRYPT_LOG_LEVEL_WARNING, theirs.library().title() +
                                              " (FLE_MONGOCRYPT_QE) is too old for " + what +
                                              ", and goes on without");
}

/// Options of ours, and all of them.
Done set_options(const Crypt& crypt, original::Crypt& theirs) {
  using original::Library;
  const CryptOptions& options = crypt.options();
  FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_log_handler, &log_of_original,
                       static_cast<void*>(const_cast<Crypt*>(&crypt))));
  for (const WipedBytes& document : options.kms_providers)
    FLE_CHECK(theirs.set_bytes(&Library::mongocrypt_setopt_kms_providers, document));
  if (options.schema_map)
    FLE_CHECK(theirs.set_bytes(&Library::mongocrypt_setopt_schema_map, *options.schema_map));
  if (!options.encrypted_field_map.empty())
    FLE_CHECK(theirs.set_bytes(&Library::mongocrypt_setopt_encrypted_field_config_map,
                               options.encrypted_field_map));
  for (const std::string& folder : options.analyzer_folders)
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_append_crypt_shared_lib_search_path,
                         folder.c_str()));
  if (!options.analyzer_path.empty())
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_set_crypt_shared_lib_path_override,
                         options.analyzer_path.c_str()));
  if (options.bypasses_analysis)
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_bypass_query_analysis));
  if (options.asks_credentials)
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_use_need_kms_credentials_state));
  if (options.asks_with_db)
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_use_need_mongo_collinfo_with_db_state));
  if (options.asks_together)
    FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_enable_multiple_collinfo));
  if (options.retries_kms) FLE_CHECK(theirs.set(&Library::mongocrypt_setopt_retry_kms, true));
  if (options.uses_range_v2) {
    FLE_TRY(const bool set, theirs.set(&Library::mongocrypt_setopt_use_range_v2));
    if (!set) note_lack(crypt, theirs, "the second protocol of range queries");
  }
  if (options.key_lifetime) {
    FLE_TRY(const bool set, theirs.set(&Library::mongocrypt_setopt_key_expiration,
                                       static_cast<std::uint64_t>(options.key_lifetime->count())));
    if (!set) note_lack(crypt, theirs, "the lifetime of keys that was set");
  }
  return ok;
}

}  // namespace

bool CryptOptions::names_analyzer() const noexcept {
  // "$SYSTEM" is what drivers append when nobody has said anything.
  return !analyzer_path.empty() ||
         std::ranges::any_of(analyzer_folders, [](const auto& f) { return f != "$SYSTEM"; });
}

Outcome<std::unique_ptr<Engine>> Engine::make(const Crypt& crypt) {
  const CryptOptions& options = crypt.options();
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
  if (crypt.original() != nullptr)
    made->queryable_ = std::make_unique<QueryableCollections>(
        options.encrypted_field_map, options.schema_map ? Bytes(*options.schema_map) : Bytes());
  return made;
}

Outcome<original::Crypt*> Engine::original(const Crypt& crypt) {
  const std::lock_guard lock(original_mutex_);
  if (!original_) {
    const auto make = [&]() -> Outcome<std::unique_ptr<original::Crypt>> {
      auto made = std::make_unique<original::Crypt>(crypt.original());
      FLE_CHECK(set_options(crypt, *made));
      hook_calls_ =
          std::make_unique<HookCalls>(crypt.options().hooks, made->library(), crypt.closed());
      FLE_CHECK(hook_calls_->set(*made));
      FLE_CHECK(made->init());
      return made;
    };
    original_.emplace(make());
  }
  if (!*original_) return original_->error();
  return (*original_)->get();
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

Crypt::Crypt() {
  const char* const path = ::secure_getenv("FLE_MONGOCRYPT_QE");
  if (path == nullptr || *path == '\0') return;
  auto opened = original::Library::open(path);
  if (opened) {
    original_ = *std::move(opened);
  } else {
    why_no_original_ = "FLE_MONGOCRYPT_QE: " + opened.error().message;
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
  FLE_TRY(std::unique_ptr<Engine> made, Engine::make(*this));
  if (made->credentials().empty())
    return Failure(Errc::kms_config_invalid, "no kms provider set: give at least one");
  const std::string but =
      original_ == nullptr ? "" : ", but for Queryable Encryption by " + original_->title();
  if (original_ != nullptr)
    log(MONGOCRYPT_LOG_LEVEL_INFO, "what needs Queryable Encryption is handed to " +
                                       original_->title() + " (FLE_MONGOCRYPT_QE)");
  if (!why_no_original_.empty()) log(MONGOCRYPT_LOG_LEVEL_WARNING, why_no_original_);
  if (options_.names_analyzer())
    log(MONGOCRYPT_LOG_LEVEL_INFO,
        "libfle analyzes commands itself: the crypt_shared library that was named is not loaded" +
            but);
  if (options_.hooks.any())
    log(MONGOCRYPT_LOG_LEVEL_INFO,
        "libfle has cryptography of its own: the hooks that were set are not called" + but);
  if (const auto probe = SecretBytes::create(1, LockPolicy::required); !probe)
    log(MONGOCRYPT_LOG_LEVEL_WARNING,
        "keys cannot be locked into memory and may be swapped out: raise RLIMIT_MEMLOCK (ulimit "
        "-l), or set FLE_MONGOCRYPT_LOCK=required to refuse that");
  // Who names collections of Queryable Encryption learns at once what the original thinks of them.
  if (!options_.encrypted_field_map.empty()) {
    FLE_TRY(const original::Crypt* const theirs, made->original(*this));
    asks_markings_ = !options_.bypasses_analysis && !theirs->has_analyzer();
  }
  engine_.store(made.release());
  return ok;
}

Failure Crypt::refuse_queryable(std::string_view what) const {
  Failure failure = queryable_encryption(what);
  if (!why_no_original_.empty()) failure.message += "; " + why_no_original_;
  return failure;
}

Outcome<Engine*> Crypt::engine() {
  Engine* current = engine_.load();
  if (current == nullptr)
    return Failure(Errc::invalid_argument, "mongocrypt_init must be called first");
  if (current->is_of_this_process()) return current;
  FLE_TRY(std::unique_ptr<Engine> made, Engine::make(*this));
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
