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

#include "credentials.h"
#include "fle/client/auto_encrypter.h"
#include "fle/kms/key_ring.h"
#include "fle/wiped.h"
#include "process.h"
#include "schema_map.h"
#include "status.h"

namespace fle::mongocrypt {

/// What the options of the interface say.
struct CryptOptions {
  mongocrypt_log_fn_t log = nullptr;
  void* log_context = nullptr;
  std::vector<WipedBytes> kms_providers;
  std::optional<std::vector<std::uint8_t>> schema_map;  ///< BSON; SchemaMap::from_bson takes it.
  bool names_analyzer = false;  ///< A path of crypt_shared: ours is in here.
  bool has_hooks = false;
  bool asks_credentials = false;
  bool asks_with_db = false;
  bool asks_together = false;
  bool retries_kms = false;
  bool bypasses_analysis = false;
  std::optional<std::chrono::milliseconds> key_lifetime;
};

/// The client of one process: what works for every context of a handle. A forked child has its own,
/// with nothing that a thread of its parent may have locked.
class Engine {
 public:
  /// @retval as Credentials::from_bson
  [[nodiscard]] static Outcome<std::unique_ptr<Engine>> make(const CryptOptions& options);

  [[nodiscard]] const Credentials& credentials() const noexcept { return credentials_; }
  [[nodiscard]] const client::AutoEncrypter& auto_encrypter() const noexcept { return *encrypter_; }
  [[nodiscard]] kms::KeyRing& keys() const noexcept { return *keys_; }
  [[nodiscard]] bool is_of_this_process() const noexcept;

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
};

/// What a mongocrypt_t stands for. Options are set by one thread; once initialized it serves any
/// number. Contexts keep it alive.
class Crypt {
 public:
  Crypt() = default;
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
  /// The handle goes, and with it whoever listens; contexts may be left.
  void stop_logging() noexcept { log_ = nullptr; }
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

  Status status;

 private:
  CryptOptions options_;
  bool tried_ = false;
  std::atomic<mongocrypt_log_fn_t> log_{nullptr};  // set by init()
  std::atomic<Engine*> engine_{nullptr};
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_CRYPT_H_
