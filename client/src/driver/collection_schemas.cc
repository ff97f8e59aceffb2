#include "collection_schemas.h"

#include <algorithm>
#include <map>
#include <new>

#include "collection_info.h"
#include "fle/longest.h"
#include "fle/schema/compile.h"

namespace fle::client {
namespace {

/// Names come from the application's commands; a service that makes them up must not fill memory.
constexpr std::size_t kMaxInfos = 10'000;

Failure bad_answer(const char* what) {
  return {Errc::server_bad_answer, std::string("listCollections told of ") + what};
}

}  // namespace

/// Lets those who wait for `ours` go on, also when the call of list_collections throws.
class CollectionSchemas::Landing {
 public:
  Landing(CollectionSchemas& schemas, const std::vector<Wanted>& ours)
      : schemas_(schemas), ours_(ours) {}
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  ~Landing() { land(); }

  /// Before land(): what became of the call. Neither: it was given up.
  void fail(Failure failure) noexcept { failure_ = std::move(failure); }
  void succeed(std::vector<Info> found) noexcept { found_ = std::move(found); }

  void land() noexcept {
    if (landed_) return;
    landed_ = true;
    {
      const std::lock_guard lock(schemas_.flights_mutex_);
      for (const Wanted& w : ours_) {
        const auto flight = schemas_.flights_.find(w.ns);
        // A later one has its place where this one was forgotten.
        if (flight != schemas_.flights_.end() && flight->second == w.flight)
          schemas_.flights_.erase(flight);
      }
    }
    for (std::size_t i = 0; i < ours_.size(); ++i)
      ours_[i].flight->land(i < found_.size() ? std::move(found_[i]) : failed());
  }

 private:
  [[nodiscard]] Info failed() const noexcept {
    Info info{};
    try {
      info.failure = failure_;
    } catch (const std::bad_alloc&) {
      info.failure.emplace(Errc::no_memory, std::string());
    }
    return info;
  }

  CollectionSchemas& schemas_;
  const std::vector<Wanted>& ours_;
  std::vector<Info> found_;
  Failure failure_{Errc::server_unreachable, "listCollections was given up"};
  bool landed_ = false;
};

CollectionSchemas::CollectionSchemas(const AutoEncrypter::Options& options) : options_(options) {}

Outcome<bool> CollectionSchemas::take_known(const std::string& ns,
                                            query::CollectionSchema& s) const {
  const std::shared_lock lock(mutex_);
  const auto found = infos_.find(ns);
  if (found == infos_.end() || found->second.expires <= now()) return false;
  if (found->second.failure) return *found->second.failure;
  s.plan = found->second.plan;
  return true;
}

void CollectionSchemas::forget() {
  const std::lock_guard flights_lock(flights_mutex_);
  flights_.clear();  // those under way serve who waits for them already
  const std::unique_lock lock(mutex_);
  infos_.clear();
  ++forgotten_;
}

Done CollectionSchemas::find(std::string_view command_db, const query::Target& target,
                             std::vector<query::CollectionSchema>& out, std::string& scratch,
                             const Asking& asking) {
  query::name_schemas(target, out);
  std::map<std::string_view, std::vector<Wanted>> missing;  // by database
  for (query::CollectionSchema& s : out) {
    std::shared_ptr<const schema::Plan> own;
    if (const Bytes json = query::own_schema(target, s); !json.empty()) {
      FLE_TRY(own, schema::compile_bson(json, schema::Origin::remote, options_.budget));
      s.plan = own;
      // One that encrypts nothing takes nothing away from what the caller says.
      if (own->root().kind != schema::Plan::Kind::plain) continue;
    }
    const query::CollectionName name = query::full_name(target, command_db, s);
    scratch.assign(name.db).append(1, '.').append(name.collection);
    const auto local = options_.schema_map.find(scratch);
    if (local != options_.schema_map.end()) {
      if (s.plan != local->second) s.plan = local->second;
      continue;
    }
    s.plan = nullptr;  // of the command before
    if (options_.local_schemas) {
      FLE_TRY(s.plan, options_.local_schemas(scratch));
      if (s.plan != nullptr) continue;
    }
    if (own != nullptr) {
      s.plan = std::move(own);
      continue;
    }
    const bool is_new = query::is_own_collection(target, s) && target.name == "create";
    if ((asking.list == nullptr && !options_.list_collections) || is_new) continue;
    FLE_TRY(const bool known, take_known(scratch, s));
    if (!known) missing[name.db].push_back({&s, scratch, std::make_shared<InfoFlight>()});
  }
  for (auto& [db, wanted] : missing)
    FLE_CHECK(asking.list != nullptr ? ask(db, wanted, asking) : load(db, std::move(wanted)));
  return options_.require_schema ? check_all(target, command_db, out) : Done(ok);
}

Done CollectionSchemas::check_all(const query::Target& target, std::string_view command_db,
                                  std::span<const query::CollectionSchema> all) const {
  for (const query::CollectionSchema& s : all) {
    if (s.plan != nullptr) continue;
    const query::CollectionName name = query::full_name(target, command_db, s);
    const std::string ns = std::string(name.db) + "." + std::string(name.collection);
    if (options_.plain_collections.contains(ns)) continue;
    return Failure(Errc::schema_missing,
                   "the collection '" + ns +
                       "' has no schema, and this client was told to require one "
                       "(require_schema): give it one in schema_map, or name it in "
                       "plain_collections if it holds nothing to encrypt");
  }
  return ok;
}

Done CollectionSchemas::load(std::string_view db, std::vector<Wanted> missing) {
  std::vector<Wanted> ours;
  std::vector<Wanted> theirs;
  ours.reserve(missing.size());
  theirs.reserve(missing.size());
  Landing landing(*this, ours);
  std::uint64_t since = 0;
  {
    const std::lock_guard lock(flights_mutex_);
    since = forgotten_;
    // Another thread may have come back with them just now.
    for (Wanted& w : missing) {
      FLE_TRY(w.known, take_known(w.ns, *w.schema));
    }
    for (Wanted& w : missing) {
      if (w.known) continue;
      const auto [flight, is_ours] = flights_.try_emplace(w.ns, w.flight);
      w.flight = flight->second;
      (is_ours ? ours : theirs).push_back(std::move(w));
    }
  }
  if (!ours.empty()) {
    auto found = fetch(db, ours, options_.list_collections);
    if (!found) {
      landing.fail(found.error());
      return found.error();
    }
    remember(ours, *found, since);
    landing.succeed(std::move(*found));
  }
  // Before we wait for others, who may be waiting for us.
  landing.land();
  for (const auto* wanted : {&ours, &theirs}) {
    for (const Wanted& w : *wanted) {
      const Info& info = w.flight->wait();
      if (info.failure) return *info.failure;
      w.schema->plan = info.plan;
    }
  }
  return ok;
}

Done CollectionSchemas::ask(std::string_view db, std::span<Wanted> wanted, const Asking& asking) {
  const std::size_t at_once = asking.together ? wanted.size() : 1;
  for (std::size_t i = 0; i < wanted.size(); i += at_once) {
    const std::span<Wanted> some = wanted.subspan(i, at_once);
    FLE_TRY(const std::vector<Info> found, fetch(db, some, *asking.list));
    remember(some, found, asking.since);
    for (std::size_t n = 0; n < some.size(); ++n) {
      if (found[n].failure) return *found[n].failure;
      some[n].schema->plan = found[n].plan;
    }
  }
  return ok;
}

Outcome<std::vector<CollectionSchemas::Info>> CollectionSchemas::fetch(
    std::string_view db, std::span<const Wanted> wanted, const ListCollections& list) const {
  std::vector<std::string_view> names;
  for (const Wanted& w : wanted) names.push_back(w.schema->collection);
  FLE_TRY(const auto documents, list(db, name_filter(names)));
  std::vector<Info> found(wanted.size());
  std::vector<bool> seen(wanted.size());
  for (const std::vector<std::uint8_t>& document : documents) {
    FLE_TRY(const CollectionInfo info, parse_collection_info(document));
    const auto name = std::ranges::find(names, info.name);
    if (name == names.end()) return bad_answer("a collection that was not asked for");
    const auto i = static_cast<std::size_t>(name - names.begin());
    if (seen[i]) return bad_answer("one collection twice");
    seen[i] = true;
    if (info.is_view) {
      found[i].failure =
          Failure(Errc::view_not_supported, "cannot auto encrypt a view: " + wanted[i].ns);
    } else if (info.has_encrypted_fields) {
      found[i].failure = Failure(Errc::command_not_supported,
                                 wanted[i].ns +
                                     " has encryptedFields: Queryable Encryption is not "
                                     "supported, only client-side field level encryption");
    } else if (!info.schema.empty()) {
      auto plan = schema::compile_bson(info.schema, schema::Origin::remote, options_.budget);
      if (plan) {
        found[i].plan = *std::move(plan);
      } else {
        found[i].failure = plan.error();
      }
    }
  }
  return found;
}

void CollectionSchemas::remember(std::span<const Wanted> wanted, std::span<const Info> found,
                                 std::uint64_t since) {
  const Clock::time_point at = now();
  const std::unique_lock lock(mutex_);
  if (forgotten_ != since) return;
  if (infos_.size() + wanted.size() > kMaxInfos)
    std::erase_if(infos_, [at](const auto& entry) { return entry.second.expires <= at; });
  if (infos_.size() + wanted.size() > kMaxInfos) infos_.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Info& info = infos_.insert_or_assign(wanted[i].ns, found[i]).first->second;
    info.expires = at + at_longest_a_century(options_.collection_info_lifetime);
  }
}

}  // namespace fle::client
