#include "provider_options.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <bson/bson.h>
#include <rapidjson/document.h>

#include "base64.h"
#include "text.h"

namespace fle::kms {
namespace {

std::string_view text_of(const rapidjson::Value& v) noexcept {
  return {v.GetString(), v.GetStringLength()};
}

const rapidjson::Value* member(const rapidjson::Value& object, std::string_view name) {
  for (const auto& m : object.GetObject())
    if (text_of(m.name) == name) return &m.value;
  return nullptr;
}

// {"$binary": {"base64": B, "subType": S}} or the legacy {"$binary": B, "$type": S}; the subtype
// does not matter to drivers.
std::optional<std::string_view> base64_of_binary(const rapidjson::Value& v) {
  const rapidjson::Value* content = member(v, "$binary");
  if (content == nullptr) return std::nullopt;
  const bool legacy = content->IsString();
  const rapidjson::Value& outer = legacy ? v : *content;
  if (!outer.IsObject() || outer.MemberCount() != 2 || v.MemberCount() != (legacy ? 2U : 1U))
    return std::nullopt;
  const rapidjson::Value* text = legacy ? content : member(outer, "base64");
  const rapidjson::Value* subtype = member(outer, legacy ? "$type" : "subType");
  if (text == nullptr || !text->IsString() || subtype == nullptr || !subtype->IsString())
    return std::nullopt;
  return text_of(*text);
}

std::optional<std::string_view> base64_of(const rapidjson::Value& v) {
  if (v.IsString()) return text_of(v);
  if (v.IsObject()) return base64_of_binary(v);
  return std::nullopt;
}

}  // namespace

Failure invalid_options(std::string_view id, std::string_view why) {
  return {Errc::kms_config_invalid,
          "failed to parse KMS provider " + quoted(id) + ": " + std::string(why)};
}

Done check_option_names(std::string_view id, const rapidjson::Value& options,
                        std::span<const std::string_view> allowed) {
  std::vector<std::string_view> seen;
  for (const auto& m : options.GetObject()) {
    const std::string_view name = text_of(m.name);
    // An unknown name is not quoted: a value pasted in its place would end up in a log.
    if (std::ranges::find(allowed, name) == allowed.end())
      return invalid_options(id, "unexpected field");
    if (std::ranges::find(seen, name) != seen.end())
      return invalid_options(id, "field " + quoted(name) + " stands twice");
    seen.push_back(name);
  }
  return ok;
}

Outcome<SecretBytes> secret_option(std::string_view id, const rapidjson::Value& options,
                                   std::string_view field, LockPolicy policy) {
  const rapidjson::Value* v = member(options, field);
  if (v == nullptr) return invalid_options(id, "field " + quoted(field) + " is missing");
  const auto text = base64_of(*v);
  if (!text) return invalid_options(id, "expected UTF-8 or binary for " + quoted(field));
  const auto size = base64_decoded_size(*text);
  if (!size || *size == 0)
    return invalid_options(id, "field " + quoted(field) + " is empty or not base64");
  FLE_TRY(SecretBytes out, SecretBytes::create(*size, policy));
  if (!base64_decode(out.expose_mut(), *text))
    return invalid_options(id, "field " + quoted(field) + " is not base64");
  return out;
}

Outcome<SecretBytes> text_option(std::string_view id, const rapidjson::Value& options,
                                 std::string_view field, LockPolicy policy) {
  const rapidjson::Value* v = member(options, field);
  if (v == nullptr) return invalid_options(id, "field " + quoted(field) + " is missing");
  if (!v->IsString()) return invalid_options(id, "expected UTF-8 for " + quoted(field));
  const std::string_view text = text_of(*v);
  if (text.empty()) return invalid_options(id, "field " + quoted(field) + " is empty");
  FLE_TRY(SecretBytes out,
          SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                               policy));
  return out;
}

Outcome<SecretBytes> header_option(std::string_view id, const rapidjson::Value& options,
                                   std::string_view field, LockPolicy policy) {
  FLE_TRY(SecretBytes out, text_option(id, options, field, policy));
  const auto fits = [](std::uint8_t c) { return c > 0x20 && c < 0x7f; };
  if (std::ranges::all_of(out.expose(), fits)) return out;
  return invalid_options(id, "expected visible ASCII without spaces for " + quoted(field));
}

bool has_option(const rapidjson::Value& options, std::string_view field) {
  return member(options, field) != nullptr;
}

bool is_empty_document(const rapidjson::Value& options) {
  return options.IsObject() && options.ObjectEmpty();
}

Done with_options(Bytes text, const std::function<Done(const rapidjson::Value&)>& use) {
  const std::string_view chars(reinterpret_cast<const char*>(text.data()), text.size());
  const Failure not_json(Errc::kms_config_invalid, "the credentials are not a JSON document");
  if (text.empty() || !bson_utf8_validate(chars.data(), chars.size(), /*allow_null=*/false))
    return not_json;
  WipedBuffer copy;  // parsed in place, as Providers::from_json does
  FLE_CHECK(copy.reset(text.size() + 1));
  std::ranges::copy(text, copy.bytes().begin());
  copy.bytes().back() = 0;
  rapidjson::Document doc;
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
  doc.ParseInsitu<kFlags>(reinterpret_cast<char*>(copy.bytes().data()));
  if (doc.HasParseError() || !doc.IsObject()) return not_json;
  return use(doc);
}

Failure no_credentials(std::string_view id, std::string_view why) {
  return {Errc::kms_no_credentials,
          "KMS provider " + quoted(id) +
              ": no credentials from KmsOptions::credentials: " + std::string(why)};
}

Outcome<WipedBuffer> ask_for_credentials(std::string_view id,
                                         const decltype(KmsOptions::credentials)& callback) {
  auto text = callback(id);
  if (!text) return no_credentials(id, text.error().message);
  return text;
}

}  // namespace fle::kms
