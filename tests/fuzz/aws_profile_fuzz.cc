// Files of AWS's profiles, whatever is in them: reading ends, what it gives are pieces of the text
// on one line each, and a text that was read once is read again from what it gave.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cloud/roles/aws_profiles.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(std::string_view text, fle::kms::ProfileFile file) {
  const auto settings = fle::kms::parse_profiles(text, file);
  if (!settings) {
    require(settings.error().number >= 1 && settings.error().number <= text.size());
    return;
  }
  const auto is_inside = [&](std::string_view piece) {
    return piece.empty() || (piece.data() >= text.data() &&
                             piece.data() + piece.size() <= text.data() + text.size());
  };
  std::string again;
  for (const fle::kms::ProfileSetting& s : *settings) {
    require(!s.profile.empty());
    for (const std::string_view piece : {s.profile, s.name, s.value})
      require(is_inside(piece) && piece.find('\n') == std::string_view::npos);
    require(s.value.empty() || (s.value.front() != ' ' && s.value.back() != ' '));
    if (!s.name.empty() && file == fle::kms::ProfileFile::credentials)
      again.append("[").append(s.profile).append("]\n").append(s.name).append("=").append(
          s.value) += '\n';
  }
  const auto second = fle::kms::parse_profiles(again, file);
  require(second.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, fle::kms::ProfileFile::config);
  check(text, fle::kms::ProfileFile::credentials);
  return 0;
}
