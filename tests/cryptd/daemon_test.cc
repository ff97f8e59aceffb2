// The daemon as a process: what goes over its sockets.
#include "cryptd/daemon.h"

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "cryptd/client.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

constexpr std::string_view kHello = R"({"hello": 1, "$db": "admin"})";
constexpr std::string_view kSchema = R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {
    "bsonType": "string", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
    "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}})";

/// A command as libmongocrypt sends it: with its schema.
std::string with_schema(const std::string& fields) {
  return "{" + fields + R"(, "jsonSchema": )" + std::string(kSchema) +
         R"(, "isRemoteSchema": false, "$db": "clinic"})";
}
std::string insert_of(const std::string& ssn) {
  return with_schema(R"("insert": "patients", "documents": [{"name": "Jon", "ssn": ")" + ssn +
                     "\"}]");
}

/// One daemon for the tests that leave it as it was.
struct CryptdSockets : testing::Test {
  static void SetUpTestSuite() {
    daemon = new Daemon;
    (void)daemon->port();  // known from here on, so that threads may ask for it
  }
  static void TearDownTestSuite() { delete std::exchange(daemon, nullptr); }
  static Client connect() { return Client(daemon->port()); }
  static inline Daemon* daemon = nullptr;
};

TEST_F(CryptdSockets, AnInsertComesBackWithPlaceholders) {
  const Reply r = connect().ask(insert_of("123-45-6789"));
  const std::string json = r.json();
  EXPECT_EQ(r.code(), 0) << json;
  EXPECT_NE(json.find(R"("hasEncryptionPlaceholders" : true)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("schemaRequiresEncryption" : true)"), std::string::npos) << json;
  const auto ssn = find_value(r.document, {"result", "documents", "0", "ssn"});
  ASSERT_TRUE(ssn.has_value());
  const auto mark = payload_of(*ssn);
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(mark->at(0), 0);  // type 0: a placeholder
  const Bytes inside = Bytes(*mark).subspan(1);
  EXPECT_EQ(text_of(*find_value(inside, {"v"})), "123-45-6789");
  EXPECT_FALSE(find_value(r.document, {"result", "jsonSchema"}).has_value());
  EXPECT_FALSE(find_value(r.document, {"result", "$db"}).has_value());
}

TEST_F(CryptdSockets, ASequenceOfDocumentsIsMarkedLikeAnArray) {
  const std::string rest = with_schema(R"("insert": "patients")");
  const Reply array = connect().ask(
      with_schema(R"("insert": "patients", "documents": [{"ssn": "1"}, {"ssn": "2"}])"));
  const Reply folded = connect().ask(
      op_msg({body(rest), sequence("documents", {R"({"ssn": "1"})", R"({"ssn": "2"})"})}));
  EXPECT_EQ(folded.code(), 0) << folded.json();
  EXPECT_EQ(find_value(folded.document, {"result", "documents"}),
            find_value(array.document, {"result", "documents"}));
  const Reply neither = connect().ask(rest);
  EXPECT_EQ(neither.code(), 40414) << neither.json();
  EXPECT_NE(neither.json().find("BSON field 'insert.documents' is missing"), std::string::npos);
}

TEST_F(CryptdSockets, ARefusalOfTheAnalyzerIsAnErrorAndTheConnectionGoesOn) {
  Client c = connect();
  const Reply r =
      c.ask(with_schema(R"("insert": "patients", "documents": [{"ssn": {"a": "secret"}}])"));
  EXPECT_NE(r.code(), 0);
  EXPECT_TRUE(r.has("errmsg"));
  EXPECT_TRUE(r.has("codeName"));
  EXPECT_EQ(r.json().find("secret"), std::string::npos);
  EXPECT_EQ(c.ask(R"({"insert": "patients", "documents": [], "$db": "d"})").code() == 0, false);
  EXPECT_EQ(c.ask(R"({"killOp": 1, "$db": "admin"})").code(), 59);
  EXPECT_EQ(c.ask(insert_of("1")).code(), 0);
}

TEST_F(CryptdSockets, AMessageMayComeByteByByte) {
  Client c = connect();
  for (const std::uint8_t byte : op_msg(insert_of("1"))) c.send({&byte, 1});
  EXPECT_EQ(c.read()->code(), 0);
}

TEST_F(CryptdSockets, PipelinedMessagesAreAnsweredInOrder) {
  Client c = connect();
  Buf all;
  for (std::uint32_t i = 0; i < 100; ++i) {
    put(all, op_msg(i % 3 == 0 ? std::string(kHello) : insert_of(std::to_string(i)), 0, i));
    put(all, op_msg(kHello, kMore, 1000 + i));  // and those that want no answer get none
  }
  c.send(all);
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto r = c.read();
    ASSERT_TRUE(r.has_value());
    EXPECT_EQ(r->response_to, i);
    EXPECT_EQ(r->code(), 0);
  }
}

TEST_F(CryptdSockets, ImpossibleLengthsEndTheirConnectionAloneWithAnError) {
  Client other = connect();
  ASSERT_EQ(other.ask(kHello).code(), 0);
  for (const std::uint32_t length : {0U, 15U, 48'000'001U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    Buf m = op_msg(kHello);
    for (std::size_t i = 0; i < 4; ++i) m[i] = static_cast<std::uint8_t>(length >> (8 * i));
    Client c = connect();
    EXPECT_EQ(c.ask(m).code(), 17) << length;
    EXPECT_TRUE(c.closed()) << length;
  }
  EXPECT_EQ(other.ask(insert_of("1")).code(), 0);
}

TEST_F(CryptdSockets, MalformedMessagesAreAnsweredAndEndTheirConnection) {
  for (const Buf& m : {op_msg(std::vector<Buf>{}), op_msg(std::vector<Buf>{{9}}),
                       op_msg(kHello, 1 << 5), with_header(2013, Buf(1))}) {
    Client c = connect();
    EXPECT_NE(c.ask(m).code(), 0);
    EXPECT_TRUE(c.closed());
  }
  Client compressed = connect();
  compressed.send(with_header(2012, Buf(30)));
  EXPECT_TRUE(compressed.closed());
}

TEST_F(CryptdSockets, ChecksumsAreVerifiedAndGiven) {
  Client c = connect();
  EXPECT_EQ(c.ask(op_msg(insert_of("1"), kChecksum)).flags, kChecksum);
  Buf wrong = op_msg(insert_of("1"), kChecksum);
  wrong.back() ^= 1;
  EXPECT_EQ(c.ask(wrong).code(), 17);
  EXPECT_TRUE(c.closed());
}

TEST_F(CryptdSockets, ManyThreadsAreAnalyzedAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> right(8, 0);
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&right, t] {
      EXPECT_TRUE(succeeds([&right, t] {
        Client c = connect();
        for (int i = 0; i < 50; ++i) {
          const std::string ssn = std::to_string(t) + '-' + std::to_string(i);
          const Reply r = c.ask(insert_of(ssn));
          const auto value = find_value(r.document, {"result", "documents", "0", "ssn"});
          const auto mark = value ? payload_of(*value) : std::nullopt;
          if (mark && text_of(*find_value(Bytes(*mark).subspan(1), {"v"})) == ssn) ++right[t];
        }
      }));
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right, std::vector<int>(right.size(), 50));
}

TEST_F(CryptdSockets, ALargeInsertIsAnalyzedWhileOthersGoOn) {
  // Nearly as large as a message may be: 2 documents of 15 MiB that end in a field to encrypt.
  const std::string filler(15 << 20, 'x');
  const std::string documents =
      R"([{"f": ")" + filler + R"(", "ssn": "1"}, {"f": ")" + filler + R"(", "ssn": "2"}])";
  Client large = connect();
  large.send(op_msg(with_schema(R"("insert": "patients", "documents": )" + documents)));
  Client c = connect();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(c.ask(insert_of("1")).code(), 0);
  const auto reply = large.read();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code(), 0);
  const auto second = find_value(reply->document, {"result", "documents", "1", "ssn"});
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(payload_of(*second).has_value());
}

TEST_F(CryptdSockets, AnnouncedMessagesTakeNoMemoryUntilTheyCome) {
  const auto kib = [] {
    std::string field;
    std::ifstream in("/proc/" + std::to_string(daemon->pid()) + "/statm");
    long pages = 0;
    in >> pages >> pages;
    return pages * 4;
  };
  ASSERT_EQ(connect().ask(kHello).code(), 0);
  const long before = kib();
  std::vector<Client> clients;
  Buf start = op_msg(kHello);
  for (std::size_t i = 0; i < 4; ++i) start[i] = static_cast<std::uint8_t>(48'000'000U >> (8 * i));
  for (int i = 0; i < 200; ++i) clients.emplace_back(connect()).send(start);
  ASSERT_EQ(connect().ask(kHello).code(), 0);
  EXPECT_LT(kib() - before, 200 * 48'000 / 20);  // 5 % of what was announced; it is far less
}

TEST_F(CryptdSockets, CommandsAreAnsweredAmongTwoThousandIdleConnections) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < 2500) GTEST_SKIP() << "only " << files.rlim_max << " descriptors";
  std::vector<Client> idle;
  Client c = connect();
  for (int i = 0; i < 2000; ++i) {
    idle.push_back(connect());
    if (i % 100 == 0) {
      EXPECT_EQ(c.ask(insert_of("1")).code(), 0);
    }
  }
  EXPECT_EQ(c.ask(insert_of("1")).code(), 0);
  for (Client& i : idle) EXPECT_EQ(i.ask(kHello).code(), 0);
}

TEST(CryptdLimits, WithoutDescriptorsItWaitsAndComesBack) {
  // UndefinedBehaviorSanitizer tries addresses by way of a pipe, and takes a failure for a bad one.
  if (kSanitized) GTEST_SKIP() << "sanitizers need descriptors themselves";
  Daemon daemon({}, Daemon::Limit{RLIMIT_NOFILE, 40});
  const std::uint16_t port = daemon.port();
  std::vector<Client> clients;
  clients.reserve(60);
  // They owe nothing; the kernel queues the rest.
  for (int i = 0; i < 60; ++i) clients.emplace_back(port).send(op_msg(kHello));
  EXPECT_TRUE(eventually([&daemon] {
    return daemon.out().find("Cannot accept connections for now") != std::string::npos;
  }));
  EXPECT_TRUE(clients.front().read().has_value());
  // It sleeps before it tries again. Without a pause it would never do, and take all of a
  // processor.
  const long before = daemon.n_sleeps();
  EXPECT_TRUE(eventually([&] { return daemon.n_sleeps() >= before + 3; }));
  Client last = std::move(clients.back());
  clients.clear();
  EXPECT_TRUE(last.read().has_value());
}

/// A name of 14 letters can be parted in 2^14 ways, and each is tried.
TEST(CryptdLimits, AnAnalysisHasTheBudgetThatIsAskedFor) {
  const std::string command =
      R"({"find": "c", "filter": {"aaaaaaaaaaaaaa": 1}, "jsonSchema": {"bsonType": "object", )"
      R"("patternProperties": {"^(a+)+[xyz]$": {"encrypt": {"algorithm": )"
      R"("AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$binary": {"base64": )"
      R"("AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}}, "isRemoteSchema": true, "$db": "d"})";
  Daemon daemon;
  EXPECT_EQ(Client(daemon.port()).ask(command).code(), 0);
  Daemon modest({"--workBudget", "1000"});
  Client client(modest.port());
  const Reply r = client.ask(command);
  EXPECT_NE(r.code(), 0);
  EXPECT_NE(r.json().find("work_limit"), std::string::npos) << r.json();
  EXPECT_EQ(client.ask(R"({"ping": 1, "$db": "d"})").code(), 0) << "the connection goes on";
}

TEST(CryptdLimits, WithoutMemoryOnlyThoseWhoWantItAreRefused) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need the address space themselves";
  Daemon daemon({}, Daemon::Limit{RLIMIT_AS, rlim_t{700} << 20});
  Client c(daemon.port());
  ASSERT_EQ(c.ask(kHello).code(), 0);
  Buf most = op_msg(kHello);
  for (std::size_t i = 0; i < 4; ++i) most[i] = static_cast<std::uint8_t>(48'000'000U >> (8 * i));
  most.resize(40 << 20);  // of 48 MB: the daemon has to keep it
  std::vector<Client> greedy;
  int n_refused = 0;
  for (int i = 0; i < 20 && n_refused == 0; ++i) {
    greedy.emplace_back(daemon.port());
    try {
      greedy.back().send(most);
    } catch (const std::system_error&) {
      ++n_refused;
    }
  }
  EXPECT_GT(n_refused, 0);
  EXPECT_EQ(c.ask(kHello).code(), 0);
  greedy.clear();
  EXPECT_TRUE(eventually([&c] { return c.ask(insert_of("1")).code() == 0; }));
}

TEST(CryptdLog, HoldsNothingOfWhatIsSent) {
  Daemon daemon({"-v"});
  Client c(daemon.port());
  ASSERT_EQ(c.ask(insert_of("secret-value")).code(), 0);
  ASSERT_EQ(c.ask(R"({"secretCommand": "secret-value", "$db": "secretdb"})").code(), 59);
  EXPECT_TRUE(eventually(
      [&daemon] { return daemon.out().find("\"command\":\"refused\"") != std::string::npos; }));
  EXPECT_NE(daemon.out().find("\"command\":\"insert\""), std::string::npos);
  for (const char* word : {"secret", "patients", "clinic", "Jon", "ssn"})
    EXPECT_EQ(daemon.out().find(word), std::string::npos) << word;
}

TEST(CryptdLog, IsOfJsonLines) {
  Daemon daemon({"--setParameter", "name=secret", "--verbose"});
  Client(daemon.port()).ask(kHello);
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
  std::istringstream lines(daemon.out());
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    // libbson does not read the offset as MongoDB writes it; it throws on what is not JSON.
    const std::size_t offset = line.find("+00:00\"}");
    ASSERT_NE(offset, std::string::npos) << line;
    const Buf record = bson_of(line.replace(offset, 6, "Z"));
    for (const char* field : {"t", "s", "c", "id", "ctx", "msg", "attr"})
      EXPECT_TRUE(find_value(record, {field}).has_value()) << line;
  }
  EXPECT_GE(n, 8);
  EXPECT_NE(daemon.out().find(R"("name":"name")"), std::string::npos);
  EXPECT_EQ(daemon.out().find("secret"), std::string::npos);
}

TEST(CryptdLog, AReaderThatNeverReadsDoesNotStopTheDaemon) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Folder f;  // the log tells the port, and nobody reads it
  Daemon daemon({"-v", "--pidfilepath", "pid", "--unixSocketPrefix", f.path()}, {}, ends[1]);
  ::close(ends[1]);
  ASSERT_TRUE(eventually([&daemon] { return !daemon.folder().read("pid").empty(); }))
      << daemon.err();
  Client c(f.file("mongocryptd.sock"));
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(c.ask(kHello).code(), 0);
  ::close(ends[0]);
  EXPECT_EQ(c.ask(kHello).code(), 0);
}

}  // namespace
}  // namespace fle::test
