// Options that the environment or a file says, and --json and --field of lists.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fle/observe.h"
#include "process.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

/// A variable of the environment, for the runs of one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

struct Settings : ::testing::Test {
  Ended run(const Args& args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);  // keys.vault, master.key, schema.json
};

const std::string kOnePatient = "{\"ssn\": 5, \"bloodType\": \"AB+\"}\n";

/// Which of the names of vault files a run has tried to open.
std::string vault_of(const Ended& e) {
  for (const char* name : {"line.vault", "environment.vault", "section.vault", "all.vault"})
    if (e.err.find(name) != std::string::npos) return name;
  return e.err;
}

TEST_F(Settings, TheCommandLineStandsAboveTheEnvironmentAndThatAboveAFile) {
  folder.write("fle.conf", "vault = \"all.vault\"\n\n[key.list]\nvault = \"section.vault\"\n");
  const Args list{"key", "list", "--config", "fle.conf"};
  EXPECT_EQ(vault_of(run({"key", "show", "--config", "fle.conf", "x"})), "all.vault");
  EXPECT_EQ(vault_of(run(list)), "section.vault");
  const Variable vault("FLE_VAULT", "environment.vault");
  EXPECT_EQ(vault_of(run(list)), "environment.vault");
  EXPECT_EQ(vault_of(run({"key", "list", "--vault", "line.vault", "--config", "fle.conf"})),
            "line.vault");
  EXPECT_EQ(vault_of(run({"key", "list", "--vault=line.vault"})), "line.vault");
}

TEST_F(Settings, ACommandNeedsNoOptionThatIsSetElsewhere) {
  std::filesystem::create_directory(folder.path() / "conf");
  folder.write("conf/fle.conf",
               "# where the keys are\nvault = \"../keys.vault\"\nlocal-key = \"../master.key\"\n"
               "schema = \"../schema.json\"\nthreads = 1\nquiet = true\n");
  const Variable config("FLE_CONFIG", "conf/fle.conf");
  const Ended sealed = run({"encrypt", "--format", "json"}, kOnePatient);
  EXPECT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(sealed.err, "") << "quiet";
  const Ended opened = run({"decrypt", "--format", "json", "--relaxed"}, sealed.out);
  EXPECT_EQ(opened.status, 0) << opened.err;
  EXPECT_NE(opened.out.find("AB+"), std::string::npos);
  const Ended empty = run({"inspect", "--format", "json", "--config", ""}, sealed.out);
  EXPECT_EQ(empty.status, 2);
  EXPECT_NE(empty.err.find("--config: its value is empty"), std::string::npos) << empty.err;
  EXPECT_EQ(run({"keygen", "--out", "new.key"}).status, 0) << "it has none of these options";
}

TEST_F(Settings, WhatExcludesAnOptionKeepsItFromComingFromBelow) {
  folder.write("fle.conf", "kms = \"kms.json\"\nvault = \"keys.vault\"\n");
  folder.write("kms.json", "not read");
  const Ended e = run({"key", "list", "--local-key", "master.key", "--config", "fle.conf"});
  EXPECT_EQ(e.status, 0) << e.err;
  const Variable kms("FLE_KMS", "kms.json");
  EXPECT_EQ(run({"key", "list", "--vault", "keys.vault", "--local-key", "master.key"}).status, 0);
  EXPECT_NE(run({"key", "list", "--vault", "keys.vault"}).status, 0) << "it is read now";
}

TEST_F(Settings, NothingIsReadFromTheCurrentFolderUnasked) {
  for (const char* name : {"fle.conf", ".fle", ".flerc", "config.ini", "fle.toml"})
    folder.write(name, "vault = \"all.vault\"\n");
  const Ended e = run({"key", "list"});
  EXPECT_EQ(e.status, 2);
  EXPECT_NE(e.err.find("--vault is required"), std::string::npos) << e.err;
}

TEST_F(Settings, FaultsOfAFileAreOneLineThatNamesIt) {
  const std::pair<std::string, std::string> cases[] = {
      {"valt = \"x\"", "'valt' is no setting. Did you mean 'vault'?"},
      {"[key.lst]\nvault = \"x\"", "there is no command 'key lst'. Did you mean 'list'?"},
      {"[key.list]\nthreads = 3", "'threads' is no setting of 'fle key list'."},
      {"yes = true", "'yes' is no setting"},
      {"= x", "line 1 has no name before its '='"},
      {"threads = 1\n  [", "line 2 is no section, which is [COMMAND]"},
      {"[]\nthreads = 1", "line 1 is no section, which is [COMMAND]"},
      {"vault =", "'vault' has no value"},
      {"vault = \"\"", "'vault' has no value"},
      {"require-seals = true\nrequire-seals = false", "'require-seals' is given twice"},
      {"[key.list]\nvault = a\n[key.show]\nvault = c\n[key.list]\nvault = b",
       "'vault' is given twice"},
      {"vault = \"mongodb://doctor:secret@db/\"", "the address of 'vault' has a password"},
      // What TOML, or a person, takes for something else than one of its readers would.
      {"quiet", "line 1 is not NAME = VALUE"},
      {"ns", "line 1 is not NAME = VALUE"},
      {"threads = 1\nvault : a", "line 2 is not NAME = VALUE"},
      {"key..list.vault = a", "line 1 has half a name before its '='"},
      {"[[key.list]]\nvault = a", "line 1 is no section, which is [COMMAND]"},
      {"[key.]\nvault = a", "line 1 is no section, which is [COMMAND]"},
      {"[key.list] vault = a", "line 1 is no section, which is [COMMAND]"},
      {"vault = my keys.db", "line 1 has a value that needs quotation marks around it"},
      {"vault = keys#1.db", "line 1 has a value that needs quotation marks around it"},
      {"vault = a\"b\"", "line 1 has a value that needs quotation marks around it"},
      {"vault = \"a", "line 1 has a text without an end"},
      {"vault = \"a\" b", "line 1 has something behind its text"},
      {"vault = 'it''s'", "line 1 has something behind its text"},
      {"vault = \"\"\"a\"\"\"", "line 1 has a text over several lines"},
      {"vault = [\"a\",\n\"b\"]", "line 1 has a list"},
      {"vault = \"a\\nb\"", "line 1 has a \\ before something else"},
      {"vault = # nothing", "'vault' has no value"},
  };
  for (const auto& [text, told] : cases) {
    folder.write("fle.conf", text + "\n");
    const Ended e = run({"key", "list", "--config", "fle.conf"});
    EXPECT_EQ(e.status, 2) << text;
    EXPECT_TRUE(e.err.starts_with("fle: ")) << e.err;
    EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
    EXPECT_NE(e.err.find("'fle.conf'"), std::string::npos) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("secret"), std::string::npos) << e.err;
  }
  EXPECT_NE(run({"key", "list", "--config", "nowhere"}).err.find("'nowhere'"), std::string::npos);
  folder.write("fle.conf", "vault = \"keys.vault\"\n");
  std::filesystem::permissions(folder.path() / "fle.conf", std::filesystem::perms(0666));
  EXPECT_NE(run({"key", "list", "--config", "fle.conf"}).err.find("other users may write to it"),
            std::string::npos)
      << "who changes it says where keys go";
}

TEST_F(Settings, AFileIsReadAsTomlReadsIt) {
  // README.md's own lines, and names that have what elsewhere ends a value.
  const std::pair<std::string, std::string> cases[] = {
      {"vault = \"all.vault\"            # files are named from this file's folder\n"
       "kms = \"kms.json\"\n"
       "[encrypt]                    # for one command; [key.rewrap] for fle key rewrap\n"
       "threads = 4\n",
       "'all.vault'"},
      {"[key.list]# comment ]\nvault = all.vault # comment", "'all.vault'"},
      {"[ key . list ]\r\nvault = 'all.vault'\r\n", "'all.vault'"},
      {"key.list.vault = \"all.vault\"#comment", "'all.vault'"},
      {"\xef\xbb\xbfvault = \"all.vault\"", "'all.vault'"},
      {"vault = \"#1, a 'b' \\\"c\\\" \\\\.vault\" # \"", R"('#1, a 'b' "c" \.vault')"},
      {"vault = '#1, a \"b\" \\.vault' # '", R"('#1, a "b" \.vault')"},
      {"; vault = a\nvault = a=b,c;d.vault", "'a=b,c;d.vault'"},
      {"vault = \"mongodb://one,two/?replicaSet=x#y\"\n[key.list]\nvault = \"sec#tion.vault\"",
       "'sec#tion.vault'"},
  };
  for (const auto& [text, vault] : cases) {
    folder.write("fle.conf", text);
    const Ended list = run({"key", "list", "--config", "fle.conf", "--local-key", "master.key"});
    EXPECT_NE(list.err.find("key vault " + vault + ": No such file"), std::string::npos)
        << text << "\n"
        << list.err;
  }
}

TEST_F(Settings, AFaultOfAValueTellsWhereItIsFrom) {
  const Variable threads("FLE_THREADS", "none");
  Args args{"decrypt"};
  args.insert(args.end(), keys.begin(), keys.end());
  const Ended e = run(args);
  EXPECT_EQ(e.status, 2);
  EXPECT_NE(e.err.find("(--threads is of FLE_THREADS)"), std::string::npos) << e.err;
  EXPECT_EQ(run({"key", "list", "--vault", "keys.vault"}).status, 0) << "it has no threads";
  const Variable budget("FLE_WORK_BUDGET", "-1");
  const Ended negative = run({"schema", "schema.json"});
  EXPECT_EQ(negative.status, 2);
  EXPECT_NE(negative.err.find("expected a number without a sign, not -1"), std::string::npos)
      << negative.err;
  EXPECT_NE(run({"decrypt", "--help"}).out.find("(Env:FLE_THREADS)"), std::string::npos);
  // --vault is the start of another option's name.
  const Variable vault("FLE_VAULT", "keys.vault");
  const Variable collection("FLE_VAULT_NS", "nodot");
  const Ended other = run({"key", "list"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("(--vault-ns is of FLE_VAULT_NS)"), std::string::npos) << other.err;
}

TEST_F(Settings, AFlagIsTrueOrFalseAndNoNumber) {
  for (const char* unclear : {"-1", "2", "007", "1x", "1.0", "-", "+"}) {
    const Variable flag("FLE_REQUIRE_SEALS", unclear);
    const Ended e = run({"key", "list", "--vault", "keys.vault"});
    EXPECT_EQ(e.status, 2) << unclear;
    EXPECT_EQ(e.err,
              "fle: --require-seals: expected true or false, not " + std::string(unclear) +
                  " (--require-seals is of FLE_REQUIRE_SEALS) (see 'fle key list --help')\n");
    folder.write("fle.conf", "require-seals = " + std::string(unclear) + "\n");
    for (const std::string& where :
         {"--require-seals=" + std::string(unclear), std::string("--config=fle.conf")})
      EXPECT_EQ(run({"key", "list", "--vault", "keys.vault", where}).status, 2) << where << unclear;
  }
  for (const auto& [said, demanded] : {std::pair{"1", true},
                                       {"true", true},
                                       {"yes", true},
                                       {"ON", true},
                                       {"0", false},
                                       {"false", false},
                                       {"no", false}}) {
    const Variable flag("FLE_REQUIRE_SEALS", said);
    Args encrypt{"encrypt", "--schema", "schema.json", "--format", "json"};
    encrypt.insert(encrypt.end(), keys.begin(), keys.end());
    EXPECT_EQ(run(encrypt, kOnePatient).status, demanded ? 1 : 0) << said;
  }
}

TEST_F(Settings, ListsAreJsonOrFieldsWhereTheyAreAskedTo) {
  const Ended plain = run({"key", "list", "--vault", "keys.vault"});
  const std::string uuid = plain.out.substr(0, 36);
  const Ended field = run({"key", "list", "--vault", "keys.vault", "--field", "uuid"});
  EXPECT_EQ(field.out, uuid + "\n") << field.err;
  EXPECT_EQ(
      run({"key", "list", "--vault", "keys.vault", "--field", "provider", "--field", "keyAltNames"})
          .out,
      "local\t[\"patients\"]\n");
  const Ended json = run({"key", "list", "--vault", "keys.vault", "--json"});
  EXPECT_TRUE(json.out.starts_with("{\"uuid\": \"" + uuid + "\", \"base64\": \"")) << json.out;
  EXPECT_NE(json.out.find("\"keyAltNames\": [\"patients\"], \"seal\": \"unsealed\"}\n"),
            std::string::npos)
      << json.out;
  EXPECT_EQ(run({"key", "show", "--vault", "keys.vault", "patients", "--field", "uuid"}).out,
            uuid + "\n");
  EXPECT_EQ(run({"schema", "schema.json", "--field", "path"}).out.find("path"), std::string::npos);
  EXPECT_NE(run({"schema", "schema.json", "--field", "path"}).out.find("ssn\n"), std::string::npos);
  Args encrypt{"encrypt", "--schema", "schema.json", "--format", "json"};
  encrypt.insert(encrypt.end(), keys.begin(), keys.end());
  const std::string sealed = run(encrypt, kOnePatient).out;
  EXPECT_EQ(run({"inspect", "--format", "json", "--field", "path", "--field", "count"}, sealed).out,
            "bloodType\t1\nssn\t1\n");
  EXPECT_NE(
      run({"inspect", "--format", "json", "--json"}, sealed)
          .out.find("{\"path\": \"ssn\", \"algorithm\": \"Deterministic\", \"uuid\": \"" + uuid),
      std::string::npos);
  const Ended wrong = run({"key", "list", "--vault", "keys.vault", "--field", "uid"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("there is no field 'uid'. Did you mean 'uuid'?"), std::string::npos)
      << wrong.err;
}

/// Lines of a trace, each checked to be made of the library's own words and of numbers.
std::vector<std::string> trace_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line); lines.push_back(line)) {
    std::istringstream words(line);
    std::string fle;
    std::string time;
    std::string name;
    words >> fle >> time >> name;
    EXPECT_EQ(fle, "fle") << line;
    EXPECT_EQ(time.find_first_not_of("0123456789."), std::string::npos) << line;
    const auto metric = std::ranges::find(metrics(), name, &MetricInfo::name);
    if (metric == metrics().end()) {
      ADD_FAILURE() << line;
      continue;
    }
    std::string word;
    for (const std::string_view label : metric->labels) {
      if (label.empty()) continue;
      words >> word;
      EXPECT_TRUE(word.starts_with(std::string(label) + "=")) << line;
    }
    words >> word;
    EXPECT_EQ(word.find_first_not_of("0123456789."), std::string::npos) << line;
    EXPECT_FALSE(words >> word) << line;
  }
  return lines;
}

TEST_F(Settings, ATraceTellsWhatWasDoneAndNothingOfWhatItWasDoneWith) {
  const std::string uuid = run({"key", "list", "--vault", "keys.vault", "--field", "uuid"}).out;
  const std::string documents = "{\"ssn\": 714305, \"bloodType\": \"canary-blood\"}\n";
  const auto with_keys = [&](Args args) {
    args.insert(args.end(), keys.begin(), keys.end());
    return args;
  };
  folder.write("fle.conf", "trace = \"traces/trace.log\"\n");
  std::filesystem::create_directory(folder.path() / "traces");
  const Ended sealed = run(
      with_keys({"encrypt", "--schema", "schema.json", "--format", "json", "--config", "fle.conf"}),
      documents);
  EXPECT_EQ(sealed.status, 0) << sealed.err;
  const std::string once = folder.read("traces/trace.log");
  const Variable trace("FLE_TRACE", "traces/trace.log");
  const Ended opened = run(with_keys({"decrypt", "--format", "json"}), sealed.out);
  EXPECT_EQ(opened.status, 0) << opened.err;
  EXPECT_EQ(run(with_keys({"command", "--schema", "schema.json", "--ns", "canary-db.canary-coll",
                           "--format", "json"}),
                R"({"find": "canary-coll", "filter": {"bloodType": "canary-blood"}})"
                "\n")
                .status,
            1)
      << "a random field cannot be compared";
  const std::string file = folder.read("traces/trace.log");
  EXPECT_TRUE(file.starts_with(once)) << "it is added to";

  const Ended created =
      run(with_keys({"key", "create", "--alt-name", "canary-name", "--trace", "-"}));
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_NE(created.err, "") << "the command line stands above the environment";
  EXPECT_EQ(folder.read("traces/trace.log"), file);
  const Ended rewrapped = run(with_keys({"key", "rewrap", "--all", "--trace=-"}));
  EXPECT_EQ(rewrapped.status, 0) << rewrapped.err;

  const std::string all = file + created.err + rewrapped.err;
  for (const char* told :
       {"fle_documents_total operation=encrypt 1", "fle_documents_total operation=decrypt 1",
        "fle_fields_total operation=encrypt algorithm=deterministic 1", "fle_key_lookups_total",
        "fle_vault_seconds operation=find outcome=ok", "fle_refusals_total",
        "fle_command_seconds command=find outcome=", "operation=wrap provider=local outcome=ok"})
    EXPECT_NE(all.find(told), std::string::npos) << told << "\n" << all;
  EXPECT_GE(trace_lines(all).size(), 10U);
  std::string master_key = folder.read("master.key").substr(0, 8);
  for (const std::string& secret :
       {std::string("canary"), std::string("714305"), std::string("ssn"), std::string("bloodType"),
        std::string("patients"), uuid.substr(0, 8), master_key, std::string("keys.vault")})
    EXPECT_EQ(all.find(secret), std::string::npos) << secret << "\n" << all;

  struct stat st {};
  ASSERT_EQ(::stat((folder.path() / "traces/trace.log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  const Ended nowhere = run(with_keys({"decrypt", "--trace", "none/trace.log"}));
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_NE(nowhere.err.find("'none/trace.log'"), std::string::npos) << nowhere.err;
}

}  // namespace
}  // namespace fle::test
