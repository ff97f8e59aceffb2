// Servers that do not keep to the protocol, and proxies that lose a part of it: what they leave out
// must not pass for 0.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using mongoc::WriteResult;

class AnswersTest : public Clinic {
 protected:
  void SetUp() override {
    Clinic::SetUp();
    if (!IsSkipped() && !server_->is_ours()) GTEST_SKIP() << "needs a server that does not hold";
  }
  /// The next command of this name is answered with `reply`.
  void answer_next(const std::string& name, const std::string& reply) const {
    fail_next(name, R"("reply": )" + reply);
  }
};

TEST_F(AnswersTest, CountsThatAreMissingAreNotZero) {
  auto collection = doctor();
  const Doc change = bson("{'$set': {'ssn': 6}}");
  for (const char* reply : {"{}", R"({"n": "1", "nModified": 1})", R"({"n": null})",
                            R"({"n": 0.5, "nModified": 1})", R"({"n": 1e300})", R"({"n": -1})"}) {
    answer_next("insert", reply);
    EXPECT_EQ(collection.insert_one(bson("{'ssn': 5}")).error().code, Errc::server_bad_answer);
    answer_next("update", reply);
    EXPECT_EQ(collection.update_one({}, change).error().code, Errc::server_bad_answer);
    answer_next("delete", reply);
    EXPECT_EQ(collection.delete_one({}).error().code, Errc::server_bad_answer);
    answer_next("count", reply);
    EXPECT_EQ(collection.estimated_count().error().code, Errc::server_bad_answer) << reply;
  }
  answer_next("update", R"({"n": 1})");
  EXPECT_EQ(collection.update_one({}, change).error().code, Errc::server_bad_answer);
  for (const char* n : {"\"many\"", "0.5", "-1", "1e300"}) {
    answer_next("aggregate",
                std::string(R"({"cursor": {"id": 0, "firstBatch": [{"n": )") + n + "}]}}");
    EXPECT_EQ(collection.count_documents().error().code, Errc::server_bad_answer) << n;
  }
}

TEST_F(AnswersTest, AWriteErrorOfAWriteThatWasNotSentIsNone) {
  auto collection = doctor();
  for (const char* index : {"1", "-1", "0.5", "\"0\"", "null"}) {
    answer_next("insert", std::string(R"({"n": 0, "writeErrors": [{"code": 11000, "index": )") +
                              index + "}]}");
    const auto done = collection.insert_one(bson("{'ssn': 5}"));
    ASSERT_FALSE(done) << index;
    EXPECT_EQ(done.error().code, Errc::server_bad_answer) << index;
  }
}

TEST_F(AnswersTest, NumbersHaveAnyBsonTypeOfThem) {
  auto collection = doctor();
  for (const char* n : {"1", R"({"$numberLong": "1"})", "1.0"}) {
    answer_next("insert", std::string(R"({"n": )") + n + "}");
    EXPECT_EQ(must(collection.insert_one(bson("{'ssn': 5}"))).inserted, 1) << n;
  }
}

}  // namespace
}  // namespace fle::test
