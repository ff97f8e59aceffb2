#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "fle/files/own_file.h"
#include "fle/files/place.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/observe/trace.h"
#include "options/kms_options_file.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMaxKmsFile = 1024 * 1024;
constexpr std::size_t kMaxAddress = 16 * 1024;
constexpr const char* kVaultVariable = "FLE_VAULT";

bool is_mongodb(std::string_view vault) noexcept {
  return vault.starts_with("mongodb://") || vault.starts_with("mongodb+srv://");
}

/// scheme://[user[:password]@]hosts[/...][?options] of MongoDB.
struct Address {
  std::size_t user = 0;  // where the user begins
  std::size_t at = 0;    // where the '@' stands; `user` where there is none
  bool has_password = false;
  bool takes_one = false;  // whether the user's way to log in needs a password
};

Address read_address_parts(std::string_view uri) noexcept {
  Address a;
  a.user = a.at = uri.find("//") + 2;
  const std::size_t end = std::min(uri.find_first_of("/?", a.user), uri.size());
  const std::size_t at = uri.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < a.user) return a;
  a.at = at;
  a.has_password = uri.substr(a.user, at - a.user).find(':') != std::string_view::npos;
  // Names of options are the same in any case of letters.
  constexpr std::string_view kMechanism = "authmechanism=";
  const auto* const how =
      std::search(uri.begin() + end, uri.end(), kMechanism.begin(), kMechanism.end(),
                  [](unsigned char c, char wanted) { return std::tolower(c) == wanted; });
  const std::string_view value(how, uri.end());
  constexpr std::size_t n = kMechanism.size();
  a.takes_one = value.empty() || value.substr(n).starts_with("SCRAM-") ||
                value.substr(n).starts_with("PLAIN");
  return a;
}

void append(WipedChars& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

/// RFC 3986, section 2.1.
void append_percent_encoded(WipedChars& out, Bytes text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const std::uint8_t b : text) {
    if (kPlain.find(static_cast<char>(b)) != std::string_view::npos) {
      out.push_back(static_cast<char>(b));
    } else {
      out.push_back('%');
      out.push_back(kHex[b >> 4U]);
      out.push_back(kHex[b & 15U]);
    }
  }
}

/// The address with the password that people type.
Outcome<WipedChars> with_password(std::string_view uri, const Address& parts) {
  const std::string user(uri.substr(parts.user, parts.at - parts.user));
  FLE_TRY(const SecretBytes password,
          ask_password("Password of '" + printable(user) + "' for the key vault: "));
  WipedChars out;
  append(out, uri.substr(0, parts.at));
  append(out, ":");
  append_percent_encoded(out, password.expose());
  append(out, uri.substr(parts.at));
  return out;
}

/// The one line of a file that holds an address.
Outcome<SecretBytes> read_address(const std::string& path, LockPolicy policy) {
  FLE_TRY(SecretBytes file, read_secret_file(path, kMaxAddress, policy, files::FileKind::password));
  const Bytes all = file.expose();
  std::string_view line(reinterpret_cast<const char*>(all.data()), all.size());
  line = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
  if (!is_mongodb(line) || line.find_first_of("\r\n") != std::string_view::npos)
    return Failure(Errc::invalid_argument,
                   "'" + path + "' does not hold one mongodb:// address and nothing else");
  FLE_TRY(SecretBytes address, SecretBytes::copy_of(all.first(line.size()), policy));
  return address;
}

/// The 96 bytes of a master key file.
Outcome<SecretBytes> read_master_key(const std::string& path, LockPolicy policy) {
  FLE_TRY(SecretBytes key, read_secret_file(path, 4096, policy, files::FileKind::master_key));
  if (key.size() == DataKey::kLen) return key;
  return Failure(Errc::kms_config_invalid,
                 "'" + path + "' is not a local master key of " + std::to_string(DataKey::kLen) +
                     " raw bytes; one in base64 goes into a file for --kms");
}

/// Once for each provider in a run, which makes its providers once.
void warn_of_missing_pins(std::string_view id) {
  complain("warning: no master keys are pinned for '" + std::string(id) +
           "': whoever can write to the key vault may name any key of the cloud; list yours "
           "under masterKeys in the file of --kms-options (docs/kms.md)");
}

/// Says which option a fault came in by.
Failure in_option(Failure f, const char* option, const std::string& file) {
  f.message += " (in " + std::string(option) + " '" + file + "')";
  return f;
}

}  // namespace

bool has_password(std::string_view vault) noexcept {
  return is_mongodb(vault) && read_address_parts(vault).has_password;
}

void KeyOptions::add_vault(CLI::App& cmd, bool required) {
  cmd.add_option(
         "--vault", vault,
         "Key vault: a file (SQLite), a mongodb:// address, or @FILE with the address in it "
         "(for one with a password)")
      ->required(required)
      ->type_name("FILE|URI|@FILE");
  cmd.add_option("--vault-ns", vault_namespace, "The collection of a key vault in MongoDB")
      ->check(is_namespace())
      ->type_name("DB.COLL")
      ->capture_default_str();
}

void KeyOptions::add_kms(CLI::App& cmd) {
  auto* local = cmd.add_option("--local-key", local_key_file,
                               "Local master key: 96 raw bytes, as keygen makes them")
                    ->type_name("FILE");
  cmd.add_option(
         "--kms", kms_file,
         "KMS providers: JSON, the drivers' kmsProviders map; {} as the options of aws, azure "
         "or gcp asks for the credentials of this machine's role or identity, when they are "
         "needed")
      ->type_name("FILE")
      ->excludes(local);
  cmd.add_option(
         "--kms-options", kms_options_file,
         "Which master keys may be used, and how to reach KMS servers: JSON with masterKeys, "
         "tlsOptions, allowedEndpoints, time limits")
      ->type_name("FILE")
      ->excludes(local);
  cmd.add_option("--seal-key", seal_key_file,
                 "Sealing key: 32 raw bytes or more; without it, keys under a local master key are "
                 "sealed under that one")
      ->type_name("FILE");
  cmd.add_flag("--require-seals", require_seals,
               "Refuse data keys without a seal, or whose seal cannot be checked");
  cmd.add_flag("--may-swap", may_swap,
               "Go on when key memory cannot be locked: keys may reach the swap space");
}

void KeyOptions::add_trace(CLI::App& cmd) {
  cmd.add_option("--trace", trace_file,
                 "A line for each batch of documents, command, look-up of keys and call to the "
                 "vault and the KMS: what it was, how it ended, how long it took; never a value, a "
                 "name or a key. Added to the end of FILE; - is standard error")
      ->type_name("FILE");
}

Outcome<std::shared_ptr<Observer>> KeyOptions::trace() const {
  if (trace_file.empty()) return std::shared_ptr<Observer>();
  if (traces_to_standard_error()) return std::shared_ptr<Observer>(Trace::to_descriptor(2));
  FLE_TRY(files::Fd opened,
          files::open_own_file(files::FileKind::log, trace_file, O_WRONLY | O_APPEND));
  const auto fd = std::make_shared<const files::Fd>(std::move(opened));
  // Called by one thread at a time.
  return std::shared_ptr<Observer>(
      std::make_shared<Trace>([fd, path = trace_file, told = false](std::string_view line) mutable {
        const ssize_t n = ::write(fd->get(), line.data(), line.size());
        if (told || n == static_cast<ssize_t>(line.size())) return;
        told = true;
        complain("warning: lines of the trace are missing: " +
                 files::failure("write", path, n < 0 ? errno : ENOSPC).message);
      }));
}

Outcome<std::shared_ptr<kms::KeyVault>> KeyOptions::open_mongodb(Bytes uri) const {
  const std::size_t dot = vault_namespace.find('.');  // --vault-ns was checked
  const std::string_view text(reinterpret_cast<const char*>(uri.data()), uri.size());
  const Address parts = read_address_parts(text);
  WipedChars whole;
  if (parts.takes_one && !parts.has_password && is_terminal(STDIN_FILENO)) {
    FLE_TRY(whole, with_password(text, parts));
    uri = Bytes(reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size());
  }
  FLE_TRY(std::unique_ptr<kms::KeyVault> v,
          kms::open_mongo_vault({.uri = {},
                                 .database = vault_namespace.substr(0, dot),
                                 .collection = vault_namespace.substr(dot + 1),
                                 .secret_uri = uri,
                                 .silence_log = true}));
  return std::shared_ptr<kms::KeyVault>(std::move(v));
}

Outcome<std::shared_ptr<kms::KeyVault>> KeyOptions::open_vault(bool create) const {
  if (vault.starts_with("@")) {
    FLE_TRY(const SecretBytes address, read_address(vault.substr(1), LockPolicy::best_effort));
    return open_mongodb(address.expose());
  }
  if (is_mongodb(vault)) {
    const char* const set = std::getenv(kVaultVariable);  // NOLINT(concurrency-mt-unsafe)
    if (read_address_parts(vault).has_password && (set == nullptr || vault != set))
      complain(
          "warning: every user of this machine can read a password in the arguments of a command: "
          "put the address into a file (--vault @FILE) or into FLE_VAULT, or leave the password "
          "out and be asked");
    return open_mongodb({reinterpret_cast<const std::uint8_t*>(vault.data()), vault.size()});
  }
  FLE_TRY(std::unique_ptr<kms::KeyVault> v, kms::open_sqlite_vault(vault, create));
  return std::shared_ptr<kms::KeyVault>(std::move(v));
}

Done KeyOptions::set_seals(kms::SealOptions& seals) const {
  if (!seal_key_file.empty()) {
    FLE_TRY(seals.key, read_seal_key(seal_key_file, lock_policy()));
  }
  seals.required = seals.required || require_seals;
  seals.create = seals.create || seal_new_keys;
  return ok;
}

Outcome<kms::Providers> KeyOptions::kms_providers() const {
  FLE_TRY(const SecretBytes text, read_secret_file(kms_file, kMaxKmsFile, LockPolicy::best_effort,
                                                   files::FileKind::kms_providers));
  kms::KmsOptions options;
  options.lock_policy = lock_policy();
  options.credentials = kms::automatic_credentials(lock_policy());
  options.on_use_without_pins = warn_of_missing_pins;
  if (!kms_options_file.empty()) {
    const Done read = read_kms_options(options, kms_options_file);
    if (!read) return in_option(read.error(), "--kms-options", kms_options_file);
  }
  FLE_CHECK(set_seals(options.seals));
  const Bytes b = text.expose();
  auto p = kms::Providers::from_json({reinterpret_cast<const char*>(b.data()), b.size()}, options);
  if (!p) {
    const bool both = !kms_options_file.empty();
    return in_option(p.error(), "--kms",
                     both ? kms_file + "' and --kms-options '" + kms_options_file : kms_file);
  }
  return p;
}

Outcome<std::shared_ptr<const kms::Providers>> KeyOptions::providers() const {
  if (!kms_file.empty()) {
    FLE_TRY(kms::Providers p, kms_providers());
    return std::make_shared<const kms::Providers>(std::move(p));
  }
  kms::Providers p;
  kms::SealOptions seals;
  FLE_CHECK(set_seals(seals));
  FLE_CHECK(p.set_seals(seals, lock_policy()));
  if (!local_key_file.empty()) {
    FLE_TRY(const SecretBytes key, read_master_key(local_key_file, lock_policy()));
    FLE_CHECK(p.add_local("local", key.expose(), lock_policy()));
  }
  return std::make_shared<const kms::Providers>(std::move(p));
}

Outcome<std::shared_ptr<kms::KeyRing>> KeyOptions::key_ring(
    std::shared_ptr<Observer> observer) const {
  FLE_TRY(std::shared_ptr<const kms::Providers> p, providers());
  FLE_TRY(std::shared_ptr<kms::KeyVault> v, open_vault(false));
  kms::KeyRingOptions options;
  options.lock_policy = lock_policy();
  options.observer = std::move(observer);
  return std::make_shared<kms::KeyRing>(std::move(v), std::move(p), std::move(options));
}

void OldKeyOptions::add(CLI::App& cmd) {
  cmd.add_option("--from-vault", vault, "Key vault of the old keys, if it is another one")
      ->type_name("FILE|URI|@FILE");
  cmd.add_option("--from-vault-ns", vault_namespace, "Its collection, if it is in MongoDB")
      ->check(is_namespace())
      ->type_name("DB.COLL");
  auto* local = cmd.add_option("--from-local-key", local_key_file,
                               "Local master key of the old keys, if it is another one")
                    ->type_name("FILE");
  cmd.add_option("--from-kms", kms_file, "KMS providers of the old keys, if they are others")
      ->type_name("FILE")
      ->excludes(local);
}

Outcome<std::shared_ptr<kms::KeyRing>> OldKeyOptions::key_ring(
    const KeyOptions& others, std::shared_ptr<Observer> observer) const {
  KeyOptions o = others;
  if (!vault.empty()) o.vault = vault;
  if (!vault_namespace.empty()) o.vault_namespace = vault_namespace;
  if (!local_key_file.empty()) {
    o.local_key_file = local_key_file;
    o.kms_file.clear();
    o.kms_options_file.clear();
  }
  if (!kms_file.empty()) {
    o.kms_file = kms_file;
    o.local_key_file.clear();
  }
  return o.key_ring(std::move(observer));
}

}  // namespace fle::tools
