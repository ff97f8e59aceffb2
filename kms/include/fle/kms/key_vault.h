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
#include "fle/kms/key_filter.h"

namespace fle::kms {

/// A new wrapping of a data key, to take the place of an old one.
struct Rewrapping {
  KeyId id;
  std::vector<std::uint8_t> old_material;  ///< The keyMaterial that must still be stored.
  std::vector<std::uint8_t> new_material;
  MasterKey master_key;  ///< That `new_material` is wrapped under.
  /// Of a sealed key the new seal, and the names that it covers and the key must still have; the
  /// seal of others is empty.
  std::vector<std::uint8_t> new_seal{};
  std::vector<std::string> alt_names{};
};

/// Where data-key documents live. Implementations are thread-safe, and several processes may work
/// on one vault at once.
///
/// A vault that is only read from need not have more than insert(), find() and list(): the other
/// operations are refused with Errc::vault_failed unless they are implemented.
/// Beside what is listed, every call may fail with Errc::vault_failed, and for a reason that may
/// pass with Errc::vault_unreachable, Errc::vault_busy, Errc::io_busy and Errc::no_memory.
class FLE_API KeyVault {
 public:
  virtual ~KeyVault() = default;

  /// Stores a new key, atomically.
  /// @retval Errc::key_duplicate  the id or one of the alternate names is taken; says which
  /// @retval Errc::key_document_invalid  the document breaks a rule of parse_key_document()
  [[nodiscard]] virtual Done insert(const KeyDocument& key) = 0;
  /// Stores new keys: all, or, on a failure, none; a vault in MongoDB keeps those before the one
  /// that is refused.
  /// @retval as insert(); Failure::document is the number of the key, from 1
  [[nodiscard]] virtual Done insert_many(std::span<const KeyDocument> keys);

  /// Every key whose id is in `ids` or that has one of `alt_names`; each once, in no order. One
  /// round trip for all.
  [[nodiscard]] virtual Outcome<std::vector<KeyDocument>> find(
      std::span<const KeyId> ids, std::span<const std::string> alt_names) = 0;
  /// Every key, ordered by creation date, then id.
  [[nodiscard]] virtual Outcome<std::vector<KeyDocument>> list() = 0;
  /// Every key that the filter takes, in the order of list().
  /// @retval Errc::invalid_argument  the vault does not understand the filter
  [[nodiscard]] virtual Outcome<std::vector<KeyDocument>> match(const KeyFilter& filter);

  // The next two know nothing of seals, and break that of a sealed key, as a driver does: see
  // kms::add_alt_name() and kms::remove_alt_name().

  /// Gives a key one more alternate name, atomically. Nothing happens when it has that name.
  /// @return the document from before; none when no key has this id
  /// @retval Errc::key_duplicate         another key has the name
  /// @retval Errc::key_document_invalid  the name is not UTF-8
  [[nodiscard]] virtual Outcome<std::optional<KeyDocument>> add_alt_name(const KeyId& id,
                                                                         std::string_view alt_name);
  /// Takes an alternate name away, atomically. Nothing happens when the key does not have it. With
  /// the last name goes the field keyAltNames.
  /// @return as add_alt_name()
  [[nodiscard]] virtual Outcome<std::optional<KeyDocument>> remove_alt_name(
      const KeyId& id, std::string_view alt_name);
  /// Deletes a key. What is encrypted under it cannot be decrypted again.
  /// @return false when no key has this id
  [[nodiscard]] virtual Outcome<bool> delete_key(const KeyId& id);
  /// Replaces keyMaterial and masterKey, and sets updateDate to now, of every key whose keyMaterial
  /// is still the old one; each key atomically (memory and SQLite: all of them). A key is given at
  /// most once.
  /// @return the ids, in the order given, of keys that were changed or deleted meanwhile, and
  ///         therefore left alone
  /// @retval Errc::key_document_invalid  a new document would break a rule; nothing is changed
  [[nodiscard]] virtual Outcome<std::vector<KeyId>> rewrap(std::span<const Rewrapping> keys);
  /// Gives a key other names and another seal, atomically, if its document still is `before`.
  /// @param after  as `before` but for KeyDocument::alt_names and KeyDocument::seal
  /// @return       false when it is not, or when no key has this id; nothing is changed
  /// @retval Errc::key_duplicate         another key has one of the names
  /// @retval Errc::key_document_invalid  the new document would break a rule
  [[nodiscard]] virtual Outcome<bool> replace(const KeyDocument& before, const KeyDocument& after);
};

/// The embedded key vault: one SQLite file, which may be copied while nobody writes. What a call
/// reported as done survives a crash of the process or of the system. After a fork, open it anew
/// in the child.
///
/// @param path    a file name; created (mode 0600) when missing and `create` is true.
/// @retval Errc::vault_failed  not a key vault, not readable, or damaged; errors name the file
/// @retval Errc::vault_busy    from any later call: another process held the lock for 10 s
/// @retval Errc::not_in_build  this build has no SQLite
[[nodiscard]] FLE_API Outcome<std::unique_ptr<KeyVault>> open_sqlite_vault(std::string_view path,
                                                                           bool create);
/// True when this build has the SQLite vault.
[[nodiscard]] FLE_API bool have_sqlite_vault() noexcept;

/// Where a key vault in MongoDB is.
struct MongoVaultOptions {
  std::string uri;  ///< mongodb:// or mongodb+srv:// with all that it may say; never in an error.
  std::string database = "encryption";
  std::string collection = "__keyVault";
  /// Instead of `uri`, for one with a password in memory that its owner wipes: read during the
  /// call, and no copy of ours is left unwiped. libmongoc keeps what it needs of it.
  BorrowedBytes secret_uri{};
  /// Takes libmongoc's log off standard error, in the whole process (mongoc_log_set_handler).
  bool silence_log = false;
};

/// A key vault in a MongoDB collection, as drivers use it: keyVaultNamespace. Reads with read
/// concern majority, writes with write concern majority. Before the first write that depends on it,
/// the unique partial index on keyAltNames is checked, and made where it is missing.
///
/// Connects when it is used, but mongodb+srv:// is looked up in DNS at once; every call may take as
/// long as the connection string allows. After a fork, open it anew in the child.
///
/// @retval Errc::vault_failed      `uri` is no connection string; from any later call: the server
///                                 refuses it
/// @retval Errc::vault_unreachable DNS does not have the servers of mongodb+srv://; from any later
///                                 call: no server is reachable, or no connection of the pool
///                                 became free within waitQueueTimeoutMS
/// @retval Errc::invalid_argument  database or collection is empty
/// @retval Errc::not_in_build      this build has no libmongoc
[[nodiscard]] FLE_API Outcome<std::unique_ptr<KeyVault>> open_mongo_vault(
    const MongoVaultOptions& options);
/// True when this build has the MongoDB vault.
[[nodiscard]] FLE_API bool have_mongo_vault() noexcept;

/// A vault in memory, for tests and for embedders that fetch key documents themselves.
[[nodiscard]] FLE_API std::unique_ptr<KeyVault> make_memory_vault();

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_VAULT_H_
