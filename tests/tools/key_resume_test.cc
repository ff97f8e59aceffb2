// fle key rewrap: a run that was killed loses no key, and another one goes on.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "process.h"

namespace fle::test {
namespace {

constexpr int kKeys = 50;
constexpr int kBatch = 10;

struct KeyResume : ::testing::Test {
  using Args = std::vector<std::string>;

  /// A vault with many keys under one master key, and a document with fields under three of them.
  KeyResume() {
    for (const char* name : {"one", "two"})
      EXPECT_EQ(run_fle(folder.path(), {"keygen", "--out", name}).status, 0);
    const std::string two = R"("local:two": {"key": ")" + base64_of(folder.read("two")) + "\"}}";
    folder.write("two.json", "{" + two);
    folder.write("both.json",
                 R"({"local": {"key": ")" + base64_of(folder.read("one")) + "\"}, " + two);
    // Three keys are used; the others are copies, which nobody opens together.
    std::vector<std::string> made;
    for (const char* vault : {"a", "b", "c"}) {
      EXPECT_EQ(key({"create", "--vault", vault, "--local-key", "one"}).status, 0);
      made.push_back(key({"export", "--vault", vault}).out);
    }
    std::string keys;
    for (int i = 0; i < kKeys; ++i) keys += with_id(made[i == 0 ? 0 : i == kKeys - 1 ? 2 : 1], i);
    EXPECT_EQ(key({"import", "--vault", "start"}, keys).status, 0);
    std::string properties;
    for (const int i : {0, kKeys / 2, kKeys - 1})
      properties += (properties.empty() ? "" : ", ") + ("\"f" + std::to_string(i)) +
                    R"(": {"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", )"
                    R"("keyId": [{"$uuid": "00000000-0000-4000-8000-0000000000)" +
                    std::to_string(10 + i) + "\"}]}}";
    folder.write("schema", R"({"bsonType": "object", "properties": {)" + properties + "}}");
    sealed = run_fle(folder.path(),
                     {"encrypt", "--schema", "schema", "--vault", "start", "--kms", "both.json",
                      "--format", "json"},
                     R"({"f0": "a", "f25": "b", "f49": "c"})")
                 .out;
  }
  Ended key(Args args, const std::string& input = {}) const {
    args.insert(args.begin(), "key");
    return run_fle(folder.path(), args, input);
  }
  /// The key with another id, whose last two digits are `i` and 10.
  static std::string with_id(const std::string& made, int i) {
    bson_t from;
    EXPECT_TRUE(
        bson_init_static(&from, reinterpret_cast<const std::uint8_t*>(made.data()), made.size()));
    std::uint8_t id[16] = {};
    id[6] = 0x40;
    id[8] = 0x80;
    id[15] = static_cast<std::uint8_t>((10 + i) / 10 * 16 + (10 + i) % 10);
    bson_t to = BSON_INITIALIZER;
    BSON_APPEND_BINARY(&to, "_id", BSON_SUBTYPE_UUID, id, sizeof id);
    bson_copy_to_excluding_noinit(&from, &to, "_id", nullptr);
    const std::string s(reinterpret_cast<const char*>(bson_get_data(&to)), to.len);
    bson_destroy(&to);
    return s;
  }
  /// @param kill_at  the number of the call, 0: none
  Ended rewrap(long kill_at = 0, const char* how = "before", const char* log = nullptr) const {
    Ends ends{[](int, pid_t) {}, [](const char*, std::size_t) { return true; }, {}};
    ends.prepare = [&] {
      ::setenv("LD_PRELOAD", FLE_KILL_AT_CALL, 1);
      ::setenv("FLE_KILL_AT", std::to_string(kill_at).c_str(), 1);
      ::setenv("FLE_KILL_HOW", how, 1);
      if (log != nullptr) ::setenv("FLE_CALL_LOG", (folder.path() / log).c_str(), 1);
    };
    return run_fle(folder.path(),
                   {"key", "rewrap", "--vault", "v", "--kms", "both.json", "--provider",
                    "local:two", "--all", "--resume", "--batch", std::to_string(kBatch)},
                   ends);
  }
  void restore() const {
    std::filesystem::remove(folder.path() / "v-journal");
    std::filesystem::copy_file(folder.path() / "start", folder.path() / "v",
                               std::filesystem::copy_options::overwrite_existing);
  }
  /// Keys that are under `provider`.
  long keys_under(const std::string& provider) const {
    const Ended list = key({"list", "--vault", "v", "--field", "provider"});
    EXPECT_EQ(list.status, 0) << list.err;
    std::istringstream lines(list.out);
    long n = 0;
    for (std::string line; std::getline(lines, line);) n += line == provider ? 1 : 0;
    return n;
  }

  TempFolder folder;
  std::string sealed;
};

TEST_F(KeyResume, LosesNoKeyAndDoesNothingTwiceWhereverItIsKilled) {
  ASSERT_FALSE(sealed.empty());
  restore();
  const Ended whole = rewrap(0, "before", "calls");
  ASSERT_EQ(whole.status, 0) << whole.err;
  // What a run has done is told by its calls: a transaction ends when its journal goes.
  struct Moment {
    long call;
    const char* how;
    long stored;  // keys
  };
  std::vector<Moment> moments;
  std::istringstream log(folder.read("calls"));
  long n_calls = 0;
  long stored = 0;
  bool torn = false;  // a page of the vault, in this transaction
  for (std::string line; std::getline(log, line);) {
    ++n_calls;
    if (line.starts_with("unlink ") && line.ends_with("/v-journal")) {
      if (stored == 0 || stored == 2 * kBatch) moments.push_back({n_calls, "before", stored});
      stored += kBatch;
      if (stored == 3 * kBatch || stored == kKeys) moments.push_back({n_calls, "after", stored});
      torn = false;
    } else if (line.starts_with("pwrite64 ") && line.ends_with("/v") && !torn) {
      if (stored == kBatch) moments.push_back({n_calls, "half", stored});
      torn = true;
    } else if (line.starts_with("pwrite64 ") && stored == 4 * kBatch && !torn) {
      moments.push_back({n_calls, "half", stored});
      torn = true;
    }
  }
  ASSERT_EQ(stored, kKeys) << folder.read("calls");
  ASSERT_EQ(moments.size(), 6U) << folder.read("calls");

  for (const Moment& m : moments) {
    SCOPED_TRACE(std::to_string(m.call) + " " + m.how);
    restore();
    ASSERT_EQ(rewrap(m.call, m.how).signal, SIGKILL);
    EXPECT_EQ(keys_under("local:two"), m.stored);
    EXPECT_EQ(keys_under("local"), kKeys - m.stored);
    const Ended opened = run_fle(
        folder.path(), {"decrypt", "--vault", "v", "--kms", "both.json", "--relaxed"}, sealed);
    EXPECT_EQ(opened.out, "{ \"f0\" : \"a\", \"f25\" : \"b\", \"f49\" : \"c\" }\n") << opened.err;
    const Ended resumed = rewrap();
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_NE(resumed.err.find(std::to_string(kKeys - m.stored) + " rewrapped, " +
                               std::to_string(m.stored) +
                               " under this master key already, 0 changed meanwhile, 0 failed"),
              std::string::npos)
        << resumed.err;
    EXPECT_EQ(keys_under("local:two"), kKeys);
    // All of them open without the old master key.
    const Ended dry = key({"rewrap", "--vault", "v", "--kms", "two.json", "--all", "--dry-run"});
    EXPECT_EQ(dry.status, 0) << dry.err;
    EXPECT_EQ(std::ranges::count(dry.out, '\n'), kKeys);
    EXPECT_EQ(run_fle(folder.path(), {"decrypt", "--vault", "v", "--kms", "two.json", "--relaxed"},
                      sealed)
                  .out,
              opened.out);
  }
}

}  // namespace
}  // namespace fle::test
