#ifndef FLE_SCHEMA_SRC_COMPILER_H_
#define FLE_SCHEMA_SRC_COMPILER_H_

#include <memory>
#include <vector>

#include "fle/schema/compile.h"
#include "rules.h"
#include "unwrap.h"

namespace fle::schema {

/// An encrypted field, and where the schema says so.
struct EncryptedPlace {
  Leaf leaf;
  Location place;
  std::size_t n_values = 0;  // that 'enum' beside it lists; 0: there is none
  bool bounded = false;      // 'maximum' stands beside it
};

/// Compiles a schema that was read and found. Where `faults` keeps all, the plan is not to be used
/// if there are any.
///
/// @param size    of all that was read, for the budget.
/// @param places  gets each encrypted field without a fault; may be null.
[[nodiscard]] Outcome<std::shared_ptr<const Plan>> compile_inner(
    const Inner& inner, const Budget& budget, std::size_t size, Faults& faults,
    std::vector<EncryptedPlace>* places);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_COMPILER_H_
