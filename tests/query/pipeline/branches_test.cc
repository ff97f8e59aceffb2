#include "pipeline_support.h"

// $facet and $unionWith, several pipelines whose documents end up side by side; $setWindowFields,
// one pipeline whose documents are looked at in parts.
namespace fle {
namespace {

using test::enc;
using test::enc_other;
using test::flows_dropped;
using test::flows_encrypted;
using test::flows_plain;
using test::flows_refused;
using test::joins;
using test::keeps;
using test::marks;
using test::refuses;
using test::refuses_join;

using test::kMalformed;
constexpr Errc kUnknown = Errc::encryption_unknown;

std::string facet(const std::string& pipelines) { return "{'$facet': " + pipelines + "}"; }

TEST(FacetStage, AnalysesEachOfItsPipelines) {
  // A page of documents, and how many there are.
  const std::string page =
      facet("{'rows': [{'$skip': 0}, {'$limit': 10}], 'total': [{'$count': 'n'}]}");
  marks("{'$match': {'ssn': 5}}, " + page,
        "{'$match': {'ssn': {'$eq': " + enc("5") + "}}}, " + page);
  marks(facet("{'a': [{'$match': {'ssn': 5}}], 'b': [{'$project': {'x': '$ssn'}}, {'$match': {'x': "
              "6}}]}"),
        facet("{'a': [{'$match': {'ssn': {'$eq': " + enc("5") +
              "}}}], 'b': [{'$project': {'x': '$ssn'}}, {'$match': {'x': {'$eq': " + enc("6") +
              "}}}]}"));
  refuses(facet("{'a': [{'$limit': 1}], 'b': [{'$sort': {'ssn': 1}}]}"), Errc::stage_not_allowed);
  refuses(facet("{'a': [{'$match': {'note': 'x'}}]}"), Errc::random_not_comparable);
  refuses(facet("{'a': [{'$project': {'city': 1}}, {'$match': {'ssn': 5}}]}"),
          Errc::comparison_not_possible, "has dropped");
  refuses(facet("{'a': [{'$redact': {'$cond': [{'$eq': ['$street', 's']}, 'descend', 'keep']}}]}"),
          Errc::expression_not_allowed);
  refuses(facet("{'a': [{'$out': 'o'}]}"), Errc::stage_not_allowed);
  const std::string lookup = "{'$lookup': {'from': 'flags', 'as': 'f', 'pipeline': [";
  joins(lookup + facet("{'a': [{'$match': {'code': 'x'}}]}") + "]}}",
        lookup + facet("{'a': [{'$match': {'code': {'$eq': " + enc_other("'x'") + "}}}]}") + "]}}");
}

TEST(FacetStage, GivesAnArrayOfDocumentsForEach) {
  const std::string two = facet("{'a': [{'$project': {'x': '$ssn'}}], 'b': [{'$count': 'n'}]}");
  flows_encrypted(two, "a.x");
  flows_encrypted(two + ", {'$unwind': '$a'}, {'$replaceWith': '$a'}", "x");
  flows_encrypted(two + ", {'$project': {'y': {'$first': '$a'}}}", "y.x");
  flows_plain(two, "b.n");
  flows_plain(two, "b");
  keeps(two + ", {'$project': {'n': {'$first': '$b.n'}, 'rows': {'$size': '$a'}}}");
  flows_dropped(two, "ssn");
  flows_dropped(two, "a.ssn");
  flows_refused(two, "a", Errc::comparison_not_possible);
  flows_plain(facet("{'ssn': [{'$count': 'n'}]}"), "ssn");
}

TEST(FacetStage, HasTheShapeThatItMustHave) {
  for (const char* spec : {"5", "{}", "[]", "{'a': 5}", "{'a': {}}", "{'a.b': []}", "{'$a': []}",
                           "{'': []}", "{'a': [], 'a': []}", "{'a': [5]}"})
    refuses(facet(spec), kMalformed);
}

std::string union_with(const std::string& spec) { return "{'$unionWith': " + spec + "}"; }

TEST(UnionWithStage, AnalysesItsPipelineWithTheOtherSchema) {
  const auto with = [](const std::string& code, const std::string& name) {
    return union_with("{'pipeline': [{'$match': {'code': " + code + ", 'name': " + name +
                      "}}], 'coll': 'flags'}");
  };
  joins(with("'x'", "'y'"), with("{'$eq': " + enc_other("'x'") + "}", "{'$eq': 'y'}"));
  refuses_join(union_with("{'coll': 'flags', 'pipeline': [{'$match': {'flag': true}}]}"),
               Errc::random_not_comparable);
  refuses_join(union_with("{'coll': 'flags', 'pipeline': [{'$sort': {'code': 1}}]}"),
               Errc::stage_not_allowed);
  // And from a collection that encrypts nothing.
  joins(with("'x'", "'y'"), with("{'$eq': " + enc_other("'x'") + "}", "{'$eq': 'y'}"), "free");
}

TEST(UnionWithStage, KnowsOfAFieldWhatIsSoInBothCollections) {
  const auto flows = [](const std::string& with, const std::string& path, const std::string& before,
                        const std::string& after) {
    const std::string tail = ", {'$match': {'" + path + "': ";
    joins(with + tail + before + "}}", with + tail + after + "}}");
  };
  const auto unknown = [](const std::string& with, const std::string& path) {
    refuses_join(with + ", {'$match': {'" + path + "': 5}}", kUnknown);
  };
  for (const char* same : {"'same'", "{'coll': 'same'}", "{'coll': 'same', 'pipeline': []}",
                           "{'coll': 'same', 'pipeline': [{'$match': {'city': 'x'}}]}"}) {
    flows(union_with(same), "ssn", "5", "{'$eq': " + enc("5") + "}");
    flows(union_with(same), "address.street", "'s'", "{'$eq': " + enc("'s'") + "}");
    flows(union_with(same), "city", "{'$gt': 5}", "{'$gt': 5}");
  }
  const std::string flags = union_with("'flags'");
  // ssn is encrypted alike in both, name and code in one of them.
  flows(flags, "ssn", "5", "{'$eq': " + enc("5") + "}");
  flows(flags, "city", "{'$gt': 5}", "{'$gt': 5}");
  flows(flags, "address.city", "{'$gt': 5}", "{'$gt': 5}");
  unknown(flags, "name");
  unknown(flags, "code");
  unknown(flags, "address.street");
  refuses_join(flags + ", {'$match': {'address': 5}}", Errc::comparison_not_possible);
  refuses_join(flags + ", {'$project': {'x': {'$toUpper': '$name'}}}", kUnknown);
  refuses_join(flags + ", {'$sort': {'name': 1}}", Errc::stage_not_allowed);
  refuses_join(flags + ", {'$group': {'_id': '$name'}}", kUnknown);
  unknown(union_with("'free'"), "ssn");
  flows(union_with("'free'"), "city", "{'$gt': 5}", "{'$gt': 5}");
  // What stages make of both.
  flows(flags + ", {'$project': {'x': '$ssn'}}", "x", "5", "{'$eq': " + enc("5") + "}");
  flows(flags + ", {'$group': {'_id': '$ssn', 'd': {'$push': '$$ROOT'}}}, {'$unwind': '$d'}",
        "d.ssn", "5", "{'$eq': " + enc("5") + "}");
  unknown(flags + ", {'$project': {'x': '$name'}}", "x");
  const auto renamed = [](const std::string& from) {
    return "{'$project': {'x': '$ssn'}}, " +
           union_with("{'coll': 'same', 'pipeline': [{'$project': {'x': '" + from + "'}}]}");
  };
  flows(renamed("$ssn"), "x", "5", "{'$eq': " + enc("5") + "}");
  unknown(renamed("$name"), "x");
  unknown(renamed("$city"), "x");
  unknown("{'$project': {'x': '$address'}}, " +
              union_with("{'coll': 'same', 'pipeline': [{'$project': {'x': '$ssn'}}]}"),
          "x.street");
}

// Where a field may be anything, the search for containers ends before it has seen all of them.
TEST(UnionWithStage, LeavesNoWayAroundTheRuleOfRedactForContainers) {
  const auto holds = test::plan_of(
      "{'bsonType': 'object', 'properties': {'ssn': {'encrypt': {'algorithm': " +
      test::kRandAlgorithm + ", 'keyId': " + test::kZeroKey + ", 'bsonType': 'object'}}}}");
  const auto patterns =
      test::plan_of("{'bsonType': 'object', 'patternProperties': {'^y': " + test::rand() +
                    ", 'y$': " + test::det("string") + "}}");
  const query::CollectionSchema schemas[] = {{"c", holds}, {"d", patterns}};
  for (const char* with : {"'d'", "{'coll': 'd', 'pipeline': [{'$addFields': {'u': '$yy'}}]}"}) {
    const test::Buf command = test::doc("{'aggregate': 'c', 'pipeline': [" + union_with(with) +
                                        ", {'$redact': '$$DESCEND'}], 'cursor': {}}");
    query::Analysis a;
    const Done done = query::analyze(command, "db", schemas, a);
    ASSERT_FALSE(done) << with;
    EXPECT_EQ(a.findings.back().rule, "expression.descent") << done.error().to_string();
  }
}

TEST(UnionWithStage, RemembersWhatBothHaveDropped) {
  const auto dropped = [](const std::string& before, const std::string& inside) {
    refuses_join(before + union_with("{'coll': 'same', 'pipeline': [" + inside + "]}") +
                     ", {'$match': {'ssn': 5}}",
                 Errc::comparison_not_possible, "has dropped");
  };
  dropped("{'$project': {'city': 1}}, ", "{'$project': {'city': 1}}");
  dropped("{'$project': {'city': 1}}, ", "{'$count': 'n'}");
  // Documents without the field are no harm to those that have it.
  const std::string one = union_with("{'coll': 'same', 'pipeline': [{'$project': {'city': 1}}]}");
  joins(one + ", {'$match': {'ssn': 5}}", one + ", {'$match': {'ssn': {'$eq': " + enc("5") + "}}}");
  const std::string joined = "{'$lookup': {'from': 'same', 'as': 'p', 'pipeline': [";
  const std::string in_lookup = joined + union_with("'flags'") + "]}}, {'$match': {'p.ssn': ";
  joins(in_lookup + "5}}", in_lookup + "{'$eq': " + enc("5") + "}}}");
}

TEST(UnionWithStage, HasTheShapeThatItMustHave) {
  for (const char* spec : {"5", "{}", "{'pipeline': []}", "{'coll': 5}", "[]",
                           "{'coll': 'd', 'pipeline': 5}", "{'coll': 'd', 'other': 1}"})
    refuses(union_with(spec), kMalformed);
}

TEST(UnionWithStage, KeepsItsViewsFew) {
  std::string stages;
  for (int i = 0; i < 40; ++i)
    stages += union_with("{'coll': 'same', 'pipeline': [{'$addFields': {'a" + std::to_string(i) +
                         "': '$ssn'}}]}") +
              ", ";
  refuses_join(stages + "{'$match': {'ssn': 5}}", kUnknown);
}

// ---- Partitions

std::string windows(const std::string& output, const std::string& more = {}) {
  return "{'$setWindowFields': {" + more + "'output': " + output + "}}";
}

TEST(SetWindowFieldsStage, PartitionsByWhatAGroupCouldHaveAsItsKey) {
  const auto by = [](const std::string& key) {
    return windows("{'n': {'$documentNumber': {}}}",
                   "'partitionBy': " + key + ", 'sortBy': {'age': 1}, ");
  };
  for (const char* key : {"'$city'", "'$ssn'", "{'a': '$ssn', 'b': '$city'}", "null"})
    keeps(by(key));
  marks(by("{'$eq': ['$ssn', 5]}"), by("{'$eq': ['$ssn', " + enc("5") + "]}"));
  refuses(by("'$note'"), Errc::random_not_comparable);
  refuses(by("'$address'"), Errc::comparison_not_possible);
  refuses(by("{'$toUpper': '$name'}"), Errc::expression_not_allowed);
  for (const char* field : {"ssn", "note", "address", "address.street"})
    refuses(windows("{'n': {'$rank': {}}}", "'sortBy': {'" + std::string(field) + "': 1}, "),
            Errc::stage_not_allowed, "ciphertext");
}

TEST(SetWindowFieldsStage, AddsFieldsByTheRulesForAccumulators) {
  const std::string window = ", 'window': {'range': [-10, 'current'], 'unit': 'day'}";
  const std::string total = windows("{'t': {'$sum': '$age'" + window + "}}");
  flows_plain(total, "t");
  flows_encrypted(total, "ssn");
  flows_plain(total, "city");
  for (const char* op :
       {"{'$rank': {}}", "{'$denseRank': {}}", "{'$documentNumber': {}}", "{'$locf': '$age'}",
        "{'$shift': {'output': '$age', 'by': 1, 'default': 'none'}}", "{'$linearFill': '$age'}",
        "{'$derivative': {'input': '$age', 'unit': 'hour'}, 'window': {'documents': [-1, 0]}}",
        "{'$expMovingAvg': {'input': '$age', 'N': 2}}", "{'$covariancePop': ['$age', '$n']}"})
    flows_plain(windows("{'x.y': " + std::string(op) + "}"), "x.y");
  flows_encrypted(windows("{'x': {'$first': '$ssn'" + window + "}}"), "x");
  flows_refused(windows("{'x': {'$push': '$ssn'" + window + "}}"), "x", Errc::operator_not_allowed);
  flows_plain(windows("{'ssn': {'$sum': '$age'}}"), "ssn");
  marks(windows("{'x': {'$sum': {'$cond': [{'$eq': ['$ssn', 5]}, 1, 0]}}}"),
        windows("{'x': {'$sum': {'$cond': [{'$eq': ['$ssn', " + enc("5") + "]}, 1, 0]}}}"));
  for (const char* op : {"$sum", "$max", "$locf", "$linearFill", "$integral"})
    refuses(windows("{'x': {'" + std::string(op) + "': '$ssn'}}"), Errc::expression_not_allowed,
            op);
  refuses(windows("{'x': {'$shift': {'output': '$ssn', 'by': 1}}}"), Errc::comparison_not_possible);
  refuses(windows("{'x': {'$addToSet': '$note'}}"), Errc::random_not_comparable);
  refuses(windows("{'x': {'$news': '$city'}}"), Errc::expression_not_allowed, "not known");
  refuses(windows("{'ssn.x': {'$sum': 1}}"), Errc::operator_not_allowed);
  // They are operators of this stage alone.
  refuses("{'$group': {'_id': 1, 'x': {'$rank': {}}}}", Errc::expression_not_allowed, "not known");
}

TEST(SetWindowFieldsStage, HasTheShapeThatItMustHave) {
  for (const char* spec :
       {"5", "{}", "{'output': 5}", "{'output': {'x': 5}}", "{'output': {'x': {}}}",
        "{'output': {'x': {'$sum': 1, '$avg': 1}}}", "{'output': {'x': {'window': {}}}}",
        "{'output': {'x': {'$sum': 1, 'window': 5}}}", "{'output': {}, 'other': 1}",
        "{'output': {'x': {'$sum': 1, 'window': {'range': [{'$add': [1, 1]}, 1]}}}}",
        "{'output': {'x': {'$sum': 1, 'window': {'range': ['x', 1]}}}}",
        "{'output': {'x': {'$sum': 1, 'window': {'documents': 5}}}}",
        "{'output': {'x': {'$sum': 1, 'window': {'unit': 5}}}}",
        "{'output': {'x': {'$sum': 1, 'window': {'other': ['current', 1]}}}}",
        "{'output': {'x': {'$sum': 1, 'window': {}, 'window': {}}}}"})
    refuses("{'$setWindowFields': " + std::string(spec) + "}", kMalformed);
}

}  // namespace
}  // namespace fle
