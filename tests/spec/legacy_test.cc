// The specification's legacy tests by way of DocumentCipher, as far as they need no query analysis:
// documents that are inserted, and documents that are found by _id or without a filter. Whole
// commands are in command_test.cc.
#include <map>

#include "scene.h"

namespace fle {
namespace {

using test::Buf;
using test::find_value;
using test::items_of;
using test::Scene;

/// What a file must have given at its end: no test of it may fall silent.
struct Expected {
  const char* file;
  int encrypted;  // documents inserted
  int refused;    // inserts and finds that fail as they should
  int decrypted;  // documents found
};

void PrintTo(const Expected& e, std::ostream* os) { *os << e.file; }

constexpr Expected kFiles[] = {{"awsTemporary", 1, 0, 0},
                               {"azureKMS", 1, 0, 0},
                               {"badQueries", 0, 1, 0},
                               {"badSchema", 0, 4, 0},
                               {"basic", 2, 0, 2},
                               {"bulk", 2, 0, 0},
                               {"bypassAutoEncryption", 2, 0, 4},
                               {"gcpKMS", 1, 0, 0},
                               {"getMore", 0, 0, 3},
                               {"insert", 3, 0, 0},
                               {"keyAltName", 1, 0, 0},
                               {"keyCache", 1, 0, 1},
                               {"kmipKMS", 2, 0, 0},
                               {"localKMS", 1, 0, 0},
                               {"localSchema", 1, 1, 1},
                               {"malformedCiphertext", 0, 2, 1},
                               {"missingKey", 0, 1, 0},
                               {"namedKMS", 1, 0, 1},
                               {"noSchema", 1, 0, 0}};

/// The codes that stand for the specification's error texts.
const std::map<std::string, std::vector<Errc>> kCodes = {
    {"Cannot encrypt element of type", {Errc::type_not_allowed}},
    {"not all keys requested were satisfied", {Errc::key_not_found}},
    {"malformed ciphertext", {Errc::malformed_payload}},
    {"JSON schema keyword 'required' is only allowed with a remote schema",
     {Errc::schema_remote_only}},
    {"Invalid schema", {Errc::schema_bad_position, Errc::schema_conflict}},
    {"'encrypt' cannot be used in conjunction with 'bsonType'", {Errc::schema_conflict}}};

/// Failures that come from a network or a clock.
bool is_out_of_reach(const std::string& error) {
  return error.find("security token") != std::string::npos;
}

class Legacy : public test::SpecTest, public ::testing::WithParamInterface<Expected> {
 protected:
  void run_file(const Buf& file) {
    for (const Buf& t : items_of(find_value(file, {"tests"}))) {
      SCOPED_TRACE(test::text_of(find_value(t, {"description"}).value()));
      if (find_value(t, {"skipReason"}) || is_timeout_test(t)) continue;
      run_test(file, t);
    }
  }

  int n_encrypted_ = 0;
  int n_refused_ = 0;
  int n_decrypted_ = 0;

 private:
  static bool is_timeout_test(const Buf& t) {
    return find_value(t, {"operations", "0", "result", "isTimeoutError"}).has_value();
  }

  void run_test(const Buf& file, const Buf& t) {
    Scene scene(file, t);
    bool only_inserts_and_finds = true;
    std::vector<Buf> inserted;
    for (const Buf& op : items_of(find_value(t, {"operations"}))) {
      const std::string name = test::text_of(find_value(op, {"name"}).value());
      if (name == "find") {
        find(scene, op);
      } else if (const auto documents = documents_to_insert(name, op); !documents.empty()) {
        only_inserts_and_finds &= insert(scene, op, documents, inserted) && name != "bulkWrite";
      } else {
        only_inserts_and_finds &= name == "wait";
      }
    }
    scene.expect_match(inserted, documents_on_the_wire(t));
    if (const auto outcome = find_value(t, {"outcome", "collection", "data"});
        outcome && only_inserts_and_finds) {
      scene.expect_match(scene.collection(), items_of(outcome));
    }
  }

  static std::vector<Buf> documents_to_insert(const std::string& name, const Buf& op) {
    if (name == "insertOne") return {find_value(op, {"arguments", "document"}).value().bytes};
    if (name == "insertMany") return items_of(find_value(op, {"arguments", "documents"}));
    std::vector<Buf> out;
    if (name != "bulkWrite") return out;
    for (const Buf& request : items_of(find_value(op, {"arguments", "requests"}))) {
      for (const Buf& d :
           documents_to_insert(test::text_of(find_value(request, {"name"}).value()), request))
        out.push_back(d);
    }
    return out;
  }

  /// The documents of every insert command that the test saw go out.
  static std::vector<Buf> documents_on_the_wire(const Buf& t) {
    std::vector<Buf> out;
    for (const Buf& event : items_of(find_value(t, {"expectations"}))) {
      const auto command = find_value(event, {"command_started_event", "command"}).value();
      if (!find_value(command.bytes, {"insert"})) continue;
      for (const Buf& d : items_of(find_value(command.bytes, {"documents"}))) out.push_back(d);
    }
    return out;
  }

  static std::optional<std::string> expected_error(const Buf& op) {
    const auto error = find_value(op, {"result", "errorContains"});
    if (!error) return std::nullopt;
    return test::text_of(*error);
  }

  /// False when the test is about something that is not here.
  bool insert(Scene& scene, const Buf& op, const std::vector<Buf>& documents,
              std::vector<Buf>& inserted) {
    const auto error = expected_error(op);
    if (error && is_out_of_reach(*error)) return false;
    for (const Buf& d : documents) {
      const auto out = scene.insert(d);
      if (error) {
        expect_refused(out, *error);
        continue;
      }
      if (!out) {
        ADD_FAILURE() << out.error().to_string();
        continue;
      }
      inserted.push_back(*out);
      ++n_encrypted_;
    }
    return true;
  }

  void find(const Scene& scene, const Buf& op) {
    const auto filter = find_value(op, {"arguments", "filter"}).value();
    const auto id = find_value(filter.bytes, {"_id"});
    if (!id && filter.bytes.size() > 5) return;  // a query to analyze
    const auto error = expected_error(op);
    std::vector<Buf> found;
    for (const Buf& d : scene.collection()) {
      if (id && find_value(d, {"_id"}) != id) continue;
      const auto out = scene.decrypt(d);
      if (error) {
        expect_refused(out, *error);
        return;
      }
      if (!out) {
        ADD_FAILURE() << out.error().to_string();
        continue;
      }
      found.push_back(*out);
      ++n_decrypted_;
    }
    scene.expect_match(found, items_of(find_value(op, {"result"})));
  }

  void expect_refused(const Outcome<Buf>& out, const std::string& text) {
    ASSERT_FALSE(out) << "expected: " << text;
    const auto codes = kCodes.find(text);
    ASSERT_NE(codes, kCodes.end()) << "no code for: " << text;
    EXPECT_EQ(std::count(codes->second.begin(), codes->second.end(), out.error().code), 1)
        << text << " is " << out.error().to_string();
    ++n_refused_;
  }
};

TEST_P(Legacy, InsertsAndFindsAsTheSpecificationSays) {
  const Expected& e = GetParam();
  run_file(read_bson(std::string("tests/legacy/") + e.file + ".json"));
  EXPECT_EQ(n_encrypted_, e.encrypted);
  EXPECT_EQ(n_refused_, e.refused);
  EXPECT_EQ(n_decrypted_, e.decrypted);
}

INSTANTIATE_TEST_SUITE_P(, Legacy, ::testing::ValuesIn(kFiles),
                         [](const auto& file) { return std::string(file.param.file); });

}  // namespace
}  // namespace fle
