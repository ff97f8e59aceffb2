// fle key rewrap: a run that was killed loses no key, and another one goes on.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tools/process.h"

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
  /// When a run is killed: at the call `number` of that name; 0: never.
  struct Moment {
    const char* call = "unlink";
    long number = 0;
    const char* how = "before";
  };
  /// @param log  gets a line for each call.
  Ended rewrap(const Moment& moment, const char* log) const {
    Ends ends{[](int, pid_t) {}, [](const char*, std::size_t) { return true; }, {}};
    ends.prepare = [&] {
      ::setenv("LD_PRELOAD", FLE_KILL_AT_CALL, 1);
      ::setenv("FLE_KILL_OF", moment.call, 1);
      ::setenv("FLE_KILL_AT", std::to_string(moment.number).c_str(), 1);
      ::setenv("FLE_KILL_HOW", moment.how, 1);
      ::setenv("FLE_CALL_LOG", (folder.path() / log).c_str(), 1);
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
  const Ended whole = rewrap({}, "calls");
  ASSERT_EQ(whole.status, 0) << whole.err;
  // A transaction ends when its journal goes.
  const auto is_end = [](const std::string& line) {
    return line.starts_with("unlink ") && line.ends_with("/v-journal");
  };
  // Within the second one the vault is written, within the last one the journal.
  long in_vault = 0;
  long in_journal = 0;
  std::istringstream log(folder.read("calls"));
  long n_writes = 0;
  long stored = 0;
  for (std::string line; std::getline(log, line);) {
    if (is_end(line)) stored += kBatch;
    if (!line.starts_with("pwrite64 ")) continue;
    ++n_writes;
    if (in_vault == 0 && stored == kBatch && line.ends_with("/v")) in_vault = n_writes;
    if (in_journal == 0 && stored == 4 * kBatch) in_journal = n_writes;
  }
  ASSERT_EQ(stored, kKeys) << folder.read("calls");
  ASSERT_TRUE(in_vault != 0 && in_journal != 0) << folder.read("calls");

  int n = 0;
  for (const Moment& m :
       {Moment{"unlink", 1, "before"}, Moment{"unlink", 3, "before"}, Moment{"unlink", 3, "after"},
        Moment{"unlink", 5, "after"}, Moment{"pwrite64", in_vault, "half"},
        Moment{"pwrite64", in_journal, "half"}}) {
    SCOPED_TRACE(std::string(m.call) + " " + std::to_string(m.number) + " " + m.how);
    restore();
    const std::string calls = "killed" + std::to_string(n++);
    ASSERT_EQ(rewrap(m, calls.c_str()).signal, SIGKILL);
    // Threads end in any order, and with it changes which write is the n-th: what this run has
    // stored its own calls tell.
    std::istringstream killed(folder.read(calls));
    stored = 0;
    std::string last;
    for (std::string line; std::getline(killed, line); last = line)
      if (is_end(line)) stored += kBatch;
    if (is_end(last) && std::string_view(m.how) == "before") stored -= kBatch;
    EXPECT_EQ(keys_under("local:two"), stored);
    EXPECT_EQ(keys_under("local"), kKeys - stored);
    const Ended opened = run_fle(
        folder.path(), {"decrypt", "--vault", "v", "--kms", "both.json", "--relaxed"}, sealed);
    EXPECT_EQ(opened.out, "{ \"f0\" : \"a\", \"f25\" : \"b\", \"f49\" : \"c\" }\n") << opened.err;
    const Ended resumed = rewrap({}, "resumed");
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_NE(
        resumed.err.find(std::to_string(kKeys - stored) + " rewrapped, " + std::to_string(stored) +
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
