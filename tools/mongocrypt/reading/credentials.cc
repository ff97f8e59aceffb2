#include "credentials.h"

#include <algorithm>
#include <iterator>

#include "document.h"
#include "fle/bson/cursor.h"
#include "fle/bson/extended_json.h"
#include "fle/bson/writer.h"
#include "fle/secret.h"

namespace fle::mongocrypt {
namespace {

constexpr std::string_view kTypes[] = {"aws", "azure", "gcp", "kmip", "local"};

Failure invalid_providers(std::string why) { return {Errc::kms_config_invalid, std::move(why)}; }

bool is_empty_document(Bytes whole, const bson::Element& e) {
  bson::Cursor inside(whole, e.value_offset);
  return e.type == bson::Type::object && !inside.next() && !inside.malformed();
}

}  // namespace

Outcome<Credentials> Credentials::from_bson(std::span<const WipedBytes> documents,
                                            const kms::KmsOptions& options) {
  Credentials made;
  std::set<std::string, std::less<>> seen;
  bson::Writer ready;
  for (const WipedBytes& document : documents) {
    const Bytes whole(document);
    if (!is_document(whole))
      return Failure(Errc::malformed_bson, "kmsProviders is not one document");
    bson::Cursor cursor(whole);
    while (cursor.next()) {
      const bson::Element& e = cursor.element();
      if (!seen.emplace(e.name).second)
        return invalid_providers("KMS provider '" + std::string(e.name) + "' is set twice");
      if (!is_empty_document(whole, e)) {
        ready.add(e.type, e.name, bson::value_of(whole, e));
        continue;
      }
      if (std::ranges::find(kTypes, e.name) == std::end(kTypes))
        return invalid_providers(
            "unrecognized KMS provider, or one with a name, which takes no credentials "
            "on demand: '" +
            std::string(e.name) + "'");
      made.on_demand_.emplace(e.name);
    }
  }
  if (made.on_demand_.size() == seen.size()) {
    made.providers_ = std::make_shared<const kms::Providers>();
    return made;
  }
  WipedChars json;
  FLE_CHECK(bson::write_extended_json(json, ready.finish(), bson::JsonForm::canonical));
  FLE_TRY(kms::Providers providers,
          kms::Providers::from_json(std::string_view(json.data(), json.size()), options));
  made.providers_ = std::make_shared<const kms::Providers>(std::move(providers));
  return made;
}

}  // namespace fle::mongocrypt
