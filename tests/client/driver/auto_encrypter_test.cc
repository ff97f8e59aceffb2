#include "fle/client/auto_encrypter.h"

#include "client/client_support.h"
#include "fle/payload.h"
#include "support/bson_values.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using test::bson;
using test::Doc;

class AutoEncrypterTest : public testing::Test {
 protected:
  AutoEncrypterTest() : key_(keys_.new_key({"doctor"})) {
    options_.schema_map["clinic.patients"] = test::patients(key_);
  }

  test::World keys_;
  KeyId key_;
  AutoEncrypter::Options options_;
};

TEST_F(AutoEncrypterTest, EncryptsAnInsertAsDocumentCipherDoes) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  const auto sent = auto_encrypter.encrypt_command(
      "clinic", bson("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5, 'name': 'x'}]}"));
  ASSERT_TRUE(sent) << sent.error().to_string();
  client::DocumentCipher cipher(options_.schema_map.begin()->second, keys_.ring());
  client::Batch batch;
  const Doc document = bson("{'_id': 1, 'ssn': 5, 'name': 'x'}");
  batch.add(document);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(test::find_value(*sent, {"documents", "0"}).value().bytes, test::copy(batch.output(0)));
}

TEST_F(AutoEncrypterTest, AMessageTakesNoPlanFromOneCommandToTheNext) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  const AutoEncrypter without_schemas({}, keys_.ring());
  const Doc patients = bson("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}");
  const Doc visits = bson("{'insert': 'visits', 'documents': [{'_id': 1, 'ssn': 5}]}");
  client::Message message;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", patients, message));
    EXPECT_EQ(message.fields(), 1U);
    ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", visits, message));
    EXPECT_EQ(test::copy(message.output()), visits);
    ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", patients, message));
    EXPECT_EQ(message.fields(), 1U);
    ASSERT_TRUE(auto_encrypter.encrypt_command("hr", patients, message));
    EXPECT_EQ(test::copy(message.output()), patients);
    ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", patients, message));
    ASSERT_TRUE(without_schemas.encrypt_command("clinic", patients, message));
    EXPECT_EQ(test::copy(message.output()), patients);
  }
}

TEST_F(AutoEncrypterTest, FindsWhatItInserted) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  const auto inserted = auto_encrypter.encrypt_command(
      "clinic", bson("{'insert': 'patients', 'documents': [{'ssn': 5}]}"));
  const auto found = auto_encrypter.encrypt_command(
      "clinic", bson("{'find': 'patients', 'filter': {'ssn': 5, 'name': 'x'}}"));
  ASSERT_TRUE(inserted && found);
  EXPECT_EQ(test::find_value(*inserted, {"documents", "0", "ssn"}),
            test::find_value(*found, {"filter", "ssn", "$eq"}));
  EXPECT_EQ(test::text_of(test::find_value(*found, {"filter", "name", "$eq"}).value()), "x");
}

TEST_F(AutoEncrypterTest, DecryptsWholeReplies) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  const auto sent = auto_encrypter.encrypt_command(
      "clinic", bson("{'insert': 'patients', 'documents': [{'ssn': 5, 'bloodType': 'AB+'}]}"));
  ASSERT_TRUE(sent);
  const auto back = auto_encrypter.decrypt_reply(*sent);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, bson("{'insert': 'patients', 'documents': [{'ssn': 5, 'bloodType': 'AB+'}]}"));
}

TEST_F(AutoEncrypterTest, TellsWhichFieldsItHasEncrypted) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  client::Message message;
  const Doc command = bson(
      "{'insert': 'patients', 'documents': [{'ssn': 5, 'bloodType': 'AB+'}, {'ssn': 6, 'name': "
      "'x'}]}");
  ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", command, message));
  std::vector<std::string> paths;
  for (const schema::Leaf* leaf : message.leaves()) paths.push_back(leaf->path);
  EXPECT_EQ(paths, (std::vector<std::string>{"ssn", "bloodType", "ssn"}));
  const Doc sent = test::copy(message.output());
  ASSERT_TRUE(auto_encrypter.decrypt_reply(sent, message));
  EXPECT_TRUE(message.leaves().empty());
  // Plain values of a filter that is written out are no encrypted fields.
  const Doc find = bson("{'find': 'patients', 'filter': {'ssn': 5, 'name': 'x'}}");
  ASSERT_TRUE(auto_encrypter.encrypt_command("clinic", find, message));
  EXPECT_EQ(message.leaves().size(), 1U);
  const Doc wrong = bson("{'find': 'patients', 'filter': {'ssn': {'$gt': 5}}}");
  ASSERT_FALSE(auto_encrypter.encrypt_command("clinic", wrong, message));
  EXPECT_TRUE(message.leaves().empty());
}

TEST_F(AutoEncrypterTest, FindsDocumentsOfTheOldKeyWhileAKeyIsChanged) {
  const AutoEncrypter before(options_, keys_.ring());
  const Doc insert = bson("{'insert': 'patients', 'documents': [{'ssn': 5}]}");
  const auto old_value =
      test::find_value(*before.encrypt_command("clinic", insert), {"documents", "0", "ssn"});
  const KeyId new_key = keys_.new_key({"doctor2"});
  options_.schema_map["clinic.patients"] = test::patients(new_key);
  options_.previous_keys[new_key] = {key_};
  const AutoEncrypter after(options_, keys_.ring());
  client::Message message;
  ASSERT_TRUE(after.encrypt_command("clinic", insert, message));
  const auto new_value = test::find_value(message.output(), {"documents", "0", "ssn"});
  const Doc find = bson("{'find': 'patients', 'filter': {'ssn': 5, 'name': 'x'}}");
  ASSERT_TRUE(after.encrypt_command("clinic", find, message));
  EXPECT_EQ(message.fields(), 2U);
  EXPECT_NE(old_value, new_value);
  EXPECT_EQ(test::find_value(message.output(), {"filter", "ssn", "$in", "0"}), new_value);
  EXPECT_EQ(test::find_value(message.output(), {"filter", "ssn", "$in", "1"}), old_value);
  EXPECT_EQ(test::text_of(test::find_value(message.output(), {"filter", "name", "$eq"}).value()),
            "x");
}

TEST_F(AutoEncrypterTest, MakesNoViewOfACollectionThatEncrypts) {
  options_.list_collections = [](std::string_view,
                                 Bytes) -> Outcome<std::vector<std::vector<std::uint8_t>>> {
    return std::vector<std::vector<std::uint8_t>>{};
  };
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  const auto create = [&](const std::string& on) {
    return auto_encrypter.encrypt_command(
        "clinic", bson("{'create': 'v', 'viewOn': '" + on +
                       "', 'pipeline': [{'$match': {'ssn': 5}}], 'validator': {'$jsonSchema': "
                       "{'bsonType': 'object'}}}"));
  };
  const auto refused = create("patients");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::view_not_supported);
  EXPECT_TRUE(create("others"));
}

TEST_F(AutoEncrypterTest, SaysWhyItRefusesAndLeavesNothing) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  client::Message message;
  const Doc command = bson("{'find': 'patients', 'filter': {'ssn': {'$gt': 5}}}");
  const Done done = auto_encrypter.encrypt_command("clinic", command, message);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::operator_not_allowed);
  EXPECT_EQ(done.error().path, "filter.ssn.$gt");
  EXPECT_TRUE(message.output().empty());
  ASSERT_EQ(message.findings().size(), 1U);
  EXPECT_EQ(message.findings()[0].field, "ssn");
  EXPECT_FALSE(message.findings()[0].advice.empty());
}

}  // namespace
}  // namespace fle
