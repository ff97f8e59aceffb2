#include "fle/bson/cursor.h"

#include "value.h"

namespace fle::bson {

Cursor::Cursor(BorrowedBytes whole, std::uint32_t offset) noexcept
    : whole_(whole), at_(offset), end_(0) {
  const std::size_t size =
      offset > whole.size()
          ? internal::kMalformed
          : internal::shallow_document_size(whole.data() + offset, whole.size() - offset);
  malformed_ = size == internal::kMalformed;
  if (malformed_) return;
  at_ = offset + 4;
  end_ = static_cast<std::uint32_t>(offset + size - 1);
}

bool Cursor::next() noexcept {
  if (malformed_ || at_ == end_) return false;
  malformed_ = true;  // until this element has turned out to be well formed
  const std::uint8_t* const base = whole_.data();
  const std::uint8_t* const p = base + at_;
  const std::uint8_t* const end = base + end_;
  if (*p == 0) return false;
  const std::uint8_t* const nul = internal::find_nul(p + 1, end + 1);
  if (nul == end) return false;
  const auto avail = static_cast<std::size_t>(end - nul - 1);
  const std::size_t size = internal::value_size(internal::kShapes[*p], nul + 1, avail, avail);
  if (size > avail) return false;
  malformed_ = false;
  element_.type_offset = at_;
  element_.value_offset = static_cast<std::uint32_t>(nul + 1 - base);
  element_.value_size = static_cast<std::uint32_t>(size);
  element_.type = static_cast<Type>(*p);
  element_.name = {reinterpret_cast<const char*>(p + 1), static_cast<std::size_t>(nul - p - 1)};
  at_ = element_.value_offset + element_.value_size;
  return true;
}

std::optional<Element> find(BorrowedBytes whole, std::string_view name,
                            std::uint32_t offset) noexcept {
  for (Cursor c(whole, offset); c.next();)
    if (c.element().name == name) return c.element();
  return std::nullopt;
}

}  // namespace fle::bson
