#include "fle/bson/type.h"

#include <gtest/gtest.h>

namespace fle::bson {
namespace {

TEST(BsonType, EveryTypeHasAnAliasThatLeadsBack) {
  int n = 0;
  for (int b = 0; b < 256; ++b) {
    const auto t = static_cast<Type>(b);
    if (alias(t) == "unknown") continue;
    ++n;
    EXPECT_EQ(type_of_alias(alias(t)), t);
  }
  EXPECT_EQ(n, 21);
  EXPECT_FALSE(type_of_alias("number"));
  EXPECT_FALSE(type_of_alias("unknown"));
  EXPECT_FALSE(type_of_alias(""));
}

TEST(BsonType, EncryptableIsTheMatrixOfTheCorpus) {
  for (const char* both : {"string", "binData", "objectId", "date", "regex", "dbPointer",
                           "javascript", "symbol", "int", "timestamp", "long"}) {
    EXPECT_TRUE(encryptable(*type_of_alias(both), Algorithm::random)) << both;
    EXPECT_TRUE(encryptable(*type_of_alias(both), Algorithm::deterministic)) << both;
  }
  for (const char* random :
       {"double", "decimal", "bool", "object", "array", "javascriptWithScope"}) {
    EXPECT_TRUE(encryptable(*type_of_alias(random), Algorithm::random)) << random;
    EXPECT_FALSE(encryptable(*type_of_alias(random), Algorithm::deterministic)) << random;
  }
  for (const char* never : {"null", "undefined", "minKey", "maxKey"}) {
    EXPECT_FALSE(encryptable(*type_of_alias(never), Algorithm::random)) << never;
    EXPECT_FALSE(encryptable(*type_of_alias(never), Algorithm::deterministic)) << never;
  }
  EXPECT_FALSE(encryptable(static_cast<Type>(0x55), Algorithm::random));
}

TEST(BsonType, ATypeSetHoldsWhatWasAdded) {
  TypeSet s;
  EXPECT_TRUE(s.empty());
  s.add(Type::min_key);
  s.add(Type::int_);
  EXPECT_TRUE(s.contains(Type::min_key) && s.contains(Type::int_));
  EXPECT_FALSE(s.contains(Type::max_key) || s.contains(Type::long_) ||
               s.contains(static_cast<Type>(0x55)));
}

}  // namespace
}  // namespace fle::bson
