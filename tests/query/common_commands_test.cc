#include <fstream>

#include "fle/bson/extended_json.h"
#include "query_support.h"

namespace fle {
namespace {

/// patients as in the demo; nothing else encrypts.
std::shared_ptr<const schema::Plan> patients() {
  return test::plan_of(
      "{'bsonType': 'object', 'properties': {'ssn': " + test::det("string") +
      ", 'bloodType': " + test::rand() + ", 'medicalRecords': " + test::rand() +
      ", 'insurance': {'bsonType': 'object', 'properties': {'policyNumber': " + test::det("int") +
      ", 'provider': {'bsonType': 'string'}}}, 'name': {'bsonType': 'string'}}}");
}

/// "pass", or the rule by which the command is refused.
std::string verdict(Bytes command, const std::shared_ptr<const schema::Plan>& patients) {
  const auto target = query::read_target(command);
  if (!target) return target.error().to_string();
  std::vector<query::CollectionSchema> schemas;
  query::list_schemas(*target, schemas);
  for (query::CollectionSchema& s : schemas)
    if (s.collection == "patients") s.plan = patients;
  query::Analysis analysis;
  const Done done = query::analyze(command, "clinic", schemas, analysis, {.target = &*target});
  return done ? "pass" : std::string(analysis.refused_by.view());
}

TEST(CommonCommands, PassOrAreRefusedForAReasonThatIsWrittenDown) {
  std::ifstream in(FLE_TEST_COMMANDS);
  const auto plan = patients();
  int n = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(space + 1);
    WipedBytes bytes;  // by our own reader: libbson's knows fewer forms
    ASSERT_TRUE(bson::read_extended_json(bytes, command)) << command;
    EXPECT_EQ(verdict(bytes, plan), line.substr(0, space)) << command;
    ++n;
  }
  EXPECT_GT(n, 350);
}

}  // namespace
}  // namespace fle
