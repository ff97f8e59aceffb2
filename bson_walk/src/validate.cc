#include "walker.h"

namespace fle::bson {
namespace {

struct NothingToFind {
  static constexpr bool kLooksIntoPlain = false;
  internal::Visit element(const internal::Element&, std::span<const internal::Frame>) noexcept {
    return {};
  }
  bool leave(const internal::Frame&) noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }
};

Done check_document(Bytes doc, const Limits& limits) {
  const std::uint8_t* seen = nullptr;
  if (limits.max_depth != 0 && doc.size() <= internal::kMaxDocument &&
      internal::shallow_document_size(doc.data(), doc.size()) == doc.size()) {
    const internal::PlainWalk plain =
        internal::walk_plain(doc.data(), doc.size(), doc.data() + doc.size(), limits.max_depth - 1);
    if (limits.work != nullptr) limits.work->step(plain.n_elements + 1);
    if (plain.stopped_at == nullptr) return ok;
    seen = plain.stopped_at;
  }
  NothingToFind visitor;
  return internal::Walker(doc, limits, visitor, seen).run({});
}

}  // namespace

Outcome<std::size_t> document_size(Bytes b, const Limits& limits) {
  if (b.size() < 4) return Failure(Errc::malformed_bson, "too short for the length of a document");
  const std::size_t n = load32(b.data());
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
    return check_document(value.subspan(8 + load32(value.data() + 4)), limits);
  return ok;
}

}  // namespace fle::bson
