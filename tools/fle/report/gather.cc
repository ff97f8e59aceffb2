#include "gather.h"

#include <algorithm>
#include <utility>

namespace fle::tools {
namespace {

constexpr std::uint32_t kNoField = UINT32_MAX;
constexpr std::uint32_t kFieldsFull = UINT32_MAX - 1;
// One thread reads; more than these would wait for it, and each takes memory.
constexpr unsigned kMostThreads = 8;

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
    if (look.algorithm == Algorithm::deterministic && field != kFieldsFull)
      batch_.values.push_back({field, fingerprint(value)});
    if (!known) batch_.keys.push_back({field, look.key});
  }

 private:
  Gatherer& owner_;
  Batch& batch_;
};

std::unique_ptr<Gatherer::Lane> Gatherer::borrow() {
  const std::lock_guard lock(mutex_);
  if (lanes_.empty()) return std::make_unique<Lane>();
  std::unique_ptr<Lane> lane = std::move(lanes_.back());
  lanes_.pop_back();
  return lane;
}

void Gatherer::give_back(std::unique_ptr<Lane> lane) {
  const std::lock_guard lock(mutex_);
  lanes_.push_back(std::move(lane));
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

std::size_t Gatherer::index_of(std::string_view ns) const {
  const auto it = by_ns_.find(ns);
  return it == by_ns_.end() ? collections_.size() : it->second;
}

std::uint32_t Gatherer::field(const Census& census, Census::Id path) {
  const Census::Path& of = census.paths()[census.collection_of(path)];
  const std::lock_guard lock(mutex_);
  const std::pair key(index_of(census.name(of)), census.text(path));
  if (const auto it = by_path_.find(key); it != by_path_.end()) return it->second;
  if (fields_.size() == kMostFields) return kFieldsFull;
  fields_.push_back({key.first, key.second, {}});
  by_path_.emplace(key, fields_.size() - 1);
  return static_cast<std::uint32_t>(fields_.size() - 1);
}

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
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    batch.converted.clear();
    FLE_TRY(const Bytes document, reader.as_bson(chunk, i, batch.converted));
    const std::uint64_t number = chunk.first_document + i + 1;
    if (Done done = census.add(document, root, number, observer); !done) {
      done.error().document = number;
      return in_collection(std::move(done.error()), *chunk.collection);
    }
    if (census.tidy()) root = census.collection(ns, plan);
  }
  return ok;
}

Done Gatherer::process(Batch& batch, const DocumentReader& reader) {
  batch.values.clear();
  batch.keys.clear();
  std::unique_ptr<Lane> lane = borrow();
  Done done = count(batch, lane->census, reader);
  give_back(std::move(lane));
  return done;
}

Done Gatherer::write(Batch& batch, Progress& progress) {
  const std::lock_guard lock(mutex_);
  GatheredCollection& c = collections_[batch.collection];
  c.documents += batch.chunk.size();
  c.bytes += batch.chunk.raw.size();
  for (const Batch::Value& v : batch.values) fields_[v.field].values.add(v.fingerprint);
  for (const KeyUse& k : batch.keys) {
    if (const auto it = key_uses_.find(k); it != key_uses_.end()) {
      ++it->second;
    } else if (key_uses_.size() < kMostKeyUses) {
      key_uses_.emplace(k, 1);
    } else {
      ++lost_key_uses_;
    }
  }
  progress.add(batch.chunk.input_bytes, batch.chunk.size());
  return ok;
}

Done Gatherer::run(const StreamOptions& options) {
  FLE_TRY(Input in, Input::open(options.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), options.format));
  if (!schema_.path.empty()) {
    FLE_TRY(schemas_, CollectionSchemas::open(schema_, reader.announced(), key_vault_));
  }
  Progress progress(reader.input_bytes(), options.quiet);
  const Steps steps{
      [] { return std::make_unique<Batch>(); },
      [&](Work& w) { return process(static_cast<Batch&>(w), reader); },
      [&](Work& w) { return write(static_cast<Batch&>(w), progress); },
  };
  FLE_CHECK(run_pipeline(reader, steps, std::min(options.thread_count(), kMostThreads)));
  for (std::unique_ptr<Lane>& lane : lanes_) {
    total_.absorb(lane->census);
    total_.tidy();
    lane.reset();
  }
  lanes_.clear();
  return ok;
}

}  // namespace fle::tools
