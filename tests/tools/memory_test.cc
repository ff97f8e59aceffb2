// A long stream must not take more memory than a short one.
#include <cstdlib>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "process.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

// FLE_STREAM_MIB=1024 repeats the measurement at the size that the documents promise.
std::uint64_t stream_bytes() {
  const char* mib = std::getenv("FLE_STREAM_MIB");
  return (mib != nullptr ? std::strtoull(mib, nullptr, 10) : 192) * kMiB;
}

std::string patient(std::size_t filler) {
  bson_t b = BSON_INITIALIZER;
  BSON_APPEND_INT32(&b, "ssn", 241014209);
  BSON_APPEND_UTF8(&b, "bloodType", "AB+");
  BSON_APPEND_UTF8(&b, "note", std::string(filler, 'n').c_str());
  std::string s(reinterpret_cast<const char*>(bson_get_data(&b)), b.len);
  bson_destroy(&b);
  return s;
}

/// Peak memory in MiB of encrypting a stream of such documents.
long peak_mib(const std::string& document) {
  const TempFolder folder;
  std::vector<std::string> args{"encrypt", "--schema", "schema.json"};
  const auto keys = set_up_clinic(folder);
  args.insert(args.end(), keys.begin(), keys.end());
  std::string block;
  std::uint64_t in_block = 0;
  while (block.size() < kMiB) {
    block += document;
    ++in_block;
  }
  const std::uint64_t blocks = stream_bytes() / block.size() + 1;
  std::uint64_t n_out = 0;
  const Ended e = stream_fle(
      folder.path(), args,
      [&](int fd) {
        for (std::uint64_t i = 0; i < blocks; ++i) {
          for (std::size_t at = 0; at < block.size();) {
            const ssize_t n = ::write(fd, block.data() + at, block.size() - at);
            if (n <= 0) return;
            at += static_cast<std::size_t>(n);
          }
        }
      },
      n_out);
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_GT(n_out, blocks * block.size());
  return e.max_rss_kib / 1024;
}

TEST(Memory, OfAStreamOfSmallDocumentsStaysBelow64MiB) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
  EXPECT_LT(peak_mib(patient(10)), 64);
}

TEST(Memory, OfAStreamOfLargeDocumentsStaysBelow64MiB) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
  EXPECT_LT(peak_mib(patient(2 * kMiB)), 64);
}

}  // namespace
}  // namespace fle::test
