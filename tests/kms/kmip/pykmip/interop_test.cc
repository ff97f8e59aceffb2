// Data keys under a KMIP server are the same to libmongocrypt and to libfle, both ways.
#include <gtest/gtest.h>

#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "kmip/kmip_message.h"
#include "kmip/ttlv.h"
#include "kms/kmip/pykmip/pykmip.h"
#include "kms/support.h"
#include "support/mongocrypt_peer.h"

namespace fle::kms {
namespace {

using fle::test::MongocryptPeer;
using test::bson_of;
using test::Buf;
using test::Pykmip;

std::string hex(Bytes bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    out += "0123456789abcdef"[b >> 4U];
    out += "0123456789abcdef"[b & 15U];
  }
  return out;
}

class KmipAsLibmongocryptHasIt : public testing::Test {
 protected:
  void SetUp() override {
    if (!Pykmip::is_installed()) GTEST_SKIP() << "no python3-pykmip";
    server_.emplace();
    providers_.emplace(server_->providers());
  }

  [[nodiscard]] Provider& ours() { return **providers_->find("kmip"); }

  [[nodiscard]] MongocryptPeer peer() {
    const Buf map = bson_of(R"({"kmip": {"endpoint": ")" + server_->endpoint() + R"("}})");
    return MongocryptPeer(map, [this](const std::string& endpoint, const Buf& message) {
      return exchange(endpoint, message);
    });
  }

  Buf exchange(const std::string& endpoint, const Buf& message) {
    messages_.push_back(message);
    return server_->answer(endpoint, message);
  }

  std::optional<Pykmip> server_;
  std::optional<Providers> providers_;
  std::vector<Buf> messages_;  // that libmongocrypt sent
};

TEST_F(KmipAsLibmongocryptHasIt, OpensADataKeyThatLibmongocryptMade) {
  const Buf material = test::master_key_bytes(5);
  const Buf made = peer().create_data_key(
      {.key_material = material, .master_key = bson_of(R"({"provider": "kmip"})")});
  const auto key = parse_key_document(made);
  ASSERT_TRUE(key) << key.error().to_string();
  const auto opened = ours().unwrap(key->key_material, key->master_key);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), material));
}

TEST_F(KmipAsLibmongocryptHasIt, MakesADataKeyThatLibmongocryptOpens) {
  const Buf material = test::master_key_bytes(6);
  const auto vault = make_memory_vault();
  const auto key = create_data_key(
      *vault, *providers_,
      {.master_key = *MasterKey::from_fields("kmip", bson_of("{}")), .key_material = material});
  ASSERT_TRUE(key) << key.error().to_string();
  MongocryptPeer remote = peer();
  remote.add_key(to_bson(*key));

  // The same key, made by libmongocrypt under its own local master key: equal material gives equal
  // deterministic ciphertexts.
  MongocryptPeer local(test::master_key_bytes(1));
  local.add_key(fle::test::with_key_id(local.create_data_key({.key_material = material}), key->id));
  const auto value = fle::test::only_value(bson_of(R"({"v": "a value"})"));
  EXPECT_EQ(remote.encrypt_value(value, Algorithm::deterministic, key->id),
            local.encrypt_value(value, Algorithm::deterministic, key->id));
}

TEST_F(KmipAsLibmongocryptHasIt, SendsTheVeryMessagesOfLibmongocrypt) {
  static_cast<void>(peer().create_data_key({.master_key = bson_of(R"({"provider": "kmip"})")}));
  ASSERT_EQ(messages_.size(), 3U);
  const auto expect_same_end = [](const Outcome<kmip::Request>& ours, const Buf& theirs,
                                  std::size_t n) {
    ASSERT_TRUE(ours);
    const Bytes end = ours->bytes().last(n);
    EXPECT_EQ(hex(end), hex(Bytes(theirs).last(n)));
  };
  expect_same_end(kmip::activate_request("1", LockPolicy::required), messages_[1],
                  messages_[1].size());
  expect_same_end(kmip::get_request("1", LockPolicy::required), messages_[2], messages_[2].size());
  // Register: version 1.7 calls the format Raw and sends no Cryptographic Usage Mask; later ones
  // send Opaque and a mask, as libfle does. The Key Value comes last, and the secret last in it.
  constexpr std::size_t kKeyValueLen = 8 + 8 + 96;
  const Bytes secret = Bytes(messages_[0]).last(96);
  expect_same_end(kmip::register_request(secret, LockPolicy::required), messages_[0], kKeyValueLen);
}

}  // namespace
}  // namespace fle::kms
