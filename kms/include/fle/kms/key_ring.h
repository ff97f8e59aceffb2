#ifndef FLE_KMS_KEY_RING_H_
#define FLE_KMS_KEY_RING_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/data_key.h"
#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/function.h"
#include "fle/kms/key_counters.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/observe.h"

namespace fle::kms {

/// A data key that is ready for use, with the id that goes into payloads. Shared: it stays valid
/// for its holder after the cache has let go of it.
struct ResolvedKey {
  KeyId id;
  DataKey key;
};
using KeyHandle = std::shared_ptr<const ResolvedKey>;

struct KeyRingOptions {
  /// How long an unwrapped key may be used before the vault is asked again. 60 s as in drivers;
  /// 0 means forever (drivers: keyExpirationMS).
  std::chrono::milliseconds lifetime{60'000};
  LockPolicy lock_policy = LockPolicy::required;
  /// For tests: the clock that lifetimes and calls are measured with.
  std::function<std::chrono::steady_clock::time_point()> now{};
  /// Keys in the cache at most; 0: any number. A key takes about 1.1 KiB, most of it locked memory.
  /// One that was not used lately makes room (CLOCK, the second chance). When RLIMIT_MEMLOCK is
  /// reached first, some make room likewise.
  std::size_t max_keys = 100'000;
  /// Loads a key anew once it has lived for this part of its lifetime, 0 < x < 1: the one call that
  /// notices does so after its own keys are found, all others go on with the key they have. When
  /// that fails the key stays in use until its lifetime ends, and another call tries again.
  /// 0: off.
  double refresh_ahead = 0;
  /// How long past its lifetime a key may still be used when the vault or its KMS cannot be
  /// reached (vault_failed, vault_busy, vault_unreachable, kms_unreachable, kms_busy,
  /// kms_no_credentials, kms_bad_answer). An answer that takes the key away is not such a failure.
  /// 0: off.
  std::chrono::milliseconds stale_if_error{0};
  /// Hears of each look-up, of what becomes of keys, and of calls to the vault and a KMS. Null:
  /// nobody does.
  std::shared_ptr<Observer> observer{};
};

/// A key that could not be had.
struct KeyProblem {
  bool by_name = false;   ///< Asked for by alternate name; else by id.
  std::size_t index = 0;  ///< Which of the ids, or of the names, that were asked for.
  /// Says the id or name, the provider where it is known, why, and what to do next.
  Failure why;
  std::vector<std::string> alt_names{};  ///< Of the key, as far as the vault told.
  std::string provider{};                ///< KMS provider id, likewise.
};

/// The keys that a batch needs, and where they are to be put. Views: the caller keeps what they
/// see.
struct KeyQuery {
  std::span<const KeyId> ids{};
  std::span<const std::string_view> alt_names{};
  std::span<const ResolvedKey*> by_id{};    ///< As long as `ids`; filled in the same order.
  std::span<const ResolvedKey*> by_name{};  ///< As long as `alt_names`; likewise.
};

class ReaderSlots;
struct ReaderSlot;

/// Keeps the keys of one batch usable, without a shared count for each of them. For the time of a
/// call, not for storage: while it holds keys that come from the cache, none that the cache lets go
/// of is freed. Not for concurrent use; must not outlive its KeyRing.
class FLE_API KeyLease {
 public:
  KeyLease() noexcept;
  ~KeyLease();
  KeyLease(const KeyLease&) = delete;
  KeyLease& operator=(const KeyLease&) = delete;

  /// Lets go of the keys. Keeps memory for the next use.
  void release() noexcept;
  /// The keys that were missing, ids before names, by index. Empty after success.
  [[nodiscard]] std::span<const KeyProblem> problems() const noexcept { return problems_; }

 private:
  friend class KeyRing;
  // It either pins the cache, and has no handles, or the reverse.
  ReaderSlots* readers_ = nullptr;
  ReaderSlot* slot_ = nullptr;
  std::vector<KeyHandle> handles_;
  std::vector<KeyProblem> problems_;
};

/// Finds data keys: in its cache, else in the vault (one query for all that are missing), else
/// nowhere; unwraps them through the provider their document names. Thread-safe.
///
/// A key that is in the cache is found without a lock and without writing to memory that threads
/// share, in a time that does not grow with the number of keys. Any number of threads that miss one
/// key at once cause one query and one unwrapping; what fails is told to all of them and not
/// remembered. A vault or a provider must not use the ring that is asking it. After a fork the
/// child makes a ring of its own, on providers of its own: no key is carried over.
///
/// Two ids with the same 96 bytes are refused, in whatever order they come: the first one stays in
/// use. Somebody may have copied key material to another id to read what is encrypted under that.
/// The ring remembers by keyed hash what it has loaded, of twice max_keys keys, until clear().
class FLE_API KeyRing {
 public:
  KeyRing(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
          KeyRingOptions options = {});
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  /// All keys or a Failure.
  /// @param out_by_id    as long as `ids`; filled in the same order.
  /// @param out_by_name  as long as `alt_names`; likewise.
  /// @retval Errc::key_not_found       names the first id or name that the vault does not have
  /// @retval Errc::key_document_invalid, Errc::key_unwrap_failed, Errc::kms_not_configured
  /// @retval Errc::key_seal_broken, Errc::key_not_sealed  see SealOptions; no KMS was asked, unless
  ///                               the material opened to another key than was sealed
  /// @retval Errc::key_duplicate   the key is the very data key that this ring has loaded under
  ///                               another id; names both
  /// @retval Errc::lock_failed, and as Provider::unwrap and every call of a KeyVault
  [[nodiscard]] Done resolve(std::span<KeyHandle> out_by_id, std::span<KeyHandle> out_by_name,
                             std::span<const KeyId> ids, std::span<const std::string> alt_names);

  /// The same for the time of one batch: cheaper, and it tells of every key that is missing. One
  /// query and one attempt to unwrap each key, also when some fail. The pointers that it puts into
  /// `query.by_id` and `query.by_name` are good until `lease` is released; null where a key is
  /// missing.
  /// @return the first of lease.problems(), if there are any.
  /// @retval Errc::invalid_argument  `by_id` or `by_name` has another length than what it answers
  /// @retval as resolve
  [[nodiscard]] Done lease(KeyLease& lease, const KeyQuery& query);

  /// One id: the common case, without a vector.
  [[nodiscard]] Outcome<KeyHandle> by_id(const KeyId& id);
  [[nodiscard]] Outcome<KeyHandle> by_alt_name(std::string_view alt_name);

  /// Takes in a key that the caller has fetched and unwrapped, with a network of its own (see
  /// Exchange): as if it had been loaded now.
  /// @param key  the 96 bytes that document.key_material unwraps to.
  /// @return the key, for as long as the handle; the cache may let go of it, as of any other.
  /// @retval Errc::key_unwrap_failed  it has not 96 bytes
  /// @retval Errc::key_duplicate, Errc::key_seal_broken, Errc::key_not_sealed  as resolve
  /// @retval Errc::lock_failed, Errc::no_memory
  [[nodiscard]] Outcome<KeyHandle> add(const KeyDocument& document, const SecretBytes& key);

  /// Loads those of `ids` that are not in the cache, in queries of at most 1,000.
  /// @return the keys that could not be loaded; the others are in the cache.
  [[nodiscard]] std::vector<KeyProblem> prewarm(std::span<const KeyId> ids);
  /// Loads all keys of the vault, in the vault's order, until the cache is full.
  /// @return the keys that could not be loaded; `index` is the place in KeyVault::list().
  /// @retval as KeyVault::list
  [[nodiscard]] Outcome<std::vector<KeyProblem>> prewarm_all();

  /// Forgets every cached key. What is loaded meanwhile is not cached, and does not answer calls
  /// that begin later.
  void clear();

  [[nodiscard]] KeyRingCounters counters() const;

 private:
  struct State;
  class Call;
  std::unique_ptr<State> s_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_RING_H_
