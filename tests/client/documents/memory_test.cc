// What a cipher does with memory: none may be given back with plaintext in it, and running out of
// it is a failure like others. Replaces malloc and free, so it is a program of its own.
#include <atomic>
#include <cstring>
#include <functional>

#include <malloc.h>

#include "client/c_interface/c_support.h"
#include "client/client_support.h"
#include "fle/client/auto_encrypter.h"
#include "support/sanitizer.h"

namespace {

constexpr char kCanary[] = "canary";
std::atomic<bool> watching{false};
std::atomic<long> n_leaks{0};
std::atomic<long> allocations_left{-1};  // negative: as many as the system has

}  // namespace

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
constexpr bool kOwnsMalloc = true;
extern "C" {
void* __libc_malloc(std::size_t n);  // NOLINT(bugprone-reserved-identifier)
void __libc_free(void* p);           // NOLINT(bugprone-reserved-identifier)
void* malloc(std::size_t n) {
  // Once it has run out it stays so: a failure must not need memory itself.
  if (allocations_left.load() == 0) return nullptr;
  if (allocations_left.load() > 0) allocations_left.fetch_sub(1);
  void* const p = __libc_malloc(n);
  // What an earlier owner has left in it is not the fault of the next one.
  if (p != nullptr && watching.load()) std::memset(p, 0, ::malloc_usable_size(p));
  return p;
}
void free(void* p) {
  if (p != nullptr && watching.load()) {
    if (::memmem(p, ::malloc_usable_size(p), kCanary, sizeof kCanary - 1) != nullptr)
      n_leaks.fetch_add(1);
  }
  __libc_free(p);
}
}
#else
constexpr bool kOwnsMalloc = false;  // a sanitizer owns it
#endif

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

struct ClientMemory : ::testing::Test {
  void SetUp() override {
    if (!kOwnsMalloc) GTEST_SKIP() << "a sanitizer owns malloc";
  }
  Doc encrypted(const Doc& doc) const {
    Batch batch;
    batch.add(doc);
    EXPECT_TRUE(cipher.encrypt(batch));
    return copy(batch.output(0));
  }
  [[nodiscard]] client::AutoEncrypter auto_encrypter() const {
    client::AutoEncrypter::Options options;
    options.schema_map["clinic.patients"] = patients(key);
    options.previous_keys[key] = {previous};
    return {options, world.ring()};
  }
  World world;
  KeyId key = world.new_key();
  KeyId previous = world.new_key();
  DocumentCipher cipher{patients(key), world.ring()};
};

TEST_F(ClientMemory, HoldsNoPlaintextWhenItIsGivenBack) {
  const Doc small = encrypted(patient());
  const Doc large = encrypted(bson("{'bloodType': '" + std::string(100'000, 'x') + " canary'}"));
  watching = true;
  {
    Batch batch;
    for (const Doc* doc : {&small, &large, &small}) {
      batch.clear();
      for (int i = 0; i < 10; ++i) batch.add(*doc);
      EXPECT_TRUE(cipher.decrypt(batch));
      EXPECT_TRUE(contains(batch.output(9), kCanary));
    }
    Batch moved = std::move(batch);
    batch = std::move(moved);
    batch = Batch();
  }
  watching = false;
  EXPECT_EQ(n_leaks.load(), 0);
  // The watch itself works.
  watching = true;
  ::free(::strdup(kCanary));
  watching = false;
  EXPECT_EQ(n_leaks.load(), 1);
}

// Values open where they go, with room behind each that goes back: with 16 bytes of so many it is
// more than 1 MiB.
TEST_F(ClientMemory, HoldsNoPlaintextWhenRoomOfManyValuesIsGivenBack) {
  constexpr int kFields = 70'000;
  bson_t b = BSON_INITIALIZER;
  for (int i = 0; i < kFields; ++i)
    bson_append_utf8(&b, ("f" + std::to_string(i)).c_str(), -1, "canary 1234", -1);
  const Doc doc(bson_get_data(&b), bson_get_data(&b) + b.len);
  bson_destroy(&b);
  const DocumentCipher all(plan("{'bsonType': 'object', 'patternProperties': {'^f': {'encrypt': "
                                "{'keyId': " +
                                key_json(key) + ", 'algorithm': " + kRand + "}}}}"),
                           world.ring());
  Doc sealed;
  {
    Batch batch;
    batch.add(doc);
    ASSERT_TRUE(all.encrypt(batch));
    sealed = copy(batch.output(0));
  }
  n_leaks = 0;
  watching = true;
  {
    Batch batch;
    batch.add(sealed);
    EXPECT_TRUE(all.decrypt(batch));
    EXPECT_TRUE(contains(batch.output(0), kCanary));
    batch.clear();
    batch.add(sealed);
    EXPECT_TRUE(all.reencrypt(batch, {}));
  }
  watching = false;
  EXPECT_EQ(n_leaks.load(), 0);
}

TEST_F(ClientMemory, HoldsNoPlaintextWhenAMessageIsGivenBack) {
  const std::string text = "'" + std::string(100, 'x') + " canary'";
  const Doc insert =
      bson("{'insert': 'patients', 'documents': [{'_id': 1, 'bloodType': " + text + "}]}");
  const Doc refused = bson("{'insert': 'patients', 'documents': [{'_id': 1, 'bloodType': " + text +
                           ", 'ssn': " + text + "}]}");
  const Doc rolled = bson("{'find': 'patients', 'filter': {'name': " + text + ", 'ssn': 5}}");
  const Doc larger = bson("{'insert': 'patients', 'documents': [{'_id': 1, 'bloodType': '" +
                          std::string(10'000, 'x') + "'}]}");
  const auto e = auto_encrypter();
  const Doc reply = *e.encrypt_command("clinic", insert);
  EXPECT_FALSE(contains(reply, kCanary));
  n_leaks = 0;
  watching = true;
  {
    client::Message message;
    for (int round = 0; round < 2; ++round) {
      EXPECT_TRUE(e.encrypt_command("clinic", insert, message));
      EXPECT_FALSE(e.encrypt_command("clinic", refused, message));
      EXPECT_TRUE(message.output().empty());
      EXPECT_TRUE(e.encrypt_command("clinic", rolled, message));
      EXPECT_TRUE(contains(message.output(), kCanary)) << "the name is not encrypted";
      EXPECT_TRUE(e.encrypt_command("clinic", larger, message));
      EXPECT_TRUE(e.decrypt_reply(reply, message));
      EXPECT_TRUE(contains(message.output(), kCanary));
    }
    EXPECT_TRUE(e.encrypt_command("clinic", rolled, message));
    client::Message moved = std::move(message);
    message = std::move(moved);
    message = client::Message();
  }
  watching = false;
  EXPECT_EQ(n_leaks.load(), 0);
}

/// Runs `call` on a fresh batch of `doc` with only `n` allocations to come. True when it had
/// enough.
template <class Call>
bool had_enough(long n, const Doc& doc, Call call) {
  Batch batch;
  batch.add(doc);
  allocations_left = n;
  const Done done = call(batch);
  allocations_left = -1;
  EXPECT_TRUE(done || done.error().code == Errc::no_memory)
      << n << ": " << done.error().to_string();
  EXPECT_EQ(batch.output(0).empty(), !done) << n;
  return done.has_value();
}

TEST_F(ClientMemory, RunningOutInTheMiddleOfACommandIsAFailureThatGivesNothingOut) {
  const auto e = auto_encrypter();
  for (const char* text : {"{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}",
                           "{'find': 'patients', 'filter': {'ssn': 5, 'name': 'x'}}"}) {
    const Doc command = bson(text);
    long n = 0;
    for (bool enough = false; !enough; ++n) {
      client::Message message;
      allocations_left = n;
      const Done done = e.encrypt_command("clinic", command, message);
      allocations_left = -1;
      enough = done.has_value();
      EXPECT_TRUE(enough || done.error().code == Errc::no_memory) << n;
      EXPECT_EQ(message.output().empty(), !enough) << n;
    }
    EXPECT_GT(n, 5) << "a fresh message needs memory";
  }
}

TEST_F(ClientMemory, RunningOutAtAnyMomentIsAFailureThatGivesNothingOut) {
  const Doc sealed = encrypted(patient());
  long n = 0;
  while (!had_enough(n, patient(), [this](Batch& b) { return cipher.encrypt(b); })) ++n;
  EXPECT_GT(n, 5) << "a fresh batch needs memory";
  n = 0;
  while (!had_enough(n, sealed, [this](Batch& b) { return cipher.decrypt(b); })) ++n;
  EXPECT_GT(n, 5);
}

TEST_F(ClientMemory, HandlesOfTheInterfaceForCGiveNoPlaintextBack) {
  const c::Clinic clinic;
  fle_error* const error = clinic.error.get();
  const Doc sealed = clinic.encrypted(patient());
  const Doc value = clinic.encrypted(bson("{'bloodType': 'AB+ canary'}"));
  const Doc plain = patient();
  const c::Commands commands(fle_commands_create(clinic.keys.get(), 0, error));
  n_leaks = 0;
  watching = true;
  {
    const c::Buffer out(fle_buffer_create());
    const auto check = [&](int code) {
      EXPECT_EQ(code, FLE_OK);
      EXPECT_TRUE(contains(c::bytes(out), kCanary));
    };
    fle_cipher* const both = clinic.cipher.get();
    check(fle_decrypt_documents(both, out.get(), sealed.data(), sealed.size(), error));
    check(fle_decrypt_value(clinic.keys.get(), out.get(), value.data(), value.size(), error));
    check(fle_decrypt_reply(commands.get(), out.get(), sealed.data(), sealed.size(), error));
    const c::Stream opening(fle_stream_create(both, FLE_DECRYPT, error));
    EXPECT_EQ(fle_stream_push(opening.get(), out.get(), sealed.data(), sealed.size(), error),
              FLE_OK);
    check(fle_stream_finish(opening.get(), out.get(), error));
    // Plaintext that came in, and waits.
    const c::Stream sealing(fle_stream_create(both, FLE_ENCRYPT, error));
    for (int i = 0; i < 700; ++i)
      EXPECT_EQ(fle_stream_push(sealing.get(), out.get(), plain.data(), plain.size(), error),
                FLE_OK);
    fle_buffer_clear(out.get());
    const c::Batch batch(fle_batch_create(error));
    EXPECT_EQ(fle_batch_add(batch.get(), sealed.data(), sealed.size(), error), FLE_OK);
    EXPECT_EQ(fle_decrypt_batch(both, batch.get(), error), FLE_OK);
  }
  watching = false;
  EXPECT_EQ(n_leaks.load(), 0);
}

TEST_F(ClientMemory, RunningOutInTheInterfaceForCIsACode) {
  const c::Clinic clinic;
  fle_error* const error = clinic.error.get();
  const Doc plain = patient();
  const Doc sealed = clinic.encrypted(plain);
  const Doc find = bson("{'find': 'patients', 'filter': {'ssn': 5}}");
  const std::string schema = R"({"bsonType": "object"})";
  const std::vector<std::function<int(fle_buffer*)>> calls = {
      [&](fle_buffer* out) {
        return fle_encrypt_documents(clinic.cipher.get(), out, plain.data(), plain.size(), error);
      },
      [&](fle_buffer* out) {
        return fle_decrypt_documents(clinic.cipher.get(), out, sealed.data(), sealed.size(), error);
      },
      [&](fle_buffer* out) {
        const c::Stream stream(fle_stream_create(clinic.cipher.get(), FLE_ENCRYPT, error));
        if (stream == nullptr) return fle_error_code(error);
        const int code = fle_stream_push(stream.get(), out, plain.data(), plain.size(), error);
        return code != FLE_OK ? code : fle_stream_finish(stream.get(), out, error);
      },
      [&](fle_buffer* out) {
        const c::Commands commands(fle_commands_create(clinic.keys.get(), 0, error));
        const int code = commands == nullptr
                             ? fle_error_code(error)
                             : fle_commands_set_schema(commands.get(), "clinic.patients", FLE_NUL,
                                                       clinic.schema.get(), error);
        return code != FLE_OK ? code
                              : fle_encrypt_command(commands.get(), out, "clinic", FLE_NUL,
                                                    find.data(), find.size(), error);
      },
      [&](fle_buffer* out) {
        fle_buffer_clear(out);
        const c::Schema made(fle_schema_create(schema.data(), schema.size(), nullptr, 0, error));
        return fle_error_code(error);
      }};
  for (const auto& call : calls) {
    int code = FLE_ERRC_NO_MEMORY;
    long n = 0;
    for (; code == FLE_ERRC_NO_MEMORY; ++n) {
      const c::Buffer out(fle_buffer_create());
      allocations_left = n;
      code = call(out.get());
      allocations_left = -1;
      if (code != FLE_OK) {
        ASSERT_EQ(code, FLE_ERRC_NO_MEMORY) << n;
        EXPECT_EQ(fle_buffer_size(out.get()), 0U);
        EXPECT_STREQ(fle_error_message(error), "no_memory");
      }
    }
    EXPECT_GT(n, 3);
  }
}

}  // namespace
}  // namespace fle::test
