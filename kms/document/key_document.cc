#include "fle/kms/key_document.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "bson_fields.h"
#include "fle/bson/writer.h"
#include "master_key.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // MongoDB's maxBsonObjectSize

Failure refuse(std::string_view field, std::string why) {
  return {Errc::key_document_invalid, std::move(why), std::string(field)};
}

Outcome<Bytes> binary(std::string_view field, const bson_iter_t& it, bson_subtype_t want) {
  if (!BSON_ITER_HOLDS_BINARY(&it)) return refuse(field, "expected binary");
  bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
  std::uint32_t n = 0;
  const std::uint8_t* p = nullptr;
  bson_iter_binary(&it, &subtype, &n, &p);
  if (subtype != want)
    return refuse(field, "expected binary of subtype " + std::to_string(want) + ", found subtype " +
                             std::to_string(subtype));
  return Bytes(p, n);
}

Done read_id(KeyDocument& out, const bson_iter_t& it) {
  FLE_TRY(const Bytes b, binary("_id", it, BSON_SUBTYPE_UUID));
  const auto id = KeyId::from(b);
  if (!id) return refuse("_id", "not a UUID: expected 16 bytes, found " + std::to_string(b.size()));
  out.id = *id;
  return ok;
}

Done read_alt_names(KeyDocument& out, const bson_iter_t& it) {
  const auto array = container_of(it, BSON_TYPE_ARRAY);
  if (!array) return refuse("keyAltNames", "expected array of UTF-8");
  std::unordered_set<std::string_view> seen;
  return each_field(*array, refuse("keyAltNames", "not a well-formed BSON array"),
                    [&](const bson_iter_t& element) -> Done {
                      const auto name = string_of(element);
                      if (!name)
                        return refuse("keyAltNames",
                                      "expected array of UTF-8, found another type in it");
                      if (!seen.insert(*name).second)
                        return refuse("keyAltNames", "unexpected duplicate " + quoted(*name));
                      out.alt_names.emplace_back(*name);
                      return ok;
                    });
}

Done read_key_material(KeyDocument& out, const bson_iter_t& it) {
  FLE_TRY(const Bytes b, binary("keyMaterial", it, BSON_SUBTYPE_BINARY));
  if (b.empty()) return refuse("keyMaterial", "is empty");
  out.key_material.assign(b.begin(), b.end());
  return ok;
}

Done read_date(std::string_view field, KeyDocument::Time& out, const bson_iter_t& it) {
  if (!BSON_ITER_HOLDS_DATE_TIME(&it)) return refuse(field, "expected date");
  out = KeyDocument::Time(std::chrono::milliseconds(bson_iter_date_time(&it)));
  return ok;
}

Done read_creation_date(KeyDocument& out, const bson_iter_t& it) {
  return read_date("creationDate", out.creation_date, it);
}

Done read_update_date(KeyDocument& out, const bson_iter_t& it) {
  return read_date("updateDate", out.update_date, it);
}

// Drivers ignore the value and accept any type. A number is kept for people to see; a document may
// hold a seal beside it. One that holds none, or is malformed, is any other value.
Done read_status(KeyDocument& out, const bson_iter_t& it) {
  if (BSON_ITER_HOLDS_INT32(&it)) out.status = bson_iter_int32(&it);
  const auto doc = container_of(it, BSON_TYPE_DOCUMENT);
  if (!doc) return ok;
  std::int32_t value = 0;
  std::optional<Bytes> seal;
  const Done read = each_field(*doc, refuse("status", {}), [&](const bson_iter_t& field) -> Done {
    if (key_of(field) == "value" && BSON_ITER_HOLDS_INT32(&field)) value = bson_iter_int32(&field);
    if (key_of(field) != "seal") return ok;
    if (seal) return refuse("status", {});
    FLE_TRY(seal, binary("status", field, BSON_SUBTYPE_BINARY));
    return ok;
  });
  if (!read || !seal || seal->empty()) return ok;
  out.status = value;
  out.seal.assign(seal->begin(), seal->end());
  return ok;
}

Done read_master_key(KeyDocument& out, const bson_iter_t& it) {
  const auto doc = container_of(it, BSON_TYPE_DOCUMENT);
  if (!doc) return refuse("masterKey", "expected document");
  FLE_TRY(out.master_key, parse_master_key(*doc));
  return ok;
}

Done read_version(KeyDocument&, const bson_iter_t& it) {
  if (!BSON_ITER_HOLDS_INT(&it)) return refuse("version", "expected int or long");
  if (bson_iter_as_int64(&it) != 0)
    return refuse("version", "unsupported key document version, only supports version=0");
  return ok;
}

void append_alt_names(bson::Writer& out, const KeyDocument& key) {
  if (key.alt_names.empty()) return;
  out.begin_array("keyAltNames");
  for (const std::string& name : key.alt_names) out.add_string({}, name);
  out.end();
}

void append_id(bson::Writer& out, const KeyDocument& key) {
  out.add_binary("_id", bson::kSubtypeUuid, key.id.bytes);
}

void append_key_material(bson::Writer& out, const KeyDocument& key) {
  out.add_binary("keyMaterial", BSON_SUBTYPE_BINARY, key.key_material);
}

void append_creation_date(bson::Writer& out, const KeyDocument& key) {
  out.add_date("creationDate", key.creation_date.time_since_epoch().count());
}

void append_update_date(bson::Writer& out, const KeyDocument& key) {
  out.add_date("updateDate", key.update_date.time_since_epoch().count());
}

void append_status(bson::Writer& out, const KeyDocument& key) {
  if (key.seal.empty()) {
    out.add_int32("status", key.status);
    return;
  }
  out.begin_document("status").add_int32("value", key.status);
  out.add_binary("seal", BSON_SUBTYPE_BINARY, key.seal).end();
}

void append_master_key(bson::Writer& out, const KeyDocument& key) {
  bson_t master_key;
  if (init_view(master_key, key.master_key.bson))
    out.add_document("masterKey", key.master_key.bson);
}

void append_no_version(bson::Writer&, const KeyDocument&) {}

template <auto Member>
bool same(const KeyDocument& a, const KeyDocument& b) {
  return a.*Member == b.*Member;
}

bool same_master_key(const KeyDocument& a, const KeyDocument& b) {
  return a.master_key.bson == b.master_key.bson;
}

bool same_status(const KeyDocument& a, const KeyDocument& b) {
  return a.status == b.status && a.seal == b.seal;
}

bool same_version(const KeyDocument&, const KeyDocument&) { return true; }

/// All that is to know of a field. Rules: libmongocrypt, mongocrypt-key.c.
struct FieldRule {
  std::string_view name;
  bool required;
  Done (*read)(KeyDocument& out, const bson_iter_t& it);
  void (*append)(bson::Writer& out, const KeyDocument& key);
  bool (*same)(const KeyDocument& a, const KeyDocument& b);
};

// In the order of libmongocrypt, which writes no version.
constexpr FieldRule kFields[] = {
    {"_id", true, read_id, append_id, same<&KeyDocument::id>},
    {"keyAltNames", false, read_alt_names, append_alt_names, same<&KeyDocument::alt_names>},
    {"keyMaterial", true, read_key_material, append_key_material, same<&KeyDocument::key_material>},
    {"creationDate", true, read_creation_date, append_creation_date,
     same<&KeyDocument::creation_date>},
    {"updateDate", true, read_update_date, append_update_date, same<&KeyDocument::update_date>},
    {"status", true, read_status, append_status, same_status},
    {"masterKey", true, read_master_key, append_master_key, same_master_key},
    {"version", false, read_version, append_no_version, same_version},
};

/// Calls f(rule, element) for each element of a key document.
template <class F>
Done for_each_element(Bytes bson, F f) {
  return each_field(bson, refuse({}, "not a well-formed BSON document"),
                    [&](const bson_iter_t& it) -> Done {
                      const std::string_view key = key_of(it);
                      const auto* rule = std::ranges::find(kFields, key, &FieldRule::name);
                      if (rule == std::end(kFields))
                        return refuse({}, "unrecognized field " + quoted(key));
                      return f(*rule, it);
                    });
}

/// Appends the elements of the document that `key` was read from, or their new versions.
Done append_over(bson::Writer& out, const KeyDocument& key) {
  FLE_TRY(const KeyDocument before, parse_key_document(key.stored));
  struct Element {
    const FieldRule* rule;
    std::size_t offset;
  };
  std::vector<Element> elements;
  FLE_CHECK(for_each_element(key.stored, [&](const FieldRule& rule, bson_iter_t it) -> Done {
    elements.push_back({&rule, bson_iter_offset(&it)});
    return ok;
  }));
  elements.push_back({nullptr, key.stored.size() - 1});
  for (std::size_t i = 0; i + 1 < elements.size(); ++i) {
    const auto& [rule, offset] = elements[i];
    if (rule->same(before, key)) {
      out.append(Bytes(key.stored).subspan(offset, elements[i + 1].offset - offset));
    } else {
      rule->append(out, key);
    }
  }
  const FieldRule& names = kFields[1];
  if (std::ranges::count(elements, &names, &Element::rule) == 0) names.append(out, key);
  return ok;
}

}  // namespace

Outcome<KeyDocument> parse_key_document(Bytes bson) {
  if (bson.size() > kMaxBytes) return refuse({}, "longer than 16 MiB");
  KeyDocument out;
  std::uint32_t seen = 0;
  FLE_CHECK(for_each_element(bson, [&](const FieldRule& rule, const bson_iter_t& it) -> Done {
    const std::uint32_t bit = 1U << (&rule - kFields);
    if ((seen & bit) != 0) return refuse(rule.name, "appears twice");
    seen |= bit;
    return rule.read(out, it);
  }));
  for (const FieldRule& rule : kFields) {
    if (rule.required && (seen & (1U << (&rule - kFields))) == 0)
      return refuse(rule.name, "invalid key, no " + quoted(rule.name));
  }
  out.stored.assign(bson.begin(), bson.end());
  return out;
}

std::vector<std::uint8_t> to_bson(const KeyDocument& key) {
  bson::Writer out;
  if (key.stored.empty() || !append_over(out, key))
    for (const FieldRule& rule : kFields) rule.append(out, key);
  return std::move(out).take();
}

}  // namespace fle::kms
