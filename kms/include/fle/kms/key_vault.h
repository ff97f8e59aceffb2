#ifndef FLE_KMS_KEY_VAULT_H_
#define FLE_KMS_KEY_VAULT_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"

namespace fle::kms {

/// Where data-key documents live. Implementations are thread-safe, and several processes may work
/// on one vault at once.
class FLE_API KeyVault {
 public:
  virtual ~KeyVault() = default;

  /// Stores a new key, atomically.
  /// @retval Errc::key_duplicate  the id or one of the alternate names is taken; says which
  /// @retval Errc::key_document_invalid  the document breaks a rule of parse_key_document()
  [[nodiscard]] virtual Done insert(const KeyDocument& key) = 0;
  /// Every key whose id is in `ids` or that has one of `alt_names`; each once, in no order. One
  /// round trip for all.
  [[nodiscard]] virtual Outcome<std::vector<KeyDocument>> find(
      std::span<const KeyId> ids, std::span<const std::string> alt_names) = 0;
  /// Every key, ordered by creation date, then id.
  [[nodiscard]] virtual Outcome<std::vector<KeyDocument>> list() = 0;
};

/// The embedded key vault: one SQLite file, which may be copied while nobody writes. What insert()
/// reported as stored survives a crash of the process or of the system. After a fork, open it anew
/// in the child.
///
/// @param path    a file name; created (mode 0600) when missing and `create` is true.
/// @retval Errc::vault_failed  not a key vault, not readable, or damaged; errors name the file
/// @retval Errc::vault_busy    from any later call: another process held the lock for 10 s
/// @retval Errc::not_in_build  this build has no SQLite
[[nodiscard]] FLE_API Outcome<std::unique_ptr<KeyVault>> open_sqlite_vault(const std::string& path,
                                                                           bool create);
/// True when this build has the SQLite vault.
[[nodiscard]] FLE_API bool have_sqlite_vault() noexcept;

/// A vault in memory, for tests and for embedders that fetch key documents themselves.
[[nodiscard]] FLE_API std::unique_ptr<KeyVault> make_memory_vault();

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_VAULT_H_
