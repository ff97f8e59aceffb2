// A text that the scanner takes is the document that RapidJSON makes of it, whole or in pieces, and
// what one refuses the other refuses.
#include "two_readers.h"

#include <random>

#include <gtest/gtest.h>

#include "extended_json_support.h"
#include "in_pieces.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

/// Fields whose names start with n are longs.
struct Hints final : bson::IntegerHints {
  [[nodiscard]] bool is_long(std::span<const std::string_view> path) const override {
    return path.back().starts_with('n');
  }
};

std::string told(const Outcome<Buf>& document) {
  return document ? hex(*document) : document.error().to_string();
}

/// Whether a text says the same in pieces of `size`; 0: of one that others do not have.
::testing::AssertionResult agree_in_pieces(std::string_view text, const bson::ReadOptions& options,
                                           std::size_t size = 0) {
  const std::string whole = told(read(text, options));
  static constexpr std::size_t kSizes[] = {1, 2, 3, 5, 17, 40, 1000};
  static std::size_t round = 0;
  if (size == 0) size = kSizes[round++ % std::size(kSizes)];
  InPieces pieces(text, size);
  const std::string in_pieces = told(read_from(pieces, options));
  if (whole == in_pieces) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << "\n"
                                       << whole << "\nof " << size << "\n"
                                       << in_pieces;
}

/// Whether both give the same, under each of the options.
::testing::AssertionResult agree(std::string_view text) {
  static const Hints kHints;
  static const bson::ReadOptions kOptions[] = {
      {}, {.max_depth = 2}, {.max_depth = 3, .max_bytes = 80, .integers = &kHints}};
  // One of the options is enough for pieces: the text that differs by a byte has the next.
  static std::size_t round = 0;
  if (auto in_pieces = agree_in_pieces(text, kOptions[round++ % std::size(kOptions)]); !in_pieces)
    return in_pieces;
  const auto texts = two_texts(text);
  if (!texts) return ::testing::AssertionSuccess();
  for (const auto& options : kOptions) {
    const std::string scanned = told(read(texts->scanned, options));
    const std::string parsed = told(read(texts->parsed, options));
    if (scanned != parsed)
      return ::testing::AssertionFailure() << text << "\n" << scanned << "\n" << parsed;
  }
  return ::testing::AssertionSuccess();
}

constexpr std::string_view kDocuments[] = {
    "{}", R"({"n":1,"b":[true,false,null,-0,12.5,[],{}],"s":"x\n\"\\\/\ty"} )",
    R"({ "_id" : { "$oid" : "5f1b0a001234567812345678" }, "i" : [ { "$numberInt" : "-12" } ] })",
    R"({"d":{"$date":{"$numberLong":"-1356351330501"}},"e":{"$date":"1970-01-01T00:00:00Z"}})",
    R"({"b":{"$binary":{"base64":"AQID","subType":"06"}},"u":{"$numberDouble":"-1.5"}})",
    R"({"b":{"$binary":{"subType":"2","base64":"AQID"}},"n":{"$binary":"AQID","$type":"02"}})",
    R"({"c":{"$code":"f","$scope":{"n":5}},"d":{"$code":"f"},"y":{"$symbol":"abcdefgh"}})",
    R"({"q":{"$regex":"a","$options":"xi"},"p":{"$type":"x"},"o":{"$options":"abcdefghijk"}})",
    "{\"\xc3\xa9\":{\"$symbol\":\"\xc3\xa9\"},\"n\":1234567890123456789,\"t\":[[[1]]]}",
    R"({"u":{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"},"d":{"$numberDecimal":"1.10"}})",
    R"({"t":{"$timestamp":{"t":1,"i":2}},"m":{"$minKey":1},"v":{"$undefined":true},"w":1e5})",
    // An escape in base64: begun as a wrapper where it stands, and left to the longer way.
    R"({"i":[0,{"$binary":{"base64":"A\/8=","subType":"0"}},{"$numberInt":"7"},[],{}]})"};

TEST(TwoReaders, AgreeOnEveryByteThatIsAnother) {
  for (const std::string_view document : kDocuments) {
    ASSERT_TRUE(agree(document));
    ASSERT_TRUE(read(document)) << document;
    for (std::size_t i = 1; i < document.size(); ++i)
      for (unsigned c = i % kStep; c < 256; c += kStep) {
        std::string text(document);
        text[i] = static_cast<char>(c);
        ASSERT_TRUE(agree(text)) << i << " " << c;
      }
  }
}

// Behind the end of each stands what would make it right.
TEST(TwoReaders, RefuseEveryTextThatIsCut) {
  for (const std::string_view document : kDocuments) {
    const std::size_t size = document.find_last_of('}') + 1;
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_FALSE(read(document.substr(0, i))) << document.substr(0, i);
      EXPECT_TRUE(agree(document.substr(0, i)));
    }
  }
}

TEST(TwoReaders, AgreeOnWhatIsCutOutAndPutIn) {
  std::mt19937_64 rng(20);
  for (int round = 0; round < 40'000 / int{kStep}; ++round) {
    const auto piece = [&rng] {
      const std::string_view d = kDocuments[rng() % std::size(kDocuments)];
      const std::size_t from = rng() % d.size();
      return d.substr(from, rng() % 24);
    };
    std::string text(kDocuments[rng() % std::size(kDocuments)]);
    text.erase(1 + rng() % (text.size() - 1), rng() % 12);
    if (round % 3 != 0) text.insert(1 + rng() % text.size(), piece());
    ASSERT_TRUE(agree(text));
  }
}

/// Texts that are right, with white space and all kinds of values.
class RandomText {
 public:
  explicit RandomText(std::uint64_t seed) : rng_(seed) {}

  std::string document(unsigned depth = 0) {
    std::string s = "{";
    for (std::size_t n = rng_() % 5; n != 0; --n)
      s += space() + string() + space() + ":" + value(depth + 1) + (n > 1 ? "," : "");
    return s + space() + "}";
  }

 private:
  template <std::size_t N>
  std::string one_of(const char* const (&list)[N]) {
    return list[rng_() % N];
  }
  std::string space() { return one_of({"", "", " ", "  ", "\t", "\r\n"}); }
  std::string string() {
    std::string s;
    for (std::size_t n = rng_() % 7; n != 0; --n)
      s += one_of({"a", "n", "\\n", "\\\"", "\\\\", "\\/", "\xc3\xa9", "\xf0\x9f\x98\x80",
                   "sixteen letters!", "$", "more than sixteen letters"});
    return '"' + s + '"';
  }
  std::string value(unsigned depth) {
    const auto wrapped = [this](const std::string& name, const std::string& text) {
      return "{" + space() + "\"$" + name + "\"" + space() + ":" + space() + text + space() + "}";
    };
    std::string s;
    switch (rng_() % (depth < 5 ? 9 : 6)) {
      case 0:
      case 1:
        s = string();
        break;
      case 2:
        s = one_of({"true", "false", "null"});
        break;
      case 3:
        s = one_of({"0", "-0", "7", "-2147483648", "2147483648", "999999999999999999",
                    "-1000000000000000000", "9223372036854775807", "9223372036854775808", "0.5",
                    "-12.25", "123456789.987654321", "-0.0"});
        break;
      case 4:
        s = wrapped(one_of({"numberInt", "numberLong", "numberDouble", "numberDecimal"}),
                    one_of({"\"0\"", "\"-1\"", "\"2147483647\"", "\"12\""}));
        break;
      case 5:
        s = rng_() % 2 == 0
                ? wrapped(one_of({"symbol", "code"}), string())
                : wrapped("binary", "{" + space() + "\"base64\"" + space() + ":" + space() +
                                        one_of({"\"\"", "\"AQ==\"", "\"AQIDBAUGBwgJCgsMDQ4P\""}) +
                                        space() + "," + space() + "\"subType\"" + space() + ":" +
                                        space() + one_of({"\"0\"", "\"02\"", "\"06\""}) + space() +
                                        "}");
        break;
      case 6:
        s = wrapped("code", string() + ",\"$scope\":" + document(depth + 1));
        break;
      case 7:
        s = document(depth);
        break;
      default:
        s = "[";
        for (std::size_t n = rng_() % 14; n != 0; --n) s += value(depth + 1) + (n > 1 ? "," : "");
        s += space() + "]";
    }
    return space() + s + space();
  }

  std::mt19937_64 rng_;
};

TEST(TwoReaders, AgreeOnRandomDocuments) {
  RandomText random(7);
  for (int round = 0; round < 5'000 / int{kStep}; ++round) {
    const std::string text = random.document();
    ASSERT_TRUE(agree(text));
    ASSERT_TRUE(agree("\n " + text + "\n\n"));
    ASSERT_TRUE(read(text)) << text;
  }
}

// Longer than the buffer that pieces are read into, and than any growth of the document at once.
TEST(TwoReaders, AgreeOnLongTextsInPieces) {
  const auto times = [](std::size_t n, std::string_view what) {
    std::string s;
    for (; n != 0; --n) s += what;
    return s;
  };
  struct Length {
    std::size_t n;
    std::size_t size;  // of a piece
  };
  constexpr std::size_t kLongest = 200'000 / kStep;
  for (const auto [n, size] : {Length{900, 1}, Length{20'000, 999}, Length{kLongest, 100'000}}) {
    const std::string texts[] = {
        R"({"a":")" + times(n, "abcdefgh") + R"(","b":5})",
        R"({"a":")" + times(n, R"(\u0001\n\ud83d\ude00\u00e9)") + R"("})",
        R"({"a":1.)" + times(n, "25") + "}",
        R"({"a":)" + times(n, " \r\n\t ") + "1}",
        R"({"a":)" + times(n, " \r\n\t "),
        R"({"a":[)" + times(n, "\n5,") + "\n6]} ",
        R"({"a":[)" + times(n, "\n5,") + "\n6.x]} ",
        R"({"a":[)" + times(n, R"({"$numberLong": "5"},)") + "[]]}",
        "{\"b\":\n{\"$binary\":{\"base64\":\"" + times(n, "AQID") + R"(","subType":"00"}}})",
        "{\"b\":\n{\"$binary\":{\"base64\":\"" + times(n, "AQID") + R"(","subType":"00"}x}})",
        "{\"b\":\n{\"$binary\":{\"base64\":\"" + times(n, "AQI!") + R"(","subType":"00"}}})",
        R"({"a":")" + times(n, "abc\xc3\xa9") + R"("})",
        R"({"a":")" + times(n, "abc") + "\xc3\"}",
        R"({"a":")" + times(n, "abc") + "\\uD800\"}",
        R"({"a":")" + times(n, "abc"),
        R"({")" + times(n, "abc") + R"(":1} ,)",
        R"({"a":1})" + times(n, " \n") + "x"};
    for (const std::string& text : texts) ASSERT_TRUE(agree_in_pieces(text, {}, size)) << n;
  }
}

// The first room of a large document has nothing to copy.
TEST(TwoReaders, ReadALargeDocumentIntoAnEmptyBuffer) {
  const std::string text = R"({"a":")" + std::string(2 << 20, 'x') + "\"}";
  WipedBytes whole;
  WipedBytes in_pieces;
  InPieces pieces(text, 1 << 20);
  ASSERT_TRUE(bson::read_extended_json(whole, text));
  ASSERT_TRUE(bson::read_extended_json(in_pieces, pieces));
  EXPECT_EQ(whole.size(), text.size() + 5);
  EXPECT_TRUE(whole == in_pieces);
}

// A string of any length is read no further than it may be the base64 of a document.
TEST(TwoReaders, ReadNoMoreOfATextInPiecesThanADocumentMayHave) {
  const std::string letters(1 << 20, 'x');
  const std::string digits(1 << 20, '1');
  for (const std::string start :
       {R"({"a":")", R"({"a":["",")", R"({"a":{"$symbol":")", R"({")", R"({"a":1.)"}) {
    const std::string text = start + (start.back() == '.' ? digits : letters);
    InPieces pieces(text, 10'000);
    const auto document = read_from(pieces, {.max_bytes = 1000});
    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().code, Errc::document_too_large) << document.error().to_string();
    EXPECT_GT(pieces.left(), letters.size() / 2);
  }
}

TEST(TwoReaders, AgreeOnHowDeepADocumentMayBe) {
  for (std::size_t depth = 1020; depth < 1028; ++depth)
    for (const std::string item : {"{\"a\":", "[", "{\"$code\":\"\",\"$scope\":{\"a\":"}) {
      const std::string close = item.front() == '[' ? "]" : item.size() > 5 ? "}}" : "}";
      std::string text = R"({"$numberLong":"12345678901"})";
      for (std::size_t i = 0; i < depth; ++i) text = item + text;
      for (std::size_t i = 0; i < depth; ++i) text += close;
      ASSERT_TRUE(agree("{\"v\":" + text + "}")) << depth;
    }
}

}  // namespace
}  // namespace fle::test
