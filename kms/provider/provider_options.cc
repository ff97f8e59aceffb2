#include "provider_options.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

#include <rapidjson/document.h>

#include "document/provider_id.h"
#include "fle/did_you_mean.h"
#include "text/base64.h"
#include "text/secret_json.h"
#include "text/text.h"

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

/// Whether this is a field's name for sure. A value that was pasted in place of one would end
/// up in a log: secrets are longer, or have digits and signs.
bool looks_like_a_name(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 32;
  return text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
         });
}

/// Fields that people bring from elsewhere, and where what they hold goes.
struct Elsewhere {
  std::string_view type;
  std::initializer_list<std::string_view> names;
  std::string_view advice;
};
const Elsewhere kElsewhere[] = {
    {"gcp",
     {"type", "project_id", "private_key_id", "client_email", "client_id", "auth_uri", "token_uri",
      "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain"},
     " Of Google's service-account file, 'email' takes client_email, and 'privateKey' the base64 "
     "in private_key without the lines BEGIN and END and without line ends."},
    {"azure",
     {"clientCertificate", "clientCertificatePath", "certificate", "clientAssertion"},
     " Certificates are not supported: give a clientSecret, or an accessToken."},
    {"aws",
     {"profile", "roleArn", "role_arn", "webIdentityTokenFile", "credentials"},
     " Give the credentials themselves, or {} for those of the environment."},
    {"kmip",
     {"tls", "ssl", "ca", "cert", "certificate", "tlsCAFile", "tlsCertificateKeyFile"},
     " TLS is set up in the options of the client, not here."},
};

/// What to do with a field that is not one of these options; empty where nothing is likely.
std::string advice_on(std::string_view name, std::string_view id,
                      std::span<const std::string_view> allowed) {
  const auto parsed = parse_provider_id(id);
  const std::string_view type = parsed ? parsed->type->name : std::string_view();
  if (parsed && std::ranges::count(parsed->type->master_key, name, &MasterKeyField::name) != 0)
    return " It belongs to the master key.";
  std::string meant = did_you_mean(name, allowed);
  if (!meant.empty()) return meant;
  for (const Elsewhere& e : kElsewhere)
    if (e.type == type && std::ranges::count(e.names, name) != 0) return std::string(e.advice);
  return {};
}

/// What is not expected, and what would be.
std::string unexpected(std::string_view name, std::string_view id,
                       std::span<const std::string_view> allowed) {
  const std::string known =
      allowed.size() == 1 ? "is " + quoted(allowed[0]) : "are " + listed(allowed);
  const std::string advice = advice_on(name, id, allowed);
  if (advice.empty() && !looks_like_a_name(name))
    return ", whose name is not told because it may be a secret; known " + known;
  return " " + quoted(name) + "." + advice + " Known " + known;
}

constexpr std::string_view kPemInBase64 = "LS0tLS1CRUdJT";  // "-----BEGIN"

bool is_hex_of_a_key(std::string_view text) noexcept {
  constexpr std::size_t kLocalKey = 96;
  return text.size() == 2 * kLocalKey &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// Whether a text is base64 by its letters alone.
bool is_encoded_otherwise(std::string_view text) noexcept {
  return text.starts_with(kPemInBase64) || is_hex_of_a_key(text);
}

/// Why a text, which is not told, cannot be the base64 that is wanted; empty where it may be. Goes
/// by what people put there instead.
std::string_view other_than_base64(std::string_view text) noexcept {
  if (text.find("-----BEGIN") != std::string_view::npos)
    return " is PEM: give the base64 of its PKCS#8 without the lines BEGIN and END and without "
           "line ends";
  if (text.starts_with(kPemInBase64))
    return " is the base64 of PEM: give the base64 that stands in it, without the lines BEGIN and "
           "END and without line ends";
  if (text.starts_with('{')) return " is JSON: give the value alone, as base64";
  if (is_hex_of_a_key(text)) return " is hexadecimal: give base64";
  if (text.ends_with(".pem") || text.ends_with(".key") || text.ends_with(".der"))
    return " is the name of a file: give what stands in it, as base64";
  if (text.find_first_of(" \t\r\n") != std::string_view::npos)
    return " has spaces or line ends: give base64 on one line";
  if (text.find_first_of("-_") != std::string_view::npos)
    return " has '-' or '_', as base64url does: give base64, with '+' and '/'";
  return {};
}

}  // namespace

Failure invalid_options(std::string_view id, std::string_view why) {
  return {Errc::kms_config_invalid,
          "failed to parse KMS provider " + quoted(id) + ": " + std::string(why)};
}

Failure exchanges_alone(std::string_view id, std::string_view package) {
  return {
      Errc::not_in_build,
      "KMS provider " + quoted(id) + " cannot connect: this build lacks " + std::string(package) +
          "; build libfle with it, or run what begin_prepare(), begin_wrap() and begin_unwrap() "
          "give over a network of your own (docs/kms.md)"};
}

Done check_option_names(std::string_view id, const rapidjson::Value& options,
                        std::span<const std::string_view> allowed) {
  std::vector<std::string_view> seen;
  for (const auto& m : options.GetObject()) {
    const std::string_view name = text_of(m.name);
    if (std::ranges::find(allowed, name) == allowed.end())
      return invalid_options(id, "unexpected field" + unexpected(name, id, allowed));
    if (std::ranges::find(seen, name) != seen.end())
      return invalid_options(id, "field " + quoted(name) + " appears twice");
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
  const auto refused = [&](std::string_view otherwise) {
    const std::string_view other = other_than_base64(*text);
    return invalid_options(
        id, "field " + quoted(field) + std::string(other.empty() ? otherwise : other));
  };
  if (is_encoded_otherwise(*text)) return refused({});
  const auto size = base64_decoded_size(*text);
  if (!size || *size == 0) return refused(" is empty or not base64");
  FLE_TRY(SecretBytes out, SecretBytes::create(*size, policy));
  if (!base64_decode(out.expose_mut(), *text)) return refused(" is not base64");
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
  const Failure not_json(Errc::kms_config_invalid, "the credentials are not a JSON document");
  FLE_TRY(WipedBuffer copy, with_nul({reinterpret_cast<const char*>(text.data()), text.size()}));
  rapidjson::Document doc;
  if (parse_in_place(doc, copy.bytes()) || !doc.IsObject()) return not_json;
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
