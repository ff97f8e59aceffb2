// --resume: a run goes on where another was killed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <regex>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

struct Resume : ::testing::Test {
  Resume() {
    std::string schema = folder.read("schema.json");
    folder.write("schema.json",
                 std::regex_replace(schema, std::regex(R"("bsonType": "string")"),
                                    R"("bsonType": "string", "algorithm": )"
                                    R"("AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic")"));
    folder.write("random.json", schema);
    std::string input;
    for (int i = 0; i < 1500; ++i) {
      const bool is_bad = i % 100 == 7;
      const std::string document = bson_text(
          is_bad
              ? "{\"_id\": " + std::to_string(i) + ", \"ssn\": \"wrong\"}"
              : "{\"_id\": " + std::to_string(i) + ", \"ssn\": " + std::to_string(1000 + i) +
                    ", \"bloodType\": \"canary\"" + (i % 3 == 0 ? ", \"extra\": null" : "") + "}");
      (is_bad ? bad : good) += document;
      input += document;
    }
    folder.write("in.bson", input);
  }

  std::vector<std::string> args(const std::string& schema, std::vector<std::string> more) const {
    std::vector<std::string> all{"encrypt",    "--schema",   schema,      "--in",
                                 "in.bson",    "--json",     "--threads", "8",
                                 "--on-error", "quarantine", "bad.bson"};
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), keys.begin(), keys.end());
    return all;
  }
  /// @param kill_at  the number of the call, 0: none
  Ended run(const std::vector<std::string>& all, long kill_at = 0, const char* how = "before",
            const char* log = nullptr) const {
    Ends ends{[](int, pid_t) {}, [](const char*, std::size_t) { return true; }, {}};
    ends.prepare = [&] {
      ::setenv("LD_PRELOAD", FLE_KILL_AT_CALL, 1);
      ::setenv("FLE_KILL_AT", std::to_string(kill_at).c_str(), 1);
      ::setenv("FLE_KILL_HOW", how, 1);
      if (log != nullptr) ::setenv("FLE_CALL_LOG", (folder.path() / log).c_str(), 1);
    };
    return run_fle(folder.path(), all, ends);
  }
  static std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    const std::size_t begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1);
  }
  void remove(const std::vector<const char*>& names) const {
    for (const char* name : names) std::filesystem::remove(folder.path() / name);
  }

  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
  std::string good;  // the documents of in.bson that can be encrypted
  std::string bad;   // and those that cannot
};

const std::vector<std::string> kResume{"--out", "out.bson", "--resume", "--checkpoint", "1"};

// Minus one was a number of 20 digits, and so no checkpoint ever came.
TEST_F(Resume, ACheckpointIsOfSomeBytes) {
  for (const char* bytes : {"-1", "0", "+5", "9E", ""}) {
    const Ended e =
        run(args("schema.json", {"--out", "out.bson", "--resume", "--checkpoint", bytes}));
    EXPECT_EQ(e.status, 2) << bytes;
    EXPECT_NE(e.err.find("--checkpoint"), std::string::npos) << e.err;
  }
  EXPECT_FALSE(folder.has("out.bson.journal"));
}

// FLE_RESUME_KILLS=N tries N moments.
TEST_F(Resume, GoesOnAfterAKillAtAnyMomentAndLosesOrDoublesNothing) {
  const Ended whole = run(args("schema.json", {"--out", "out.bson"}));
  ASSERT_EQ(whole.status, 1) << whole.err;
  const std::string expected = folder.read("out.bson");
  const std::string expected_bad = folder.read("bad.bson");
  const std::string summary = last_line(whole.err);
  ASSERT_NE(summary.find("\"documents\": 1500, \"quarantined\": 15,"), std::string::npos)
      << summary;
  remove({"out.bson", "bad.bson"});
  const auto files = folder.names().size();

  const Ended counted = run(args("schema.json", kResume), 0, "before", "calls");
  ASSERT_EQ(counted.status, 1) << counted.err;
  EXPECT_EQ(folder.read("out.bson"), expected) << "with a journal or without one";
  EXPECT_EQ(last_line(counted.err), summary);
  std::istringstream log(folder.read("calls"));
  long n_calls = 0;
  for (std::string line; std::getline(log, line);) ++n_calls;
  ASSERT_GT(n_calls, 40);
  remove({"out.bson", "bad.bson", "calls"});
  ASSERT_EQ(folder.names().size(), files) << "neither journal nor partial files are left";

  std::mt19937 random(20261129);
  const char* const hows[] = {"before", "half", "after"};
  const char* const more = std::getenv("FLE_RESUME_KILLS");
  const int n_kills = more != nullptr ? std::atoi(more) : 12;
  for (int i = 0; i < n_kills; ++i) {
    const long at = 1 + static_cast<long>(random() % static_cast<unsigned long>(n_calls));
    const char* const how = hows[random() % 3];
    SCOPED_TRACE(std::to_string(at) + " " + how);
    const Ended killed = run(args("schema.json", kResume), at, how);
    ASSERT_EQ(killed.signal, SIGKILL) << killed.err;
    for (const char* name : {"out.bson.journal", "bad.bson.partial"}) {
      struct stat st {};
      if (::stat((folder.path() / name).c_str(), &st) != 0) continue;
      EXPECT_EQ(st.st_mode & 0777, 0600U);
    }
    // Sometimes it is killed again.
    if (i % 4 == 0) run(args("schema.json", kResume), 3 + at % 17, how);
    const Ended resumed = run(args("schema.json", kResume));
    ASSERT_EQ(resumed.status, 1) << resumed.err;
    // The kill may have come when all was done but to say so.
    if (folder.read("out.bson") != expected) FAIL() << resumed.err;
    ASSERT_TRUE(folder.read("bad.bson") == expected_bad);
    if (last_line(resumed.err) != summary) {
      EXPECT_NE(resumed.err.find("'bad.bson'"), std::string::npos) << resumed.err;
    }
    remove({"out.bson", "bad.bson"});
    ASSERT_EQ(folder.names().size(), files);
  }
}

TEST_F(Resume, PutsLongTextsAsideFromWhereItGoesOn) {
  const std::string name(5 << 20, 'n');
  const std::string wrong = "{\"ssn\": \"x\", \"name\": \"" + name + "\"}\n";
  folder.write("in.bson", "{\"ssn\": 5, \"name\": \"" + name + "\"}\n" + wrong + "{}\n" + wrong);
  ASSERT_EQ(run(args("schema.json", kResume), 0, "before", "calls").status, 1);
  const std::string expected = folder.read("out.bson");
  EXPECT_TRUE(folder.read("bad.bson") == wrong + wrong);
  const std::string log = folder.read("calls");
  const long n_calls = std::count(log.begin(), log.end(), '\n');
  int killed = 0;
  for (long at = n_calls / 6; at < n_calls; at += n_calls / 6) {
    SCOPED_TRACE(at);
    remove({"out.bson", "bad.bson"});
    killed += run(args("schema.json", kResume), at, "half").signal == SIGKILL ? 1 : 0;
    ASSERT_EQ(run(args("schema.json", kResume)).status, 1);
    EXPECT_TRUE(folder.read("out.bson") == expected);
    EXPECT_TRUE(folder.read("bad.bson") == wrong + wrong);
  }
  EXPECT_GE(killed, 5);
}

TEST_F(Resume, OfRandomCiphertextDecryptsToTheSame) {
  for (const long at : {5L, 30L, 55L}) {
    ASSERT_EQ(run(args("random.json", kResume), at, "half").signal, SIGKILL);
    ASSERT_EQ(run(args("random.json", kResume)).status, 1);
    std::vector<std::string> back{"decrypt", "--in", "out.bson", "--quiet"};
    back.insert(back.end(), keys.begin(), keys.end());
    EXPECT_TRUE(run_fle(folder.path(), back).out == good);
    EXPECT_TRUE(folder.read("bad.bson") == bad);
    remove({"out.bson", "bad.bson"});
  }
}

TEST_F(Resume, WritesTheJournalOnceItsDataIsOnTheDisk) {
  ASSERT_EQ(run(args("schema.json", kResume), 0, "before", "calls").status, 1);
  std::istringstream log(folder.read("calls"));
  bool out_is_dirty = false;
  bool bad_is_dirty = false;
  int records = 0;
  for (std::string line; std::getline(log, line);) {
    const bool sync = line.starts_with("fdatasync ") || line.starts_with("fsync ");
    if (line.ends_with("/out.bson.partial")) out_is_dirty = !sync;
    if (line.ends_with("/bad.bson.partial")) bad_is_dirty = !sync;
    if (line.starts_with("pwrite ") && line.ends_with("/out.bson.journal")) {
      ++records;
      EXPECT_FALSE(out_is_dirty) << records;
      EXPECT_FALSE(bad_is_dirty) << records;
    }
  }
  EXPECT_GT(records, 5);
}

TEST_F(Resume, RefusesWhatIsNotTheSameRunAndNamesWhatIsLeft) {
  ASSERT_EQ(run(args("schema.json", kResume), 40).signal, SIGKILL);
  const Ended other = run(args("random.json", kResume));
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("cannot_resume: 'out.bson.journal': is of a run with other options"),
            std::string::npos)
      << other.err;
  const Ended anew = run(args("schema.json", {"--out", "out.bson"}));
  EXPECT_NE(anew.err.find("warning: 'out.bson.journal' is left of a run that did not end"),
            std::string::npos)
      << anew.err;
  remove({"out.bson", "bad.bson"});
  const std::string input = folder.read("in.bson");
  folder.write("in.bson", input + bson_text("{\"ssn\": 1}"));
  const Ended changed = run(args("schema.json", kResume));
  EXPECT_EQ(changed.status, 1);
  EXPECT_NE(changed.err.find("the input has changed"), std::string::npos) << changed.err;
  remove({"out.bson.journal", "out.bson.partial", "bad.bson.partial"});
  // Another content of the same size, with the time of the change set back.
  ASSERT_EQ(run(args("schema.json", kResume), 40).signal, SIGKILL);
  struct stat st {};
  ASSERT_EQ(::stat((folder.path() / "in.bson").c_str(), &st), 0);
  std::string other_content = folder.read("in.bson");
  std::swap(other_content[other_content.size() - 7], other_content[other_content.size() - 8]);
  folder.write("in.bson", other_content);
  const timespec back[] = {st.st_atim, st.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder.path() / "in.bson").c_str(), back, 0), 0);
  EXPECT_NE(run(args("schema.json", kResume)).err.find("the input has changed"), std::string::npos);
  remove({"out.bson.journal"});
  const Ended foreign = run(args("schema.json", kResume));
  EXPECT_EQ(foreign.status, 1);
  EXPECT_NE(foreign.err.find("'out.bson.partial' is there without a journal"), std::string::npos)
      << foreign.err;
  EXPECT_FALSE(folder.has("out.bson.journal"));
  remove({"out.bson.partial", "bad.bson.partial"});
  folder.write("out.bson.journal", "something else");
  EXPECT_NE(run(args("schema.json", kResume)).err.find("is no journal"), std::string::npos);
  EXPECT_EQ(folder.read("out.bson.journal"), "something else");
  remove({"out.bson.journal"});
  // A pipe cannot be read again.
  std::vector<std::string> more{"encrypt", "--schema", "schema.json", "--resume"};
  more.insert(more.end(), keys.begin(), keys.end());
  std::vector<std::string> to_nowhere = more;
  to_nowhere.insert(to_nowhere.end(), {"--in", "in.bson"});
  const Ended nowhere = run_fle(folder.path(), to_nowhere);
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_NE(nowhere.err.find("--resume needs --out FILE"), std::string::npos) << nowhere.err;
  more.insert(more.end(), {"--out", "o"});
  const Ended of_pipe = run_fle(folder.path(), more);
  EXPECT_EQ(of_pipe.status, 2);
  EXPECT_NE(of_pipe.err.find("--resume needs --in FILE"), std::string::npos) << of_pipe.err;
  EXPECT_FALSE(folder.has("o.journal"));
}

TEST_F(Resume, GoesOnAfterAFailureToo) {
  // The first run stops at a document; the second one leaves it out.
  std::vector<std::string> stop{"encrypt",      "--schema", "schema.json", "--in",
                                "in.bson",      "--out",    "out.bson",    "--resume",
                                "--checkpoint", "1",        "--threads",   "1"};
  stop.insert(stop.end(), keys.begin(), keys.end());
  const Ended stopped = run(stop);
  EXPECT_EQ(stopped.status, 1);
  EXPECT_NE(stopped.err.find("document 8: field 'ssn': type_not_allowed"), std::string::npos);
  EXPECT_NE(stopped.err.find("'out.bson.journal' keeps what was done"), std::string::npos)
      << stopped.err;
  stop.insert(stop.end(), {"--on-error", "skip"});
  const Ended skipped = run(stop);
  EXPECT_EQ(skipped.status, 1);
  EXPECT_NE(skipped.err.find("1500 documents, 15 skipped,"), std::string::npos) << skipped.err;
  EXPECT_FALSE(folder.has("out.bson.journal"));
}

TEST_F(Resume, OfLinesOfJsonKnowsWhereItIs) {
  std::string lines = "\xef\xbb\xbf";
  for (int i = 0; i < 900; ++i)
    lines += "{\"ssn\": " + std::to_string(i) + (i % 5 == 0 ? "}\n\n" : "}\n");
  lines += "{\"ssn\": 9}\n{\"ssn\": }\n{\"ssn\": 10}\n";
  folder.write("in.json", lines);
  const auto json_run = [&](std::vector<std::string> more, long kill_at = 0) {
    std::vector<std::string> all{"encrypt",   "--schema", "schema.json", "--in", "in.json",
                                 "--threads", "8",        "--on-error",  "skip"};
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), keys.begin(), keys.end());
    return run(all, kill_at, "after");
  };
  const Ended whole = json_run({"--out", "whole.json"});
  EXPECT_NE(whole.err.find("document 902: line 1082, column 9: "), std::string::npos) << whole.err;
  for (const char* to : {"json", "bson"}) {
    json_run({"--out", "whole", "--to", to});
    const std::vector<std::string> args{"--out", "o", "--to", to, "--resume", "--checkpoint", "1"};
    ASSERT_EQ(json_run(args, 15).signal, SIGKILL);
    ASSERT_TRUE(folder.has("o.journal"));
    const Ended resumed = json_run(args);
    EXPECT_EQ(resumed.err, whole.err);
    EXPECT_TRUE(folder.read("o") == folder.read("whole"));
    remove({"o", "whole"});
  }
}

TEST_F(Resume, IsOfFilesThatCanBeReadFromTheMiddle) {
  folder.write("a.json", "[{\"ssn\": 1}]");
  folder.write("p.json", "{\n  \"ssn\": 1\n}\n");
  folder.write(
      "dump.archive",
      ArchiveBuilder().announce("c", "p").block("c", "p", {bson_text("{}")}).end("c", "p").bytes());
  folder.write("in.json", "{\"ssn\": 1}\n");
  std::filesystem::create_directories(folder.path() / "dump/c");
  folder.write("dump/c/p.bson", "");
  struct Case {
    std::vector<std::string> args;
    const char* told;
    int status = 1;  // 2: no look at the input is needed
  };
  std::vector<Case> cases{{{"--in", "a.json"}, "without --jsonArray"},
                          {{"--in", "p.json"}, "without --pretty"},
                          {{"--in", "dump.archive"}, "without --archive"},
                          {{"--in", "dump"}, "take its files one by one", 2},
                          {{"--in", "in.json", "--to", "array"}, "leave out --to array", 2}};
#if FLE_WITH_ZLIB
  folder.write("in.json.gz", gzip_text("{\"ssn\": 1}\n"));
  cases.push_back({{"--in", "in.json.gz"}, "unpack it first (gunzip)"});
#endif
  for (const auto& [more, told, status] : cases) {
    for (const std::vector<std::string>& option :
         {std::vector<std::string>{"--resume"}, {"--part", "1/2"}}) {
      std::vector<std::string> all{"encrypt", "--schema", "schema.json", "--out", "o"};
      all.insert(all.end(), more.begin(), more.end());
      all.insert(all.end(), option.begin(), option.end());
      all.insert(all.end(), keys.begin(), keys.end());
      const Ended e = run_fle(folder.path(), all);
      EXPECT_EQ(e.status, status);
      EXPECT_NE(e.err.find(option.front() + ": "), std::string::npos) << e.err;
      EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
      EXPECT_FALSE(folder.has("o.journal"));
    }
  }
  std::vector<std::string> packed{"encrypt", "--schema", "schema.json", "--in",    "in.json",
                                  "--out",   "o",        "--gzip",      "--resume"};
  packed.insert(packed.end(), keys.begin(), keys.end());
  const Ended e = run_fle(folder.path(), packed);
  EXPECT_EQ(e.status, 2);
  EXPECT_NE(e.err.find("leave out --gzip, and pack the result"), std::string::npos) << e.err;
}

}  // namespace
}  // namespace fle::test
