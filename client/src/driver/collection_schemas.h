#ifndef FLE_CLIENT_SRC_COLLECTION_SCHEMAS_H_
#define FLE_CLIENT_SRC_COLLECTION_SCHEMAS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fle/client/auto_encrypter.h"
#include "fle/single_flight.h"

namespace fle::client {

/// The schemas of an AutoEncrypter's collections: those that the application gave, else what the
/// server's listCollections says, remembered for a while (specification: client-side-encryption,
/// "Collection info caching"). Thread-safe. Threads that miss one collection at once cause one call
/// of list_collections; no lock is held during it.
class CollectionSchemas {
 public:
  explicit CollectionSchemas(const AutoEncrypter::Options& options);

  /// What a caller with a network of its own answers instead of Options::list_collections.
  struct Asking {
    const ListCollections* list = nullptr;  ///< Null: Options::list_collections.
    bool together = true;                   ///< Several collections may be asked for at once.
    /// times_forgotten() when the caller began to ask. An answer from before a command that changes
    /// collections serves the caller, and is not remembered for others: as with list_collections.
    std::uint64_t since = 0;
  };

  /// The schemas that the analysis of a command needs.
  /// @param out      one for each of target.collections and target.elsewhere; memory is reused.
  /// @param scratch  likewise.
  /// @retval Errc::view_not_supported
  /// @retval Errc::schema_missing      Options::require_schema, and a collection has none
  /// @retval Errc::server_bad_answer   listCollections told of what it was not asked for, or twice
  /// @retval as list_collections and the schema compiler
  [[nodiscard]] Done find(std::string_view db, const query::Target& target,
                          std::vector<query::CollectionSchema>& out, std::string& scratch,
                          const Asking& asking);

  /// Forgets what the server said, and what it is being asked: a command that changes collections
  /// is about to be sent, or has been answered. What another thread asks for between both, before
  /// the server has carried it out, is remembered until the answer.
  void forget();
  [[nodiscard]] std::uint64_t times_forgotten() const noexcept { return forgotten_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// What a collection's schema turned out to be. A failure is remembered like a schema: the
  /// collection's validator will not mend itself.
  struct Info {
    std::shared_ptr<const schema::Plan> plan;
    std::optional<Failure> failure;
    Clock::time_point expires;
  };
  /// One collection that a call of list_collections is under way for.
  using InfoFlight = Flight<Info>;
  /// One that a command waits for.
  struct Wanted {
    query::CollectionSchema* schema;
    std::string ns;
    std::shared_ptr<InfoFlight> flight;
    bool known = false;  // it was found in the meantime
  };
  class Landing;

  [[nodiscard]] Clock::time_point now() const {
    return options_.now ? options_.now() : Clock::now();
  }
  /// Whether each collection may go as it is known now.
  [[nodiscard]] Done check_all(const query::Target& target, std::string_view command_db,
                               std::span<const query::CollectionSchema> all) const;
  /// Gives `s` its schema when it is known. True when it was.
  [[nodiscard]] Outcome<bool> take_known(const std::string& ns, query::CollectionSchema& s) const;
  [[nodiscard]] Done load(std::string_view db, std::vector<Wanted> missing);
  /// Asks the caller, who waits for nobody.
  [[nodiscard]] Done ask(std::string_view db, std::span<Wanted> wanted, const Asking& asking);
  [[nodiscard]] Outcome<std::vector<Info>> fetch(std::string_view db,
                                                 std::span<const Wanted> wanted,
                                                 const ListCollections& list) const;
  /// @param since  times_forgotten() when they were asked for: what is older than the last forget()
  ///               is not remembered.
  void remember(std::span<const Wanted> wanted, std::span<const Info> found, std::uint64_t since);

  const AutoEncrypter::Options& options_;
  mutable std::shared_mutex mutex_;  // guards infos_; taken after flights_mutex_
  std::unordered_map<std::string, Info> infos_;
  std::atomic<std::uint64_t> forgotten_{0};
  std::mutex flights_mutex_;  // guards flights_
  std::unordered_map<std::string, std::shared_ptr<InfoFlight>> flights_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_COLLECTION_SCHEMAS_H_
