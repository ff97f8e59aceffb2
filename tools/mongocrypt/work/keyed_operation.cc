#include "keyed_operation.h"

#include "fle/bson/writer.h"

namespace fle::mongocrypt {

namespace {

/// Whether the keys were right and a ciphertext is not: libmongocrypt tells that at the very end.
bool is_of_ciphertext(Errc code) noexcept {
  return code == Errc::auth_failed || code == Errc::malformed_payload;
}

}  // namespace

KmsTask unwrapping(const kms::KeyDocument& key) {
  return {key.master_key.provider, [&key](kms::Provider& provider) {
            return provider.begin_unwrap(key.key_material, key.master_key);
          }};
}

std::vector<std::uint8_t> key_filter(const client::WantedKeys& keys) {
  bson::Writer w;
  w.begin_array("$or");
  w.begin_document({}).begin_document("_id").begin_array("$in");
  for (const KeyId& id : keys.ids) w.add_binary({}, bson::kSubtypeUuid, id.bytes);
  w.end().end().end();
  w.begin_document({}).begin_document("keyAltNames").begin_array("$in");
  for (const std::string& name : keys.alt_names) w.add_string({}, name);
  return std::move(w).take();
}

Done KeyedOperation::go_on(Context& context) {
  const Done done = attempt(context);
  if (context.is_handed_over()) return done;
  if (done) {
    context.ready();
    return ok;
  }
  if (context.has_asked()) return ok;
  if (is_of_ciphertext(done.error().code)) {
    broken_ = done.error();
    context.ready();
    return ok;
  }
  if (done.error().code != Errc::key_not_found) return done;
  const client::WantedKeys keys = wanted();
  if (keys.empty()) return done;
  asked_ids_ = {keys.ids.begin(), keys.ids.end()};
  asked_names_ = {keys.alt_names.begin(), keys.alt_names.end()};
  context.ask_keys(key_filter(keys));
  return ok;
}

Outcome<Bytes> KeyedOperation::result() {
  if (broken_) return *broken_;
  return output();
}

Done KeyedOperation::feed_key(Context&, kms::KeyDocument key) {
  bool is_asked = asked_ids_.contains(key.id);
  bool is_new = fed_ids_.insert(key.id).second;
  for (const std::string& name : key.alt_names) {
    is_asked |= asked_names_.contains(name);
    is_new &= fed_names_.insert(name).second;
  }
  if (!is_asked)
    return Failure(Errc::vault_failed,
                   "unexpected key returned, does not match any requests: " + key.id.to_string());
  if (!is_new)
    return Failure(Errc::vault_failed,
                   "keys returned have duplicate keyAltNames or _id: " + key.id.to_string());
  fed_.push_back(std::move(key));
  return ok;
}

Done KeyedOperation::keys_are_fed(Context& context) {
  const auto missing = [](const std::string& what) {
    return Failure(Errc::key_not_found,
                   "not all keys requested were satisfied. Verify that key vault DB/collection "
                   "name was correctly specified: " +
                       what + " is not in it");
  };
  for (const KeyId& id : asked_ids_)
    if (!fed_ids_.contains(id)) return missing("data key " + id.to_string());
  for (const std::string& name : asked_names_)
    if (!fed_names_.contains(name))
      return missing("a data key with the alternate name '" + name + "'");
  std::vector<KmsTask> tasks;
  for (const kms::KeyDocument& key : fed_) tasks.push_back(unwrapping(key));
  return context.run(std::move(tasks));
}

Done KeyedOperation::exchanges_are_done(Context& context,
                                        std::span<const std::unique_ptr<kms::Exchange>> exchanges) {
  for (std::size_t i = 0; i < fed_.size(); ++i) {
    FLE_TRY(const SecretBytes raw, exchanges[i]->take_key());
    FLE_TRY(kms::KeyHandle key, context.engine().keys().add(fed_[i], raw));
    hold(std::move(key), fed_[i].alt_names);
  }
  fed_.clear();
  fed_ids_.clear();
  fed_names_.clear();
  return context.go_on();
}

}  // namespace fle::mongocrypt
