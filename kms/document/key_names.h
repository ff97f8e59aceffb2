#ifndef FLE_KMS_KEY_NAMES_H_
#define FLE_KMS_KEY_NAMES_H_

#include <cstddef>
#include <span>
#include <string_view>

namespace fle::kms {

/// The grammar of a field of a `masterKey` that becomes part of a host, a path or a request.
struct NameRule {
  std::string_view field;
  std::size_t most;                          ///< bytes
  std::string_view others;                   ///< What is allowed beside letters and digits.
  bool (*fits)(std::string_view) = nullptr;  ///< Instead of the two above.
  std::string_view expected;                 ///< For errors: what the field should be.
};

/// Those of provider type `type`; empty for one whose names go nowhere.
[[nodiscard]] std::span<const NameRule> name_rules(std::string_view type) noexcept;

[[nodiscard]] bool is_name_by(const NameRule& rule, std::string_view value) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_NAMES_H_
