#include "location.h"

#include <algorithm>

#include "fle/text.h"

namespace fle::schema {

std::vector<std::string> Location::names() const {
  std::vector<std::string> names;
  for (const Step* s = step_.get(); s != nullptr; s = s->outer.get()) names.push_back(s->name);
  std::ranges::reverse(names);
  return names;
}

std::string Location::pointer() const {
  std::vector<const Step*> steps;
  for (const Step* s = step_.get(); s != nullptr; s = s->outer.get()) steps.push_back(s);
  std::string text;
  std::for_each(steps.rbegin(), steps.rend(),
                [&](const Step* s) { text += pointer_step(s->name); });
  return text.empty() ? "/" : text;
}

Failure fail(ErrorCode code, const std::string& message, const Location& place) {
  Failure f(code, printable(message), place.pointer());
  f.column = static_cast<std::uint32_t>(place.offset);
  return f;
}

}  // namespace fle::schema
