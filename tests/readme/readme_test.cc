#include <algorithm>
#include <array>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "fle/payload.h"
#include "readme_example.inc"  // the C++ block of README.md

namespace {

// {"ssn": NumberInt(123456789)}
constexpr std::array<std::uint8_t, 14> kPatient{0x0e, 0, 0,    0,    0x10, 's',  's',
                                                'n',  0, 0x15, 0xcd, 0x5b, 0x07, 0};

TEST(Readme, CppLinesEncryptTheField) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("libfle-readme-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  const std::array<std::uint8_t, 96> master_key{1, 2, 3};
  const auto sealed = encrypt(kPatient, master_key);
  std::filesystem::current_path(before);
  std::filesystem::remove_all(folder);

  ASSERT_TRUE(sealed) << sealed.error().to_string();
  // One 4-byte value became a binary: length, subtype, and a payload with one cipher block.
  ASSERT_EQ(sealed->size(), kPatient.size() - 4 + 5 + fle::payload_len(4));
  EXPECT_EQ((*sealed)[4], 0x05);
  EXPECT_EQ((*sealed)[13], 0x06);
  EXPECT_EQ((*sealed)[14], static_cast<std::uint8_t>(fle::Algorithm::deterministic));
  const fle::Bytes secret = fle::Bytes(kPatient).subspan(9, 4);
  EXPECT_EQ(std::search(sealed->begin(), sealed->end(), secret.begin(), secret.end()),
            sealed->end());
}

}  // namespace
