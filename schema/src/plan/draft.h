#ifndef FLE_SCHEMA_SRC_DRAFT_H_
#define FLE_SCHEMA_SRC_DRAFT_H_

#include <memory>
#include <string>
#include <vector>

#include "fle/schema/plan.h"
#include "pattern.h"

namespace fle::schema {

/// One sub-schema, checked but not yet flat.
struct Draft {
  struct Child;
  struct PatternChild;
  Plan::Kind kind = Plan::Kind::plain;
  Leaf leaf;                      // Kind::encrypted
  std::vector<Child> properties;  // Kind::object, from here on
  std::vector<PatternChild> patterns;
  std::unique_ptr<Draft> otherwise;  // additionalProperties
  bool wrong = false;                // some fault in it was kept: it may mean anything
};
struct Draft::Child {
  std::string name;
  Draft draft;
};
struct Draft::PatternChild {
  Pattern pattern;
  Draft draft;
};

/// Whether two sub-schemas encrypt the same things in the same way. Once `work` is spent(), false.
[[nodiscard]] bool same_meaning(const Draft& a, const Draft& b, Work& work) noexcept;

/// Lays a checked schema out flat. Once `work` is spent(), the result is not to be used.
[[nodiscard]] std::unique_ptr<const PlanData> flatten(Draft root, Work& work);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_DRAFT_H_
