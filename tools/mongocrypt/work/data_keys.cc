// Data keys: new ones, and old ones under a new master key.
#include <set>
#include <utility>
#include <vector>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/kms/create_data_key.h"
#include "keyed_operation.h"
#include "operations.h"

namespace fle::mongocrypt {
namespace {

KmsTask preparing(const kms::MasterKey& master_key) {
  return {master_key.provider,
          [&master_key](kms::Provider& provider) { return provider.begin_prepare(master_key); }};
}

KmsTask wrapping(const SecretBytes& key, const kms::MasterKey& master_key) {
  return {master_key.provider, [&key, &master_key](kms::Provider& provider) {
            return provider.begin_wrap(key, master_key);
          }};
}

class CreateDataKey final : public Operation {
 public:
  explicit CreateDataKey(kms::NewDataKey made) : key_(std::move(made)) {}
  Done go_on(Context& context) override {
    return run_one(context, preparing(key_.document.master_key));
  }
  Done exchanges_are_done(Context& context,
                          std::span<const std::unique_ptr<kms::Exchange>> exchanges) override {
    if (!std::exchange(prepared_, true)) {
      FLE_TRY(key_.document.master_key, exchanges[0]->take_master_key());
      return run_one(context, wrapping(key_.material, key_.document.master_key));
    }
    FLE_TRY(key_.document.key_material, exchanges[0]->take_wrapped());
    result_ = kms::to_bson(key_.document);
    context.ready();
    return ok;
  }
  Outcome<Bytes> result() override { return Bytes(result_); }

 private:
  static Done run_one(Context& context, KmsTask task) {
    std::vector<KmsTask> tasks;
    tasks.push_back(std::move(task));
    return context.run(std::move(tasks));
  }

  kms::NewDataKey key_;
  bool prepared_ = false;  // its master key
  std::vector<std::uint8_t> result_;
};

/// All keys that the filter finds: unwraps each, makes each one's new master key ready, wraps each
/// anew, and only then has a result.
class RewrapDataKeys final : public Operation {
 public:
  RewrapDataKeys(Bytes filter, std::optional<kms::MasterKey> master_key)
      : filter_(filter.begin(), filter.end()), master_key_(std::move(master_key)) {}
  Done go_on(Context& context) override {
    context.ask_keys(filter_);
    return ok;
  }
  Done feed_key(Context&, kms::KeyDocument key) override {
    if (!ids_.insert(key.id).second)
      return Failure(Errc::vault_failed,
                     "keys returned have duplicate keyAltNames or _id: " + key.id.to_string());
    keys_.push_back(std::move(key));
    return ok;
  }
  Done keys_are_fed(Context& context) override {
    if (keys_.empty()) {
      context.nothing_to_do();
      return ok;
    }
    std::vector<KmsTask> tasks;
    for (const kms::KeyDocument& key : keys_) tasks.push_back(unwrapping(key));
    return context.run(std::move(tasks));
  }
  Done exchanges_are_done(Context& context,
                          std::span<const std::unique_ptr<kms::Exchange>> exchanges) override {
    if (unwrapped_.empty()) return prepare(context, exchanges);
    return prepared_.empty() ? wrap(context, exchanges) : write(context, exchanges);
  }
  Outcome<Bytes> result() override { return Bytes(result_); }

 private:
  Done prepare(Context& context, std::span<const std::unique_ptr<kms::Exchange>> unwrapped) {
    std::vector<KmsTask> tasks;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      FLE_TRY(unwrapped_.emplace_back(), unwrapped[i]->take_key());
      tasks.push_back(preparing(master_key_ ? *master_key_ : keys_[i].master_key));
    }
    return context.run(std::move(tasks));
  }
  Done wrap(Context& context, std::span<const std::unique_ptr<kms::Exchange>> prepared) {
    prepared_.reserve(keys_.size());  // tasks refer to them
    std::vector<KmsTask> tasks;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      FLE_TRY(prepared_.emplace_back(), prepared[i]->take_master_key());
      tasks.push_back(wrapping(unwrapped_[i], prepared_[i]));
    }
    return context.run(std::move(tasks));
  }
  Done write(Context& context, std::span<const std::unique_ptr<kms::Exchange>> wrapped) {
    bson::Writer w;
    w.begin_array("v");
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      FLE_TRY(const auto material, wrapped[i]->take_wrapped());
      w.begin_document({}).add_binary("_id", bson::kSubtypeUuid, keys_[i].id.bytes);
      w.add_binary("keyMaterial", 0, material);
      w.add_document("masterKey", prepared_[i].bson).end();
    }
    result_ = std::move(w).take();
    context.ready();
    return ok;
  }
  std::vector<std::uint8_t> filter_;
  std::optional<kms::MasterKey> master_key_;
  std::vector<kms::KeyDocument> keys_;
  std::set<KeyId> ids_;
  std::vector<SecretBytes> unwrapped_;
  std::vector<kms::MasterKey> prepared_;
  std::vector<std::uint8_t> result_;
};

}  // namespace

MadeOperation create_data_key(Context& context) {
  using Options = ContextOptions;
  const Options& options = context.options();
  FLE_CHECK(
      options.allow_only(Options::names | Options::material | Options::kek, "a new data key"));
  std::optional<kms::MasterKey> master_key = options.asked_master_key();
  if (!master_key) return Failure(Errc::invalid_argument, "master key required");
  FLE_TRY(kms::NewDataKey made, kms::new_data_key({*std::move(master_key), options.alt_names,
                                                   options.key_material, Crypt::lock_policy()}));
  return make_operation<CreateDataKey>(std::move(made));
}

MadeOperation rewrap_data_keys(Context& context, Bytes filter) {
  const ContextOptions& options = context.options();
  FLE_CHECK(options.allow_only(ContextOptions::kek, "a rewrap"));
  bson::Cursor cursor(filter);
  while (cursor.next()) {
  }
  if (cursor.malformed()) return Failure(Errc::malformed_bson, "the filter is no document");
  return make_operation<RewrapDataKeys>(filter, options.asked_master_key());
}

}  // namespace fle::mongocrypt
