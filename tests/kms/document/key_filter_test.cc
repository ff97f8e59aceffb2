#include "fle/kms/key_filter.h"

#include "kms/support.h"

namespace fle::kms {
namespace {

using test::bson_of;
using test::document;
using test::id_of;

/// Created at 1'600'000'000'001 ms, updated at ...005.
KeyDocument key() {
  KeyDocument d = document(1, {"a", "b"});
  d.update_date = KeyDocument::Time(std::chrono::milliseconds(1'600'000'000'005));
  d.master_key = *MasterKey::from_fields("aws:prod", bson_of(R"({"region": "r", "key": "arn"})"));
  return d;
}

bool matches(const std::string& json, const KeyDocument& d = key()) {
  const auto filter = KeyFilter::from_bson(bson_of(json));
  if (!filter) throw std::runtime_error(filter.error().to_string());
  const auto result = filter->matches(d);
  EXPECT_TRUE(result) << json << ": " << result.error().to_string();
  return result && *result;
}

const std::string kId = R"({"$binary": {"base64": "AAAAAQAAAAAAAAAAAAAAAA==", "subType": "04"}})";
const std::string kOtherId =
    R"({"$binary": {"base64": "AAAAAgAAAAAAAAAAAAAAAA==", "subType": "04"}})";
std::string at(long ms) { return R"({"$date": {"$numberLong": ")" + std::to_string(ms) + "\"}}"; }

TEST(KeyFilter, MatchesWhatMongoDbWouldMatch) {
  const std::string yes[] = {
      "{}",
      R"({"_id": )" + kId + "}",
      R"({"_id": {"$in": [)" + kOtherId + ", " + kId + "]}}",
      R"({"_id": {"$lt": )" + kOtherId + "}}",
      R"({"keyAltNames": "b"})",
      R"({"keyAltNames": ["a", "b"]})",
      R"({"keyAltNames": {"$in": ["x", "a"]}})",
      R"({"keyAltNames": {"$ne": "c"}})",
      R"({"keyAltNames": {"$gt": "a"}})",
      R"({"creationDate": {"$lt": )" + at(1'600'000'000'002) + "}}",
      R"({"creationDate": {"$gte": )" + at(1'600'000'000'001) + R"(, "$lte": )" +
          at(1'600'000'000'001) + "}}",
      R"({"masterKey.provider": "aws:prod", "masterKey.region": {"$eq": "r"}})",
      R"({"masterKey": {"provider": "aws:prod", "region": "r", "key": "arn"}})",
      R"({"masterKey.endpoint": {"$exists": false}})",
      R"({"masterKey.endpoint": null})",
      R"({"masterKey.region": {"$exists": true, "$nin": ["x", null]}})",
      R"({"version": {"$in": [null, 0]}})",
      R"({"status": 0})",
      R"({"status": {"$numberLong": "0"}})",
      R"({"status": {"$lt": 0.5}})",
      R"({"status": {"$in": [{"$numberDouble": "0.0"}]}})",
      R"({"$or": [{"status": 1}, {"status": 0}]})",
      R"({"$and": [{"status": 0}, {"$or": [{"keyAltNames": "a"}]}]})",
  };
  for (const std::string& json : yes) EXPECT_TRUE(matches(json)) << json;
  const std::string no[] = {
      R"({"_id": )" + kOtherId + "}",
      R"({"_id": {"$in": []}})",
      R"({"_id": "AAAAAQAAAAAAAAAAAAAAAA=="})",
      R"({"_id": {"$binary": {"base64": "AAAAAQAAAAAAAAAAAAAAAA==", "subType": "03"}}})",
      R"({"keyAltNames": "A"})",
      R"({"keyAltNames": ["b", "a"]})",
      R"({"keyAltNames": {"$ne": "a"}})",
      R"({"keyAltNames": {"$nin": ["b"]}})",
      R"({"keyAltNames": null})",
      R"({"creationDate": {"$lt": )" + at(1'600'000'000'001) + "}}",
      R"({"creationDate": {"$lt": 1700000000000}})",
      R"({"creationDate": {"$gt": "a"}})",
      R"({"masterKey.provider": "aws"})",
      R"({"masterKey.provider": "aws:prod", "status": 1})",
      R"({"masterKey.key": {"$exists": 0}})",
      R"({"status": false})",
      R"({"status": {"$numberDouble": "NaN"}})",
      R"({"$or": [{"status": 1}, {"status": 2}]})",
      R"({"$and": [{"status": 0}, {"status": 1}]})",
  };
  for (const std::string& json : no) EXPECT_FALSE(matches(json)) << json;
  EXPECT_TRUE(matches(R"({"keyAltNames": null})", document(1)));
  EXPECT_TRUE(matches(R"({"keyAltNames": {"$exists": false}})", document(1)));
}

TEST(KeyFilter, RefusesWhatItDoesNotUnderstandWhateverTheKey) {
  const std::string refused[] = {
      R"({"keyaltnames": "a"})",
      R"({"masterKey.": "a"})",
      R"({"masterKey.a.b": "a"})",
      R"({"keyAltNames.0": "a"})",
      R"({"_id": {"$regex": "a"}})",
      R"({"_id": {"$in": "a"}})",
      R"({"keyAltNames": {"$regularExpression": {"pattern": "a", "options": ""}}})",
      R"({"status": {"$numberDecimal": "0"}})",
      R"({"status": {"$lt": null}})",
      R"({"masterKey": {"$gt": {"a": 1}}})",
      R"({"status": {"$not": {"$lt": 1}}})",
      R"({"$nor": [{"status": 1}]})",
      R"({"$where": "true"})",
      R"({"$and": []})",
      R"({"$or": {"status": 1}})",
      R"({"$or": [1]})",
      // Also where the result is known before it is met.
      R"({"status": 1, "_id": {"$regex": "a"}})",
      R"({"$or": [{"status": 0}, {"$nor": []}]})",
      R"({"status": {"$in": [0, {"$timestamp": {"t": 1, "i": 1}}]}})",
  };
  for (const std::string& json : refused) {
    const auto filter = KeyFilter::from_bson(bson_of(json));
    ASSERT_TRUE(filter) << json;
    for (const auto& result : {filter->check(), Done(filter->matches(key()).error())}) {
      ASSERT_FALSE(result) << json;
      EXPECT_EQ(result.error().code, Errc::invalid_argument) << json;
      EXPECT_NE(result.error().message.find("key filter: "), std::string::npos);
    }
  }
}

TEST(KeyFilter, RefusesEndlessNestingAndWhatIsNoBson) {
  std::string deep = R"({"status": 0})";
  for (int i = 0; i < 40; ++i) deep = R"({"$and": [)" + deep + "]}";
  EXPECT_FALSE(KeyFilter::from_bson(bson_of(deep))->check());
  auto cut = bson_of(R"({"status": 0})");
  cut.pop_back();
  EXPECT_EQ(KeyFilter::from_bson(cut).error().code, Errc::invalid_argument);
  EXPECT_FALSE(KeyFilter::from_bson({}));
  // A length inside that leads out of the document.
  auto wild = bson_of(R"({"$and": [{"status": 0}]})");
  wild[10] = 0x7f;
  const auto filter = KeyFilter::from_bson(wild);
  EXPECT_TRUE(!filter || !filter->check());
}

TEST(KeyFilter, IsBuiltUpOfConditionsThatMustAllHold) {
  EXPECT_TRUE(KeyFilter().empty());
  EXPECT_EQ(KeyFilter().to_bson(), bson_of("{}"));
  EXPECT_EQ(KeyFilter().provider("aws:prod").to_bson(),
            bson_of(R"({"masterKey.provider": "aws:prod"})"));
  const KeyId ids[] = {id_of(1)};
  const std::string names[] = {"n"};
  const auto all = KeyFilter()
                       .any_of(ids, names)
                       .master_key_field("region", "r")
                       .created_before(KeyDocument::Time(std::chrono::milliseconds(5)))
                       .updated_before(KeyDocument::Time(std::chrono::milliseconds(6)));
  EXPECT_EQ(all.to_bson(),
            bson_of(R"({"$and": [{"$or": [{"_id": {"$in": [)" + kId +
                    R"(]}}, {"keyAltNames": {"$in": ["n"]}}]}, {"masterKey.region": "r"},
            {"creationDate": {"$lt": {"$date": {"$numberLong": "5"}}}},
            {"updateDate": {"$lt": {"$date": {"$numberLong": "6"}}}}]})"));
  EXPECT_FALSE(*all.matches(key()));
  EXPECT_TRUE(*KeyFilter().any_of(ids, names).master_key_field("region", "r").matches(key()));
  EXPECT_FALSE(*KeyFilter().any_of(ids, names).master_key_field("region", "q").matches(key()));
  EXPECT_FALSE(*KeyFilter().any_of({}, {}).matches(key()));
  auto given = KeyFilter::from_bson(bson_of(R"({"status": 0})"));
  EXPECT_TRUE(*given->provider("aws:prod").matches(key()));
}

}  // namespace
}  // namespace fle::kms
