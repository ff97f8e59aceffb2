#ifndef FLE_KMS_AWS_PROFILES_H_
#define FLE_KMS_AWS_PROFILES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine.h"

namespace fle::kms {

/// The two files of AWS's tools name profiles differently.
enum class ProfileFile : std::uint8_t {
  config,       ///< [default], [profile NAME]; other sections are no profiles
  credentials,  ///< [NAME]
};

/// One setting of a profile; without a name: the profile is there. Views into the text.
struct ProfileSetting {
  std::string_view profile;
  std::string_view name;
  std::string_view value;
};
struct BadLine {
  std::size_t number;  ///< From 1.
};
/// Reads a file of profiles (AWS SDKs and Tools Reference Guide, "Format of the configuration
/// file"): sections, "name = value", comments in lines of their own or behind a value and a space.
/// Indented lines are details of the setting before them, and passed over.
[[nodiscard]] Result<std::vector<ProfileSetting>, BadLine> parse_profiles(std::string_view text,
                                                                          ProfileFile file);

/// The profiles of this machine: AWS_CONFIG_FILE, else ~/.aws/config, and
/// AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials, which goes before.
class Profiles {
 public:
  /// @retval Errc::kms_no_credentials  names file and line, never what stands there
  [[nodiscard]] static Outcome<Profiles> read(const Machine& machine);

  [[nodiscard]] bool has(std::string_view profile) const noexcept;
  /// Empty where it is not set.
  [[nodiscard]] std::string_view get(std::string_view profile,
                                     std::string_view name) const noexcept;

 private:
  std::vector<WipedText> texts_;
  std::vector<ProfileSetting> settings_;  // what goes before stands behind
};

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_PROFILES_H_
