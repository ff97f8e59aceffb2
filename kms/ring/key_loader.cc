#include "key_loader.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "document/provider_id.h"
#include "document/seal_key.h"
#include "provider/observed.h"
#include "text/text.h"

namespace fle::kms {
namespace {

/// The vault's answer must fit the question: a vault is an outside party.
Done check_answer(const std::vector<KeyDocument>& keys, std::span<const KeyId> wanted_ids,
                  std::span<const std::string> wanted_names, SeededHash hash) {
  using Ids = std::unordered_set<KeyId, SeededHash>;
  using Names = std::unordered_set<std::string_view, SeededHash>;
  const Ids asked_ids(wanted_ids.begin(), wanted_ids.end(), 0, hash);
  const Names asked_names(wanted_names.begin(), wanted_names.end(), 0, hash);
  Ids ids(0, hash);
  Names names(0, hash);
  for (const KeyDocument& key : keys) {
    bool wanted = asked_ids.contains(key.id);
    bool unique = ids.insert(key.id).second;
    for (const std::string& name : key.alt_names) {
      wanted |= asked_names.contains(name);
      unique &= names.insert(name).second;
    }
    if (!wanted)
      return Failure{Errc::vault_failed,
                     "unexpected key returned, does not match any requests: " + key.id.to_string()};
    if (!unique)
      return Failure{Errc::vault_failed,
                     "keys returned have duplicate keyAltNames or _id: " + key.id.to_string()};
  }
  return ok;
}

Failure not_found(const std::string& what) {
  return {Errc::key_not_found,
          what +
              " is not in the key vault: not all keys requested were satisfied. Verify that the "
              "key vault was correctly specified; a key that was deleted comes back only from a "
              "backup of the vault"};
}

std::string description(const KeyDocument& doc) {
  std::string s = "data key " + doc.id.to_string();
  if (!doc.alt_names.empty()) s += " (" + quoted(doc.alt_names.front()) + ")";
  return s;
}

/// What to do about a key that was not unwrapped.
struct NextStep {
  Errc code;
  const char* text;
};
constexpr NextStep kNextSteps[] = {
    {Errc::key_unwrap_failed,
     "; give this provider the master key that wrapped it, or restore the key's document"},
    {Errc::kms_not_configured, "; add this provider to the KMS providers of this client"},
    {Errc::kms_unsupported, "; use a build that has this provider"},
    {Errc::kms_refused, "; check the master key's state and what this client may do with it"},
    {Errc::kms_unreachable, "; try again when the KMS can be reached"},
    {Errc::kms_busy, "; try again later"},
    {Errc::master_key_not_pinned,
     "; pin it if it is yours: if not, somebody else wrote to the key vault"},
    {Errc::kms_no_credentials, "; check how this client gets its credentials"},
};

Failure explained(Failure why, const KeyDocument& doc) {
  // Of the document, not of the provider; they say what to do themselves.
  if (why.code == Errc::key_seal_broken || why.code == Errc::key_not_sealed) return why;
  const std::string provider = "KMS provider " + quoted(doc.master_key.provider);
  if (why.message.find(provider) == std::string::npos) why.message = provider + ": " + why.message;
  why.message = description(doc) + ": " + why.message;
  for (const NextStep& next : kNextSteps)
    if (next.code == why.code) why.message += next.text;
  return why;
}

}  // namespace

void CallRecorder::add(std::chrono::nanoseconds took, bool succeeded) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
  if (!succeeded) failures_.fetch_add(1, std::memory_order_relaxed);
  total_ns_.fetch_add(ns, std::memory_order_relaxed);
  std::uint64_t longest = longest_ns_.load(std::memory_order_relaxed);
  while (longest < ns && !longest_ns_.compare_exchange_weak(longest, ns)) {
  }
  const auto bucket = static_cast<std::size_t>(std::bit_width(ns / 1000));
  buckets_[std::min(bucket, buckets_.size() - 1)].fetch_add(1, std::memory_order_relaxed);
}

CallCounters CallRecorder::read() const noexcept {
  CallCounters c;
  c.failures = failures_.load(std::memory_order_relaxed);
  c.total = std::chrono::nanoseconds(total_ns_.load(std::memory_order_relaxed));
  c.longest = std::chrono::nanoseconds(longest_ns_.load(std::memory_order_relaxed));
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    c.by_microseconds[i] = buckets_[i].load(std::memory_order_relaxed);
    c.calls += c.by_microseconds[i];
  }
  return c;
}

template <class Call>
auto KeyLoader::timed(CallRecorder& calls, Event event, Call call) {
  const auto start = now_();
  auto outcome = call();
  const std::chrono::nanoseconds took = now_() - start;
  calls.add(took, outcome.has_value());
  tell_end(observer_.get(), event, outcome, took);
  return outcome;
}

Outcome<std::vector<KeyDocument>> KeyLoader::find(std::span<const KeyId> ids,
                                                  std::span<const std::string> names,
                                                  SeededHash hash) {
  const Event event{Metric::vault_seconds, {"find"}};
  return timed(vault_calls_, event, [&]() -> Outcome<std::vector<KeyDocument>> {
    FLE_TRY(std::vector<KeyDocument> docs, vault_->find(ids, names));
    FLE_CHECK(check_answer(docs, ids, names, hash));
    return docs;
  });
}

Outcome<std::vector<KeyDocument>> KeyLoader::list() {
  return timed(vault_calls_, {Metric::vault_seconds, {"list"}}, [this] { return vault_->list(); });
}

Outcome<KeyLoader::Unwrapped> KeyLoader::unwrap(const KeyDocument& doc,
                                                const Materials& materials) {
  const auto attempt = [&]() -> Outcome<Unwrapped> {
    FLE_TRY(Provider * provider, providers_->find(doc.master_key.provider));
    FLE_CHECK(check_seal(*providers_, doc));
    FLE_TRY(const SecretBytes raw,
            timed(kms_calls_, provider_call("unwrap", doc.master_key.provider),
                  [&] { return provider->unwrap(doc.key_material, doc.master_key); }));
    return make_key(doc, raw, materials);
  };
  auto key = attempt();
  if (!key) key.error() = explained(std::move(key.error()), doc);
  return key;
}

Outcome<KeyLoader::Unwrapped> KeyLoader::take(const KeyDocument& doc, const SecretBytes& raw,
                                              const Materials& materials) const {
  const auto attempt = [&]() -> Outcome<Unwrapped> {
    FLE_CHECK(check_seal(*providers_, doc));
    return make_key(doc, raw, materials);
  };
  auto key = attempt();
  if (!key) key.error() = explained(std::move(key.error()), doc);
  return key;
}

Outcome<KeyLoader::Unwrapped> KeyLoader::make_key(const KeyDocument& doc, const SecretBytes& raw,
                                                  const Materials& materials) const {
  FLE_CHECK(check_sealed_material(*providers_, doc, raw.expose()));
  FLE_TRY(const Mac tag, materials.tag(raw.expose()));
  FLE_TRY(DataKey key, DataKey::create(raw.expose(), policy_));
  return Unwrapped{{doc.id, std::move(key)}, tag};
}

bool KeyLoader::is_local(const KeyDocument& doc) {
  const auto id = parse_provider_id(doc.master_key.provider);
  return !id || !id->type->sends();
}

Failure key_not_found(const KeyId& id) { return not_found("data key " + id.to_string()); }
Failure key_not_found(const std::string& alt_name) {
  return not_found("a data key with the alternate name " + quoted(alt_name));
}

Failure about_key(Failure why, const KeyId& id) {
  why.message = "data key " + id.to_string() + ": " + why.message;
  return why;
}
Failure about_key(Failure why, const std::string& alt_name) {
  why.message = "the data key with the alternate name " + quoted(alt_name) + ": " + why.message;
  return why;
}

}  // namespace fle::kms
