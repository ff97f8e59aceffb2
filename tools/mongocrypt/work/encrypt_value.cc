// Explicit encryption of one value.
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/client/value_cipher.h"
#include "fle/wiped.h"
#include "keyed_operation.h"
#include "operations.h"
#include "reading/document.h"

namespace fle::mongocrypt {
namespace {

class EncryptValue final : public KeyedOperation {
 public:
  EncryptValue(const ContextOptions& options, Bytes message, const bson::Element& value)
      : options_(options), type_(value.type) {
    const Bytes bytes = bson::value_of(message, value);
    value_.assign(bytes.begin(), bytes.end());
  }

 private:
  [[nodiscard]] Bytes output() const noexcept override { return result_; }
  Done attempt(Context& context) override {
    if (key_ == nullptr) {
      kms::KeyRing& ring = context.engine().keys();
      FLE_TRY(key_, options_.key_id ? ring.by_id(*options_.key_id)
                                    : ring.by_alt_name(options_.alt_names.front()));
    }
    FLE_TRY(const auto payload, client::encrypt_value(type_, value_, *options_.algorithm, *key_));
    bson::Writer w(payload.size() + 16);
    w.add_binary("v", bson::kSubtypeEncrypted, payload);
    result_ = std::move(w).take();
    return ok;
  }
  [[nodiscard]] client::WantedKeys wanted() const override {
    client::WantedKeys keys;
    if (options_.key_id) {
      keys.ids.push_back(*options_.key_id);
    } else {
      keys.alt_names = options_.alt_names;
    }
    return keys;
  }
  void hold(kms::KeyHandle key, const std::vector<std::string>&) override { key_ = std::move(key); }

  const ContextOptions& options_;  // of the context, which has this
  bson::Type type_;
  WipedBytes value_;
  kms::KeyHandle key_;
  std::vector<std::uint8_t> result_;
};

}  // namespace

MadeOperation encrypt_value(Context& context, Bytes message) {
  const ContextOptions& options = context.options();
  using Options = ContextOptions;
  FLE_CHECK(options.allow_only(Options::key | Options::names | Options::algorithms,
                               "explicit encryption"));
  if (!options.algorithm) return Failure(Errc::invalid_argument, "algorithm is required");
  if (!options.key_id && options.alt_names.empty())
    return Failure(Errc::invalid_argument, "either key id or key alt name required");
  if (options.alt_names.size() > 1)
    return Failure(Errc::invalid_argument, "more than one key alt name is set");
  if (!is_document(message)) return Failure(Errc::malformed_bson, "invalid msg: not one document");
  const auto v = bson::find(message, "v");
  if (!v) return Failure(Errc::invalid_argument, "invalid msg, must contain 'v'");
  FLE_CHECK(client::check_encryptable(v->type, bson::value_of(message, *v), *options.algorithm));
  return make_operation<EncryptValue>(options, message, *v);
}

}  // namespace fle::mongocrypt
