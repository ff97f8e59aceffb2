#ifndef FLE_OVER_BUDGET_H_
#define FLE_OVER_BUDGET_H_

#include <string>
#include <utility>

#include "fle/failure.h"
#include "fle/work.h"

namespace fle {

/// The refusal for work that is spent(); names what took the most of it.
/// @param path  where it ended.
[[nodiscard]] inline Failure over_budget(const Work& work, std::string path) {
  if (work.is_abandoned())
    return {Errc::work_limit, "given up: nobody waits for the result", std::move(path)};
  std::string text =
      "needs more than the " + std::to_string(work.limit()) + " steps that its budget allows";
  if (!work.most_of().empty())
    text += "; the pattern '" + std::string(work.most_of()) + "' took up to " +
            std::to_string(work.most()) + " for one name";
  return {Errc::work_limit, text, std::move(path)};
}

}  // namespace fle

#endif  // FLE_OVER_BUDGET_H_
