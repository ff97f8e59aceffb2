#include "http/http_message.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

Bytes bytes_of(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

TEST(HttpResponseReader, GivesTheSameAnswerHoweverTheBytesAreCut) {
  const std::string chunked =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 207\r\nTransfer-Encoding: chunked\r\n"
      "X-MS-Request-Id:  r1 \r\n\r\n3;a=b\r\n{\"a\r\nA\r\n\": 1}     \r\n0\r\nT: u\r\n\r\n";
  for (std::size_t cut = 1; cut <= chunked.size(); ++cut) {
    HttpResponseReader r;
    for (std::string_view rest = chunked; !rest.empty();
         rest.remove_prefix(std::min(cut, rest.size()))) {
      ASSERT_FALSE(r.complete());
      ASSERT_EQ(r.feed(bytes_of(rest.substr(0, cut))), nullptr);
    }
    ASSERT_TRUE(r.complete());
    EXPECT_TRUE(r.keeps_alive());
    EXPECT_EQ(r.response().status, 207);
    EXPECT_EQ(r.response().request_id.view(), "r1");
    EXPECT_EQ(r.response().body.view(), "{\"a\": 1}     ");
  }
}

TEST(HttpResponseReader, NeverCallsACutAnswerComplete) {
  for (const std::string& whole :
       {kOk + "Content-Length: 3\r\n\r\nabc",
        kOk + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"}) {
    for (std::size_t n = 0; n < whole.size(); ++n) {
      HttpResponseReader r;
      ASSERT_EQ(r.feed(bytes_of(whole).first(n)), nullptr);
      EXPECT_FALSE(r.complete()) << n;
      EXPECT_NE(r.end_of_stream(), nullptr) << n;
    }
  }
}

TEST(HttpResponseReader, KnowsWhichConnectionsMayBeUsedAgain) {
  const auto keeps_alive = [](const std::string& answer) {
    HttpResponseReader r;
    EXPECT_EQ(r.feed(bytes_of(answer)), nullptr) << answer;
    EXPECT_TRUE(r.complete());
    return r.keeps_alive();
  };
  const std::string end = "Content-Length: 0\r\n\r\n";
  EXPECT_TRUE(keeps_alive(kOk + end));
  EXPECT_TRUE(keeps_alive("HTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_TRUE(keeps_alive(kOk + "Connection: keep-alive\r\n" + end));
  EXPECT_FALSE(keeps_alive(kOk + "Connection: close\r\n" + end));
  EXPECT_FALSE(keeps_alive(kOk + "connection: x, CLOSE ,y\r\n" + end));
  EXPECT_FALSE(keeps_alive("HTTP/1.0 200 OK\r\n" + end));
}

TEST(HttpResponseReader, TakesABodyOfExactlyTheLimitAndNoMore) {
  const std::size_t max = HttpResponseReader::kMaxBody;
  const std::string body(max, 'x');
  HttpResponseReader r;
  EXPECT_EQ(r.feed(bytes_of(kOk + "Content-Length: " + std::to_string(max) + "\r\n\r\n" + body)),
            nullptr);
  EXPECT_TRUE(r.complete());
  EXPECT_EQ(r.response().body.size(), max);
  for (const std::string& head :
       {"Content-Length: " + std::to_string(max + 1) + "\r\n\r\n", std::string("\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n40000\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")}) {
    HttpResponseReader too_long;
    EXPECT_STREQ(too_long.feed(bytes_of(kOk + head + body + "x")), "an answer of more than 256 KiB")
        << head;
  }
}

TEST(HttpResponseReader, EndsWithoutALengthWhenTheConnectionDoes) {
  HttpResponseReader r;
  EXPECT_TRUE(r.untouched());
  EXPECT_EQ(r.feed(bytes_of(kOk + "\r\nabc")), nullptr);
  EXPECT_FALSE(r.untouched());
  EXPECT_FALSE(r.complete());
  EXPECT_EQ(r.end_of_stream(), nullptr);
  EXPECT_TRUE(r.complete());
  EXPECT_FALSE(r.keeps_alive());
  EXPECT_EQ(r.response().body.view(), "abc");
}

TEST(HttpRequest, IsWrittenWithALengthAndAHost) {
  HttpEndpoint to{"kms.example.com", 8443, true};
  const HttpRequest r = http_post(to, "/a?b", "text/plain", WipedText("body"));
  EXPECT_EQ(serialize(r).view(),
            "POST /a?b HTTP/1.1\r\nHost: kms.example.com:8443\r\nContent-Type: text/plain\r\n"
            "Content-Length: 4\r\n\r\nbody");
  to.port = 443;
  EXPECT_EQ(http_post(to, "/", "", WipedText()).headers[0].value.view(), "kms.example.com");
}

TEST(WipedText, EncodesBase64AsRfc4648Does) {
  const auto both = [](std::string_view s) {
    return std::string(WipedText().append_base64(bytes_of(s)).view()) + " " +
           std::string(WipedText().append_base64url(bytes_of(s)).view());
  };
  EXPECT_EQ(both(""), " ");
  EXPECT_EQ(both("f"), "Zg== Zg");
  EXPECT_EQ(both("fo"), "Zm8= Zm8");
  EXPECT_EQ(both("foo"), "Zm9v Zm9v");
  EXPECT_EQ(both("foobar"), "Zm9vYmFy Zm9vYmFy");
  EXPECT_EQ(both("\xfb\xff\xfe"), "+//+ -__-");
}

TEST(WipedText, EscapesForFormsAndForJson) {
  EXPECT_EQ(WipedText().append_percent_encoded("aZ09-._~ +&=%/\xc3\xa9").view(),
            "aZ09-._~%20%2B%26%3D%25%2F%C3%A9");
  EXPECT_EQ(WipedText().append_json("a\"\\\n\x01\xc3\xa9").view(),
            "\"a\\\"\\\\\\u000A\\u0001\xc3\xa9\"");
}

}  // namespace
}  // namespace fle::kms
