#ifndef FLE_TEXT_PATH_H_
#define FLE_TEXT_PATH_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "fle/text.h"

namespace fle {

/// `names` with dots between them, shortened; costs no more than their number and `most`, however
/// long they are.
[[nodiscard]] inline std::string shortened_path(std::span<const std::string_view> names,
                                                std::size_t most = kMaxPath) {
  std::string start;
  std::size_t i = 0;
  for (; i < names.size() && start.size() <= most; ++i)
    start.append(i == 0 ? "" : ".").append(names[i].substr(0, most + 1));
  const bool whole = i == names.size() && start.size() <= most;
  if (whole) return start;
  std::string end;
  for (std::size_t k = names.size(); k != 0 && end.size() < most; --k) {
    const std::string_view name = names[k - 1];
    end.insert(0, name.size() > most ? name.substr(name.size() - most) : name);
    if (k != 1) end.insert(0, ".");
  }
  const std::size_t half = (most - 3) / 2;
  return std::string(internal::start_of(start, most - 3 - half)) + "..." +
         std::string(internal::end_of(end, half));
}

}  // namespace fle

#endif  // FLE_TEXT_PATH_H_
