#include "gather.h"

#include <algorithm>
#include <utility>

namespace fle::tools {
namespace {

// One thread reads; more than these would wait for it, and each takes memory.
constexpr unsigned kMostThreads = 8;
// Nothing that is counted grows on its way. A chunk is read into the cache of a core, and stays.
constexpr std::size_t kChunk = 512 * 1024;
constexpr std::size_t kNoCollection = SIZE_MAX;

}  // namespace

// --- a chunk's work ---

struct Gatherer::Batch : Work {
  struct Value {
    std::uint32_t field;
    std::uint64_t fingerprint;
  };
  std::size_t collection = 0;
  WipedBytes converted;
  std::vector<Value> values;
  std::vector<KeyUse> keys;
};

class Gatherer::Observer final : public Census::Watcher {
 public:
  Observer(Gatherer& owner, Batch& batch) : owner_(owner), batch_(batch) {}
  void encrypted(Census& census, Census::Id path, const Look& look, Bytes value,
                 bool known) override {
    std::uint32_t field = census.paths()[path].slot;
    if (field == kNoField) census.set_slot(path, field = owner_.field(census, path));
    if (look.algorithm == Algorithm::deterministic && field != kNoField)
      batch_.values.push_back({field, fingerprint(value)});
    if (!known) batch_.keys.push_back({field, look.algorithm, look.type, look.key});
  }

 private:
  Gatherer& owner_;
  Batch& batch_;
};

/// The census of this thread. It gets the chunks of a stream in their order, so the first document
/// that has something is the first one that it sees.
Census& Gatherer::census_of_thread() {
  const std::lock_guard lock(mutex_);
  return censuses_[std::this_thread::get_id()];
}

Outcome<std::size_t> Gatherer::collection(const Collection& of) {
  const std::lock_guard lock(mutex_);
  if (const auto it = by_ns_.find(of.ns); it != by_ns_.end()) return it->second;
  std::shared_ptr<const schema::Plan> plan;
  if (schemas_) {
    FLE_TRY(plan, schemas_->plan_of(of));
  }
  collections_.push_back({of.ns, std::move(plan)});
  by_ns_.emplace(of.ns, collections_.size() - 1);
  return collections_.size() - 1;
}

std::size_t Gatherer::collection_of(Census::Id path) const {
  const Census::Path& of = total_.paths()[total_.collection_of(path)];
  const auto it = by_ns_.find(total_.name(of));
  return it == by_ns_.end() ? collections_.size() : it->second;
}

// --- fields ---

std::uint32_t Gatherer::field(const Census& census, Census::Id path) {
  const std::string ns(census.name(census.paths()[census.collection_of(path)]));
  std::pair key(std::size_t{0}, census.text(path));
  {
    const std::lock_guard lock(mutex_);
    const auto of = by_ns_.find(ns);
    key.first = of == by_ns_.end() ? kNoCollection : of->second;
  }
  const std::lock_guard lock(fields_mutex_);
  if (const auto it = by_path_.find(key); it != by_path_.end()) return it->second;
  if (fields_.size() == kMostFields) return kNoField;
  fields_.emplace_back();
  const auto number = static_cast<std::uint32_t>(fields_.size() - 1);
  by_path_.emplace(key, number);
  return number;
}

std::uint32_t Gatherer::final_field(std::uint32_t field) const noexcept {
  while (field != kNoField && fields_[field].merged_into != kNoField)
    field = fields_[field].merged_into;
  return field;
}

std::optional<std::uint32_t> Gatherer::field_of(Census::Id path) const {
  const std::uint32_t field = final_field(total_.paths()[path].slot);
  return field == kNoField ? std::nullopt : std::optional(field);
}

void Gatherer::add_value(Field& field, std::uint64_t value) {
  if (field.values.is_full() && n_large_ < kMostLargeFields) {
    field.values.enlarge();
    ++n_large_;
  }
  field.values.add(value);
}

/// Fields of paths that have become one become one.
void Gatherer::merge_fields(Census::Merged& merged) {
  for (const auto& [a, b] : merged) {
    const std::uint32_t to = final_field(a);
    const std::uint32_t from = final_field(b);
    if (to == from) continue;
    Frequencies& gone = fields_[from].values;
    n_large_ -= gone.is_large() && fields_[to].values.is_large() ? 1 : 0;
    fields_[to].values.merge(gone);
    gone = {};
    fields_[from].merged_into = to;
  }
  merged.clear();
}

/// One by one: they are too many to have them twice.
void Gatherer::merge_key_uses() {
  std::vector<KeyUse> moved;
  for (const auto& [use, n] : key_uses_)
    if (final_field(use.field) != use.field) moved.push_back(use);
  for (const KeyUse& use : moved) {
    auto node = key_uses_.extract(use);
    node.key().field = final_field(use.field);
    if (auto other = key_uses_.insert(std::move(node)); !other.inserted)
      other.position->second += other.node.mapped();
  }
}

// --- the stream ---

Done Gatherer::count(Batch& batch, Census& census, const DocumentReader& reader) {
  const Chunk& chunk = batch.chunk;
  const std::string& ns = chunk.collection->ns;
  FLE_TRY(batch.collection, collection(*chunk.collection));
  const schema::Plan* plan = nullptr;
  {
    const std::lock_guard lock(mutex_);
    plan = collections_[batch.collection].plan.get();
  }
  Observer observer(*this, batch);
  Census::Id root = census.collection(ns, plan);
  Census::Merged merged;
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    batch.converted.clear();
    FLE_TRY(const Bytes document, reader.as_bson(chunk, i, batch.converted));
    const std::uint64_t number = chunk.first_document + i + 1;
    if (Done done = census.add(document, root, number, observer); !done) {
      done.error().document = number;
      return in_collection(std::move(done.error()), *chunk.collection);
    }
    if (!census.tidy(merged)) continue;
    root = census.collection(ns, plan);
    const std::lock_guard lock(fields_mutex_);
    merge_fields(merged);
  }
  return ok;
}

Done Gatherer::process(Batch& batch, const DocumentReader& reader) {
  batch.values.clear();
  batch.keys.clear();
  return count(batch, census_of_thread(), reader);
}

Done Gatherer::write(Batch& batch, Progress& progress) {
  {
    const std::lock_guard lock(mutex_);
    GatheredCollection& c = collections_[batch.collection];
    c.documents += batch.chunk.size();
    c.bytes += batch.chunk.stored_bytes();
  }
  const std::lock_guard lock(fields_mutex_);
  for (const Batch::Value& v : batch.values)
    add_value(fields_[final_field(v.field)], v.fingerprint);
  for (const KeyUse& k : batch.keys) {
    if (const auto it = key_uses_.find(k); it != key_uses_.end()) {
      ++it->second;
    } else if (key_uses_.size() < kMostKeyUses) {
      key_uses_.emplace(k, 1);
    }
  }
  progress.add(batch.chunk.input_bytes, batch.chunk.size());
  return ok;
}

/// Collections that the schema map has and the input has not: a mistyped name shows.
Done Gatherer::add_without_documents() {
  if (!schemas_) return ok;
  std::vector<std::string> met;
  for (const GatheredCollection& c : collections_) met.push_back(c.ns);
  for (const std::string& ns : schemas_->without_documents(met))
    FLE_CHECK(collection(Collection{collections_.size(), ns}));
  return ok;
}

Done Gatherer::run(const StreamOptions& options) {
  FLE_TRY(Input in, Input::open(options.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), options.format));
  reader.extract_long_texts();
  if (!schema_.path.empty()) {
    FLE_TRY(schemas_, CollectionSchemas::open(schema_, reader.announced(), key_vault_));
  }
  Progress progress(reader.input_bytes(), options.quiet);
  const Steps steps{
      [] { return std::make_unique<Batch>(); },
      [&](Work& w) { return process(static_cast<Batch&>(w), reader); },
      [&](Work& w) { return write(static_cast<Batch&>(w), progress); },
  };
  FLE_CHECK(run_pipeline(reader, steps, std::min(options.thread_count(), kMostThreads), kChunk));
  FLE_CHECK(add_without_documents());
  Census::Merged merged;
  total_.make_room_for(censuses_.size());
  for (auto& [thread, census] : censuses_) {
    total_.absorb(census, merged);
    total_.tidy(merged);
    census = {};
  }
  censuses_.clear();
  merge_fields(merged);
  merge_key_uses();
  return ok;
}

}  // namespace fle::tools
