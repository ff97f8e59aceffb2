#ifndef FLE_TOOLS_INTEGER_HINTS_H_
#define FLE_TOOLS_INTEGER_HINTS_H_

#include <memory>

#include "fle/bson/extended_json.h"
#include "fle/schema/plan.h"

namespace fle::tools {

/// Relaxed Extended JSON writes 5 for an int and for a long. Where the schema has a long and no
/// int, a plain 5 is a long.
class IntegerHints : public bson::IntegerHints {
 public:
  /// Where the paths of the encrypted fields are found.
  enum class In : std::uint8_t {
    documents,
    commands,  ///< In filters, updates and documents of the commands that are analyzed.
  };
  /// @param plan  may be null: then nothing is said.
  IntegerHints(std::shared_ptr<const schema::Plan> plan, In in);

  [[nodiscard]] bool is_long(std::span<const std::string_view> path) const override;
  /// This, or null if it never says anything.
  [[nodiscard]] const bson::IntegerHints* get() const noexcept { return used_ ? this : nullptr; }

 private:
  [[nodiscard]] bool is_long_field(std::span<const std::string_view> path) const;

  std::shared_ptr<const schema::Plan> plan_;
  In in_;
  bool used_ = false;
};

/// Whether it is a null that cannot be encrypted.
[[nodiscard]] bool refuses_null(const Failure& f) noexcept;
/// What to do about a type that a schema does not allow, where the document came as JSON.
[[nodiscard]] Failure with_json_advice(Failure f);

}  // namespace fle::tools

#endif  // FLE_TOOLS_INTEGER_HINTS_H_
