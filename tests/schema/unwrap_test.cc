// Schemas in what stands around them, and words that are proposed for others.
#include "fle/did_you_mean.h"
#include "fle/schema/lint.h"
#include "schema/schema_support.h"

namespace fle::test {
namespace {

using schema::compile_wrapped_json;
using schema::Origin;

const std::string kPatients =
    "{'bsonType':'object','properties':{'ssn':{'encrypt':{'bsonType':'int','algorithm':$D,'keyId':"
    "$K}}}}";
const std::string kVisits =
    "{'bsonType':'object','required':['note'],'properties':{'note':{'encrypt':{'algorithm':$R,"
    "'keyId':$K}}}}";

/// The paths that it encrypts, or the failure.
std::string compiled(const std::string& text, const std::string& ns = {},
                     Origin origin = Origin::local) {
  const auto plan = compile_wrapped_json(json(text.c_str()), origin, ns);
  if (!plan) return plan.error().to_string();
  std::string paths;
  for (const schema::Leaf& l : (*plan)->leaves()) paths += l.path + ";";
  return paths;
}

TEST(WrappedSchema, IsTakenOutOfWhatStandsAroundIt) {
  for (const std::string_view before :
       {"", "{'$jsonSchema':", "{'validator':{'$jsonSchema':",
        "{'create':'patients','validator':{'$jsonSchema':",
        "{'collMod':'patients','validationLevel':'strict','validator':{'$jsonSchema':",
        "{'name':'patients','type':'collection','options':{'validator':{'$jsonSchema':",
        "{'clinic.patients':", "{'clinic.patients':{'$jsonSchema':",
        "{'schemaMap':{'clinic.patients':"}) {
    const auto n = std::count(before.begin(), before.end(), '{');
    const std::string text =
        std::string(before) + kPatients + std::string(static_cast<std::size_t>(n), '}');
    EXPECT_EQ(compiled(text), "ssn;") << text;
    EXPECT_EQ(compiled(text, "clinic.patients"), "ssn;") << text;
  }
}

TEST(WrappedSchema, OfAValidatorIsARemoteOne) {
  EXPECT_NE(compiled(kVisits).find("schema_remote_only"), std::string::npos);
  EXPECT_EQ(compiled("{'$jsonSchema':" + kVisits + "}"), "note;");
  EXPECT_EQ(compiled("{'a.b':{'$jsonSchema':" + kVisits + "}}"), "note;");
  EXPECT_NE(compiled("{'a.b':" + kVisits + "}").find("schema_remote_only"), std::string::npos);
}

TEST(WrappedSchema, OfAMapIsChosenByItsCollection) {
  const std::string map =
      "{'clinic.patients':" + kPatients + ",'clinic.visits':{'$jsonSchema':" + kVisits + "}}";
  EXPECT_EQ(compiled(map, "clinic.patients"), "ssn;");
  EXPECT_EQ(compiled(map, "clinic.visits"), "note;");
  const std::string several = compiled(map);
  EXPECT_NE(several.find("has 2 schemas, of 'clinic.patients', 'clinic.visits': say which"),
            std::string::npos)
      << several;
  const std::string none = compiled(map, "clinic.Patients");
  EXPECT_NE(none.find("no schema of 'clinic.Patients', only of 'clinic.patients'"),
            std::string::npos)
      << none;
  const std::string other = compiled("{'clinic.patients':" + kPatients + "}", "clinic.visits");
  EXPECT_NE(other.find("no schema of 'clinic.visits'"), std::string::npos) << other;
}

TEST(WrappedSchema, OfAMapIsNotChosenByTheEndOfAName) {
  const std::string both =
      "{'clinic.patients':" + kPatients + ",'old.clinic.patients':{'$jsonSchema':" + kVisits + "}}";
  EXPECT_EQ(compiled(both, "clinic.patients"), "ssn;");
  EXPECT_EQ(compiled(both, "old.clinic.patients"), "note;") << "collection clinic.patients of old";
  const std::string none = compiled(both, "new.clinic.patients");
  EXPECT_NE(none.find("no schema of 'new.clinic.patients'"), std::string::npos) << none;
}

TEST(WrappedSchema, TellsOfWhichCollectionsThereAreSome) {
  const auto names = [](const std::string& text) {
    const auto all = schema::find_wrapped_collections_json(json(text));
    if (!all) return all.error().to_string();
    std::string s = all->with_database ? "map:" : "list:";
    for (const std::string& name : all->names) s += " " + name;
    return s;
  };
  const std::string one = "{'clinic.patients':" + kPatients + "}";
  EXPECT_EQ(names(one), "map: clinic.patients");
  EXPECT_EQ(names("{'schemaMap':{'a.b':{'validator':{}},'a.c':" + kVisits + "}}"), "map: a.b a.c");
  EXPECT_EQ(names("[{'name':'v','type':'view'},{'name':'p','options':{'validator':{'$jsonSchema':" +
                  kPatients + "}}}]"),
            "list: p");
  EXPECT_EQ(names(kPatients), "map:") << "it is a schema";
  EXPECT_EQ(names("{'a.b':null,'a.c':" + kVisits + "}"), "map:") << "and so is that, a broken one";
  EXPECT_EQ(names("{'validator':{}}").find("map:"), std::string::npos);
  EXPECT_EQ(names("{'a.b':").find("map:"), std::string::npos);
}

TEST(WrappedSchema, OfAListOfCollectionsIsChosenByItsName) {
  const auto entry = [](const std::string& name, const std::string& schema) {
    return "{'name':'" + name + "','type':'collection','options':{" +
           (schema.empty() ? "" : "'validator':{'$jsonSchema':" + schema + "}") +
           "},'info':{'readOnly':false},'idIndex':{'v':2,'key':{'_id':1}}}";
  };
  const std::string one = "[" + entry("plain", "") + "," + entry("patients", kPatients) +
                          ",{'name':'v','type':'view','options':{'viewOn':'patients'}}]";
  const std::string two = "[" + entry("patients", kPatients) + "," + entry("visits", kVisits) + "]";
  const std::string answer =
      "{'cursor':{'id':0,'ns':'clinic.$cmd.listCollections','firstBatch':" + two + "},'ok':1}";
  EXPECT_EQ(compiled(one), "ssn;") << "the only one that has a schema";
  EXPECT_EQ(compiled(one, "clinic.patients"), "ssn;");
  for (const std::string& list : {two, answer}) {
    EXPECT_EQ(compiled(list, "clinic.patients"), "ssn;");
    EXPECT_EQ(compiled(list, "clinic.visits"), "note;");
    EXPECT_NE(compiled(list).find("this list of collections has 2 schemas, of 'patients', "
                                  "'visits': say which"),
              std::string::npos)
        << compiled(list);
    EXPECT_NE(compiled(list, "clinic.x").find("no schema of 'clinic.x', only of 'patients'"),
              std::string::npos);
  }
  EXPECT_NE(compiled(one, "clinic.plain").find("there is no '$jsonSchema' in 'options'"),
            std::string::npos)
      << compiled(one, "clinic.plain");
  EXPECT_NE(compiled("[" + entry("plain", "") + "]").find("no '$jsonSchema' in this list"),
            std::string::npos);
  const auto names = schema::find_wrapped_json(json(answer), "clinic.visits");
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"cursor", "firstBatch", "1", "options", "validator",
                                              "$jsonSchema"}));
  const auto report = schema::lint_wrapped_json(json(two));
  EXPECT_EQ(report.n_broken, 0U) << "every schema of it is looked at";
}

TEST(WrappedSchema, KeepsLineColumnAndPointerOfItsFaults) {
  const auto plan = compile_wrapped_json(
      json("{'validator':\n{'$jsonSchema':{'bsonType':'object','propertys':{}}}}"), Origin::local,
      {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().path, "/validator/$jsonSchema/propertys");
  EXPECT_EQ(plan.error().line, 2U);
}

TEST(WrappedSchema, ThatIsNotThereIsRefused) {
  for (const char* text : {"{'validator':{'age':{'$gt':5}}}", "{'validator':5}",
                           "{'options':{'capped':true}}", "{'schemaMap':{}}"}) {
    const std::string answer = compiled(text);
    EXPECT_NE(answer.find("there is no '$jsonSchema'"), std::string::npos) << answer;
  }
  EXPECT_NE(compiled("{'$jsonSchema':5}").find("schema_type_mismatch"), std::string::npos);
  EXPECT_NE(compiled("{'$jsonSchema':{},'bsonType':'object'}").find("this is a validator"),
            std::string::npos)
      << "ambiguous: a schema with a keyword too many";
  EXPECT_NE(compiled("[]").find("must be an object"), std::string::npos);
  EXPECT_EQ(compiled("{}"), "");
}

TEST(WrappedSchema, MayNotBeNestedWithoutEnd) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "{'$jsonSchema':";
  EXPECT_EQ(compiled(text + kPatients + std::string(150, '}')), "ssn;");
}

TEST(DidYouMean, ProposesAWordThatIsCloseAndAnother) {
  constexpr std::string_view kKnown[] = {"accessKeyId", "secretAccessKey", "sessionToken", "aws"};
  const auto meant = [&](std::string_view name) { return did_you_mean(name, kKnown); };
  EXPECT_EQ(meant("accessKeyID"), " Did you mean 'accessKeyId'? Upper and lower case matter.");
  EXPECT_EQ(meant("access_key_id"), " Did you mean 'accessKeyId'?");
  EXPECT_EQ(meant("acessKeyId"), " Did you mean 'accessKeyId'?");
  EXPECT_EQ(meant("AWS"), " Did you mean 'aws'? Upper and lower case matter.");
  EXPECT_EQ(meant("accessKeyId"), "") << "never the same word";
  EXPECT_EQ(meant("x"), "");
  EXPECT_EQ(meant(""), "");
  EXPECT_EQ(meant("tenantId"), "");
  EXPECT_EQ(meant(std::string(1000, 'a')), "");
  EXPECT_EQ(meant("\xff\xfe"), "");
  EXPECT_EQ(listed(kKnown), "accessKeyId, secretAccessKey, sessionToken and aws");
}

// Such a word looks like the one that was typed: what differs is told.
TEST(DidYouMean, TellsWhatIsNotSeen) {
  constexpr std::string_view kKnown[] = {"keyId", "algorithm", "$in", "local"};
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"KeyId", " Did you mean 'keyId'? Upper and lower case matter."},
      {"k\u0435yId", " Did you mean 'keyId'? The name has U+0435 where 'e' is meant."},
      {"\u043aeyId", " Did you mean 'keyId'? The name has U+043A where 'k' is meant."},
      {"k\u0113yId", " Did you mean 'keyId'? The name has U+0113."},
      {"keyId\u200b", " Did you mean 'keyId'? The name has U+200B, which is not seen."},
      {"\ufeffkeyId", " Did you mean 'keyId'? The name has U+FEFF, which is not seen."},
      {"keyId ", " Did you mean 'keyId'? The name has U+0020, a space."},
      {"keyId\t", " Did you mean 'keyId'? The name has U+0009, a space."},
      {"\u00a0keyId", " Did you mean 'keyId'? The name has U+00A0, a space."},
      {"\uff4b\uff45\uff59\uff29\uff44",
       " Did you mean 'keyId'? The name has U+FF4B where 'k' is meant."},
      {"aIgorithm", " Did you mean 'algorithm'? The name has U+0049 where 'l' is meant."},
      {"a1gorithm", " Did you mean 'algorithm'? The name has U+0031 where 'l' is meant."},
      {"alg0rithm", " Did you mean 'algorithm'? The name has U+0030 where 'o' is meant."},
      {"ALGORlTHM", " Did you mean 'algorithm'?"},
      {"\uff04in", " Did you mean '$in'? The name has U+FF04 where '$' is meant."},
      {"l\u043ec\u0430l", " Did you mean 'local'? The name has U+043E where 'o' is meant."},
      {"KEY_ID", " Did you mean 'keyId'?"},
  };
  for (const auto& [name, told] : cases) EXPECT_EQ(did_you_mean(name, kKnown), told) << name;
}

// Whatever is typed: no proposal is the word itself, and one that looks like it says why it is not.
TEST(DidYouMean, NeverProposesWhatWasTyped) {
  constexpr std::string_view kKnown[] = {"keyId", "keyID", "key_id", "KEYID", "a", "ab", "$eq", ""};
  for (const std::string_view name : kKnown) EXPECT_EQ(did_you_mean(name, kKnown), "") << name;
  for (const std::string_view name : kKnown) {
    const std::string_view one[] = {name};
    for (const char* around : {" ", "\u200b", "\t"})
      for (const std::string& typed :
           {name.data() + std::string(around), around + std::string(name)})
        if (const std::string told = did_you_mean(typed, one); !told.empty()) {
          EXPECT_NE(told.find("The name has U+"), std::string::npos) << told;
        }
  }
}

}  // namespace
}  // namespace fle::test
