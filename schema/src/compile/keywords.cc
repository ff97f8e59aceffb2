#include "keywords.h"

#include <algorithm>
#include <array>

#include "fle/did_you_mean.h"

namespace fle::schema {
namespace {

// Everything the server's JSON Schema parser knows. A new keyword is a row here.
constexpr auto kKeywords = std::to_array<Keyword>({
    {"additionalItems", Role::schemas},
    {"additionalProperties", Role::structure},
    {"allOf", Role::schemas},
    {"anyOf", Role::schemas},
    {"bsonType", Role::structure},
    {"dependencies", Role::schemas},
    {"description", Role::validation},
    {"encrypt", Role::structure},
    {"encryptMetadata", Role::structure},
    {"enum", Role::validation},
    {"exclusiveMaximum", Role::validation},
    {"exclusiveMinimum", Role::validation},
    {"items", Role::schemas},
    {"maxItems", Role::validation},
    {"maxLength", Role::validation},
    {"maxProperties", Role::validation},
    {"maximum", Role::validation},
    {"minItems", Role::validation},
    {"minLength", Role::validation},
    {"minProperties", Role::validation},
    {"minimum", Role::validation},
    {"multipleOf", Role::validation},
    {"not", Role::schemas},
    {"oneOf", Role::schemas},
    {"pattern", Role::validation},
    {"patternProperties", Role::structure},
    {"properties", Role::structure},
    {"required", Role::validation},
    {"title", Role::validation},
    {"type", Role::structure},
    {"uniqueItems", Role::validation},
});

}  // namespace

const Keyword* find_keyword(std::string_view name) noexcept {
  const auto* it = std::find_if(kKeywords.begin(), kKeywords.end(),
                                [name](const Keyword& k) { return k.name == name; });
  return it == kKeywords.end() ? nullptr : it;
}

std::string keyword_suggestion(std::string_view name) {
  std::array<std::string_view, kKeywords.size()> names;
  std::transform(kKeywords.begin(), kKeywords.end(), names.begin(),
                 [](const Keyword& k) { return k.name; });
  return did_you_mean(name, names);
}

}  // namespace fle::schema
