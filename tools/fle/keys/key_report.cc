#include "key_report.h"

#include <optional>
#include <string_view>

#include <bson/bson.h>

#include "command_line/files.h"
#include "key_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxReport = 64 * 1024 * 1024;

/// A whole number that is not negative.
std::optional<std::uint64_t> count_of(const bson_iter_t& it) {
  if (!BSON_ITER_HOLDS_INT32(&it) && !BSON_ITER_HOLDS_INT64(&it)) return std::nullopt;
  const std::int64_t n = bson_iter_as_int64(&it);
  if (n < 0) return std::nullopt;
  return static_cast<std::uint64_t>(n);
}

/// The member of this name that is a whole number.
std::optional<std::uint64_t> count_in(bson_iter_t in, const char* name) {
  return bson_iter_find(&in, name) ? count_of(in) : std::nullopt;
}

struct Counted {
  KeyId id;
  std::uint64_t n;
};

std::optional<Counted> read_entry(const bson_iter_t& entry) {
  bson_iter_t in;
  if (!BSON_ITER_HOLDS_DOCUMENT(&entry) || !bson_iter_recurse(&entry, &in)) return std::nullopt;
  const auto n = count_in(in, "values");
  if (!n || !bson_iter_find(&in, "keyId") || !BSON_ITER_HOLDS_UTF8(&in)) return std::nullopt;
  const auto id = KeyId::parse(bson_iter_utf8(&in, nullptr));
  if (!id) return std::nullopt;
  return Counted{*id, *n};
}

}  // namespace

Outcome<KeyCounts> read_key_report(const std::string& path) {
  const auto refuse = [&path](const std::string& why) {
    return Failure(Errc::invalid_argument,
                   "the report '" + path + "' " + why + ": take what 'fle report --json' writes");
  };
  FLE_TRY(const std::string text, read_file(path, kMaxReport, files::FileKind::report));
  WipedBytes bson;
  FLE_CHECK(option_to_bson("--report '" + path + "'", text, bson));
  bson_t b;
  bson_iter_t top;
  if (!bson_init_static(&b, bson.data(), bson.size()) || !bson_iter_init(&top, &b) ||
      count_in(top, "version") != kVersion)
    return refuse("is not of version " + std::to_string(kVersion));
  KeyCounts counts;
  const auto documents = count_in(top, "documents");
  if (!documents) return refuse("does not count 'documents'");
  counts.documents = *documents;
  for (const char* name : {"uncountedKeys", "uncountedValues"})
    if (count_in(top, name) != 0U)
      return refuse("does not count all values ('" + std::string(name) + "')");
  const auto foreign = count_in(top, "foreign");
  if (!foreign) return refuse("does not count 'foreign' values");
  if (*foreign != 0)
    return Failure(Errc::invalid_argument,
                   "the report '" + path + "' counts " + std::to_string(*foreign) +
                       (*foreign == 1 ? " value" : " values") +
                       " of another kind ('foreign': Queryable Encryption, a placeholder), which "
                       "may be under any key");
  bson_iter_t it = top;
  if (!bson_iter_find(&it, "keys") || !BSON_ITER_HOLDS_ARRAY(&it))
    return refuse("does not count values by 'keys'");
  bson_iter_t entry;
  if (!bson_iter_recurse(&it, &entry)) return refuse("does not count values by 'keys'");
  while (bson_iter_next(&entry)) {
    const auto counted = read_entry(entry);
    if (!counted)
      return refuse("has no 'keyId' and 'values' in entry " +
                    std::to_string(std::stoul(bson_iter_key(&entry)) + 1) + " of 'keys'");
    counts.values[counted->id] += counted->n;
  }
  return counts;
}

}  // namespace fle::tools
