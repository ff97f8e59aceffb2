// Bytes that wait in a file come back as they were, and nobody reads or changes them there.
#include "bytes/sealed_file.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "files/folder.h"

namespace fle::test {
namespace {

constexpr std::size_t kPieceSealed = 64 * 1024 + 16 + 48;  // padding; IV and tag

struct SealedFiles : ::testing::Test {
  void SetUp() override {
    auto created = tools::SealedFile::create(folder.path() + "/beside");
    ASSERT_TRUE(created) << created.error().to_string();
    file = std::move(*created);
  }
  /// The descriptor of the one file here that has no name.
  [[nodiscard]] files::Fd unnamed() const {
    struct stat dir {};
    EXPECT_EQ(::stat(folder.path().c_str(), &dir), 0);
    for (int fd = 3; fd < 256; ++fd) {
      struct stat st {};
      if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0 &&
          st.st_dev == dir.st_dev && (st.st_mode & 0777) == 0600)
        return files::Fd(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR));
    }
    return files::Fd();
  }
  void fill(std::size_t n) {
    text.resize(n);
    for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<std::uint8_t>("SECRET "[i % 7]);
    for (Bytes rest = text; !rest.empty();) {  // in steps of many sizes
      const std::size_t some = std::min(rest.size(), rest.size() / 3 + 1);
      ASSERT_TRUE(file->write(rest.first(some)));
      rest = rest.subspan(some);
    }
    ASSERT_TRUE(file->finish());
  }
  Outcome<std::vector<std::uint8_t>> all() {
    std::vector<std::uint8_t> whole;
    for (std::uint8_t piece[10'007];;) {
      FLE_TRY(const std::size_t n, file->read(piece));
      if (n == 0) return whole;
      whole.insert(whole.end(), piece, piece + n);
    }
  }
  files::test::Folder folder;
  std::unique_ptr<tools::SealedFile> file;
  std::vector<std::uint8_t> text;
};

TEST_F(SealedFiles, GiveBackWhatWasWritten) {
  for (const std::size_t n : {0U, 1U, 65'535U, 65'536U, 65'537U, 131'072U, 1'000'000U}) {
    SetUp();
    fill(n);
    const auto read = all();
    ASSERT_TRUE(read) << read.error().to_string();
    EXPECT_TRUE(*read == text) << n;
  }
}

TEST_F(SealedFiles, HaveNoNameAndNoPlaintext) {
  fill(200'000);
  const files::Fd fd = unnamed();
  ASSERT_TRUE(fd);
  std::string there(300'000, '\0');
  const ssize_t n = ::pread(fd.get(), there.data(), there.size(), 0);
  EXPECT_GT(n, 200'000);
  EXPECT_EQ(there.find("SECRET"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(SealedFiles, TellWhatIsNotAsItWas) {
  const struct {
    const char* what;
    void (*change)(int fd);
    Errc code;
  } changes[] = {
      {"a byte", [](int fd) { EXPECT_EQ(::pwrite(fd, "x", 1, 70'000), 1); }, Errc::auth_failed},
      {"pieces that changed places",
       [](int fd) {
         std::vector<std::uint8_t> pieces(2 * kPieceSealed);
         EXPECT_EQ(::pread(fd, pieces.data(), pieces.size(), 0), ssize_t{2 * kPieceSealed});
         std::rotate(pieces.begin(), pieces.begin() + kPieceSealed, pieces.end());
         EXPECT_EQ(::pwrite(fd, pieces.data(), pieces.size(), 0), ssize_t{2 * kPieceSealed});
       },
       Errc::auth_failed},
      {"an end", [](int fd) { EXPECT_EQ(::ftruncate(fd, 140'000), 0); }, Errc::io_failed}};
  for (const auto& change : changes) {
    SetUp();
    fill(200'000);
    change.change(unnamed().get());
    const auto read = all();
    ASSERT_FALSE(read) << change.what;
    EXPECT_EQ(read.error().code, change.code) << change.what;
    std::uint8_t byte = 0;
    EXPECT_FALSE(file->read({&byte, 1})) << change.what << ", asked once more";
  }
}

TEST(SealedFile, IsNotMadeWhereThereIsNoFolder) {
  const files::test::Folder folder;
  const auto created = tools::SealedFile::create(folder.path() + "/none/beside");
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Errc::io_failed);
}

}  // namespace
}  // namespace fle::test
