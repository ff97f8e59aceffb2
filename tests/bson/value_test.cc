#include "fle/bson/value.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <string.h>  // explicit_bzero

#include "fle/bson/writer.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::bson {
namespace {

using ValueBuf = std::vector<std::uint8_t>;

ValueBuf bytes_of(const Value& v) { return {v.bytes().begin(), v.bytes().end()}; }

const ObjectId kSomeObjectId = *ObjectId::parse("507f1f77bcf86cd799439011");
const Uuid kSomeUuid = *Uuid::parse("00112233-4455-6677-8899-aabbccddeeff");

// The bytes are those of bsonspec.org, version 1.1.
TEST(Value, HasTheBytesOfItsType) {
  EXPECT_EQ(bytes_of(241014209), (ValueBuf{0xc1, 0x95, 0x5d, 0x0e}));
  EXPECT_EQ(bytes_of(-2), (ValueBuf{0xfe, 0xff, 0xff, 0xff}));
  EXPECT_EQ(bytes_of(std::int64_t{-2}), (ValueBuf{0xfe, 255, 255, 255, 255, 255, 255, 255}));
  EXPECT_EQ(bytes_of(-2LL), bytes_of(std::int64_t{-2}));
  EXPECT_EQ(bytes_of(1.0), (ValueBuf{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}));
  EXPECT_EQ(bytes_of(true), ValueBuf{1});
  EXPECT_EQ(bytes_of(false), ValueBuf{0});
  EXPECT_EQ(bytes_of("ab"), (ValueBuf{3, 0, 0, 0, 'a', 'b', 0}));
  EXPECT_EQ(bytes_of(std::string("a\0b", 3)), (ValueBuf{4, 0, 0, 0, 'a', 0, 'b', 0}));
  EXPECT_EQ(bytes_of(std::string_view()), (ValueBuf{1, 0, 0, 0, 0}));
  EXPECT_EQ(bytes_of(Date(std::chrono::milliseconds(258))), (ValueBuf{2, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(bytes_of(kSomeObjectId),
            (ValueBuf{0x50, 0x7f, 0x1f, 0x77, 0xbc, 0xf8, 0x6c, 0xd7, 0x99, 0x43, 0x90, 0x11}));
  EXPECT_EQ(bytes_of(kSomeUuid).size(), 21U);
  EXPECT_EQ(bytes_of(Decimal128{0x3040000000000000, 1}),
            (ValueBuf{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x30}));
  EXPECT_EQ(bytes_of(Value::binary(0, ValueBuf{7, 8})), (ValueBuf{2, 0, 0, 0, 0, 7, 8}));
  EXPECT_EQ(bytes_of(Value::binary(kSubtypeOld, ValueBuf{7, 8})),
            (ValueBuf{6, 0, 0, 0, 2, 2, 0, 0, 0, 7, 8}));
  EXPECT_EQ(bytes_of(*Value::document(ValueBuf{5, 0, 0, 0, 0})), (ValueBuf{5, 0, 0, 0, 0}));
  EXPECT_TRUE(bytes_of(Value()).empty());
}

TEST(Value, GivesBackWhatItWasMadeOf) {
  for (const std::int32_t n : {0, 1, -1, std::numeric_limits<std::int32_t>::min()})
    EXPECT_EQ(*Value(n).as_int32(), n);
  for (const std::int64_t n : {std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
                               std::numeric_limits<std::int64_t>::min()})
    EXPECT_EQ(*Value(n).as_int64(), n);
  for (const double d : {0.0, -0.0, 1e300, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(*Value(d).as_double(), d);
  EXPECT_TRUE(std::isnan(*Value(std::nan("")).as_double()));
  EXPECT_TRUE(*Value(true).as_bool());
  EXPECT_FALSE(*Value(false).as_bool());
  const Value text = std::string("a\0b", 3);
  EXPECT_EQ(*text.as_string(), std::string_view("a\0b", 3));
  const Date before_1970(std::chrono::milliseconds(-1));
  EXPECT_EQ(*Value(before_1970).as_date(), before_1970);
  EXPECT_EQ(*Value(kSomeObjectId).as_object_id(), kSomeObjectId);
  EXPECT_EQ(*Value(kSomeUuid).as_uuid(), kSomeUuid);
  const Decimal128 decimal = *Decimal128::parse("-1.50");
  EXPECT_EQ(*Value(decimal).as_decimal128(), decimal);
  for (const std::uint8_t subtype : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 5, 6, 9, 128}) {
    const Value binary = Value::binary(subtype, ValueBuf{1, 2, 3});
    EXPECT_EQ(binary.as_binary()->subtype, subtype);
    EXPECT_EQ(ValueBuf(binary.as_binary()->bytes.begin(), binary.as_binary()->bytes.end()),
              (ValueBuf{1, 2, 3}));
    EXPECT_EQ(binary.is_encrypted(), subtype == kSubtypeEncrypted);
  }
  const ValueBuf document = {8, 0, 0, 0, 10, 'n', 0, 0};
  const Value object = *Value::document(document);
  const Value array = *Value::array(document);
  EXPECT_EQ(object.as_document()->size(), document.size());
  EXPECT_EQ(array.as_array()->size(), document.size());
  EXPECT_FALSE(object == array);
  EXPECT_TRUE(Value().is_null());
}

TEST(Value, FailsClearlyWhereItHasAnotherType) {
  const Value all[] = {5,
                       std::int64_t{5},
                       5.0,
                       true,
                       "5",
                       Date(std::chrono::milliseconds(5)),
                       kSomeObjectId,
                       kSomeUuid,
                       Decimal128{},
                       *Value::document(ValueBuf{5, 0, 0, 0, 0}),
                       *Value::array(ValueBuf{5, 0, 0, 0, 0}),
                       Value()};
  std::size_t fits = 0;
  const auto check = [&](const auto& outcome) {
    if (outcome) {
      ++fits;
    } else {
      EXPECT_EQ(outcome.error().code, Errc::wrong_type);
    }
  };
  for (const Value& v : all) {
    check(v.as_int32());
    check(v.as_int64());
    check(v.as_double());
    check(v.as_bool());
    check(v.as_string());
    check(v.as_date());
    check(v.as_object_id());
    check(v.as_binary());
    check(v.as_decimal128());
    check(v.as_document());
    check(v.as_array());
  }
  EXPECT_EQ(fits, 11U) << "each value but null has one accessor";
  EXPECT_EQ(Value("Ann").as_int32().error().to_string(),
            "wrong_type: the value is string, not int");
  const Value sealed = Value::binary(kSubtypeEncrypted, ValueBuf{1});
  EXPECT_EQ(sealed.as_string().error().message,
            "the value is binData, not string: it is encrypted");
  EXPECT_EQ(Value::binary(0, ValueBuf(16)).as_uuid().error().message,
            "the value is a binary of subtype 0 and 16 bytes, not a UUID (subtype 4, 16 bytes)");
  EXPECT_EQ(Value::binary(4, ValueBuf(15)).as_uuid().error().code, Errc::wrong_type);
}

TEST(Value, IsNotMadeOfWhatMerelyConverts) {
  static_assert(!std::is_convertible_v<unsigned, Value>);
  static_assert(!std::is_convertible_v<std::size_t, Value>);
  static_assert(!std::is_convertible_v<const int*, Value>);
  static_assert(!std::is_convertible_v<std::nullptr_t, Value>);
  static_assert(!std::is_convertible_v<std::vector<std::uint8_t>, Value>);
  static_assert(!std::is_convertible_v<Bytes, Value>);
  static_assert(std::is_nothrow_move_constructible_v<Value>);
  // Views of a temporary.
  const auto views = [](auto&& v) {
    return requires { std::forward<decltype(v)>(v).as_string(); }
    || requires { std::forward<decltype(v)>(v).bytes(); }
    || requires { std::forward<decltype(v)>(v).as_binary(); }
    || requires { std::forward<decltype(v)>(v).as_document(); }
    || requires { std::forward<decltype(v)>(v).as_array(); };
  };
  Value v = 5;
  EXPECT_TRUE(views(v));
  EXPECT_FALSE(views(Value(5)));
  EXPECT_FALSE(views(std::move(std::as_const(v))));
}

TEST(Value, OfBytesIsMeasured) {
  // For each type a value that fits; one byte more or less does not.
  const ValueBuf scoped = {0x12, 0, 0, 0, 5, 0, 0, 0, 'c', 'o', 'd', 'e', 0, 5, 0, 0, 0, 0};
  const std::pair<Type, ValueBuf> values[] = {
      {Type::double_, ValueBuf(8)},
      {Type::string, {2, 0, 0, 0, 'a', 0}},
      {Type::object, {5, 0, 0, 0, 0}},
      {Type::array, {5, 0, 0, 0, 0}},
      {Type::bin_data, {1, 0, 0, 0, 0, 7}},
      {Type::bin_data, {5, 0, 0, 0, 2, 1, 0, 0, 0, 7}},
      {Type::undefined, {}},
      {Type::object_id, ValueBuf(12)},
      {Type::bool_, {1}},
      {Type::date, ValueBuf(8)},
      {Type::null, {}},
      {Type::regex, {'a', 0, 'i', 0}},
      {Type::db_pointer, {2, 0, 0, 0, 'a', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
      {Type::javascript, {2, 0, 0, 0, 'a', 0}},
      {Type::symbol, {2, 0, 0, 0, 'a', 0}},
      {Type::javascript_with_scope, scoped},
      {Type::int_, ValueBuf(4)},
      {Type::timestamp, ValueBuf(8)},
      {Type::long_, ValueBuf(8)},
      {Type::decimal, ValueBuf(16)},
      {Type::max_key, {}},
      {Type::min_key, {}}};
  for (const auto& [type, bytes] : values) {
    SCOPED_TRACE(alias(type));
    const auto value = Value::of(type, bytes);
    ASSERT_TRUE(value) << value.error().to_string();
    EXPECT_EQ(value->type(), type);
    EXPECT_EQ(bytes_of(*value), bytes);
    ValueBuf longer = bytes;
    longer.push_back(1);
    EXPECT_EQ(Value::of(type, longer).error().code, Errc::malformed_bson);
    if (bytes.empty()) continue;
    EXPECT_EQ(Value::of(type, Bytes(bytes).first(bytes.size() - 1)).error().code,
              Errc::malformed_bson);
  }
  EXPECT_FALSE(Value::of(Type::bool_, ValueBuf{2}));
  EXPECT_FALSE(Value::of(static_cast<Type>(0x14), ValueBuf{}));
  EXPECT_FALSE(Value::document(ValueBuf{5, 0, 0, 0, 1}));
  EXPECT_FALSE(Value::array(ValueBuf{}));
}

TEST(Value, IsNullOnceItWasMovedFrom) {
  Value a = "text";
  const Value b = std::move(a);
  EXPECT_TRUE(a.is_null());  // NOLINT(bugprone-use-after-move): says so
  EXPECT_EQ(a.as_string().error().code, Errc::wrong_type);
  EXPECT_EQ(*b.as_string(), "text");
  Value c = 5;
  Value& same = c;
  c = std::move(same);
  EXPECT_EQ(c, Value(5));
}

TEST(Value, GoesIntoDocumentsAndComesOut) {
  Writer w;
  w.add("ssn", 241014209).add("name", "Ann").add("none", Value());
  const ValueBuf document = std::move(w).take();
  EXPECT_EQ(*find_value(document, "ssn"), Value(241014209));
  EXPECT_EQ(find_value(document, "name")->as_int32().error().code, Errc::wrong_type);
  EXPECT_TRUE(find_value(document, "none")->is_null());
  EXPECT_FALSE(find_value(document, "nobody"));
  Cursor cursor(document);
  ASSERT_TRUE(cursor.next());
  EXPECT_EQ(Value::of(document, cursor.element()), Value(241014209));
}

TEST(Value, LeavesNothingInFreedMemory) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  std::mt19937_64 rng(std::random_device{}());
  ValueBuf masked(64);
  for (std::uint8_t& b : masked) b = static_cast<std::uint8_t>(rng());
  const auto found = [&masked] {
    test::MemorySearch search;
    search.add(masked);
    return search.count().front();
  };
  EXPECT_EQ(found(), 0U);
  {
    std::uint8_t plain[64];
    for (std::size_t i = 0; i < sizeof plain; ++i) plain[i] = masked[i] ^ test::MemorySearch::kMask;
    Value first = Value::binary(0, plain);
    ::explicit_bzero(plain, sizeof plain);
    Value second = first;
    first = 5;
    Value third = std::move(second);
    second = *Value::of(third.type(), third.bytes());
    Writer w;
    w.add("v", second);
    EXPECT_GE(found(), 2U) << "the search does find what is there";
  }
  EXPECT_EQ(found(), 0U);
}

TEST(Decimal128, HasItsText) {
  for (const char* text : {"0", "-1.50", "4E+7", "NaN", "Infinity", "-Infinity",
                           "9.999999999999999999999999999999999E+6144"}) {
    const auto number = Decimal128::parse(text);
    ASSERT_TRUE(number) << text;
    EXPECT_EQ(number->to_string(), text);
  }
  EXPECT_EQ(Decimal128::parse("1.5")->high, 0x303e000000000000U);  // specification: 15E-1
  EXPECT_EQ(Decimal128::parse("1.5")->low, 15U);
  for (const char* text : {"", "1,5", "1e7000", "12345678901234567890123456789012345"})
    EXPECT_EQ(Decimal128::parse(text).error().code, Errc::invalid_argument) << text;
}

TEST(Ids, HaveTheirTexts) {
  EXPECT_EQ(kSomeObjectId.to_string(), "507f1f77bcf86cd799439011");
  EXPECT_EQ(*ObjectId::parse("507F1F77BCF86CD799439011"), kSomeObjectId);
  EXPECT_EQ(kSomeUuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(Uuid{KeyId{kSomeUuid.bytes}.bytes}, kSomeUuid);
  for (const char* text : {"", "507f1f77bcf86cd79943901", "507f1f77bcf86cd79943901g"})
    EXPECT_FALSE(ObjectId::parse(text)) << text;
  for (const char* text :
       {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg"})
    EXPECT_FALSE(Uuid::parse(text)) << text;
}

}  // namespace
}  // namespace fle::bson
