#include <sys/wait.h>
#include <unistd.h>

#include "client/client_support.h"
#include "fle/batch.h"

namespace fle::test {
namespace {

using bson::Type;
using client::decrypt_value;
using client::encrypt_value;

struct ValueCipher : ::testing::Test {
  World world;
  KeyId id = world.new_key();
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  kms::KeyHandle key = *ring->by_id(id);
};

const std::vector<std::uint8_t> kInt = {5, 0, 0, 0};

TEST_F(ValueCipher, DecryptsWhatItEncrypted) {
  for (const Algorithm a : {Algorithm::deterministic, Algorithm::random}) {
    const auto payload = encrypt_value(Type::int_, kInt, a, *key);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->size(), 82U);
    const auto value = decrypt_value(*payload, *ring);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->type, Type::int_);
    EXPECT_EQ(copy(value->bytes.bytes()), kInt);
  }
}

TEST_F(ValueCipher, WritesIntoMemoryOfTheCaller) {
  for (const Algorithm a : {Algorithm::deterministic, Algorithm::random}) {
    std::vector<std::uint8_t> payload(payload_len(kInt.size()) + 3, 0xee);
    const auto written = encrypt_value(payload, Type::int_, kInt, a, *key);
    ASSERT_TRUE(written);
    EXPECT_EQ(*written, 82U);
    EXPECT_EQ(std::vector(payload.begin() + 82, payload.end()), std::vector<std::uint8_t>(3, 0xee));
    payload.resize(82);
    if (a == Algorithm::deterministic) {
      EXPECT_EQ(payload, *encrypt_value(Type::int_, kInt, a, *key));
    }

    std::vector<std::uint8_t> out(open_capacity(payload.size()) + 3, 0xee);
    const auto value = decrypt_value(out, payload, *ring);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->type, Type::int_);
    EXPECT_EQ(std::vector(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(value->size)),
              kInt);
    EXPECT_EQ(std::vector(out.end() - 3, out.end()), std::vector<std::uint8_t>(3, 0xee));
  }
}

// Whoever reads that a value was changed looks for another fault than a fork.
TEST_F(ValueCipher, WhatIsNotTheValuesFaultIsNotSaidOfIt) {
  const auto payload = encrypt_value(Type::int_, kInt, Algorithm::deterministic, *key);
  ASSERT_TRUE(payload);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto is_told = [](const Failure& why) {
      return why.code == Errc::key_not_inherited &&
             why.message.find(meaning(why.code)) != std::string::npos &&
             why.message.find("changed") == std::string::npos;
    };
    const auto opened = decrypt_value(*payload, *ring);
    const auto sealed = encrypt_value(Type::int_, kInt, Algorithm::random, *key);
    ::_exit(!opened && !sealed && is_told(opened.error()) && is_told(sealed.error()) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ValueCipher, RefusesMemoryThatIsTooSmall) {
  std::vector<std::uint8_t> payload(82, 0xee);
  const auto too_small = MutBytes(payload).first(81);
  const auto written = encrypt_value(too_small, Type::int_, kInt, Algorithm::random, *key);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::buffer_too_small);
  EXPECT_EQ(payload, std::vector<std::uint8_t>(82, 0xee));

  ASSERT_TRUE(encrypt_value(payload, Type::int_, kInt, Algorithm::random, *key));
  std::vector<std::uint8_t> out(open_capacity(82) - 1, 0xee);
  const auto value = decrypt_value(out, payload, *ring);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::buffer_too_small);
}

// What is encrypted where it stands would come out as another value, which authenticates.
TEST_F(ValueCipher, RefusesToWriteOverWhatItReads) {
  constexpr std::size_t kAt = 100;
  const auto payload = *encrypt_value(Type::int_, kInt, Algorithm::random, *key);
  std::vector<std::uint8_t> memory(300);
  for (std::size_t from = 0; from < 200; ++from) {
    std::ranges::copy(kInt, memory.begin() + static_cast<std::ptrdiff_t>(from));
    const auto before = memory;
    const Bytes value = Bytes(memory).subspan(from, kInt.size());
    const auto written = encrypt_value(MutBytes(memory).subspan(kAt, payload.size()), Type::int_,
                                       value, Algorithm::random, *key);
    const bool apart = from + kInt.size() <= kAt || from >= kAt + payload.size();
    ASSERT_EQ(written.has_value(), apart) << from;
    if (apart) continue;
    EXPECT_EQ(written.error().code, Errc::invalid_argument);
    EXPECT_EQ(memory, before);
  }
  for (std::size_t from = 0; from < 200; ++from) {
    std::ranges::copy(payload, memory.begin() + kAt);
    const auto before = memory;
    const std::size_t n = open_capacity(payload.size());
    const auto value = decrypt_value(MutBytes(memory).subspan(from, n),
                                     Bytes(memory).subspan(kAt, payload.size()), *ring);
    const bool apart = from + n <= kAt || from >= kAt + payload.size();
    ASSERT_EQ(value.has_value(), apart) << from;
    if (apart) continue;
    EXPECT_EQ(value.error().code, Errc::invalid_argument);
    EXPECT_EQ(memory, before);
  }
}

TEST_F(ValueCipher, WipesTheMemoryOfTheCallerOnFailure) {
  auto payload = *encrypt_value(Type::int_, kInt, Algorithm::random, *key);
  const std::vector<std::uint8_t> zeros(open_capacity(payload.size()));
  const auto expect_wiped = [&](const std::vector<std::uint8_t>& bad, Errc code) {
    std::vector<std::uint8_t> out(zeros.size(), 0xee);
    const auto r = decrypt_value(out, bad, *ring);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, code);
    EXPECT_EQ(out, zeros);
  };
  auto forged = payload;
  forged.back() ^= 1;
  expect_wiped(forged, Errc::auth_failed);
  forged = payload;
  forged[0] = 9;
  expect_wiped(forged, Errc::malformed_payload);
  forged = payload;
  forged[1] ^= 1;
  expect_wiped(forged, Errc::key_not_found);
  const std::vector<std::uint8_t> three = {1, 2, 3};
  const SealJob job{&key->key, id, Algorithm::random, 0x10, three, payload};
  ASSERT_TRUE(seal_batch({&job, 1}));
  expect_wiped(payload, Errc::malformed_bson);
}

TEST_F(ValueCipher, RefusesTypesThatCsfleDoesNotEncrypt) {
  const std::vector<std::uint8_t> none;
  for (const Type t : {Type::null, Type::undefined, Type::min_key, Type::max_key}) {
    for (const Algorithm a : {Algorithm::deterministic, Algorithm::random}) {
      const auto r = encrypt_value(t, none, a, *key);
      ASSERT_FALSE(r);
      EXPECT_EQ(r.error().code, Errc::type_not_allowed);
      EXPECT_NE(r.error().message.find("BSON type invalid for encryption"), std::string::npos);
    }
  }
  const std::vector<std::uint8_t> yes = {1};
  const auto r = encrypt_value(Type::bool_, yes, Algorithm::deterministic, *key);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("BSON type invalid for deterministic encryption"),
            std::string::npos);
  EXPECT_TRUE(encrypt_value(Type::bool_, yes, Algorithm::random, *key));
}

// There is no memory for this much; a type that is refused needs none, and no look at the value.
TEST_F(ValueCipher, RefusesATypeBeforeItTakesMemoryForTheResult) {
  const std::uint8_t first = 0;
  const Bytes endless(&first, SIZE_MAX / 2);
  const auto r = encrypt_value(Type::min_key, endless, Algorithm::random, *key);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::type_not_allowed);
}

TEST_F(ValueCipher, RefusesWhatIsAlreadyEncrypted) {
  const std::vector<std::uint8_t> six = {1, 0, 0, 0, 6, 9};
  const auto r = encrypt_value(Type::bin_data, six, Algorithm::random, *key);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::type_not_allowed);
}

TEST_F(ValueCipher, RefusesBytesThatAreNotOneValueOfTheType) {
  const std::vector<std::uint8_t> five = {5, 0, 0, 0, 0};
  const auto r = encrypt_value(Type::int_, five, Algorithm::random, *key);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::malformed_bson);
}

TEST_F(ValueCipher, RefusesAPlaintextThatIsNotOneValueOfItsType) {
  // A key holder writes three bytes and calls them an int.
  const std::vector<std::uint8_t> three = {1, 2, 3};
  std::vector<std::uint8_t> payload(payload_len(three.size()));
  const SealJob job{&key->key, id, Algorithm::random, 0x10, three, payload};
  ASSERT_TRUE(seal_batch({&job, 1}));
  const auto r = decrypt_value(payload, *ring);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::malformed_bson);
  EXPECT_NE(r.error().message.find("malformed encrypted bson"), std::string::npos);
}

TEST_F(ValueCipher, SaysWhyAPayloadDoesNotDecrypt) {
  auto payload = encrypt_value(Type::int_, kInt, Algorithm::random, *key);
  ASSERT_TRUE(payload);
  const std::vector<std::uint8_t> one = {1};
  EXPECT_EQ(decrypt_value(one, *ring).error().code, Errc::malformed_payload);
  auto forged = *payload;
  forged.back() = static_cast<std::uint8_t>(forged.back() ^ 1);
  EXPECT_EQ(decrypt_value(forged, *ring).error().code, Errc::auth_failed);
  auto stranger = *payload;
  stranger[1] = static_cast<std::uint8_t>(stranger[1] ^ 1);
  EXPECT_EQ(decrypt_value(stranger, *ring).error().code, Errc::key_not_found);
}

}  // namespace
}  // namespace fle::test
