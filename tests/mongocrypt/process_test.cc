// Processes as drivers have them: forked children, threads, many clients, a limit on locked memory.
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "mongocrypt/library.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

class MongocryptProcess : public testing::Test {
 protected:
  MongocryptProcess() : client_(l_, {kLocal}) {
    world_.keys = {*create_data_key(client_, world_, R"({"provider": "local"})")};
    id_ = binary_of(world_.keys[0], "_id");
  }
  const Library& l_ = Library::ours();
  World world_;
  Client client_;
  Buf id_;
};

TEST_F(MongocryptProcess, AForkedChildFetchesItsKeysAnewAndSoDoesItsChild) {
  const Buf sealed = *encrypt_value(client_, world_, id_, kRandom, "\"x\"");
  const auto works = [&] {
    Ctx ctx(client_);
    if (!l_.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l_, sealed))) return false;
    return ctx.run(world_) == bson_of("{\"v\": \"x\"}") &&
           ctx.states.front() == MONGOCRYPT_CTX_NEED_MONGO_KEYS;
  };
  EXPECT_EQ(in_child([&] { return works() && in_child(works) == 0; }), 0);
  EXPECT_EQ(decrypt_value(client_, world_, sealed), bson_of("{\"v\": \"x\"}")) << "the parent, too";
}

TEST_F(MongocryptProcess, AContextFromBeforeTheForkDoesNotGoOnInTheChild) {
  const Buf sealed = *encrypt_value(client_, world_, id_, kRandom, "\"x\"");
  Client fresh(l_, {kLocal});
  Ctx ctx(fresh);
  ASSERT_TRUE(l_.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l_, sealed)));
  ASSERT_EQ(ctx.state(), MONGOCRYPT_CTX_NEED_MONGO_KEYS);
  EXPECT_EQ(in_child([&] { return !ctx.run(world_) && !ctx.status().message.empty(); }), 0);
  EXPECT_TRUE(ctx.run(world_));
}

TEST_F(MongocryptProcess, WhatIsInFlightAtTheForkIsNotFinishedInTheChild) {
  // Wiped memory of the parent would pass for a data key of zeros.
  const Client asks(l_, {R"({"local": {}})", "", [](const Library& l, mongocrypt_t* crypt) {
                           l.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
                         }});
  Ctx new_key(asks);
  ASSERT_TRUE(l_.mongocrypt_ctx_setopt_masterkey_local(new_key));
  ASSERT_TRUE(l_.mongocrypt_ctx_datakey_init(new_key));
  ASSERT_EQ(new_key.state(), MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS);
  Ctx rewrap(asks);
  ASSERT_TRUE(l_.mongocrypt_ctx_rewrap_many_datakey_init(rewrap, View(l_, bson_of("{}"))));
  ASSERT_TRUE(rewrap.feed(world_.keys[0]));
  ASSERT_TRUE(rewrap.done());
  const Client aws(l_, {R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"}})"});
  Ctx sends(aws);
  const Buf kek = bson_of(R"({"provider": "aws", "region": "us-east-1", "key": "arn:x"})");
  ASSERT_TRUE(l_.mongocrypt_ctx_setopt_key_encryption_key(sends, View(l_, kek)));
  ASSERT_TRUE(l_.mongocrypt_ctx_datakey_init(sends));
  mongocrypt_kms_ctx_t* const kms = l_.mongocrypt_ctx_next_kms_ctx(sends);
  ASSERT_NE(kms, nullptr);
  EXPECT_EQ(in_child([&] {
              const View credentials(l_, bson_of(kLocal));
              const View message(l_);
              return !l_.mongocrypt_ctx_provide_kms_providers(new_key, credentials) &&
                     !new_key.finalize() &&
                     new_key.status().message.find("fork") != std::string::npos &&
                     !l_.mongocrypt_ctx_provide_kms_providers(rewrap, credentials) &&
                     !l_.mongocrypt_kms_ctx_message(kms, message) && message.bytes().empty() &&
                     l_.mongocrypt_ctx_next_kms_ctx(sends) == nullptr;
            }),
            0);
}

TEST_F(MongocryptProcess, AChildMayForkWhileThreadsOfTheParentWork) {
  if (kSanitized) GTEST_SKIP() << kForksAmongThreads;
  const Buf sealed = *encrypt_value(client_, world_, id_, kRandom, "\"x\"");
  // Keys that are fetched all the time, schemas that are looked up all the time.
  const Client busy(l_, {kLocal, R"({"clinic.a": {"bsonType": "object", "properties": {}}})",
                         [](const Library& l, mongocrypt_t* crypt) {
                           EXPECT_TRUE(l.mongocrypt_setopt_key_expiration(crypt, 1));
                         }});
  const Buf insert = bson_of(R"({"insert": "a", "documents": [{"_id": 1}]})");
  const auto works = [&] {
    World own = world_;
    return decrypt_value(busy, own, sealed).has_value() &&
           encrypt_command(busy, own, "clinic", insert) == insert;
  };
  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop) EXPECT_TRUE(works());
    });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(in_child(works), 0);
  stop = true;
}

TEST_F(MongocryptProcess, ManyThreadsShareAHandle) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 64; ++i)
    threads.emplace_back([this, i] {
      World own = world_;
      const std::string value = std::to_string(i);
      for (int n = 0; n < 20; ++n) {
        const auto sealed = encrypt_value(client_, own, id_, kDeterministic, value);
        ASSERT_TRUE(sealed);
        EXPECT_EQ(decrypt_value(client_, own, *sealed), bson_of("{\"v\": " + value + "}"));
      }
    });
}

TEST_F(MongocryptProcess, ContextsOutliveTheirHandleAndEndInAnyOrder) {
  std::vector<std::unique_ptr<Ctx>> contexts;
  for (int i = 0; i < 3000; ++i) {
    contexts.push_back(std::make_unique<Ctx>(client_));
    ASSERT_TRUE(l_.mongocrypt_ctx_setopt_key_id(*contexts.back(), View(l_, id_)));
    ASSERT_TRUE(l_.mongocrypt_ctx_setopt_algorithm(*contexts.back(), kRandom.data(), -1));
    ASSERT_TRUE(
        l_.mongocrypt_ctx_explicit_encrypt_init(*contexts.back(), View(l_, bson_of("{\"v\": 5}"))));
  }
  client_.destroy();
  for (std::size_t i = 0; i < contexts.size(); i += 2) contexts[i].reset();
  for (std::size_t i = 1; i < contexts.size(); i += 2) EXPECT_TRUE(contexts[i]->run(world_));
}

TEST_F(MongocryptProcess, WorksWithoutLockedMemoryAndSaysSo) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's mlock does nothing, and says that it did";
  EXPECT_EQ(in_child([this] {
              const rlimit none{0, 0};
              if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
              // Root may lock all the same.
              if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return false;
              std::vector<std::string> log;
              const Client client(
                  l_, {kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) {
                         const auto note = [](mongocrypt_log_level_t, const char* text,
                                              std::uint32_t len, void* to) {
                           static_cast<std::vector<std::string>*>(to)->emplace_back(text, len);
                         };
                         (void)l.mongocrypt_setopt_log_handler(crypt, note, &log);
                       }});
              return encrypt_value(client, world_, id_, kRandom, "5").has_value() &&
                     std::ranges::any_of(log, [](const std::string& line) {
                       return line.find("RLIMIT_MEMLOCK") != std::string::npos;
                     });
            }),
            0);
}

TEST_F(MongocryptProcess, AKeyThatAContextHeldServesNoOtherContext) {
  const Client brief(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                            EXPECT_TRUE(l.mongocrypt_setopt_key_expiration(crypt, 1));
                          }});
  const Buf sealed = *encrypt_value(client_, world_, id_, kRandom, "\"x\"");
  const auto asks = [&] {
    Ctx ctx(brief);
    EXPECT_TRUE(l_.mongocrypt_ctx_decrypt_init(ctx, View(l_, sealed)));
    EXPECT_TRUE(ctx.run(world_)) << ctx.status().message;
    return ctx.states.front() == MONGOCRYPT_CTX_NEED_MONGO_KEYS;
  };
  ASSERT_TRUE(asks());
  while (!asks()) {  // until a millisecond is over
  }
}

TEST_F(MongocryptProcess, AKeyThatHasExpiredIsFetchedAgain) {
  const Client brief(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                            EXPECT_TRUE(l.mongocrypt_setopt_key_expiration(crypt, 1));
                          }});
  const auto states = [&] {
    Ctx ctx(brief);
    EXPECT_TRUE(l_.mongocrypt_ctx_setopt_key_id(ctx, View(l_, id_)));
    EXPECT_TRUE(l_.mongocrypt_ctx_setopt_algorithm(ctx, kRandom.data(), -1));
    EXPECT_TRUE(l_.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l_, bson_of("{\"v\": 5}"))));
    EXPECT_TRUE(ctx.run(world_)) << ctx.status().message;
    return ctx.states;
  };
  ASSERT_EQ(states().front(), MONGOCRYPT_CTX_NEED_MONGO_KEYS);
  while (states().front() != MONGOCRYPT_CTX_NEED_MONGO_KEYS) {  // until a millisecond is over
  }
}

}  // namespace
}  // namespace fle::test
