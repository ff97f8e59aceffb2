#include "fle/kms/key_ring.h"

#include <algorithm>
#include <array>

#include "fle/longest.h"
#include "key_ring_state.h"
#include "tick_clock.h"

namespace fle::kms {
namespace {

/// The part of a lifetime after which a key that could not be refreshed is tried again.
constexpr int kRetryPart = 16;

/// A call: what is asked for and where the answers go. Null: not found yet.
template <class Name>
struct Asked {
  std::span<const Name> names;  // ids, or alternate names
  std::span<const ResolvedKey*> out;
  bool by_name;
};

/// A name as the tables behind the lock hold it.
const KeyId& to_own(const KeyId& id) { return id; }
std::string to_own(std::string_view name) { return std::string(name); }

/// Names whose waits for memory overlap: as many as a batch of fields has.
constexpr std::size_t kChunk = 64;

/// Looks up to kChunk names up at once.
/// @return how many were not found
template <class Name, class IsUsable>
std::size_t find_chunk(const KeyCache& cache, std::span<const Name> names,
                       std::span<const ResolvedKey*> out, IsUsable is_usable) {
  constexpr std::size_t kAlone = 2;  // too few to overlap
  std::array<std::uint64_t, kChunk> hashes;
  const std::size_t n = names.size();
  for (std::size_t i = 0; i < n; ++i) hashes[i] = cache.hash(names[i]);
  if (n > kAlone) {
    for (std::size_t i = 0; i < n; ++i) cache.prefetch_slot(names[i], hashes[i]);
    for (std::size_t i = 0; i < n; ++i) cache.prefetch_item(names[i], hashes[i]);
  }
  std::size_t n_missing = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const KeyCache::Found found = cache.look_up(names[i], hashes[i]);
    out[i] = found.key != nullptr && is_usable(found) ? found.key : nullptr;
    n_missing += out[i] == nullptr ? 1 : 0;
  }
  return n_missing;
}

template <class Name, class IsUsable>
std::size_t find_all(const KeyCache& cache, const Asked<Name>& asked, IsUsable is_usable) {
  std::size_t n_missing = 0;
  for (std::size_t i = 0; i < asked.names.size(); i += kChunk) {
    const std::size_t n = std::min(kChunk, asked.names.size() - i);
    n_missing += find_chunk(cache, asked.names.subspan(i, n), asked.out.subspan(i, n), is_usable);
  }
  return n_missing;
}

KeyRingOptions in_reach_of_clocks(KeyRingOptions options) {
  options.lifetime = at_longest_a_century(options.lifetime);
  options.stale_if_error = at_longest_a_century(options.stale_if_error);
  return options;
}

}  // namespace

KeyRing::State::State(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
                      KeyRingOptions asked)
    : options(in_reach_of_clocks(std::move(asked))),
      loader(
          std::move(vault), std::move(providers), options.lock_policy, [this] { return now(); },
          options.observer),
      cache(options.max_keys, options.lifetime.count() == 0
                                  ? std::chrono::milliseconds(0)
                                  : options.lifetime + options.stale_if_error),
      hash(SeededHash::random()),
      flights(hash),
      materials(2 * options.max_keys) {}

TimePoint KeyRing::State::now_or_next_tick() const {
  constexpr std::chrono::seconds kManyTicks{10};
  return options.now || options.lifetime < kManyTicks ? now() : kms::now_or_next_tick();
}

KeyLease::KeyLease() noexcept = default;
KeyLease::~KeyLease() { release(); }

void KeyLease::release() noexcept {
  if (slot_ != nullptr) readers_->unpin(*slot_);
  slot_ = nullptr;
  handles_.clear();
  problems_.clear();
}

/// One call of KeyRing::lease: first without a lock, then, for what is missing, with flights.
class KeyRing::Call {
 public:
  Call(State& state, KeyLease& lease, Asked<KeyId> ids, Asked<std::string_view> names)
      : state_(state), lease_(lease), ids_(ids), names_(names) {}

  Done run() {
    const std::size_t n_missing = look_up();
    if (n_missing != 0 || !due_.empty()) {
      own_what_is_found();
      if (n_missing != 0) load_what_is_missing(n_missing);
      if (!due_.empty()) state_.refresh(due_);
    }
    if (state_.options.observer != nullptr) tell(n_missing);
    if (lease_.problems_.empty()) return ok;
    return lease_.problems_.front().why;
  }

 private:
  /// Tells the observer what was found.
  void tell(std::size_t n_missing) const noexcept {
    Events<3> events;
    const auto count = [&](Word result, std::size_t n) {
      events.count(Metric::key_lookups, {result}, n);
    };
    count("hit", ids_.names.size() + names_.names.size() - n_missing);
    count("miss", n_missing - n_joined_);
    count("joined", n_joined_);
    events.tell(state_.options.observer.get());
  }

  /// Pins the cache and looks everything up.
  std::size_t look_up() {
    const std::size_t n = ids_.names.size() + names_.names.size();
    ReaderSlots& readers = state_.cache.readers();
    ReaderSlot* const slot = readers.pin();
    if (slot == nullptr) return n;  // more threads than slots: those without one take the lock
    lease_.readers_ = &readers;
    lease_.slot_ = slot;
    const bool keys_end = state_.options.lifetime.count() != 0;
    const TimePoint t = keys_end ? state_.now_or_next_tick() : TimePoint{};
    const bool marks = state_.cache.wants_marks();
    const bool refreshes = keys_end && state_.options.refresh_ahead > 0;
    const auto is_usable = [&](const KeyCache::Found& found) {
      if (keys_end && !state_.fresh(found.loaded, t)) return false;
      // The rest reads the key itself, which the look-up has not.
      if (marks && found.key->used.load(std::memory_order_relaxed) == 0)
        found.key->used.store(1, std::memory_order_relaxed);
      if (refreshes) note_if_due(*found.key, t);
      return true;
    };
    const std::size_t n_missing =
        find_all(state_.cache, ids_, is_usable) + find_all(state_.cache, names_, is_usable);
    slot->hits.store(slot->hits.load(std::memory_order_relaxed) + n - n_missing,
                     std::memory_order_relaxed);
    return n_missing;
  }

  /// One call finds a key due, until the time comes to try again.
  void note_if_due(const CachedKey& key, TimePoint t) {
    const std::chrono::nanoseconds lifetime = state_.options.lifetime;
    const auto wait = std::chrono::nanoseconds(static_cast<std::int64_t>(
        static_cast<double>(lifetime.count()) * state_.options.refresh_ahead));
    std::uint32_t tried = key.refreshes.load(std::memory_order_relaxed);
    if (t - key.loaded < wait + tried * (lifetime / kRetryPart)) return;
    due_.reserve(due_.size() + 1);
    if (key.refreshes.compare_exchange_strong(tried, tried + 1)) due_.push_back(key.id);
  }

  /// Keeps the keys that were found by handles instead of the pin: what comes may take long.
  void own_what_is_found() {
    lease_.handles_.reserve(ids_.out.size() + names_.out.size());
    for (const auto out : {ids_.out, names_.out})
      for (const ResolvedKey* key : out)
        if (key != nullptr) own(static_cast<const CachedKey*>(key)->handle());
    if (lease_.slot_ != nullptr) lease_.readers_->unpin(*std::exchange(lease_.slot_, nullptr));
  }
  const ResolvedKey* own(KeyHandle key) {
    lease_.handles_.push_back(std::move(key));
    return lease_.handles_.back().get();
  }

  void load_what_is_missing(std::size_t n_missing) {
    KmsCall call(KmsCall::after(state_.loader.call_timeout()));
    State::Load load(state_);
    std::vector<FlightPtr> waited_for;  // in order, of what is still missing
    waited_for.reserve(n_missing);
    {
      const std::lock_guard lock(state_.mutex);
      const TimePoint t = state_.now();
      join_flights(ids_, load, t, waited_for);
      join_flights(names_, load, t, waited_for);
    }
    state_.misses.fetch_add(n_missing, std::memory_order_relaxed);
    n_joined_ = waited_for.size() - load.ids().size() - load.names().size();
    state_.coalesced.fetch_add(n_joined_, std::memory_order_relaxed);
    if (!load.empty()) state_.run(load, call);
    // Only now may it wait for others: nobody who waits has flights of its own in the air.
    std::size_t next = 0;
    take_results(ids_, load, waited_for, next, call);
    take_results(names_, load, waited_for, next, call);
  }

  template <class Name>
  void join_flights(const Asked<Name>& asked, State::Load& load, TimePoint t,
                    std::vector<FlightPtr>& waited_for) {
    for (std::size_t i = 0; i < asked.names.size(); ++i) {
      if (asked.out[i] != nullptr) continue;
      const CachedKey* const key = state_.cache.find(asked.names[i]);
      if (key != nullptr && state_.fresh(key->loaded, t)) {  // somebody was faster
        asked.out[i] = own(key->handle());
      } else {
        waited_for.push_back(load.join_or_begin(to_own(asked.names[i])));
      }
    }
  }

  template <class Name>
  void take_results(const Asked<Name>& asked, const State::Load& load,
                    const std::vector<FlightPtr>& waited_for, std::size_t& next, KmsCall& call) {
    for (std::size_t i = 0; i < asked.names.size(); ++i) {
      if (asked.out[i] != nullptr) continue;
      KeyFlight& flight = *waited_for[next++];
      LoadResult result = flight.wait();
      if (result.cut_short && !flight.is_of(&load) && !call.is_over())
        result = load_again(to_own(asked.names[i]), call);
      if (result.key != nullptr) {
        asked.out[i] = own(result.key);
        continue;
      }
      lease_.problems_.push_back(result.problem);
      lease_.problems_.back().by_name = asked.by_name;
      lease_.problems_.back().index = i;
    }
  }

  /// What another call began and could not end in its time says nothing about this one's: the same
  /// with a flight of our own, or somebody's who has more time.
  template <class Name>
  LoadResult load_again(const Name& name, KmsCall& call) {
    for (;;) {
      State::Load load(state_);
      FlightPtr flight;
      {
        const std::lock_guard lock(state_.mutex);
        const CachedKey* const key = state_.cache.find(name);
        if (key != nullptr && state_.fresh(key->loaded, state_.now())) return {key->handle(), {}};
        flight = load.join_or_begin(name);
      }
      if (!load.empty()) state_.run(load, call);
      const LoadResult& result = flight->wait();
      if (!result.cut_short || flight->is_of(&load) || call.is_over()) return result;
    }
  }

  State& state_;
  KeyLease& lease_;
  Asked<KeyId> ids_;
  Asked<std::string_view> names_;
  std::vector<KeyId> due_;    // for a refresh
  std::size_t n_joined_ = 0;  // that another call was loading
};

KeyRing::KeyRing(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
                 KeyRingOptions options)
    : s_(std::make_unique<State>(std::move(vault), std::move(providers), std::move(options))) {}

KeyRing::~KeyRing() = default;

Done KeyRing::lease(KeyLease& lease, const KeyQuery& query) {
  if (query.by_id.size() != query.ids.size() || query.by_name.size() != query.alt_names.size())
    return Failure{Errc::invalid_argument, "KeyRing: outputs must be as long as inputs"};
  lease.release();
  std::ranges::fill(query.by_id, nullptr);
  std::ranges::fill(query.by_name, nullptr);
  if (query.ids.empty() && query.alt_names.empty()) return ok;
  return Call(*s_, lease, {query.ids, query.by_id, false}, {query.alt_names, query.by_name, true})
      .run();
}

Done KeyRing::resolve(std::span<KeyHandle> out_by_id, std::span<KeyHandle> out_by_name,
                      std::span<const KeyId> ids, std::span<const std::string> alt_names) {
  if (out_by_id.size() != ids.size() || out_by_name.size() != alt_names.size())
    return Failure{Errc::invalid_argument, "KeyRing: outputs must be as long as inputs"};
  const std::vector<std::string_view> names(alt_names.begin(), alt_names.end());
  std::vector<const ResolvedKey*> keys(ids.size() + names.size());
  const std::span<const ResolvedKey*> by_id(keys.data(), ids.size());
  const std::span<const ResolvedKey*> by_name(keys.data() + ids.size(), names.size());
  KeyLease held;
  FLE_CHECK(lease(held, {ids, names, by_id, by_name}));
  const auto handle = [](const ResolvedKey* key) {
    return static_cast<const CachedKey*>(key)->handle();
  };
  std::ranges::transform(by_id, out_by_id.begin(), handle);
  std::ranges::transform(by_name, out_by_name.begin(), handle);
  return ok;
}

Outcome<KeyHandle> KeyRing::by_id(const KeyId& id) {
  KeyLease held;
  const ResolvedKey* key = nullptr;
  FLE_CHECK(lease(held, {.ids = {&id, 1}, .by_id = {&key, 1}}));
  return static_cast<const CachedKey*>(key)->handle();
}

Outcome<KeyHandle> KeyRing::by_alt_name(std::string_view alt_name) {
  KeyLease held;
  const ResolvedKey* key = nullptr;
  FLE_CHECK(lease(held, {.alt_names = {&alt_name, 1}, .by_name = {&key, 1}}));
  return static_cast<const CachedKey*>(key)->handle();
}

Outcome<KeyHandle> KeyRing::add(const KeyDocument& document, const SecretBytes& key) {
  std::uint64_t cleared = 0;
  {
    const std::lock_guard lock(s_->mutex);
    cleared = s_->cleared;
  }
  LoadResult result = s_->take(document, s_->now(), cleared, &key);
  if (result.key == nullptr) return std::move(result.problem.why);
  return std::move(result.key);
}

std::vector<KeyProblem> KeyRing::prewarm(std::span<const KeyId> ids) {
  constexpr std::size_t kQuery = 1000;
  std::vector<KeyProblem> problems;
  std::vector<const ResolvedKey*> keys(std::min(kQuery, ids.size()));
  KeyLease held;
  for (std::size_t i = 0; i < ids.size(); i += kQuery) {
    const std::size_t n = std::min(kQuery, ids.size() - i);
    (void)lease(held, {.ids = ids.subspan(i, n), .by_id = std::span(keys).first(n)});
    for (const KeyProblem& problem : held.problems()) {
      problems.push_back(problem);
      problems.back().index += i;
    }
  }
  return problems;
}

Outcome<std::vector<KeyProblem>> KeyRing::prewarm_all() {
  std::uint64_t cleared = 0;
  {
    const std::lock_guard lock(s_->mutex);
    cleared = s_->cleared;
  }
  const TimePoint t = s_->now();
  FLE_TRY(const std::vector<KeyDocument> docs, s_->loader.list());
  std::vector<KeyProblem> problems;
  constexpr std::size_t kAtATime = 64;
  for (std::size_t i = 0; i < docs.size();) {
    KmsCall call(KmsCall::after(s_->loader.call_timeout()));
    std::vector<KeyDocument> missing;
    std::vector<std::size_t> places;
    {
      const std::lock_guard lock(s_->mutex);
      const std::size_t size = s_->cache.size();
      const std::size_t max = s_->options.max_keys;
      if (max != 0 && size >= max) break;
      const std::size_t most = max == 0 ? kAtATime : std::min(kAtATime, max - size);
      for (; i < docs.size() && missing.size() < most; ++i) {
        const CachedKey* const key = s_->cache.find(docs[i].id);
        if (key != nullptr && s_->fresh(key->loaded, t)) continue;
        missing.push_back(docs[i]);
        places.push_back(i);
      }
    }
    std::vector<LoadResult> results = s_->take_all(missing, t, cleared, call);
    for (std::size_t n = 0; n < results.size(); ++n) {
      if (results[n].key != nullptr) continue;
      problems.push_back(std::move(results[n].problem));
      problems.back().index = places[n];
    }
  }
  return problems;
}

void KeyRing::clear() {
  const std::lock_guard lock(s_->mutex);
  ++s_->cleared;
  s_->cache.clear();
  s_->materials.clear();
  s_->flights.clear();  // they land, but later calls do not join them
}

KeyRingCounters KeyRing::counters() const {
  KeyRingCounters c;
  c.hits = s_->cache.readers().hits();
  c.misses = s_->misses.load(std::memory_order_relaxed);
  c.coalesced = s_->coalesced.load(std::memory_order_relaxed);
  c.loaded = s_->loaded.load(std::memory_order_relaxed);
  c.refreshed = s_->refreshed.load(std::memory_order_relaxed);
  c.served_stale = s_->served_stale.load(std::memory_order_relaxed);
  c.vault = s_->loader.vault_calls();
  c.kms = s_->loader.kms_calls();
  const std::lock_guard lock(s_->mutex);
  c.keys = s_->cache.size();
  c.evicted = s_->cache.evictions();
  return c;
}

}  // namespace fle::kms
