#include "pipeline_support.h"

// Arrays that a stage or an expression has made of encrypted fields, or of documents with some:
// their size tells nothing of what is in them, and what is taken out of them is encrypted as it
// was.
namespace fle {
namespace {

using test::enc;
using test::flows_encrypted;
using test::flows_plain;
using test::flows_refused;
using test::keeps;
using test::marks;
using test::refuses;

using test::kCompare;
using test::kOperator;

/// Behind a $lookup from a collection that encrypts, and behind a $push.
const std::string kJoined =
    "{'$lookup': {'from': 'd', 'localField': 'pid', 'foreignField': '_id', 'as': 'p'}}, ";
const std::string kPushed = "{'$group': {'_id': '$city', 'p': {'$push': '$ssn'}}}, ";

std::string match(const std::string& condition) { return "{'$match': {'p': " + condition + "}}"; }
std::string add(const std::string& expression) {
  return "{'$addFields': {'x': " + expression + "}}";
}

TEST(MadeLists, MayBeAskedForTheirSizeInAFilter) {
  for (const std::string& list : {kJoined, kPushed}) {
    for (const char* condition :
         {"{'$size': 0}", "{'$size': 3}", "{'$not': {'$size': 0}}", "[]", "{'$eq': []}",
          "{'$ne': []}", "{'$in': [[]]}", "{'$nin': [[]]}", "{'$exists': true, '$ne': []}"}) {
      SCOPED_TRACE(condition);
      keeps(list + match(condition));
    }
    for (const char* condition : {"5", "[5]", "{'$eq': [5]}", "{'$ne': 5}", "{'$in': [[], 5]}",
                                  "{'$gt': []}", "{'$all': [5]}", "[[]]"}) {
      SCOPED_TRACE(condition);
      EXPECT_FALSE(
          test::analyze(test::doc(test::pipeline(list + match(condition))), test::people()).marked);
    }
  }
  // Beside what is encrypted an implicit equality is written out, as any other.
  marks(kJoined + "{'$match': {'p': [], 'ssn': 5}}",
        kJoined + "{'$match': {'p': {'$eq': []}, 'ssn': {'$eq': " + enc("5") + "}}}");
  // The schema's own fields are as they were.
  refuses("{'$match': {'ssn': {'$size': 0}}}", kOperator);
  refuses("{'$match': {'note': []}}", Errc::random_not_comparable);
  refuses("{'$match': {'address': {'$size': 0}}}", kOperator);
  refuses(kJoined + "{'$match': {'p.ssn': {'$size': 0}}}", kOperator);
}

TEST(MadeLists, MayBeAskedForTheirSizeInAnExpression) {
  for (const std::string& list : {kJoined, kPushed}) {
    for (const char* expression :
         {"{'$size': '$p'}", "{'$isArray': '$p'}", "{'$isArray': ['$p']}", "{'$eq': ['$p', []]}",
          "{'$ne': [[], '$p']}", "{'$eq': ['$p', {'$literal': []}]}",
          "{'$gt': [{'$size': '$p'}, 3]}", "{'$size': {'$ifNull': ['$p', []]}}",
          "{'$size': {'$slice': ['$p', 2]}}", "{'$size': {'$concatArrays': ['$p', [], '$p']}}",
          "{'$cond': [{'$eq': [{'$size': '$p'}, 0]}, 'none', 'some']}"}) {
      SCOPED_TRACE(expression);
      keeps(list + "{'$match': {'$expr': " + expression + "}}");
      flows_plain(list + add(expression), "x");
    }
    refuses(list + add("{'$eq': ['$p', [5]]}"), kOperator);
    refuses(list + add("{'$in': [5, '$p']}"), kOperator);
    refuses(list + add("{'$setUnion': ['$p', []]}"), kOperator);
  }
  refuses(add("{'$size': '$ssn'}"), Errc::expression_not_allowed);
  refuses(add("{'$isArray': '$address'}"), kCompare);
  refuses(add("{'$eq': ['$note', []]}"), kCompare);
}

TEST(MadeLists, GiveItemsThatAreEncryptedAsTheyWere) {
  for (const char* item :
       {"{'$first': '$p'}", "{'$last': ['$p']}", "{'$arrayElemAt': ['$p', 0]}",
        "{'$arrayElemAt': ['$p', {'$subtract': [{'$size': '$p'}, 1]}]}",
        "{'$first': {'$filter': {'input': '$p', 'cond': {'$gt': ['$age', 3]}}}}",
        "{'$first': {'$ifNull': ['$p', []]}}", "{'$first': {'$reverseArray': '$p'}}",
        "{'$last': {'$slice': ['$p', 1, 2]}}"}) {
    SCOPED_TRACE(item);
    flows_encrypted(kJoined + add(item), "x.ssn");
    flows_plain(kJoined + add(item), "x.city");
    flows_refused(kJoined + add(item), "x.note", Errc::random_not_comparable);
    flows_encrypted(kPushed + add(item), "x");
  }
  flows_encrypted(kJoined + "{'$addFields': {'p': {'$first': '$p'}}}", "p.ssn");
  flows_encrypted(kJoined + "{'$replaceWith': {'$first': '$p'}}", "ssn");
  flows_encrypted(kJoined + add("{'$first': '$p.ssn'}"), "x");
  marks(kJoined + add("{'$eq': [{'$first': '$p.ssn'}, 5]}"),
        kJoined + add("{'$eq': [{'$first': '$p.ssn'}, " + enc("5") + "]}"));
  refuses(kJoined + add("{'$arrayElemAt': ['$p', '$ssn']}"), Errc::expression_not_allowed);
  refuses(add("{'$first': '$ssn'}"), Errc::expression_not_allowed);
}

TEST(MadeLists, GiveListsOfTheirKind) {
  for (const char* list :
       {"{'$slice': ['$p', 2]}", "{'$reverseArray': '$p'}", "{'$firstN': {'n': 2, 'input': '$p'}}",
        "{'$concatArrays': ['$p', '$p']}", "{'$concatArrays': [[], '$p']}",
        "{'$ifNull': ['$p', []]}", "{'$cond': ['$a', '$p', []]}",
        "{'$filter': {'input': '$p', 'cond': true}}"}) {
    SCOPED_TRACE(list);
    flows_encrypted(kJoined + add(list), "x.ssn");
    flows_encrypted(kJoined + add(list) + ", {'$unwind': '$x'}", "x.ssn");
    flows_refused(kPushed + add(list), "x", kOperator);
    flows_encrypted(kPushed + add(list) + ", {'$unwind': '$x'}", "x");
  }
  refuses(kJoined + add("{'$concatArrays': ['$p', '$list']}"), kOperator);
  refuses(kJoined + add("{'$concatArrays': ['$p', '$p.ssn']}"), kOperator);
  refuses(kJoined + add("{'$slice': ['$p', '$ssn']}"), Errc::expression_not_allowed);
  flows_refused(kJoined + add("{'$ifNull': ['$p', 'none']}"), "x", Errc::encryption_unknown);
}

TEST(MadeLists, BindTheirItems) {
  const auto filter = [](const std::string& condition) {
    return add("{'$filter': {'input': '$p', 'as': 'i', 'cond': " + condition + "}}");
  };
  marks(kJoined + filter("{'$eq': ['$$i.ssn', 5]}"),
        kJoined + filter("{'$eq': ['$$i.ssn', " + enc("5") + "]}"));
  keeps(kJoined + filter("{'$eq': ['$$i.name', '$alias']}"));
  refuses(kJoined + filter("{'$gt': ['$$i.ssn', 5]}"), Errc::expression_not_allowed);
  refuses(kJoined + filter("'$$i.ssn'"), Errc::expression_not_allowed);
  refuses(kJoined + filter("{'$eq': ['$$i.ssn', '$city']}"), kCompare);
  const auto map = [](const std::string& in) {
    return add("{'$map': {'input': '$p', 'in': " + in + "}}");
  };
  flows_encrypted(kJoined + map("'$$this.ssn'") + ", {'$unwind': '$x'}", "x");
  flows_encrypted(kJoined + map("{'s': '$$this.ssn'}") + ", {'$unwind': '$x'}", "x.s");
  flows_refused(kJoined + map("'$$this.ssn'"), "x", kOperator);
  flows_plain(kJoined + map("'$$this.city'"), "x");
  marks(kJoined + map("{'$eq': ['$$this.ssn', 5]}"),
        kJoined + map("{'$eq': ['$$this.ssn', " + enc("5") + "]}"));
  refuses(kJoined + add("{'$reduce': {'input': '$p', 'initialValue': 1, 'in': 1}}"), kOperator);
  refuses(kJoined + add("{'$sortArray': {'input': '$p', 'sortBy': {'ssn': 1}}}"), kOperator);
}

}  // namespace
}  // namespace fle
