// libbson as an oracle on random documents, where both must agree: what one writes the other reads.
#include <algorithm>
#include <bit>
#include <random>

#include <gtest/gtest.h>

#include "bson/json/extended_json_support.h"

namespace fle::test {
namespace {

using bson::JsonForm;

class RandomDocument {
 public:
  explicit RandomDocument(std::uint64_t seed) : rng_(seed) {}

  Buf make() {
    BsonDocument d;
    fill(d.get(), 0);
    return d.bytes();
  }

 private:
  std::size_t below(std::size_t n) { return rng_() % n; }

  std::string text() {
    static constexpr const char* kPieces[] = {"a",
                                              "Z",
                                              " ",
                                              "\"",
                                              "\\",
                                              "/",
                                              "\n",
                                              "\t",
                                              "\x01",
                                              "\x1f",
                                              "\x7f",
                                              "\xc3\xa9",
                                              "\xe2\x98\x86",
                                              "\xf0\x9f\x98\x80",
                                              "lorem ipsum dolor sit amet, 0123456789"};
    std::string s;
    for (std::size_t n = below(12); n > 0; --n) s += kPieces[below(std::size(kPieces))];
    return s;
  }

  void fill(bson_t* b, unsigned depth) {
    for (std::size_t n = below(8); n > 0; --n) add(b, "k" + text(), depth);
  }

  void add(bson_t* b, const std::string& name, unsigned depth, bool in_array = false) {
    const auto n_name = static_cast<int>(name.size());
    const char* const key = name.c_str();
    const std::string s = text();
    bson_t child;
    bson_oid_t oid;
    std::generate(std::begin(oid.bytes), std::end(oid.bytes), [this] { return rng_(); });
    const std::size_t kind = below(depth < 5 ? 19 : 17);
    if (in_array && (kind == 10 || kind == 11)) {
      // libbson's reader gives pointers and code in arrays the name of what came before.
      bson_append_null(b, key, n_name);
      return;
    }
    switch (kind) {
      case 0: {
        const double d = std::bit_cast<double>(rng_());
        bson_append_double(b, key, n_name, d == d ? d : 1.5);
        break;
      }
      case 1:
        bson_append_double(b, key, n_name, static_cast<double>(below(100'000)) / 100);
        break;
      case 2:
        bson_append_utf8(b, key, n_name, s.data(), static_cast<int>(s.size()));
        break;
      case 3: {
        const auto subtype = static_cast<bson_subtype_t>(below(256));
        bson_append_binary(b, key, n_name, subtype, reinterpret_cast<const std::uint8_t*>(s.data()),
                           static_cast<std::uint32_t>(s.size()));
        break;
      }
      case 4:
        bson_append_undefined(b, key, n_name);
        break;
      case 5:
        bson_append_oid(b, key, n_name, &oid);
        break;
      case 6:
        bson_append_bool(b, key, n_name, below(2) == 0);
        break;
      case 7:
        bson_append_date_time(b, key, n_name,
                              static_cast<std::int64_t>(rng_() >> below(64)) * (below(2) ? 1 : -1));
        break;
      case 8:
        bson_append_null(b, key, n_name);
        break;
      case 9:
        bson_append_regex(b, key, n_name, s.c_str(), below(2) ? "imx" : "");
        break;
      case 10:
        bson_append_dbpointer(b, key, n_name, s.c_str(), &oid);
        break;
      case 11:
        bson_append_code(b, key, n_name, s.c_str());
        break;
      case 12:
        bson_append_symbol(b, key, n_name, s.data(), static_cast<int>(s.size()));
        break;
      case 13:
        bson_append_int32(b, key, n_name, static_cast<std::int32_t>(rng_()));
        break;
      case 14:
        bson_append_timestamp(b, key, n_name, static_cast<std::uint32_t>(rng_()),
                              static_cast<std::uint32_t>(rng_()));
        break;
      case 15:
        bson_append_int64(b, key, n_name, static_cast<std::int64_t>(rng_() >> below(64)));
        break;
      case 16: {
        bson_decimal128_t d;
        const std::string digits = std::to_string(rng_() >> below(64)) + "E" +
                                   std::to_string(static_cast<int>(below(12'000)) - 6'100);
        if (bson_decimal128_from_string(digits.c_str(), &d))
          bson_append_decimal128(b, key, n_name, &d);
        break;
      }
      case 17:
        bson_append_document_begin(b, key, n_name, &child);
        fill(&child, depth + 1);
        bson_append_document_end(b, &child);
        break;
      default:
        bson_append_array_begin(b, key, n_name, &child);
        for (std::size_t i = 0, n = below(14); i < n; ++i)
          add(&child, std::to_string(i), depth + 1, true);
        bson_append_array_end(b, &child);
    }
  }

  std::mt19937_64 rng_;
};

TEST(ExtendedJsonAndLibbson, ReadWhatTheOtherWrites) {
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Buf doc = RandomDocument(seed).make();
    const auto ours = write(doc);
    ASSERT_TRUE(ours.has_value()) << ours.error().to_string();
    ASSERT_EQ(hex(bson_of(*ours)), hex(doc)) << *ours;
    const auto theirs = read(json_of(doc));
    ASSERT_TRUE(theirs.has_value()) << theirs.error().to_string() << "\n" << json_of(doc);
    ASSERT_EQ(hex(*theirs), hex(doc)) << json_of(doc);
  }
}

TEST(ExtendedJsonAndLibbson, GiveTheSameFromRelaxedText) {
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Buf doc = RandomDocument(seed).make();
    const auto ours = write(doc, JsonForm::relaxed);
    ASSERT_TRUE(ours.has_value()) << ours.error().to_string();
    ASSERT_EQ(hex(*read(*ours)), hex(bson_of(*ours))) << *ours;
  }
}

}  // namespace
}  // namespace fle::test
