// How data keys end: by the name of a person, or once a report counts nothing under them; and
// rewraps of many that go on where others ended.
#include <regex>
#include <tuple>

#include <fcntl.h>
#include <gtest/gtest.h>
#if FLE_WITH_SQLITE
#include <sqlite3.h>
#endif
#include <unistd.h>

#include "tools/process.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

struct KeyEnd : ::testing::Test {
  Ended key(const std::string& name, const Args& more = {}) const {
    Args args{"key", name, "--vault", "keys.vault"};
    args.insert(args.end(), more.begin(), more.end());
    return run_fle(folder.path(), args);
  }
  std::string uuid_of(const std::string& name) const {
    return key("show", {name, "--field", "uuid"}).out.substr(0, 36);
  }
  void make(const std::string& name) const {
    const Ended e = key("create", {"--local-key", "master.key", "--alt-name", name});
    ASSERT_EQ(e.status, 0) << e.err;
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

bool says(const Ended& e, const std::string& text) {
  return e.out.find(text) != std::string::npos || e.err.find(text) != std::string::npos;
}

TEST_F(KeyEnd, ErasureIsByTheNameOfAPersonAndByNothingElse) {
  make("person-17");
  make("person-18");
  const std::string uuid = uuid_of("person-17");
  const Ended by_id = key("delete", {"--for", uuid});
  EXPECT_EQ(by_id.status, 1);
  EXPECT_TRUE(says(by_id, "it is the id of one, which is given as KEY")) << by_id.err;
  EXPECT_TRUE(says(key("delete", {"--for", "person-1"}), "Did you mean 'person-17'?"));
  EXPECT_TRUE(says(key("delete", {"--for", "person-17", "--for", "person-19"}), "'person-19'"));
  EXPECT_EQ(key("show", {"person-17"}).status, 0) << "a typing mistake deletes nothing";
  EXPECT_EQ(key("delete", {"--for", "person-17", "patients"}).status, 2);
  EXPECT_EQ(key("delete").status, 2);
  const Ended gone = key("delete", {"--for", "person-17", "--field", "uuid"});
  EXPECT_EQ(gone.status, 0) << gone.err;
  EXPECT_EQ(gone.out, uuid + "\n");
  EXPECT_EQ(key("show", {"person-17"}).status, 1);
  EXPECT_EQ(key("show", {"person-18"}).status, 0);
  Args terminal_args{"key", "delete", "--vault", "keys.vault", "--for", "person-18"};
  Terminal no{.in = true, .err = true, .answer = "n\n"};
  EXPECT_EQ(run_fle(folder.path(), terminal_args, no).status, 1);
  EXPECT_NE(no.screen.find("(person-18)"), std::string::npos) << no.screen;
  EXPECT_EQ(key("show", {"person-18"}).status, 0) << "it was not confirmed";
}

// Who tries again, as the status says, finds it done, and would not know by whom.
TEST_F(KeyEnd, WhatIsDoneIsToldWhereNobodyGetsTheOutput) {
  make("a");
  make("b");
  const std::string a = uuid_of("a");
  const std::string b = uuid_of("b");
  folder.write("exported", key("export", {"a", "b"}).out);
  const Args master{"--local-key", "master.key"};
  const auto with_master = [&](Args args) {
    args.insert(args.end(), master.begin(), master.end());
    return args;
  };
  const std::tuple<std::string, Args, std::string> changes[] = {
      {"add-name", {"a", "c"}, "the names of the data key " + a + " are changed"},
      {"remove-name", {"a", "c"}, "the names of the data key " + a + " are changed"},
      {"rewrap", with_master({"a", "b"}), "rewrapped: 2 keys"},
      {"rewrap", with_master({"a", "b", "--dry-run"}), "nothing was stored: this was a trial"},
      {"seal", with_master({"a", "b"}), "sealed: 2 keys"},
      {"delete", {"a", "b"}, "deleted: " + a + ", " + b},
      {"import", {"--in", "exported"}, "imported: 2 of the keys"},
      {"delete", {"--for", "b"}, "deleted: " + b}};
  for (const auto& [name, more, told] : changes) {
    Args args{"key", name, "--vault", "keys.vault"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run_fle(folder.path(), args,
                            {[](int, pid_t) {}, [](const char*, std::size_t) { return true; },
                             [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); }});
    EXPECT_EQ(e.status, 3) << name << e.err;
    EXPECT_NE(e.err.find("cannot write 'standard output': No space left on device; " + told + "\n"),
              std::string::npos)
        << name << e.err;
  }
  EXPECT_EQ(key("show", {"b"}).status, 1);
}

#if FLE_WITH_SQLITE
TEST_F(KeyEnd, KeysThatWentBeforeOneThatDoesNotAreTold) {
  make("a");
  make("b");
  const std::string a = uuid_of("a");
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "keys.vault").c_str(), &db), SQLITE_OK);
  const std::string b = std::regex_replace(uuid_of("b"), std::regex("-"), "");
  const std::string held =
      "CREATE TABLE holds (id BLOB REFERENCES keys (id)); "
      "INSERT INTO holds VALUES (x'" +
      b + "')";
  EXPECT_EQ(sqlite3_exec(db, held.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const Ended e = key("delete", {"a", "b", "--yes"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.out, a + "  deleted\n") << e.err;
  EXPECT_TRUE(e.err.starts_with("fle: vault_failed: ")) << e.err;
  EXPECT_EQ(key("show", {"a"}).status, 1);
  EXPECT_EQ(key("show", {"b"}).status, 0);
}
#endif

// A name may look like the id of another key: the other one stays.
TEST_F(KeyEnd, ErasureTakesAnIdForAName) {
  make("person-17");
  const std::string uuid = uuid_of("person-17");
  make(uuid);
  EXPECT_TRUE(
      says(key("show", {uuid}), "is the id of one data key and an alternate name of another"));
  const Ended gone = key("delete", {"--for", uuid, "--field", "uuid"});
  EXPECT_EQ(gone.status, 0) << gone.err;
  EXPECT_NE(gone.out, uuid + "\n");
  EXPECT_EQ(uuid_of("person-17"), uuid);
}

TEST_F(KeyEnd, AKeyIsRetiredOnlyWhenEveryReportCountsNothingUnderIt) {
  make("old");
  const std::string uuid = uuid_of("old");
  const std::string kCounts = R"({"version": 1, "uncountedKeys": 0, "uncountedValues": 0, )";
  const auto report = [&](const std::string& file, const std::string& entries) {
    folder.write(file, kCounts + R"("foreign": 0, "documents": 9, "keys": [)" + entries + "]}");
  };
  const std::string other =
      R"({"keyId": "00000000-0000-4000-8000-000000000000", "values": 7, "state": "known"})";
  report("used.json", other + ", {\"keyId\": \"" + uuid + "\", \"values\": 2}");
  report("none.json", "{\"keyId\": \"" + uuid + "\", \"values\": 0}");
  report("other.json", other);
  EXPECT_EQ(key("retire", {"old"}).status, 2) << "without a report nothing is known";
  const Ended used = key("retire", {"old", "--report", "other.json", "--report", "used.json"});
  EXPECT_EQ(used.status, 1);
  EXPECT_TRUE(says(used, "'used.json' counts 2 values under it")) << used.err;
  EXPECT_TRUE(says(used, uuid));
  const std::string begin = kCounts + R"("documents": 9, "foreign": 0, "keys": )";
  const std::pair<std::string, const char*> broken[] = {
      {"{}", "is not of version 1"},
      {R"({"version": 2, "keys": []})", "is not of version 1"},
      {R"({"version": 1, "keys": []})", "does not count 'documents'"},
      {R"({"version": 1, "documents": 1, "keys": []})",
       "does not count all values ('uncountedKeys')"},
      {R"({"version": 1, "documents": 1, "uncountedKeys": 0, "uncountedValues": 1, "keys": []})",
       "does not count all values ('uncountedValues')"},
      {kCounts + R"("documents": 9, "keys": []})", "does not count 'foreign' values"},
      {kCounts + R"("documents": 9, "foreign": 2, "keys": []})", "2 values of another kind"},
      {kCounts + R"("documents": 0, "foreign": 0, "keys": []})", "no report has read a document"},
      {begin + "{}}", "does not count values by 'keys'"},
      {begin + R"([{"keyId": "x", "values": 0}]})", "entry 1 of 'keys'"},
      {begin + R"([{"values": 0}]})", "entry 1 of 'keys'"},
      {begin + R"([{"keyId": "00000000-0000-4000-8000-000000000000", "values": -1}]})",
       "entry 1 of 'keys'"},
      {"nonsense", "--report 'broken.json'"},
  };
  for (const auto& [text, told] : broken) {
    folder.write("broken.json", text);
    const Ended e = key("retire", {"old", "--report", "broken.json"});
    EXPECT_EQ(e.status, 1) << text;
    EXPECT_TRUE(says(e, told)) << e.err;
  }
  EXPECT_EQ(key("show", {"old"}).status, 0);
  const Ended retired = key("retire", {"old", "--report", "none.json", "--report", "other.json"});
  EXPECT_EQ(retired.status, 0) << retired.err;
  EXPECT_EQ(retired.out, uuid + "  deleted\n");
  EXPECT_EQ(key("show", {"old"}).status, 1);
}

TEST_F(KeyEnd, ARewrapOfManyGoesOnAndListsWhatFailed) {
  for (const char* name : {"a", "b", "c"}) make(name);
  ASSERT_EQ(run_fle(folder.path(), {"keygen", "--out", "new.key"}).status, 0);
  const Ended encoded = run_fle(folder.path(), {"key", "export", "--vault", "keys.vault",
                                                "--format", "json", "--out", "keys.json"});
  ASSERT_EQ(encoded.status, 0) << encoded.err;
  // A key whose material somebody has changed.
  std::string text = folder.read("keys.json");
  const std::string b = uuid_of("b");
  ASSERT_EQ(key("delete", {"b"}).status, 0);
  std::string line;
  std::istringstream lines(text);
  while (std::getline(lines, line) && line.find("[ \"b\" ]") == std::string::npos) {
  }
  const std::size_t material = line.find("\"keyMaterial\"");
  const std::size_t at = line.find("\"base64\" : \"", material) + 20;
  line[at] = line[at] == 'A' ? 'B' : 'A';
  folder.write("broken.json", line + "\n");
  const Ended imported = key("import", {"--in", "broken.json", "--format", "json"});
  ASSERT_EQ(imported.status, 0) << imported.err;
  folder.write("kms.json", R"({"local": {"key": ")" + base64_of(folder.read("master.key")) +
                               R"("}, "local:new": {"key": ")" + base64_of(folder.read("new.key")) +
                               R"("}})");
  std::filesystem::permissions(folder.path() / "kms.json", std::filesystem::perms(0600));
  const Args to_new{"--kms", "kms.json", "--provider", "local:new", "--all"};
  const auto rewrap = [&](Args more) {
    more.insert(more.end(), to_new.begin(), to_new.end());
    return key("rewrap", more);
  };
  EXPECT_EQ(rewrap({}).status, 1);
  EXPECT_EQ(key("list", {"--field", "provider"}).out, "local\nlocal\nlocal\nlocal\n")
      << "without --resume, all or none";
  const Ended first = rewrap({"--resume", "--threads", "3", "--json"});
  EXPECT_EQ(first.status, 1) << "it will fail again";
  EXPECT_TRUE(says(first, "{\"uuid\": \"" + b +
                              "\", \"state\": \"failed\", \"error\": "
                              "\"key_unwrap_failed\"}\n"))
      << first.out;
  EXPECT_TRUE(says(first,
                   "3 rewrapped, 0 under this master key already, 0 changed meanwhile, "
                   "1 failed"))
      << first.err;
  ASSERT_EQ(key("delete", {"b"}).status, 0);
  make("late");
  const Ended second = rewrap({"--resume", "--field", "state"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.out, "rewrapped\ncurrent\ncurrent\ncurrent\n");
  EXPECT_TRUE(says(second, "1 rewrapped, 3 under this master key already")) << second.err;
}

}  // namespace
}  // namespace fle::test
