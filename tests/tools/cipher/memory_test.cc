// A long stream must not take more memory than a short one, whatever its documents look like.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "support/sanitizer.h"
#include "tools/process.h"

namespace fle::test {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr long kPromisedMiB = 64;

// FLE_STREAM_MIB=1024 repeats the measurement at the size that the documents promise.
std::uint64_t stream_bytes() {
  const char* mib = std::getenv("FLE_STREAM_MIB");
  return (mib != nullptr ? std::strtoull(mib, nullptr, 10) : 96) * kMiB;
}

std::string take(bson_t& b) {
  std::string s(reinterpret_cast<const char*>(bson_get_data(&b)), b.len);
  bson_destroy(&b);
  return s;
}

std::string patient(std::size_t filler) {
  bson_t b = BSON_INITIALIZER;
  BSON_APPEND_INT32(&b, "ssn", 241014209);
  BSON_APPEND_UTF8(&b, "bloodType", "AB+");
  BSON_APPEND_UTF8(&b, "note", std::string(filler, 'n').c_str());
  return take(b);
}

std::string only_an_ssn() {
  bson_t b = BSON_INITIALIZER;
  BSON_APPEND_INT32(&b, "ssn", 1);
  return take(b);
}

constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyz";

/// 26 fields of one letter, all of them to be encrypted: 7 bytes become 94.
std::string letters() {
  bson_t b = BSON_INITIALIZER;
  for (const char* c = kLetters; *c != 0; ++c) bson_append_int32(&b, c, 1, 1);
  return take(b);
}
std::string letters_as_json() {
  std::string s;
  for (const char* c = kLetters; *c != 0; ++c)
    s += std::string(s.empty() ? "{\"" : ",\"") + *c + "\":1";
  return s + "}\n";
}

struct Shape {
  const char* name;
  std::string (*document)();
  const char* format;
  int most_mib;  // JSON is slow; its memory shows early
  const char* threads = nullptr;
};

class Memory : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
  }
};

/// The schema of the clinic, which also encrypts every field of one letter.
void encrypt_letters_too(const TempFolder& folder) {
  std::string schema = folder.read("schema.json");
  const std::string before = "\"properties\"";
  schema.insert(schema.find(before),
                R"("patternProperties": {"^[a-z]$": {"encrypt": {"bsonType": "int"}}}, )");
  folder.write("schema.json", schema);
}

// `block` again and again.
void feed(int fd, const std::string& block, std::uint64_t blocks) {
  for (std::uint64_t i = 0; i < blocks; ++i) {
    if (!write_to(fd, block)) return;
  }
}

TEST_P(Memory, OfAStreamStaysBelow64MiB) {
  const Shape& shape = GetParam();
  const TempFolder folder;
  std::vector<std::string> args{"encrypt", "--schema", "schema.json", "--format", shape.format};
  if (shape.threads != nullptr) args.insert(args.end(), {"--threads", shape.threads});
  const auto keys = set_up_clinic(folder);
  args.insert(args.end(), keys.begin(), keys.end());
  encrypt_letters_too(folder);
  const std::string document = shape.document();
  std::string block;
  while (block.size() < kMiB) block += document;
  const std::uint64_t bytes =
      std::min(stream_bytes(), static_cast<std::uint64_t>(shape.most_mib) * kMiB);
  const std::uint64_t blocks = bytes / block.size() + 1;
  std::uint64_t n_out = 0;
  const Ended e = run_fle(folder.path(), args,
                          {[&](int fd, pid_t) { feed(fd, block, blocks); },
                           [&n_out](const char*, std::size_t n) {
                             n_out += n;
                             return true;
                           }});
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_GT(n_out, blocks * block.size()) << "all of it went through";
  EXPECT_LT(e.max_rss_kib / 1024, kPromisedMiB);
}

constexpr int kAny = 1 << 20;
INSTANTIATE_TEST_SUITE_P(
    Streams, Memory,
    ::testing::Values(Shape{"OfPatients", [] { return patient(10); }, "bson", kAny},
                      Shape{"OfTinyDocuments", only_an_ssn, "bson", kAny},
                      Shape{"OfDenseDocuments", letters, "bson", kAny},
                      Shape{"OfDenseJson", letters_as_json, "json", 12},
                      Shape{"OfMegabytes", [] { return patient(2 * kMiB); }, "bson", kAny},
                      Shape{"OfHugeDocuments", [] { return patient(16 * kMiB - 1024); }, "bson",
                            kAny},
                      Shape{"OfSmallAndHugeDocuments",
                            [] {
                              std::string s;
                              for (int i = 0; i < 5000; ++i) s += patient(100);
                              return s + patient(9 * kMiB);
                            },
                            "bson", kAny},
                      Shape{"OfDenseDocumentsOn64Threads", letters, "bson", 24, "64"},
                      Shape{"OfDenseJsonOn64Threads", letters_as_json, "json", 6, "64"},
                      Shape{"OfHugeDocumentsOn16Threads", [] { return patient(16 * kMiB - 1024); },
                            "bson", kAny, "16"}),
    [](const auto& shape) { return std::string(shape.param.name); });

/// A document with one value of nearly 16 MiB, the largest that MongoDB stores, and one with as
/// many small ones as may be encrypted in a document.
struct Large : ::testing::Test {
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
    encrypt_letters_too(folder);
    std::string schema = folder.read("schema.json");
    const std::string letter = "^[a-z]$";
    schema.replace(schema.find(letter), letter.size(), "^f[0-9]*$");
    folder.write("schema.json", schema);
  }
  /// Twice: what the first one has taken is to be free for the second.
  void write(const std::string& name, bson_t& b) const {
    const std::string document = take(b);
    folder.write(name, document + document);
  }
  /// forged.bson is that file with a value in it that does not open.
  void forge(const std::string& name) const {
    const std::filesystem::path forged = folder.path() / "forged.bson";
    std::filesystem::copy_file(folder.path() / name, forged);
    std::fstream file(forged, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(std::filesystem::file_size(forged) / 4);
    const int byte = file.seekg(at).get();
    file.seekp(at).put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(file.flush());
  }
  void expect_small(std::vector<std::string> args, const std::string& in, const std::string& out,
                    int status = 0) {
    args.insert(args.end(), {"--in", in, "--out", out, "--quiet"});
    args.insert(args.end(), keys.begin(), keys.end());
    const Ended e = run_fle(folder.path(), args);
    EXPECT_EQ(e.status, status) << e.err;
    EXPECT_LT(e.max_rss_kib / 1024, kPromisedMiB)
        << args.front() << " of " << in << " into " << out;
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

TEST_F(Large, DocumentsOfOneValueStayBelow64MiBOnEachWay) {
  bson_t b = BSON_INITIALIZER;
  BSON_APPEND_UTF8(&b, "bloodType", std::string(16 * kMiB - 1024, 'n').c_str());
  write("plain.bson", b);
  const std::vector<std::string> encrypt{"encrypt", "--schema", "schema.json"};
  std::vector<std::string> to_json = encrypt;
  to_json.insert(to_json.end(), {"--to", "json"});
  expect_small(encrypt, "plain.bson", "sealed.bson");
  expect_small(to_json, "plain.bson", "sealed.json");
  expect_small({"decrypt", "--verify"}, "sealed.bson", "back.bson");
  expect_small({"decrypt", "--to", "pretty"}, "sealed.bson", "plain.json");
  expect_small({"decrypt", "--to", "bson"}, "sealed.json", "back.json.bson");
  expect_small(encrypt, "plain.json", "/dev/null");
  for (const char* sealed : {"sealed.bson", "sealed.json"})
    expect_small({"reencrypt", "--schema", "schema.json", "--verify"}, sealed, "/dev/null");
  EXPECT_TRUE(folder.read("back.bson") == folder.read("plain.bson"));
  EXPECT_TRUE(folder.read("back.json.bson") == folder.read("plain.bson"));
  const Ended infer = run_fle(folder.path(), {"schema", "infer", "bloodType", "--key", "/name",
                                              "--in", "plain.json", "--quiet"});
  EXPECT_LT(infer.max_rss_kib / 1024, kPromisedMiB) << infer.err;
  // To find all faults of a document it is opened again.
  forge("sealed.bson");
  expect_small({"decrypt", "--on-error", "skip"}, "forged.bson", "rest.bson", 1);
  EXPECT_EQ(folder.read("rest.bson").size(), folder.read("plain.bson").size() / 2);
  expect_small({"reencrypt", "--schema", "schema.json", "--verify", "--on-error", "skip"},
               "forged.bson", "rest.bson", 1);
}

TEST_F(Large, DocumentsOfManyValuesStayBelow64MiB) {
  constexpr int kFields = 160'000;
  bson_t b = BSON_INITIALIZER;
  for (int i = 0; i < kFields; ++i) bson_append_int32(&b, ("f" + std::to_string(i)).c_str(), -1, i);
  write("plain.bson", b);
  expect_small({"encrypt", "--schema", "schema.json", "--verify"}, "plain.bson", "sealed.bson");
  expect_small({"decrypt", "--verify"}, "sealed.bson", "back.bson");
  EXPECT_TRUE(folder.read("back.bson") == folder.read("plain.bson"));
  std::string schema = folder.read("schema.json");
  const std::string random = "Random";
  schema.replace(schema.find(random), random.size(), "Deterministic");
  folder.write("next.json", schema);
  expect_small({"reencrypt", "--schema", "next.json", "--verify"}, "sealed.bson", "/dev/null");
  forge("sealed.bson");
  for (const char* next : {"next.json", "schema.json"})  // all is sealed anew, or kept
    expect_small({"reencrypt", "--schema", next, "--verify", "--on-error", "skip"}, "forged.bson",
                 "rest.bson", 1);
}

// The text of a document may be six times as long as it.
TEST_F(Large, TextsOfAnyLengthStayBelow64MiB) {
  struct Text {
    const char* head;
    const char* piece;
    int n;
    const char* tail;
    bool fits = true;
  };
  const Text texts[] = {
      {R"({"bloodType": ")", "\\u0001", 15 * kMiB, "\"}\n"},
      {R"({"a": [)", "\n\t\t{\n\t\t\t\"$numberDouble\": \"0.5\"\n\t\t},", 500'000, "\n5]}\n"},
      {R"({"a": )", "    ", 10 * kMiB, "5}\n"},
      {R"({"bloodType": ")", "xxxxxxxxxx", 7 * kMiB, "\"}\n", false}};
  for (const Text& t : texts) {
    // Written piece by piece: what a child starts with counts as its own.
    std::ofstream in(folder.path() / "in.json", std::ios::binary);
    in << t.head;
    for (int i = 0; i < t.n; ++i) in << t.piece;
    in << t.tail << "{\"bloodType\": \"A+\"}\n";
    in.close();
    const int status = t.fits ? 0 : 1;
    for (const std::vector<std::string>& fate :
         {std::vector<std::string>{"quarantine", "bad.json"}, std::vector<std::string>{"skip"}}) {
      std::vector<std::string> encrypt{"encrypt", "--schema", "schema.json", "--on-error"};
      encrypt.insert(encrypt.end(), fate.begin(), fate.end());
      expect_small(encrypt, "in.json", "sealed.json", status);
    }
    std::filesystem::remove(folder.path() / "bad.json");
    // What cannot be read again waits in a file.
    const auto feed_file = [this](int fd, pid_t) {
      std::ifstream from(folder.path() / "in.json", std::ios::binary);
      std::string piece(kMiB, '\0');
      while (from.read(piece.data(), static_cast<std::streamsize>(piece.size())), from.gcount() > 0)
        if (!write_to(fd, piece.substr(0, static_cast<std::size_t>(from.gcount())))) return;
    };
    std::vector<std::string> of_pipe{"encrypt",    "--schema",    "schema.json",
                                     "--out",      "sealed.json", "--quiet",
                                     "--on-error", "quarantine",  "bad.json"};
    of_pipe.insert(of_pipe.end(), keys.begin(), keys.end());
    const Ended piped =
        run_fle(folder.path(), of_pipe, {feed_file, [](const char*, std::size_t) { return true; }});
    EXPECT_EQ(piped.status, status) << piped.err;
    EXPECT_LT(piped.max_rss_kib / 1024, kPromisedMiB) << "through a pipe, of " << t.head;
    EXPECT_EQ(folder.has("bad.json"), !t.fits);
    std::filesystem::remove(folder.path() / "bad.json");
    const Ended report = run_fle(folder.path(), {"report", "--in", "in.json", "--quiet"});
    EXPECT_EQ(report.status, status) << report.err;
    EXPECT_LT(report.max_rss_kib / 1024, kPromisedMiB) << "report of " << t.head;
    expect_small({"decrypt", "--to", "bson"}, "sealed.json", "back.bson");
    EXPECT_EQ(folder.read("back.bson").ends_with(std::string_view("A+\0\0", 4)), true);
  }
}

// Room that a text might need is wiped like all other, and so takes memory and time where it is
// much.
TEST_F(Large, ATextOfTwoMegabytesTakesNotTheRoomOfTheLargest) {
  const std::string head = R"({"_id": 1, "note": ")";
  const auto run = [&](int texts) {
    std::ofstream in(folder.path() / "in.json", std::ios::binary);
    for (int i = 0; i < texts; ++i)
      in << head << std::string(texts == 1 ? 1 : 2 * kMiB, 'n') << "\"}\n";
    in.close();
    std::vector<std::string> args{"encrypt", "--schema",  "schema.json",
                                  "--quiet", "--threads", "1"};
    args.insert(args.end(), {"--in", "in.json"});
    args.insert(args.end(), keys.begin(), keys.end());
    const Ended e = run_fle(folder.path(), args);
    EXPECT_EQ(e.status, 0) << e.err;
    return e.max_rss_kib / 1024;
  };
  const auto small = run(1);
  ASSERT_LT(small, 20) << "a child that starts with more shows nothing";
  EXPECT_LT(run(20) - small, 12);
}

TEST(MemoryOfCounting, StaysBelow64MiBForAnyNumberOfPaths) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
  constexpr int kDocuments = 200;
  constexpr int kFields = 1000;
  const TempFolder folder;
  std::string input;
  std::array<std::uint8_t, 82> payload{1};
  payload[17] = 0x10;  // int
  for (int i = 0; i < kDocuments; ++i) {
    bson_t b = BSON_INITIALIZER;
    for (int k = 0; k < kFields; ++k) {
      const std::string name = "name" + std::to_string(i * kFields + k) + "x";
      payload[1] = static_cast<std::uint8_t>(k % 32);
      payload[80] = static_cast<std::uint8_t>(k);
      bson_append_binary(&b, name.c_str(), -1, BSON_SUBTYPE_ENCRYPTED, payload.data(),
                         payload.size());
    }
    input += take(b);
  }
  folder.write("in.bson", input);
  for (const char* command : {"inspect", "report"}) {
    const Ended e = run_fle(folder.path(), {command, "--in", "in.bson", "--quiet", "--json"});
    EXPECT_EQ(e.status, 0) << e.err;
    EXPECT_NE(e.out.find("\"*\""), std::string::npos) << "names have become one";
    EXPECT_LT(e.max_rss_kib / 1024, kPromisedMiB) << command;
  }
}

std::string under_many_keys(std::uint32_t n) {
  std::string all;
  std::array<std::uint8_t, 82> payload{1};
  payload[17] = 0x10;  // int
  for (std::uint32_t i = 0; i < n; ++i) {
    std::memcpy(payload.data() + 1, &i, sizeof i);
    bson_t b = BSON_INITIALIZER;
    bson_append_binary(&b, "ssn", -1, BSON_SUBTYPE_ENCRYPTED, payload.data(), payload.size());
    all += take(b);
  }
  return all;
}

TEST(MemoryOfCounting, StaysBelow64MiBForAnyNumberOfKeys) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep shadow memory";
  constexpr std::uint32_t kCounted = 51'200;
  constexpr std::uint32_t kTooMany = 150'000;
  const TempFolder folder;
  folder.write("counted", under_many_keys(kCounted));
  folder.write("too_many", under_many_keys(kTooMany));
  using Args = std::vector<std::string>;
  for (const Args& form : {Args{"report"}, Args{"report", "--html", "r.html"}, Args{"inspect"},
                           Args{"inspect", "--json"}}) {
    Args args = form;
    args.insert(args.end(), {"--in", "too_many", "--quiet"});
    const Ended e = run_fle(folder.path(), args);
    EXPECT_EQ(e.status, 0) << e.err;
    EXPECT_LT(e.max_rss_kib / 1024, kPromisedMiB) << form.back();
  }
  for (const auto& [in, keys] : {std::pair("counted", kCounted), std::pair("too_many", kTooMany)}) {
    const Ended e = run_fle(folder.path(), {"report", "--json", "--in", in, "--threads", "2"});
    EXPECT_EQ(e.status, 0) << e.err;
    EXPECT_LT(e.max_rss_kib / 1024, kPromisedMiB) << in;
    // Each has one value: those that are not told are counted as such.
    const std::string uncounted = "\"uncountedKeys\": ";
    const std::size_t at = e.out.find(uncounted);
    ASSERT_NE(at, std::string::npos);
    const std::uint64_t untold = std::strtoull(e.out.c_str() + at + uncounted.size(), nullptr, 10);
    std::uint64_t told = 0;
    for (std::size_t k = e.out.find("\n  \"keys\""); k != std::string::npos; ++told)
      k = e.out.find("\"keyId\"", k + 1);
    EXPECT_EQ(told - 1 + untold, keys);
    EXPECT_EQ(untold == 0, keys == kCounted) << "whichever thread met a key first";
    bson_error_t error;
    bson_t* whole = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(e.out.data()),
                                       static_cast<ssize_t>(e.out.size()), &error);
    EXPECT_NE(whole, nullptr) << error.message;
    if (whole != nullptr) bson_destroy(whole);
  }
}

}  // namespace
}  // namespace fle::test
