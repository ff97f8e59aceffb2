// What was learned of one document changes nothing that is said of another.
#include "fle/bson_walk/alike.h"

#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/editor.h"

namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;

/// All that a walk says of a document.
struct Said {
  std::string failure;
  std::vector<std::vector<std::uint64_t>> marks;
  Buffer rewritten;
  std::uint64_t unmarked = 0;
  std::uint64_t work = 0;
  friend bool operator==(const Said&, const Said&) = default;
};

template <class Find>
Said said_of(Bytes doc, Limits limits, Find find) {
  Work work;
  limits.work = &work;
  Edits edits;
  Said s;
  if (const Done done = find(doc, edits, limits); !done) s.failure = done.error().to_string();
  s.work = work.steps();
  s.unmarked = edits.unmarked().ciphertexts * 1000 + edits.unmarked().foreign;
  if (!s.failure.empty()) return s;
  for (Mark& m : edits.marks()) {
    s.marks.push_back(
        {m.type_offset, m.value_offset, m.value_size, m.leaf, static_cast<std::uint64_t>(m.type)});
    m.new_type = Type::symbol;
    m.new_size = m.value_size + 11;
  }
  s.rewritten.resize(*edits.layout(doc));
  edits.write(s.rewritten, doc);
  return s;
}

const schema::Plan& plan() {
  static const auto p = test::plan_of(
      "'ssn':" + test::deterministic("int") + ",'text':" + test::random("string") +
      ",'records':" + test::random("array") + ",'stamp':" + test::random("binData") +
      ",'in':" + test::object("'deep':" + test::object("'n':" + test::deterministic("long"))));
  return *p;
}

Buffer patient() {
  return test::from_json(
      "{'_id':1,'a':null,'ssn':{'$numberInt':'7'},'text':'AB+','records':[{'w':1},{'w':2,'b':"
      "{'$binary':{'base64':'AQID','subType':'00'}}}],"
      "'stamp':{'$binary':{'base64':'AQIDBA==','subType':'00'}},"
      "'in':{'x':[1,{'y':2}],'deep':{'n':{'$numberLong':'5'},'z':true}},"
      "'more':{'b':{'$binary':{'base64':'AQID','subType':'00'}},'r':{'$regularExpression':"
      "{'pattern':'a','options':''}}},'end':1.5}");
}
Buffer stored() {
  return test::from_json(
      "{'_id':1,'ssn':{'$binary':{'base64':'AQECAw==','subType':'06'}},'l':[{'w':1},"
      "{'$binary':{'base64':'AgECAw==','subType':'06'}}],'in':{'deep':{'n':{'$binary':"
      "{'base64':'AgECAw==','subType':'06'}},'b':{'$binary':{'base64':'AQID','subType':'00'}}}}}");
}

/// Learns of `learned`, then compares what is said of `doc` with what is said without.
void expect_the_same(const Buffer& learned, const Buffer& doc, const Limits& limits = {}) {
  const Exact exact(doc);
  AlikeDocuments alike;
  Edits edits;
  (void)alike.find_fields(learned, plan(), edits, {});
  EXPECT_EQ(said_of(exact.bytes(), limits,
                    [&](Bytes d, Edits& e, const Limits& l) {
                      return alike.find_fields(d, plan(), e, l);
                    }),
            said_of(exact.bytes(), limits, [](Bytes d, Edits& e, const Limits& l) {
              return find_fields(d, plan(), e, l);
            }));
  (void)alike.find_ciphertexts(learned, edits, {});
  EXPECT_EQ(
      said_of(exact.bytes(), limits,
              [&](Bytes d, Edits& e, const Limits& l) { return alike.find_ciphertexts(d, e, l); }),
      said_of(exact.bytes(), limits,
              [](Bytes d, Edits& e, const Limits& l) { return find_ciphertexts(d, e, l); }));
}

TEST(AlikeDocuments, GoTheWayOfTheOneBefore) {
  AlikeDocuments alike;
  Edits edits;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(alike.find_fields(patient(), plan(), edits, {}).has_value());
  EXPECT_EQ(alike.n_alike(), 4U);
  EXPECT_EQ(edits.marks().size(), 5U);
  alike.forget();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(alike.find_ciphertexts(stored(), edits, {}).has_value());
  EXPECT_EQ(alike.n_alike(), 4U);
  EXPECT_EQ(edits.marks().size(), 3U);
}

TEST(AlikeDocuments, AreWalkedAsIfEachWereTheOnlyOne) {
  for (const Buffer& learned : {patient(), stored()})
    for (const Buffer& doc : {patient(), stored()}) expect_the_same(learned, doc);
  expect_the_same(patient(), test::from_json("{}"));
  expect_the_same(test::from_json("{}"), patient());
  // Longer values, and other ones of the same types.
  expect_the_same(
      patient(), test::from_json(
                     "{'_id':9,'a':null,'ssn':{'$numberInt':'8'},'text':'a longer text, of many "
                     "bytes','records':[],'stamp':{'$binary':{'base64':'','subType':'00'}},"
                     "'in':{'x':['s',{'y':2,'q':[[]]}],'deep':{'n':{'$numberLong':'6'},'z':false}},"
                     "'more':{'b':{'$binary':{'base64':'','subType':'05'}}},'end':2.5}"));
}

// Also one byte that is wrong anywhere.
TEST(AlikeDocuments, EveryByteCounts) {
  for (const Buffer& doc : {patient(), stored()}) {
    for (std::size_t at = 0; at < doc.size(); ++at) {
      for (const int by : {1, 2, 5, 6, 16, 0x80, 0xff}) {
        Buffer other = doc;
        other[at] = static_cast<std::uint8_t>(other[at] ^ by);
        expect_the_same(doc, other);
        if (HasFailure()) FAIL() << "byte " << at << " ^ " << by;
      }
      expect_the_same(doc, Buffer(doc.begin(), doc.begin() + static_cast<std::ptrdiff_t>(at)));
    }
  }
}

TEST(AlikeDocuments, LimitsHoldForEach) {
  for (const Buffer& doc : {patient(), stored()}) {
    for (std::uint32_t depth = 0; depth < 6; ++depth) {
      Limits limits;
      limits.max_depth = depth;
      expect_the_same(doc, doc, limits);
    }
    Limits small;
    small.max_bytes = static_cast<std::uint32_t>(doc.size() - 1);
    expect_the_same(doc, doc, small);
  }
}

TEST(AlikeDocuments, ABudgetEndsAShortWayToo) {
  const Buffer doc = patient();
  AlikeDocuments alike;
  Edits edits;
  ASSERT_TRUE(alike.find_fields(doc, plan(), edits, {}).has_value());
  Work work;
  work.allow(3);
  Limits limits;
  limits.work = &work;
  const Done done = alike.find_fields(doc, plan(), edits, limits);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::work_limit);
  EXPECT_TRUE(edits.empty());
}

// What a name or type does not tell is looked at each time.
TEST(AlikeDocuments, PatternsNullsAndTimestampsAreSeenEachTime) {
  const auto with_pattern =
      test::plan_of("", ",'patternProperties':{'^s':" + test::random("string") + "}");
  const auto stamped = test::plan_of("'t':" + test::random("timestamp"));
  const auto both = [](const schema::Plan& p, const Buffer& learned, const Buffer& doc, Limits l) {
    AlikeDocuments alike;
    Edits edits;
    (void)alike.find_fields(learned, p, edits, l);
    EXPECT_EQ(said_of(doc, l,
                      [&](Bytes d, Edits& e, const Limits& limits) {
                        return alike.find_fields(d, p, e, limits);
                      }),
              said_of(doc, l, [&](Bytes d, Edits& e, const Limits& limits) {
                return find_fields(d, p, e, limits);
              }));
  };
  const Buffer text = test::from_json("{'s':'a','q':1}");
  both(*with_pattern, text, text, {});
  const auto stamp = [](const char* t) {
    return test::from_json(std::string("{'t':{'$timestamp':{'t':") + t + ",'i':0}}}");
  };
  both(*stamped, stamp("1"), stamp("0"), {});
  Limits keep;
  keep.nulls = Nulls::keep;
  both(plan(), test::from_json("{'ssn':null}"), test::from_json("{'ssn':null}"), keep);
}

// In a command, too, where each has its place.
/// All that is said of the documents in the array `docs` of a command, up to the first refusal.
Said said_of_command(Bytes command, const Limits& limits, AlikeDocuments* alike) {
  return said_of(command, limits, [&](Bytes whole, Edits& edits, const Limits& l) -> Done {
    Editor editor(edits, whole);
    Cursor outer(whole);
    if (!outer.next()) return Failure(Errc::malformed_bson, {});
    const Element docs = outer.element();
    editor.enter(docs.value_offset);
    for (Cursor c(whole, docs.value_offset); c.next();) {
      const Start start{plan().root()};
      FLE_CHECK(alike != nullptr ? alike->find_fields(editor, c.element(), plan(), start, l)
                                 : editor.find_fields(c.element(), plan(), start, l));
    }
    return ok;
  });
}

TEST(AlikeDocuments, OfACommandAreWalkedAsIfEachWereTheOnlyOne) {
  const auto command = [](std::initializer_list<Buffer> docs) {
    bson_t* b = bson_new();
    bson_t array;
    BSON_APPEND_ARRAY_BEGIN(b, "docs", &array);
    for (std::size_t i = 0; const Buffer& d : docs) {
      const std::string key = std::to_string(i++);
      bson_t doc;
      if (!bson_init_static(&doc, d.data(), d.size())) throw std::invalid_argument("document");
      BSON_APPEND_DOCUMENT(&array, key.c_str(), &doc);
    }
    bson_append_array_end(b, &array);
    BSON_APPEND_BOOL(b, "ordered", true);
    return test::take(b);
  };
  const auto expect_the_same = [](const Buffer& doc, std::uint64_t n_alike) {
    const Exact exact(doc);
    AlikeDocuments alike;
    EXPECT_EQ(said_of_command(exact.bytes(), {}, &alike),
              said_of_command(exact.bytes(), {}, nullptr));
    EXPECT_EQ(alike.n_alike(), n_alike);
  };
  const Buffer empty = test::from_json("{}");
  expect_the_same(command({patient(), patient(), patient()}), 2);
  // One that goes another way only behind its first marks, and one without any.
  Buffer longer = patient();
  longer[longer.size() - 13] = 'E';  // the name of the last element is "End"
  expect_the_same(command({patient(), patient(), longer, patient(), patient()}), 2);
  expect_the_same(command({empty, empty, patient(), empty, patient(), patient()}), 2);
  const Buffer whole = command({patient(), patient(), patient()});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int by : {1, 6, 0x80}) {
      Buffer other = whole;
      other[at] = static_cast<std::uint8_t>(other[at] ^ by);
      const Exact exact(other);
      AlikeDocuments alike;
      ASSERT_EQ(said_of_command(exact.bytes(), {}, &alike),
                said_of_command(exact.bytes(), {}, nullptr))
          << "byte " << at << " ^ " << by;
    }
  }
}

TEST(AlikeDocuments, OneAloneIsNotLearned) {
  AlikeDocuments alike;
  Edits edits;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(alike.find_ciphertexts(stored(), edits, {}, true).has_value());
  EXPECT_EQ(alike.n_alike(), 1U) << "the second was learned, for there was one before it";
}

}  // namespace
}  // namespace fle::bson
