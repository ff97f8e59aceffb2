// What a Failure looks like to clients that know MongoDB's analyser: its number, its text.
#include <algorithm>
#include <string>
#include <string_view>

#include "fle/bson/utf8.h"
#include "fle/bson/writer.h"
#include "fle/query/analyzer.h"

namespace fle::query {
namespace {

/// Ours, where MongoDB's number is not public.
constexpr std::int32_t kNotPublic = 51999;

/// The public numbers: of the schema parser (reference: 5.1, 5.3, 5.4), of the analyser (6.12), and
/// of the server as a whole (error_codes.yml). One of our codes may stand for several of theirs;
/// then the beginning of the message tells them apart. The first row that fits counts.
struct Row {
  Errc code;
  std::int32_t number;
  std::string_view begins;  // of the message; empty: any
};
constexpr Row kNumbers[] = {
    {Errc::schema_unknown_keyword, 40415, "'encrypt' has no option"},
    {Errc::schema_unknown_keyword, 40415, "'encryptMetadata' has no option"},
    {Errc::schema_unknown_keyword, 9, ""},
    {Errc::schema_type_mismatch, 51088, "Array elements must have type BinData"},
    {Errc::schema_type_mismatch, 51085, "'keyId' must be an array"},
    {Errc::schema_type_mismatch, 14, ""},
    {Errc::schema_bad_value, 51084, "'keyId' must be a UUID"},
    {Errc::schema_bad_value, 9, "'encryptMetadata' must give"},
    {Errc::schema_bad_value, kNotPublic, "Cannot encrypt element of type"},
    {Errc::schema_bad_value, kNotPublic, "'keyId' must hold exactly one"},
    {Errc::schema_bad_value, 2, ""},
    {Errc::schema_conflict, 9, "'encrypt' cannot be used in conjunction"},
    {Errc::schema_conflict, 9, "'bsonType' and 'type'"},
    {Errc::schema_bad_pointer, 51064, "the JSON pointer in 'keyId' is empty"},
    {Errc::schema_bad_pointer, 51065, "the JSON pointer in 'keyId' must start"},
    {Errc::schema_bad_pointer, 51063, "in the JSON pointer in 'keyId', '~'"},
    {Errc::pointer_key_not_allowed, 51093, ""},
    {Errc::command_not_supported, 59, ""},
    {Errc::command_malformed, 40415, "unknown field"},
    {Errc::command_malformed, 9, ""},
    {Errc::malformed_bson, 22, ""},
    {Errc::document_too_large, 10334, ""},
};

/// Numbers that have a name; all others are called Location with the number behind.
struct Named {
  std::int32_t number;
  std::string_view name;
};
constexpr Named kNames[] = {{2, "BadValue"},         {9, "FailedToParse"},
                            {14, "TypeMismatch"},    {22, "InvalidBSON"},
                            {59, "CommandNotFound"}, {10334, "BSONObjectTooLarge"}};

std::string code_name(std::int32_t number) {
  const auto* n = std::find_if(std::begin(kNames), std::end(kNames),
                               [&](const Named& x) { return x.number == number; });
  return n != std::end(kNames) ? std::string(n->name) : "Location" + std::to_string(number);
}

}  // namespace

std::int32_t mongo_code(const Failure& failure) noexcept {
  const auto* row = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const Row& r) {
    return r.code == failure.code && std::string_view(failure.message).starts_with(r.begins);
  });
  return row != std::end(kNumbers) ? row->number : kNotPublic;
}

std::string error_text(const Failure& failure) {
  const std::string raw = failure.to_string();
  std::string text;
  text.reserve(raw.size());
  for (std::string_view rest = raw; !rest.empty();) {
    const std::size_t n = bson::utf8_length(rest);
    if (n == 0) {
      text += '?';
    } else {
      text += rest.substr(0, n);
    }
    rest.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return text;
}

std::vector<std::uint8_t> error_reply(const Failure& failure) {
  const std::int32_t number = mongo_code(failure);
  const std::string text = error_text(failure);
  bson::Writer reply(text.size() + 96);
  reply.add_double("ok", 0.0).add_string("errmsg", text);
  reply.add_int32("code", number).add_string("codeName", code_name(number));
  return std::move(reply).take();
}

}  // namespace fle::query
