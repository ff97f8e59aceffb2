#include "keywords.h"

#include <algorithm>
#include <array>
#include <vector>

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

// Levenshtein distance; the words are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

const Keyword* find_keyword(std::string_view name) noexcept {
  const auto* it = std::find_if(kKeywords.begin(), kKeywords.end(),
                                [name](const Keyword& k) { return k.name == name; });
  return it == kKeywords.end() ? nullptr : it;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 40;  // longer names are no typing slip
  if (name.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string_view k : known) {
    if (const std::size_t d = distance(name, k); d < least) {
      least = d;
      best = k;
    }
  }
  return best.empty() ? std::string{} : " Did you mean '" + std::string(best) + "'?";
}

std::string keyword_suggestion(std::string_view name) {
  std::array<std::string_view, kKeywords.size()> names;
  std::transform(kKeywords.begin(), kKeywords.end(), names.begin(),
                 [](const Keyword& k) { return k.name; });
  return suggestion(name, names);
}

}  // namespace fle::schema
