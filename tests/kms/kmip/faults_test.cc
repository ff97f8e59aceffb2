// The KMIP provider against a server that does as the test says: what goes wrong, and how it is
// told. Every error text is searched for the secrets in play.
#include <cstdlib>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "fle/data_key.h"
#include "fle/random.h"
#include "kms/kmip/certificates.h"
#include "kms/kmip/fake/fake_kmip.h"
#include "kms/ring/ring_support.h"
#include "kms/support.h"
#include "kms/temp_dir.h"
#include "provider/kms_call.h"
#include "support/patience.h"

namespace fle::kms {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::bson_of;
using test::Buf;
using test::data_payload;
using test::failure;
using test::FakeConnection;
using test::FakeKmip;
using test::id_payload;
using test::operation_of;
using test::secret_payload;
using test::state_payload;

enum : std::uint32_t {
  kCreate = 0x01,
  kRegister = 0x03,
  kGet = 0x0A,
  kGetAttributes = 0x0B,
  kActivate = 0x12,
  kEncrypt = 0x1F,
  kDecrypt = 0x20,
};

// What no error may tell: letters, so that it would be seen.
const std::string kCanary = "CANARYCANARYCANARY";
Buf secret(std::size_t n = 96) {
  Buf out;
  while (out.size() < n) out.insert(out.end(), kCanary.begin(), kCanary.end());
  out.resize(n);
  return out;
}

class KmipFaults : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempDir;
    test::make_usual_certificates(folder());
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string folder() { return folder_->file(""); }

  FakeKmip& serve(FakeKmip::Behavior behavior, const test::FakeOptions& options = {}) {
    server_.reset();
    server_ = std::make_unique<FakeKmip>(folder(), std::move(behavior), options);
    return *server_;
  }
  /// Answers each request with what `reply` makes of its operation.
  FakeKmip& serve_answers(std::function<Buf(std::uint32_t)> reply) {
    return serve([reply, this](FakeConnection& c) {
      for (Buf request = c.read_request(); !request.empty(); request = c.read_request()) {
        ++n_requests_;
        c.send(reply(operation_of(request)));
      }
    });
  }

  static KmsOptions options() {
    KmsOptions out;
    out.tls["kmip"] = test::client_tls(folder());
    out.connect_timeout = fle::test::kPatience;
    out.request_timeout = fle::test::kPatience;
    return out;
  }
  Outcome<Providers> make(const KmsOptions& with, const std::string& endpoint) {
    return Providers::from_json(R"({"kmip": {"endpoint": ")" + endpoint + R"("}})", with);
  }
  Provider& provider(const KmsOptions& with = options(), const std::string& host = "localhost") {
    auto made = make(with, server_->endpoint(host));
    if (!made) throw std::runtime_error(made.error().to_string());
    providers_.emplace(*std::move(made));
    return **providers_->find("kmip");
  }

  static MasterKey key(const std::string& fields = R"({"keyId": "7"})") {
    return *MasterKey::from_fields("kmip", bson_of(fields));
  }
  static SecretBytes data_key() { return *SecretBytes::copy_of(secret()); }

  template <class T>
  static Failure failed(const Outcome<T>& result) {
    EXPECT_FALSE(result.has_value());
    if (result) return {};
    const std::string text = result.error().to_string();
    EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return result.error();
  }
  /// A failure with this code, whose text has all of `parts`.
  template <class T>
  static void expect(const Outcome<T>& result, Errc code, const std::vector<std::string>& parts) {
    const Failure f = failed(result);
    EXPECT_STREQ(name(f.code), name(code)) << f.message;
    for (const std::string& part : parts)
      EXPECT_NE(f.to_string().find(part), std::string::npos) << part << " in: " << f.to_string();
  }

  static inline test::TempDir* folder_ = nullptr;
  std::unique_ptr<FakeKmip> server_;
  std::optional<Providers> providers_;
  std::atomic<int> n_requests_ = 0;
};

// ---- What the server says.

TEST_F(KmipFaults, TellStatusReasonAndMessageOfTheServerOnOneLine) {
  serve_answers([](std::uint32_t op) { return failure(op, 1, "no\nsuch 'object'"); });
  expect(provider().wrap(data_key(), key()), Errc::kms_refused,
         {"'kmip'", "localhost:", "keyId '7'", "Get was refused", "Operation Failed (1)",
          "Item Not Found (1)", "'no?such ?object?'", "check keyId"});
}

TEST_F(KmipFaults, KnowReasonsThatNobodyNamedByTheirNumber) {
  serve_answers([](std::uint32_t op) { return failure(op, 77, std::string(5000, 'x')); });
  const Failure f = failed(provider().wrap(data_key(), key()));
  EXPECT_EQ(f.code, Errc::kms_refused);
  EXPECT_NE(f.message.find("Result Reason 77, "), std::string::npos) << f.message;
  EXPECT_LT(f.message.size(), 400U);
}

TEST_F(KmipFaults, RefuseAnswersThatAreAboutSomethingElse) {
  const Buf good = secret_payload("7", secret());
  struct Case {
    Buf reply;
    Errc code;
    const char* part;
  };
  for (const Case& c : {
           Case{answer(kGet, secret_payload("8", secret())), Errc::kms_bad_answer,
                "another object, '8'"},
           Case{answer(kActivate, good), Errc::kms_bad_answer, "another operation than Get"},
           Case{answer(kGet, secret_payload("7", secret(), 2)), Errc::kms_refused,
                "type Symmetric Key (2), expected Secret Data"},
           Case{answer(kGet, secret_payload("7", secret(95))), Errc::kms_refused,
                "expected Secret Data of 96 bytes, found 95"},
           Case{answer(kGet, secret_payload("7", secret(97))), Errc::kms_refused, "found 97"},
           Case{answer(kGet, id_payload("7")), Errc::kms_bad_answer, "missing"},
       }) {
    SCOPED_TRACE(c.part);
    serve_answers([&](std::uint32_t) { return c.reply; });
    expect(provider().wrap(data_key(), key()), c.code, {c.part, "'7'"});
  }
  serve_answers([&](std::uint32_t op) { return answer(op, good); });
  EXPECT_TRUE(provider().wrap(data_key(), key())) << "and the good one is good";
}

TEST_F(KmipFaults, TellAWrongSecretFromOtherFailures) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  const auto wrapped = provider().wrap(data_key(), key());
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  const auto opened = provider().unwrap(*wrapped, key());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(ct_equal(opened->expose(), secret()));
  Buf changed = *wrapped;
  changed[20] ^= 1U;
  expect(provider().unwrap(changed, key()), Errc::key_unwrap_failed, {"wrong master key", "'7'"});
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", Buf(96, 'A'))); });
  expect(provider().unwrap(*wrapped, key()), Errc::key_unwrap_failed, {"wrong master key"});
  expect(provider().unwrap(Buf(159), key()), Errc::key_unwrap_failed, {"159 bytes, expected 160"});
}

TEST_F(KmipFaults, RefuseAnAnswerThatIsCutAtAnyByte) {
  const Buf whole = answer(kGet, secret_payload("7", secret()));
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8},
                              std::size_t{9}, whole.size() / 2, whole.size() - 1}) {
    SCOPED_TRACE(n);
    serve([&](FakeConnection& c) {
      c.read_request();
      c.send(Bytes(whole).first(n));
    });
    expect(provider().wrap(data_key(), key()), Errc::kms_unreachable, {"Get: "});
    serve([&](FakeConnection& c) {
      c.read_request();
      c.send(Bytes(whole).first(n));
      c.say_goodbye();
    });
    expect(provider().wrap(data_key(), key()), Errc::kms_unreachable, {"closed the connection"});
  }
}

TEST_F(KmipFaults, RefuseAnAnswerThatIsTooLargeBeforeReadingIt) {
  serve([](FakeConnection& c) {
    c.read_request();
    c.send(Buf{0x42, 0x00, 0x7B, 0x01, 0x7F, 0xFF, 0xFF, 0xF8});
    c.wait_for_end();  // a client that read on would wait until its time is over, and say so
  });
  expect(provider().wrap(data_key(), key()), Errc::kms_bad_answer, {"2147483640 bytes, at most"});
}

TEST_F(KmipFaults, RefuseWhatIsNotKmip) {
  for (const std::string& text : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                  std::string(8, '\0'), std::string(8, '\xff')}) {
    serve([&](FakeConnection& c) {
      c.read_request();
      c.send({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    });
    expect(provider().wrap(data_key(), key()), Errc::kms_bad_answer, {"is this a KMIP server?"});
  }
}

TEST_F(KmipFaults, SurviveAnyByteOfAnAnswerBeingAnother) {
  const Buf whole = answer(kGet, secret_payload("7", secret()));
  std::atomic<std::size_t> at = 0;
  serve([&](FakeConnection& c) {
    c.read_request();
    Buf bytes = whole;
    bytes[at] ^= 0x80U;
    c.send(bytes);
    c.say_goodbye();  // some changes announce more than there is
  });
  Provider& p = provider();
  const std::size_t end = whole.size() - 96;  // the rest is the secret itself
  for (at = 4; at < end; at += at == 7 ? 1 : 3) {
    const auto wrapped = p.wrap(data_key(), key());
    if (!wrapped) failed(wrapped);
  }
}

// ---- Time and connections.

TEST_F(KmipFaults, GiveUpOnASilentOrSlowServerInTime) {
  // Each server below keeps the connection open until the client has closed it: that the client
  // comes back at all is that it gave up. On a busy machine it may have done so before it came to
  // the place that the server is about; then it gets more time.
  std::atomic<bool> reached = false;
  const auto expect_late = [&](std::chrono::milliseconds KmsOptions::*limit) {
    reached = false;
    for (std::chrono::milliseconds time = 200ms; !reached; time *= 2) {
      KmsOptions hasty = options();
      hasty.*limit = time;
      expect(provider(hasty).wrap(data_key(), key()), Errc::kms_unreachable, {"in time"});
    }
  };
  const auto silent = [&](FakeConnection& c) {
    reached = true;
    c.wait_for_end();
  };
  serve(silent);  // shakes hands, says nothing
  expect_late(&KmsOptions::request_timeout);
  Buf long_answer(4000);
  std::ranges::copy(Buf{0x42, 0x00, 0x7B, 0x01, 0x00, 0x00, 0x0F, 0x98}, long_answer.begin());
  serve([&](FakeConnection& c) {  // a byte now and then, of which none is late
    reached = !c.read_request().empty();
    c.drip(long_answer);
  });
  expect_late(&KmsOptions::request_timeout);
  serve(silent, {.tls = false});  // does not shake hands
  expect_late(&KmsOptions::request_timeout);
  expect_late(&KmsOptions::connect_timeout);
  server_.reset();  // its threads look at what stands here
}

TEST_F(KmipFaults, HaveTimeWithoutEndWhereItIsAskedFor) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  KmsOptions patient = options();
  patient.connect_timeout = patient.request_timeout = patient.call_timeout =
      std::chrono::milliseconds::max();
  const auto wrapped = provider(patient).wrap(data_key(), key());
  EXPECT_TRUE(wrapped) << wrapped.error().to_string();
}

TEST_F(KmipFaults, KeepOneConnectionOpenBetweenRequests) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  Provider& p = provider();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(p.wrap(data_key(), key()));
  EXPECT_EQ(server_->n_connections(), 1);
}

TEST_F(KmipFaults, ConnectAnewWhenTheServerHasClosedAnIdleConnection) {
  serve([](FakeConnection& c) {
    c.read_request();
    c.send(answer(kGet, secret_payload("7", secret())));
    c.say_goodbye();
  });
  Provider& p = provider();
  for (int i = 0; i < 3; ++i) {
    const auto wrapped = p.wrap(data_key(), key());
    EXPECT_TRUE(wrapped) << wrapped.error().to_string();
    server_->await_closed(i + 1);
  }
  EXPECT_EQ(server_->n_connections(), 3);
}

TEST_F(KmipFaults, AskAnewOnceIfAKeptConnectionBreaksBeforeTheAnswerToAGet) {
  serve([this](FakeConnection& c) {
    c.read_request();
    const bool first = ++n_requests_ == 1;
    c.send(answer(kGet, secret_payload("7", secret())));
    if (first && !c.read_request().empty()) ++n_requests_;  // reads, and is gone
  });
  Provider& p = provider();
  ASSERT_TRUE(p.wrap(data_key(), key()));
  EXPECT_TRUE(p.wrap(data_key(), key()));
  EXPECT_EQ(n_requests_, 3);
  EXPECT_EQ(server_->n_connections(), 2);
}

TEST_F(KmipFaults, NeverSendARegisterTwice) {
  serve([this](FakeConnection& c) {
    Buf request = c.read_request();
    if (operation_of(request) == kGet) {
      c.send(answer(kGet, secret_payload("7", secret())));
      request = c.read_request();
    }
    if (operation_of(request) == kRegister) ++n_requests_;  // and is gone
  });
  Provider& p = provider();
  ASSERT_TRUE(p.wrap(data_key(), key()));  // leaves a connection behind
  expect(p.prepare(key("{}")), Errc::kms_unreachable, {"Register: "});
  EXPECT_EQ(n_requests_, 1);
}

TEST_F(KmipFaults, ServeManyThreadsAtOnceEachOverAConnectionOfItsOwn) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  Provider& p = provider();
  const auto wrapped = p.wrap(data_key(), key());
  ASSERT_TRUE(wrapped);
  std::atomic<int> n_opened = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto opened = p.unwrap(*wrapped, key());
        if (opened && ct_equal(opened->expose(), secret())) ++n_opened;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(n_opened, 80);
}

TEST_F(KmipFaults, SayThatNobodyListens) {
  const test::SilentPort nobody;
  const auto silent = make(options(), "localhost:" + std::to_string(nobody.number()));
  ASSERT_TRUE(silent);
  expect((*silent->find("kmip"))->wrap(data_key(), key()), Errc::kms_unreachable,
         {"Get: no connection: "});
  const auto nowhere = make(options(), "no-such-host.invalid");
  ASSERT_TRUE(nowhere);
  expect((*nowhere->find("kmip"))->wrap(data_key(), key()), Errc::kms_unreachable,
         {"'no-such-host.invalid'", "the name has no address"});
}

// ---- Making and choosing objects.

TEST_F(KmipFaults, NameTheObjectThatCouldNotBeActivated) {
  serve_answers([](std::uint32_t op) {
    return op == kRegister ? answer(op, id_payload("31")) : failure(op, 0x0C, "denied");
  });
  expect(provider().prepare(key("{}")), Errc::kms_refused,
         {"keyId '31'", "Activate was refused", "Permission Denied", "remove it"});
}

TEST_F(KmipFaults, WrapUnderANamedObjectOnlyWhileItIsActive) {
  std::atomic<std::uint32_t> state = 2;
  serve_answers([&](std::uint32_t op) { return answer(op, state_payload("7", state)); });
  Provider& p = provider();
  EXPECT_TRUE(p.prepare(key()));
  for (const auto& [number, state_name] :
       {std::pair{1U, "Pre-Active"}, {3U, "Deactivated"}, {4U, "Compromised"}}) {
    state = number;
    expect(p.prepare(key()), Errc::kms_refused, {"'7'", state_name, "expected Active"});
  }
  state = 99;
  expect(p.prepare(key()), Errc::kms_bad_answer, {"State"});
}

TEST_F(KmipFaults, BelieveAServerThatDoesNotTellTheState) {
  serve_answers([](std::uint32_t op) { return failure(op, 5, "what is Get Attributes?"); });
  EXPECT_TRUE(provider().prepare(key()));
  serve_answers([](std::uint32_t op) { return answer(op, id_payload("7")); });
  EXPECT_TRUE(provider().prepare(key()));
}

TEST_F(KmipFaults, WantAKeyIdToUnwrapAndAnEndpointToAskAt) {
  serve([](FakeConnection&) {});
  expect(provider().unwrap(Buf(160), key("{}")), Errc::key_document_invalid, {"no keyId present"});
  expect(provider().unwrap(Buf(160), key(R"({"keyId": ""})")), Errc::key_document_invalid,
         {"masterKey.keyId"});
  expect(provider().unwrap(Buf(160), key(R"({"keyId": "7", "endpoint": "u:CANARY@host"})")),
         Errc::key_document_invalid, {"masterKey.endpoint", "endpoint: "});
  const auto homeless = Providers::from_json(R"({"kmip": {}})", options());
  ASSERT_TRUE(homeless) << homeless.error().to_string();
  expect((*homeless->find("kmip"))->unwrap(Buf(160), key()), Errc::kms_config_invalid,
         {"endpoint not set for KMIP request"});
}

TEST_F(KmipFaults, FollowAMasterKeyToAnotherServerOnlyWhereTheOptionsNameIt) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  const std::string there = server_->endpoint("127.0.0.1");
  const MasterKey elsewhere = key(R"({"keyId": "7", "endpoint": "https://)" + there + R"("})");
  const auto wrapped = [&](const KmsOptions& with, const std::string& configured) {
    auto made = make(with, configured);
    if (!made) throw std::runtime_error(made.error().to_string());
    return (*made->find("kmip"))->wrap(data_key(), elsewhere);
  };
  // The authority vouches for this server. For how many others?
  expect(wrapped(options(), "no-such-host.invalid"), Errc::kms_config_invalid,
         {"is not the configured endpoint", "allowed_endpoints", "pin"});
  EXPECT_EQ(server_->n_connections(), 0);

  EXPECT_TRUE(wrapped(options(), there)) << "the configured one";
  KmsOptions allowed = options();
  allowed.allowed_endpoints["kmip"] = {there};
  EXPECT_TRUE(wrapped(allowed, "no-such-host.invalid")) << "masterKey.endpoint goes first";
  KmsOptions pinned = options();
  pinned.master_keys["kmip"] = {{{"endpoint", there}, {"keyId", "7"}}};
  EXPECT_TRUE(wrapped(pinned, "no-such-host.invalid"));
  pinned.master_keys["kmip"] = {{{"keyId", "7"}}};
  expect(wrapped(pinned, "no-such-host.invalid"), Errc::kms_config_invalid, {"endpoint"});

  // Whoever is allowed or configured must be vouched for: here nobody does.
  KmsOptions public_authorities = allowed;
  public_authorities.tls["kmip"].ca_file.clear();
  expect(wrapped(public_authorities, there), Errc::kms_unreachable, {"not accepted"});
}

TEST_F(KmipFaults, ConnectNowhereWhereKeysOfSessionsWouldBeWrittenDown) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  const std::string file = folder() + "keylog";
  Provider& p = provider();
  ::setenv("SSLKEYLOGFILE", file.c_str(), 1);
  expect(p.wrap(data_key(), key()), Errc::kms_unreachable, {"SSLKEYLOGFILE is set"});
  ::unsetenv("SSLKEYLOGFILE");
  EXPECT_EQ(server_->n_connections(), 0);
  EXPECT_NE(::access(file.c_str(), F_OK), 0);
  EXPECT_TRUE(p.wrap(data_key(), key()));
}

// One call's time is over while another waits for the key that it asked for.
TEST_F(KmipFaults, DoNotReachACallThatHasMoreTimeThanTheOneThatItJoined) {
  serve_answers([](std::uint32_t op) { return answer(op, secret_payload("7", secret())); });
  auto made = make(options(), server_->endpoint());
  ASSERT_TRUE(made) << made.error().to_string();
  const auto providers = std::make_shared<const Providers>(std::move(*made));
  const auto vault = std::make_shared<test::GatedVault>();
  KeyDocument doc;
  doc.id = test::id_of(1);
  doc.alt_names = {"name"};
  const auto wrapped = (*providers->find("kmip"))->wrap(data_key(), key());
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  doc.key_material = *wrapped;
  doc.creation_date = doc.update_date = KeyDocument::Time(std::chrono::seconds(1));
  doc.master_key = key();
  ASSERT_TRUE(vault->insert(doc));
  KeyRing ring(vault, providers);
  const auto by_id = [&] { return ring.by_id(doc.id).has_value(); };
  const auto by_name = [&] { return ring.by_alt_name("name").has_value(); };
  for (const std::function<bool()>& get :
       {std::function<bool()>(by_id), std::function<bool()>(by_name)}) {
    ring.clear();
    const auto before = ring.counters();
    const int queries = vault->queries();
    vault->set_open(false);
    std::thread hasty([&] {
      KmsCall over(KmsCall::Clock::now());
      const KmsCall::Scope scope(over);
      EXPECT_FALSE(get());
    });
    vault->wait_for_queries(queries + 1);
    std::thread patient([&] { EXPECT_TRUE(get()); });
    EXPECT_TRUE(
        fle::test::happens([&] { return ring.counters().coalesced == before.coalesced + 1; }));
    vault->set_open(true);
    hasty.join();
    patient.join();
    EXPECT_EQ(vault->queries(), queries + 2);
  }
}

TEST_F(KmipFaults, StoreAnEndpointAsDriversDo) {
  serve_answers([](std::uint32_t op) { return answer(op, state_payload("7", 2)); });
  const std::string port = std::to_string(server_->port());
  const auto prepared = provider().prepare(
      key(R"({"keyId": "7", "endpoint": "https://localhost:)" + port + R"(/path?query"})"));
  ASSERT_TRUE(prepared) << prepared.error().to_string();
  EXPECT_EQ(test::json_of(prepared->bson),
            R"({ "provider" : "kmip", "endpoint" : "localhost:)" + port + R"(", "keyId" : "7" })");
}

TEST_F(KmipFaults, RefuseOptionsThatAreNotKmips) {
  const auto refused = [](const std::string& json, const KmsOptions& with, const char* part) {
    expect(Providers::from_json(json, with), Errc::kms_config_invalid, {"'kmip'", part});
  };
  refused(R"({"kmip": {"key": "CANARY"}})", options(), "unexpected field");
  refused(R"({"kmip": {"endpoint": 1}})", options(), "expected UTF-8 for 'endpoint'");
  refused(R"({"kmip": {"endpoint": "a b"}})", options(), "not a host name");
  KmsOptions wrong = options();
  wrong.tls["kmip"].private_key_file = folder() + "missing.key";
  refused(R"({"kmip": {"endpoint": "a"}})", wrong, "missing.key");
}

TEST_F(KmipFaults, WantAClientCertificate) {
  serve([](FakeConnection&) {});
  KmsOptions without = options();
  without.tls.clear();
  expect(provider(without).wrap(data_key(), key()), Errc::kms_config_invalid,
         {"no client certificate"});
  EXPECT_EQ(server_->n_connections(), 0);
}

// ---- Delegated encryption.

TEST_F(KmipFaults, CheckWhatAServerEncryptsAndDecrypts) {
  const std::string delegated = R"({"delegated": true, "keyId": "7"})";
  Buf reply;
  serve_answers([&](std::uint32_t op) { return answer(op, reply); });
  Provider& p = provider();
  reply = data_payload("7", Buf(112, 'c'), Buf(16, 'i'));
  const auto wrapped = p.wrap(data_key(), key(delegated));
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  Buf expected(16, 'i');
  expected.resize(128, 'c');
  EXPECT_EQ(*wrapped, expected);
  for (const auto& [payload, part] :
       {std::pair{data_payload("7", Buf(112, 'c')), "IV"},
        {data_payload("7", Buf(112, 'c'), Buf(12, 'i')), "IV"},
        {data_payload("7", Buf(100, 'c'), Buf(16, 'i')), "blocks"},
        {data_payload("7", Buf{}, Buf(16, 'i')), "blocks"},
        {data_payload("7", Buf(4096, 'c'), Buf(16, 'i')), "blocks"}}) {
    reply = payload;
    expect(p.wrap(data_key(), key(delegated)), Errc::kms_bad_answer, {part});
  }
  reply = data_payload("7", secret());
  const auto opened = p.unwrap(expected, key(delegated));
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), secret()));
  reply = data_payload("7", secret(95));
  expect(p.unwrap(expected, key(delegated)), Errc::key_unwrap_failed, {"expected: 96, got: 95"});
  const int before = n_requests_;
  for (const std::size_t n : {0U, 16U, 31U, 40U, 8192U})
    expect(p.unwrap(Buf(n), key(delegated)), Errc::key_unwrap_failed, {std::to_string(n)});
  EXPECT_EQ(n_requests_, before) << "what cannot be right is not sent";
}

TEST_F(KmipFaults, TakeACryptographicFailureOfDecryptForAWrongKey) {
  serve_answers([](std::uint32_t op) { return failure(op, 0x0A, "bad padding"); });
  const std::string delegated = R"({"delegated": true, "keyId": "7"})";
  expect(provider().unwrap(Buf(128), key(delegated)), Errc::key_unwrap_failed,
         {"Decrypt was refused", "Cryptographic Failure (10)", "'bad padding'"});
  expect(provider().wrap(data_key(), key(delegated)), Errc::kms_refused, {"Encrypt was refused"});
}

}  // namespace
}  // namespace fle::kms
