// What a key ring does for keys that are not in its cache: one flight a key, one query a call.
#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "key_ring_state.h"
#include "net/side_by_side.h"

namespace fle::kms {
namespace {

constexpr std::size_t kAtOnce = 8;  // as many as an HttpClient keeps connections

/// Trouble on the way to a key, in contrast to an answer that says there is none.
bool is_trouble(Errc code) noexcept {
  switch (code) {
    case Errc::vault_failed:
    case Errc::vault_busy:
    case Errc::vault_unreachable:
    case Errc::io_busy:
    case Errc::kms_unreachable:
    case Errc::kms_busy:
    case Errc::kms_no_credentials:
    case Errc::kms_bad_answer:
      return true;
    default:
      return false;
  }
}

/// Trouble of this process, which says nothing about the key.
bool is_local_trouble(Errc code) noexcept {
  return code == Errc::no_memory || code == Errc::lock_failed;
}

LoadResult failed_by(Failure why) {
  LoadResult result;
  result.problem.why = std::move(why);
  return result;
}

/// Whether a failure says more about the time of the call than about the key.
bool is_cut_short(Errc code) {
  const KmsCall* const call = KmsCall::current();
  return call != nullptr && (call->is_over() || call->is_cut_short()) &&
         (is_trouble(code) || code == Errc::kms_refused);
}

Failure same_key(const KeyId& id, const KeyId& first) {
  return {Errc::key_duplicate,
          "data key " + id.to_string() + " is the very key of " + first.to_string() +
              ": one key document has the keyMaterial of another, which lets who reads the one "
              "read the other's values; restore the right document from a backup"};
}

}  // namespace

KeyRing::State::Load::~Load() {
  if (empty()) return;
  const std::lock_guard lock(state_.mutex);
  mine_.for_each([this](const auto& name, const FlightPtr& flight) {
    state_.flights.remove(name, flight);
    LoadResult lost;
    lost.problem.why.code = Errc::no_memory;  // a text would need some
    flight->land(std::move(lost));
  });
}

template <class Name>
void KeyRing::State::Load::land(const Name& name, const LoadResult& result) {
  const FlightPtr flight = mine_.find(name);
  if (flight == nullptr) return;
  LoadResult copy = result;  // may throw: before anything changes
  {
    const std::lock_guard lock(state_.mutex);
    state_.flights.remove(name, flight);
  }
  mine_.remove(name, flight);
  flight->land(std::move(copy));
}

void KeyRing::State::run(Load& load, KmsCall& call) {
  load.began = now();  // before the query: a key is never used for too long
  ask(load, load.ids(), load.names(), call);
}

void KeyRing::State::ask(Load& load, const std::vector<KeyId>& ids,
                         const std::vector<std::string>& names, KmsCall& call) {
  const auto docs = loader.find(ids, names, hash);
  if (!docs) {
    // One document that breaks a rule must not take down the keys beside it.
    if (docs.error().code == Errc::key_document_invalid && ids.size() + names.size() > 1)
      return ask_one_by_one(load, ids, names, call);
    for (const KeyId& id : ids) settle_failure(load, id, failed_by(about_key(docs.error(), id)));
    for (const std::string& name : names)
      settle_failure(load, name, failed_by(about_key(docs.error(), name)));
    return;
  }
  const std::vector<LoadResult> results = take_all(*docs, load.began, load.cleared_then, call);
  for (std::size_t i = 0; i < docs->size(); ++i) {
    settle(load, (*docs)[i].id, results[i]);
    for (const std::string& name : (*docs)[i].alt_names) settle(load, name, results[i]);
  }
  for (const KeyId& id : ids)
    if (load.is_open(id)) settle_failure(load, id, failed_by(key_not_found(id)));
  for (const std::string& name : names)
    if (load.is_open(name)) settle_failure(load, name, failed_by(key_not_found(name)));
}

void KeyRing::State::ask_one_by_one(Load& load, const std::vector<KeyId>& ids,
                                    const std::vector<std::string>& names, KmsCall& call) {
  for (const KeyId& id : ids) ask(load, {id}, {}, call);
  for (const std::string& name : names)
    if (load.is_open(name)) ask(load, {}, {name}, call);
}

std::vector<LoadResult> KeyRing::State::take_all(std::span<const KeyDocument> docs, TimePoint asked,
                                                 std::uint64_t cleared_then, KmsCall& call) {
  std::vector<LoadResult> results(docs.size());
  const auto take_one = [&](std::size_t i) {
    const KmsCall::Scope scope(call);
    results[i] = take(docs[i], asked, cleared_then);
  };
  std::map<std::string_view, std::vector<std::size_t>> by_provider;
  for (std::size_t i = 0; i < docs.size(); ++i) {
    if (KeyLoader::is_local(docs[i])) {
      take_one(i);
    } else {
      by_provider[docs[i].master_key.provider].push_back(i);
    }
  }
  std::vector<std::span<const std::size_t>> providers;
  for (const auto& [id, these] : by_provider) providers.emplace_back(these);
  side_by_side(providers.size(), kAtOnce, [&](std::size_t p) {
    take_one(providers[p].front());
    const auto others = providers[p].subspan(1);
    side_by_side(others.size(), kAtOnce, [&](std::size_t n) { take_one(others[n]); });
  });
  return results;
}

LoadResult KeyRing::State::take(const KeyDocument& doc, TimePoint asked, std::uint64_t cleared_then,
                                const SecretBytes* raw) {
  CacheNews news;
  LoadResult result = take_in(doc, asked, cleared_then, raw, news);
  tell("loaded", news.loaded);
  tell("evicted", news.evicted);
  return result;
}

LoadResult KeyRing::State::take_in(const KeyDocument& doc, TimePoint asked,
                                   std::uint64_t cleared_then, const SecretBytes* raw,
                                   CacheNews& news) {
  const auto unwrap = [&] {
    return raw == nullptr ? loader.unwrap(doc, materials) : loader.take(doc, *raw, materials);
  };
  auto key = unwrap();
  if (!key && key.error().code == Errc::lock_failed) {
    // The limit on locked memory is reached before max_keys: it is the cap, then.
    {
      const std::lock_guard lock(mutex);
      cache.evict(cache.size() / 16 + 1);
    }
    key = unwrap();
  }
  LoadResult result;
  const auto refused = [&](Failure why) {
    result.cut_short = is_cut_short(why.code);
    result.problem.why = std::move(why);
    result.problem.alt_names = doc.alt_names;
    result.problem.provider = doc.master_key.provider;
    return result;
  };
  if (!key) return refused(std::move(key.error()));
  const auto cached = CachedKey::make(std::move(key->key), asked);
  const std::lock_guard lock(mutex);
  if (const auto other = materials.claim(doc.id, key->tag))
    return refused(same_key(doc.id, *other));
  result.key = cached->handle();
  if (cleared != cleared_then) return result;  // clear() must not be undone by a slow load
  cache.purge(asked);
  cache.insert(cached, doc.alt_names);
  loaded.fetch_add(1, std::memory_order_relaxed);
  news.loaded = 1;
  news.evicted = cache.evictions() - std::exchange(evictions_told, cache.evictions());
  return result;
}

template <class Name>
void KeyRing::State::settle(Load& load, const Name& name, LoadResult result) {
  if (result.key == nullptr) return settle_failure(load, name, std::move(result));
  const bool is_refreshed = load.is_refresh && load.is_open(name);
  if (is_refreshed) refreshed.fetch_add(1, std::memory_order_relaxed);
  load.land(name, result);
  if (is_refreshed) tell("refreshed");
}

template <class Name>
void KeyRing::State::settle_failure(Load& load, const Name& name, LoadResult failed) {
  if (!load.is_open(name)) return;
  const Errc code = failed.problem.why.code;
  LoadResult result;
  {
    const std::lock_guard lock(mutex);
    if constexpr (std::is_same_v<Name, KeyId>)
      if (code == Errc::key_not_found) materials.forget(name);
    const CachedKey* const old = cache.find(name);
    if (old != nullptr && is_trouble(code)) {
      const auto age = load.began - old->loaded;
      if (options.stale_if_error.count() != 0 && age <= options.lifetime + options.stale_if_error &&
          cleared == load.cleared_then)
        result.key = old->handle();
    } else if (old != nullptr && !is_local_trouble(code) && old->loaded < load.began) {
      materials.forget(old->id);
      cache.erase(*old);  // the answer is newer
    }
  }
  const bool is_stale_use = result.key != nullptr && !load.is_refresh;
  if (is_stale_use) served_stale.fetch_add(1, std::memory_order_relaxed);
  if (result.key == nullptr) result = std::move(failed);
  load.land(name, result);
  if (is_stale_use) tell("served_stale");
}

void KeyRing::State::refresh(const std::vector<KeyId>& ids) {
  Load load(*this);
  load.is_refresh = true;
  {
    const std::lock_guard lock(mutex);
    for (const KeyId& id : ids) (void)load.join_or_begin(id);
  }
  if (load.empty()) return;
  KmsCall call(KmsCall::after(loader.call_timeout()));
  run(load, call);
}

}  // namespace fle::kms
