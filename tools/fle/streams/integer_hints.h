#ifndef FLE_TOOLS_INTEGER_HINTS_H_
#define FLE_TOOLS_INTEGER_HINTS_H_

#include <memory>
#include <string>

#include "fle/bson/extended_json.h"
#include "fle/schema/plan.h"
#include "options/command_options.h"

namespace fle::tools {

/// Relaxed Extended JSON writes 5 for an int and for a long. Where the schema has a long and no
/// int, a plain 5 is a long.
class IntegerHints : public bson::IntegerHints {
 public:
  /// @param plan  may be null: then nothing is said.
  explicit IntegerHints(std::shared_ptr<const schema::Plan> plan);

  [[nodiscard]] bool is_long(std::span<const std::string_view> path) const override;
  /// This, or null if it never says anything.
  [[nodiscard]] const bson::IntegerHints* get() const noexcept { return used_ ? this : nullptr; }

 private:
  std::shared_ptr<const schema::Plan> plan_;
  bool used_;
};

/// The same in the filters, updates and documents of commands that are analyzed, by the schema of
/// the collection that each is about. For one thread.
class CommandIntegerHints : public bson::IntegerHints {
 public:
  /// @param db  of the collections that commands name.
  CommandIntegerHints(SchemaMap schemas, std::string db);

  [[nodiscard]] bool is_long(std::span<const std::string_view> path) const override;
  void first_string(std::span<const std::string_view> path, std::string_view text) const override;
  /// To be called before each command.
  void start() const noexcept { plan_ = nullptr; }
  /// This, or null if it never says anything.
  [[nodiscard]] const bson::IntegerHints* get() const noexcept { return used_ ? this : nullptr; }

 private:
  SchemaMap schemas_;
  std::string db_;
  bool used_;
  mutable const schema::Plan* plan_ = nullptr;  // of the command in hand
};

/// Whether it is a null that cannot be encrypted.
[[nodiscard]] bool refuses_null(const Failure& f) noexcept;
/// What to do about a type that a schema does not allow, where the document came as JSON.
[[nodiscard]] Failure with_json_advice(Failure f);

}  // namespace fle::tools

#endif  // FLE_TOOLS_INTEGER_HINTS_H_
