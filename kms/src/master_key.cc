#include "master_key.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "bson_fields.h"
#include "provider_type.h"
#include "text.h"

namespace fle::kms {
namespace {

struct Field {
  std::string_view name;
  std::optional<std::string_view> text;  // of a string
  bool boolean;
};
using Fields = std::vector<Field>;

constexpr std::size_t kMaxFields = 16;  // more than any provider knows

Failure refuse(std::string_view field, std::string why) {
  std::string path = "masterKey";
  if (!field.empty()) path += "." + std::string(field);
  return {Errc::key_document_invalid, std::move(why), std::move(path)};
}

Done check_field(const Fields& fields, const MasterKeyField& rule) {
  const auto it = std::ranges::find(fields, rule.name, &Field::name);
  const bool boolean = rule.kind == MasterKeyField::Kind::boolean;
  const char* expected = boolean ? "expected bool" : "expected UTF-8";
  if (it == fields.end()) {
    if (rule.required) return refuse(rule.name, std::string("missing, ") + expected);
    return ok;
  }
  if (boolean ? it->boolean : it->text.has_value()) return ok;
  return refuse(rule.name, expected);
}

Done check_no_others(const Fields& fields, const ProviderType& type) {
  for (auto it = fields.begin(); it != fields.end(); ++it) {
    const std::string_view name = it->name;
    const bool known =
        name == "provider" || std::ranges::count(type.master_key, name, &MasterKeyField::name) != 0;
    if (!known) return refuse({}, "unexpected field: " + quoted(name));
    if (std::ranges::find(fields.begin(), it, name, &Field::name) != it)
      return refuse(name, "stands twice");
  }
  return ok;
}

}  // namespace

Outcome<MasterKey> parse_master_key(Bytes bson) {
  Fields fields;
  FLE_CHECK(each_field(bson, refuse({}, "not a well-formed BSON document"),
                       [&](const bson_iter_t& it) -> Done {
                         if (fields.size() == kMaxFields) return refuse({}, "too many fields");
                         fields.push_back({key_of(it), string_of(it), BSON_ITER_HOLDS_BOOL(&it)});
                         return ok;
                       }));
  const auto provider = std::ranges::find(fields, "provider", &Field::name);
  if (provider == fields.end()) return refuse("provider", "missing, expected UTF-8");
  const auto& id = provider->text;
  if (!id) return refuse("provider", "expected UTF-8");
  const auto parsed = parse_provider_id(*id);
  if (!parsed) return refuse("provider", parsed.error().message);
  FLE_CHECK(check_no_others(fields, *parsed->type));
  for (const MasterKeyField& rule : parsed->type->master_key) FLE_CHECK(check_field(fields, rule));
  return MasterKey{std::string(*id), {bson.begin(), bson.end()}};
}

MasterKey MasterKey::local(std::string_view id) {
  MasterKey out{std::string(id), {}};
  bson_t b = BSON_INITIALIZER;
  bson_append_utf8(&b, "provider", -1, out.provider.data(), static_cast<int>(id.size()));
  const std::uint8_t* p = bson_get_data(&b);
  out.bson.assign(p, p + b.len);
  bson_destroy(&b);
  return out;
}

}  // namespace fle::kms
