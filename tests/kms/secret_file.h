#ifndef FLE_TESTS_KMS_SECRET_FILE_H_
#define FLE_TESTS_KMS_SECRET_FILE_H_

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "fle/secret.h"

namespace fle::kms::test {

/// Reads without a stream, whose buffers would keep a copy.
inline WipedBuffer read_secret(const std::string& file) {
  WipedBuffer out;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
  EXPECT_TRUE(out.reset(size));
  EXPECT_EQ(::pread(fd, out.bytes().data(), size, 0), static_cast<ssize_t>(size));
  ::close(fd);
  return out;
}

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_SECRET_FILE_H_
