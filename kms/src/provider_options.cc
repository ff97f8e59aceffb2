#include "provider_options.h"

#include <algorithm>
#include <optional>
#include <vector>

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
                                   std::string_view field) {
  const rapidjson::Value* v = member(options, field);
  if (v == nullptr) return invalid_options(id, "field " + quoted(field) + " is missing");
  const auto text = base64_of(*v);
  if (!text) return invalid_options(id, "expected UTF-8 or binary for " + quoted(field));
  const auto size = base64_decoded_size(*text);
  if (!size || *size == 0)
    return invalid_options(id, "field " + quoted(field) + " is empty or not base64");
  FLE_TRY(SecretBytes out, SecretBytes::create(*size));
  if (!base64_decode(out.expose_mut(), *text))
    return invalid_options(id, "field " + quoted(field) + " is not base64");
  return out;
}

}  // namespace fle::kms
