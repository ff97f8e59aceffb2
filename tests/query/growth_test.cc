// No command takes more work than its size allows. Steps and bytes of memory are counted, no clock
// is read: a command that is twice as long may take twice of both, and neither may be out of
// proportion to begin with.
#include <functional>

#include "query/query_support.h"
#include "support/malloc_counter.h"

namespace fle::test {
namespace {

using Plan = std::shared_ptr<const schema::Plan>;

struct Case {
  const char* name;
  std::function<std::string(int n)> command;  // JSON, single quotes for double ones
  int n = 1000;
  std::function<Plan()> plan = people;
  bool refused = false;
  /// Steps for each byte; more than a few only where that many readings of a path are possible, or
  /// a pattern runs over long names.
  std::uint64_t most = 2;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

/// f(0), ..., f(n - 1), with commas between them.
template <class F>
std::string list(int n, F f) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    if (i != 0) out += ", ";
    out += f(i);
  }
  return out;
}
std::string list(int n, const char* item) {
  return list(n, [item](int) { return item; });
}
std::string list(int n, const std::string& item) { return list(n, item.c_str()); }
std::string field(const std::string& name, int i, const std::string& value = "1") {
  return "'" + name + std::to_string(i) + "': " + value;
}
/// `before` n times, `inner`, `after` n times.
std::string nested(int n, const std::string& before, const std::string& inner,
                   const std::string& after) {
  return repeated(before, n) + inner + repeated(after, n);
}
std::string aggregate(const std::string& stages) {
  return "{'aggregate': 'c', 'cursor': {}, 'pipeline': [" + stages + "]}";
}
std::string find(const std::string& filter, const std::string& more = {}) {
  return "{'find': 'c', 'filter': {" + filter + "}" + more + "}";
}
std::string insert(const std::string& documents) {
  return "{'insert': 'c', 'documents': [" + documents + "]}";
}

/// Everything is encrypted under the key that /k names.
Plan by_pointer() {
  static const Plan plan = plan_of(
      "{'bsonType': 'object', 'properties': {'_id': {'bsonType': 'int'}, 'k': {'bsonType': "
      "'string'}}, "
      "'additionalProperties': {'encrypt': {'algorithm': " +
          kRandAlgorithm + ", 'keyId': '/k'}}}",
      schema::Origin::remote);
  return plan;
}
/// A hundred fields whose keys are named by /k.
Plan by_one_pointer() {
  static const Plan plan = plan_of(
      "{'bsonType': 'object', 'encryptMetadata': {'keyId': '/k', 'algorithm': " + kRandAlgorithm +
      "}, 'properties': {" + list(100, [](int i) { return field("s", i, "{'encrypt': {}}"); }) +
      "}}");
  return plan;
}
/// A hundred fields, each with a key of its own.
Plan by_many_pointers() {
  static const Plan plan =
      plan_of("{'bsonType': 'object', 'properties': {" +
              list(100,
                   [](int i) {
                     return field("s", i,
                                  "{'encrypt': {'algorithm': " + kRandAlgorithm + ", 'keyId': '/k" +
                                      std::to_string(i) + "'}}");
                   }) +
              "}}");
  return plan;
}
/// 16 objects in each other, with a pattern for numbers at each of them.
Plan numbers() {
  static const Plan plan = [] {
    const std::string leaf = "'^a+b+$': " + det("int");
    std::string schema = "{'bsonType': 'object', 'patternProperties': {" + leaf + "}}";
    for (int i = 0; i < 16; ++i)
      schema =
          "{'bsonType': 'object', 'patternProperties': {" + leaf + ", '^[0-9]$': " + schema + "}}";
    return plan_of(schema);
  }();
  return plan;
}
/// Eight objects that each have an object with a field of their own.
Plan objects() {
  static const Plan plan = [] {
    return plan_of("{'bsonType': 'object', 'properties': {" +
                   list(8,
                        [](int i) {
                          const std::string n = std::to_string(i);
                          return "'a" + n +
                                 "': {'bsonType': 'object', 'properties': {'o': {'bsonType': "
                                 "'object', 'properties': {'z" +
                                 n + "': " + det("int") + "}}}}";
                        }) +
                   "}}");
  }();
  return plan;
}
/// Two thousand deterministic fields.
Plan wide() {
  static const Plan plan =
      plan_of("{'bsonType': 'object', 'properties': {" +
              list(2000, [](int i) { return field("s", i, det("int")); }) + "}}");
  return plan;
}

std::string let_and(const std::string& expression, int n) {
  return aggregate(
      "{'$lookup': {'from': 'o', 'let': {" + list(n, [](int i) { return field("v", i); }) +
      "}, 'pipeline': [{'$project': {'_id': 0, 'x': [" + list(n, expression) + "]}}], 'as': 'j'}}");
}
const std::string kLongName = repeated("a", 4000);

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"LetAndUnknownOperators", [](int n) { return let_and("{'$foo': 1}", n); }},
      {"LetAndSystemVariables", [](int n) { return let_and("'$$FOO'", n); }},
      {"LetAndIndexKeys", [](int n) { return let_and("{'$meta': 'indexKey'}", n); }},
      {"LetInLet",
       [](int n) {
         return aggregate("{'$project': {'x': [" +
                          list(n, nested(25, "{'$let': {'vars': {'a': 1}, 'in': ", "'$$a'", "}}")) +
                          "]}}");
       },
       20},
      {"InsertOfManyFields",
       [](int n) { return insert("{" + list(n, [](int i) { return field("s", i); }) + "}"); }, 1000,
       wide},
      {"InsertOfFieldsBelowALongName",
       [](int n) { return insert("{'" + kLongName + "': [" + list(n, "1") + "]}"); }, 4000},
      {"InsertOfManyDocuments", [](int n) { return insert(list(n, "{'ssn': 1, 'name': 'x'}")); }},
      {"InsertByOnePointer",
       [](int n) {
         return insert("{" + list(n, [](int i) { return field("p", i); }) + ", " +
                       list(100, [](int i) { return field("s", i); }) + ", 'k': 'key'}");
       },
       4000, by_one_pointer},
      {"InsertByManyPointers",
       [](int n) {
         return insert("{" + list(n, [](int i) { return field("p", i); }) + ", " +
                       list(100, [](int i) { return field("s", i); }) + ", " +
                       list(100, [](int i) { return field("k", i, "'key'"); }) + "}");
       },
       4000, by_many_pointers},
      {"InsertByPointerOfManyDocuments",
       [](int n) { return insert(list(n, "{'a': 1, 'b': 2, 'k': 'key'}")); }, 1000, by_pointer},
      {"LongNameOfAGroup",
       [](int n) {
         return aggregate("{'$group': {'_id': 1, '" + repeated("x", 100 * n) +
                          "': {'$push': {'$ifNull': [" + list(n, "'$ssn'") + "]}}}}");
       }},
      {"NumbersInAPath",
       [](int n) { return find("'" + repeated("0.", 8) + repeated("a", n) + "': 1"); }, 100'000,
       numbers, false, 4},
      {"ProjectionBelowALongName",
       [](int n) {
         return find("", ", 'projection': {'" + kLongName + "': {" +
                             list(n, [](int i) { return field("f", i); }) + "}}");
       },
       4000},
      {"ProjectBelowALongName",
       [](int n) {
         return aggregate("{'$project': {'" + kLongName + "': {" +
                          list(n, [](int i) { return field("f", i); }) + "}}}");
       },
       4000},
      {"AddFieldsBelowALongName",
       [](int n) {
         return aggregate("{'$addFields': {'" + kLongName + "': {" +
                          list(n, [](int i) { return field("f", i); }) + "}}}");
       },
       4000},
      {"ProjectionDeepDown",
       [](int n) {
         return find("", ", 'projection': {" +
                             nested(80, "'abcdefgh': {",
                                    list(n, [](int i) { return field("f", i); }), "}") +
                             "}");
       },
       4000},
      {"StagesThatEachAddAField",
       [](int n) {
         return aggregate(
             list(n, [](int i) { return "{'$addFields': {" + field("f", i, "'$ssn'") + "}}"; }));
       },
       450},
      {"StagesThatEachUnsetAField",
       [](int n) {
         return aggregate(
             "{'$addFields': {" + list(n, [](int i) { return field("f", i, "'$ssn'"); }) + "}}, " +
             list(n, [](int i) { return "{'$unset': 'f" + std::to_string(i) + "'}"; }));
       },
       450},
      {"StagesAfterManyFields",
       [](int n) {
         return aggregate("{'$addFields': {" +
                          list(n, [](int i) { return field("f", i, "'$ssn'"); }) + "}}, " +
                          list(n, "{'$addFields': {'x': '$ssn'}}"));
       },
       450},
      {"StagesAfterFieldsWithLongNames",
       [](int n) {
         return aggregate("{'$addFields': {" +
                          list(n, [](int i) { return field(repeated("a", 400), i, "'$ssn'"); }) +
                          "}}, " + list(n, "{'$addFields': {'x': '$ssn'}}"));
       },
       450},
      {"SetsOfWholeDocuments",
       [](int n) {
         return aggregate(
             "{'$project': {'_id': 0, " + list(n, [](int i) { return field("f", i, "'$ssn'"); }) +
             "}}, {'$group': {'_id': 1, " +
             list(n, [](int i) { return field("s", i, "{'$addToSet': '$$ROOT'}"); }) + "}}");
       }},
      {"RedactWithManyPaths",
       [](int n) {
         return aggregate("{'$redact': {'$cond': [{'$and': [" +
                          list(n, [](int i) { return "'$p" + std::to_string(i) + "'"; }) +
                          "]}, '$$DESCEND', '$$KEEP']}}");
       },
       1000, wide},
      {"FieldsOfMixedDocuments",
       [](int n) {
         return aggregate(
             "{'$replaceWith': '$a0'}, " +
             list(7,
                  [](int i) {
                    return "{'$unionWith': {'coll': 'c', 'pipeline': [{'$replaceWith': '$a" +
                           std::to_string(i + 1) + "'}]}}";
                  }) +
             ", {'$project': {'x': [" + list(n, "'$o.p'") + "]}}");
       },
       4000, objects, false, 8},
      {"SetsOfPartsOfObjects",
       [](int n) {
         return aggregate(
             "{'$project': {'address.x': 1}}, {'$project': {'x': {'$setUnion': "
             "[['$address', " +
             list(n, "1") + "], " + list(n, "'$address'") + "]}}}");
       }},
      {"LargestOfManyParts",
       [](int n) {
         return aggregate("{'$project': {'address.x': 1}}, {'$project': {'x': {'$max': [" +
                          list(n, [](int i) { return "{" + field("f", i, "'$address'") + "}"; }) +
                          "]}}}");
       },
       1000, people, false, 8},
      {"IdentifiersOfItems",
       [](int n) {
         return "{'update': 'c', 'updates': [{'q': {}, 'arrayFilters': [{'i': 1}], 'u': {'$set': "
                "{'x.$[i]." +
                repeated("$[", n) + "': 1}}}]}";
       },
       10'000},
      {"StagesOfUnknownNames",
       [](int n) {
         return aggregate("{'$new': {'a': [" +
                          list(n, nested(20, "{'b': [", "{'$unionWith': 'o'}", "]}")) + "]}}");
       },
       20, people, true},
      {"LookupsOfManyCollections",
       [](int n) {
         return aggregate(list(n, [](int i) {
           return "{'$lookup': {'from': 'o" + std::to_string(i) +
                  "', 'localField': 'p', 'foreignField': 'p', 'as': 'x'}}";
         }));
       },
       450},
      {"LookupsInLookups",
       [](int n) {
         const std::string inner = list(n, [](int i) {
           return "{'$lookup': {'from': 'o" + std::to_string(i) + "', 'pipeline': [], 'as': 'x'}}";
         });
         return aggregate(
             list(n, "{'$lookup': {'from': 'o', 'pipeline': [" + inner + "], 'as': 'y'}}"));
       },
       20},
      {"ManyPipelines",
       [](int n) {
         return "{'aggregate': 'c', 'pipeline': [" +
                list(n,
                     [](int i) {
                       return "{'$lookup': {'from': 'o" + std::to_string(i) +
                              "', 'pipeline': [], 'as': 'x'}}";
                     }) +
                "], " + list(20 * n, "'pipeline': []") + "}";
       },
       450, people, true},
      {"ManyViews",
       [](int n) {
         return "{'create': 'c', " +
                list(n, [](int i) { return "'viewOn': 'o" + std::to_string(i) + "'"; }) + "}";
       },
       1000, people, true},
      {"Updates",
       [](int n) {
         return "{'update': 'c', 'updates': [" +
                list(n, "{'q': {'ssn': 1}, 'u': {'$set': {'name': 'x'}}, 'upsert': true}") + "]}";
       }},
      {"UpdateOfManyFields",
       [](int n) {
         return "{'update': 'c', 'updates': [{'q': {}, 'u': {'$set': {" +
                list(n, [](int i) { return field("f", i); }) + "}}}]}";
       }},
      {"UpdateOfOneLongPath",
       [](int n) {
         return "{'update': 'c', 'updates': [{'q': {}, 'u': {'$set': {'" + repeated("x.$[].", n) +
                "x': 1}}}]}";
       },
       10'000},
      {"UpdatesOfPathsWithNumbers",
       [](int n) {
         return "{'update': 'c', 'updates': [{'q': {}, 'u': {'$set': {" +
                list(n, [](int i) { return field("0.1.2.3.4.5.6.7.a", i); }) + "}}}]}";
       },
       1000, numbers, false, 80},
      {"Deletes",
       [](int n) {
         return "{'delete': 'c', 'deletes': [" + list(n, "{'q': {'ssn': 1}, 'limit': 1}") + "]}";
       }},
      {"BulkWrite",
       [](int n) {
         return "{'bulkWrite': 1, 'nsInfo': [{'ns': 'db.c'}], 'ops': [" +
                list(n, "{'insert': 0, 'document': {'ssn': 1}}") + "]}";
       }},
      {"In", [](int n) { return find("'ssn': {'$in': [" + list(n, "1") + "]}"); }},
      {"And", [](int n) { return find("'$and': [" + list(n, "{'ssn': 1, 'x': 2}") + "]"); }},
      {"DeepAnd",
       [](int n) {
         return find("'$and': [" + list(n, nested(30, "{'$or': [", "{'ssn': 1}", "]}")) + "]");
       },
       20},
      {"DeepNot",
       [](int n) {
         return find(
             list(n,
                  [](int i) { return field("x", i, nested(40, "{'$not': ", "{'$eq': 1}", "}")); }) +
             ", 'ssn': " + nested(40, "{'$not': ", "{'$eq': 1}", "}"));
       },
       20},
      {"LongPaths", [](int n) { return find("'" + repeated("address.", n) + "street': 1"); },
       20'000},
      {"Switch",
       [](int n) {
         return aggregate("{'$project': {'x': {'$switch': {'branches': [" +
                          list(n, "{'case': {'$eq': ['$ssn', 1]}, 'then': '$ssn'}") + "]}}}}");
       }},
      {"DeepCond",
       [](int n) {
         return aggregate("{'$project': {'_id': 0, " +
                          list(n,
                               [](int i) {
                                 return field("x", i,
                                              nested(40, "{'$cond': [1, '$ssn', ", "'$ssn'", "]}"));
                               }) +
                          "}}");
       },
       20},
      {"DeepIn",
       [](int n) {
         return aggregate(
             "{'$project': {'_id': 0, " +
             list(n,
                  [](int i) { return field("x", i, nested(25, "{'$in': ['$p', [", "1", "]]}")); }) +
             "}}");
       },
       20},
      {"ListsInLists",
       [](int n) {
         return aggregate("{'$project': {'_id': 0, 'a': " + nested(80, "[", "'$ssn'", "]") +
                          "}}, {'$project': {'b': [" + list(n, "'$a.x'") + "]}}");
       }},
      {"GroupWithManyFields",
       [](int n) {
         return aggregate("{'$group': {'_id': '$ssn', " +
                          list(n, [](int i) { return field("f", i, "{'$push': '$ssn'}"); }) + "}}");
       }},
      {"Indexes",
       [](int n) {
         return "{'createIndexes': 'c', 'indexes': [" +
                list(n, "{'key': {'ssn': 1, 'x': 1}, 'name': 'i'}") + "]}";
       }},
      {"NamesWithDots", [](int n) { return insert("{'" + repeated("address.x.", n) + "': 1}"); },
       10'000},
      {"RefusedAtTheEnd", [](int n) { return find(list(n, "'ssn': 1") + ", 'ssn': {'$gt': 1}"); },
       1000, people, true},
      {"RefusedWithALongText",
       [](int n) { return find("'ssn': {'$" + repeated("x", n) + "': 1}"); }, 100'000, people,
       true},
  };
  return all;
}

struct Cost {
  std::uint64_t input = 0;
  std::uint64_t steps = 0;
  std::uint64_t bytes = 0;
};

Cost cost_of(const Case& c, int n, bool explain) {
  const Plan plan = c.plan();
  const Buf command = doc(c.command(n));
  const long before = n_allocated_bytes.load();
  const auto target = query::read_target(command);
  Cost cost;
  cost.input = command.size();
  EXPECT_TRUE(target || c.refused) << target.error().to_string();
  if (!target) return cost;
  cost.steps = target->work.steps();
  std::vector<query::CollectionSchema> schemas;
  for (const auto name : target->collections)
    schemas.push_back({name, name == target->collection ? plan : nullptr});
  query::Analysis analysis;
  const Done done =
      query::analyze(command, "db", schemas, analysis, {.explain = explain, .target = &*target});
  EXPECT_EQ(done.has_value(), !c.refused) << (done ? "accepted" : done.error().to_string());
  cost.steps += analysis.steps();
  if (done) {
    EXPECT_TRUE(query::write_marked(command, analysis));
  }
  cost.bytes = static_cast<std::uint64_t>(n_allocated_bytes.load() - before);
  return cost;
}

class Growth : public ::testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(Growth, IsThatOfTheCommand) {
  const auto& [c, explain] = GetParam();
  const Cost once = cost_of(c, c.n, explain);
  const Cost twice = cost_of(c, 2 * c.n, explain);
  const double growth = static_cast<double>(twice.input) / static_cast<double>(once.input);
  SCOPED_TRACE(std::to_string(once.input) + " bytes: " + std::to_string(once.steps) + " steps, " +
               std::to_string(once.bytes) + " allocated; " + std::to_string(twice.input) +
               " bytes: " + std::to_string(twice.steps) + " steps, " + std::to_string(twice.bytes) +
               " allocated");
  EXPECT_LE(static_cast<double>(twice.steps), 1.1 * growth * static_cast<double>(once.steps));
  EXPECT_LE(once.steps, c.most * once.input + 1000);
  if (!kCountsAllocations) return;
  EXPECT_LE(static_cast<double>(twice.bytes), 1.25 * growth * static_cast<double>(once.bytes));
  EXPECT_LE(once.bytes, 100 * once.input + 100'000);
}

INSTANTIATE_TEST_SUITE_P(OfWork, Growth,
                         ::testing::Combine(::testing::ValuesIn(cases()), ::testing::Bool()),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param).name) +
                                  (std::get<1>(p.param) ? "Explained" : "");
                         });

}  // namespace
}  // namespace fle::test
