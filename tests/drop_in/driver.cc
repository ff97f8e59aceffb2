#include "drop_in/driver.h"

#include <algorithm>

#include "client/client_support.h"

namespace fle::test {

std::string clinic_kms_providers() {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "Wlpa";
  return R"({"local": {"key": {"$binary": {"base64": ")" + key + R"(", "subType": "00"}}}})";
}

DriverOptions clinic_options(const std::string& uri, const std::string& db, const KeyId& key) {
  std::string schema = patients_json(key);
  std::ranges::replace(schema, '\'', '"');
  return {
      uri, db, db + ".keys", clinic_kms_providers(), "{\"" + db + ".patients\": " + schema + "}",
      "{}"};
}

std::string to_json(const DriverOptions& o) {
  return "{\"uri\": \"" + o.uri + "\", \"db\": \"" + o.db + "\", \"keyVaultNamespace\": \"" +
         o.key_vault_namespace + "\", \"kmsProviders\": " + o.kms_providers +
         ", \"schemaMap\": " + o.schema_map + ", \"extraOptions\": " + o.extra_options + "}";
}

}  // namespace fle::test
