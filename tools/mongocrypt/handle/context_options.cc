#include "context_options.h"

#include <algorithm>

#include "fle/bson/cursor.h"
#include "fle/data_key.h"
#include "mongocrypt/mongocrypt.h"
#include "reading/document.h"

namespace fle::mongocrypt {
namespace {

using bson::Element;
using bson::Type;

/// The only element of a document, which must be called `name` and be of `type`.
Outcome<Element> only_element(Bytes document, std::string_view name, Type type) {
  bson::Cursor cursor(document);
  std::optional<Element> found;
  bool others = false;
  while (cursor.next()) {
    others |= found.has_value() || cursor.element().name != name;
    if (!found) found = cursor.element();
  }
  if (!is_document(document) || !found || others || found->type != type)
    return invalid("expected a document of one field, '" + std::string(name) + "', of type " +
                   std::string(bson::alias(type)));
  return *found;
}

struct AlgorithmName {
  std::string_view name;
  std::optional<Algorithm> algorithm;  // none: Queryable Encryption
};
constexpr AlgorithmName kAlgorithms[] = {
    {MONGOCRYPT_ALGORITHM_DETERMINISTIC_STR, Algorithm::deterministic},
    {MONGOCRYPT_ALGORITHM_RANDOM_STR, Algorithm::random},
    {MONGOCRYPT_ALGORITHM_INDEXED_STR, std::nullopt},
    {MONGOCRYPT_ALGORITHM_UNINDEXED_STR, std::nullopt},
    {MONGOCRYPT_ALGORITHM_RANGE_STR, std::nullopt},
    {MONGOCRYPT_ALGORITHM_RANGEPREVIEW_DEPRECATED_STR, std::nullopt},
    {MONGOCRYPT_ALGORITHM_TEXTPREVIEW_STR, std::nullopt},
};

/// Nothing for what is no algorithm. Letters of either case are the same, as in the original.
const AlgorithmName* find_algorithm(std::string_view name) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  for (const AlgorithmName& known : kAlgorithms)
    if (std::ranges::equal(known.name, name, {}, lower, lower)) return &known;
  return nullptr;
}

}  // namespace

Failure queryable_encryption(std::string_view what) {
  return {
      Errc::command_not_supported,
      std::string(what) +
          " is of Queryable Encryption, which libfle does not have: it "
          "has client-side field level encryption (algorithms "
          "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic and -Random); MongoDB's own libmongocrypt "
          "is asked where FLE_MONGOCRYPT_QE names its file"};
}

Done ContextOptions::set_key_id(Bytes id) {
  if (key_id) return invalid("the key id is set already");
  if (!alt_names.empty()) return invalid("the key id is given beside a key alt name: set one");
  key_id = KeyId::from(id);
  if (!key_id) return invalid("the key id is no UUID: expected 16 bytes");
  return ok;
}

Done ContextOptions::add_alt_name(Bytes document) {
  if (key_id) return invalid("a key alt name is given beside the key id: set one");
  FLE_TRY(const Element e, only_element(document, "keyAltName", Type::string));
  const std::string_view name = bson::text_of(document, e);
  if (name.empty()) return invalid("the key alt name is empty");
  if (std::ranges::find(alt_names, name) != alt_names.end())
    return invalid("the key alt name '" + std::string(name) + "' is set twice");
  alt_names.emplace_back(name);
  return ok;
}

Done ContextOptions::set_key_material(Bytes document) {
  if (!key_material.empty()) return invalid("the key material is set already");
  FLE_TRY(const Element e, only_element(document, "keyMaterial", Type::bin_data));
  const Bytes content = bson::value_of(document, e).subspan(5);  // behind length and subtype
  if (content.size() != DataKey::kLen)
    return invalid("keyMaterial should have length " + std::to_string(DataKey::kLen) +
                   ", but has length " + std::to_string(content.size()));
  key_material.assign(content.begin(), content.end());
  return ok;
}

Done ContextOptions::set_algorithm(std::string_view name) {
  if (algorithm) return invalid("the algorithm is set already");
  const AlgorithmName* const found = find_algorithm(name);
  if (found == nullptr)
    return invalid("unsupported algorithm string \"" + std::string(name) + "\"");
  if (!found->algorithm) return queryable_encryption("algorithm '" + std::string(name) + "'");
  algorithm = found->algorithm;
  return ok;
}

bool ContextOptions::is_queryable(std::string_view name) noexcept {
  const AlgorithmName* const found = find_algorithm(name);
  return found != nullptr && !found->algorithm;
}

Done ContextOptions::set_aws_master_key(std::string_view region, std::string_view cmk) {
  if (master_key || !aws_region.empty()) return invalid("a master key is set already");
  if (region.empty() || cmk.empty()) return invalid("an AWS master key needs a region and a key");
  aws_region = region;
  aws_key = cmk;
  return ok;
}

Done ContextOptions::set_aws_endpoint(std::string_view endpoint) {
  if (!aws_endpoint.empty()) return invalid("the AWS endpoint is set already");
  if (endpoint.empty()) return invalid("the AWS endpoint is empty");
  aws_endpoint = endpoint;
  return ok;
}

Done ContextOptions::set_local_master_key() {
  if (master_key || !aws_region.empty()) return invalid("a master key is set already");
  master_key = kms::MasterKey::local();
  return ok;
}

Done ContextOptions::set_master_key(Bytes document) {
  if (master_key || !aws_region.empty()) return invalid("a master key is set already");
  const auto provider = bson::find(document, "provider");
  if (!provider || provider->type != Type::string)
    return invalid("the key encryption key names no provider");
  FLE_TRY(master_key, kms::MasterKey::from_fields(bson::text_of(document, *provider), document));
  return ok;
}

std::optional<kms::MasterKey> ContextOptions::asked_master_key() const {
  if (!aws_region.empty()) return kms::MasterKey::aws(aws_region, aws_key, aws_endpoint);
  return master_key;
}

Done ContextOptions::allow_only(std::uint8_t taken, const char* what) const {
  const struct {
    Taken option;
    bool is_set;
    const char* name;
  } rows[] = {
      {key, key_id.has_value(), "a key id"},
      {names, !alt_names.empty(), "a key alt name"},
      {algorithms, algorithm.has_value(), "an algorithm"},
      {material, !key_material.empty(), "key material"},
      {kek, asked_master_key().has_value() || !aws_endpoint.empty(), "a master key"},
  };
  for (const auto& row : rows)
    if (row.is_set && (taken & row.option) == 0)
      return invalid(std::string(row.name) + " is set, which " + what + " does not take");
  if (!aws_endpoint.empty() && aws_region.empty())
    return invalid(
        "an AWS endpoint is set without mongocrypt_ctx_setopt_masterkey_aws, whose key it is for");
  return ok;
}

}  // namespace fle::mongocrypt
