#include "schema_commands.h"
#include "terminal/list.h"

namespace fle::tools {

std::string algorithm_name(Algorithm a) {
  return a == Algorithm::deterministic ? "Deterministic" : "Random";
}

std::string key_name(const schema::KeySelector& key) {
  if (const auto* id = std::get_if<KeyId>(&key)) return id->to_string() + " " + id->to_base64();
  return "name at " + std::get<schema::KeyPointer>(key).text;
}

std::string type_names(bson::TypeSet types) {
  std::string s;
  for (unsigned t = 1; t <= 0x13; ++t) {
    if (!types.contains(static_cast<bson::Type>(t))) continue;
    s += (s.empty() ? "" : ",") + std::string(bson::alias(static_cast<bson::Type>(t)));
  }
  return s.empty() ? "any" : s;
}

std::string algorithm_json(Algorithm a) {
  return json_string("AEAD_AES_256_CBC_HMAC_SHA_512-" + algorithm_name(a));
}

std::string key_json(const schema::KeySelector& key) {
  if (const auto* id = std::get_if<KeyId>(&key))
    return "[" + JsonLine().add("$uuid", id->to_string()).object() + "]";
  return json_string(std::get<schema::KeyPointer>(key).text);
}

std::string types_json(bson::TypeSet types) {
  std::string s;
  std::size_t n = 0;
  for (unsigned t = 1; t <= 0x13; ++t) {
    if (!types.contains(static_cast<bson::Type>(t))) continue;
    s += (n++ == 0 ? "" : ", ") + json_string(bson::alias(static_cast<bson::Type>(t)));
  }
  return n == 1 ? s : "[" + s + "]";
}

std::string encrypt_json(const schema::Leaf& leaf) {
  JsonLine line;
  if (!leaf.types.empty()) line.add_value("bsonType", types_json(leaf.types));
  line.add_value("algorithm", algorithm_json(leaf.algorithm))
      .add_value("keyId", key_json(leaf.key));
  return line.object();
}

}  // namespace fle::tools
