#include "kmip_master_key.h"

#include "document/bson_fields.h"
#include "fle/bson/writer.h"
#include "kmip_message.h"

namespace fle::kms {
namespace {

Failure refuse(std::string_view field, const char* why) {
  return {Errc::key_document_invalid, why, "masterKey." + std::string(field)};
}

Done read_field(KmipMasterKey& out, const bson_iter_t& it) {
  const std::string_view name = key_of(it);
  if (name == "delegated") {
    if (!BSON_ITER_HOLDS_BOOL(&it)) return refuse(name, "expected bool");
    out.delegated = bson_iter_bool(&it);
  } else if (name == "endpoint" || name == "keyId") {
    const auto text = string_of(it);
    if (!text || text->find('\0') != std::string_view::npos)
      return refuse(name, "expected UTF-8 without NUL");
    if (text->empty() || text->size() > kmip::kMaxKeyIdLen)
      return refuse(name, "empty, or longer than 1024 bytes");
    (name == "keyId" ? out.key_id : out.endpoint) = *text;
  }
  return ok;
}

}  // namespace

Outcome<KmipMasterKey> read_kmip_master_key(const MasterKey& master_key) {
  KmipMasterKey out;
  FLE_CHECK(each_field(master_key.bson,
                       {Errc::key_document_invalid, "not a well-formed BSON document", "masterKey"},
                       [&](const bson_iter_t& it) { return read_field(out, it); }));
  return out;
}

Outcome<MasterKey> to_master_key(std::string_view provider, const KmipMasterKey& fields) {
  bson::Writer w;
  const auto text = [&w](std::string_view name, std::string_view value) {
    if (!value.empty()) w.add_string(name, value);
  };
  text("endpoint", fields.endpoint);
  if (fields.delegated) w.add_bool("delegated", true);
  text("keyId", fields.key_id);
  return MasterKey::from_fields(provider, w.finish());
}

}  // namespace fle::kms
