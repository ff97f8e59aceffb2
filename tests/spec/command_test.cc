// The specification's tests as commands, in both of their formats: what a driver would send for
// each operation goes through AutoEncrypter and is compared with what the test saw on the wire, or
// refused as it says.
#include <algorithm>
#include <cctype>
#include <set>

#include "fle/client/auto_encrypter.h"
#include "scene.h"
#include "unified.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using test::BsonDocument;
using test::Buf;
using test::find_value;
using test::items_of;
using test::Scene;
using test::TypedValue;

/// What a file must have given at its end: no operation of it may fall silent.
struct Expected {
  const char* file;
  int compared;       // commands equal to what the test saw on the wire
  int accepted = 0;   // commands that must not be refused; the test does not show them
  int refused = 0;    // commands that are refused with the test's words
  int elsewhere = 0;  // operations that are not commands of a client that encrypts
};
void PrintTo(const Expected& e, std::ostream* os) { *os << e.file; }

// Within the files, three kinds of operations need a server: assertCollectionExists and
// assertIndexExists look into it; "security token" is an answer of AWS; failures of decryption are
// in legacy_test.cc.
constexpr Expected kLegacy[] = {{"aggregate", 0, 2, 2},
                                {"awsTemporary", 1, 0, 0, 1},
                                {"azureKMS", 1},
                                {"badQueries", 0, 13, 18},
                                {"badSchema", 0, 0, 4},
                                {"basic", 4},
                                {"bulk", 3},
                                {"bypassAutoEncryption", 4},
                                {"bypassedCommand", 1, 0, 1},
                                {"count", 1, 0, 1},
                                {"create-and-createIndexes", 0, 5, 0, 2},
                                {"distinct", 1, 0, 1},
                                {"explain", 1},
                                {"find", 2, 0, 1},
                                {"findOneAndDelete", 1},
                                {"findOneAndUpdate", 1},
                                {"gcpKMS", 1},
                                {"getMore", 1},
                                {"insert", 2},
                                {"keyAltName", 1, 0, 1},
                                {"keyCache", 2, 0, 0, 1},
                                {"kmipKMS", 2},
                                {"localKMS", 1},
                                {"localSchema", 2, 0, 1},
                                {"malformedCiphertext", 0, 3},
                                {"missingKey", 0, 0, 1},
                                {"namedKMS", 2},
                                {"noSchema", 1},
                                {"unsupportedCommand", 0, 0, 1},
                                {"updateOne", 3, 1, 2},
                                {"validatorAndPartialFieldExpression", 0, 13, 3, 2}};

constexpr Expected kUnified[] = {{"accessToken-azure", 0, 1, 0, 1},
                                 {"accessToken-gcp", 0, 1, 0, 1},
                                 {"aggregate", 0, 2, 2},
                                 {"awsTemporary", 1, 0, 0, 1},
                                 {"azureKMS", 1},
                                 {"badQueries", 0, 13, 18},
                                 {"badSchema", 0, 0, 4},
                                 {"basic", 4, 0, 0, 1},
                                 {"bulk", 3, 0, 0, 1},
                                 {"bypassAutoEncryption", 4},
                                 {"bypassedCommand", 1, 0, 1},
                                 {"count", 1, 0, 1},
                                 {"create-and-createIndexes", 0, 5, 0, 2},
                                 {"distinct", 1, 0, 1},
                                 {"explain", 1},
                                 {"find", 2, 0, 1},
                                 {"findOneAndDelete", 1},
                                 {"findOneAndUpdate", 1},
                                 {"gcpKMS", 1},
                                 {"getMore", 1},
                                 {"insert", 2, 0, 0, 2},
                                 {"keyAltName", 1, 0, 1, 1},
                                 {"kmipKMS", 2},
                                 {"localKMS", 1, 0, 0, 1},
                                 {"localSchema", 2, 0, 1},
                                 {"malformedCiphertext", 0, 3},
                                 {"missingKey", 0, 0, 1},
                                 {"namedKMS", 2},
                                 {"noSchema", 1},
                                 {"unsupportedCommand", 0, 0, 1},
                                 {"updateOne", 3, 1, 2, 1},
                                 {"validatorAndPartialFieldExpression", 0, 13, 3, 2}};

std::string lower(std::string s) {
  std::ranges::transform(s, s.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return s;
}

/// Builds a command in the order in which a driver writes it.
class CommandWriter {
 public:
  CommandWriter(const char* name, const std::string& target) {
    bson_append_utf8(b_.get(), name, -1, target.c_str(), -1);
  }
  CommandWriter& add(const char* name, const std::optional<TypedValue>& value) {
    if (value) test::append_value(b_.get(), name, *value);
    return *this;
  }
  /// A list with one statement: {updates: [{q, u}]}.
  template <class Fill>
  CommandWriter& add_list(const char* name, Fill fill) {
    const BsonDocument statement;
    fill(statement.get());
    return add_documents(name, {statement.bytes()});
  }
  CommandWriter& add_documents(const char* name, const std::vector<Buf>& documents) {
    bson_t list;
    bson_append_array_begin(b_.get(), name, -1, &list);
    for (std::size_t i = 0; i < documents.size(); ++i)
      test::append_value(&list, std::to_string(i), {bson::Type::object, documents[i]});
    bson_append_array_end(b_.get(), &list);
    return *this;
  }
  CommandWriter& add_true(const char* name) {
    bson_append_bool(b_.get(), name, -1, true);
    return *this;
  }
  [[nodiscard]] Buf bytes() const { return b_.bytes(); }

 private:
  BsonDocument b_;
};

/// One operation of a test, and the commands that a driver makes of it.
class Operation {
 public:
  Operation(const Buf& op, std::string collection)
      : op_(op), collection_(std::move(collection)), name_(text(op, {"name"}).value()) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::optional<std::string> expected_error() const {
    return text(op_, {"result", "errorContains"});
  }

  [[nodiscard]] std::vector<Buf> commands() const {
    if (name_ == "bulkWrite") return bulk();
    if (name_ == "runCommand") return {argument("command").value().bytes};
    if (name_ == "createCollection" || name_ == "dropCollection") return {catalogue()};
    if (name_.starts_with("findOneAnd")) return {find_and_modify()};
    if (name_ == "aggregate") return {aggregate()};
    if (name_ == "countDocuments") return {count_documents()};
    if (name_ == "createIndex") return {create_index()};
    if (name_ == "mapReduce") return {writer("mapReduce").add("map", argument("map")).bytes()};
    return {single()};
  }

 private:
  static std::optional<std::string> text(const Buf& doc,
                                         std::initializer_list<std::string_view> path) {
    const auto value = find_value(doc, path);
    if (!value) return std::nullopt;
    return test::text_of(*value);
  }
  [[nodiscard]] std::optional<TypedValue> argument(std::string_view name) const {
    return find_value(op_, {"arguments", name});
  }
  [[nodiscard]] CommandWriter writer(const char* command) const { return {command, collection_}; }

  [[nodiscard]] Buf single() const {
    if (name_ == "insertOne")
      return writer("insert")
          .add_documents("documents", {argument("document")->bytes})
          .add_true("ordered")
          .bytes();
    if (name_ == "insertMany")
      return writer("insert").add("documents", argument("documents")).add_true("ordered").bytes();
    if (name_ == "find")
      return writer("find")
          .add("filter", argument("filter"))
          .add("batchSize", argument("batchSize"))
          .bytes();
    if (name_ == "count") return writer("count").add("query", argument("filter")).bytes();
    if (name_ == "distinct")
      return writer("distinct")
          .add("key", argument("fieldName"))
          .add("query", argument("filter"))
          .bytes();
    if (name_ == "updateOne")
      return writer("update")
          .add_list("updates", [this](bson_t* s) { fill_update(s); })
          .add_true("ordered")
          .bytes();
    if (name_ == "deleteOne")
      return writer("delete")
          .add_list("deletes",
                    [this](bson_t* s) {
                      test::append_value(s, "q", argument("filter").value());
                      bson_append_int32(s, "limit", -1, 1);
                    })
          .add_true("ordered")
          .bytes();
    throw std::runtime_error("no command for " + name_);
  }

  void fill_update(bson_t* s) const {
    test::append_value(s, "q", argument("filter").value());
    test::append_value(s, "u", argument("update").value());
    for (const char* option : {"multi", "upsert", "arrayFilters"})
      if (const auto value = argument(option)) test::append_value(s, option, *value);
  }

  [[nodiscard]] Buf find_and_modify() const {
    CommandWriter w = writer("findAndModify");
    w.add("query", argument("filter")).add("update", argument("update"));
    if (name_ == "findOneAndDelete") w.add_true("remove");
    return w.bytes();
  }

  [[nodiscard]] Buf aggregate() const {
    if (text(op_, {"object"}) != "database")
      return writer("aggregate").add("pipeline", argument("pipeline")).bytes();
    const BsonDocument b;
    bson_append_int32(b.get(), "aggregate", -1, 1);
    return b.bytes();
  }

  [[nodiscard]] Buf count_documents() const {
    const BsonDocument match;
    test::append_value(match.get(), "$match", argument("filter").value());
    const Buf group = test::bson_of(R"({"$group": {"_id": 1, "n": {"$sum": 1}}})");
    return writer("aggregate")
        .add_documents("pipeline", {match.bytes(), group})
        .add("cursor", TypedValue{bson::Type::object, test::bson_of("{}")})
        .bytes();
  }

  [[nodiscard]] Buf create_index() const {
    return writer("createIndexes")
        .add_list("indexes",
                  [this](bson_t* index) {
                    test::append_value(index, "key", argument("keys").value());
                    test::append_value(index, "name", argument("name").value());
                  })
        .bytes();
  }

  [[nodiscard]] Buf catalogue() const {
    const std::string target = test::text_of(argument("collection").value());
    if (name_ == "dropCollection") return CommandWriter("drop", target).bytes();
    return CommandWriter("create", target).add("validator", argument("validator")).bytes();
  }

  /// Neighbors of one kind go in one command.
  [[nodiscard]] std::vector<Buf> bulk() const {
    std::vector<Buf> out;
    std::vector<Buf> inserts;
    const auto flush = [&] {
      if (!inserts.empty())
        out.push_back(
            writer("insert").add_documents("documents", inserts).add_true("ordered").bytes());
      inserts.clear();
    };
    for (const Buf& request : items_of(argument("requests"))) {
      const Operation inner(request, collection_);
      if (inner.name_ == "insertOne") {
        inserts.push_back(inner.argument("document")->bytes);
        continue;
      }
      flush();
      out.push_back(inner.single());
    }
    flush();
    return out;
  }

  Buf op_;
  std::string collection_;
  std::string name_;
};

/// The client of one test: schemas as its options and the file's collection say.
AutoEncrypter::Options options_of(const Buf& file, const Buf& t) {
  AutoEncrypter::Options options;
  const auto given = find_value(t, {"clientOptions", "autoEncryptOpts"}).value();
  options.bypass_auto_encryption = find_value(given.bytes, {"bypassAutoEncryption"}).has_value();
  if (const auto remote = find_value(file, {"json_schema"})) {
    options.list_collections = [schema = remote->bytes](std::string_view,
                                                        Bytes filter) -> Outcome<std::vector<Buf>> {
      const std::string name = test::text_of(find_value(filter, {"name"}).value());
      if (name != "default" && name != "coll") return std::vector<Buf>{};
      const BsonDocument b;
      bson_append_utf8(b.get(), "name", -1, name.c_str(), -1);
      const BsonDocument validator;
      test::append_value(validator.get(), "$jsonSchema", {bson::Type::object, schema});
      const BsonDocument collection_options;
      test::append_value(collection_options.get(), "validator",
                         {bson::Type::object, validator.bytes()});
      test::append_value(b.get(), "options", {bson::Type::object, collection_options.bytes()});
      return std::vector<Buf>{b.bytes()};
    };
  }
  return options;
}

/// A schema of the schemaMap that does not compile is an error of every command (a driver finds out
/// with the first one).
std::optional<Failure> add_local_schemas(AutoEncrypter::Options& options, const Buf& t) {
  const auto map = find_value(t, {"clientOptions", "autoEncryptOpts", "schemaMap"});
  if (!map) return std::nullopt;
  for (const auto& [ns, schema] : test::fields_of(map->bytes)) {
    auto plan = schema::compile_bson(schema.bytes, schema::Origin::local);
    if (!plan) return plan.error();
    options.schema_map[ns] = *plan;
  }
  return std::nullopt;
}

class Commands : public test::SpecTest, public ::testing::WithParamInterface<Expected> {
 protected:
  void run_test(const Buf& file, const Buf& t) {
    SCOPED_TRACE(test::text_of(find_value(t, {"description"}).value()));
    const auto name_in = [&file](const char* field) {
      const auto name = find_value(file, {field});
      return name ? test::text_of(*name) : "default";
    };
    run_test(file, t, name_in("database_name"), name_in("collection_name"));
  }

  void expect_counts() const {
    const Expected& e = GetParam();
    EXPECT_EQ(compared_, e.compared);
    EXPECT_EQ(accepted_, e.accepted);
    EXPECT_EQ(refused_, e.refused);
    EXPECT_EQ(elsewhere_, e.elsewhere);
  }

  int elsewhere_ = 0;

 private:
  int compared_ = 0;
  int accepted_ = 0;
  int refused_ = 0;

  void run_test(const Buf& file, const Buf& t, const std::string& db,
                const std::string& collection) {
    const Scene scene(file, t);
    AutoEncrypter::Options options = options_of(file, t);
    const auto bad_schema = add_local_schemas(options, t);
    const AutoEncrypter auto_encrypter(std::move(options), scene.ring());
    std::vector<Buf> wire = commands_on_the_wire(t, db);
    // Expectations that SERVER-39395 and SERVER-40829 hold back are older than {$eq: ...}.
    if (find_value(t, {"skipReason"})) wire.clear();
    for (const Buf& op : items_of(find_value(t, {"operations"}))) {
      const Operation operation(op, collection);
      if (is_about_a_server(operation)) {
        ++elsewhere_;
        continue;
      }
      for (const Buf& command : operation.commands())
        run_command(
            scene, operation,
            bad_schema ? Outcome<Buf>(*bad_schema) : auto_encrypter.encrypt_command(db, command),
            wire);
    }
    EXPECT_TRUE(wire.empty()) << "not sent: " << test::json_of(wire.front());
  }

  static bool is_about_a_server(const Operation& op) {
    if (op.name() == "wait" || op.name().starts_with("assert")) return true;
    return op.expected_error().value_or("").find("security token") != std::string::npos;
  }

  /// Without the driver's own errands and the getMore, which it makes of a cursor's id.
  static std::vector<Buf> commands_on_the_wire(const Buf& t, const std::string& db) {
    std::vector<Buf> out;
    for (const Buf& event : items_of(find_value(t, {"expectations"}))) {
      const Buf command = find_value(event, {"command_started_event", "command"}).value().bytes;
      const auto first = test::fields_of(command).front();
      const bool vault = first.first == "find" && find_value(command, {"$db"}) &&
                         test::text_of(find_value(command, {"$db"}).value()) != db;
      const bool vault_by_name =
          first.first == "find" &&
          (test::text_of(first.second) == "datakeys" || test::text_of(first.second) == "different");
      if (first.first == "listCollections" || first.first == "getMore" || vault || vault_by_name)
        continue;
      out.push_back(command);
    }
    return out;
  }

  void run_command(const Scene& scene, const Operation& op, const Outcome<Buf>& sent,
                   std::vector<Buf>& wire) {
    // Malformed ciphertext is found in a reply: the command itself goes out.
    const auto error = op.expected_error();
    const bool of_reply = error && (error->find("malformed ciphertext") == 0 ||
                                    (error->find("not all keys") == 0 && op.name() == "find"));
    // "" is the server's or the driver's complaint about an update without operators.
    if (error && !error->empty() && !of_reply) {
      expect_refused(sent, *error);
      return;
    }
    ASSERT_TRUE(sent) << sent.error().to_string();
    if (wire.empty()) {
      ++accepted_;
      return;
    }
    expect_fields(scene, *sent, wire.front());
    wire.erase(wire.begin());
    ++compared_;
  }

  /// Every field that the test saw; a driver adds others.
  static void expect_fields(const Scene& scene, const Buf& sent, const Buf& seen) {
    for (const auto& [name, want] : test::fields_of(seen)) {
      if (name == "$db" || name == "lsid" || name == "verbosity" || name == "readConcern") continue;
      const auto have = find_value(sent, {name});
      if (want.type == bson::Type::null) {
        EXPECT_FALSE(have) << name;
        continue;
      }
      ASSERT_TRUE(have) << name;
      const BsonDocument a;
      test::append_value(a.get(), name, *have);
      const BsonDocument b;
      test::append_value(b.get(), name, want);
      scene.expect_match({a.bytes()}, {b.bytes()});
    }
  }

  void expect_refused(const Outcome<Buf>& sent, const std::string& text) {
    ASSERT_FALSE(sent) << "expected: " << text;
    EXPECT_NE(lower(sent.error().message).find(lower(text)), std::string::npos)
        << text << " is " << sent.error().to_string();
    ++refused_;
  }
};

class LegacyCommands : public Commands {};
class UnifiedCommands : public Commands {};

TEST_P(LegacyCommands, GoOutAsTheSpecificationSays) {
  const Buf file = read_bson(std::string("tests/legacy/") + GetParam().file + ".json");
  for (const Buf& t : items_of(find_value(file, {"tests"}))) run_test(file, t);
  expect_counts();
}

TEST_P(UnifiedCommands, GoOutAsTheSpecificationSays) {
  const test::UnifiedFile file(
      read_bson(std::string("tests/unified/") + GetParam().file + ".json"));
  for (const test::UnifiedFile::Legacy& t : file.tests()) {
    run_test(t.file, t.test);
    elsewhere_ += t.elsewhere;
  }
  expect_counts();
}

std::string name_of(const ::testing::TestParamInfo<Expected>& file) {
  std::string name = file.param.file;
  std::erase(name, '-');
  return name;
}
INSTANTIATE_TEST_SUITE_P(, LegacyCommands, ::testing::ValuesIn(kLegacy), name_of);
INSTANTIATE_TEST_SUITE_P(, UnifiedCommands, ::testing::ValuesIn(kUnified), name_of);

/// Files without a command of a client that encrypts, each with the place where it is looked after.
struct Elsewhere {
  const char* file;
  const char* why;
};
constexpr const char* kClock = "about the clock of a server's failpoints";
constexpr const char* kVault =
    "ClientEncryption alone: key vault (tests/kms/vault/mongo_vault_test.cc)";
constexpr const char* kRewrap =
    "ClientEncryption alone: rewrapping (tests/kms), most of it in clouds";
constexpr const char* kCreate = "ClientEncryption alone: new data keys (tests/kms)";
constexpr Elsewhere kLegacyElsewhere[] = {{"timeoutMS", kClock}};
constexpr Elsewhere kUnifiedElsewhere[] = {
    {"addKeyAltName", kVault},
    {"createDataKey", kCreate},
    {"createDataKey-kms_providers-invalid", kCreate},
    {"deleteKey", kVault},
    {"getKey", kVault},
    {"getKeyByAltName", kVault},
    {"getKeys", kVault},
    {"keyCache", "ClientEncryption alone: single values (explicit_test.cc)"},
    {"namedKMS-createDataKey", kCreate},
    {"namedKMS-explicit", "ClientEncryption alone: single values (explicit_test.cc)"},
    {"namedKMS-rewrapManyDataKey", kRewrap},
    {"removeKeyAltName", kVault},
    {"rewrapManyDataKey-decrypt_failure", kRewrap},
    {"rewrapManyDataKey-encrypt_failure", kRewrap},
    {"timeoutMS", kClock}};

class Files : public test::SpecTest {
 protected:
  static void expect_all(const std::vector<std::string>& there, std::span<const Expected> run,
                         std::span<const Elsewhere> elsewhere) {
    std::vector<std::string> known;
    for (const Expected& e : run) known.emplace_back(e.file);
    for (const Elsewhere& e : elsewhere) known.emplace_back(e.file);
    std::ranges::sort(known);
    EXPECT_EQ(known, there);
  }
};

TEST_F(Files, EachIsRunOrItIsSaidWhyNot) {
  expect_all(names_in("tests/legacy"), kLegacy, kLegacyElsewhere);
  expect_all(names_in("tests/unified"), kUnified, kUnifiedElsewhere);
}

}  // namespace
}  // namespace fle
