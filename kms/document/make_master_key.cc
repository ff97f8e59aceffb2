#include <algorithm>

#include "bson_builder.h"
#include "bson_fields.h"
#include "master_key.h"
#include "provider_id.h"
#include "text/text.h"

namespace fle::kms {
namespace {

Failure refuse(std::string why, std::string path = "masterKey") {
  return {Errc::key_document_invalid, std::move(why), std::move(path)};
}

Done check_provider(const bson_iter_t& it, std::string_view provider) {
  if (string_of(it) == provider) return ok;
  return refuse("names another KMS provider than " + quoted(provider), "masterKey.provider");
}

void append(BsonBuilder& b, const bson_iter_t& it) {
  // libmongocrypt writes no `delegated: false`.
  if (BSON_ITER_HOLDS_BOOL(&it) && key_of(it) == "delegated" && !bson_iter_bool(&it)) return;
  bson_append_iter(b.get(), nullptr, 0, &it);
}

}  // namespace

Outcome<MasterKey> MasterKey::from_fields(std::string_view provider, Bytes fields) {
  FLE_TRY(const ProviderId id, parse_provider_id(provider));
  const auto& table = id.type->master_key;
  const Failure malformed = refuse("not a well-formed BSON document");
  BsonBuilder b;
  bson_append_utf8(b.get(), "provider", -1, provider.data(), static_cast<int>(provider.size()));
  // In the order of the provider's table; what is not in it comes last, to be refused below. Found
  // anew for each, not kept: bson_iter_t is over-aligned, and a vector would not know.
  for (const MasterKeyField& rule : table)
    FLE_CHECK(each_field(fields, malformed, [&](const bson_iter_t& it) -> Done {
      if (key_of(it) == rule.name) append(b, it);
      return ok;
    }));
  FLE_CHECK(each_field(fields, malformed, [&](const bson_iter_t& it) -> Done {
    if (key_of(it) == "provider") return check_provider(it, provider);
    if (std::ranges::count(table, key_of(it), &MasterKeyField::name) == 0) append(b, it);
    return ok;
  }));
  return parse_master_key(b.bytes());
}

}  // namespace fle::kms
