#include "collections.h"

#include <algorithm>

#include "fle/did_you_mean.h"

namespace fle::tools {
namespace {

std::string names_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 10;
  std::string s = names.empty() ? "those of the system" : "";
  for (std::size_t i = 0; i < std::min(kMost, names.size()); ++i)
    s.append(i == 0 ? "" : ", ").append(names[i]);
  return names.size() > kMost ? s + ", ..." : s;
}

}  // namespace

bool is_of_system(std::string_view ns) noexcept {
  const std::string_view db = ns.substr(0, std::min(ns.find('.'), ns.size()));
  const std::string_view collection = ns.substr(std::min(db.size() + 1, ns.size()));
  return ns.find('.') == std::string_view::npos ||  // oplog
         db == "admin" || db == "config" || db == "local" || db == "$admin" ||
         collection.starts_with("system.") ||
         collection.starts_with("$admin.system.");  // mongodump --dumpDbUsersAndRoles
}

Outcome<CollectionSchemas> CollectionSchemas::open(const SchemaFile& file,
                                                   const Announced& announced,
                                                   const std::string& key_vault) {
  FLE_TRY(std::string text, file.read());
  CollectionSchemas all(file, std::move(text));
  if (!announced.empty() && announced.front()->ns.empty()) return all;
  std::vector<std::string> names;
  for (const auto& c : announced)
    if (!is_of_system(c->ns) && c->ns != key_vault && std::ranges::count(names, c->ns) == 0)
      names.push_back(c->ns);
  // A text with one schema in a list is that schema.
  auto map = schema::find_wrapped_collections_json(all.text_);
  if (map && (map->names.size() > 1 || (map->with_database && !map->names.empty())))
    all.map_ = std::move(*map);
  if (!file.ns.empty()) {
    all.only_ = file.ns;
    if (!announced.empty() && std::ranges::none_of(announced, [&](const auto& c) {
          return c->ns == file.ns && c->ns != key_vault;
        }))
      return Failure(Errc::invalid_argument,
                     "the input has no collection " + file.ns + " (--ns), only " + names_of(names));
  } else if (!all.map_) {
    // What is no schema is neither a collection's nor a map.
    FLE_CHECK(file.compile(all.text_));
    if (names.size() != 1)
      return Failure(Errc::invalid_argument,
                     "the input has " + std::to_string(names.size()) + " collections" +
                         (names.empty() ? " but " : ", ") + names_of(names) +
                         ": say by --ns whose schema this is, or give a schema map: "
                         "{\"DB.COLL\": SCHEMA, ...}");
    all.only_ = names.front();
  }
  return all;
}

/// What a map calls a collection.
std::string_view CollectionSchemas::name_in_map(std::string_view ns) const {
  return map_->with_database ? ns : ns.substr(ns.find('.') + 1);
}

bool CollectionSchemas::is_in_map(std::string_view ns) const {
  return std::ranges::count(map_->names, name_in_map(ns)) != 0;
}

std::vector<std::string> CollectionSchemas::without_documents(
    const std::vector<std::string>& met) const {
  if (!map_ || !only_.empty()) return {};
  std::vector<std::string> names = map_->names;
  for (const std::string& ns : met) std::erase(names, name_in_map(ns));
  return names;
}

std::vector<std::string> CollectionSchemas::warnings(const std::vector<std::string>& copied,
                                                     const std::vector<std::string>& met) const {
  std::vector<std::string> all;
  for (const std::string& name : without_documents(met)) {
    // Collections of one database are close to each other by its name alone.
    const std::size_t db = map_->with_database ? name.find('.') + 1 : 0;
    std::vector<std::string_view> beside;
    for (const std::string& ns : copied)
      if (name_in_map(ns).starts_with(name.substr(0, db)))
        beside.push_back(name_in_map(ns).substr(db));
    all.push_back(name + ": has a schema, and the input has no documents of that name." +
                  did_you_mean(name.substr(db), beside));
  }
  return all;
}

Outcome<std::shared_ptr<const schema::Plan>> CollectionSchemas::plan_of(
    const Collection& collection) const {
  if (collection.ns.empty()) return file_.compile(text_);
  const std::shared_ptr<const schema::Plan> none;
  if (!is_for(collection.ns)) return none;
  SchemaFile file = file_;
  file.ns = collection.ns;
  return file.compile(text_);
}

bool CollectionSchemas::is_for(std::string_view ns) const {
  return only_.empty() ? !map_ || is_in_map(ns) : ns == only_;
}

// ---- Lanes

Outcome<Lanes> Lanes::open(const Options& options, const SchemaFile* schema,
                           std::shared_ptr<kms::KeyRing> keys, const Announced& announced) {
  Lanes all(options, std::move(keys));
  if (schema != nullptr) {
    FLE_TRY(all.schemas_, CollectionSchemas::open(*schema, announced, options.key_vault));
  }
  // What is wrong with a schema is told before anything is written.
  for (const auto& collection : announced) FLE_CHECK(all.of(*collection));
  return all;
}

Outcome<Lane*> Lanes::of(const Collection& collection) {
  const std::lock_guard lock(*mutex_);
  std::unique_ptr<Lane>& lane = lanes_[collection.index];
  if (lane != nullptr) return lane.get();
  std::shared_ptr<const schema::Plan> plan;
  // Documents that do not say whose they are, are not those of the key vault.
  const bool is_vault = !collection.ns.empty() && collection.ns == options_.key_vault;
  if (is_vault && schemas_ && schemas_->is_for(collection.ns))
    return Failure(Errc::invalid_argument,
                   collection.ns +
                       " is the key vault (--vault-ns), whose documents are keys and "
                       "stay as they are: but a schema was given for it");
  if (schemas_ && !is_vault) {
    FLE_TRY(plan, schemas_->plan_of(collection));
  }
  lane = std::make_unique<Lane>(options_.task, collection.ns, plan, keys_, options_.cipher);
  if (is_vault) {
    lane->copied = "the key vault";
  } else if (schemas_ && plan == nullptr) {
    lane->copied = collection.ns == "oplog" ? "the operations of a dump, which may hold plaintext"
                                            : "without schema";
  }
  return lane.get();
}

bool Lanes::encrypts_nothing() const {
  return std::ranges::all_of(lanes_, [](const auto& entry) {
    return entry.second->copied != nullptr || entry.second->counts.nothing_to_count();
  });
}

Done Lanes::require_fields() const {
  Done first = nothing_to_encrypt();
  bool any = false;
  for (const auto& [index, lane] : lanes_) {
    if (lane->copied != nullptr) continue;
    Done done = lane->counts.require_fields();
    if (done) return ok;
    if (!any) first = std::move(done);
    any = true;
  }
  return first;
}

void Lanes::save(Packer& out) const {
  out.add(std::uint64_t{lanes_.size()});
  for (const auto& [index, lane] : lanes_) lane->counts.save(out);
}

bool Lanes::load(Unpacker& in) {
  return in.number() == lanes_.size() &&
         std::ranges::all_of(lanes_, [&in](auto& entry) { return entry.second->counts.load(in); });
}

/// Of schemas that were for nothing, as a mistyped name makes them.
std::vector<std::string> Lanes::schema_warnings() const {
  std::vector<std::string> copied;
  std::vector<std::string> met;
  for (const auto& [index, lane] : lanes_) {
    met.push_back(lane->ns);
    if (lane->copied != nullptr) copied.push_back(lane->ns);
  }
  return schemas_ ? schemas_->warnings(copied, met) : std::vector<std::string>();
}

Summary Lanes::summary(const char* fate) const {
  if (!has_names()) return lanes_.begin()->second->counts.summary(fate);
  Summary all{"document", 0, {}, {}};
  all.fates = {{fate, 0}};
  for (const auto& [index, lane] : lanes_) {
    if (lane->copied != nullptr) {
      all.units += lane->n_copied;
      if (lane->n_copied != 0)
        all.warnings.push_back(
            lane->ns + ": " + lane->copied + ": " + std::to_string(lane->n_copied) +
            (lane->n_copied == 1 ? " document copied as it is" : " documents copied as they are"));
      continue;
    }
    Summary one = lane->counts.summary(fate);
    if (all.totals.empty()) {
      all.totals = one.totals;
      for (Count& c : all.totals) c.n = 0;
    }
    all.units += one.units;
    for (std::size_t i = 0; i < all.totals.size(); ++i) all.totals[i].n += one.totals[i].n;
    all.fates.front().n += one.fates.front().n;
    for (Summary::Field& f : one.fields) all.fields.push_back({lane->ns + ": " + f.path, f.counts});
    for (const std::string& w : one.warnings) all.warnings.push_back(lane->ns + ": " + w);
    add_left_alone(all.left_alone, std::move(one.left_alone));
  }
  for (std::string& w : schema_warnings()) all.warnings.push_back(std::move(w));
  if (all.totals.empty()) all.totals = {{"encrypted", 0}};
  return all;
}

}  // namespace fle::tools
