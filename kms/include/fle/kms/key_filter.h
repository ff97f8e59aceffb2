#ifndef FLE_KMS_KEY_FILTER_H_
#define FLE_KMS_KEY_FILTER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"

namespace fle::kms {

/// Which data keys of a vault are meant: a MongoDB query over key documents, as drivers take it for
/// rewrapManyDataKey.
///
/// A vault in MongoDB passes the query on, so there every operator works. The other vaults evaluate
/// it here, as MongoDB does, and refuse what they do not know (see check()):
///
///   fields     those of a key document, with masterKey.NAME for what is inside of masterKey
///   operators  equality, $eq, $ne, $in, $nin, $lt, $lte, $gt, $gte, $exists; $and, $or above them
///   values     string, binary, date, bool, int, long, double, null; documents and arrays for
///              equality only, and compared byte by byte
///
/// Values that are not of one type (numbers are one) are neither smaller nor greater. A value
/// is searched for in keyAltNames as in any array: one of the names, or all of them.
///
/// Thread safety: as a value; const functions from any thread.
class FLE_API KeyFilter {
 public:
  /// Every key.
  KeyFilter() = default;
  /// A query given as one BSON document; {} is every key. Only its outermost
  /// level is checked: it is up to the vault what it understands.
  /// @retval Errc::invalid_argument  not one well-formed BSON document of at most 16 MiB
  [[nodiscard]] static Outcome<KeyFilter> from_bson(Bytes query);

  // Each of these narrows the filter further: all conditions must hold.

  /// Keys with one of `ids` or one of `alt_names`; of empty lists, none.
  KeyFilter& any_of(std::span<const KeyId> ids, std::span<const std::string> alt_names);
  /// Keys under the KMS provider `id`, its name included: "aws:prod".
  KeyFilter& provider(std::string_view id);
  /// Keys whose masterKey has the string `value` as its field `name`, e.g. "region".
  KeyFilter& master_key_field(std::string_view name, std::string_view value);
  KeyFilter& created_before(KeyDocument::Time time);
  KeyFilter& updated_before(KeyDocument::Time time);

  /// The whole query.
  [[nodiscard]] std::vector<std::uint8_t> to_bson() const;
  /// True for the filter that takes every key because it has no condition.
  [[nodiscard]] bool empty() const noexcept { return conditions_.empty(); }

  /// Whether matches() understands the query.
  /// @retval Errc::invalid_argument  names field, operator or type of value that it does not
  [[nodiscard]] Done check() const;
  /// Evaluates the query on one key.
  /// @retval as check()
  [[nodiscard]] Outcome<bool> matches(const KeyDocument& key) const;

 private:
  std::vector<std::vector<std::uint8_t>> conditions_;  // BSON documents
};

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_FILTER_H_
