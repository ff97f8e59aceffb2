#include "collection_schemas.h"

#include <algorithm>

#include "collection_info.h"
#include "fle/schema/compile.h"

namespace fle::client {
namespace {

/// Names come from the application's commands; a service that makes them up must not fill memory.
constexpr std::size_t kMaxInfos = 10'000;

std::string join(std::string_view db, std::string_view collection) {
  return std::string(db).append(1, '.').append(collection);
}

}  // namespace

CollectionSchemas::CollectionSchemas(const AutoEncrypter::Options& options) : options_(options) {}

const std::shared_ptr<const schema::Plan>* CollectionSchemas::local(std::string_view ns) const {
  const auto found = options_.schema_map.find(ns);
  return found == options_.schema_map.end() ? nullptr : &found->second;
}

std::optional<CollectionSchemas::Info> CollectionSchemas::cached(const std::string& ns) const {
  const std::shared_lock lock(mutex_);
  const auto found = infos_.find(ns);
  if (found == infos_.end() || found->second.expires <= now()) return std::nullopt;
  return found->second;
}

Done CollectionSchemas::find(std::string_view command_db, const query::Target& target,
                             std::vector<query::CollectionSchema>& out, std::string& scratch) {
  const std::string_view db = target.db.empty() ? command_db : target.db;
  out.clear();
  for (const std::string_view name : target.collections) out.push_back({name, nullptr});
  std::vector<std::string_view> missing;
  for (query::CollectionSchema& s : out) {
    const bool is_target = s.collection == target.collection;
    // A command that brings its own schema is analysed by that one: the server will take no other.
    if (is_target && !target.own_schema.empty()) {
      FLE_TRY(s.plan, schema::compile_bson(target.own_schema, schema::Origin::remote));
      continue;
    }
    const bool is_new = is_target && target.name == "create";
    scratch.assign(db).append(1, '.').append(s.collection);
    if (const auto* plan = local(scratch)) {
      s.plan = *plan;
    } else if (options_.list_collections && !is_new) {
      missing.push_back(s.collection);
    }
  }
  if (missing.empty()) return ok;
  FLE_CHECK(load(db, missing));
  for (query::CollectionSchema& s : out) {
    if (std::ranges::find(missing, s.collection) == missing.end()) continue;
    const std::optional<Info> info = cached(join(db, s.collection));
    if (!info)
      return Failure(Errc::schema_missing,
                     "the schema of " + join(db, s.collection) + " was forgotten before its use");
    if (info->failure) return *info->failure;
    s.plan = info->plan;
  }
  return ok;
}

Done CollectionSchemas::load(std::string_view db, const std::vector<std::string_view>& names) {
  std::vector<std::string_view> ours;
  std::vector<std::shared_ptr<Flight>> theirs;
  const auto mine = std::make_shared<Flight>();
  {
    const std::lock_guard lock(flights_mutex_);
    for (const std::string_view name : names) {
      const std::string ns = join(db, name);
      if (cached(ns)) continue;
      const auto [flight, is_new] = flights_.try_emplace(ns, mine);
      if (is_new) {
        ours.push_back(name);
      } else if (flight->second != mine) {
        theirs.push_back(flight->second);
      }
    }
  }
  if (!ours.empty()) {
    const Done done = fetch(db, ours);
    const std::lock_guard lock(flights_mutex_);
    for (const std::string_view name : ours) flights_.erase(join(db, name));
    if (!done) mine->failure = done.error();
    mine->done = true;
    landed_.notify_all();
    if (!done) return done;
  }
  std::unique_lock lock(flights_mutex_);
  for (const auto& flight : theirs) {
    landed_.wait(lock, [&flight] { return flight->done; });
    if (flight->failure) return *flight->failure;
  }
  return ok;
}

Done CollectionSchemas::fetch(std::string_view db, const std::vector<std::string_view>& names) {
  const std::vector<std::uint8_t> filter = name_filter(names);
  FLE_TRY(const auto documents, options_.list_collections(db, filter));
  std::vector<Info> found(names.size());
  std::vector<bool> seen(names.size());
  for (const std::vector<std::uint8_t>& document : documents) {
    FLE_TRY(const CollectionInfo info, parse_collection_info(document));
    const auto name = std::ranges::find(names, info.name);
    if (name == names.end())
      return Failure(Errc::vault_failed, "listCollections told of a collection not asked for");
    const auto i = static_cast<std::size_t>(name - names.begin());
    if (seen[i]) return Failure(Errc::vault_failed, "listCollections told of one collection twice");
    seen[i] = true;
    if (info.is_view) {
      found[i].failure =
          Failure(Errc::view_not_supported, "cannot auto encrypt a view: " + join(db, info.name));
    } else if (!info.schema.empty()) {
      auto plan = schema::compile_bson(info.schema, schema::Origin::remote);
      if (plan) {
        found[i].plan = *plan;
      } else {
        found[i].failure = plan.error();
      }
    }
  }
  remember(db, names, std::move(found));
  return ok;
}

void CollectionSchemas::remember(std::string_view db, const std::vector<std::string_view>& names,
                                 std::vector<Info> found) {
  const Clock::time_point at = now();
  const std::unique_lock lock(mutex_);
  if (infos_.size() + names.size() > kMaxInfos)
    std::erase_if(infos_, [at](const auto& entry) { return entry.second.expires <= at; });
  if (infos_.size() + names.size() > kMaxInfos) infos_.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    found[i].expires = at + options_.collection_info_lifetime;
    infos_.insert_or_assign(join(db, names[i]), std::move(found[i]));
  }
}

}  // namespace fle::client
