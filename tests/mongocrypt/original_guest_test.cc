// The library that FLE_MONGOCRYPT_QE names, as a guest: files that are none, its hooks, threads,
// forks, and calls in any order.
#include <random>
#include <thread>

#include "mongocrypt/original_support.h"

namespace fle::test {
namespace {

TEST_F(MongocryptOriginal, AFileThatIsNoneIsToldOfAndRefused) {
  const struct {
    std::string path;
    const char* words;
  } rows[] = {
      {"/nowhere/libmongocrypt.so.0", "cannot be loaded"},
      {FLE_MONGOCRYPT, "is libfle's"},
      {"libmongocrypt.so.0", "no absolute path"},
      {FLE_ANY_LIBRARY, "is no libmongocrypt"},
      {"/", "cannot be loaded"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.path);
    std::vector<std::string> log;
    const Handing client(
        {kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) { listen(log, l, crypt); }},
        row.path);
    ASSERT_TRUE(client.client->is_ready()) << "what needs no original works without";
    EXPECT_EQ(lines_with(log, row.words), 1);
    StatusText status;
    EXPECT_FALSE(encrypt(client, {}, "5", &status));
    EXPECT_NE(status.message.find("Queryable Encryption"), std::string::npos);
    EXPECT_NE(status.message.find(row.words), std::string::npos) << status.message;
    const Buf sealed = *encrypt_value(client, world_, id_, kRandom, "5");
    EXPECT_EQ(decrypt_reply(client, world_, sealed), bson_of(R"({"v": 5})"));
    const Handing map({kLocal, "",
                       [&](const Library& l, mongocrypt_t* crypt) {
                         EXPECT_FALSE(l.mongocrypt_setopt_encrypted_field_config_map(
                             crypt, View(l, bson_of("{\"clinic.c\": " + fields() + "}"))));
                       }},
                      row.path);
    EXPECT_NE(map.client->status().message.find(row.words), std::string::npos);
  }
}

TEST_F(MongocryptOriginal, OptionsThatItIsTooOldForAreToldOf) {
  std::vector<std::string> log;
  const Handing client({kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) {
                          listen(log, l, crypt);
                          EXPECT_TRUE(l.mongocrypt_setopt_key_expiration(crypt, 60'000));
                          EXPECT_TRUE(l.mongocrypt_setopt_use_range_v2(crypt));
                          EXPECT_TRUE(l.mongocrypt_setopt_retry_kms(crypt, true));
                          EXPECT_TRUE(l.mongocrypt_setopt_enable_multiple_collinfo(crypt));
                          l.mongocrypt_setopt_append_crypt_shared_lib_search_path(crypt, "/tmp");
                        }});
  EXPECT_EQ(lines_with(log, "is handed to libmongocrypt 1.7.2"), 1);
  EXPECT_TRUE(encrypt(client, {}, "5"));
  EXPECT_TRUE(encrypt(client, {}, "5"));
  EXPECT_EQ(lines_with(log, "too old for"), 2);
  const Ctx ctx(client);
  const Library& l = Library::ours();
  EXPECT_FALSE(l.mongocrypt_ctx_setopt_algorithm_text(ctx, View(l, bson_of("{}"))));
  EXPECT_NE(ctx.status().message.find("too old for this option"), std::string::npos)
      << ctx.status().message;
}

TEST_F(MongocryptOriginal, ItCallsTheHooksOfTheDriver) {
  struct Seen {
    int random = 0;
    bool fails = false;
    const Library* l = nullptr;
  } seen;
  seen.l = &Library::ours();
  const auto random = [](void* context, mongocrypt_binary_t* out, std::uint32_t count,
                         mongocrypt_status_t* status) {
    auto& s = *static_cast<Seen*>(context);
    ++s.random;
    if (s.fails) {
      s.l->mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_CLIENT, 77, "no dice", -1);
      return false;
    }
    EXPECT_EQ(s.l->mongocrypt_binary_len(out), count);
    std::fill_n(s.l->mongocrypt_binary_data(out), count, std::uint8_t{9});
    return true;
  };
  const auto crypto = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_binary_t*,
                         mongocrypt_binary_t*, std::uint32_t*,
                         mongocrypt_status_t*) { return false; };
  // Enough to unwrap a data key and to make a payload is too much for a test: that it is called,
  // with bytes that it sees and a status that arrives, is what counts.
  const auto hmac = [](void* context, mongocrypt_binary_t* key, mongocrypt_binary_t* in,
                       mongocrypt_binary_t* out, mongocrypt_status_t* status) {
    const auto& s = *static_cast<Seen*>(context);
    EXPECT_EQ(s.l->mongocrypt_binary_len(key), 32U);
    EXPECT_GT(s.l->mongocrypt_binary_len(in), 0U);
    EXPECT_NE(s.l->mongocrypt_binary_data(out), nullptr);
    s.l->mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_CLIENT, 78, "no hash", -1);
    return false;
  };
  const auto hash = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_status_t*) {
    return false;
  };
  const auto set = [&](const Library& l, mongocrypt_t* crypt) {
    EXPECT_TRUE(
        l.mongocrypt_setopt_crypto_hooks(crypt, crypto, crypto, random, hmac, hmac, hash, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ctr(crypt, crypto, crypto, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ecb(crypt, crypto, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5(crypt, hmac, &seen));
  };
  const Handing ours({kLocal, "", set});
  StatusText status;
  EXPECT_FALSE(encrypt(ours, {}, "\"x\"", &status));
  EXPECT_EQ(status.code, 78U) << status.message;
  EXPECT_NE(status.message.find("no hash"), std::string::npos) << status.message;
  // Ours needs none.
  EXPECT_TRUE(encrypt_value(ours, world_, id_, kRandom, "5"));
}

TEST_F(MongocryptOriginal, ContextsOutliveTheirHandleAndEndInAnyOrder) {
  std::vector<std::unique_ptr<Ctx>> contexts;
  for (int i = 0; i < 1000; ++i) {
    contexts.push_back(std::make_unique<Ctx>(*ours_));
    ASSERT_TRUE(begin(*ours_, *contexts.back(), {}, "\"x\""));
  }
  ours_->client->destroy();
  for (std::size_t i = 0; i < contexts.size(); i += 2) contexts[i].reset();
  for (std::size_t i = 1; i < contexts.size(); i += 2) EXPECT_TRUE(contexts[i]->run(world_));
}

TEST_F(MongocryptOriginal, ManyThreadsShareAHandle) {
  const Handing fresh({kLocal});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, i] {
      World own = world_;
      const std::string value = std::to_string(i);
      for (int n = 0; n < 20; ++n) {
        Ctx ctx(fresh);
        ASSERT_TRUE(begin(fresh, ctx, {}, value));
        const auto sealed = ctx.run(own);
        ASSERT_TRUE(sealed) << ctx.status().message;
        EXPECT_EQ(decrypt_value(fresh, own, *sealed), bson_of("{\"v\": " + value + "}"));
      }
    });
}

TEST_F(MongocryptOriginal, AForkedChildHasAHandleOfItsOwn) {
  const Buf sealed = *encrypt(*ours_, {}, "\"x\"");
  Ctx early(*ours_);
  ASSERT_TRUE(begin(*ours_, early, {}, "\"y\""));
  EXPECT_EQ(in_child([&] {
              Ctx ctx(*ours_);
              const Library& l = Library::ours();
              // Keys are fetched again; a context from before the fork does not go on.
              return l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, sealed)) &&
                     ctx.state() == kKeys && ctx.run(world_) == bson_of(R"({"v": "x"})") &&
                     !early.finalize() &&
                     early.status().message.find("fork") != std::string::npos &&
                     early.state() == kError;
            }),
            0);
  EXPECT_TRUE(early.run(world_));
}

TEST_F(MongocryptOriginal, AnyCallsInAnyOrderEndWell) {
  Client::Options options = walk_options();
  options.kms_providers = R"({"local": {"key": ")" + std::string(128, 'A') +
                          R"("}, "aws": {"accessKeyId": "a", "secretAccessKey": "b"}})";
  const Handing client(options);
  std::vector<Buf> documents = walk_documents(client);
  documents.push_back(*encrypt(*ours_, {}, "\"x\""));
  documents.push_back(bson_of(R"({"create": "e", "encryptedFields": {"fields": []}})"));
  documents.push_back(bson_of(R"({"compactStructuredEncryptionData": "a"})"));
  documents.push_back(
      bson_of(R"({"name": "a", "options": {"encryptedFields": )" + fields() + "}}"));
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    Walk walk(
        client, documents, [&random] { return static_cast<unsigned>(random()); }, true);
    for (int i = 0; i < 25; ++i) walk.step();
    const auto state = walk.ctx().state();
    EXPECT_EQ(walk.ctx().status().message.empty(), walk.ctx().status().type == 0);
    if (!walk.ctx().status().message.empty()) {
      EXPECT_EQ(state, kError);
    }
    EXPECT_NE(state, kMarkings);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// Random contexts with both libraries, step by step: the same state, the same success, the same
// status, and, where there is no randomness in it, the same result.
TEST_F(MongocryptOriginal, RandomContextsTakeTheSameSteps) {
  std::mt19937 random(2026);
  const auto one_of = [&](const auto& all) { return all[random() % all.size()]; };
  std::vector<Buf> payloads;
  for (const How& how : {How{}, How{"Indexed", 4}, How{"Indexed", 4, "equality"}})
    for (const char* value : {"5", "\"text\"", "{\"$numberLong\": \"7\"}"})
      payloads.push_back(*encrypt(*theirs_, how, value));
  const std::vector<std::string> values = {
      "5",    "\"text\"",        "{\"$numberDouble\": \"1.5\"}", "{\"a\": 1}", "null",
      "true", "{\"$minKey\": 1}"};
  const std::vector<std::string> algorithms = {"Indexed",   "Indexed", "Unindexed",
                                               "Unindexed", "Range",   "RangePreview"};
  ASSERT_TRUE(encrypt(*ours_, {}, "5"));  // as warm as theirs
  int finished = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool decrypts = random() % 3 == 0;
    How how{one_of(algorithms)};
    if (how.algorithm == "Indexed" || random() % 4 == 0)
      how.contention = static_cast<std::int64_t>(random() % 5);
    if (random() % 3 == 0) how.query_type = one_of(std::vector<std::string>{"equality", "bogus"});
    how.has_index_key = random() % 4 == 0;
    how.key_first = random() % 2 == 0;
    const std::string value = one_of(values);
    Buf payload = one_of(payloads);
    // Not one that is to be inserted: 1.7.2 frees what is in a broken one twice.
    const std::size_t changed = payload.size() - 2 - random() % 40;
    if (random() % 4 == 0 && binary_of(payload, "v")[0] == 6) payload[changed] ^= 1;
    const Buf* const fed = random() % 6 == 0 ? nullptr : &world_.keys[random() % 5 == 0 ? 1 : 0];
    const bool warm = random() % 2 == 0;
    std::optional<std::pair<std::vector<std::string>, Buf>> expected;
    std::optional<Client> fresh_theirs;
    std::optional<Handing> fresh_ours;
    if (!warm) {
      fresh_theirs.emplace(*Library::theirs(), options());
      fresh_ours.emplace(options());
    }
    for (const Client* client :
         warm ? both() : std::vector<const Client*>{&*fresh_theirs, &*fresh_ours->client}) {
      const Library& l = client->library();
      Ctx ctx(*client);
      std::vector<std::string> steps;
      Buf result;
      const auto note = [&](const char* step, bool good) {
        const StatusText status = ctx.status();
        steps.push_back(std::string(step) + (good ? " ok " : " failed ") +
                        std::to_string(good ? ctx.state() : kError) + " " +
                        std::to_string(status.type) + " " + std::to_string(status.code) + " " +
                        status.message);
        return good;
      };
      bool good =
          note("begin", decrypts ? l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, payload))
                                 : begin(*client, ctx, how, value));
      while (good && ctx.state() == kKeys) {
        steps.push_back(json_of(ctx.op()));
        good = (fed == nullptr || note("feed", ctx.feed(*fed))) && note("done", ctx.done());
      }
      if (good && ctx.state() == kReady) {
        const auto made = ctx.finalize();
        note("finalize", made.has_value());
        if (made) result = *made;
      }
      finished += result.empty() ? 0 : 1;
      // A sealed value has randomness in it, but for what is searched for.
      if (!decrypts && how.query_type.empty() && !result.empty())
        result = Buf(1, static_cast<std::uint8_t>(result.size()));
      if (!expected) {
        expected.emplace(steps, result);
      } else {
        ASSERT_EQ(steps, expected->first) << "script " << i;
        ASSERT_EQ(result, expected->second) << "script " << i;
      }
    }
  }
  EXPECT_GT(finished, 1000);
}

}  // namespace
}  // namespace fle::test
