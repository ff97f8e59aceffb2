#include <random>

#include "query/query_support.h"

namespace fle {
namespace {

using test::doc;
using test::people;
using test::shown;

KeyId key_of(std::uint8_t byte) {
  KeyId id;
  id.bytes.fill(byte);
  return id;
}

/// The key of most fields of people() replaces two others; that of "other" replaces none.
const query::PreviousKeys kPrevious{{key_of(0), {key_of(0x22), key_of(0x33)}}, {key_of(0x11), {}}};

struct Rolled {
  Outcome<test::Buf> marked = Failure();
  bool changed = false;
  query::Analysis analysis;
};

Rolled roll(Bytes command, const std::shared_ptr<const schema::Plan>& plan = people(),
            const query::PreviousKeys& previous = kPrevious) {
  Rolled out;
  const query::AnalysisOptions options{.previous_keys = &previous};
  const auto target = query::read_target(command);
  std::vector<query::CollectionSchema> schemas;
  for (const auto name : target->collections) schemas.push_back({name, plan});
  if (const Done done = query::analyze(command, "db", schemas, out.analysis, options); !done) {
    out.marked = done.error();
    return out;
  }
  auto rolled = query::roll_over(command, "db", schemas, out.analysis, options);
  if (!rolled) {
    out.marked = rolled.error();
    return out;
  }
  out.changed = !rolled->empty();
  out.marked = query::write_marked(out.changed ? Bytes(*rolled) : command, out.analysis);
  return out;
}

/// One value under each key, the newest first.
std::string each(const std::string& v) {
  std::string all;
  for (const char* key : {"0", "34", "51"}) {
    if (!all.empty()) all += ", ";
    all += std::string("{'E': 1, 'k': ") + key + ", 'v': " + v + "}";
  }
  return all;
}
std::string newest(const std::string& v) { return "{'E': 1, 'k': 0, 'v': " + v + "}"; }

void expect_rolled(const std::string& command, const std::string& expected) {
  SCOPED_TRACE(command);
  const Rolled got = roll(doc(command));
  ASSERT_TRUE(got.marked) << got.marked.error().to_string();
  EXPECT_EQ(shown(*got.marked), shown(doc(expected)));
}
void expect_rolled_filter(const std::string& filter, const std::string& expected) {
  expect_rolled("{'find': 'c', 'filter': " + filter + "}",
                "{'find': 'c', 'filter': " + expected + "}");
}
void expect_roll_refused(const std::string& command, Errc code, const std::string& text,
                         const std::shared_ptr<const schema::Plan>& plan = people()) {
  SCOPED_TRACE(command);
  const Rolled got = roll(doc(command), plan);
  ASSERT_FALSE(got.marked) << shown(*got.marked);
  EXPECT_EQ(got.marked.error().code, code) << got.marked.error().to_string();
  EXPECT_NE(got.marked.error().message.find(text), std::string::npos)
      << got.marked.error().to_string();
  EXPECT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_TRUE(got.analysis.edits.empty());
}

TEST(RollOver, SearchesForTheCiphertextOfEveryKey) {
  expect_rolled_filter("{'ssn': 5}", "{'ssn': {'$in': [" + each("5") + "]}}");
  expect_rolled_filter("{'ssn': {'$eq': 5}}", "{'ssn': {'$in': [" + each("5") + "]}}");
  expect_rolled_filter("{'ssn': {'$ne': 5}}", "{'ssn': {'$nin': [" + each("5") + "]}}");
  expect_rolled_filter("{'ssn': {'$in': [5, 6]}}",
                       "{'ssn': {'$in': [" + each("5") + ", " + each("6") + "]}}");
  expect_rolled_filter("{'ssn': {'$nin': [5]}}", "{'ssn': {'$nin': [" + each("5") + "]}}");
  expect_rolled_filter("{'ssn': {'$not': {'$eq': 5}}}",
                       "{'ssn': {'$not': {'$in': [" + each("5") + "]}}}");
  expect_rolled_filter("{'address.street': 's'}",
                       "{'address.street': {'$in': [" + each("'s'") + "]}}");
}

TEST(RollOver, LeavesTheRestOfTheCommandAsItIs) {
  expect_rolled_filter(
      "{'city': 'x', '$or': [{'ssn': 5, 'a': {'b': [1]}}, {'name': {'$exists': true, '$ne': 'x'}}],"
      " 'other': 'o', 'z': {'$gt': 5}}",
      "{'city': {'$eq': 'x'}, '$or': [{'ssn': {'$in': [" + each("5") +
          "]}, 'a': {'$eq': {'b': [1]}}}, {'name': {'$exists': true, '$nin': [" + each("'x'") +
          "]}}], 'other': {'$eq': {'E': 1, 'k': 17, 'v': 'o'}}, 'z': {'$gt': 5}}");
  expect_rolled("{'explain': {'count': 'c', 'query': {'ssn': 5}, 'limit': 1}, 'verbosity': 'x'}",
                "{'explain': {'count': 'c', 'query': {'ssn': {'$in': [" + each("5") +
                    "]}}, 'limit': 1}, 'verbosity': 'x'}");
  expect_rolled(
      "{'aggregate': 'c', 'pipeline': [{'$match': {'ssn': 5}}, {'$limit': 1}], 'cursor': {}}",
      "{'aggregate': 'c', 'pipeline': [{'$match': {'ssn': {'$in': [" + each("5") +
          "]}}}, {'$limit': 1}], 'cursor': {}}");
}

TEST(RollOver, NumbersLongListsAnew) {
  std::string items;
  std::string all;
  for (int i = 0; i < 12; ++i) {
    const std::string comma = i == 0 ? "" : ", ";
    items += comma + std::to_string(i);
    all += comma + each(std::to_string(i));
  }
  const Rolled got = roll(doc("{'find': 'c', 'filter': {'ssn': {'$in': [" + items + "]}}}"));
  ASSERT_TRUE(got.marked);
  EXPECT_EQ(shown(*got.marked),
            shown(doc("{'find': 'c', 'filter': {'ssn': {'$in': [" + all + "]}}}")));
  const auto list = test::find_value(*got.marked, {"filter", "ssn", "$in"});
  ASSERT_TRUE(list);
  int n = 0;
  for (const auto& [name, value] : test::fields_of(list->bytes))
    EXPECT_EQ(name, std::to_string(n++));
  EXPECT_EQ(n, 36);
}

TEST(RollOver, WritesWithTheNewKeyAlone) {
  expect_rolled("{'insert': 'c', 'documents': [{'ssn': 5}]}",
                "{'insert': 'c', 'documents': [{'ssn': " + newest("5") + "}]}");
  expect_rolled(
      "{'update': 'c', 'updates': [{'q': {'ssn': 5}, 'u': {'$set': {'ssn': 6}}}, {'q': {'ssn': 7}, "
      "'u': {'ssn': 7}, 'upsert': true}]}",
      "{'update': 'c', 'updates': [{'q': {'ssn': {'$in': [" + each("5") +
          "]}}, 'u': {'$set': {'ssn': " + newest("6") + "}}}, {'q': {'ssn': {'$in': [" + each("7") +
          "]}}, 'u': {'ssn': " + newest("7") + "}, 'upsert': true}]}");
}

TEST(RollOver, DoesNothingWhereNoComparisonMeetsAnOlderKey) {
  for (const char* command :
       {"{'insert': 'c', 'documents': [{'ssn': 5}]}", "{'find': 'c', 'filter': {'other': 'x'}}",
        "{'find': 'c', 'filter': {'city': 'x', 'ssn': {'$exists': true}}}",
        "{'find': 'c', 'filter': {'ssn': {'$in': []}}}", "{'ping': 1}"}) {
    SCOPED_TRACE(command);
    const Rolled got = roll(doc(command));
    ASSERT_TRUE(got.marked);
    EXPECT_FALSE(got.changed);
    EXPECT_EQ(shown(*got.marked), shown(*test::analyze(doc(command), people()).marked));
  }
  const std::string command = "{'find': 'c', 'filter': {'ssn': 5}}";
  query::Analysis analysis;
  const std::vector<query::CollectionSchema> schemas{{"c", people()}};
  const auto bytes = doc(command);
  ASSERT_TRUE(query::analyze(bytes, "db", schemas, analysis));
  const auto rolled = query::roll_over(bytes, "db", schemas, analysis, {});
  ASSERT_TRUE(rolled);
  EXPECT_TRUE(rolled->empty());
  EXPECT_EQ(analysis.n_encrypted, 1U);
}

TEST(RollOver, RefusesWhatNeedsEqualCiphertext) {
  const std::string text = "the field's key is being changed";
  expect_roll_refused("{'distinct': 'c', 'key': 'ssn'}", Errc::comparison_not_possible, text);
  for (const char* stage :
       {"{'$match': {'$expr': {'$eq': ['$ssn', 5]}}}",
        "{'$match': {'$expr': {'$in': ['$ssn', [5]]}}}",
        "{'$match': {'$expr': {'$eq': ['$name', '$alias']}}}", "{'$group': {'_id': '$ssn'}}",
        "{'$sortByCount': '$ssn'}", "{'$group': {'_id': 1, 'all': {'$addToSet': '$ssn'}}}",
        "{'$lookup': {'from': 'c', 'localField': 'ssn', 'foreignField': 'ssn', 'as': 'a'}}"})
    expect_roll_refused(
        std::string("{'aggregate': 'c', 'pipeline': [") + stage + "], 'cursor': {}}",
        Errc::comparison_not_possible, text);
}

TEST(RollOver, RefusesUpsertsThatWouldLoseTheField) {
  const std::string text = "an upsert cannot make a field of a search";
  const auto upsert = [](const std::string& q, const std::string& u) {
    return "{'update': 'c', 'updates': [{'q': " + q + ", 'u': " + u + ", 'upsert': true}]}";
  };
  expect_roll_refused(upsert("{'ssn': 5}", "{'$set': {'a': 1}}"), Errc::update_not_allowed, text);
  expect_roll_refused(
      "{'findAndModify': 'c', 'query': {'ssn': 5}, 'update': {'$set': {'a': 1}}, 'upsert': true}",
      Errc::update_not_allowed, text);
  expect_roll_refused(
      "{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {'ssn': 5}, 'updateMods': "
      "{'$set': {'a': 1}}, 'upsert': true}], 'nsInfo': [{'ns': 'db.c'}]}",
      Errc::update_not_allowed, text);
  const auto ids =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") + "}}");
  expect_roll_refused(upsert("{'_id': 5}", "{'a': 1}"), Errc::update_not_allowed, text, ids);
  EXPECT_TRUE(roll(doc(upsert("{'other': 'x'}", "{'$set': {'a': 1}}"))).marked);
}

TEST(RollOver, WritesWellFormedCommandsOutOfDamagedOnes) {
  const test::Buf whole =
      doc("{'find': 'c', 'filter': {'$or': [{'ssn': 5, 'city': 'x'}, {'name': {'$ne': 'x'}}, "
          "{'alias': {'$nin': ['a', 'b']}}, {'address.street': {'$not': {'$eq': 's'}}}], 'ssn': "
          "{'$in': "
          "[1, 2, 3]}}, 'limit': 1}");
  std::mt19937 random(5);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage in every run
  int n_changed = 0;
  for (int i = 0; i < 5'000; ++i) {
    test::Buf command = whole;
    for (std::size_t n = 1 + random() % 2; n > 0; --n) {
      // Types, lengths and names alike; a byte that occurs already makes more of them valid.
      command[4 + random() % (command.size() - 4)] = whole[random() % whole.size()];
    }
    if (!query::read_target(command)) continue;
    const Rolled got = roll(command);
    if (!got.marked || !got.changed) continue;
    ++n_changed;
    ASSERT_TRUE(bson::check_value(bson::Type::object, *got.marked, query::kCommandLimits)) << i;
    std::size_t n_older = 0;
    std::size_t n_compared = 0;
    for (const query::Rewrite& r : got.analysis.rewrites) {
      const bool rolls = r.leaf != nullptr && query::key_id(r) != key_of(0x11);
      n_compared += rolls ? 1 : 0;
      n_older += r.previous_key != nullptr ? 1 : 0;
    }
    EXPECT_EQ(n_older * 3, n_compared * 2) << i;
  }
  EXPECT_GT(n_changed, 500);
}

TEST(RollOver, KeepsToTheLimitOfACommand) {
  const std::string sixteen(16'000'000, 'x');
  const Rolled got = roll(doc("{'find': 'c', 'filter': {'name': '" + sixteen + "'}}"));
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().code, Errc::document_too_large);
  EXPECT_EQ(got.analysis.n_encrypted, 0U);
}

}  // namespace
}  // namespace fle
