// How the fle command speaks to people: what it names, and what was meant.
#include <regex>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "process.h"

namespace fle::test {
namespace {

struct Manners : ::testing::Test {
  Ended run(const std::vector<std::string>& args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
  std::vector<std::string> with_keys(std::vector<std::string> args) const {
    args.insert(args.end(), keys.begin(), keys.end());
    return args;
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

const std::string kOnePatient = "{\"ssn\": 5, \"bloodType\": \"AB+\"}\n";

TEST_F(Manners, WrongUsageIsOneLineThatNamesTheHelp) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "fle --help"},
      {{"encrypt"}, "fle encrypt --help"},
      {{"key", "delete"}, "fle key delete --help"},
      {with_keys({"decrypt", "--threads", "0"}), "fle decrypt --help"},
      {{"frobnicate"}, "fle --help"},
      {{"key", "rewrap", "--vault", "v"}, "fle key rewrap --help"}};
  for (const auto& [args, help] : cases) {
    const Ended e = run(args);
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_TRUE(std::regex_search(e.err, std::regex("^fle: [^\n]* \\(see '" + help + "'\\)\n$")))
        << e.err;
    EXPECT_EQ(e.out, "");
  }
  EXPECT_EQ(run({"--help"}).status, 0);
  const auto onto_full_device = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
  for (const char* told : {"--help", "--version"}) {
    const Ended e = run_fle(
        folder.path(), {told},
        {[](int, pid_t) {}, [](const char*, std::size_t) { return true; }, onto_full_device});
    EXPECT_EQ(e.status, 3) << told;
    EXPECT_NE(e.err.find("io_busy: cannot write 'standard output'"), std::string::npos) << e.err;
  }
  EXPECT_EQ(run({"encrypt", "--help"}).err, "");
}

TEST_F(Manners, UsageNamesWhatWasMeant) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"encript"}, "'fle' has no command 'encript'. Did you mean 'encrypt'?"},
      {{"Encrypt"}, "Did you mean 'encrypt'? Upper and lower case matter."},
      {{"k\u0435y", "list"}, "Did you mean 'key'? The name has U+0435 where 'e' is meant."},
      {{"key", "rewarp"}, "'fle key' has no command 'rewarp'. Did you mean 'rewrap'?"},
      {with_keys({"decrypt", "--formt", "json"}), "no option '--formt'. Did you mean '--format'?"},
      {with_keys({"decrypt", "--formt=json"}), "no option '--formt'. Did you mean '--format'?"},
      {with_keys({"decrypt", "--Format", "json"}),
       "Did you mean '--format'? Upper and lower case matter."},
      {with_keys({"key", "delete", "x"}), "'fle key delete' has no option '--local-key'."},
      {{"key", "--vault", "keys.vault", "list"},
       "'--vault' stands too early: options follow the command"},
      {with_keys({"decrypt", "--format", "jsn"}), "expected bson or json, not 'jsn'. Did you mean"},
      {with_keys({"decrypt", "--format", "JSON"}),
       "Did you mean 'json'? Upper and lower case matter."},
      {{"key", "export", "--vault", "keys.vault", "--format", "csv"}, "expected bson or json"},
      {with_keys({"decrypt", "--checkpoint", "1M", "--out", "x"}),
       "--checkpoint requires --resume"},
      {with_keys({"encrypt", "--schema", "schema.json", "--ns", "patients"}), "--ns: "},
      {{"report", "--schema", "schema.json", "--ns", "patients"}, "--ns: "},
      {{"schema", "schema.json", "--ns", "patients"}, "--ns: "},
      {{"schema", "server", "schema.json", "--ns", "patients"}, "--ns: "},
  };
  for (const auto& [args, told] : cases) {
    const Ended e = run(args);
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
  }
}

// strtoull(3) takes 010 for 8, and -1 and what is too large for the largest number there is.
TEST_F(Manners, NumbersAreDecimalAndWhole) {
  const std::vector<std::string> encrypt = with_keys({"encrypt", "--schema", "schema.json"});
  const std::pair<std::vector<std::string>, std::vector<std::string>> options[] = {
      {{"generate", "patients", "--count", "1"}, {"--seed"}},
      {{"generate", "patients"}, {"--count"}},
      {encrypt, {"--threads", "--work-budget"}},
      {with_keys({"encrypt", "--schema", "schema.json", "--resume", "--out", "x"}),
       {"--checkpoint"}},
      {with_keys({"key", "rewrap", "--all"}), {"--batch", "--threads", "--retries"}},
      {{"report"}, {"--threads"}}};
  for (const auto& [command, names] : options) {
    for (const std::string& name : names) {
      for (const char* value : {"-1", "+1", " 1", "1.0", "1e1", "0x10", "0b1", "1'0", "x",
                                "18446744073709551616", "99999999999999999999999"}) {
        std::vector<std::string> args = command;
        args.insert(args.end(), {name, value});
        const Ended e = run(args);
        EXPECT_EQ(e.status, 2) << name << " " << value << e.err;
        EXPECT_TRUE(e.err.starts_with("fle: " + name + ": ")) << value << e.err;
      }
    }
  }
  const auto patients = [this](const char* count, const char* seed) {
    return run({"generate", "patients", "--count", count, "--seed", seed}).out;
  };
  EXPECT_EQ(patients("010", "09"), patients("10", "9"));
  EXPECT_EQ(patients("2", "18446744073709551615").empty(), false);
  std::vector<std::string> resumed = with_keys({"encrypt", "--schema", "schema.json", "--resume"});
  folder.write("in.json", kOnePatient);
  for (const char* size : {"1", "010k", "5 KiB", "4EB"}) {
    std::vector<std::string> args = resumed;
    args.insert(args.end(), {"--in", "in.json", "--out", "out.json", "--checkpoint", size});
    EXPECT_EQ(run(args).status, 0) << size;
  }
  for (const char* size : {"0", "k", "1x", "8EB", "16EB", "0x10k", "1 0k"}) {
    std::vector<std::string> args = resumed;
    args.insert(args.end(), {"--in", "in.json", "--out", "out.json", "--checkpoint", size});
    EXPECT_EQ(run(args).status, 2) << size;
  }
}

TEST_F(Manners, HelpTellsExitStatusesOfWhatDoesSomething) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"encrypt"},
                                             {"schema"},
                                             {"schema", "lint"},
                                             {"key", "list"},
                                             {"generate", "patients"}}) {
    std::vector<std::string> args = command;
    args.emplace_back("--help");
    EXPECT_NE(run(args).out.find("\nExit status: 0 "), std::string::npos) << command.back();
  }
}

TEST_F(Manners, KeysAreNotFoundByNamesThatAreAlike) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"key", "show", "--vault", "keys.vault", "patient"}, "Did you mean 'patients'?"},
      {{"key", "delete", "--vault", "keys.vault", "Patients"},
       "Did you mean 'patients'? Upper and lower case matter."},
      {{"key", "export", "--vault", "keys.vault", "patients "}, "U+0020, a space."},
      {with_keys({"key", "rewrap", "--filter", R"({"keyAltName": "x"})"}),
       "no field 'keyAltName'. Did you mean 'keyAltNames'?"},
      {with_keys({"key", "create", "--provider", "lokal"}),
       "Did you mean 'local'? (in --provider)"},
  };
  for (const auto& [args, told] : cases) {
    const Ended e = run(args);
    EXPECT_EQ(e.status, 1) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
  }
}

TEST_F(Manners, WhatFindsNoKeySaysSo) {
  const Ended none = run(with_keys(
      {"key", "rewrap", "--provider", "local", "--filter", R"({"keyAltNames": "no-such-name"})"}));
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.err, "fle: no key was found: 0 keys rewrapped\n");
  const Ended dry = run(with_keys(
      {"key", "rewrap", "--provider", "local", "--dry-run", "--created-before", "2001-01-01"}));
  EXPECT_EQ(dry.err, "fle: no key was found: 0 keys would be rewrapped\n");
  EXPECT_EQ(run(with_keys({"key", "rewrap", "--provider", "local", "--all"})).err, "");
  ASSERT_EQ(run({"key", "delete", "--vault", "keys.vault", "patients"}).status, 0);
  EXPECT_EQ(run({"key", "list", "--vault", "keys.vault"}).err,
            "fle: the key vault has no key: 0 keys\n");
  EXPECT_EQ(run({"key", "export", "--vault", "keys.vault"}).err,
            "fle: the key vault has no key: 0 keys exported\n");
  EXPECT_EQ(run({"key", "import", "--vault", "keys.vault"}).err,
            "fle: the input has no key: 0 keys imported\n");
}

TEST_F(Manners, SchemasAreTakenAsPeopleKeepThem) {
  const std::string schema = folder.read("schema.json");
  const std::string visits =
      R"({"bsonType": "object", "properties": {"note": {"bsonType": "string"}}})";
  const std::string wrapped[] = {"{\"$jsonSchema\": " + schema + "}",
                                 "{\"validator\": {\"$jsonSchema\": " + schema + "}}",
                                 "{\"clinic.patients\": " + schema + "}"};
  for (const std::string& text : wrapped) {
    folder.write("w.json", text);
    EXPECT_EQ(run({"schema", "w.json"}).out, run({"schema", "schema.json"}).out) << text;
    EXPECT_NE(run(with_keys({"encrypt", "--schema", "w.json", "--format", "json"}), kOnePatient)
                  .err.find("2 fields encrypted"),
              std::string::npos)
        << text;
    for (const char* command : {"command", "analyze"}) {
      std::vector<std::string> args{command,           "--schema", "w.json", "--ns",
                                    "clinic.patients", "--format", "json"};
      if (std::string(command) == "command") args = with_keys(args);
      const Ended e = run(args, R"({"find": "patients", "filter": {"ssn": 5}})");
      EXPECT_EQ(e.status, 0) << e.err;
      EXPECT_NE(e.out.find("$binary"), std::string::npos) << e.out;
    }
  }
  folder.write("map.json",
               "{\"clinic.patients\": " + schema + ", \"clinic.visits\": " + visits + "}");
  const Ended several = run({"schema", "map.json"});
  EXPECT_EQ(several.status, 1);
  EXPECT_NE(several.err.find("'clinic.patients', 'clinic.visits': say which by --ns"),
            std::string::npos)
      << several.err;
  EXPECT_EQ(run({"schema", "map.json", "--ns", "clinic.patients"}).out,
            run({"schema", "schema.json"}).out);
  EXPECT_EQ(run({"analyze", "--schema", "map.json", "--ns", "clinic.patients", "--schema-for",
                 "clinic.visits=map.json", "--format", "json"},
                R"({"find": "visits", "filter": {"ssn": 5}})")
                .status,
            0);
  EXPECT_EQ(run({"analyze", "--schema", "map.json", "--ns", "clinic.Patients", "--format", "json"})
                .status,
            1);
}

TEST_F(Manners, MissingAndEmptySchemasAreNamed) {
  const Ended missing = run({"schema", "nowhere.json"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("'nowhere.json'"), std::string::npos) << missing.err;
  folder.write("empty.json", "\n");
  const Ended empty = run({"schema", "empty.json"});
  EXPECT_EQ(empty.status, 1);
  EXPECT_NE(empty.err.find("the schema 'empty.json' is empty"), std::string::npos) << empty.err;
  folder.write("schema.gz", "\x1f\x8b\x08");
  const Ended gzip = run({"schema", "schema.gz"});
  EXPECT_EQ(gzip.status, 1);
  EXPECT_NE(gzip.err.find("compressed by gzip"), std::string::npos) << gzip.err;
}

TEST_F(Manners, FaultsOfKmsOptionsAreToldInTheCommandsWords) {
  folder.write("kms.json", R"({"aws": {"accessKeyID": "A", "secretAccessKey": "s"}})");
  std::filesystem::permissions(folder.path() / "kms.json", std::filesystem::perms(0600));
  const auto create = [&](const std::string& master_key,
                          const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"key",      "create",     "--vault", "new.vault",    "--kms",
                                  "kms.json", "--provider", "aws",     "--master-key", master_key};
    args.insert(args.end(), more.begin(), more.end());
    return run(args);
  };
  const std::string right = R"({"region": "us-east-1", "key": "alias/x"})";
  const Ended credentials = create(right);
  EXPECT_EQ(credentials.status, 1);
  EXPECT_NE(credentials.err.find("'accessKeyID'. Did you mean 'accessKeyId'?"), std::string::npos);
  EXPECT_NE(credentials.err.find("(in --kms 'kms.json')"), std::string::npos) << credentials.err;
  folder.write("kms.json", R"({"aws": {"accessKeyId": "A", "secretAccessKey": "s"}})");
  const Ended field = create(R"({"Region": "us-east-1", "key": "alias/x"})");
  EXPECT_EQ(field.status, 1);
  EXPECT_NE(field.err.find("'Region'. Did you mean 'region'?"), std::string::npos) << field.err;
  EXPECT_NE(field.err.find("(in --master-key)"), std::string::npos) << field.err;
  const Ended host =
      create(R"({"region": "us-east-1", "key": "alias/x", "endpoint": "kms.evil.example"})");
  EXPECT_NE(host.err.find("allowedEndpoints in the file of --kms-options"), std::string::npos)
      << host.err;
  EXPECT_EQ(host.err.find("KmsOptions"), std::string::npos) << host.err;
  folder.write("options", R"({"tlsoptions": {}})");
  const Ended options = create(right, {"--kms-options", "options"});
  EXPECT_NE(options.err.find("Did you mean 'tlsOptions'?"), std::string::npos) << options.err;
  EXPECT_NE(options.err.find("(in --kms-options 'options')"), std::string::npos) << options.err;
}

}  // namespace
}  // namespace fle::test
