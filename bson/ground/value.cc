#include "value.h"

#include <cstring>

namespace fle::bson::internal {
namespace {

std::size_t cstring_size(const std::uint8_t* p, std::size_t avail) noexcept {
  const void* nul = avail == 0 ? nullptr : std::memchr(p, 0, avail);
  if (nul == nullptr) return kMalformed;
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(nul) - p) + 1;
}

/// As value_size of Type::string.
std::size_t string_size(const std::uint8_t* p, std::size_t avail) noexcept {
  return value_size(kShapes[static_cast<std::uint8_t>(Type::string)], p, avail, avail);
}

std::size_t regex_size(const std::uint8_t* p, std::size_t avail) noexcept {
  const std::size_t pattern = cstring_size(p, avail);
  if (pattern > avail) return kMalformed;
  const std::size_t options = cstring_size(p + pattern, avail - pattern);
  return options > avail - pattern ? kMalformed : pattern + options;
}

std::size_t db_pointer_size(const std::uint8_t* p, std::size_t avail) noexcept {
  const std::size_t collection = string_size(p, avail);
  return collection > avail ? kMalformed : collection + kObjectIdLen;
}

/// int32 length of all, string, document: which together fill that length exactly.
std::size_t scoped_code_size(const std::uint8_t* p, std::size_t avail) noexcept {
  if (avail < 4) return kMalformed;
  const std::size_t total = load32(p);
  if (total < 4 || total > avail) return kMalformed;
  const std::size_t code = string_size(p + 4, total - 4);
  if (code > total - 4) return kMalformed;
  const std::size_t room = total - 4 - code;
  return shallow_document_size(p + 4 + code, room) == room ? total : kMalformed;
}

}  // namespace

std::size_t rare_value_size(Rule rule, const std::uint8_t* p, std::size_t avail) noexcept {
  switch (rule) {
    case Rule::regex:
      return regex_size(p, avail);
    case Rule::db_pointer:
      return db_pointer_size(p, avail);
    case Rule::scoped_code:
      return scoped_code_size(p, avail);
    default:
      return kMalformed;
  }
}

}  // namespace fle::bson::internal
