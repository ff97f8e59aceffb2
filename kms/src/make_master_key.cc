#include <algorithm>

#include "bson_builder.h"
#include "bson_fields.h"
#include "master_key.h"
#include "provider_type.h"
#include "text.h"

namespace fle::kms {
namespace {

Failure refuse(std::string why, std::string path = "masterKey") {
  return {Errc::key_document_invalid, std::move(why), std::move(path)};
}

/// The fields of a master key that stand in a document, `provider` left out.
Outcome<std::vector<bson_iter_t>> read_fields(std::string_view provider, Bytes fields) {
  std::vector<bson_iter_t> out;
  FLE_CHECK(each_field(
      fields, refuse("not a well-formed BSON document"), [&](const bson_iter_t& it) -> Done {
        if (key_of(it) != "provider") {
          out.push_back(it);
          return ok;
        }
        if (string_of(it) == provider) return ok;
        return refuse("names another KMS provider than " + quoted(provider), "masterKey.provider");
      }));
  return out;
}

}  // namespace

Outcome<MasterKey> MasterKey::from_fields(std::string_view provider, Bytes fields) {
  FLE_TRY(const ProviderId id, parse_provider_id(provider));
  FLE_TRY(std::vector<bson_iter_t> given, read_fields(provider, fields));
  // In the order of the provider's table; what is not in it comes last, to be refused below.
  const auto& table = id.type->master_key;
  // Not stable_sort: its temporary buffer ignores that bson_iter_t is over-aligned.
  std::ranges::sort(given, {}, [&](const bson_iter_t& it) {
    return std::ranges::find(table, key_of(it), &MasterKeyField::name) - table.begin();
  });
  BsonBuilder b;
  bson_append_utf8(b.get(), "provider", -1, provider.data(), static_cast<int>(provider.size()));
  for (const bson_iter_t& it : given) {
    // libmongocrypt writes no `delegated: false`.
    if (BSON_ITER_HOLDS_BOOL(&it) && key_of(it) == "delegated" && !bson_iter_bool(&it)) continue;
    bson_append_iter(b.get(), nullptr, 0, &it);
  }
  return parse_master_key(b.bytes());
}

}  // namespace fle::kms
