// Documents in the forms that people have them in, through the command and back.
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "support/other_user.h"
#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

std::string patient(int i) {
  return "{\"_id\": " + std::to_string(i) + ", \"ssn\": " + std::to_string(1000000 + i) +
         ", \"bloodType\": \"canary\"}";
}

struct Forms : ::testing::Test {
  Ended run(std::vector<std::string> args, const std::string& input = {}) const {
    const std::string command = args.front();
    if (command == "encrypt" || command == "reencrypt")
      args.insert(args.end(), {"--schema", "schema.json"});
    if (command != "inspect") args.insert(args.end(), keys.begin(), keys.end());
    return run_fle(folder.path(), args, input);
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

/// What `fle decrypt --relaxed` writes of a text of patients.
std::string relaxed(int i) {
  return "{ \"_id\" : " + std::to_string(i) + ", \"ssn\" : " + std::to_string(1000000 + i) +
         ", \"bloodType\" : \"canary\" }";
}

TEST_F(Forms, ComeBackAsTheyWent) {
  const std::string pretty1 =
      "{\n\t\"_id\": 1,\n\t\"ssn\": 1000001,\n\t\"bloodType\": \"canary\"\n}";
  std::vector<std::pair<std::string, std::string>> forms{
      {bson_text(patient(1)) + bson_text(patient(2)), ""},
      {patient(1) + "\n" + patient(2) + "\n", relaxed(1) + "\n" + relaxed(2) + "\n"},
      {"\xef\xbb\xbf" + patient(1) + "\r\n\r\n" + patient(2),
       relaxed(1) + "\n" + relaxed(2) + "\n"},
      {patient(1) + " " + patient(2), relaxed(1) + "\n" + relaxed(2) + "\n"},
      {"[" + patient(1) + ",\n" + patient(2) + "]\n",
       "[\n" + relaxed(1) + ",\n" + relaxed(2) + "\n]\n"},
      {"[ ]", "[]\n"},
      {pretty1 + "\n", pretty1 + "\n"},
      {"[" + pretty1 + ",\r\n" + pretty1 + "]", "[\n" + pretty1 + ",\n" + pretty1 + "\n]\n"},
  };
#if FLE_WITH_ZLIB
  const std::size_t n = forms.size();
  for (std::size_t i = 0; i < n; ++i)
    forms.emplace_back(gzip_text(forms[i].first), forms[i].second);
#endif
  for (const auto& [input, output] : forms) {
    const Ended sealed = run({"encrypt"}, input);
    ASSERT_EQ(sealed.status, 0) << input << sealed.err;
    EXPECT_EQ(sealed.out.find("canary"), std::string::npos);
    const Cut as_it_went = cut(input);
    const Cut middle = cut(sealed.out);
    EXPECT_EQ(middle.failure, "");
    EXPECT_EQ(middle.form.kind, as_it_went.form.kind) << input;
    EXPECT_EQ(middle.form.gzip, as_it_went.form.gzip) << input;
    EXPECT_EQ(middle.documents.size(), as_it_went.documents.size());
    const Ended opened = run({"decrypt", "--relaxed"}, sealed.out);
    ASSERT_EQ(opened.status, 0) << opened.err;
    const Cut back = cut(opened.out);
    EXPECT_EQ(back.form.gzip, as_it_went.form.gzip);
    EXPECT_EQ(back.form.kind, as_it_went.form.kind);
    if (output.empty()) {
      EXPECT_EQ(back.all, as_it_went.all);
    } else {
      const Ended plain = run({"decrypt", "--relaxed", "--no-gzip"}, sealed.out);
      EXPECT_EQ(plain.out, output);
    }
    const Ended seen = run({"inspect"}, sealed.out);
    EXPECT_EQ(seen.status, 0) << seen.err;
    EXPECT_EQ(seen.out.find("ssn  Deterministic") != std::string::npos,
              !as_it_went.documents.empty());
  }
}

// The text of a large document is written piece by piece: as that of a small one, wherever it is
// cut.
TEST_F(Forms, OfLargeDocumentsAreThoseOfSmallOnes) {
  const auto document = [](std::size_t bytes) {
    std::string note;
    while (note.size() < bytes) note += R"(a\\\"{, [ :\u0001\\)";
    return "{\n\t\"_id\": 1,\n\t\"ssn\": 1000001,\n\t\"note\": \"" + note +
           "\",\n\t\"none\": {},\n\t\"list\": [\n\t\t1,\n\t\t{\n\t\t\t\"end\": "
           "\"\\\\\"\n\t\t},\n\t\t[]\n\t]\n}";
  };
  const std::string small = document(10);
  const std::string large = document(1'100'000);
  for (const std::string& text : {small + "\n" + large + "\n" + small + "\n", large + "\n",
                                  "[\n" + small + ",\n" + large + ",\n" + large + "\n]\n",
                                  "[\n" + large + ",\n" + small + "\n]\n"}) {
    const Ended sealed = run({"encrypt"}, text);
    ASSERT_EQ(sealed.status, 0) << sealed.err;
    const Ended opened = run({"decrypt", "--relaxed"}, sealed.out);
    ASSERT_EQ(opened.status, 0) << opened.err;
    EXPECT_TRUE(opened.out == text) << opened.out.substr(0, 100);
    const Ended lines = run({"decrypt", "--relaxed", "--to", "json"}, sealed.out);
    EXPECT_TRUE(
        run({"decrypt", "--relaxed", "--to", "json"}, run({"encrypt"}, lines.out).out).out ==
        lines.out);
  }
}

TEST_F(Forms, AreChosenByOptions) {
  const std::string sealed = run({"encrypt"}, bson_text(patient(1)) + bson_text(patient(2))).out;
  const auto opened = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"decrypt", "--relaxed"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run(args, sealed);
    EXPECT_EQ(e.status, 0) << e.err;
    return e.out;
  };
  EXPECT_EQ(opened({"--to", "json"}), relaxed(1) + "\n" + relaxed(2) + "\n");
  EXPECT_EQ(opened({"--to", "array"}), "[\n" + relaxed(1) + ",\n" + relaxed(2) + "\n]\n");
  EXPECT_EQ(cut(opened({"--to", "pretty"})).form.pretty, true);
  EXPECT_EQ(opened({"--to", "bson"}), opened({}));
  EXPECT_EQ(run({"decrypt", "--to", "bson"}, run({"decrypt", "--to", "array"}, sealed).out).out,
            opened({}));
  EXPECT_EQ(run({"decrypt", "--to", "xml"}, sealed).status, 2);
#if FLE_WITH_ZLIB
  const std::string packed = opened({"--gzip", "--to", "json"});
  EXPECT_TRUE(cut(packed).form.gzip);
  EXPECT_EQ(cut(packed).documents.size(), 2U);
#endif
}

// mongoexport --jsonArray, and documents with a comma between them: once taken for one document
// without the fields of the schema, which went out in plaintext.
TEST_F(Forms, NoFieldOfAnArrayGoesOutInPlaintext) {
  const Ended array =
      run({"encrypt", "--relaxed"}, "[{\"_id\":1,\"ssn\":123456789},{\"_id\":2,\"ssn\":5}]");
  EXPECT_EQ(array.status, 0) << array.err;
  EXPECT_EQ(array.out.find("123456789"), std::string::npos);
  EXPECT_NE(array.err.find("2 documents"), std::string::npos) << array.err;
  const Ended comma = run({"encrypt"}, "{\"_id\":1,\"ssn\":123456789},{\"_id\":2}\n");
  EXPECT_EQ(comma.status, 1);
  EXPECT_NE(comma.err.find("document 2: line 1, column 26: json_invalid: a comma follows"),
            std::string::npos)
      << comma.err;
}

TEST_F(Forms, AFaultHasTheNumberAndThePlaceInTheWholeStream) {
  const std::string pretty = "{\n  \"a\": {\n    \"ssn\": 5\n  }\n}";
  const Ended json = run({"encrypt"}, "[" + pretty + ",\n" + pretty + ", {\"b\": {\"c\": tru}}]");
  EXPECT_EQ(json.err.find("fle: document 3: line 10, column 19: "), 0U) << json.err;
  const Ended type = run({"encrypt"}, "[" + pretty + ",\n{\"ssn\": \"secret\"}]");
  EXPECT_EQ(type.err.find("fle: document 2: field 'ssn': type_not_allowed"), 0U) << type.err;
  EXPECT_EQ((json.err + type.err + type.out).find("secret"), std::string::npos);
  const Ended cut_short = run({"encrypt"}, "[" + pretty);
  EXPECT_EQ(cut_short.status, 1);
  EXPECT_EQ(cut_short.err.find("fle: document 2: line 5, column 2: truncated_stream"), 0U)
      << cut_short.err;
}

// ---- Archives

/// Patients in two blocks with visits between, a view, users, and the key vault.
std::string clinic_archive() {
  ArchiveBuilder a;
  a.announce("clinic", "patients")
      .announce("clinic", "visits")
      .announce("clinic", "adults", R"({"options":{"viewOn":"patients"}})", "view")
      .announce("encryption", "__keyVault")
      .announce("admin", "system.users");
  a.block("clinic", "patients", {bson_text(patient(1)), bson_text(patient(2))})
      .block("clinic", "visits", {bson_text(R"({"ssn": 77, "v": 1})")})
      .block("encryption", "__keyVault", {bson_text(R"({"ssn": "a text"})")})
      .block("clinic", "patients", {bson_text(patient(3))})
      .end("clinic", "patients")
      .end("encryption", "__keyVault")
      .block("admin", "system.users", {bson_text(R"({"ssn": "a text"})")})
      .end("admin", "system.users")
      .end("clinic", "visits");
  return a.bytes();
}

struct Archived : Forms {
  void write_map(const std::vector<std::string>& names) const {
    const std::string schema = folder.read("schema.json");
    std::string map;
    for (const std::string& n : names) map += (map.empty() ? "{\"" : ", \"") + n + "\": " + schema;
    folder.write("schema.json", map + "}");
  }
};

TEST_F(Archived, KeepTheirShapeAndGetNewChecksums) {
  write_map({"clinic.patients"});
  const std::string archive = clinic_archive();
  const Ended sealed = run({"encrypt"}, archive);
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  const Cut middle = cut(sealed.out);
  EXPECT_EQ(middle.failure, "") << "checksums included";
  const Cut before = cut(archive);
  ASSERT_EQ(middle.documents.size(), before.documents.size());
  for (std::size_t i = 0; i < before.documents.size(); ++i) {
    const bool patients = before.documents[i].starts_with("clinic.patients ");
    EXPECT_EQ(middle.documents[i] == before.documents[i], !patients) << i;
  }
  EXPECT_EQ(sealed.out.find("canary"), std::string::npos);
  EXPECT_NE(sealed.err.find("6 documents, 6 fields encrypted"), std::string::npos) << sealed.err;
  EXPECT_NE(sealed.err.find("clinic.patients: ssn  3"), std::string::npos) << sealed.err;
  EXPECT_NE(sealed.err.find("clinic.visits: without schema: 1 document copied as it is"),
            std::string::npos)
      << sealed.err;
  EXPECT_NE(sealed.err.find("encryption.__keyVault: the key vault: 1 document copied"),
            std::string::npos)
      << sealed.err;
  const Ended opened = run({"decrypt"}, sealed.out);
  ASSERT_EQ(opened.status, 0) << opened.err;
  EXPECT_TRUE(opened.out == archive) << "byte for byte";
  const Ended again = run({"reencrypt"}, sealed.out);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, sealed.out) << "what is under the schema stays as it is";
  EXPECT_EQ(run({"inspect"}, sealed.out).status, 0);
}

TEST_F(Archived, AreInspectedByCollection) {
  write_map({"clinic.patients", "clinic.visits"});
  const Ended sealed = run({"encrypt"}, clinic_archive());
  const Ended seen = run({"inspect"}, sealed.out);
  for (const char* line :
       {"clinic.patients: bloodType  Random  ", "clinic.patients: ssn  Deterministic",
        "clinic.visits: ssn  Deterministic"})
    EXPECT_NE(seen.out.find(line), std::string::npos) << line << "\n" << seen.out;
  EXPECT_EQ(seen.err,
            "fle: 6 documents, 7 fields encrypted\nfle:   clinic.patients: bloodType  3\n"
            "fle:   clinic.patients: ssn  3\nfle:   clinic.visits: ssn  1\n");
  EXPECT_EQ(
      run({"inspect", "--field", "collection", "--field", "path", "--field", "count", "--quiet"},
          sealed.out)
          .out,
      "clinic.patients\tbloodType\t3\nclinic.patients\tssn\t3\nclinic.visits\tssn\t1\n");
}

#if FLE_WITH_ZLIB
TEST_F(Archived, MayBeCompressed) {
  write_map({"clinic.patients", "clinic.visits"});
  const Ended sealed = run({"encrypt"}, gzip_text(clinic_archive()));
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_TRUE(cut(sealed.out).form.gzip);
  EXPECT_EQ(run({"decrypt", "--no-gzip"}, sealed.out).out, clinic_archive());
}
#endif

TEST_F(Archived, ASchemaWithoutANameIsForOneCollection) {
  const Ended which = run({"encrypt"}, clinic_archive());
  EXPECT_EQ(which.status, 1);
  EXPECT_NE(which.err.find("the input has 2 collections, clinic.patients, clinic.visits:"),
            std::string::npos)
      << which.err;
  EXPECT_EQ(which.out, "");
  const Ended named = run({"encrypt", "--ns", "clinic.visits"}, clinic_archive());
  EXPECT_EQ(named.status, 0) << named.err;
  EXPECT_NE(named.err.find("1 field encrypted"), std::string::npos) << named.err;
  const Ended wrong = run({"encrypt", "--ns", "clinic.visit"}, clinic_archive());
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("the input has no collection clinic.visit"), std::string::npos);
  const Ended users = run({"encrypt", "--ns", "admin.system.users"}, clinic_archive());
  EXPECT_NE(users.err.find("type_not_allowed"), std::string::npos) << "it was asked for";
  ArchiveBuilder system;
  system.announce("admin", "system.users").end("admin", "system.users");
  for (const auto& [args, told] : std::vector<std::pair<std::vector<std::string>, const char*>>{
           {{"encrypt", "--ns", "clinic.patients"},
            "no collection clinic.patients (--ns), only those of the system"},
           {{"encrypt"}, "the input has 0 collections but those of the system: say by --ns"}}) {
    const Ended none = run(args, system.bytes());
    EXPECT_EQ(none.status, 1);
    EXPECT_NE(none.err.find(told), std::string::npos) << none.err;
  }
  ArchiveBuilder one;
  one.announce("clinic", "patients").announce("admin", "system.users");
  one.block("clinic", "patients", {bson_text(patient(1))}).end("clinic", "patients");
  one.end("admin", "system.users");
  const Ended only = run({"encrypt", "--require-fields"}, one.bytes());
  EXPECT_EQ(only.status, 0) << only.err;
  EXPECT_NE(only.err.find("2 fields encrypted"), std::string::npos) << only.err;
}

// Once the documents of a file, which do not say whose they are, were those of a key vault without
// a name, and left as they were; and so were those of a collection that has a schema.
TEST_F(Archived, WhatIsToBeEncryptedIsNotTheKeyVault) {
  for (const char* ns : {"", "nodot", ".patients", "clinic."}) {
    const Ended e = run({"encrypt", "--vault-ns", ns, "--quiet"}, bson_text(patient(1)));
    EXPECT_EQ(e.status, 2) << ns;
    EXPECT_EQ(e.out, "") << ns;
    EXPECT_NE(e.err.find("--vault-ns"), std::string::npos) << e.err;
  }
  const auto refused = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"encrypt", "--vault-ns", "clinic.patients", "--quiet"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run(args, clinic_archive());
    EXPECT_EQ(e.status, 1) << e.err;
    EXPECT_EQ(e.out, "");
    EXPECT_NE(e.err.find("clinic.patients"), std::string::npos) << e.err;
  };
  refused({"--ns", "clinic.patients"});
  write_map({"clinic.patients", "clinic.visits"});
  refused({});
  refused({"--ns", "clinic.patients"});
  const Ended other = run({"encrypt", "--vault-ns", "clinic.keys"}, clinic_archive());
  EXPECT_EQ(other.status, 0) << other.err;
  const Ended file = run({"encrypt", "--vault-ns", "clinic.patients", "--ns", "clinic.patients"},
                         bson_text(patient(1)));
  EXPECT_EQ(file.status, 0) << file.err;
  EXPECT_NE(file.err.find("2 fields encrypted"), std::string::npos) << file.err;
}

// A mistyped name: once only its collection was named, as one of many that are copied.
TEST_F(Archived, ASchemaWithoutDocumentsIsTold) {
  const std::string schema = folder.read("schema.json");
  write_map({"clinic.patients", "clinic.Visits", "clinic.adults"});
  const Ended typed = run({"encrypt"}, clinic_archive());
  EXPECT_EQ(typed.status, 0) << typed.err;
  for (const char* told :
       {"warning: clinic.Visits: has a schema, and the input has no documents of that name. Did "
        "you "
        "mean 'visits'?",
        "warning: clinic.adults: has a schema, and the input has no documents of that name.\n"})
    EXPECT_NE(typed.err.find(told), std::string::npos) << told << "\n" << typed.err;
  EXPECT_EQ(typed.err.find("clinic.patients: has a schema"), std::string::npos) << typed.err;
  const Ended chosen = run({"encrypt", "--ns", "clinic.patients"}, clinic_archive());
  EXPECT_EQ(chosen.err.find("has a schema"), std::string::npos) << "one was asked for";
  const Ended missing = run({"encrypt", "--ns", "clinic.visits"}, clinic_archive());
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("no schema of 'clinic.visits'"), std::string::npos) << missing.err;
  // What is no map is not taken for the schema of one of them, nor a broken entry for none.
  const std::pair<std::string, const char*> broken[] = {
      {"{\"clinic.patients\": " + schema + ",}", "schema_syntax: "},
      {"{\"clinic.patients\": null, \"clinic.visits\": " + schema + "}", "unknown keyword"},
      {"{\"clinic.patients\": {\"validator\": {}}, \"clinic.visits\": " + schema + "}",
       "there is no '$jsonSchema' in 'validator'"}};
  for (const auto& [map, told] : broken) {
    folder.write("schema.json", map);
    const Ended e = run({"encrypt"}, clinic_archive());
    EXPECT_EQ(e.status, 1) << map;
    EXPECT_EQ(e.out, "");
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
    EXPECT_NE(e.err.find("(in schema 'schema.json')"), std::string::npos) << e.err;
  }
}

TEST_F(Archived, AFaultNamesCollectionDocumentAndField) {
  write_map({"clinic.patients", "clinic.visits"});
  ArchiveBuilder a;
  a.announce("clinic", "patients").announce("clinic", "visits");
  a.block("clinic", "visits", {bson_text(R"({"ssn": 1})")})
      .block("clinic", "patients", {bson_text(patient(1))})
      .block("clinic", "visits", {bson_text(R"({"ssn": "secret"})")})
      .end("clinic", "patients")
      .end("clinic", "visits");
  const Ended e = run({"encrypt"}, a.bytes());
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.err.find("fle: document 2: field 'ssn': type_not_allowed: "), 0U) << e.err;
  EXPECT_NE(e.err.find("(in clinic.visits)"), std::string::npos) << e.err;
  EXPECT_EQ(e.err.find("secret"), std::string::npos);
}

// ---- Folders

struct Folders : Archived {
  void put(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    folder.write(name, content);
  }
  [[nodiscard]] unsigned mode(const std::string& name) const {
    return static_cast<unsigned>(std::filesystem::status(folder.path() / name).permissions());
  }
  /// A dump of two databases.
  void put_dump(const std::string& name) const {
    put(name + "/prelude.json", R"({"ServerVersion":"7.0.5"})");
    put(name + "/clinic/patients.bson", bson_text(patient(1)) + bson_text(patient(2)));
    put(name + "/clinic/patients.metadata.json", R"({"indexes":[1]})");
    put(name + "/clinic/adults.metadata.json", R"({"options":{"viewOn":"patients"}})");
    put(name + "/clinic/empty.bson", "");
    put(name + "/clinic/a%2Fb.bson", bson_text(R"({"x": 1})"));
    put(name + "/clinic/notes.txt", "mine");
    put(name + "/encryption/__keyVault.bson", bson_text(R"({"x": 1})"));
  }
};

/// Paths and contents of all files below a folder.
std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& e : std::filesystem::recursive_directory_iterator(folder)) {
    if (!e.is_regular_file()) continue;
    std::ifstream in(e.path(), std::ios::binary);
    files[e.path().lexically_relative(folder)] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

TEST_F(Folders, BecomeFoldersWithTheSameFiles) {
  put_dump("dump");
  write_map({"clinic.patients", "clinic.a/b"});
  const Ended sealed = run({"encrypt", "--in", "dump", "--out", "sealed/"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_NE(sealed.err.find("4 fields encrypted"), std::string::npos) << sealed.err;
  EXPECT_NE(sealed.err.find("encryption.__keyVault: the key vault"), std::string::npos)
      << sealed.err;
  EXPECT_NE(sealed.err.find("clinic/notes.txt: not a file of mongodump's"), std::string::npos)
      << sealed.err;
  auto before = files_in(folder.path() / "dump");
  auto after = files_in(folder.path() / "sealed");
  EXPECT_EQ(after["clinic/patients.bson"].find("canary"), std::string::npos);
  EXPECT_EQ(cut(after["clinic/patients.bson"]).documents.size(), 2U);
  after["clinic/patients.bson"] = before["clinic/patients.bson"];
  EXPECT_EQ(after, before);
  const Ended opened = run({"decrypt", "--in", "sealed", "--out", "opened"});
  ASSERT_EQ(opened.status, 0) << opened.err;
  EXPECT_EQ(files_in(folder.path() / "opened"), before);
  for (const char* name : {"opened", "opened/clinic"}) EXPECT_EQ(mode(name), 0700U) << name;
  for (const char* name : {"opened/clinic/patients.bson", "opened/prelude.json"})
    EXPECT_EQ(mode(name), 0600U) << name;
  const Ended seen = run({"inspect", "--in", "sealed"});
  EXPECT_EQ(seen.status, 0) << seen.err;
  EXPECT_NE(seen.out.find("ssn  Deterministic"), std::string::npos) << seen.out;
}

// Collections without a schema and what mongodump did not write are copied, plaintext and all.
TEST_F(Folders, ShowOthersNoMoreThanWhatTheyAreMadeOf) {
  put_dump("dump");
  put("dump/open/visits.bson", bson_text(R"({"x": 1})"));
  write_map({"clinic.patients"});
  for (const auto& [name, mode] : {std::pair{"dump", 0750},
                                   {"dump/clinic", 0500},
                                   {"dump/open", 0777},
                                   {"dump/clinic/notes.txt", 0400},
                                   {"dump/clinic/patients.bson", 0640},
                                   {"dump/clinic/a%2Fb.bson", 0600},
                                   {"dump/open/visits.bson", 0666}})
    std::filesystem::permissions(folder.path() / name, std::filesystem::perms(mode));
  const Ended sealed = run({"encrypt", "--in", "dump", "--out", "sealed"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  for (const auto& [name, as] : {std::pair{"sealed", 0750U},
                                 {"sealed/clinic", 0700U},
                                 {"sealed/open", 0755U},
                                 {"sealed/encryption", 0755U},
                                 {"sealed/clinic/notes.txt", 0600U},
                                 {"sealed/clinic/patients.bson", 0640U},
                                 {"sealed/clinic/a%2Fb.bson", 0600U},
                                 {"sealed/clinic/empty.bson", 0644U},
                                 {"sealed/open/visits.bson", 0644U}})
    EXPECT_EQ(mode(name), as) << name;
}

// What a group may do is nothing that another one may, which what is made belongs to.
TEST_F(Folders, ShowAnotherGroupWhatAllMaySee) {
  FLE_SKIP_UNLESS_ROOT();
  put_dump("dump");
  write_map({"clinic.patients"});
  for (const auto& [name, mode] : {std::pair{"dump", 0750},
                                   {"dump/clinic", 0755},
                                   {"dump/clinic/notes.txt", 0640},
                                   {"dump/clinic/patients.bson", 0604}}) {
    const std::filesystem::path path = folder.path() / name;
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    ASSERT_EQ(::chown(path.c_str(), ::geteuid(), kAlice), 0);
  }
  const Ended sealed = run({"encrypt", "--in", "dump", "--out", "sealed"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  for (const auto& [name, as] : {std::pair{"sealed", 0700U},
                                 {"sealed/clinic", 0755U},
                                 {"sealed/clinic/notes.txt", 0600U},
                                 {"sealed/clinic/patients.bson", 0600U},
                                 {"sealed/clinic/empty.bson", 0644U}})
    EXPECT_EQ(mode(name), as) << name;
}

TEST_F(Folders, AppearWholeOrNotAtAll) {
  put_dump("dump");
  put("dump/clinic/z.bson", bson_text(patient(3)) + bson_text(R"({"ssn": "secret"})"));
  write_map({"clinic.patients", "clinic.z"});
  const auto names = folder.names();
  const Ended e = run({"encrypt", "--in", "dump", "--out", "sealed"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.err.find("fle: document 2: field 'ssn': type_not_allowed"), 0U) << e.err;
  EXPECT_NE(e.err.find("(in clinic.z)"), std::string::npos) << e.err;
  EXPECT_EQ(folder.names(), names) << "nothing half-written is left";
  put("sealed/mine", "");
  const Ended taken = run({"encrypt", "--in", "dump", "--out", "sealed"});
  EXPECT_NE(taken.err.find("'sealed' is there already"), std::string::npos) << taken.err;
  const std::pair<std::vector<std::string>, const char*> misused[] = {
      {{}, "name a new one by --out"},
      {{"--out", "-"}, "name a new one by --out"},
      {{"--out", "new", "--format", "bson"}, "leave out --format"},
      {{"--out", "new", "--to", "json"}, "leave out --to json"},
      {{"--out", "new", "--no-gzip"}, "leave out --gzip and --no-gzip"},
      {{"--out", "new", "--part", "1/2"}, "--part: the input is a folder"},
      {{"--out", "new", "--resume"}, "--resume: the input is a folder"},
      {{"--out", "dump/clinic/new/"}, "--out names a place in the folder of --in"}};
  for (const auto& [options, told] : misused) {
    std::vector<std::string> args{"encrypt", "--in", "dump"};
    args.insert(args.end(), options.begin(), options.end());
    const Ended wrong = run(args);
    EXPECT_EQ(wrong.status, 2) << wrong.err;
    EXPECT_NE(wrong.err.find(told), std::string::npos) << wrong.err;
  }
  put("dump/clinic/z.bson", bson_text(patient(3)).substr(0, 20));
  const Ended damaged = run({"decrypt", "--in", "dump", "--out", "new"});
  EXPECT_NE(damaged.err.find("document 1: truncated_stream"), std::string::npos) << damaged.err;
  EXPECT_NE(damaged.err.find("(in clinic.z)"), std::string::npos) << damaged.err;
}

// mongodump cuts names that are too long for a file: 40 letters of another alphabet are.
TEST_F(Folders, ACollectionWithALongNameIsFoundByItsMetadata) {
  std::string name;
  std::string escaped;
  for (int i = 0; i < 40; ++i) {
    name += "\xd0\xb6";
    escaped += "%D0%B6";
  }
  const std::string file =
      "dump/clinic/" + escaped.substr(0, 208) + "%24xFO0VquRn7cg3QooSZD5sglTddU";
  put(file + ".bson", bson_text(patient(1)));
  put(file + ".metadata.json", R"({"indexes":[],"collectionName":")" + name + R"("})");
  write_map({"clinic." + name});
  const Ended e = run({"encrypt", "--in", "dump", "--out", "sealed", "--require-fields"});
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_NE(e.err.find("2 fields encrypted"), std::string::npos) << e.err;
  EXPECT_EQ(e.err.find("warning"), std::string::npos) << e.err;
  EXPECT_EQ(files_in(folder.path() / "sealed").size(), 2U);
  put(file + ".metadata.json", R"({"indexes":[],"collectionName":)");
  const Ended broken = run({"encrypt", "--in", "dump", "--out", "again"});
  EXPECT_EQ(broken.status, 1);
  EXPECT_NE(broken.err.find(".metadata.json'"), std::string::npos) << broken.err;
  std::filesystem::remove(folder.path() / (file + ".metadata.json"));
  const Ended none = run({"encrypt", "--in", "dump", "--out", "again"});
  EXPECT_NE(none.err.find("without schema: 1 document copied as it is"), std::string::npos)
      << none.err;
}

TEST_F(Folders, OfOneDatabaseAreFoldersToo) {
  put("clinic/patients.bson", bson_text(patient(1)));
  put("clinic/patients.metadata.json", "{}");
  put("clinic/$admin.system.users.bson", bson_text(R"({"_id": "clinic.ann"})"));
  put("clinic/p%61tients.bson", bson_text(patient(2)));  // the same collection
  const Ended e = run({"encrypt", "--in", "clinic", "--out", "sealed"});
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_NE(e.err.find("clinic.patients: ssn  1"), std::string::npos) << e.err;
  EXPECT_NE(e.err.find("4 fields encrypted"), std::string::npos) << e.err;
  EXPECT_EQ(files_in(folder.path() / "sealed").size(), 4U);
  put("nothing/readme", "");
  const Ended none = run({"decrypt", "--in", "nothing", "--out", "x"});
  EXPECT_NE(none.err.find("'nothing' is no folder of mongodump"), std::string::npos) << none.err;
}

#if FLE_WITH_ZLIB
TEST_F(Folders, KeepEachFileCompressed) {
  put("dump/clinic/patients.bson.gz", gzip_text(bson_text(patient(1))));
  put("dump/clinic/patients.metadata.json.gz", gzip_text("{}"));
  const Ended e = run({"encrypt", "--in", "dump", "--out", "sealed"});
  ASSERT_EQ(e.status, 0) << e.err;
  const Cut sealed = cut(files_in(folder.path() / "sealed")["clinic/patients.bson.gz"]);
  EXPECT_TRUE(sealed.form.gzip);
  EXPECT_EQ(sealed.documents.size(), 1U);
  EXPECT_EQ(run({"encrypt", "--gzip", "--in", "dump", "--out", "x"}).status, 2);
}
#endif

}  // namespace
}  // namespace fle::test
