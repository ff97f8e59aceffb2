#include "walker.h"

namespace fle::bson {
namespace {

struct NothingToFind {
  internal::Visit element(const internal::Element&, std::span<const internal::Frame>) noexcept {
    return {};
  }
  bool leave(const internal::Frame&) noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }
};

Done check_document(Bytes doc, const Limits& limits) {
  NothingToFind visitor;
  return internal::Walker(doc, limits, visitor).run({});
}

}  // namespace

namespace internal {
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
  constexpr std::size_t kObjectId = 12;
  const std::size_t collection = string_size(p, avail);
  return collection > avail ? kMalformed : collection + kObjectId;
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

}  // namespace internal

Outcome<std::size_t> document_size(Bytes b, const Limits& limits) {
  if (b.size() < 4) return Failure(Errc::malformed_bson, "too short for the length of a document");
  const std::size_t n = internal::load32(b.data());
  if (n < internal::kMinDocument || n > internal::kMaxDocument)
    return Failure(Errc::malformed_bson, "the length of the document is below 5");
  if (n > limits.max_bytes)
    return Failure(Errc::document_too_large, "the document has " + std::to_string(n) +
                                                 " bytes, allowed are " +
                                                 std::to_string(limits.max_bytes));
  if (n > b.size())
    return Failure(Errc::malformed_bson, "the length of the document is " + std::to_string(n) +
                                             " bytes, but only " + std::to_string(b.size()) +
                                             " are there");
  return n;
}

Done check_value(Type type, Bytes value, const Limits& limits) {
  const internal::Shape shape = internal::kShapes[static_cast<std::uint8_t>(type)];
  // value_size reads the byte before an empty value, which a span need not have.
  const bool nothing = shape.rule == internal::Rule::plain && shape.base == 0;
  const bool right =
      nothing || value.empty()
          ? nothing && value.empty()
          : internal::value_size(shape, value.data(), value.size(), value.size()) == value.size();
  if (!right)
    return Failure(Errc::malformed_bson,
                   "not exactly one value of type " + std::string(alias(type)));
  if (type == Type::object || type == Type::array) return check_document(value, limits);
  if (type == Type::javascript_with_scope)
    return check_document(value.subspan(8 + internal::load32(value.data() + 4)), limits);
  return ok;
}

}  // namespace fle::bson
