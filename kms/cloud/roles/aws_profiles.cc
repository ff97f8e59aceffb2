#include "aws_profiles.h"

#include <algorithm>
#include <utility>

#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::string_view kSpaces = " \t";

std::string_view without_spaces(std::string_view s) noexcept {
  const std::size_t first = s.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpaces) - first + 1);
}

bool is_comment(std::string_view s) noexcept { return s.starts_with('#') || s.starts_with(';'); }

/// Up to a comment, which stands behind a space.
std::string_view without_comment(std::string_view s) noexcept {
  for (std::size_t i = 1; i < s.size(); ++i)
    if (is_comment(s.substr(i)) && kSpaces.find(s[i - 1]) != std::string_view::npos)
      return without_spaces(s.substr(0, i));
  return s;
}

bool is_text(std::string_view s) noexcept {
  return std::ranges::all_of(s, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u != 0x7f;
  });
}

/// The profile that a section is; empty where it is none.
std::string_view profile_in(std::string_view section, ProfileFile file) noexcept {
  if (file == ProfileFile::credentials || section == "default") return section;
  constexpr std::string_view kPrefix = "profile";
  if (!section.starts_with(kPrefix)) return {};
  section.remove_prefix(kPrefix.size());
  if (section.empty() || kSpaces.find(section.front()) == std::string_view::npos) return {};
  section = without_spaces(section);
  if (section.size() >= 2 && section.front() == '"' && section.back() == '"')
    section = section.substr(1, section.size() - 2);
  return section;
}

}  // namespace

Result<std::vector<ProfileSetting>, BadLine> parse_profiles(std::string_view text,
                                                            ProfileFile file) {
  std::vector<ProfileSetting> out;
  bool in_section = false;
  bool in_setting = false;
  std::string_view profile;  // empty: none
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view content = without_spaces(line);
    if (content.empty() || is_comment(content)) continue;
    if (content.front() == '[') {
      const std::size_t close = content.find(']');
      if (close == std::string_view::npos) return BadLine{number};
      const std::string_view rest = without_spaces(content.substr(close + 1));
      const std::string_view section = without_spaces(content.substr(1, close - 1));
      if (section.empty() || (!rest.empty() && !is_comment(rest))) return BadLine{number};
      in_section = true;
      in_setting = false;
      profile = profile_in(section, file);
      if (!profile.empty()) out.push_back({profile, {}, {}});
      continue;
    }
    if (line.front() == ' ' || line.front() == '\t') {
      if (!in_setting) return BadLine{number};
      continue;
    }
    const std::size_t equals = content.find('=');
    if (!in_section || equals == std::string_view::npos) return BadLine{number};
    const std::string_view name = without_spaces(content.substr(0, equals));
    const std::string_view value = without_comment(without_spaces(content.substr(equals + 1)));
    if (name.empty() || !is_text(value)) return BadLine{number};
    in_setting = true;
    if (!profile.empty()) out.push_back({profile, name, is_comment(value) ? "" : value});
  }
  return out;
}

Outcome<Profiles> Profiles::read(const Machine& machine) {
  struct File {
    const char* variable;
    const char* at_home;
    ProfileFile kind;
  };
  constexpr File kFiles[] = {
      {"AWS_CONFIG_FILE", "/.aws/config", ProfileFile::config},
      {"AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", ProfileFile::credentials}};
  Profiles out;
  for (const File& f : kFiles) {
    std::string path(machine.variable(f.variable));
    const std::string_view home = machine.variable("HOME");
    if (path.empty() && home.empty()) continue;
    if (path.empty()) path = std::string(home) + f.at_home;
    if (path.starts_with("~/")) path = std::string(home) + path.substr(1);
    FLE_TRY(auto text, machine.file(f.variable, path));
    if (!text) continue;
    out.texts_.push_back(std::move(*text));
    const auto parsed = parse_profiles(out.texts_.back().view(), f.kind);
    if (!parsed)
      return machine.failure("'" + words(path, 256) + "' (" + f.variable + "), line " +
                             std::to_string(parsed.error().number) +
                             ": expected [profile] or name = value");
    out.settings_.insert(out.settings_.end(), parsed->begin(), parsed->end());
  }
  return out;
}

bool Profiles::has(std::string_view profile) const noexcept {
  return std::ranges::find(settings_, profile, &ProfileSetting::profile) != settings_.end();
}

std::string_view Profiles::get(std::string_view profile, std::string_view name) const noexcept {
  const auto found = std::find_if(settings_.rbegin(), settings_.rend(), [&](const auto& s) {
    return s.profile == profile && equal_ignoring_case(s.name, name);
  });
  return found == settings_.rend() ? std::string_view() : found->value;
}

}  // namespace fle::kms
