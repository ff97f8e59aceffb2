// Where AutoEncrypter has its schemas from: the application, the command, or the server.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "client/client_support.h"
#include "fle/client/auto_encrypter.h"
#include "support/bson_values.h"
#include "support/patience.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using test::bson;
using test::Doc;
using namespace std::chrono_literals;

/// What a server would say to listCollections.
struct Server {
  std::map<std::string, std::vector<Doc>> collections;  // by name, documents of the answer
  std::vector<std::pair<std::string, Doc>> calls;       // database and filter
  std::optional<Failure> failure;

  Outcome<std::vector<Doc>> list(std::string_view db, Bytes filter) {
    calls.emplace_back(db, test::copy(filter));
    if (failure) return *failure;
    std::vector<Doc> documents;
    for (const auto& [name, all] : collections)
      documents.insert(documents.end(), all.begin(), all.end());
    return documents;
  }
};

std::string info(const std::string& name, const std::string& schema) {
  return "{'name': '" + name +
         "', 'type': 'collection', 'options': {'validator': {'$jsonSchema': " + schema + "}}}";
}

class AutoEncrypterSchemas : public testing::Test {
 protected:
  AutoEncrypterSchemas() : key_(keys_.new_key()) {
    options_.list_collections = [this](std::string_view db, Bytes filter) {
      return server_.list(db, filter);
    };
    options_.now = [this] { return now_; };
  }
  void add(const std::string& name, const std::string& information) {
    server_.collections[name].push_back(bson(information));
  }
  void add_patients() { add("patients", info("patients", test::patients_json(key_))); }
  [[nodiscard]] AutoEncrypter auto_encrypter() const { return {options_, keys_.ring()}; }

  test::World keys_;
  KeyId key_;
  Server server_;
  std::chrono::steady_clock::time_point now_{};
  AutoEncrypter::Options options_;
};

const std::string kInsertOne = "{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}";

/// Whether the ssn of kInsertOne is encrypted; nothing when the command is refused.
std::optional<bool> encrypts(const AutoEncrypter& auto_encrypter,
                             const std::string& db = "clinic") {
  const auto sent = auto_encrypter.encrypt_command(db, bson(kInsertOne));
  if (!sent) return std::nullopt;
  return test::payload_of(test::find_value(*sent, {"documents", "0", "ssn"}).value()).has_value();
}

Errc error_of(const AutoEncrypter& auto_encrypter, const std::string& command) {
  const auto sent = auto_encrypter.encrypt_command("clinic", bson(command));
  return sent ? Errc{} : sent.error().code;
}

TEST_F(AutoEncrypterSchemas, ComeFromTheServerOnceAndForAWhile) {
  add_patients();
  const AutoEncrypter e = auto_encrypter();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(encrypts(e), true);
  ASSERT_EQ(server_.calls.size(), 1U);
  EXPECT_EQ(server_.calls[0],
            (std::pair<std::string, Doc>("clinic", bson("{'name': 'patients'}"))));
  now_ += 60s - 1ms;
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(server_.calls.size(), 1U);
  now_ += 1ms;
  server_.collections.clear();
  EXPECT_EQ(encrypts(e), false) << "the collection was dropped since";
  EXPECT_EQ(server_.calls.size(), 2U);
}

TEST_F(AutoEncrypterSchemas, AreForgottenWhenACommandChangesThem) {
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), false);
  const std::string json = test::patients_json(key_);
  for (const std::string& make :
       {"{'create': 'patients', 'validator': {'$jsonSchema': " + json + "}}",
        "{'collMod': 'patients', 'validator': {'$jsonSchema': " + json + "}}"}) {
    EXPECT_EQ(error_of(e, make), Errc{});
    add_patients();
    EXPECT_EQ(encrypts(e), true) << make;
    for (const char* end : {"{'drop': 'patients'}", "{'dropDatabase': 1}",
                            "{'renameCollection': 'clinic.patients', 'to': 'clinic.people'}"}) {
      EXPECT_EQ(error_of(e, end), Errc{});
      server_.collections.clear();
      EXPECT_EQ(encrypts(e), false) << end;
      EXPECT_EQ(error_of(e, make), Errc{});
      add_patients();
      EXPECT_EQ(encrypts(e), true) << end;
    }
    EXPECT_EQ(error_of(e, "{'drop': 'patients'}"), Errc{});
    server_.collections.clear();
    EXPECT_EQ(encrypts(e), false);
  }
}

// A thread was told that there is no schema, and another one makes the collection before that
// thread goes on: the answer serves the command that asked, and nobody who comes later.
TEST_F(AutoEncrypterSchemas, ThatWereAskedForBeforeTheyChangedAreNotRemembered) {
  const std::string create =
      "{'create': 'patients', 'validator': {'$jsonSchema': " + test::patients_json(key_) + "}}";
  std::optional<AutoEncrypter> e;
  std::optional<bool> meanwhile;
  std::thread other;
  bool is_first = true;
  options_.list_collections = [&](std::string_view db, Bytes filter) {
    const auto answer = server_.list(db, filter);
    if (std::exchange(is_first, false)) {
      EXPECT_TRUE(e->encrypt_command("clinic", bson(create)));
      add_patients();
      other = std::thread([&] { meanwhile = encrypts(*e); });
    }
    return answer;
  };
  e.emplace(options_, keys_.ring());
  EXPECT_EQ(encrypts(*e), false) << "the server did not know the collection when it was asked";
  other.join();
  EXPECT_EQ(meanwhile, true)
      << "a command that came after the change does not wait for this answer";
  EXPECT_EQ(encrypts(*e), true);
  EXPECT_EQ(server_.calls.size(), 2U);
}

// Between a command and its answer nobody knows when the server has carried it out.
TEST_F(AutoEncrypterSchemas, ThatWereAskedForWhileTheyChangedAreForgottenWithTheAnswer) {
  const AutoEncrypter e = auto_encrypter();
  const Doc create = bson(
      "{'create': 'patients', 'validator': {'$jsonSchema': " + test::patients_json(key_) + "}}");
  const Doc answer = bson("{'ok': 1}");
  client::Message message;
  ASSERT_TRUE(e.encrypt_command("clinic", create, message));
  EXPECT_EQ(encrypts(e), false) << "another thread, before the server has begun";
  add_patients();
  EXPECT_EQ(encrypts(e), false) << "remembered";
  ASSERT_TRUE(e.decrypt_reply(answer, message));
  EXPECT_EQ(encrypts(e), true);
  const std::size_t calls = server_.calls.size();
  ASSERT_TRUE(e.decrypt_reply(answer, message)) << "of no command, or of one that changes nothing";
  EXPECT_EQ(encrypts(e), true);
  ASSERT_TRUE(e.encrypt_command("clinic", create, message));
  EXPECT_EQ(encrypts(e), true) << "asked for anew";
  const Doc insert = bson(kInsertOne);
  ASSERT_TRUE(e.encrypt_command("clinic", insert, message));
  ASSERT_TRUE(e.decrypt_reply(answer, message));
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(server_.calls.size(), calls + 1);
}

TEST_F(AutoEncrypterSchemas, OfAnotherDatabaseAreAskedForThere) {
  const AutoEncrypter e = auto_encrypter();
  const std::string out =
      "{'aggregate': 'visits', 'pipeline': [{'$out': {'db': 'hr', 'coll': 'patients'}}], "
      "'cursor': {}}";
  EXPECT_EQ(error_of(e, out), Errc{});
  ASSERT_EQ(server_.calls.size(), 2U);
  EXPECT_EQ(server_.calls[0].first, "clinic");
  EXPECT_EQ(server_.calls[1].first, "hr");
  // The schema of clinic.patients is none of hr.patients, and the other way about.
  options_.schema_map["clinic.patients"] = test::patients(key_);
  EXPECT_EQ(error_of(auto_encrypter(), out), Errc{});
  options_.schema_map["hr.patients"] = test::patients(key_);
  EXPECT_EQ(error_of(auto_encrypter(), out), Errc::stage_not_allowed);
}

TEST_F(AutoEncrypterSchemas, WithoutALifetimeAreAskedForEachTime) {
  add_patients();
  options_.collection_info_lifetime = 0ms;
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(server_.calls.size(), 2U);
}

TEST_F(AutoEncrypterSchemas, WithTheLongestLifetimeAreAskedForOnce) {
  add_patients();
  options_.collection_info_lifetime = std::chrono::milliseconds::max();
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(encrypts(e), true);
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, OfTheApplicationStandAboveTheServer) {
  options_.schema_map["clinic.patients"] = test::patients(key_);
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), true);
  EXPECT_TRUE(server_.calls.empty());
  EXPECT_EQ(encrypts(e, "other"), false) << "another database's collection of that name";
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, ThatAreNotThereAreRemembered) {
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), false);
  EXPECT_EQ(encrypts(e), false);
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, StandAtTheTopLevelOfTheValidatorOnly) {
  add("patients", "{'name': 'patients', 'options': {'validator': {'$and': [{'$jsonSchema': " +
                      test::patients_json(key_) + "}]}}}");
  EXPECT_EQ(encrypts(auto_encrypter()), false);
}

TEST_F(AutoEncrypterSchemas, MayHoldValidationKeywordsThere) {
  std::string schema = test::patients_json(key_);
  schema.insert(1, "'required': ['ssn'], ");
  add("patients", info("patients", schema));
  EXPECT_EQ(encrypts(auto_encrypter()), true);
}

TEST_F(AutoEncrypterSchemas, OfAllCollectionsAreAskedForInOneCall) {
  add_patients();
  const AutoEncrypter e = auto_encrypter();
  const std::string lookup =
      "{'aggregate': 'patients', 'cursor': {}, 'pipeline': [{'$lookup': {'from': 'visits', "
      "'as': 'v', 'localField': 'a', 'foreignField': 'b'}}]}";
  EXPECT_EQ(error_of(e, lookup), Errc{});
  ASSERT_EQ(server_.calls.size(), 1U);
  EXPECT_EQ(server_.calls[0].second, bson("{'name': {'$in': ['patients', 'visits']}}"));
  EXPECT_EQ(error_of(e, lookup), Errc{});
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, OfViewsThereAreNone) {
  add("patients", "{'name': 'patients', 'type': 'view', 'options': {'viewOn': 'x'}}");
  const AutoEncrypter e = auto_encrypter();
  const auto sent = e.encrypt_command("clinic", bson(kInsertOne));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::view_not_supported);
  EXPECT_EQ(sent.error().message, "cannot auto encrypt a view: clinic.patients");
  EXPECT_EQ(encrypts(e), std::nullopt);
  EXPECT_EQ(server_.calls.size(), 1U);
}

// The view is new, what it stands on is not: its schema decides.
TEST_F(AutoEncrypterSchemas, OfWhatANewViewStandsOnAreAskedFor) {
  add_patients();
  const std::string view =
      "{'create': 'v', 'viewOn': 'patients', 'pipeline': [{'$match': {'ssn': 5}}]}";
  EXPECT_NE(error_of(auto_encrypter(), view), Errc{});
  ASSERT_EQ(server_.calls.size(), 1U);
  EXPECT_EQ(server_.calls[0].second, bson("{'name': 'patients'}"));
}

TEST_F(AutoEncrypterSchemas, ThatDoNotCompileRefuseEveryCommand) {
  add("patients", info("patients", "{'properties': {'ssn': {'encrypt': {'algorithm': 'rot13'}}}}"));
  const AutoEncrypter e = auto_encrypter();
  const Errc first = error_of(e, kInsertOne);
  EXPECT_NE(first, Errc{});
  EXPECT_EQ(error_of(e, kInsertOne), first);
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, OfQueryableEncryptionAreRefused) {
  add("patients",
      "{'name': 'patients', 'options': {'encryptedFields': {'fields': [{'path': 'ssn'}]}}}");
  EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::command_not_supported);
}

TEST_F(AutoEncrypterSchemas, AreNotTakenFromAnAnswerThatMakesNoSense) {
  add_patients();
  server_.collections["patients"].push_back(server_.collections["patients"].front());
  EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::server_bad_answer) << "twice";
  server_.collections.clear();
  add("visits", info("visits", "{}"));
  EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::server_bad_answer) << "not asked for";
  server_.collections.clear();
  add("patients", "{'type': 'collection'}");
  EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::malformed_bson) << "without a name";
  server_.collections["patients"] = {Doc{9, 0, 0, 0, 2, 'n'}};
  EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::malformed_bson) << "not BSON";
}

TEST_F(AutoEncrypterSchemas, AreNotTakenFromAnAnswerThatSaysSomethingTwice) {
  const std::string schema = "'$jsonSchema': " + test::patients_json(key_);
  const std::string validator = "'validator': {" + schema + "}";
  const std::string options = "'options': {" + validator + "}";
  for (const std::string& said :
       {"'options': {'validator': {'$jsonSchema': {}, " + schema + "}}",
        "'options': {'validator': {" + schema + ", '$jsonSchema': {}}}",
        "'options': {'validator': {}, " + validator + "}", "'options': {}, " + options,
        "'options': {'encryptedFields': {}, 'encryptedFields': {}, " + validator + "}",
        "'type': 'collection', 'type': 'view', " + options, "'name': 'visits', " + options}) {
    server_.collections.clear();
    add("patients", "{'name': 'patients', " + said + "}");
    EXPECT_EQ(error_of(auto_encrypter(), kInsertOne), Errc::server_bad_answer) << said;
  }
}

TEST_F(AutoEncrypterSchemas, AreAskedForAgainAfterAFailure) {
  add_patients();
  const AutoEncrypter e = auto_encrypter();
  server_.failure = Failure(Errc::server_unreachable, "down");
  EXPECT_EQ(error_of(e, kInsertOne), Errc::server_unreachable);
  server_.failure.reset();
  EXPECT_EQ(encrypts(e), true);
}

TEST_F(AutoEncrypterSchemas, AreAskedForAgainAfterAnException) {
  add_patients();
  bool throws = true;
  const auto list = options_.list_collections;
  options_.list_collections = [&](std::string_view db, Bytes filter) {
    if (throws) throw std::runtime_error("down");
    return list(db, filter);
  };
  const AutoEncrypter e = auto_encrypter();
  EXPECT_THROW((void)e.encrypt_command("clinic", bson(kInsertOne)), std::runtime_error);
  throws = false;
  EXPECT_EQ(encrypts(e), true);
}

TEST_F(AutoEncrypterSchemas, OfACommandItselfStandAboveAllOthers) {
  options_.schema_map["clinic.patients"] = test::plan("{'bsonType': 'object'}");
  const AutoEncrypter e = auto_encrypter();
  const auto create = [&](const std::string& validator) {
    return error_of(e, "{'create': 'patients', 'validator': " + validator + "}");
  };
  EXPECT_EQ(create("{'$jsonSchema': " + test::patients_json(key_) + "}"), Errc{});
  EXPECT_NE(create("{'$jsonSchema': " + test::patients_json(key_) + ", 'ssn': 5}"), Errc{});
  EXPECT_EQ(create("{'ssn': 5}"), Errc{}) << "by the schema map nothing is encrypted";
  EXPECT_TRUE(server_.calls.empty());
}

TEST_F(AutoEncrypterSchemas, OfACommandItselfThatEncryptNothingTakeNothingAwayFromTheMap) {
  options_.schema_map["clinic.patients"] = test::plan(test::patients_json(key_));
  const AutoEncrypter e = auto_encrypter();
  for (const char* command : {"create", "collMod"}) {
    const auto modify = [&](const std::string& validator) {
      return error_of(
          e, std::string("{'") + command + "': 'patients', 'validator': " + validator + "}");
    };
    EXPECT_EQ(modify("{'$jsonSchema': {'required': ['ssn']}}"), Errc{});
    EXPECT_EQ(modify("{'$jsonSchema': {'properties': {'ssn': {'enum': [5]}}}}"),
              Errc::comparison_not_possible);
    EXPECT_EQ(modify("{'$jsonSchema': {'bsonType': 'object'}, 'ssn': 5}"),
              Errc::operator_not_allowed);
  }
}

TEST_F(AutoEncrypterSchemas, OfNewCollectionsAreNotAskedFor) {
  EXPECT_EQ(error_of(auto_encrypter(), "{'create': 'new'}"), Errc{});
  EXPECT_TRUE(server_.calls.empty());
  EXPECT_EQ(error_of(auto_encrypter(), "{'collMod': 'old'}"), Errc{});
  EXPECT_EQ(server_.calls.size(), 1U);
}

TEST_F(AutoEncrypterSchemas, AreNotAskedForByCommandsThatAreNotAnalyzed) {
  EXPECT_EQ(error_of(auto_encrypter(), "{'ping': 1}"), Errc{});
  EXPECT_TRUE(server_.calls.empty());
}

/// Lets go on once `n` threads have come.
class Gate {
 public:
  void arrive() {
    const std::lock_guard lock(mutex_);
    ++arrived_;
    all_.notify_all();
  }
  void wait_for(int n) {
    std::unique_lock lock(mutex_);
    all_.wait(lock, [&] { return arrived_ == n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  int arrived_ = 0;
};

TEST_F(AutoEncrypterSchemas, OfOneCollectionAreAskedForOnceByManyThreads) {
  constexpr int kThreads = 8;
  add_patients();
  Gate gate;
  std::atomic<int> calls{0};
  const Doc answer = server_.collections["patients"].front();
  options_.list_collections = [&](std::string_view, Bytes) -> Outcome<std::vector<Doc>> {
    ++calls;
    gate.wait_for(kThreads);
    return std::vector<Doc>{answer};
  };
  const AutoEncrypter e = auto_encrypter();
  std::atomic<int> encrypted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      gate.arrive();
      if (encrypts(e) == true) ++encrypted;
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(encrypted, kThreads);
  EXPECT_EQ(calls, 1);
}

TEST_F(AutoEncrypterSchemas, OfOtherCollectionsDoNotWaitForASlowCallOfAnotherThread) {
  std::mutex mutex;
  std::condition_variable changed;
  bool other_done = false;
  bool slow_began = false;
  options_.list_collections = [&](std::string_view, Bytes filter) -> Outcome<std::vector<Doc>> {
    if (test::contains(filter, "patients")) {
      std::unique_lock lock(mutex);
      slow_began = true;
      changed.notify_all();
      EXPECT_TRUE(changed.wait_for(lock, fle::test::kPatience, [&] { return other_done; }));
    }
    return std::vector<Doc>{};
  };
  const AutoEncrypter e = auto_encrypter();
  std::thread slow([&] { EXPECT_EQ(encrypts(e), false); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return slow_began; });
  }
  EXPECT_EQ(error_of(e, "{'find': 'visits'}"), Errc{});
  {
    const std::lock_guard lock(mutex);
    other_done = true;
    changed.notify_all();
  }
  slow.join();
}

TEST_F(AutoEncrypterSchemas, ThatAThreadFailsToGetFailForTheThreadsThatWaitForThem) {
  constexpr int kThreads = 4;
  Gate gate;
  options_.list_collections = [&](std::string_view, Bytes) -> Outcome<std::vector<Doc>> {
    gate.wait_for(kThreads);
    return Failure(Errc::server_unreachable, "down");
  };
  const AutoEncrypter e = auto_encrypter();
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      gate.arrive();
      if (error_of(e, kInsertOne) == Errc::server_unreachable) ++refused;
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(refused, kThreads);
}

TEST_F(AutoEncrypterSchemas, ThatAThreadThrowsOverFailForTheThreadsThatWaitForThem) {
  constexpr int kThreads = 4;
  Gate gate;
  options_.list_collections = [&](std::string_view, Bytes) -> Outcome<std::vector<Doc>> {
    gate.wait_for(kThreads);
    throw std::runtime_error("down");
  };
  const AutoEncrypter e = auto_encrypter();
  std::atomic<int> thrown{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      gate.arrive();
      try {
        if (error_of(e, kInsertOne) == Errc::server_unreachable) ++refused;
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_GE(thrown, 1);
  EXPECT_EQ(thrown + refused, kThreads);
}

// ---- Strict

class StrictAutoEncrypter : public AutoEncrypterSchemas {
 protected:
  StrictAutoEncrypter() {
    options_.require_schema = true;
    options_.list_collections = nullptr;
    options_.schema_map["clinic.patients"] = test::patients(key_);
  }
};

TEST_F(StrictAutoEncrypter, RefusesACollectionWithoutASchemaByItsName) {
  const auto sent = auto_encrypter().encrypt_command(
      "clinic", bson("{'insert': 'Patients', 'documents': [{'_id': 1, 'ssn': 5}]}"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::schema_missing);
  EXPECT_NE(sent.error().message.find("'clinic.Patients'"), std::string::npos)
      << sent.error().message;
  EXPECT_NE(sent.error().message.find("plain_collections"), std::string::npos);
  EXPECT_EQ(encrypts(auto_encrypter()), true) << "the right name";
  EXPECT_EQ(encrypts(auto_encrypter(), "other"), std::nullopt) << "another database";
}

TEST_F(StrictAutoEncrypter, TakesCollectionsThatAreNamedPlain) {
  const std::string find = "{'find': 'visits', 'filter': {'ssn': 5}}";
  EXPECT_EQ(error_of(auto_encrypter(), find), Errc::schema_missing);
  options_.plain_collections = {"other.visits", "clinic.visit"};
  EXPECT_EQ(error_of(auto_encrypter(), find), Errc::schema_missing);
  options_.plain_collections.insert("clinic.visits");
  EXPECT_EQ(error_of(auto_encrypter(), find), Errc{});
}

TEST_F(StrictAutoEncrypter, CountsEveryCollectionThatACommandNames) {
  const std::string unlisted[] = {
      "{'aggregate': 'patients', 'pipeline': [{'$lookup': {'from': 'visits', 'localField': 'name',"
      " 'foreignField': 'n', 'as': 'v'}}], 'cursor': {}}",
      "{'aggregate': 'visits', 'pipeline': [{'$out': 'copies'}], 'cursor': {}}",
      "{'aggregate': 'visits', 'pipeline': [{'$merge': {'into': 'copies'}}], 'cursor': {}}",
      "{'aggregate': 'visits', 'pipeline': [{'$facet': {'a': [{'$unionWith': 'copies'}]}}],"
      " 'cursor': {}}",
      "{'explain': {'find': 'copies', 'filter': {}}}",
      "{'create': 'copies'}",
      "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {'_id': 1}}],"
      " 'nsInfo': [{'ns': 'clinic.copies'}]}",
  };
  for (const std::string& command : unlisted) {
    EXPECT_NE(error_of(auto_encrypter(), command), Errc{}) << command;
    if (command.find("patients") == std::string::npos) {
      options_.plain_collections = {"clinic.visits", "clinic.copies"};
      EXPECT_EQ(error_of(auto_encrypter(), command), Errc{}) << command;
      options_.plain_collections = {"clinic.visits"};
      EXPECT_EQ(error_of(auto_encrypter(), command), Errc::schema_missing) << command;
    }
  }
}

TEST_F(StrictAutoEncrypter, LeavesCommandsAloneThatAreNeverAnalyzed) {
  for (const char* command : {"{'ping': 1}", "{'drop': 'visits'}", "{'listCollections': 1}",
                              "{'getMore': {'$numberLong': '5'}, 'collection': 'visits'}",
                              "{'aggregate': 1, 'pipeline': [{'$currentOp': {}}], 'cursor': {}}"}) {
    const bool was_refused = [&] {
      options_.require_schema = false;
      const bool refused = error_of(auto_encrypter(), command) != Errc{};
      options_.require_schema = true;
      return refused;
    }();
    EXPECT_EQ(error_of(auto_encrypter(), command) != Errc{}, was_refused) << command;
  }
  options_.bypass_auto_encryption = true;
  EXPECT_EQ(error_of(auto_encrypter(), "{'insert': 'visits', 'documents': [{}]}"), Errc{});
}

TEST_F(StrictAutoEncrypter, TakesASchemaThatEncryptsNothingAndTheCommandsOwn) {
  options_.schema_map["clinic.visits"] = *schema::compile_json("{}");
  EXPECT_EQ(error_of(auto_encrypter(), "{'find': 'visits'}"), Errc{});
  const std::string json = test::patients_json(key_);
  EXPECT_EQ(error_of(auto_encrypter(),
                     "{'create': 'people', 'validator': {'$jsonSchema': " + json + "}}"),
            Errc{});
}

TEST_F(StrictAutoEncrypter, TakesAServersSilenceForNoSchema) {
  options_.schema_map.clear();
  options_.list_collections = [this](std::string_view db, Bytes filter) {
    return server_.list(db, filter);
  };
  const AutoEncrypter e = auto_encrypter();
  EXPECT_EQ(encrypts(e), std::nullopt) << "no such collection";
  EXPECT_EQ(encrypts(e), std::nullopt) << "remembered";
  now_ += 61s;
  add("patients", "{'name': 'patients', 'type': 'collection', 'options': {}}");
  EXPECT_EQ(encrypts(e), std::nullopt) << "without a validator";
  now_ += 61s;
  server_.collections.clear();
  add_patients();
  EXPECT_EQ(encrypts(e), true);
}

}  // namespace
}  // namespace fle
