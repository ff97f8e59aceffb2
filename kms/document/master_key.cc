#include "master_key.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bson_builder.h"
#include "bson_fields.h"
#include "fle/bson/extended_json.h"
#include "fle/did_you_mean.h"
#include "provider_id.h"
#include "text/text.h"

namespace fle::kms {
namespace {

struct Field {
  std::string_view name;
  std::optional<std::string_view> text;  // of a string
  bool boolean;
};
using Fields = std::vector<Field>;

constexpr std::size_t kMaxFields = 16;  // more than any provider knows
constexpr std::size_t kMaxJson = 16UL * 1024;

Failure refuse(std::string_view field, std::string why) {
  std::string path = "masterKey";
  if (!field.empty()) path += "." + std::string(field);
  return {Errc::key_document_invalid, std::move(why), std::move(path)};
}

/// The fields that a master key of this type cannot do without.
std::string needed(const ProviderType& type) {
  std::vector<std::string_view> names;
  for (const MasterKeyField& f : type.master_key)
    if (f.required) names.push_back(f.name);
  return ". A master key of " + quoted(type.name) + " needs " + listed(names);
}

Done check_field(const Fields& fields, const MasterKeyField& rule, const ProviderType& type) {
  const auto it = std::ranges::find(fields, rule.name, &Field::name);
  const bool boolean = rule.kind == MasterKeyField::Kind::boolean;
  const char* expected = boolean ? "expected bool" : "expected UTF-8";
  if (it == fields.end()) {
    if (rule.required) return refuse(rule.name, std::string("missing, ") + expected + needed(type));
    return ok;
  }
  if (boolean ? it->boolean : it->text.has_value()) return ok;
  return refuse(rule.name, expected);
}

std::string expected(std::string_view name, const ProviderType& type) {
  // Fields of credentials, which stand in key documents of nobody.
  static constexpr std::string_view kCredentials[] = {
      "accessKeyId", "secretAccessKey", "sessionToken", "accessToken", "tenantId",
      "clientId",    "clientSecret",    "email",        "privateKey",  "identityPlatformEndpoint"};
  std::vector<std::string_view> names;
  for (const MasterKeyField& f : type.master_key) names.push_back(f.name);
  if (std::ranges::count(kCredentials, name) != 0 || (names.empty() && name == "key"))
    return " It belongs to the options of the KMS provider, and never into a key document";
  if (names.empty()) return " A master key of " + quoted(type.name) + " has no fields";
  return did_you_mean(name, names) + " Known are " + listed(names);
}

Done check_no_others(const Fields& fields, const ProviderType& type) {
  for (auto it = fields.begin(); it != fields.end(); ++it) {
    const std::string_view name = it->name;
    const bool known =
        name == "provider" || std::ranges::count(type.master_key, name, &MasterKeyField::name) != 0;
    if (!known) return refuse({}, "unexpected field: " + quoted(name) + "." + expected(name, type));
    if (std::ranges::find(fields.begin(), it, name, &Field::name) != it)
      return refuse(name, "appears twice");
  }
  return ok;
}

/// Of a provider that a program has added: what the fields mean is its business, but each stands
/// there once and is something that can be shown.
Done check_own(const Fields& fields) {
  for (auto it = fields.begin(); it != fields.end(); ++it) {
    if (std::ranges::find(fields.begin(), it, it->name, &Field::name) != it)
      return refuse(it->name, "appears twice");
    if (!it->text && !it->boolean) return refuse(it->name, "expected UTF-8 or bool");
  }
  return ok;
}

using Text = std::pair<std::string_view, std::string_view>;

void append_text(BsonBuilder& b, const Text& field) {
  const auto& [name, value] = field;
  bson_append_utf8(b.get(), name.data(), static_cast<int>(name.size()), value.data(),
                   static_cast<int>(value.size()));
}

MasterKey made_of(std::string_view id, std::initializer_list<Text> fields) {
  BsonBuilder b;
  append_text(b, {"provider", id});
  for (const Text& field : fields)
    if (!field.second.empty()) append_text(b, field);
  return {std::string(id), b.copy()};
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
  FLE_CHECK(parsed->type->own ? check_own(fields) : check_no_others(fields, *parsed->type));
  for (const MasterKeyField& rule : parsed->type->master_key)
    FLE_CHECK(check_field(fields, rule, *parsed->type));
  return MasterKey{std::string(*id), {bson.begin(), bson.end()}};
}

std::string master_key_text(const MasterKey& master_key, std::string_view field) {
  std::string out;
  const Done read = each_field(master_key.bson, Failure(), [&](const bson_iter_t& it) -> Done {
    if (key_of(it) == field) out = string_of(it).value_or(std::string_view());
    return ok;
  });
  return read ? out : std::string();
}

bool has_master_key_field(const MasterKey& master_key, std::string_view field) {
  bool found = false;
  const Done read = each_field(master_key.bson, Failure(), [&](const bson_iter_t& it) -> Done {
    found = found || key_of(it) == field;
    return ok;
  });
  return read && found;
}

MasterKey with_master_key_text(const MasterKey& master_key, std::string_view field,
                               std::string_view text) {
  BsonBuilder b;
  const Done read = each_field(master_key.bson, Failure(), [&](const bson_iter_t& it) -> Done {
    if (key_of(it) == field) {
      append_text(b, {field, text});
    } else {
      bson_append_iter(b.get(), nullptr, 0, &it);
    }
    return ok;
  });
  return read ? MasterKey{master_key.provider, b.copy()} : master_key;
}

MasterKey MasterKey::local(std::string_view id) { return made_of(id, {}); }

MasterKey MasterKey::aws(std::string_view region, std::string_view key, std::string_view endpoint,
                         std::string_view id) {
  return made_of(id, {{"region", region}, {"key", key}, {"endpoint", endpoint}});
}

MasterKey MasterKey::azure(std::string_view key_vault_endpoint, std::string_view key_name,
                           std::string_view key_version, std::string_view id) {
  return made_of(id, {{"keyVaultEndpoint", key_vault_endpoint},
                      {"keyName", key_name},
                      {"keyVersion", key_version}});
}

MasterKey MasterKey::gcp(const GcpKey& key, std::string_view id) {
  return made_of(id, {{"projectId", key.project_id},
                      {"location", key.location},
                      {"keyRing", key.key_ring},
                      {"keyName", key.key_name},
                      {"keyVersion", key.key_version},
                      {"endpoint", key.endpoint}});
}

MasterKey MasterKey::kmip(std::string_view key_id, bool delegated, std::string_view endpoint,
                          std::string_view id) {
  BsonBuilder b;
  append_text(b, {"provider", id});
  if (!endpoint.empty()) append_text(b, {"endpoint", endpoint});
  if (delegated) bson_append_bool(b.get(), "delegated", -1, true);
  if (!key_id.empty()) append_text(b, {"keyId", key_id});
  return {std::string(id), b.copy()};
}

Outcome<MasterKey> MasterKey::from_json(std::string_view id, std::string_view text) {
  if (text.size() > kMaxJson) return refuse({}, "expected a JSON document of at most 16 KiB");
  WipedBytes bson;
  if (Done read = bson::read_extended_json(bson, text); !read) {
    Failure f = std::move(read.error());
    f.code = Errc::key_document_invalid;
    f.path = f.path.empty() ? "masterKey" : "masterKey." + f.path;
    return f;
  }
  return from_fields(id, bson);
}

}  // namespace fle::kms
