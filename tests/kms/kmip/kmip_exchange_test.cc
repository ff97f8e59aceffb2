// KMIP as an exchange: no socket, every byte is in this file.
#include <algorithm>

#include <gtest/gtest.h>

#include "document/master_key.h"
#include "fle/kms/exchange.h"
#include "kms/kmip/fake/kmip_answers.h"
#include "kms/support.h"

namespace fle::kms {
namespace {

using State = Exchange::State;
using test::answer;
using test::Buf;
using test::data_payload;
using test::failure;
using test::id_payload;
using test::operation_of;
using test::secret_payload;
using test::state_payload;

constexpr std::uint32_t kCreate = 0x01;
constexpr std::uint32_t kRegister = 0x03;
constexpr std::uint32_t kGet = 0x0A;
constexpr std::uint32_t kGetAttributes = 0x0B;
constexpr std::uint32_t kActivate = 0x12;
constexpr std::uint32_t kEncrypt = 0x1F;
constexpr std::uint32_t kDecrypt = 0x20;
const Buf kSecret = test::master_key_bytes(5);
const Buf kKey = test::master_key_bytes(6);
const Buf kIv(16, 7);

class KmipExchanges : public ::testing::Test {
 protected:
  KmipExchanges() {
    auto made = Providers::from_json(R"({"kmip": {"endpoint": "kmip.example"}})");
    EXPECT_TRUE(made) << made.error().to_string();
    providers = std::move(*made);
  }
  Provider& provider() { return **providers.find("kmip"); }
  static MasterKey key(const std::string& more = {}) {
    return *parse_master_key(test::bson_of(R"({"provider": "kmip", "keyId": "12")" + more + "}"));
  }
  static SecretBytes data_key() { return *SecretBytes::copy_of(kKey); }

  /// The operation that `exchange` asks for; sent.
  static std::uint32_t sent_by(Exchange& exchange) {
    EXPECT_EQ(exchange.state(), State::send) << exchange.failure().to_string();
    EXPECT_EQ(exchange.message().host, "kmip.example");
    EXPECT_EQ(exchange.message().port, 5696);
    const std::uint32_t operation = operation_of(exchange.message().bytes);
    exchange.sent();
    EXPECT_TRUE(exchange.message().bytes.empty());
    EXPECT_EQ(exchange.bytes_needed(), 8U) << "the header says how long the answer is";
    return operation;
  }
  static void feed(Exchange& exchange, Bytes bytes, std::size_t cut = 1'000'000) {
    while (!bytes.empty()) {
      ASSERT_EQ(exchange.state(), State::receive);
      const std::size_t n = std::min(cut, exchange.bytes_needed());
      ASSERT_LE(n, bytes.size()) << "more is wanted than the answer has";
      exchange.feed(bytes.first(n));
      bytes = bytes.subspan(n);
    }
  }
  static void expect_failed(Exchange& exchange, Errc code, const std::string& text) {
    ASSERT_EQ(exchange.state(), State::failed);
    const std::string said = exchange.failure().to_string();
    EXPECT_EQ(exchange.failure().code, code) << said;
    EXPECT_NE(said.find(text), std::string::npos) << said;
  }

  Providers providers;
};

TEST_F(KmipExchanges, WrapsUnderTheSecretOfTheServerAndUnwrapsHoweverTheAnswerIsCut) {
  const Buf secret = answer(kGet, secret_payload("12", kSecret));
  const auto wrap = provider().begin_wrap(data_key(), key());
  EXPECT_EQ(sent_by(*wrap), kGet);
  feed(*wrap, secret);
  ASSERT_EQ(wrap->state(), State::done) << wrap->failure().to_string();
  const Buf material = *wrap->take_wrapped();
  for (std::size_t cut = 1; cut < 40; ++cut) {
    const auto unwrap = provider().begin_unwrap(material, key());
    EXPECT_EQ(sent_by(*unwrap), kGet);
    feed(*unwrap, secret, cut);
    ASSERT_EQ(unwrap->state(), State::done) << unwrap->failure().to_string();
    EXPECT_TRUE(std::ranges::equal(unwrap->take_key()->expose(), kKey));
  }
  const auto wrong = provider().begin_unwrap(material, key());
  sent_by(*wrong);
  feed(*wrong, answer(kGet, secret_payload("12", kKey)));
  expect_failed(*wrong, Errc::key_unwrap_failed, "(keyId '12')");
}

TEST_F(KmipExchanges, LetsTheServerEncryptAndDecrypt) {
  const MasterKey delegated = key(R"(, "delegated": true)");
  const Buf cipher(112, 9);
  const auto wrap = provider().begin_wrap(data_key(), delegated);
  EXPECT_EQ(sent_by(*wrap), kEncrypt);
  feed(*wrap, answer(kEncrypt, data_payload("12", cipher, kIv)));
  ASSERT_EQ(wrap->state(), State::done) << wrap->failure().to_string();
  const Buf material = *wrap->take_wrapped();
  EXPECT_EQ(material.size(), kIv.size() + cipher.size());
  const auto unwrap = provider().begin_unwrap(material, delegated);
  EXPECT_EQ(sent_by(*unwrap), kDecrypt);
  feed(*unwrap, answer(kDecrypt, data_payload("12", kKey, {})));
  ASSERT_EQ(unwrap->state(), State::done) << unwrap->failure().to_string();
  EXPECT_TRUE(std::ranges::equal(unwrap->take_key()->expose(), kKey));
  expect_failed(*provider().begin_unwrap(Buf(17), delegated), Errc::key_unwrap_failed,
                "keyMaterial has 17 bytes");
}

TEST_F(KmipExchanges, SayWhatWentWrong) {
  const auto begin = [&] {
    auto out = provider().begin_unwrap(Buf(160), key());
    sent_by(*out);
    return out;
  };
  auto exchange = begin();
  feed(*exchange, failure(kGet, 1, "no such object"));
  expect_failed(*exchange, Errc::kms_refused,
                "KMS provider 'kmip' at 'kmip.example': keyId '12': ");
  exchange = begin();
  exchange->feed(Buf{'H', 'T', 'T', 'P', '/', '1', '.', '1'});
  expect_failed(*exchange, Errc::kms_bad_answer, "Get: the answer is not a KMIP message");
  exchange = begin();
  exchange->feed(Buf{0x42, 0, 0x7B, 1, 0x7F, 0xFF, 0xFF, 0xFF});
  expect_failed(*exchange, Errc::kms_bad_answer, "the answer is too large");
  exchange = begin();
  Buf more = answer(kGet, secret_payload("12", kSecret));
  more.push_back(0);
  exchange->feed(more);
  expect_failed(*exchange, Errc::kms_bad_answer, "bytes after the end of the answer");
  exchange = begin();
  exchange->closed();
  expect_failed(*exchange, Errc::kms_unreachable, "Get: the server closed the connection");
  exchange = provider().begin_unwrap(Buf(160), key());
  exchange->lost("no route to host");
  expect_failed(*exchange, Errc::kms_unreachable, "Get: no route to host");
}

TEST_F(KmipExchanges, MakeTheMasterKeyOfANewDataKey) {
  struct {
    const char* asked;
    std::uint32_t operation;
    const char* made;
  } const kCases[] = {
      {R"({"provider": "kmip"})", kRegister, R"({ "provider" : "kmip", "keyId" : "12" })"},
      {R"({"provider": "kmip", "delegated": true})", kCreate,
       R"({ "provider" : "kmip", "delegated" : true, "keyId" : "12" })"},
      {R"({"provider": "kmip", "endpoint": "https://kmip.example:5696/path"})", kRegister,
       R"({ "provider" : "kmip", "endpoint" : "kmip.example:5696", "keyId" : "12" })"},
  };
  for (const auto& c : kCases)
    for (const std::size_t cut : {1U, 7U, 8U, 1'000'000U}) {
      SCOPED_TRACE(c.asked);
      const auto exchange = provider().begin_prepare(*parse_master_key(test::bson_of(c.asked)));
      EXPECT_EQ(sent_by(*exchange), c.operation);
      feed(*exchange, answer(c.operation, id_payload("12")), cut);
      EXPECT_EQ(exchange->take_master_key().error().code, Errc::invalid_argument) << "too early";
      EXPECT_EQ(sent_by(*exchange), kActivate);
      feed(*exchange, answer(kActivate, id_payload("12")), cut);
      ASSERT_EQ(exchange->state(), State::done) << exchange->failure().to_string();
      EXPECT_EQ(exchange->take_wrapped().error().code, Errc::invalid_argument) << "none asked for";
      const auto made = exchange->take_master_key();
      ASSERT_TRUE(made) << made.error().to_string();
      EXPECT_EQ(test::json_of(made->bson), c.made);
      EXPECT_EQ(exchange->take_master_key().error().code, Errc::invalid_argument) << "taken twice";
      EXPECT_EQ(sent_by(*provider().begin_wrap(data_key(), *made)),
                c.operation == kCreate ? kEncrypt : kGet);
    }
}

TEST_F(KmipExchanges, RegisterAnotherSecretEachTimeAndKeepNone) {
  const MasterKey asked = *parse_master_key(test::bson_of(R"({"provider": "kmip"})"));
  const auto request = [&] {
    const auto exchange = provider().begin_prepare(asked);
    const Bytes bytes = exchange->message().bytes;
    return Buf(bytes.begin(), bytes.end());
  };
  const Buf one = request();
  const Buf other = request();
  ASSERT_EQ(one.size(), other.size());
  std::size_t n_unequal = 0;
  for (std::size_t i = 0; i < one.size(); ++i) n_unequal += one[i] != other[i] ? 1 : 0;
  EXPECT_GT(n_unequal, 64U) << "96 random bytes differ in nearly all";
}

TEST_F(KmipExchanges, LookAtAMasterKeyThatIsNamed) {
  const auto begin = [&] {
    auto out = provider().begin_prepare(key());
    EXPECT_EQ(sent_by(*out), kGetAttributes);
    return out;
  };
  auto exchange = begin();
  feed(*exchange, answer(kGetAttributes, state_payload("12", 2)), 5);
  ASSERT_EQ(exchange->state(), State::done) << exchange->failure().to_string();
  EXPECT_EQ(exchange->take_master_key()->bson, key().bson);
  exchange = begin();
  feed(*exchange, answer(kGetAttributes, state_payload("12", 1)));
  expect_failed(*exchange, Errc::kms_refused, "keyId '12': the object is Pre-Active, expected");
  EXPECT_EQ(exchange->take_master_key().error().code, Errc::kms_refused);
  exchange = begin();
  feed(*exchange, failure(kGetAttributes, 5, "Get Attributes is not supported"));
  EXPECT_EQ(exchange->state(), State::done) << "a server that does not tell is believed";
  exchange = begin();
  exchange->closed();
  expect_failed(*exchange, Errc::kms_unreachable, "Get Attributes: the server closed");
}

TEST_F(KmipExchanges, SayHowFarTheMakingOfAMasterKeyCame) {
  const std::string made = "the object was made and is not in use: remove it";
  const MasterKey asked = *parse_master_key(test::bson_of(R"({"provider": "kmip"})"));
  const auto begin = [&] {
    auto out = provider().begin_prepare(asked);
    EXPECT_EQ(sent_by(*out), kRegister);
    return out;
  };
  const auto to_activate = [&] {
    auto out = begin();
    feed(*out, answer(kRegister, id_payload("12")));
    return out;
  };
  const auto not_made = [&](Exchange& exchange) {
    EXPECT_EQ(exchange.failure().message.find(made), std::string::npos);
  };
  auto exchange = begin();
  feed(*exchange, failure(kRegister, 12, "permission denied"));
  expect_failed(*exchange, Errc::kms_refused, "permission denied");
  not_made(*exchange);
  exchange = begin();
  exchange->closed();
  expect_failed(*exchange, Errc::kms_unreachable, "Register: the server closed the connection");
  not_made(*exchange);
  exchange = begin();
  feed(*exchange, answer(kRegister, {}));
  expect_failed(*exchange, Errc::kms_bad_answer, "KMS provider 'kmip' at 'kmip.example'");

  exchange = to_activate();
  EXPECT_EQ(sent_by(*exchange), kActivate);
  feed(*exchange, failure(kActivate, 12, "permission denied"));
  expect_failed(*exchange, Errc::kms_refused, "keyId '12': ");
  expect_failed(*exchange, Errc::kms_refused, made);
  exchange = to_activate();
  sent_by(*exchange);
  exchange->feed(Bytes(answer(kActivate, id_payload("12"))).first(8));
  exchange->closed();
  expect_failed(*exchange, Errc::kms_unreachable, "Activate: the server closed the connection");
  expect_failed(*exchange, Errc::kms_unreachable, made);
  exchange = to_activate();
  exchange->lost("no route to host");
  expect_failed(*exchange, Errc::kms_unreachable, made);
  expect_failed(*provider().begin_prepare(*parse_master_key(
                    test::bson_of(R"({"provider": "kmip", "endpoint": "kmip.attacker.example"})"))),
                Errc::kms_config_invalid, "is not the configured endpoint");
}

TEST_F(KmipExchanges, SendNothingToAServerThatIsNotTheConfiguredOne) {
  const auto exchange =
      provider().begin_unwrap(Buf(160), key(R"(, "endpoint": "kmip.attacker.example")"));
  EXPECT_TRUE(exchange->message().bytes.empty());
  expect_failed(*exchange, Errc::kms_config_invalid, "is not the configured endpoint");
}

}  // namespace
}  // namespace fle::kms
