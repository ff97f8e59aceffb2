// Schemas in what stands around them, and words that are proposed for others.
#include "fle/did_you_mean.h"
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
  EXPECT_EQ(meant("accessKeyID"), " Did you mean 'accessKeyId'?");
  EXPECT_EQ(meant("access_key_id"), " Did you mean 'accessKeyId'?");
  EXPECT_EQ(meant("acessKeyId"), " Did you mean 'accessKeyId'?");
  EXPECT_EQ(meant("AWS"), " Did you mean 'aws'?");
  EXPECT_EQ(meant("accessKeyId"), "") << "never the same word";
  EXPECT_EQ(meant("x"), "");
  EXPECT_EQ(meant(""), "");
  EXPECT_EQ(meant("tenantId"), "");
  EXPECT_EQ(meant(std::string(1000, 'a')), "");
  EXPECT_EQ(listed(kKnown), "accessKeyId, secretAccessKey, sessionToken and aws");
}

}  // namespace
}  // namespace fle::test
