#include <algorithm>
#include <set>
#include <thread>

#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

using std::chrono::milliseconds;

class Faults : public Clouds {
 protected:
  /// `n` requests in a row are answered by `fault`, a JSON object.
  void misbehave(const std::string& fault, int n = 1) {
    std::string queue;
    for (int i = 0; i < n; ++i) queue += (i == 0 ? "" : ", ") + fault;
    server.misbehave("[" + queue + "]");
  }
  void expect_survives(const std::string& fault) {
    misbehave(fault);
    const auto wrapped = provider->wrap(data_key(), aws_key());
    EXPECT_TRUE(wrapped) << fault << ": " << wrapped.error().to_string();
  }
  Failure expect_fails(const std::string& fault, Errc code, const std::string& text = {}) {
    SCOPED_TRACE(fault);
    misbehave(fault, 5);
    const Failure f = failure_of(provider->wrap(data_key(), aws_key()), code, text);
    server.misbehave("[]");
    return f;
  }
  static std::string status(int n) {
    return R"({"status": )" + std::to_string(n) + R"(, "body": "{\"message\": \"busy\"}"})";
  }
  std::unique_ptr<Provider> provider = aws();
};

TEST_F(Faults, TryAgainAfterTheStatusesThatEachCloudCallsTransient) {
  struct Cloud {
    std::unique_ptr<Provider> provider;
    MasterKey key;
    std::set<int> transient;
  };
  Cloud clouds[] = {{aws(), aws_key(), {408, 429, 500, 502, 503, 509}},
                    {azure(), azure_key(), {408, 429, 500, 502, 503, 504}},
                    {gcp(), gcp_key(), {408, 429, 500, 502, 503, 504, 509, 599}}};
  for (auto& [by, key, transient] : clouds) {
    expect_round_trip(*by, key);  // the token is there
    for (const int n : {400, 403, 404, 408, 409, 429, 500, 501, 502, 503, 504, 509, 599}) {
      // 501 and its like are transient to GCP: all of 500 to 999.
      const bool again = transient.contains(n) || (transient.contains(599) && n >= 500);
      misbehave(status(n));
      const auto wrapped = by->wrap(data_key(), key);
      EXPECT_EQ(wrapped.has_value(), again) << key.provider << " " << n;
      const Errc code = n == 429 || n >= 500 ? Errc::kms_busy : Errc::kms_refused;
      if (!wrapped) failure_of(wrapped, code, "HTTP status " + std::to_string(n));
    }
  }
}

TEST_F(Faults, TryAgainForTokensToo) {
  const auto by = gcp();
  server.misbehave("[" + status(503) + ", {\"cut\": \"before\"}]");
  expect_round_trip(*by, gcp_key());
  const auto log = server.take_log();
  ASSERT_EQ(log["requests"].Size(), 5U);
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_STREQ(log["requests"][i]["line"].GetString(), "POST /token");
}

TEST_F(Faults, GiveUpAfterThreeRetriesAndSaySo) {
  expect_fails(status(429), Errc::kms_busy,
               "HTTP status 429: busy (request id 0a1b2c); retry later, or ask the provider for a "
               "higher limit");
  EXPECT_EQ(server.count_requests(), 4U);
  // The connection was kept: that it is cut costs no attempt, as with one that was idle too long.
  expect_fails(R"({"cut": "before"})", Errc::kms_unreachable, "4 attempts");
  EXPECT_EQ(server.count_requests(), 5U);
  expect_fails(R"({"cut": "before"})", Errc::kms_unreachable, "4 attempts");
  EXPECT_EQ(server.count_requests(), 4U);
}

TEST_F(Faults, WaitARandomPartOfADoublingTimeBetweenAttempts) {
  KmsOptions kms = kms_options();
  kms.max_retries = 12;
  const auto by = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms);
  misbehave(status(500), 13);
  failure_of((*by)->wrap(data_key(), azure_key()), Errc::kms_busy, "HTTP status 500");
  ASSERT_EQ(sleeps.size(), 12U);
  for (std::size_t n = 0; n < sleeps.size(); ++n) {
    EXPECT_GT(sleeps[n].count(), 0);
    EXPECT_LE(sleeps[n], std::min(milliseconds(200) * (1 << n), milliseconds(20'000))) << n;
  }
  // The last five are drawn from 20,000: were all alike, it would not be random.
  EXPECT_GT(std::set(sleeps.end() - 5, sleeps.end()).size(), 1U);
  // And the whole range is used: 12 draws below a half have a chance of 1 in 4,096.
  EXPECT_TRUE(std::ranges::any_of(sleeps, [&](const milliseconds& s) {
    return s * 3 > std::min(milliseconds(200) * (1 << (&s - sleeps.data())), milliseconds(20'000));
  }));
}

TEST_F(Faults, NoRetriesMeansOneAttempt) {
  KmsOptions kms = kms_options();
  kms.max_retries = 0;
  const auto by = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms);
  misbehave(R"({"cut": "before"})");
  failure_of((*by)->wrap(data_key(), azure_key()), Errc::kms_unreachable);
  EXPECT_EQ(server.count_requests(), 1U);
  EXPECT_TRUE(sleeps.empty());
}

TEST_F(Faults, SurviveCutConnections) {
  for (const char* how : {"before", "middle", "reset"})
    expect_survives(R"({"cut": ")" + std::string(how) + "\"}");
  EXPECT_EQ(sleeps.size(), 2U);  // the third was a kept connection, and nothing had come of it
}

TEST_F(Faults, ReplaceAKeptConnectionThatTheServerHasClosedAtNoCost) {
  expect_survives(R"({"close": true})");
  server.await_closed(1);
  expect_survives("{}");
  expect_survives(R"({"headers": "Connection: keep-alive, Close\r\n", "close": true})");
  expect_survives("{}");
  EXPECT_TRUE(sleeps.empty());
  EXPECT_EQ(server.count_requests(), 4U);
}

TEST_F(Faults, TakeNoAnswerThatWasSentUnasked) {
  const auto wrapped = *provider->wrap(data_key(), aws_key());
  misbehave(R"({"unasked": "{\"Plaintext\": \"AAAA\"}"})");
  for (int i = 0; i < 2; ++i) {
    const auto opened = provider->unwrap(wrapped, aws_key());
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_TRUE(ct_equal(opened->expose(), data_key().expose()));
    server.await_unasked(1);
  }
}

TEST_F(Faults, UnderstandEveryWayToSayHowLongAnAnswerIs) {
  expect_survives(R"({"chunked": 7})");
  expect_survives(R"({"chunked": 7, "drip": 0.0001})");
  expect_survives(R"({"until_close": true})");
  expect_survives("{}");
  EXPECT_TRUE(sleeps.empty());
}

TEST_F(Faults, HaveTimeWithoutEndWhereItIsAskedFor) {
  KmsOptions kms = kms_options();
  kms.connect_timeout = kms.request_timeout = kms.call_timeout = milliseconds::max();
  const auto by = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms);
  const auto wrapped = (*by)->wrap(data_key(), azure_key());
  EXPECT_TRUE(wrapped) << wrapped.error().to_string();
}

TEST_F(Faults, GiveUpOnSlowServersWhenTheTimeOfARequestIsOver) {
  // One that says nothing and holds the connection until it is released, which is never; and one
  // that says everything, in many small parts of which none is late: who allowed each the whole
  // time would have it all in the end.
  for (const char* fault : {R"({"hold": true})", R"({"drip": 0.05})"}) {
    // A busy machine may be late before the server has the requests; then there is more time.
    std::size_t n_requests = 0;
    for (milliseconds time(150); n_requests < 2; time *= 2) {
      KmsOptions kms = kms_options();
      kms.request_timeout = time;
      kms.max_retries = 1;
      const auto by = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms);
      misbehave(fault, 2);
      const Failure f =
          failure_of((*by)->wrap(data_key(), azure_key()), Errc::kms_unreachable, " in time");
      EXPECT_NE(f.message.find(", 2 attempts"), std::string::npos) << f.message;
      n_requests = server.count_requests();
    }
  }
}

TEST_F(Faults, RefuseWhatIsNotHttp) {
  const auto raw = [&](const std::string& text) { return R"({"raw": ")" + text + "\"}"; };
  const std::string ok = "HTTP/1.1 200 OK\\r\\n";
  for (const std::string& answer :
       {raw("SSH-2.0-OpenSSH_9.2\\r\\n"), raw("HTTP/2 200 OK\\r\\n\\r\\n"),
        raw("HTTP/1.1 2x0 OK\\r\\n\\r\\n"), raw("HTTP/1.1 200 OK\\n\\n"),
        raw(ok + "Content-Length: 2\\r\\nContent-Length: 3\\r\\n\\r\\n{}"),
        raw(ok + "Content-Length: -1\\r\\n\\r\\n{}"), raw(ok + "Content-Length: 2, 2\\r\\n\\r\\n"),
        raw(ok + "Content-Length: 2\\r\\n\\r\\n{}{}"),
        raw(ok + "Transfer-Encoding: gzip\\r\\n\\r\\n"),
        raw(ok + "Content-Encoding: gzip\\r\\n\\r\\n"),
        raw(ok + "Content-Length: 2\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n"),
        raw(ok + "Transfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n"),
        raw(ok + " folded: x\\r\\n\\r\\n"), raw(ok + "no colon\\r\\n\\r\\n"),
        raw("HTTP/1.1 101 Switching\\r\\n\\r\\n")})
    expect_fails(answer, Errc::kms_bad_answer, "check that the endpoint is a KMS");
  EXPECT_TRUE(sleeps.empty());
}

TEST_F(Faults, RefuseAnswersWithoutEnd) {
  expect_fails(R"({"oversize": 262145})", Errc::kms_bad_answer, "more than 256 KiB");
  expect_fails(R"({"rewrite": ")" + std::string(262145, ' ') + R"(", "chunked": 50000})",
               Errc::kms_bad_answer, "more than 256 KiB");
  expect_fails(R"({"rewrite": ")" + std::string(262145, ' ') + R"(", "until_close": true})",
               Errc::kms_bad_answer, "more than 256 KiB");
  expect_fails(R"({"headers": "A: )" + std::string(40'000, 'x') + R"(\r\n"})", Errc::kms_bad_answer,
               "headers of more than 32 KiB");
  expect_fails(R"({"raw": ")" + std::string(40'000, 'x') + "\"}", Errc::kms_bad_answer,
               "headers of more than 32 KiB");
}

TEST_F(Faults, RefuseJsonThatIsNotAnAnswer) {
  const auto rewrite = [](const std::string& body) { return R"({"rewrite": ")" + body + "\"}"; };
  for (const std::string& body :
       {std::string(), std::string("<html>gateway</html>"), std::string("[]"), std::string("{"),
        std::string(R"({\"CiphertextBlob\": \"AAAA\"} x)"),
        std::string(R"({\"a\": \"\\u0000\"}\u0000)"), std::string(100'000, '['),
        std::string(R"({\"a\": \"\\ud800\"})")})
    expect_fails(rewrite(body), Errc::kms_bad_answer, "is not a JSON object");
  expect_fails(R"({"raw": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":\"\u00ff\"}"})",
               Errc::kms_bad_answer, "is not a JSON object");  // not UTF-8
  for (const char* body : {"{}", R"({\"ciphertextblob\": \"AAAA\"})", R"({\"CiphertextBlob\": 1})",
                           R"({\"CiphertextBlob\": \"\"})", R"({\"CiphertextBlob\": \"A\"})",
                           R"({\"CiphertextBlob\": \"AAA*\"})", R"({\"CiphertextBlob\": \"AA-_\"})",
                           R"({\"CiphertextBlob\": \"AAAA\", \"CiphertextBlob\": \"BBBB\"})"})
    expect_fails(rewrite(body), Errc::kms_bad_answer, "no base64 in its field 'CiphertextBlob'");
}

TEST_F(Faults, RefuseADataKeyOfAnotherLength) {
  const auto wrapped = *provider->wrap(data_key(), aws_key());
  for (const char* plain : {"AAAA", "Y2FuYXJ5LWtleS1ieXRlcy1oZXJlLi4uLi4uLi4uLi4uLg=="}) {
    misbehave(R"({"rewrite": "{\"Plaintext\": \")" + std::string(plain) + R"(\"}"})");
    more_secrets.emplace_back(plain);
    failure_of(provider->unwrap(wrapped, aws_key()), Errc::key_unwrap_failed,
               "decrypted key is incorrect length, expected: 96");
  }
}

TEST_F(Faults, FollowNoRedirect) {
  expect_fails(
      R"({"status": 302, "headers": "Location: https://kms.us-east-1.amazonaws.com/\r\n"})",
      Errc::kms_bad_answer, "HTTP status 302; redirects are not followed");
  EXPECT_EQ(server.count_requests(), 1U);
  expect_fails(R"({"status": 204})", Errc::kms_bad_answer, "HTTP status 204");
}

TEST_F(Faults, DoNotRepeatWhatAServerEchoes) {
  const std::string withheld = "the server's text is left out, for it repeats a secret";
  for (const char* part : {"x-amz-security-token", "authorization", "body"})
    expect_fails(R"({"echo": ")" + std::string(part) + "\"}", Errc::kms_refused, withheld);
  const auto echoed = [&](Provider& by, const MasterKey& key, const char* part, Errc code) {
    misbehave(R"({"echo": ")" + std::string(part) + "\"}");
    failure_of(by.wrap(data_key(), key), code, withheld);
  };
  // The token request first, then the request for the key.
  for (const auto& [by, key] : {std::pair(azure(), azure_key()), std::pair(gcp(), gcp_key())}) {
    echoed(*by, key, "body", Errc::kms_no_credentials);
    expect_round_trip(*by, key);
    echoed(*by, key, "body", Errc::kms_refused);
    echoed(*by, key, "authorization", Errc::kms_refused);
  }
}

TEST_F(Faults, KeepTheServersTextOnOneShortLine) {
  const Failure f = expect_fails(
      R"({"status": 400, "body": "{\"__type\": \"x#A\\nB\", \"message\": \")" +
          std::string(5000, 'm') + R"(\\r\\n\\u001b[31m\"}", "headers": "X-Amzn-RequestId: )" +
          std::string(500, 'i') + R"(\r\n"})",
      Errc::kms_refused, "A?B: mmm");
  EXPECT_LT(f.message.size(), 1000U);
  EXPECT_EQ(f.message.find('\x1b'), std::string::npos);
}

TEST_F(Faults, SayThatNobodyListens) {
  hooks.connect_to = "::127.0.0.1:1";
  const auto by = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms_options());
  const Failure f = failure_of((*by)->wrap(data_key(), azure_key()), Errc::kms_unreachable,
                               "KMS provider 'azure': wrapkey with key 'medco-key' at "
                               "medco.vault.azure.net: ");
  EXPECT_NE(f.message.find("4 attempts; check the endpoint"), std::string::npos) << f.message;
  EXPECT_EQ(sleeps.size(), 3U);
}

TEST_F(Faults, ServeManyThreadsAtOnce) {
  std::string queue;
  // Three, so that a thread that gets them all has one attempt left.
  for (int i = 0; i < 12; ++i) queue += (i == 0 ? "" : ", ") + (i % 4 == 0 ? status(503) : "null");
  server.misbehave("[" + queue + "]");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 4; ++k) expect_round_trip(*provider, aws_key());
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace fle::kms::test
