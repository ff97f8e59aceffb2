#ifndef FLE_KMS_SRC_KEY_RING_STATE_H_
#define FLE_KMS_SRC_KEY_RING_STATE_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fle/kms/key_ring.h"
#include "fle/report.h"
#include "key_cache.h"
#include "key_flights.h"
#include "key_loader.h"
#include "materials.h"
#include "provider/kms_call.h"

namespace fle::kms {

/// A key ring from inside: the cache that all threads read, and behind one lock what changes it.
struct KeyRing::State {
  State(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
        KeyRingOptions asked);

  KeyRingOptions options;
  KeyLoader loader;
  KeyCache cache;
  const SeededHash hash;

  std::mutex mutex;           // guards what follows, and is the writers' lock of `cache`;
                              // never held while a vault or a KMS is asked
  KeyFlights flights;         // that a call may join
  std::uint64_t cleared = 0;  // calls of clear()
  Materials materials;        // which data keys there are, and under which ids
  std::uint64_t evictions_told = 0;

  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> coalesced{0};
  std::atomic<std::uint64_t> loaded{0};
  std::atomic<std::uint64_t> refreshed{0};
  std::atomic<std::uint64_t> served_stale{0};

  class Load;

  /// Tells the observer what has become of keys. No lock is held.
  void tell(Word event, std::uint64_t n = 1) const noexcept {
    if (options.observer == nullptr || n == 0) return;
    const Event e{Metric::keys, {event}, n};
    report(options.observer.get(), {&e, 1});
  }
  [[nodiscard]] TimePoint now() const {
    return options.now ? options.now() : std::chrono::steady_clock::now();
  }
  /// As now(), for keys of the cache: at most a tick of the clock (as a rule 4 ms) after it, and
  /// not before it where the ticks are on time. A key may end so much early; but steady_clock takes
  /// as long as all the rest of a look-up.
  [[nodiscard]] TimePoint now_or_next_tick() const;
  [[nodiscard]] bool fresh(TimePoint since, TimePoint t) const noexcept {
    return options.lifetime.count() == 0 || t - since <= options.lifetime;
  }

  // Single flight; key_ring_load.cc.

  /// Does the work of a load: lands every flight of it.
  void run(Load& load, KmsCall& call);
  /// Unwraps one document, unless `raw` is what it unwraps to, and puts the key into the cache.
  [[nodiscard]] LoadResult take(const KeyDocument& doc, TimePoint asked, std::uint64_t cleared_then,
                                const SecretBytes* raw = nullptr);
  /// take() for each of `docs`, in their order. Those that need servers go side by side; of each
  /// provider's one goes first, so that a server that is down is asked once.
  [[nodiscard]] std::vector<LoadResult> take_all(std::span<const KeyDocument> docs, TimePoint asked,
                                                 std::uint64_t cleared_then, KmsCall& call);
  /// Loads keys that are in the cache anew. What fails stays as it is.
  void refresh(const std::vector<KeyId>& ids);

 private:
  struct CacheNews {
    std::uint64_t loaded = 0;
    std::uint64_t evicted = 0;
  };
  [[nodiscard]] LoadResult take_in(const KeyDocument& doc, TimePoint asked,
                                   std::uint64_t cleared_then, const SecretBytes* raw,
                                   CacheNews& news);
  void ask(Load& load, const std::vector<KeyId>& ids, const std::vector<std::string>& names,
           KmsCall& call);
  void ask_one_by_one(Load& load, const std::vector<KeyId>& ids,
                      const std::vector<std::string>& names, KmsCall& call);
  template <class Name>
  void settle(Load& load, const Name& name, LoadResult result);
  template <class Name>
  void settle_failure(Load& load, const Name& name, LoadResult failed);
};

/// Keys that one call loads, each with its flight. Whatever happens, the flights land: those that
/// are left when the load ends, because an exception came by, do so with no_memory.
class KeyRing::State::Load {
 public:
  explicit Load(State& state) : state_(state), mine_(state.hash) {}
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// The flight of a key: one that is under way, or a new one of this load. The lock is held.
  template <class Name>
  [[nodiscard]] FlightPtr join_or_begin(const Name& name);
  /// Ends the flight of a key, if it is one of this load's. The lock is not held.
  template <class Name>
  void land(const Name& name, const LoadResult& result);

  [[nodiscard]] bool empty() const noexcept { return ids_.empty() && names_.empty(); }
  [[nodiscard]] const std::vector<KeyId>& ids() const noexcept { return ids_; }
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  template <class Name>
  [[nodiscard]] bool is_open(const Name& name) const {
    return mine_.find(name) != nullptr;
  }

  TimePoint began{};               // before the vault was asked
  std::uint64_t cleared_then = 0;  // State::cleared when it began
  bool is_refresh = false;

 private:
  void note(const KeyId& id) { ids_.push_back(id); }
  void note(const std::string& name) { names_.push_back(name); }

  State& state_;
  KeyFlights mine_;
  std::vector<KeyId> ids_;
  std::vector<std::string> names_;
};

template <class Name>
FlightPtr KeyRing::State::Load::join_or_begin(const Name& name) {
  if (FlightPtr under_way = state_.flights.find(name)) return under_way;
  note(name);
  auto flight = std::make_shared<KeyFlight>(this);
  mine_.add(name, flight);  // first: what is in here lands
  state_.flights.add(name, flight);
  cleared_then = state_.cleared;
  return flight;
}

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_RING_STATE_H_
