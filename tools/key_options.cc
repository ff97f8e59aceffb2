#include "command.h"
#include "files.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMaxKmsFile = 1024 * 1024;

int base64_digit(std::uint8_t c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// 128 base64 characters -> 96 bytes. False when one is not base64.
bool decode_key(Bytes text, MutBytes out) noexcept {
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int d = base64_digit(text[i + k]);
      if (d < 0) return false;
      bits = bits << 6 | static_cast<std::uint32_t>(d);
    }
    for (const unsigned shift : {16U, 8U, 0U}) out[at++] = static_cast<std::uint8_t>(bits >> shift);
    wipe({reinterpret_cast<std::uint8_t*>(&bits), sizeof bits});
  }
  return true;
}

/// The 96 bytes of a master key file: raw, or one line of base64.
Outcome<SecretBytes> read_master_key(const std::string& path, LockPolicy policy) {
  constexpr std::size_t kText = DataKey::kLen / 3 * 4;
  FLE_TRY(SecretBytes file, read_secret_file(path, 256, policy));
  Bytes content = file.expose();
  if (content.size() == DataKey::kLen) return file;
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) {
    content = content.first(content.size() - 1);
  }
  FLE_TRY(SecretBytes key, SecretBytes::create(DataKey::kLen, policy));
  if (content.size() != kText || !decode_key(content, key.expose_mut())) {
    return Failure(Errc::kms_config_invalid,
                   "'" + path +
                       "' is not a local master key: 96 bytes, raw or as one "
                       "line of base64");
  }
  return key;
}

}  // namespace

void KeyOptions::add_vault(CLI::App& cmd) {
  cmd.add_option("--vault", vault, "Key vault: a file (SQLite)")->required()->type_name("FILE");
}

void KeyOptions::add_kms(CLI::App& cmd) {
  auto* local = cmd.add_option("--local-key", local_key_file,
                               "Local master key: 96 bytes, raw or as one line of base64")
                    ->type_name("FILE");
  cmd.add_option("--kms", kms_file, "KMS providers: JSON, the drivers' kmsProviders map")
      ->type_name("FILE")
      ->excludes(local);
  cmd.add_flag("--may-swap", may_swap,
               "Go on when key memory cannot be locked: keys may reach the swap space");
}

Outcome<std::shared_ptr<kms::KeyVault>> KeyOptions::open_vault(bool create) const {
  if (vault.rfind("mongodb://", 0) == 0 || vault.rfind("mongodb+srv://", 0) == 0) {
    return Failure(Errc::not_in_build,
                   "this version keeps data keys in a SQLite file only: give a file name");
  }
  FLE_TRY(std::unique_ptr<kms::KeyVault> v, kms::open_sqlite_vault(vault, create));
  return std::shared_ptr<kms::KeyVault>(std::move(v));
}

Outcome<std::shared_ptr<const kms::Providers>> KeyOptions::providers() const {
  if (!kms_file.empty()) {
    FLE_TRY(const SecretBytes text,
            read_secret_file(kms_file, kMaxKmsFile, LockPolicy::best_effort));
    const Bytes b = text.expose();
    FLE_TRY(kms::Providers p,
            kms::Providers::from_json({reinterpret_cast<const char*>(b.data()), b.size()}));
    return std::make_shared<const kms::Providers>(std::move(p));
  }
  kms::Providers p;
  if (!local_key_file.empty()) {
    FLE_TRY(const SecretBytes key, read_master_key(local_key_file, lock_policy()));
    FLE_CHECK(p.add_local("local", key.expose(), lock_policy()));
  }
  return std::make_shared<const kms::Providers>(std::move(p));
}

Outcome<std::shared_ptr<kms::KeyRing>> KeyOptions::key_ring() const {
  FLE_TRY(std::shared_ptr<const kms::Providers> p, providers());
  FLE_TRY(std::shared_ptr<kms::KeyVault> v, open_vault(false));
  kms::KeyRingOptions options;
  options.lock_policy = lock_policy();
  return std::make_shared<kms::KeyRing>(std::move(v), std::move(p), std::move(options));
}

std::string to_base64(const KeyId& id) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string s;
  for (std::size_t i = 0; i < id.bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, id.bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < n ? id.bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) s += k <= n ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return s;
}

}  // namespace fle::tools
