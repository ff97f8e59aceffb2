#include "stream_formats.h"

#include <algorithm>
#include <string_view>

namespace fle::tools {
namespace {

using namespace std::string_view_literals;

/// A kind of file by its first bytes.
struct Magic {
  std::string_view bytes;
  std::string_view text;
};
constexpr Magic kMagic[] = {
    {"\x1f\x8b\x08"sv, "the input is compressed by gzip: unpack it first (gunzip)"},
    {"\x28\xb5\x2f\xfd"sv, "the input is compressed by zstd: unpack it first (unzstd)"},
    {"\xfd\x37zXZ\0"sv, "the input is compressed by xz: unpack it first (unxz)"},
    {"BZh"sv, "the input is compressed by bzip2: unpack it first (bunzip2)"},
    {"PK\x03\x04"sv, "the input is a ZIP archive: unpack it first"},
    {"\x6d\xe2\x99\x81"sv,
     "the input is a mongodump archive: dump into files (mongodump without --archive, or "
     "mongorestore --archive and dump again) and take the .bson file of the collection"},
    {"SQLite"sv, "the input is an SQLite file, such as a key vault, and not documents"},
};
constexpr Magic kNotUtf8[] = {
    {"\xff\xfe"sv, "the input is UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
    {"\xfe\xff"sv, "the input is UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
    {"{\0"sv, "the input is UTF-16: convert it to UTF-8 first (iconv -f UTF-16LE -t UTF-8)"},
    {"\0{"sv, "the input is UTF-16: convert it to UTF-8 first (iconv -f UTF-16BE -t UTF-8)"},
};

std::string_view text_of(Bytes b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

template <std::size_t N>
std::optional<std::string> find(const Magic (&table)[N], std::string_view start) {
  const auto* const found =
      std::ranges::find_if(table, [start](const Magic& m) { return start.starts_with(m.bytes); });
  if (found == std::end(table)) return std::nullopt;
  return std::string(found->text);
}

/// As bsonspec.org has them: what a document that is not empty goes on with.
bool is_element_type(char c) noexcept {
  const auto type = static_cast<unsigned char>(c);
  return (type >= 0x01 && type <= 0x13) || type == 0x7f || type == 0xff;
}

/// The length of a document, and a first element or its end.
bool begins_as_bson(std::string_view start) noexcept {
  if (start.size() < 5) return false;
  std::uint32_t size = 0;
  for (unsigned i = 0; i < 4; ++i)
    size |= std::uint32_t{static_cast<unsigned char>(start[i])} << (8 * i);
  return size == 5 ? start[4] == 0 : size > 5 && size < 0x0800'0000 && is_element_type(start[4]);
}

bool begins_as_json(std::string_view start) noexcept {
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (start[first] == '{' || start[first] == '[');
}

}  // namespace

std::size_t byte_order_mark(Bytes start) noexcept {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text_of(start).starts_with(kMark) ? kMark.size() : 0;
}

std::optional<std::string> possible_format(Bytes start) { return find(kMagic, text_of(start)); }

std::optional<std::string> other_format(Bytes start, Format expected) {
  const std::size_t mark = byte_order_mark(start);
  const std::string_view text = text_of(start).substr(mark);
  const bool bson = begins_as_bson(text_of(start));
  // Few lengths of a document look like a magic number, but some do: possible_format().
  if (expected == Format::bson && bson) return std::nullopt;
  if (auto magic = find(kMagic, text)) return magic;
  if (auto utf16 = find(kNotUtf8, text)) return utf16;
  if (expected == Format::json && bson)
    return "the input is BSON, not JSON: leave out --format json";
  if (expected == Format::bson && (mark != 0 || begins_as_json(text)))
    return "the input looks like JSON: add --format json";
  return std::nullopt;
}

}  // namespace fle::tools
