#ifndef FLE_TOOLS_ROWS_H_
#define FLE_TOOLS_ROWS_H_

#include <vector>

#include "census/gather.h"
#include "report.h"

namespace fle::tools {

/// What no algorithm encrypts, and nobody need hide.
[[nodiscard]] constexpr bool is_nothing(bson::Type t) noexcept {
  return t == bson::Type::null || t == bson::Type::undefined;
}

/// A path of a report in the making, and the cells that are counted in it.
struct Row {
  PathReport report;
  schema::Plan::Step step{};
  std::vector<Census::Id> cells{};
};

/// What was gathered, by collection, by the text of its path and by what the schema says of it: in
/// the order of the census.
struct Rows {
  std::vector<std::vector<Row>> of;
  std::vector<KeyCount> other_keys;  // of values that belong to no row
};
[[nodiscard]] Rows make_rows(const Gatherer& gathered);

/// Leaves the rows that are encrypted or ought to be, in order of their paths; of the others that
/// have values of their own, the paths.
[[nodiscard]] std::vector<std::string> keep_encrypted(std::vector<Row>& rows, const Census& census);

}  // namespace fle::tools

#endif  // FLE_TOOLS_ROWS_H_
