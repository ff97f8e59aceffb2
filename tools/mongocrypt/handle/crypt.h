#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_CRYPT_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_CRYPT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/client/auto_encrypter.h"
#include "fle/kms/key_ring.h"
#include "fle/wiped.h"
#include "hooks.h"
#include "original/context.h"
#include "process.h"
#include "reading/credentials.h"
#include "reading/queryable.h"
#include "reading/schema_map.h"
#include "status.h"

namespace fle::mongocrypt {

/// What the options of the interface say.
struct CryptOptions {
  mongocrypt_log_fn_t log = nullptr;
  void* log_context = nullptr;
  std::vector<WipedBytes> kms_providers;
  std::optional<std::vector<std::uint8_t>> schema_map;  ///< BSON; SchemaMap::from_bson takes it.
  std::vector<std::uint8_t> encrypted_field_map;        ///< BSON; empty when there is none.
  // Of crypt_shared. Ours is in here.
  std::vector<std::string> analyzer_folders;
  std::string analyzer_path;
  Hooks hooks;
  bool asks_credentials = false;
  bool asks_with_db = false;
  bool asks_together = false;
  bool retries_kms = false;
  bool bypasses_analysis = false;
  bool uses_range_v2 = false;
  std::optional<std::chrono::milliseconds> key_lifetime;

  [[nodiscard]] bool names_analyzer() const noexcept;
};

class Crypt;

/// The client of one process: what works for every context of a handle. A forked child has its own,
/// with nothing that a thread of its parent may have locked.
class Engine {
 public:
  /// @retval as Credentials::from_bson
  [[nodiscard]] static Outcome<std::unique_ptr<Engine>> make(const Crypt& crypt);

  [[nodiscard]] const Credentials& credentials() const noexcept { return credentials_; }
  [[nodiscard]] const client::AutoEncrypter& auto_encrypter() const noexcept { return *encrypter_; }
  [[nodiscard]] kms::KeyRing& keys() const noexcept { return *keys_; }
  [[nodiscard]] bool is_of_this_process() const noexcept;
  /// Null where nobody is there for Queryable Encryption.
  [[nodiscard]] QueryableCollections* queryable() const noexcept { return queryable_.get(); }
  /// The original's handle, with the options of ours. Made by the first context that needs it.
  /// @retval Errc::command_not_supported  the original says no; remembered
  [[nodiscard]] Outcome<original::Crypt*> original(const Crypt& crypt);

  /// Scratch memory for a command or reply, given back when it has served.
  [[nodiscard]] client::Message borrow();
  void give_back(client::Message message) noexcept;

 private:
  explicit Engine(Credentials credentials) : credentials_(std::move(credentials)) {}

  const std::uint64_t process_ = process_number();
  Credentials credentials_;
  std::unique_ptr<SchemaMap> schemas_;  // may be null
  std::shared_ptr<kms::KeyRing> keys_;
  std::unique_ptr<client::AutoEncrypter> encrypter_;
  std::mutex mutex_;  // guards spare_
  std::vector<client::Message> spare_;
  std::unique_ptr<QueryableCollections> queryable_;
  std::unique_ptr<HookCalls> hook_calls_;
  std::mutex original_mutex_;  // guards original_
  std::optional<Outcome<std::unique_ptr<original::Crypt>>> original_;
};

/// What a mongocrypt_t stands for. Options are set by one thread; once initialized it serves any
/// number. Contexts keep it alive.
class Crypt {
 public:
  /// Loads the library that FLE_MONGOCRYPT_QE names, if it names one.
  Crypt();
  Crypt(const Crypt&) = delete;
  Crypt& operator=(const Crypt&) = delete;
  ~Crypt();

  /// The options, while they may be set.
  /// @retval Errc::invalid_argument  it is initialized, or has failed to be
  [[nodiscard]] Outcome<CryptOptions*> options_to_set();
  [[nodiscard]] const CryptOptions& options() const noexcept { return options_; }
  /// @retval Errc::invalid_argument  done before; no KMS provider is set
  /// @retval as Engine::make
  [[nodiscard]] Done init();
  [[nodiscard]] bool is_ready() const noexcept { return engine_.load() != nullptr; }
  /// The handle goes, and with it whoever is called; contexts may be left.
  void stop_calling() noexcept {
    log_ = nullptr;
    closed_ = true;
  }
  [[nodiscard]] bool logs() const noexcept { return log_ != nullptr; }

  /// The engine of this process. In a forked child it is made anew, of the options: keys are
  /// fetched and unwrapped again, and what the parent's threads had locked is left alone.
  [[nodiscard]] Outcome<Engine*> engine();

  /// Pages are locked as far as the system lets us: drivers run where nobody has raised its limit.
  /// FLE_MONGOCRYPT_LOCK=required refuses to go on without.
  [[nodiscard]] static LockPolicy lock_policy() noexcept;
  /// How the options of a KMS are made of the handle's.
  [[nodiscard]] static kms::KmsOptions kms_options(const CryptOptions& options);

  void log(mongocrypt_log_level_t level, std::string_view text) const noexcept;

  /// MongoDB's own libmongocrypt, for Queryable Encryption; null where there is none.
  [[nodiscard]] const std::shared_ptr<const original::Library>& original() const noexcept {
    return original_;
  }
  /// What is refused where there is none.
  [[nodiscard]] Failure refuse_queryable(std::string_view what) const;
  /// Whether the driver is to bring an analyzer for the original, and has been told so.
  [[nodiscard]] bool asks_markings() const noexcept { return asks_markings_; }
  [[nodiscard]] const std::atomic<bool>& closed() const noexcept { return closed_; }

  Status status;

 private:
  std::shared_ptr<const original::Library> original_;
  std::string why_no_original_;  // empty where none is named
  CryptOptions options_;
  bool tried_ = false;
  bool asks_markings_ = false;
  std::atomic<bool> closed_{false};
  std::atomic<mongocrypt_log_fn_t> log_{nullptr};  // set by init()
  std::atomic<Engine*> engine_{nullptr};
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_CRYPT_H_
