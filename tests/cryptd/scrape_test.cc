// What a scraper gets, by itself and from the daemon.
#include "server/scrape.h"

#include <string>

#include <gtest/gtest.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"
#include "protocol/wire.h"
#include "support/prometheus.h"

namespace fle::cryptd {
namespace {

using test::Client;
using test::Daemon;

const std::string kRequest =
    "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:27020\r\nUser-Agent: Prometheus/2.42.0\r\n\r\n";

Bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string answer_to(std::string_view request) {
  Metrics metrics;
  const Event e{Metric::connections, {"accepted"}, 3};
  metrics.observe({&e, 1});
  const auto answer = answer_scrape(bytes(request), metrics);
  return answer ? std::string(answer->begin(), answer->end()) : "";
}

/// The body of an answer, whose headers say how long it is.
std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == answer.npos || !answer.starts_with("HTTP/1.0 200 OK\r\n"))
    throw std::runtime_error("no good answer: " + answer);
  const std::string body = answer.substr(end + 4);
  const std::string length = "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  const std::string type = "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
  const std::string head = answer.substr(0, end + 2);
  if (head.find(length) == head.npos || head.find(type) == head.npos)
    throw std::runtime_error("other headers: " + head);
  return body;
}

std::string scrape(Client client) {
  client.send(bytes(kRequest));
  return client.read_all();
}

TEST(CryptdScrape, IsToldFromEveryMessageByItsFirstBytes) {
  EXPECT_TRUE(is_scrape(bytes(kRequest)));
  EXPECT_FALSE(is_scrape(bytes("GET")));
  EXPECT_FALSE(is_scrape(bytes("POST /metrics HTTP/1.1\r\n\r\n")));
  EXPECT_FALSE(is_scrape(test::op_msg(R"({"hello": 1, "$db": "admin"})")));
  constexpr std::uint32_t kLength = 'G' | 'E' << 8 | 'T' << 16 | ' ' << 24;
  EXPECT_GT(kLength, static_cast<std::uint32_t>(kMaxMessageSize));
}

TEST(CryptdScrape, IsAnsweredOnceItIsWhole) {
  for (std::size_t n = 0; n < kRequest.size(); ++n)
    EXPECT_EQ(answer_to(kRequest.substr(0, n)), "") << n;
  const auto samples = test::read_prometheus(body_of(answer_to(kRequest)));
  EXPECT_EQ(samples.at(R"(fle_cryptd_connections_total{event="accepted"})"), 3);
  body_of(answer_to("GET /metrics?name[]=x HTTP/1.0\r\n\r\n"));
}

TEST(CryptdScrape, OfAnythingElseIsAnErrorWithoutABody) {
  const auto status_of = [](const std::string& request) {
    const std::string answer = answer_to(request);
    EXPECT_TRUE(answer.ends_with("\r\nContent-Length: 0\r\n\r\n")) << answer;
    return answer.substr(0, 12);
  };
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.0 404");
  EXPECT_EQ(status_of("GET /metrics/secret HTTP/1.1\r\n\r\n"), "HTTP/1.0 404");
  EXPECT_EQ(status_of("GET /metrics\r\n\r\n"), "HTTP/1.0 400");
  EXPECT_EQ(status_of("GET /metrics HTTP/2.0\r\n\r\n"), "HTTP/1.0 400");
  EXPECT_EQ(status_of("GET \r\n\r\n"), "HTTP/1.0 400");
  const std::string endless = "GET /metrics HTTP/1.1\r\nX: " + std::string(kMaxScrape, 'x');
  EXPECT_EQ(answer_to(endless.substr(0, kMaxScrape - 1)), "");
  EXPECT_EQ(status_of(endless.substr(0, kMaxScrape)), "HTTP/1.0 431");
  EXPECT_EQ(status_of(endless + "\r\n\r\n"), "HTTP/1.0 431");
}

constexpr const char* kSchema =
    R"(, "isRemoteSchema": false, "jsonSchema": {"bsonType": "object", "properties": {"ssn":
    {"encrypt": {"bsonType": "string", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random",
     "keyId": [{"$binary": {"base64": "c2VjcmV0a2V5Y2FuYXJ5IQ==", "subType": "04"}}]}}}}, "$db": "canary"})";

TEST(CryptdScrape, OfTheDaemonCountsCommandsAndRefusalsAndShowsNothingOfThem) {
  Daemon d({"--metrics", "--unixSocketPrefix", "."});
  const std::uint16_t port = d.port();
  {
    Client c(port);
    ASSERT_EQ(c.ask(R"({"hello": 1, "$db": "admin"})").code(), 0);
    const std::string insert =
        R"({"insert": "canary", "documents": [{"ssn": "canary-123"}, {"ssn": "canary"}])";
    ASSERT_EQ(c.ask(insert + kSchema).code(), 0);
    for (const char* value : {"canary-1", "canary-2"}) {
      const std::string find = R"({"find": "canary", "filter": {"ssn": ")" + std::string(value);
      ASSERT_NE(c.ask(find + "\"}" + kSchema).code(), 0);
    }
    ASSERT_NE(c.ask(R"({"canary": 1, "$db": "canary"})").code(), 0);
    // No other client can be made to look like a scraper by what it sends later.
    const std::string late = "GET /metrics HTTP/1.1\r\n\r\n";
    c.send(bytes(late));
    EXPECT_EQ(c.read_all().find("HTTP"), std::string::npos);
  }
  const std::string text = body_of(scrape(Client(port)));
  const auto samples = test::read_prometheus(text);
  const auto at = [&](const std::string& series) {
    const auto found = samples.find(series);
    return found == samples.end() ? -1 : found->second;
  };
  EXPECT_EQ(at(R"(fle_command_seconds_count{command="insert",outcome="ok"})"), 1) << text;
  EXPECT_EQ(at(R"(fle_command_seconds_count{command="find",outcome="random_not_comparable"})"), 2);
  EXPECT_EQ(at(R"(fle_refusals_total{rule="match.random",error="random_not_comparable"})"), 2);
  EXPECT_EQ(at(R"(fle_cryptd_request_seconds_count{command="hello"})"), 1);
  EXPECT_EQ(at(R"(fle_cryptd_request_seconds_count{command="find"})"), 2);
  EXPECT_EQ(at(R"(fle_cryptd_request_seconds_count{command="refused"})"), 1);
  EXPECT_EQ(at(R"(fle_cryptd_connections_total{event="accepted"})"), 2);
  EXPECT_GT(at(R"(fle_cryptd_bytes_total{direction="received"})"), 1000);
  const std::string by_socket = body_of(scrape(Client(d.folder().file("mongocryptd.sock"))));
  EXPECT_EQ(
      test::read_prometheus(by_socket).at(R"(fle_cryptd_connections_total{event="accepted"})"), 3);
  const std::string shown = text + by_socket + d.out();
  for (const char* secret : {"canary", "ssn", "c2VjcmV0", "secretkey", "73656372"})
    EXPECT_EQ(shown.find(secret), shown.npos) << secret;
}

TEST(CryptdScrape, IsRefusedWhereNobodyAskedForMetrics) {
  Daemon d;
  EXPECT_EQ(scrape(Client(d.port())).find("HTTP"), std::string::npos);
  EXPECT_EQ(Client(d.port()).ask(R"({"hello": 1, "$db": "admin"})").code(), 0);
}

}  // namespace
}  // namespace fle::cryptd
