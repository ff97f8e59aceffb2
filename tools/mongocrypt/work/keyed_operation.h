#ifndef FLE_TOOLS_MONGOCRYPT_WORK_KEYED_OPERATION_H_
#define FLE_TOOLS_MONGOCRYPT_WORK_KEYED_OPERATION_H_

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fle/client/document_cipher.h"
#include "handle/context.h"

namespace fle::mongocrypt {

/// An operation that needs data keys: tries, has the missing ones fetched and unwrapped, and tries
/// again. Only cold keys pay for that.
class KeyedOperation : public Operation {
 public:
  Done go_on(Context& context) final;
  Done feed_key(Context& context, kms::KeyDocument key) final;
  Done keys_are_fed(Context& context) final;
  Done exchanges_are_done(Context& context,
                          std::span<const std::unique_ptr<kms::Exchange>> exchanges) final;
  Outcome<Bytes> result() final;

 protected:
  /// What attempt() made.
  [[nodiscard]] virtual Bytes output() const noexcept = 0;
  /// Does the work. When it fails with Errc::key_not_found, wanted() says which keys it lacks; when
  /// it has asked the context for something, that is there the next time. When it has handed the
  /// context over, that is all.
  [[nodiscard]] virtual Done attempt(Context& context) = 0;
  [[nodiscard]] virtual client::WantedKeys wanted() const = 0;
  /// A key that was wanted; it serves this operation, however long that takes.
  virtual void hold(kms::KeyHandle key, const std::vector<std::string>& alt_names) = 0;

 private:
  std::optional<Failure> broken_;  // what is in the document; told by result()
  std::set<KeyId> asked_ids_;
  std::set<std::string, std::less<>> asked_names_;
  std::vector<kms::KeyDocument> fed_;
  std::set<KeyId> fed_ids_;
  std::set<std::string, std::less<>> fed_names_;
};

/// The exchange that unwraps a data key. `key` must stay.
[[nodiscard]] KmsTask unwrapping(const kms::KeyDocument& key);

/// The filter of the key vault for these keys, as libmongocrypt writes it.
[[nodiscard]] std::vector<std::uint8_t> key_filter(const client::WantedKeys& keys);

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_WORK_KEYED_OPERATION_H_
