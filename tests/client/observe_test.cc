#include "fle/observe.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "client_support.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/client_encryption.h"
#include "fle/client/field_counters.h"
#include "fle/observe/metrics.h"
#include "fle/observe/trace.h"
#include "fle/query/analyzer.h"
#include "fle/try.h"
#include "support/prometheus.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using client::Batch;
using client::ClientEncryption;
using client::DocumentCipher;
using test::bson;
using test::Doc;

/// One patient as bytes of plaintext: ssn and policyNumber are ints, the others strings and an
/// array.
class ObserverTest : public testing::Test {
 protected:
  ObserverTest() : key_(world_.new_key({"the chief physician"})) {}

  [[nodiscard]] std::shared_ptr<kms::KeyRing> ring() const {
    kms::KeyRingOptions options;
    options.observer = metrics_;
    return world_.ring(options);
  }
  [[nodiscard]] DocumentCipher cipher(std::shared_ptr<kms::KeyRing> keys) const {
    return {test::patients(key_), std::move(keys), {.observer = metrics_}};
  }
  [[nodiscard]] AutoEncrypter::Options auto_options() const {
    AutoEncrypter::Options options;
    options.schema_map["clinic.patients"] = test::patients(key_);
    options.observer = metrics_;
    return options;
  }
  [[nodiscard]] std::uint64_t sum(Metric metric, std::string_view a = {}, std::string_view b = {},
                                  std::string_view c = {}) const {
    return metrics_->sum(metric, a, b, c);
  }
  /// How many values a histogram has.
  [[nodiscard]] std::uint64_t count(Metric metric, std::string_view a, std::string_view b = {},
                                    std::string_view c = {}) const {
    for (const Metrics::Series& s : metrics_->read())
      if (s.metric == metric && s.labels[0] == a && s.labels[1] == b && s.labels[2] == c)
        return s.count;
    return 0;
  }

  test::World world_;
  KeyId key_;
  std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
};

TEST(MetricTable, HasNamesThatPrometheusTakesAndBoundsThatRise) {
  std::set<std::string_view> names;
  std::size_t place = 0;
  for (const MetricInfo& m : metrics()) {
    SCOPED_TRACE(std::string(m.name));
    EXPECT_EQ(static_cast<std::size_t>(m.metric), place++);
    EXPECT_EQ(&info(m.metric), &m);
    EXPECT_TRUE(names.insert(m.name).second);
    EXPECT_EQ(m.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), m.name.npos);
    EXPECT_FALSE(m.labels[0].empty());
    EXPECT_TRUE(m.help.ends_with(".")) << m.help;
    if (m.kind == MetricKind::counter) {
      EXPECT_TRUE(m.name.ends_with("_total"));
      EXPECT_TRUE(m.bounds.empty());
    } else {
      EXPECT_TRUE(m.name.ends_with("_seconds"));
      EXPECT_EQ(m.unit, Unit::nanoseconds);
      for (std::size_t i = 1; i < m.bounds.size(); ++i) EXPECT_LT(m.bounds[i - 1], m.bounds[i]);
    }
  }
}

TEST(MetricTable, IsWhatTheGuideShows) {
  std::ifstream in(FLE_VECTORS_DIR "/../docs/observability.md");
  const std::string guide{std::istreambuf_iterator<char>(in), {}};
  for (const MetricInfo& m : metrics()) {
    std::string row = "\n| `" + std::string(m.name);
    row += m.kind == MetricKind::counter ? "` | counter | " : "` | histogram | ";
    for (const std::string_view label : m.labels)
      if (!label.empty()) row.append(label).append(", ");
    row.resize(row.size() - 2);
    row.append(" | ").append(m.help).append(" |\n");
    EXPECT_NE(guide.find(row), guide.npos) << row;
  }
}

TEST_F(ObserverTest, CountsTheFieldsBytesDocumentsAndKeysOfBatches) {
  const client::FieldCounters before = client::field_counters();
  const auto keys = ring();
  const DocumentCipher c = cipher(keys);
  const Doc document = test::patient();
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.add(document);
  ASSERT_TRUE(c.encrypt(batch));
  Batch back;
  back.add(batch.output(0));
  ASSERT_TRUE(c.decrypt(back));

  const client::FieldCounters now = client::field_counters();
  EXPECT_EQ(sum(Metric::fields, "encrypt", "deterministic"), 6U);
  EXPECT_EQ(sum(Metric::fields, "encrypt", "random"), 6U);
  EXPECT_EQ(sum(Metric::fields, "decrypt", "deterministic"), 2U);
  EXPECT_EQ(sum(Metric::fields, "decrypt", "random"), 2U);
  EXPECT_EQ(sum(Metric::field_bytes, "encrypt", "deterministic"), 6 * 4U);
  EXPECT_EQ(sum(Metric::field_bytes, "encrypt", "random"),
            now.random_encrypted.bytes - before.random_encrypted.bytes);
  EXPECT_EQ(sum(Metric::field_bytes, "decrypt", "random"),
            now.random_decrypted.bytes - before.random_decrypted.bytes);
  EXPECT_EQ(sum(Metric::documents, "encrypt"), 3U);
  EXPECT_EQ(sum(Metric::documents, "decrypt"), 1U);
  EXPECT_EQ(count(Metric::batch_seconds, "encrypt", "ok"), 1U);
  EXPECT_EQ(count(Metric::batch_seconds, "decrypt", "ok"), 1U);

  const kms::KeyRingCounters ring = keys->counters();
  EXPECT_EQ(sum(Metric::key_lookups, "hit"), ring.hits);
  EXPECT_EQ(sum(Metric::key_lookups, "miss"), ring.misses);
  EXPECT_EQ(sum(Metric::key_lookups, "hit"), 1U);
  EXPECT_EQ(sum(Metric::key_lookups, "miss"), 1U);
  EXPECT_EQ(sum(Metric::keys, "loaded"), 1U);
  EXPECT_EQ(count(Metric::vault_seconds, "find", "ok"), 1U);
  EXPECT_EQ(count(Metric::kms_seconds, "unwrap", "local", "ok"), 1U);
  EXPECT_EQ(metrics_->dropped(), 0U);
}

TEST_F(ObserverTest, NamesTheErrorOfABatchAndCountsNoFieldOfIt) {
  const Doc document = bson("{'_id': 1, 'ssn': 'no number'}");
  Batch batch;
  batch.add(document);
  ASSERT_FALSE(cipher(ring()).encrypt(batch));
  EXPECT_EQ(count(Metric::batch_seconds, "encrypt", "type_not_allowed"), 1U);
  EXPECT_EQ(sum(Metric::fields, "encrypt", "deterministic"), 0U);
  EXPECT_EQ(sum(Metric::documents, "encrypt"), 0U);
}

TEST_F(ObserverTest, CountsDocumentsThatAreLeftOutAndDoneAnew) {
  const Doc good = test::patient();
  const Doc bad = bson("{'_id': 1, 'ssn': 'no number'}");
  const DocumentCipher c(test::patients(key_), ring(),
                         {.on_faulty = client::OnFaulty::leave_out, .observer = metrics_});
  Batch batch;
  batch.add(good);
  batch.add(bad);
  ASSERT_TRUE(c.encrypt(batch));
  EXPECT_EQ(sum(Metric::documents, "encrypt"), 1U);

  const DocumentCipher other(test::patients(world_.new_key()), ring(), {.observer = metrics_});
  Batch again;
  again.add(batch.output(0));
  ASSERT_TRUE(other.reencrypt(again, {}));
  EXPECT_EQ(sum(Metric::documents, "reencrypt"), 1U);
  EXPECT_EQ(sum(Metric::fields, "decrypt", "random"), 2U);
  EXPECT_EQ(sum(Metric::fields, "encrypt", "random"), 4U);
  EXPECT_EQ(count(Metric::batch_seconds, "reencrypt", "ok"), 1U);
}

TEST_F(ObserverTest, HearsOfSingleValuesAndOfKeysThatAreMadeAndRewrapped) {
  kms::KeyRingOptions options;
  options.observer = metrics_;
  ClientEncryption encryption(world_.vault(), world_.providers(), options);
  const auto made = encryption.create_data_key(kms::MasterKey::local());
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(count(Metric::kms_seconds, "prepare", "local", "ok"), 1U);
  EXPECT_EQ(count(Metric::kms_seconds, "wrap", "local", "ok"), 1U);
  EXPECT_EQ(count(Metric::kms_seconds, "unwrap", "local", "ok"), 1U);  // it is verified

  const auto sealed = encryption.encrypt(bson::Value("abc"), Algorithm::random, made->id);
  ASSERT_TRUE(sealed) << sealed.error().to_string();
  ASSERT_TRUE(encryption.decrypt(*sealed));
  EXPECT_EQ(sum(Metric::fields, "encrypt", "random"), 1U);
  EXPECT_EQ(sum(Metric::field_bytes, "encrypt", "random"), 8U);  // length, text, NUL
  EXPECT_EQ(sum(Metric::field_bytes, "decrypt", "random"), 8U);
  EXPECT_EQ(count(Metric::kms_seconds, "unwrap", "local", "ok"), 2U);
  ASSERT_FALSE(encryption.encrypt(bson::Value("abc"), Algorithm::random, KeyId{}));
  EXPECT_EQ(count(Metric::batch_seconds, "encrypt", "key_not_found"), 1U);

  ASSERT_TRUE(encryption.reencrypt({}, made->id));
  const Bytes payload = sealed->as_binary()->bytes;
  ASSERT_TRUE(encryption.reencrypt({&payload, 1}, key_));
  EXPECT_EQ(sum(Metric::fields, "encrypt", "random"), 2U);
  EXPECT_EQ(sum(Metric::fields, "decrypt", "random"), 2U);
  EXPECT_EQ(count(Metric::batch_seconds, "reencrypt", "ok"), 2U);

  ASSERT_TRUE(encryption.rewrap_many_data_key({}));
  EXPECT_EQ(count(Metric::kms_seconds, "wrap", "local", "ok"), 3U);
}

TEST_F(ObserverTest, CountsCommandsAndTheirRefusalsByRule) {
  auto options = auto_options();
  auto time = std::chrono::steady_clock::time_point{};
  options.now = [&time] { return time += std::chrono::milliseconds(3); };
  const AutoEncrypter auto_encrypter(std::move(options), ring());
  const auto run = [&](const char* json) {
    return auto_encrypter.encrypt_command("clinic", bson(json)).has_value();
  };
  EXPECT_TRUE(run("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}, {'ssn': 6}]}"));
  EXPECT_TRUE(run("{'find': 'patients', 'filter': {'ssn': 5}}"));
  EXPECT_TRUE(run("{'ping': 1}"));
  EXPECT_FALSE(run("{'find': 'patients', 'filter': {'bloodType': 'AB+'}}"));
  EXPECT_FALSE(run("{'find': 'patients', 'filter': {'bloodType': 'A'}}"));
  EXPECT_FALSE(run("{'find': 'patients', 'filter': {'ssn': {'$gt': 5}}}"));
  EXPECT_FALSE(run("{'no such command of Jon Doe': 1}"));

  EXPECT_EQ(count(Metric::command_seconds, "insert", "ok"), 1U);
  EXPECT_EQ(sum(Metric::command_seconds, "insert", "ok") % 3'000'000, 0U);
  EXPECT_GE(sum(Metric::command_seconds, "insert", "ok"), 3'000'000U);
  EXPECT_EQ(count(Metric::command_seconds, "find", "ok"), 1U);
  EXPECT_EQ(sum(Metric::fields, "encrypt", "deterministic"), 3U);
  EXPECT_EQ(sum(Metric::field_bytes, "encrypt", "deterministic"), 12U);
  EXPECT_EQ(count(Metric::command_seconds, "find", "random_not_comparable"), 2U);
  EXPECT_EQ(sum(Metric::refusals, "match.random", "random_not_comparable"), 2U);
  EXPECT_EQ(sum(Metric::refusals, "match.operator", "operator_not_allowed"), 1U);
  EXPECT_EQ(sum(Metric::refusals, "command_not_supported", "command_not_supported"), 1U);
  EXPECT_EQ(count(Metric::command_seconds, "other", "command_not_supported"), 1U);
  EXPECT_EQ(count(Metric::command_seconds, "other", "ok"), 0U);
}

TEST_F(ObserverTest, TroubleWithKeysIsNoRefusal) {
  AutoEncrypter::Options options;
  options.schema_map["clinic.patients"] = test::patients(KeyId{});
  options.observer = metrics_;
  const AutoEncrypter auto_encrypter(std::move(options), ring());
  ASSERT_FALSE(auto_encrypter.encrypt_command(
      "clinic", bson("{'insert': 'patients', 'documents': [{'ssn': 5}]}")));
  EXPECT_EQ(count(Metric::command_seconds, "insert", "key_not_found"), 1U);
  for (const Metrics::Series& s : metrics_->read()) EXPECT_NE(s.metric, Metric::refusals);
}

TEST_F(ObserverTest, HearsOfCommandsThatCarryTheirSchemas) {
  query::Analyzer::Options options;
  options.observer = metrics_;
  const query::Analyzer analyzer(options);
  const std::string schema =
      "'isRemoteSchema': false, 'jsonSchema': " + test::patients_json(key_) + "}";
  ASSERT_TRUE(analyzer.analyze(bson("{'find': 'patients', 'filter': {'ssn': 5}, " + schema), "db"));
  ASSERT_FALSE(
      analyzer.analyze(bson("{'find': 'patients', 'filter': {'bloodType': 'A'}, " + schema), "db"));
  EXPECT_EQ(count(Metric::command_seconds, "find", "ok"), 1U);
  EXPECT_EQ(count(Metric::command_seconds, "find", "random_not_comparable"), 1U);
  EXPECT_EQ(sum(Metric::refusals, "match.random", "random_not_comparable"), 1U);
}

/// Takes 7 ms by the test's clock, and fails when it is told to.
class SlowProvider final : public kms::Provider {
 public:
  using Clock = std::chrono::steady_clock;
  explicit SlowProvider(Clock::time_point& time, bool& fails) : time_(time), fails_(fails) {}
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& key, const kms::MasterKey&) override {
    const Bytes b = key.expose();
    return std::vector<std::uint8_t>(b.begin(), b.end());
  }
  Outcome<SecretBytes> unwrap(Bytes material, const kms::MasterKey&) override {
    time_ += std::chrono::milliseconds(7);
    if (fails_) return Failure(Errc::kms_unreachable, "it does not answer");
    FLE_TRY(SecretBytes key, SecretBytes::copy_of(material, LockPolicy::best_effort));
    return key;
  }

 private:
  Clock::time_point& time_;
  bool& fails_;
};

TEST_F(ObserverTest, MeasuresAKmsByTheClockOfTheRing) {
  std::chrono::steady_clock::time_point time;
  bool fails = false;
  const auto providers = std::make_shared<kms::Providers>();
  ASSERT_TRUE(providers->add("secret_vendor:site7", std::make_unique<SlowProvider>(time, fails)));
  const std::shared_ptr<kms::KeyVault> vault = kms::make_memory_vault();
  kms::CreateKeyOptions create;
  create.lock_policy = LockPolicy::best_effort;
  create.master_key = kms::MasterKey::from_fields("secret_vendor:site7", bson("{}")).value();
  const auto made = kms::create_data_key(*vault, *providers, create);
  ASSERT_TRUE(made) << made.error().to_string();

  kms::KeyRingOptions options;
  options.now = [&time] { return time; };
  options.lock_policy = LockPolicy::best_effort;
  options.observer = metrics_;
  kms::KeyRing keys(vault, providers, options);
  fails = true;
  ASSERT_FALSE(keys.by_id(made->id));
  fails = false;
  ASSERT_TRUE(keys.by_id(made->id));
  keys.clear();
  ASSERT_TRUE(keys.by_id(made->id));

  EXPECT_EQ(sum(Metric::kms_seconds, "unwrap", "own", "kms_unreachable"), 7'000'000U);
  EXPECT_EQ(sum(Metric::kms_seconds, "unwrap", "own", "ok"), 14'000'000U);
  EXPECT_EQ(count(Metric::kms_seconds, "unwrap", "own", "ok"), 2U);
  EXPECT_EQ(sum(Metric::vault_seconds, "find", "ok"), 0U);
  EXPECT_EQ(count(Metric::vault_seconds, "find", "ok"), 3U);
  const auto samples = test::read_prometheus(metrics_->to_prometheus());
  const std::string series = R"({operation="unwrap",provider="own",outcome="ok")";
  EXPECT_EQ(samples.at("fle_kms_seconds_bucket" + series + R"(,le="0.005"})"), 0);
  EXPECT_EQ(samples.at("fle_kms_seconds_bucket" + series + R"(,le="0.01"})"), 2);
  EXPECT_EQ(samples.at("fle_kms_seconds_sum" + series + "}"), 0.014);
}

TEST_F(ObserverTest, AddsUpWhatManyThreadsDoWhileItIsScraped) {
  const auto keys = ring();
  const DocumentCipher c = cipher(keys);
  const Doc document = test::patient();
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      Batch batch;
      for (int i = 0; i < kRounds; ++i) {
        batch.clear();
        batch.add(document);
        if (!c.encrypt(batch)) std::abort();
        static_cast<void>(test::read_prometheus(metrics_->to_prometheus()));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(sum(Metric::documents, "encrypt"), 1U * kThreads * kRounds);
  EXPECT_EQ(sum(Metric::fields, "encrypt", "random"), 2U * kThreads * kRounds);
  EXPECT_EQ(count(Metric::batch_seconds, "encrypt", "ok"), 1U * kThreads * kRounds);
  const kms::KeyRingCounters ring = keys->counters();
  EXPECT_EQ(sum(Metric::key_lookups, "hit"), ring.hits);
  EXPECT_EQ(sum(Metric::key_lookups, "miss") + sum(Metric::key_lookups, "joined"), ring.misses);
  EXPECT_EQ(sum(Metric::key_lookups, "joined"), ring.coalesced);
}

TEST_F(ObserverTest, MayThrowAndMayUseLibfleItself) {
  /// Uses a cipher that nobody observes, and fails then.
  struct Difficult final : Observer {
    explicit Difficult(DocumentCipher c) : inner(std::move(c)) {}
    void observe(std::span<const Event>) override {
      const Doc document = test::patient();
      Batch batch;
      batch.add(document);
      if (inner.encrypt(batch)) ++n;
      throw std::runtime_error("the exporter is down");
    }
    DocumentCipher inner;
    std::atomic<int> n{0};
  };
  const auto observer = std::make_shared<Difficult>(
      DocumentCipher(test::patients(key_), world_.ring(), DocumentCipher::Options{}));
  kms::KeyRingOptions keys;
  keys.observer = observer;
  const DocumentCipher c(test::patients(key_), world_.ring(keys), {.observer = observer});
  const Doc document = test::patient();
  Batch batch;
  batch.add(document);
  ASSERT_TRUE(c.encrypt(batch));
  Batch back;
  back.add(batch.output(0));
  ASSERT_TRUE(c.decrypt(back));
  EXPECT_EQ(test::copy(back.output(0)), document);
  EXPECT_GE(observer->n, 6);  // vault, KMS, a key that is loaded; two look-ups; two batches
}

TEST(MetricsText, IsWhatPrometheusDescribes) {
  Metrics metrics;
  EXPECT_EQ(metrics.to_prometheus(), "");
  const Event events[] = {
      {Metric::batch_seconds, {"encrypt", "ok"}, 1'000},
      {Metric::batch_seconds, {"encrypt", "ok"}, 1'001},
      {Metric::batch_seconds, {"encrypt", "ok"}, 20'000'000'000},
      {Metric::fields, {"encrypt", "random"}, 2},
      {Metric::fields, {"encrypt", "deterministic"}, 1},
      {Metric::fields, {"encrypt", "random"}, 3},
      {Metric::connections, {"a \\ \" \n z"}, 1},
  };
  metrics.observe(events);
  const std::string text = metrics.to_prometheus();
  EXPECT_TRUE(text.starts_with(
      "# HELP fle_fields_total Fields encrypted and decrypted by calls that succeeded.\n"
      "# TYPE fle_fields_total counter\n"
      "fle_fields_total{operation=\"encrypt\",algorithm=\"deterministic\"} 1\n"
      "fle_fields_total{operation=\"encrypt\",algorithm=\"random\"} 5\n"
      "# HELP fle_batch_seconds "))
      << text;
  EXPECT_TRUE(text.ends_with("{event=\"a \\\\ \\\" \\n z\"} 1\n")) << text;
  const auto samples = test::read_prometheus(text);
  const auto bucket = [&samples](const std::string& le) {
    return samples.at(R"(fle_batch_seconds_bucket{operation="encrypt",outcome="ok",le=")" + le +
                      "\"}");
  };
  EXPECT_EQ(bucket("0.000001"), 1);
  EXPECT_EQ(bucket("0.000004"), 2);
  EXPECT_EQ(bucket("10"), 2);
  EXPECT_EQ(bucket("+Inf"), 3);
  EXPECT_EQ(samples.at(R"(fle_batch_seconds_sum{operation="encrypt",outcome="ok"})"), 20.000002001);
  EXPECT_EQ(samples.size(), 2U + 13 + 2 + 1);
}

TEST(MetricsText, IsReadByAParserThatTakesNothingElse) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  const std::string hist = "# HELP h x\n# TYPE h histogram\n";
  for (const std::string& wrong : {
           std::string("a_total 1\n"),
           head + "a_total 1",
           head + "a_total x\n",
           head + "a_total 1\na_total 1\n",
           head + "b_total 1\n",
           head + "a_total{x=\"} 1\n",
           head + "a_total{x=\"\\t\"} 1\n",
           head + "a_total{x=\"y\",} 1\n",
           head + head,
           std::string("# HELP a_total x\n"),
           hist + "h_bucket{le=\"1\"} 1\n",
           hist + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
           hist + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
           hist + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
           hist + "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\n",
       })
    EXPECT_THROW(test::read_prometheus(wrong), std::runtime_error) << wrong;
  EXPECT_EQ(test::read_prometheus(hist + "h_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n").size(),
            3U);
}

TEST(MetricsMemory, HasAnEnd) {
  Metrics metrics;
  // Words are made by the compiler; the sets of tables multiply to more than there is room for.
  constexpr Word kWords[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"};
  std::size_t n = 0;
  for (const Word& a : kWords)
    for (const Word& b : kWords)
      for (const Word& c : kWords) {
        const Event e{Metric::kms_seconds, {a, b, c}, 1};
        metrics.observe({&e, 1});
        ++n;
      }
  ASSERT_GT(n, Metrics::kMaxSeries);
  EXPECT_EQ(metrics.read().size(), Metrics::kMaxSeries);
  EXPECT_EQ(metrics.dropped(), n - Metrics::kMaxSeries);
}

TEST(TraceLines, SayWhenWhatAndHowMuch) {
  std::string out;
  auto time = std::chrono::steady_clock::time_point{} + std::chrono::hours(1);
  Trace trace([&out](std::string_view line) { out += line; }, [&time] { return time; });
  time += std::chrono::microseconds(1'500'032);
  const Event events[] = {{Metric::kms_seconds, {"unwrap", "aws", "ok"}, 1'204'000},
                          {Metric::fields, {"encrypt", "random"}, 12}};
  trace.observe(events);
  EXPECT_EQ(out,
            "fle 1.500032 fle_kms_seconds operation=unwrap provider=aws outcome=ok 0.001204\n"
            "fle 1.500032 fle_fields_total operation=encrypt algorithm=random 12\n");
}

/// Everything that a run on data which must stay secret says to observers.
TEST_F(ObserverTest, ShowsNothingOfDataKeysOrNames) {
  std::string shown;
  std::mutex mutex;
  const auto trace = std::make_shared<Trace>([&](std::string_view line) {
    const std::lock_guard lock(mutex);
    shown += line;
  });
  for (const std::shared_ptr<Observer>& observer :
       {std::shared_ptr<Observer>(trace), std::shared_ptr<Observer>(metrics_)}) {
    kms::KeyRingOptions ring_options;
    ring_options.observer = observer;
    const auto keys = world_.ring(ring_options);
    const DocumentCipher c(test::patients(key_), keys, {.observer = observer});
    const Doc document = test::patient();
    Batch batch;
    batch.add(document);
    ASSERT_TRUE(c.encrypt(batch));
    Batch back;
    back.add(batch.output(0));
    ASSERT_TRUE(c.decrypt(back));
    AutoEncrypter::Options options;
    options.schema_map["clinic.patients"] = test::patients(key_);
    options.observer = observer;
    const AutoEncrypter auto_encrypter(std::move(options), keys);
    for (const char* command :
         {"{'insert': 'patients', 'documents': [{'ssn': 241014209, 'bloodType': 'AB+ canary'}]}",
          "{'find': 'patients', 'filter': {'bloodType': 'AB+ canary'}}",
          "{'find': 'patients', 'filter': {'ssn': {'$canary': 241014209}}}",
          "{'canary': 'patients'}", "{'find': 'patients', '$db': 'canary'}"})
      static_cast<void>(auto_encrypter.encrypt_command("clinic", bson(command)));
    ClientEncryption encryption(world_.vault(), world_.providers(), ring_options);
    static_cast<void>(encryption.create_data_key(kms::MasterKey::local(), {{"canary"}, {}}));
    static_cast<void>(encryption.encrypt(bson::Value("canary"), Algorithm::random,
                                         std::string("the chief physician")));
    static_cast<void>(
        encryption.encrypt(bson::Value("canary"), Algorithm::random, std::string("nobody")));
  }
  shown += metrics_->to_prometheus();
  ASSERT_NE(shown.find("match.random"), shown.npos);
  ASSERT_NE(shown.find("key_not_found"), shown.npos);
  const std::string uuid = key_.to_string();
  for (const std::string& secret :
       {std::string("241014209"), std::string("123142"), std::string("canary"), std::string("AB+"),
        std::string("Jon"), std::string("physician"), std::string("nobody"),
        std::string("patients"), std::string("clinic"), std::string("ssn"),
        std::string("bloodType"), std::string("insurance"), uuid, uuid.substr(0, 8),
        key_.to_base64(), std::string(8, 'Z')})  // 0x5a: the master key
    EXPECT_EQ(shown.find(secret), shown.npos) << secret;
}

}  // namespace
}  // namespace fle
