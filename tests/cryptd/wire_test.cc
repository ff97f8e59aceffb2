// Messages as bytes, without a socket: what is understood, and how each mistake is answered.
#include <algorithm>
#include <array>
#include <new>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "cryptd/messages.h"
#include "protocol/commands.h"
#include "protocol/crc32c.h"

namespace fle::cryptd {
namespace {

using test::body;
using test::bson_of;
using test::Buf;
using test::json_of;
using test::kChecksum;
using test::kExhaust;
using test::kMore;
using test::op_msg;
using test::op_query;
using test::Reply;
using test::sequence;

/// What the analyzer was asked, and what it is to say.
struct Wire : testing::Test {
  std::string command;
  std::string db;
  int n_asked = 0;
  std::function<Buf()> say = [] { return bson_of(R"({"said": true, "ok": 1.0})"); };
  Responder responder{[this](Bytes c, std::string_view d, const std::atomic<bool>&) {
                        ++n_asked;
                        command = json_of(c);
                        db = d;
                        return say();
                      },
                      Facts{"1.2.3"}};

  static Buf bytes_of(const Frame& f) {
    Buf m(f.head.begin(), f.head.begin() + static_cast<std::ptrdiff_t>(f.head_size));
    test::put(m, f.document);
    m.insert(m.end(), f.tail.begin(), f.tail.begin() + static_cast<std::ptrdiff_t>(f.tail_size));
    return m;
  }
  Reply ask(Bytes message) {
    const Answer a = responder.respond(message);
    if (!a.frame) throw std::runtime_error("no answer");
    return Reply(bytes_of(*a.frame));
  }
  Reply ask(std::string_view json) { return ask(op_msg(json)); }
  /// Answered by this error, and the connection is given up.
  void expect_refused(Bytes message, std::int32_t code) {
    const Answer a = responder.respond(message);
    ASSERT_TRUE(a.frame.has_value());
    EXPECT_EQ(Reply(bytes_of(*a.frame)).code(), code);
    EXPECT_TRUE(a.end_of_connection);
    EXPECT_EQ(n_asked, 0);
  }
};

std::string normal(std::string_view json) { return json_of(bson_of(json)); }

TEST(Crc32c, GivesThePublishedValues) {
  // RFC 3720, appendix B.4.
  Buf b(32, 0);
  EXPECT_EQ(crc32c(b), 0x8a9136aaU);
  std::fill(b.begin(), b.end(), std::uint8_t{0xff});
  EXPECT_EQ(crc32c(b), 0x62a8ab43U);
  std::iota(b.begin(), b.end(), std::uint8_t{0});
  EXPECT_EQ(crc32c(b), 0x46dd794eU);
  std::reverse(b.begin(), b.end());
  EXPECT_EQ(crc32c(b), 0x113fdb5cU);
}

TEST(Crc32c, IsTheSameInPiecesOfAnyLength) {
  Buf b(100);
  std::iota(b.begin(), b.end(), std::uint8_t{3});
  const std::uint32_t whole = test::slow_crc32c(b);
  for (std::size_t cut = 0; cut <= b.size(); ++cut) {
    const Bytes all(b);
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), whole) << cut;
  }
}

TEST_F(Wire, HelloSaysThatThisIsAnAnalyzerWithoutSessions) {
  const Reply r = ask(R"({"hello": 1, "$db": "admin"})");
  EXPECT_EQ(r.response_to, 7U);
  const std::string json = r.json();
  for (const char* field :
       {R"("isWritablePrimary" : true)", R"("iscryptd" : true)",
        R"("maxBsonObjectSize" : { "$numberInt" : "16777216" })",
        R"("maxMessageSizeBytes" : { "$numberInt" : "48000000" })",
        R"("minWireVersion" : { "$numberInt" : "0" })",
        R"("maxWireVersion" : { "$numberInt" : "26" })", R"("localTime" : { "$date")"})
    EXPECT_NE(json.find(field), std::string::npos) << field << " in " << json;
  for (const char* field : {"helloOk", "ismaster", "setName", "msg", "hosts", "topologyVersion",
                            "logicalSessionTimeoutMinutes", "maxWriteBatchSize"})
    EXPECT_FALSE(r.has(field)) << field;
  EXPECT_EQ(n_asked, 0);
}

TEST_F(Wire, TheLegacyHandshakeIsAnsweredInItsOwnFormOnAnyDatabase) {
  for (const char* collection : {"admin.$cmd", "clinic.$cmd"}) {
    const Reply r = ask(op_query(collection, R"({"isMaster": 1, "helloOk": true})"));
    EXPECT_EQ(r.op_code, 1U);
    EXPECT_EQ(r.response_to, 7U);
    EXPECT_EQ(r.code(), 0);
    for (const char* field : {"ismaster", "iscryptd", "helloOk"}) EXPECT_TRUE(r.has(field));
    EXPECT_FALSE(r.has("isWritablePrimary"));
  }
}

TEST_F(Wire, IsMasterIsKnownInAnyCaseAndInsideAQueryField) {
  for (const char* json : {R"({"ismaster": 1})", R"({"ISMASTER": 1})", R"({"hello": 1})",
                           R"({"$query": {"isMaster": 1}, "$readPreference": {"mode": "primary"}})",
                           R"({"query": {"isMaster": 1}})"})
    EXPECT_TRUE(ask(op_query("admin.$cmd", json)).has("iscryptd")) << json;
  EXPECT_TRUE(ask(R"({"IsMaster": 1, "$db": "admin"})").has("ismaster"));
  EXPECT_EQ(ask(R"({"HELLO": 1, "$db": "admin"})").code(), 59);
}

TEST_F(Wire, OpQueryIsForHandshakesAlone) {
  EXPECT_EQ(ask(op_query("admin.$cmd", R"({"ping": 1})")).code(), 352);
  EXPECT_EQ(ask(op_query("admin.$cmd", R"({"insert": "c", "$db": "d"})")).code(), 352);
  expect_refused(op_query("admin.patients", R"({"isMaster": 1})"), 352);
  expect_refused(op_query(".$cmd", R"({"isMaster": 1})"), 352);
}

TEST_F(Wire, HarmlessCommandsAreAnsweredWithoutTheAnalyzer) {
  for (const char* json : {R"({"ping": 1, "$db": "admin"})", R"({"buildInfo": 1, "$db": "admin"})",
                           R"({"endSessions": [], "$db": "admin"})"})
    EXPECT_EQ(ask(json).code(), 0) << json;
  EXPECT_EQ(json_of(ask(R"({"killCursors": "c", "cursors": [{"$numberLong": "5"}],
                            "$db": "d"})")
                        .document),
            normal(R"({"cursorsKilled": [], "cursorsNotFound": [{"$numberLong": "5"}],
                       "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0})"));
  EXPECT_EQ(n_asked, 0);
}

TEST_F(Wire, ACommandOfTheAnalyzersIsHandedOverAsItCame) {
  for (const char* name :
       {"aggregate", "bulkWrite", "collMod", "count", "create", "createIndexes", "delete",
        "distinct", "explain", "find", "findAndModify", "insert", "update"}) {
    const std::string json = std::string("{\"") + name + R"(": "c", "$db": "clinic"})";
    EXPECT_TRUE(ask(json).has("said")) << name;
    EXPECT_EQ(command, normal(json));
    EXPECT_EQ(db, "clinic");
  }
}

TEST_F(Wire, UnknownCommandsAreNotFoundAndNotQuoted) {
  for (const char* json : {R"({"drop": "secret", "$db": "d"})", R"({"INSERT": "c", "$db": "d"})",
                           R"({"findandmodify": "c", "$db": "d"})", R"({"$db": "d"})"}) {
    const Reply r = ask(json);
    EXPECT_EQ(r.code(), 59) << json;
    EXPECT_EQ(r.json().find("secret"), std::string::npos);
  }
  EXPECT_EQ(ask(op_msg("{}")).code(), 59);
  EXPECT_EQ(n_asked, 0);
}

TEST_F(Wire, TheDatabaseMustBeThereOnceAndBeAName) {
  const auto code = [this](std::string_view json) { return ask(json).code(); };
  EXPECT_EQ(code(R"({"find": "c"})"), 40571);
  EXPECT_EQ(code(R"({"ping": 1})"), 40571);
  for (const char* json :
       {R"({"find": "c", "$db": 1})", R"({"find": "c", "$db": ""})",
        R"({"find": "c", "$db": "a.b"})", R"({"find": "c", "$db": "a\u0000b"})",
        R"({"find": "c", "$db": "$external"})", R"({"find": "c", "$db": "a", "$db": "b"})"})
    EXPECT_EQ(code(json), 73) << json;
  EXPECT_EQ(code(R"({"find": "c", "$db": ")" + std::string(64, 'a') + "\"}"), 73);
  EXPECT_EQ(n_asked, 0);
  EXPECT_EQ(code(R"({"find": "c", "$db": ")" + std::string(63, 'a') + "\"}"), 0);
}

TEST_F(Wire, DocumentSequencesBecomeArraysOfTheirNames) {
  const Buf m = op_msg({body(R"({"update": "c", "ordered": true, "$db": "clinic"})"),
                        sequence("updates", {R"({"q": {}, "u": {"$set": {"a": 1}}})", "{}"}),
                        sequence("let", {})});
  EXPECT_TRUE(ask(m).has("said"));
  EXPECT_EQ(command, normal(R"({"update": "c", "ordered": true, "$db": "clinic",
                                "updates": [{"q": {}, "u": {"$set": {"a": 1}}}, {}],
                                "let": []})"));
}

TEST_F(Wire, TheBodyMayComeAfterASequence) {
  EXPECT_TRUE(ask(op_msg({sequence("documents", {R"({"a": 1})"}),
                          body(R"({"insert": "c", "$db": "clinic"})")}))
                  .has("said"));
  EXPECT_EQ(command, normal(R"({"insert": "c", "$db": "clinic", "documents": [{"a": 1}]})"));
}

TEST_F(Wire, LongSequencesAreNumberedInDecimal) {
  Buf s{1};
  Buf content;
  test::put_cstring(content, "documents");
  for (int i = 0; i < 1001; ++i) test::put(content, bson_of("{}"));
  test::put_u32(s, static_cast<std::uint32_t>(4 + content.size()));
  test::put(s, content);
  Buf marked;
  Responder echo(
      [&marked](Bytes c, std::string_view, const std::atomic<bool>&) {
        return marked = {c.begin(), c.end()};
      },
      {});
  ASSERT_TRUE(echo.respond(op_msg({body(R"({"insert": "c", "$db": "d"})"), s})).frame);
  const auto last = test::find_value(marked, {"documents", "1000"});
  EXPECT_TRUE(last.has_value());
  EXPECT_FALSE(test::find_value(marked, {"documents", "1001"}).has_value());
}

TEST_F(Wire, EachMistakeInSectionsHasItsError) {
  const Buf b = body(R"({"insert": "c", "$db": "d"})");
  const Buf s = sequence("documents", {"{}"});
  expect_refused(op_msg({b, b}), 40430);
  expect_refused(op_msg({b, s, s}), 40431);
  expect_refused(op_msg({b, {2}}), 40432);
  expect_refused(op_msg({b, {0xff}}), 40432);
  expect_refused(op_msg({body(R"({"insert": "c", "documents": [], "$db": "d"})"), s}), 40433);
  expect_refused(op_msg(std::vector<Buf>{s}), 40587);
  expect_refused(op_msg(std::vector<Buf>{}), 40587);
  for (const char* name : {"", "a.b", "$db", "$a"})
    expect_refused(op_msg({b, sequence(name, {})}), 17);
  std::vector<Buf> many{b};
  for (int i = 0; i < 17; ++i) many.push_back(sequence("s" + std::to_string(i), {}));
  expect_refused(op_msg(many), 17);
  many.pop_back();
  EXPECT_EQ(ask(op_msg(many)).code(), 0);
}

TEST_F(Wire, LengthsInsideSectionsAreNotBelieved) {
  const Buf good =
      op_msg({body(R"({"insert": "c", "$db": "d"})"), sequence("documents", {R"({"a": 1})"})});
  const std::size_t body_at = 21;
  const std::size_t sequence_at = body_at + test::get_u32(good, body_at) + 1;
  const std::size_t document_at = sequence_at + 4 + 10;
  ASSERT_EQ(ask(good).code(), 0);
  n_asked = 0;
  for (const std::size_t at : {body_at, sequence_at, document_at}) {
    for (const std::uint32_t wrong : {0U, 1U, 4U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
      Buf m = good;
      for (std::size_t i = 0; i < 4; ++i) m[at + i] = static_cast<std::uint8_t>(wrong >> (8 * i));
      expect_refused(m, 17);
    }
    for (const int off : {-1, 1}) {
      Buf m = good;
      m[at] = static_cast<std::uint8_t>(m[at] + off);
      const Answer a = responder.respond(m);
      ASSERT_TRUE(a.frame.has_value());
      EXPECT_TRUE(a.end_of_connection);
      EXPECT_NE(Reply(bytes_of(*a.frame)).code(), 0);
    }
  }
  EXPECT_EQ(n_asked, 0);
}

TEST_F(Wire, ACommandThatIsNotValidBsonIsRefused) {
  Buf document = bson_of(R"({"find": "c", "filter": {"a": "text"}, "$db": "d"})");
  const auto text =
      std::search(document.begin(), document.end(), std::begin("text"), std::begin("text") + 4);
  ASSERT_NE(text, document.end());
  *(text - 4) = 200;  // the length of a string deep inside
  expect_refused(op_msg(std::vector<Buf>{body(document)}), 22);
  // And one that hides in a sequence.
  Buf s{1};
  Buf content;
  test::put_cstring(content, "documents");
  test::put(content, document);
  test::put_u32(s, static_cast<std::uint32_t>(4 + content.size()));
  test::put(s, content);
  expect_refused(op_msg({body(R"({"insert": "c", "$db": "d"})"), s}), 22);
}

TEST_F(Wire, NestingBeyondTwoHundredIsRefused) {
  const auto nested = [](int depth) {
    std::string json = R"({"find": "c", "$db": "d", "filter": )";
    for (int i = 2; i < depth; ++i) json += "{\"a\": ";
    json += "{}";
    for (int i = 2; i < depth; ++i) json += '}';
    return json + '}';
  };
  EXPECT_EQ(ask(nested(99)).code(), 0);  // libbson's JSON goes to about 100
  Buf document{5, 0, 0, 0, 0};
  for (int i = 0; i < 200; ++i) {
    Buf around;
    test::put_u32(around, static_cast<std::uint32_t>(document.size() + 8));
    around.push_back(3);
    test::put_cstring(around, "a");
    test::put(around, document);
    around.push_back(0);
    document = around;
  }
  n_asked = 0;
  expect_refused(op_msg(std::vector<Buf>{body(document)}), 22);
}

TEST_F(Wire, ARightChecksumIsAnsweredWithOne) {
  const Reply r = ask(op_msg(R"({"find": "c", "$db": "d"})", kChecksum));
  EXPECT_EQ(r.flags, kChecksum);  // Reply has verified it
  EXPECT_TRUE(r.has("said"));
  EXPECT_EQ(ask(op_msg(R"({"find": "c", "$db": "d"})")).flags, 0U);
}

TEST_F(Wire, AWrongBitAnywhereUnderAChecksumIsFound) {
  const Buf good = op_msg(R"({"find": "c", "$db": "d"})", kChecksum);
  for (std::size_t at = 20; at < good.size(); ++at) {
    Buf m = good;
    m[at] ^= 0x10;
    expect_refused(m, 17);
  }
  Buf short_one = test::with_header(2013, Buf{1, 0, 0, 0, 0, 0});
  expect_refused(short_one, 17);
}

TEST_F(Wire, WhoSaysMoreToComeGetsNoAnswer) {
  for (const Buf& m : {op_msg(R"({"find": "c", "$db": "d"})", kMore),
                       op_msg(R"({"find": "c", "$db": "d"})", kMore | kChecksum),
                       op_msg(R"({"hello": 1, "$db": "d"})", kMore)}) {
    const Answer a = responder.respond(m);
    EXPECT_FALSE(a.frame.has_value());
    EXPECT_FALSE(a.end_of_connection);
  }
  const Answer bad = responder.respond(op_msg(std::vector<Buf>{}, kMore));
  EXPECT_FALSE(bad.frame.has_value());
  EXPECT_TRUE(bad.end_of_connection);
}

TEST_F(Wire, OptionalFlagsAreIgnoredAndRequiredOnesRefused) {
  EXPECT_TRUE(ask(op_msg(R"({"find": "c", "$db": "d"})", kExhaust)).has("said"));
  EXPECT_TRUE(ask(op_msg(R"({"find": "c", "$db": "d"})", 0xffff0000)).has("said"));
  n_asked = 0;
  for (int bit = 2; bit < 16; ++bit)
    expect_refused(op_msg(R"({"find": "c", "$db": "d"})", 1U << bit), 223);
}

TEST_F(Wire, HeadersThatCannotBeRightAreRefusedBeforeMoreIsRead) {
  const auto header = [](std::int32_t length, std::int32_t op_code) {
    return check_header(Header{length, 0, 0, op_code}).has_value();
  };
  EXPECT_TRUE(header(16, 2013));
  EXPECT_TRUE(header(48'000'000, 2013));
  EXPECT_TRUE(header(48'000'000, 2004));
  for (const std::int32_t length : {48'000'001, 15, 0, -1, INT32_MIN, INT32_MAX})
    EXPECT_FALSE(header(length, 2013)) << length;
  for (const std::int32_t op_code : {0, 1, 2001, 2002, 2005, 2010, 2011, 2012, -1})
    EXPECT_FALSE(header(100, op_code)) << op_code;
}

TEST_F(Wire, OtherOpCodesGetNoAnswer) {
  const Answer a = responder.respond(test::with_header(2012, Buf(20)));
  EXPECT_FALSE(a.frame.has_value());
  EXPECT_TRUE(a.end_of_connection);
}

TEST_F(Wire, TooShortMessagesAreRefused) {
  const Buf whole =
      op_msg({body(R"({"insert": "c", "$db": "d"})"), sequence("documents", {R"({"a": 1})"})});
  const std::size_t body_ends = 21 + test::get_u32(whole, 21);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Exactly as much memory, so that a sanitizer sees a read behind it.
    Buf exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (size >= 4) {
      for (std::size_t i = 0; i < 4; ++i) exact[i] = static_cast<std::uint8_t>(size >> (8 * i));
    }
    const Answer a = responder.respond(exact);
    // A message that ends with its body is one; so are none of the others.
    EXPECT_EQ(a.end_of_connection, size != body_ends) << size;
  }
  EXPECT_EQ(n_asked, 1);
}

TEST_F(Wire, AMessageMustBeAsLongAsItsHeaderSays) {
  Buf m = op_msg(R"({"find": "c", "$db": "d"})");
  m[0] = static_cast<std::uint8_t>(m[0] + 1);
  expect_refused(m, 17);
  m[0] = static_cast<std::uint8_t>(m[0] - 2);
  expect_refused(m, 17);
}

TEST_F(Wire, WhatTheAnalyzerSaysIsTheAnswer) {
  say = [] { return bson_of(R"({"ok": 0.0, "errmsg": "no", "code": 51093})"); };
  EXPECT_EQ(json_of(ask(R"({"find": "c", "$db": "d"})").document), json_of(say()));
}

TEST_F(Wire, AnAnalysisThatFailsUnexpectedlyEndsInAnError) {
  say = []() -> Buf { throw std::bad_alloc(); };
  EXPECT_EQ(ask(R"({"find": "c", "$db": "d"})").code(), 146);
  say = []() -> Buf { throw std::runtime_error("secret"); };
  const Reply r = ask(R"({"find": "c", "$db": "d"})");
  EXPECT_EQ(r.code(), 1);
  EXPECT_EQ(r.json().find("secret"), std::string::npos);
}

TEST_F(Wire, AnAnswerThatFitsIntoNoMessageIsAnError) {
  say = [] { return Buf(48'000'000 - 40 + 1); };
  EXPECT_EQ(ask(R"({"find": "c", "$db": "d"})").code(), 10334);
}

TEST_F(Wire, ASequenceThatGrowsBeyondAMessageIsRefused) {
  // 9 bytes a document in the array for 5 in the message.
  const std::size_t n = 6'000'000;
  Buf s{1};
  test::put_u32(s, static_cast<std::uint32_t>(4 + 2 + 5 * n));
  test::put_cstring(s, "d");
  s.resize(s.size() + 5 * n);
  for (std::size_t i = 0; i < n; ++i) s[s.size() - 5 * (i + 1)] = 5;
  expect_refused(op_msg({body(R"({"insert": "c", "$db": "d"})"), s}), 10334);
}

TEST_F(Wire, OnlyCommandsOfTheAnalyzersWaitForAThread) {
  const auto is_answer = [&](const Buf& message) {
    return std::holds_alternative<Answer>(responder.begin(message));
  };
  EXPECT_FALSE(is_answer(op_msg(R"({"find": "c", "$db": "d"})")));
  EXPECT_TRUE(is_answer(op_msg(R"({"hello": 1, "$db": "d"})")));
  EXPECT_TRUE(is_answer(op_msg(R"({"drop": "c", "$db": "d"})")));
  EXPECT_TRUE(is_answer(op_msg(std::vector<Buf>{})));
  EXPECT_EQ(n_asked, 0);
}

TEST_F(Wire, AnswersHaveNumbersOfTheirOwn) {
  const Answer first = responder.respond(op_msg(R"({"hello": 1, "$db": "d"})"));
  const Answer second = responder.respond(op_msg(R"({"hello": 1, "$db": "d"})"));
  EXPECT_NE(test::get_u32(bytes_of(*first.frame), 4), test::get_u32(bytes_of(*second.frame), 4));
}

}  // namespace
}  // namespace fle::cryptd
