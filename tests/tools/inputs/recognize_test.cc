// What a stream is told to be by its first bytes.
#include <gtest/gtest.h>

#include "builders.h"

namespace fle::test {
namespace {

using namespace std::string_literals;
using tools::Format;
using tools::Kind;

TEST(Recognize, BsonIsCutIntoDocumentsWhereverReadsEnd) {
  const std::string one = bson_text(R"({"ssn": 5})");
  const std::string none = bson_text("{}");
  for (const std::size_t step : {1UL, 3UL, 1UL << 16}) {
    const Cut got = cut(none + one + none, Format::automatic, step);
    EXPECT_EQ(got.failure, "");
    EXPECT_EQ(got.form.kind, Kind::bson);
    EXPECT_EQ(got.documents, (std::vector{none, one, none}));
    EXPECT_EQ(cut("", Format::automatic, step).failure, "");
  }
  const std::string stream = one + one;
  for (std::size_t n = 1; n < stream.size(); ++n) {
    if (n == one.size()) continue;
    const Cut got = cut(stream.substr(0, n), Format::automatic, 2);
    const std::string number = n < one.size() ? "1" : "2";
    EXPECT_EQ(got.failure,
              "document " + number + ": truncated_stream: the stream ends inside a document")
        << n;
  }
}

/// ASCII as UTF-16 without a mark.
std::string wide(const std::string& text, bool big_endian) {
  std::string all;
  for (const char c : text) all += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return all;
}

TEST(Recognize, WhatIsReadByNobodyIsNamed) {
  const std::string utf16 = wide("{\"ssn\": 5}\n", false);
  const struct {
    std::string stream;
    const char* what;
  } cases[] = {
      {"\x28\xb5\x2f\xfdxxxxxx", "malformed_bson: the input is compressed by zstd: unpack it"},
      {"\xfd\x37zXZ\0\0\0"s, "the input is compressed by xz"},
      {"BZh91AY&SY", "the input is compressed by bzip2"},
      {"PK\x03\x04\x14\0\0\0"s, "the input is a ZIP archive"},
      {"SQLite format 3\0"s, "the input is an SQLite file"},
      {utf16, "the input is UTF-16: convert it to UTF-8 first"},
      {"\xff\xfe" + utf16, "the input is UTF-16"},
      {wide("[{\"ssn\": 5}]", false), "UTF-16: convert it to UTF-8 first (iconv -f UTF-16LE"},
      {wide("{\n\t\"ssn\": 5}", false), "UTF-16: convert it to UTF-8 first (iconv -f UTF-16LE"},
      {wide("\r\n{}", true), "UTF-16: convert it to UTF-8 first (iconv -f UTF-16BE"},
      {"name,ssn\nAnn,5\n", "begins neither as BSON nor as JSON"},
      {"\"text\"\n", "begins neither as BSON nor as JSON"},
  };
  for (const auto& c : cases) {
    const Cut got = cut(c.stream);
    EXPECT_EQ(got.failure.find("document 1: "), 0U) << got.failure;
    EXPECT_NE(got.failure.find(c.what), std::string::npos) << c.what << ": " << got.failure;
  }
}

TEST(Recognize, AFormatTakesNothingElse) {
  const std::string bson = bson_text(R"({"ssn": 5})");
  const std::string archive = ArchiveBuilder().bytes();
  const struct {
    std::string stream;
    Format format;
    const char* what;
  } cases[] = {
      {bson, Format::json, "json_invalid: the input is BSON, not JSON: leave out --format json"},
      {bson_text("{}"), Format::json, "the input is BSON, not JSON"},
      {archive, Format::json, "json_invalid: the input is a mongodump archive: leave out --format"},
      {archive, Format::bson, "malformed_bson: the input is a mongodump archive: leave out"},
      {"{\"ssn\":5}\n", Format::bson, "the input looks like JSON: leave out --format bson"},
      {"\n [ {} ]", Format::bson, "the input looks like JSON: leave out --format bson"},
      {"\xef\xbb\xbf{}", Format::bson, "the input looks like JSON: leave out --format bson"},
  };
  for (const auto& c : cases) {
    const Cut got = cut(c.stream, c.format);
    EXPECT_NE(got.failure.find(c.what), std::string::npos) << c.what << ": " << got.failure;
  }
}

TEST(Recognize, AByteOrderMarkAloneIsNoDocument) {
  for (const Format format : {Format::automatic, Format::json}) {
    EXPECT_EQ(cut("\xef\xbb\xbf", format).failure, "");
    EXPECT_EQ(cut("\xef\xbb\xbf", format).documents.size(), 0U);
  }
  EXPECT_NE(cut("\xef\xbb\xbf", Format::bson).failure, "");
}

// A length whose bytes are two characters of UTF-16, and a first field that is a date.
TEST(Recognize, Utf16IsToldFromADocumentOfThatLength) {
  constexpr std::size_t kSize = 0x0a007b;
  const std::string shell = bson_text(R"({"t": {"$date": {"$numberLong": "5"}}, "x": ""})");
  const std::string document =
      bson_text("{\"t\": {\"$date\": {\"$numberLong\": \"5\"}}, \"x\": \"" +
                std::string(kSize - shell.size(), 'x') + "\"}");
  ASSERT_EQ(document.substr(0, 5), "{\0\n\0\x09"s);
  for (const Format format : {Format::automatic, Format::bson})
    EXPECT_EQ(cut(document, format).documents, std::vector{document});
}

// The header of gzip without a name, read as the length of a document, is one that documents have.
TEST(Recognize, GzipIsToldFromADocumentOfThatLength) {
  constexpr std::size_t kSize = 0x088b1f;
  const std::string shell = bson_text(R"({"x": ""})");
  const std::string document =
      bson_text("{\"x\": \"" + std::string(kSize - shell.size(), 'x') + "\"}");
  ASSERT_EQ(document.substr(0, 4), "\x1f\x8b\x08\x00"s);
  for (const Format format : {Format::automatic, Format::bson}) {
    EXPECT_EQ(cut(document, format).failure, "");
    EXPECT_EQ(cut(document, format).documents, std::vector{document});
  }
  // As long as that, and no document.
  std::string broken = document;
  broken.back() = 'x';
  EXPECT_NE(cut(broken, Format::bson).failure.find("compressed by gzip"), std::string::npos);
  for (unsigned type = 0; type < 256; ++type) {
    std::string gzip = "\x1f\x8b\x08\0"s;
    for (const unsigned byte : {type, 0x5fU, 0x69U, 0x64U, 0U, 3U}) gzip += static_cast<char>(byte);
    const Cut got = cut(gzip + std::string(100, 'x'));
    EXPECT_NE(got.failure.find("gzip"), std::string::npos) << type << ": " << got.failure;
  }
}

}  // namespace
}  // namespace fle::test
