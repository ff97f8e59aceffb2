// The dialogue of clients with their analyzer: what they add to a command, what they get back.
#include "fle/query/analyzer.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "protocol/analyzer_schema_cache.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

using query::Analyzer;

constexpr char kSsn[] = R"({
  "bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "string",
    "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
    "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}})";
constexpr char kInsert[] = R"("insert": "patients", "documents": [{"_id": 1, "ssn": "s3cret"}])";

/// A schema that encrypts the field `name` alone.
std::string schema_of(const std::string& name) {
  std::string s = kSsn;
  return s.replace(s.find("ssn"), 3, name);
}

/// {<fields>, jsonSchema, isRemoteSchema: false, $db: "clinic"}
std::string with_schema(const std::string& fields, const std::string& schema = kSsn) {
  return "{" + fields + R"(, "jsonSchema": )" + schema +
         R"(, "isRemoteSchema": false, "$db": "clinic"})";
}

/// {<fields>, csfleEncryptionSchemas: {<namespaces>}, $db: "clinic"}
std::string with_schemas(const std::string& fields, const std::string& namespaces) {
  return "{" + fields + R"(, "csfleEncryptionSchemas": {)" + namespaces + R"(}, "$db": "clinic"})";
}

struct AnalyzerDialogue : ::testing::Test {
  Analyzer analyzer;

  Buf analyze(const std::string& json, std::string_view db = {}) const {
    auto reply = analyzer.analyze(bson_of(json), db);
    if (!reply) throw std::runtime_error(reply.error().to_string());
    return *reply;
  }
  /// The failure, which never says anything of a value.
  Failure refusal(const std::string& json, std::string_view db = {}) const {
    auto reply = analyzer.analyze(bson_of(json), db);
    if (reply) throw std::runtime_error("not refused: " + json);
    EXPECT_EQ(reply.error().to_string().find("s3cret"), std::string::npos);
    return reply.error();
  }
  /// Expects a failure with this code and words of its text.
  void expect_refused(const std::string& json, Errc code, const std::string& text,
                      std::string_view db = {}) const {
    const Failure f = refusal(json, db);
    EXPECT_EQ(f.code, code) << f.to_string();
    EXPECT_NE(f.to_string().find(text), std::string::npos) << f.to_string();
  }
};

bool flag(const Buf& reply, std::string_view name) {
  const auto v = find_value(reply, {name});
  if (!v || v->type != bson::Type::bool_) throw std::runtime_error("no boolean");
  return v->bytes[0] != 0;
}
Buf result_of(const Buf& reply) { return find_value(reply, {"result"}).value().bytes; }

TEST_F(AnalyzerDialogue, TheReplyHasTheFieldsThatDriversExpect) {
  const Buf reply = analyze(with_schema(kInsert));
  std::vector<std::string> names;
  for (const auto& [name, value] : fields_of(reply)) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"hasEncryptionPlaceholders",
                                             "schemaRequiresEncryption", "result", "ok"}));
  EXPECT_TRUE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_TRUE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_EQ(find_value(reply, {"ok"}), only_value(bson_of(R"({"v": {"$numberDouble": "1.0"}})")));
  const auto ssn = payload_of(*find_value(reply, {"result", "documents", "0", "ssn"}));
  ASSERT_TRUE(ssn);
  EXPECT_EQ(ssn->front(), 0);
}

TEST_F(AnalyzerDialogue, TheResultIsTheCommandWithoutWhatWasAddedForUs) {
  const std::string schema = R"("jsonSchema": )" + std::string(kSsn);
  const Buf reply = analyze(R"({"insert": "patients", )" + schema +
                            R"(, "documents": [{"_id": 1}], "$db": "clinic", "ordered": true,
                               "isRemoteSchema": false, "comment": {"$db": "x", "jsonSchema": {}},
                               "lsid": {"id": 1}})");
  EXPECT_FALSE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_TRUE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_EQ(result_of(reply),
            bson_of(R"({"insert": "patients", "documents": [{"_id": 1}], "ordered": true,
                        "comment": {"$db": "x", "jsonSchema": {}}, "lsid": {"id": 1}})"));
}

TEST_F(AnalyzerDialogue, WithoutASchemaTheCommandComesBackAsItIs) {
  const Buf reply = analyze(with_schema(R"("insert": "patients", "documents": "whatever")", "{}"));
  EXPECT_FALSE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_FALSE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_EQ(result_of(reply), bson_of(R"({"insert": "patients", "documents": "whatever"})"));
}

TEST_F(AnalyzerDialogue, ACommandThatIsNeverAnalyzedNeedsNoSchema) {
  const Buf reply = analyze(R"({"ping": 1, "$db": "clinic"})");
  EXPECT_FALSE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_EQ(result_of(reply), bson_of(R"({"ping": 1})"));
}

TEST_F(AnalyzerDialogue, BothHalvesOfASchemaMustBeThere) {
  const std::string no_origin =
      std::string("{") + kInsert + R"(, "$db": "clinic", "jsonSchema": )" + kSsn + "}";
  expect_refused(std::string("{") + kInsert + R"(, "$db": "clinic"})", Errc::command_malformed,
                 "jsonSchema is a required command field");
  expect_refused(std::string("{") + kInsert + R"(, "$db": "clinic", "isRemoteSchema": true})",
                 Errc::command_malformed, "jsonSchema is a required command field");
  expect_refused(no_origin, Errc::command_malformed, "isRemoteSchema is a required command field");
}

TEST_F(AnalyzerDialogue, WhatIsAddedMustHaveItsTypeAndStandOnce) {
  const std::string start = std::string("{") + kInsert + R"(, "$db": "clinic", )";
  expect_refused(start + R"("jsonSchema": [], "isRemoteSchema": true})", Errc::command_malformed,
                 "must be of type object, found array");
  expect_refused(start + R"("jsonSchema": {}, "isRemoteSchema": 1})", Errc::command_malformed,
                 "must be of type bool, found int");
  expect_refused(start + R"("jsonSchema": {}, "isRemoteSchema": true, "isRemoteSchema": true})",
                 Errc::command_malformed, "appears twice");
  expect_refused(start + R"("jsonSchema": {}, "isRemoteSchema": true, "$db": "clinic"})",
                 Errc::command_malformed, "appears twice");
  expect_refused(start + R"("csfleEncryptionSchemas": 1})", Errc::command_malformed,
                 "must be of type object, found int");
  expect_refused(R"({"jsonSchema": {}, "insert": "x", "$db": "clinic"})",
                 Errc::command_not_supported, "not supported for auto encryption: jsonSchema");
  expect_refused("{}", Errc::command_malformed, "no command");
}

TEST_F(AnalyzerDialogue, TheDatabaseMustBeOne) {
  EXPECT_NO_THROW(analyze(with_schema(kInsert), "clinic"));
  expect_refused(with_schema(kInsert), Errc::command_malformed, "another database", "billing");
  expect_refused(std::string("{") + kInsert + R"(, "jsonSchema": {}, "isRemoteSchema": true})",
                 Errc::command_malformed, "no database");
  expect_refused(
      std::string("{") + kInsert + R"(, "jsonSchema": {}, "isRemoteSchema": true, "$db": 1})",
      Errc::command_malformed, "must be of type string");
}

TEST_F(AnalyzerDialogue, AnExplainedCommandMayNameItsDatabaseAndKeepsIt) {
  const auto explain = [](const std::string& db) {
    return with_schema(R"("explain": {"insert": "patients", "documents": [], "$db": ")" + db +
                           R"("}, "verbosity": "queryPlanner")",
                       "{}");
  };
  EXPECT_EQ(result_of(analyze(explain("clinic"))),
            bson_of(R"({"explain": {"insert": "patients", "documents": [], "$db": "clinic"},
                        "verbosity": "queryPlanner"})"));
  expect_refused(explain("billing"), Errc::command_malformed, "explain.$db");
}

TEST_F(AnalyzerDialogue, AValidatorsOwnSchemaMustBeTheOneThatIsSent) {
  const auto create = [](const std::string& validator, const std::string& sent) {
    return R"({"create": "patients", "validator": )" + validator +
           R"(, "$db": "clinic", "isRemoteSchema": true, "jsonSchema": )" + sent + "}";
  };
  const std::string mine = R"({"$jsonSchema": )" + std::string(kSsn) + "}";
  const Buf reply = analyze(create(mine, kSsn));
  EXPECT_TRUE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_FALSE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_EQ(result_of(reply), bson_of(R"({"create": "patients", "validator": )" + mine + "}"));
  for (const std::string& other : {schema_of("name"), std::string("{}")}) {
    expect_refused(create(mine, other), Errc::command_malformed,
                   "validator with $jsonSchema must be identical to FLE 1 jsonSchema parameter");
  }
  EXPECT_NO_THROW(analyze(create(R"({"name": "Jo"})", kSsn))) << "no schema of its own";
}

TEST_F(AnalyzerDialogue, SchemasOfSeveralCollectionsAreFoundByNamespace) {
  const std::string two = R"("clinic.other": {"jsonSchema": {}, "isRemoteSchema": true},
      "clinic.patients": {"isRemoteSchema": false, "jsonSchema": )" +
                          std::string(kSsn) + "}";
  const Buf reply = analyze(with_schemas(kInsert, two));
  EXPECT_TRUE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_EQ(fields_of(result_of(reply)).size(), 2U);
  const Buf other = analyze(with_schemas(R"("insert": "other", "documents": [{"ssn": "x"}])", two));
  EXPECT_FALSE(flag(other, "schemaRequiresEncryption"));
  expect_refused(with_schemas(R"("insert": "third", "documents": [])", two), Errc::schema_missing,
                 "Missing encryption schema for namespace: clinic.third");
}

TEST_F(AnalyzerDialogue, AnAggregationIsAnalyzedWithTheSchemasOfAllItsCollections) {
  const std::string lookup = R"("aggregate": "visits", "pipeline": [
      {"$lookup": {"from": "patients", "localField": "who", "foreignField": "who", "as": "found"}},
      {"$match": {"found.ssn": "s3cret"}}], "cursor": {})";
  const std::string visits = R"("clinic.visits": {"jsonSchema": {}, "isRemoteSchema": true})";
  const std::string patients =
      R"("clinic.patients": {"isRemoteSchema": false, "jsonSchema": )" + std::string(kSsn) + "}";
  const Buf reply = analyze(with_schemas(lookup, visits + "," + patients));
  EXPECT_TRUE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_TRUE(
      payload_of(*find_value(reply, {"result", "pipeline", "1", "$match", "found.ssn", "$eq"})));
  expect_refused(with_schemas(lookup, visits), Errc::schema_missing,
                 "Missing encryption schema for namespace: clinic.patients");
  expect_refused(with_schema(lookup, "{}"), Errc::schema_missing,
                 "Pipeline over an encrypted collection cannot reference additional collections");
}

TEST_F(AnalyzerDialogue, SchemasOfSeveralCollectionsAreTakenLiterally) {
  const auto entry = [](const std::string& ns) {
    return '"' + ns + R"(": {"jsonSchema": {}, "isRemoteSchema": true})";
  };
  const std::string mine = entry("clinic.patients");
  expect_refused(with_schemas(kInsert, entry("billing.patients")), Errc::command_malformed,
                 "another database");
  for (const char* ns : {"patients", ".patients", "clinic."}) {
    expect_refused(with_schemas(kInsert, entry(ns)), Errc::command_malformed, "not a namespace");
  }
  expect_refused(with_schemas(kInsert, mine + "," + mine), Errc::command_malformed,
                 "appears twice");
  expect_refused(with_schemas(kInsert, R"("clinic.patients": 1)"), Errc::command_malformed,
                 "must be of type object");
  expect_refused(with_schemas(kInsert, R"("clinic.patients": {"jsonSchema": {}})"),
                 Errc::command_malformed, "isRemoteSchema is a required");
  expect_refused(with_schemas(kInsert, R"("clinic.patients": {"isRemoteSchema": true})"),
                 Errc::command_malformed, "jsonSchema is a required");
  expect_refused(with_schemas(kInsert, R"("clinic.patients": {"jsonSchema": {},
                                          "isRemoteSchema": true, "more": 1})"),
                 Errc::command_malformed, "unknown field");
  expect_refused(with_schemas(std::string(kInsert) + R"(, "jsonSchema": {})", mine),
                 Errc::command_malformed, "exclude each other");
}

TEST_F(AnalyzerDialogue, QueryableEncryptionIsRefusedUnlessItIsEmpty) {
  const auto with = [](const std::string& information) {
    return with_schema(std::string(kInsert) + R"(, "encryptionInformation": )" + information);
  };
  const Buf reply = analyze(with(R"({"type": 1, "schema": {"clinic.patients": {
      "escCollection": "x", "ecocCollection": "y", "fields": []}}})"));
  EXPECT_TRUE(flag(reply, "hasEncryptionPlaceholders")) << "the other schema counts";
  EXPECT_EQ(fields_of(result_of(reply)).size(), 2U);
  EXPECT_NO_THROW(analyze(with(R"({"type": 1, "schema": {}})")));
  expect_refused(with(R"({"schema": {"clinic.x": {"fields": [{"path": "a"}]}}})"),
                 Errc::command_not_supported, "encryptionInformation.schema.clinic.x.fields");
  expect_refused(with(R"({"schema": {"clinic.x": {"fields": {"path": "a"}}}})"),
                 Errc::command_not_supported, "Queryable Encryption");
  expect_refused(with(R"({"deleteTokens": {}})"), Errc::command_not_supported, "deleteTokens");
  expect_refused(with(R"({"schema": []})"), Errc::command_not_supported, "schema");
  expect_refused(with(R"({"schema": {"clinic.x": 1}})"), Errc::command_malformed, "clinic.x");
}

TEST_F(AnalyzerDialogue, ABulkWriteGoesToAdminAndHasTheSchemaOfItsNamespace) {
  const auto bulk = [](const std::string& ns_more, const std::string& more) {
    return R"({"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 1, "ssn": "s3cret"}}],
        "nsInfo": [{"ns": "clinic.patients")" +
           ns_more + R"(}], "$db": "admin")" + more + "}";
  };
  const std::string schema =
      R"(, "jsonSchema": )" + std::string(kSsn) + R"(, "isRemoteSchema": false)";
  for (const char* db : {"admin", "clinic", ""}) {
    const Buf reply = analyze(bulk("", schema), db);
    EXPECT_TRUE(payload_of(*find_value(reply, {"result", "ops", "0", "document", "ssn"}))) << db;
  }
  const std::string named = R"(, "csfleEncryptionSchemas": {"clinic.patients": {"jsonSchema": )" +
                            std::string(kSsn) + R"(, "isRemoteSchema": false}})";
  EXPECT_TRUE(flag(analyze(bulk("", named)), "hasEncryptionPlaceholders"));
  expect_refused(bulk("", ""), Errc::command_malformed, "jsonSchema is a required command field");

  // How clients say that there is no schema.
  const Buf reply = analyze(bulk(R"(, "encryptionInformation": {"type": 1, "schema": {
      "clinic.patients": {"escCollection": "x", "fields": []}}}, "collectionUUID": 1)",
                                 ""));
  EXPECT_FALSE(flag(reply, "schemaRequiresEncryption"));
  EXPECT_EQ(result_of(reply), bson_of(R"({"bulkWrite": 1,
      "ops": [{"insert": 0, "document": {"_id": 1, "ssn": "s3cret"}}],
      "nsInfo": [{"ns": "clinic.patients", "collectionUUID": 1}]})"));
  expect_refused(bulk(R"(, "encryptionInformation": {"schema": {"clinic.patients": {
                          "fields": [{"path": "ssn"}]}}})",
                      ""),
                 Errc::command_not_supported, "Queryable Encryption");
  expect_refused(bulk(R"(, "encryptionInformation": true)", ""), Errc::command_malformed,
                 "must be of type object");
}

TEST_F(AnalyzerDialogue, WhoGivesASchemaDecidesWhatItMayHaveInIt) {
  const auto sent = [](bool remote) {
    return std::string("{") + kInsert + R"(, "$db": "clinic", "jsonSchema": {"required": ["a"],
        "bsonType": "object"}, "isRemoteSchema": )" +
           (remote ? "true}" : "false}");
  };
  // In both orders: what is remembered for one must not serve the other.
  expect_refused(sent(false), Errc::schema_remote_only, "only allowed with a remote schema");
  EXPECT_NO_THROW(analyze(sent(true)));
  expect_refused(sent(false), Errc::schema_remote_only, "only allowed with a remote schema");
}

TEST_F(AnalyzerDialogue, DamagedBytesAreRefused) {
  const Buf good = bson_of(with_schema(kInsert));
  for (std::size_t n = 0; n < good.size(); ++n) {
    const auto cut = analyzer.analyze(Bytes(good).first(n), {});
    ASSERT_FALSE(cut) << n;
    EXPECT_EQ(cut.error().code, Errc::malformed_bson) << n;
  }
  Buf longer = good;
  longer.push_back(0);
  EXPECT_FALSE(analyzer.analyze(longer, {}));
  // A changed byte gives some answer, and no sanitizer has anything to say.
  std::size_t refused = 0;
  for (std::size_t n = 0; n < good.size(); ++n) {
    for (const int change : {1, 0x80, 0xff}) {
      Buf changed = good;
      changed[n] = static_cast<std::uint8_t>(changed[n] ^ change);
      if (!analyzer.analyze(changed, {})) ++refused;
    }
  }
  EXPECT_GT(refused, good.size());
}

TEST_F(AnalyzerDialogue, DamagedBytesAreRefusedWithoutASchemaToo) {
  Buf command = bson_of(with_schema(R"("insert": "c", "documents": [{"a": {"b": true}}])", "{}"));
  ASSERT_TRUE(analyzer.analyze(command, {}));
  // Deep inside, where no schema leads: a type that there is not.
  const std::string element(
      "\x08"
      "b\0\x01",
      4);
  *std::search(command.begin(), command.end(), element.begin(), element.end()) = 0x20;
  const auto reply = analyzer.analyze(command, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::malformed_bson);
}

TEST_F(AnalyzerDialogue, NestingIsLimited) {
  Buf deep = bson_of(R"({"a": 1})");
  for (int i = 0; i < 300; ++i) {
    const BsonDocument outer;
    append_value(outer.get(), "a", {bson::Type::object, deep});
    deep = outer.bytes();
  }
  const BsonDocument command;
  for (const auto& [name, value] : fields_of(bson_of(with_schema(kInsert))))
    append_value(command.get(), name, value);
  append_value(command.get(), "comment", {bson::Type::object, deep});
  const auto reply = analyzer.analyze(command.bytes(), {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::nesting_too_deep);
}

// --- compiled schemas that are remembered ---

TEST_F(AnalyzerDialogue, EachCommandIsAnalyzedWithItsOwnSchemaHoweverFewAreRemembered) {
  for (const std::size_t max : {0U, 1U, 2U, 3U, 100U}) {
    const Analyzer few({max});
    for (int i = 0; i < 60; ++i) {
      const std::string field = "f" + std::to_string(i * i % 7);
      const std::string command =
          R"("insert": "c", "documents": [{"_id": 1, "f0": "x", "f1": "x", "f2": "x", "f4": "x"}])";
      const auto reply = few.analyze(bson_of(with_schema(command, schema_of(field))), {});
      ASSERT_TRUE(reply) << reply.error().to_string();
      for (const char* other : {"f0", "f1", "f2", "f4"}) {
        const auto v = find_value(*reply, {"result", "documents", "0", other});
        EXPECT_EQ(payload_of(*v).has_value(), field == other) << max << field << other;
      }
    }
  }
}

TEST_F(AnalyzerDialogue, ASchemaThatIsTooLongToRememberStillCounts) {
  std::string many = R"("a": {"bsonType": "string"})";
  for (int i = 0; i < 8000; ++i)
    many += ", \"field" + std::to_string(i) + R"(": {"bsonType": "string"})";
  std::string schema = kSsn;
  schema.insert(schema.find("\"ssn\""), many + ", ");
  ASSERT_GT(bson_of(schema).size(), 256U * 1024);
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(flag(analyze(with_schema(kInsert, schema)), "hasEncryptionPlaceholders"));
}

TEST_F(AnalyzerDialogue, ThreadsWithManySchemasShareOneAnalyzer) {
  const Analyzer shared({4});
  std::vector<Buf> commands;
  std::vector<Buf> expected;
  for (int i = 0; i < 8; ++i) {
    const std::string field = "f" + std::to_string(i);
    commands.push_back(bson_of(with_schema(
        R"("insert": "c", "documents": [{"_id": 1, "f0": "x", ")" + field + R"(": "y"}])",
        schema_of(field))));
    if (i == 0) commands.back() = bson_of(with_schema(kInsert));
    auto reply = analyzer.analyze(commands.back(), {});
    ASSERT_TRUE(reply) << reply.error().to_string();
    expected.push_back(*reply);
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        const std::size_t k = (i * (t + 1) + t) % commands.size();
        const auto reply = shared.analyze(commands[k], {});
        if (!reply || *reply != expected[k]) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

struct AnalyzerSchemas : ::testing::Test {
  static std::shared_ptr<const schema::Plan> get(query::internal::SchemaCache& cache,
                                                 const std::string& field) {
    auto plan = cache.get(bson_of(schema_of(field)), schema::Origin::remote);
    if (!plan) throw std::runtime_error(plan.error().to_string());
    return *plan;
  }
};

TEST_F(AnalyzerSchemas, ASchemaIsCompiledOnceForEachOrigin) {
  query::internal::SchemaCache cache(4);
  const auto plan = get(cache, "a");
  EXPECT_EQ(get(cache, "a"), plan);
  EXPECT_NE(get(cache, "b"), plan);
  EXPECT_NE(*cache.get(bson_of(schema_of("a")), schema::Origin::local), plan);
  EXPECT_EQ(*cache.get(bson_of("{}"), schema::Origin::local), nullptr);
}

TEST_F(AnalyzerSchemas, ThoseInUseStayWhileOthersComeAndGo) {
  query::internal::SchemaCache cache(4);
  const auto used = get(cache, "used");
  const auto once = get(cache, "once");
  for (int i = 0; i < 100; ++i) {
    get(cache, "other" + std::to_string(i));
    ASSERT_EQ(get(cache, "used"), used) << i;
  }
  const auto again = get(cache, "once");
  EXPECT_NE(again, once) << "it made room";
  EXPECT_EQ(get(cache, "once"), again) << "and is remembered again";
}

TEST_F(AnalyzerSchemas, ACacheOfNothingRemembersNothing) {
  query::internal::SchemaCache cache(0);
  EXPECT_NE(get(cache, "a"), get(cache, "a"));
}

// --- errors as MongoDB's clients see them ---

TEST_F(AnalyzerDialogue, SchemaErrorsHaveMongoDbsNumbers) {
  const auto field = [](const std::string& s) {
    return R"({"bsonType": "object", "properties": {"f": )" + s + "}}";
  };
  const auto encrypt = [&](const std::string& s) { return field(R"({"encrypt": )" + s + "}"); };
  const struct {
    std::string schema;
    std::int32_t code;
  } kCases[] = {
      {encrypt("1"), 14},
      {encrypt(R"({"unknown": 1})"), 40415},
      {R"({"bsonType": "object", "encryptMetadata": {"unknown": 1}})", 40415},
      {R"({"unknown": 1})", 9},
      {encrypt(R"({"algorithm": "x"})"), 2},
      {encrypt(R"({"algorithm": 1})"), 14},
      {encrypt(R"({"bsonType": 1})"), 14},
      {encrypt(R"({"keyId": ["x"]})"), 51088},
      {encrypt(R"({"keyId": [{"$binary": {"base64": "AA==", "subType": "00"}}]})"), 51084},
      {encrypt(R"({"keyId": ""})"), 51064},
      {encrypt(R"({"keyId": "x"})"), 51065},
      {encrypt(R"({"keyId": "/a~2"})"), 51063},
      {encrypt(R"({"keyId": 1})"), 51085},
      {encrypt(R"({"keyId": []})"), 51999},
      {field(R"({"encrypt": {}, "bsonType": "string"})"), 9},
      {R"({"bsonType": "object", "encryptMetadata": {}})", 9},
      {R"({"bsonType": "object", "required": ["a"]})", 51999},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(query::mongo_code(refusal(with_schema(kInsert, c.schema))), c.code) << c.schema;
}

TEST_F(AnalyzerDialogue, AnUnknownTypeAndOneThatCannotBeEncryptedDiffer) {
  const auto of_type = [](const std::string& type) {
    std::string s = kSsn;
    return s.replace(s.find("\"string\""), 8, '"' + type + '"');
  };
  EXPECT_EQ(query::mongo_code(refusal(with_schema(kInsert, of_type("strnig")))), 2);
  EXPECT_EQ(query::mongo_code(refusal(with_schema(kInsert, of_type("double")))), 51999);
}

TEST_F(AnalyzerDialogue, AnErrorReplyIsACommandError) {
  const Buf reply = query::error_reply({Errc::command_not_supported, "no", "killOp"});
  EXPECT_EQ(reply, bson_of(R"({"ok": {"$numberDouble": "0.0"},
      "errmsg": "field 'killOp': command_not_supported: no", "code": 59,
      "codeName": "CommandNotFound"})"));
  const Buf ours = query::error_reply({Errc::random_not_comparable, "no"});
  EXPECT_EQ(text_of(*find_value(ours, {"codeName"})), "Location51999");
  EXPECT_EQ(query::mongo_code({Errc::pointer_key_not_allowed, ""}), 51093);
}

TEST_F(AnalyzerDialogue, ANumberDependsOnNoText) {
  std::set<std::string_view> names;
  for (const ErrorDetailInfo& d : kErrorDetails) {
    EXPECT_TRUE(names.insert(d.name).second) << d.name;
    for (const char* text : {"", "reworded", "'encrypt' has no option", "unknown field"}) {
      const Failure failure(d.detail, text);
      EXPECT_EQ(failure.code, d.code) << d.name;
      EXPECT_EQ(query::mongo_code(failure), d.number) << d.name << ": " << text;
    }
    const Buf reply = query::error_reply(Failure(d.detail, "text"));
    EXPECT_EQ(text_of(*find_value(reply, {"codeName"})), d.code_name) << d.name;
  }
}

TEST_F(AnalyzerDialogue, ACodeAloneHasTheFirstDetailOfItsOwn) {
  EXPECT_EQ(Failure(Errc::schema_bad_value, {}).detail, ErrorDetail::schema_bad_value);
  EXPECT_EQ(Failure(Errc::command_malformed, {}).detail, ErrorDetail::command_malformed);
  EXPECT_EQ(Failure(Errc::io_failed, {}).detail, ErrorDetail::other);
  EXPECT_EQ(query::mongo_code(Failure()), 51999);
}

TEST_F(AnalyzerDialogue, ErrorTextIsOneLineOfUtf8) {
  const auto text = [](const std::string& path) {
    return query::error_text({Errc::malformed_bson, "m", path});
  };
  EXPECT_EQ(text("stra\xc3\x9f"
                 "e\xe2\x82\xac\xf0\x9f\x94\x91"),
            "field 'stra\xc3\x9f"
            "e\xe2\x82\xac\xf0\x9f\x94\x91': malformed_bson: m");
  const struct {
    std::string in;
    std::string out;
  } kBroken[] = {
      {std::string("a\0b", 3), "a\\x00b"},
      {"a\nb\x7f", "a\\x0ab\\x7f"},
      {"\xff", "\\xff"},
      {"\x80z", "\\x80z"},
      {"\xc3", "\\xc3"},
      {"\xc0\x80", "\\xc0\\x80"},                    // NUL in two bytes
      {"\xe0\x80\x80", "\\xe0\\x80\\x80"},           // and in three
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
      {"\xe2\x82z", "\\xe2\\x82z"},
  };
  for (const auto& c : kBroken)
    EXPECT_EQ(text(c.in), "field '" + c.out + "': malformed_bson: m") << c.out;
}

}  // namespace
}  // namespace fle::test
