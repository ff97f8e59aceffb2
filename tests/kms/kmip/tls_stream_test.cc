#include "net/tls_stream.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kmip/kmip_client.h"
#include "kms/kmip/certificates.h"
#include "kms/kmip/child_process.h"
#include "kms/kmip/fake/fake_kmip.h"
#include "kms/temp_dir.h"
#include "support/patience.h"

namespace fle::kms {
namespace {

using namespace std::chrono_literals;
using test::Buf;
using test::FakeConnection;
using test::FakeKmip;

Deadline in(std::chrono::milliseconds t) { return std::chrono::steady_clock::now() + t; }
/// For what must come.
Deadline patient() { return in(fle::test::kPatience); }

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path) << content;
}

class Tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempDir;
    test::make_usual_certificates(path(""));
    test::make_certificate(path(""), "elsewhere", "DNS:elsewhere.example,DNS:*.example",
                           "serverAuth");
    test::make_authority(path(""), "other_ca");
    test::make_certificate(path(""), "stranger", "DNS:localhost,IP:127.0.0.1", "serverAuth",
                           "other_ca");
    test::make_certificate(path(""), "other_client", "DNS:client.example", "clientAuth",
                           "other_ca");
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string path(const std::string& name) { return folder_->file(name); }

  void serve(
      const test::FakeOptions& options,
      FakeKmip::Behavior behavior = [](FakeConnection& c) { c.wait_for_end(); }) {
    server_.reset();
    server_ = std::make_unique<FakeKmip>(path(""), std::move(behavior), options);
  }
  [[nodiscard]] Outcome<TlsStream> connect(const TlsOptions& options = test::client_tls(path("")),
                                           const std::string& host = "localhost") const {
    return TlsStream::connect({host, server_->port()}, options, patient());
  }
  static void expect_refused(const Outcome<TlsStream>& result, Errc code, const std::string& part) {
    ASSERT_FALSE(result.has_value());
    EXPECT_STREQ(name(result.error().code), name(code));
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }
  /// Neither a line of this file nor its bytes stand in the text.
  static void expect_file_refused(const TlsOptions& options, const std::string& file,
                                  const std::string& part) {
    const Done checked = check_tls_options(options);
    ASSERT_FALSE(checked.has_value()) << part;
    const std::string text = checked.error().to_string();
    EXPECT_EQ(checked.error().code, Errc::kms_config_invalid) << text;
    EXPECT_NE(text.find(file), std::string::npos) << text;
    EXPECT_NE(text.find(part), std::string::npos) << text;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      EXPECT_EQ(text.find(line), std::string::npos);
    }
  }

  static inline test::TempDir* folder_ = nullptr;
  std::unique_ptr<FakeKmip> server_;
};

TEST_F(Tls, ReachesAServerByNameAndByAddress) {
  serve({});
  EXPECT_TRUE(connect());
  EXPECT_TRUE(connect(test::client_tls(path("")), "127.0.0.1"));
}

TEST_F(Tls, RefusesACertificateForAnotherNameOrAddress) {
  serve({.certificate = "elsewhere"});
  expect_refused(connect(), Errc::kms_unreachable, "not accepted: hostname mismatch");
  expect_refused(connect(test::client_tls(path("")), "127.0.0.1"), Errc::kms_unreachable,
                 "not accepted: IP address mismatch");
}

TEST_F(Tls, RefusesACertificateOfAnotherAuthority) {
  serve({.certificate = "stranger"});
  expect_refused(connect(), Errc::kms_unreachable, "its certificate is not accepted: ");
  TlsOptions system = test::client_tls(path(""));
  system.ca_file.clear();  // the system's authorities do not know it either
  expect_refused(connect(system), Errc::kms_unreachable, "its certificate is not accepted: ");
}

TEST_F(Tls, RefusesAClientCertificateThatIsNotForServers) {
  test::make_certificate(path(""), "not_a_server", "DNS:localhost", "clientAuth");
  serve({.certificate = "not_a_server"});
  expect_refused(connect(), Errc::kms_unreachable, "its certificate is not accepted: ");
}

TEST_F(Tls, RefusesVersionsBefore12) {
  serve({.max_tls_version = TLS1_1_VERSION});
  expect_refused(connect(), Errc::kms_unreachable, "TLS: ");
  serve({.max_tls_version = TLS1_2_VERSION});
  EXPECT_TRUE(connect());
}

TEST_F(Tls, FailsWhereTheServerRefusesTheClientCertificate) {
  serve({.max_tls_version = TLS1_2_VERSION});  // which tells while shaking hands
  TlsOptions options = test::client_tls(path(""));
  options.certificate_file = path("other_client.pem");
  options.private_key_file = path("other_client.key");
  expect_refused(connect(options), Errc::kms_unreachable, "");
}

TEST_F(Tls, ReadsAndWritesWholeMessagesOfAnySize) {
  Buf big(300'000);
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  serve({}, [&](FakeConnection& c) {
    c.send(big);
    c.wait_for_end();
  });
  auto stream = connect();
  ASSERT_TRUE(stream);
  Buf got(big.size());
  ASSERT_TRUE(stream->read(got, patient()));
  EXPECT_EQ(got, big);
  EXPECT_EQ(stream->n_read(), big.size());
  EXPECT_TRUE(stream->is_idle());
}

TEST_F(Tls, BelongsToTheProcessThatConnected) {
  serve({}, [](FakeConnection& c) {
    while (!c.read_request().empty()) c.send(Buf{1, 2, 3, 4});
  });
  std::optional<TlsStream> stream;
  {
    auto connected = connect();
    ASSERT_TRUE(connected);
    stream.emplace(std::move(*connected));
  }
  const auto expect_answer = [&stream] {
    ASSERT_TRUE(stream->write(Buf{0x42, 0x00, 0x78, 0x01, 0, 0, 0, 0}, patient()));
    Buf got(4);
    ASSERT_TRUE(stream->read(got, patient()));
    EXPECT_EQ(got, (Buf{1, 2, 3, 4}));
  };
  expect_answer();  // which also takes in what the server says after shaking hands
  ASSERT_TRUE(stream->is_idle());
  const pid_t child = ::fork();
  if (child == 0) {
    const bool idle = stream->is_idle();  // it would be used again if so
    stream.reset();                       // and this would say goodbye in the parent's name
    ::_exit(idle ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(stream->is_idle());
  expect_answer();
}

TEST_F(Tls, WritesToAClosedConnectionWithoutASignal) {
  serve({}, [](FakeConnection& c) { c.reset_at_end(); });
  auto stream = connect();
  ASSERT_TRUE(stream);
  // What is written before the reset has come may still seem to go.
  const Buf data(100'000);
  while (stream->write(data, patient())) continue;
  EXPECT_FALSE(stream->is_idle());
  // SIGPIPE has its default action here: it would end this process.
  for (int i = 0; i < 3; ++i) {
    const Done written = stream->write(data, patient());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::kms_unreachable);
    EXPECT_NE(written.error().message, "no answer in time");
  }
}

TEST_F(Tls, DoesNotWaitForEverForAServerThatReadsNothing) {
  std::promise<void> done;
  serve({}, [gave_up = done.get_future().share()](FakeConnection&) { gave_up.wait(); });
  auto stream = connect();
  const Done written = stream ? stream->write(Buf(16 << 20U), in(200ms)) : Done(stream.error());
  done.set_value();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "no answer in time");
}

TEST_F(Tls, NamesTheFileThatItCannotUse) {
  const TlsOptions good = test::client_tls(path(""));
  ASSERT_TRUE(check_tls_options(good));
  ASSERT_TRUE(check_tls_options({}));

  TlsOptions o = good;
  o.ca_file = path("missing.pem");
  expect_file_refused(o, o.ca_file, "No such file");
  o.ca_file = path("client.key");
  expect_file_refused(o, o.ca_file, "no certificate in it");
  o.ca_file = path("");
  expect_file_refused(o, o.ca_file, "not a regular file");
  write_file(o.ca_file = path("empty.pem"), "");
  expect_file_refused(o, o.ca_file, "empty");
  write_file(o.ca_file = path("damaged.pem"),
             "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n");
  expect_file_refused(o, o.ca_file, "a damaged certificate");
  write_file(o.ca_file = path("large.pem"), std::string((1U << 20U) + 1, '\n'));
  expect_file_refused(o, o.ca_file, "larger than 1 MiB");

  o = good;
  o.private_key_file = path("server.key");
  expect_file_refused(o, o.private_key_file, "does not fit the certificate");
  o.private_key_file = path("client.pem");
  expect_file_refused(o, o.private_key_file, "no private key in it");
  o.private_key_file.clear();
  expect_file_refused(o, o.certificate_file, "no private key in it");
  write_file(o.private_key_file = path("two.key"),
             content_of(path("client.key")) + content_of(path("server.key")));
  expect_file_refused(o, o.private_key_file, "two private keys");
  std::string broken = content_of(path("client.key"));
  broken.replace(broken.size() / 2, 4, "!!!!");
  write_file(o.private_key_file = path("broken.key"), broken);
  expect_file_refused(o, o.private_key_file, "not PEM");
  o.certificate_file.clear();
  expect_file_refused(o, o.private_key_file, "without a certificate file");
}

TEST_F(Tls, TakesNoFileThatOthersMayChange) {
  for (auto member :
       {&TlsOptions::ca_file, &TlsOptions::certificate_file, &TlsOptions::private_key_file}) {
    TlsOptions o = test::client_tls(path(""));
    write_file(path("open.pem"), content_of(o.*member));
    o.*member = path("open.pem");
    std::filesystem::permissions(path("open.pem"), std::filesystem::perms(0644));
    ASSERT_TRUE(check_tls_options(o));
    std::filesystem::permissions(path("open.pem"), std::filesystem::perms(0666));
    expect_file_refused(o, o.*member, "other users may write to it: chmod go-w it");
  }
}

TEST_F(Tls, TakesCertificateAndKeyFromOneFile) {
  write_file(path("both.pem"), content_of(path("client.key")) + content_of(path("client.pem")));
  serve({});
  EXPECT_TRUE(connect({path("ca.pem"), path("both.pem"), ""}));
}

TEST_F(Tls, RefusesAnEncryptedPrivateKeyWithoutAskingForItsPassphrase) {
  const TlsOptions good = test::client_tls(path(""));
  for (const char* format : {"pkcs8", "ec"}) {
    SCOPED_TRACE(format);
    TlsOptions o = good;
    o.private_key_file = path(std::string("encrypted_") + format + ".key");
    std::vector<std::string> command{
        "openssl",          format,     "-in",      good.private_key_file, "-out",
        o.private_key_file, "-passout", "pass:word"};
    if (format == std::string_view("pkcs8")) {
      command.emplace_back("-topk8");
    } else {
      command.emplace_back("-aes256");
    }
    test::run_program(command);
    expect_file_refused(o, o.private_key_file, "the private key is encrypted");
  }
}

TEST(KmipEndpoint, IsReadAsLibmongocryptReadsIt) {
  struct Case {
    const char* text;
    const char* host;
    int port;
    const char* stored;
  };
  for (const Case& c :
       {Case{"localhost", "localhost", 5696, "localhost"},
        Case{"kmip.example.com:1234", "kmip.example.com", 1234, "kmip.example.com:1234"},
        Case{"https://h:1/path?query", "h", 1, "h:1"}, Case{"h?query", "h", 5696, "h"},
        Case{"127.0.0.1:65535", "127.0.0.1", 65535, "127.0.0.1:65535"},
        Case{"[::1]:7", "::1", 7, "[::1]:7"}, Case{"[fe80::1]", "fe80::1", 5696, "[fe80::1]"}}) {
    SCOPED_TRACE(c.text);
    const auto e = kmip::parse_endpoint(c.text);
    ASSERT_TRUE(e) << e.error().to_string();
    EXPECT_EQ(e->peer.host, c.host);
    EXPECT_EQ(e->peer.port, c.port);
    EXPECT_EQ(e->text, c.stored);
  }
}

TEST(KmipEndpoint, IsRefusedWhenItIsNone) {
  const std::string long_host(254, 'a');
  for (const std::string& text : {std::string(),
                                  std::string(":1"),
                                  std::string("h:"),
                                  std::string("h:0"),
                                  std::string("h:65536"),
                                  std::string("h:-1"),
                                  std::string("h:+1"),
                                  std::string("h: 1"),
                                  std::string("h:1:2"),
                                  std::string("h:99999999999999999999"),
                                  std::string("[::1"),
                                  std::string("[]:1"),
                                  std::string("[::1]1"),
                                  std::string("::1"),
                                  std::string("a b"),
                                  std::string("a@b"),
                                  std::string("a\nb"),
                                  std::string("h\0x", 3),
                                  std::string("\xc3\xa9"),
                                  std::string("tcp://"),
                                  long_host}) {
    const auto e = kmip::parse_endpoint(text);
    ASSERT_FALSE(e) << text;
    EXPECT_EQ(e.error().code, Errc::kms_config_invalid);
    EXPECT_EQ(e.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(e.error().message.find('@'), std::string::npos) << "it may be behind a password";
  }
}

}  // namespace
}  // namespace fle::kms
