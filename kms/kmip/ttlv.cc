#include "ttlv.h"

#include <algorithm>
#include <limits>

namespace fle::kms::ttlv {
namespace {

constexpr std::size_t padding(std::size_t length) noexcept { return (8 - length % 8) % 8; }

std::uint32_t big_endian(Bytes b) noexcept {
  std::uint32_t n = 0;
  for (const std::uint8_t x : b) n = n << 8U | x;
  return n;
}

Error bad(const char* why) noexcept { return {Errc::kms_bad_answer, why}; }

/// KMIP 1.2 specification, section 9.1.1.3.
constexpr bool length_fits(Type type, std::size_t length) noexcept {
  switch (type) {
    case Type::structure:
      return length % 8 == 0;
    case Type::integer:
    case Type::enumeration:
    case Type::interval:
      return length == 4;
    case Type::long_integer:
    case Type::boolean:
    case Type::date_time:
      return length == 8;
    case Type::big_integer:
      return length % 8 == 0;
    case Type::text:
    case Type::bytes:
      return true;
  }
  return false;  // a type that there is not
}

}  // namespace

void Writer::number(std::uint64_t value, std::size_t n_bytes) noexcept {
  std::uint8_t b[8];
  for (std::size_t i = 0; i < n_bytes; ++i)
    b[i] = static_cast<std::uint8_t>(value >> (8 * (n_bytes - 1 - i)));
  raw({b, n_bytes});
}

void Writer::raw(Bytes value) noexcept {
  fits_ = fits_ && value.size() <= out_.size() - size_;
  if (!fits_) return;
  std::ranges::copy(value, out_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += value.size();
}

void Writer::header(Tag tag, Type type, std::size_t length) noexcept {
  fits_ = fits_ && length <= std::numeric_limits<std::uint32_t>::max();
  number(static_cast<std::uint32_t>(tag), 3);
  number(static_cast<std::uint8_t>(type), 1);
  number(length, 4);
}

void Writer::set_length(std::size_t start) noexcept {
  if (!fits_) return;
  Writer length(out_.subspan(start - 4, 4));
  length.number(size_ - start, 4);
}

void Writer::integer(Tag tag, std::int32_t value) noexcept {
  header(tag, Type::integer, 4);
  number(static_cast<std::uint32_t>(value), 4);
  number(0, 4);
}

void Writer::enumeration(Tag tag, std::uint32_t value) noexcept {
  header(tag, Type::enumeration, 4);
  number(value, 4);
  number(0, 4);
}

void Writer::boolean(Tag tag, bool value) noexcept {
  header(tag, Type::boolean, 8);
  number(value ? 1 : 0, 8);
}

void Writer::text(Tag tag, std::string_view value) noexcept {
  header(tag, Type::text, value.size());
  raw({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  number(0, padding(value.size()));
}

void Writer::bytes(Tag tag, Bytes value) noexcept {
  header(tag, Type::bytes, value.size());
  raw(value);
  number(0, padding(value.size()));
}

std::uint32_t Item::number() const noexcept {
  return value.size() == 4 ? big_endian(value) : 0;  // take() has checked the length
}

Result<Item> take(Bytes& in) noexcept {
  if (in.size() < kHeaderLen) return bad("TTLV: an item is cut off in its header");
  const Item header{big_endian(in.first(3)), static_cast<Type>(in[3]), {}};
  const std::size_t length = big_endian(in.subspan(4, 4));
  const Bytes rest = in.subspan(kHeaderLen);
  if (!length_fits(header.type, length)) return bad("TTLV: a length does not fit its type");
  if (length > rest.size() || padding(length) > rest.size() - length)
    return bad("TTLV: an item is longer than what it stands in");
  in = rest.subspan(length + padding(length));
  return Item{header.tag, header.type, rest.first(length)};
}

Result<std::optional<Item>> find(Bytes structure, Tag tag, Type type) noexcept {
  std::optional<Item> found;
  while (!structure.empty()) {
    FLE_TRY(const Item item, take(structure));
    if (item.tag != static_cast<std::uint32_t>(tag)) continue;
    if (found) return bad("TTLV: an item appears twice");
    if (item.type != type) return bad("TTLV: an item is of another type than expected");
    found = item;
  }
  return found;
}

Result<Item> need(Bytes structure, Tag tag, Type type) noexcept {
  FLE_TRY(const std::optional<Item> found, find(structure, tag, type));
  if (!found) return bad("TTLV: an item that has to be there is missing");
  return *found;
}

}  // namespace fle::kms::ttlv
