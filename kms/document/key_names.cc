#include "key_names.h"

#include <algorithm>

#include "aws_partitions.h"

namespace fle::kms {
namespace {

// AWS KMS API Reference, KeyId: an id, an alias or an ARN of either, at most 2,048 characters.
constexpr NameRule kAws[] = {{"region", 0, {}, is_aws_region, "a region as eu-central-1"},
                             {"key", 2048, ":/_-", nullptr, "an id, an alias or an ARN of a key"}};

// Azure Key Vault REST API: ^[0-9a-zA-Z-]+$ for key names of at most 127 characters.
constexpr NameRule kAzure[] = {
    {"keyName", 127, "-", nullptr, "at most 127 letters, digits and hyphens"},
    {"keyVersion", 127, "-", nullptr, "at most 127 letters, digits and hyphens"}};

// Cloud KMS API Reference: [a-zA-Z0-9_-]{1,63} for rings and keys; Resource Manager: project ids.
constexpr NameRule kGcp[] = {
    {"projectId", 63, "-", nullptr, "letters, digits and hyphens"},
    {"location", 63, "-", nullptr, "a location as europe-west3"},
    {"keyRing", 63, "_-", nullptr, "at most 63 letters, digits, hyphens and underscores"},
    {"keyName", 63, "_-", nullptr, "at most 63 letters, digits, hyphens and underscores"},
    {"keyVersion", 20, {}, nullptr, "a number"}};

struct Rules {
  std::string_view type;
  std::span<const NameRule> names;
};
constexpr Rules kRules[] = {{"aws", kAws}, {"azure", kAzure}, {"gcp", kGcp}};

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::span<const NameRule> name_rules(std::string_view type) noexcept {
  const auto* it = std::ranges::find(kRules, type, &Rules::type);
  return it == std::end(kRules) ? std::span<const NameRule>() : it->names;
}

bool is_name_by(const NameRule& rule, std::string_view value) noexcept {
  if (rule.fits != nullptr) return rule.fits(value);
  return !value.empty() && value.size() <= rule.most && std::ranges::all_of(value, [&](char c) {
    return is_letter_or_digit(c) || rule.others.find(c) != std::string_view::npos;
  });
}

}  // namespace fle::kms
