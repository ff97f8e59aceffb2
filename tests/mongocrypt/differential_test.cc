// Both libraries, step by step through the same random contexts: after each step the same state and
// the same success, at the end the same result.
#include <random>

#include <gtest/gtest.h>

#include "fle/bson/writer.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

/// What a driver does in one context, for either library.
struct Script {
  enum class What : std::uint8_t { encrypt, decrypt, reply, data_key, rewrap };
  enum class Feed : std::uint8_t { right, nothing, stranger, twice, broken };
  What what{};
  Feed feed{};
  bool warm = false;  ///< The client has fetched its keys before.
  // encrypt
  Buf key_id;
  std::string key_name;  ///< Instead of the id, where it is not empty.
  std::string algorithm;
  Buf document;  ///< That the init function takes.
  // data_key
  std::string kek;
  std::vector<std::string> names;
  Buf material;
};

/// What happened, in words that can be compared.
struct Trace {
  std::vector<std::string> steps;
  Buf result;
  void note(const char* step, bool good, const Ctx& ctx) {
    // Asked for its state before its init, libmongocrypt's context is an error from then on.
    const bool is_option = step[0] == '-';
    const std::string state = is_option ? "" : std::to_string(static_cast<int>(ctx.state()));
    steps.push_back(std::string(step) + (good ? " ok " : " failed ") + state);
  }
};

class MongocryptDifferential : public testing::Test {
 protected:
  void SetUp() override {
    if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    const Client client(*Library::theirs(), {kLocal});
    World world;
    for (const std::string name : {"ann", "ben", "stranger"})
      keys_.push_back(*create_data_key(client, world, R"({"provider": "local"})", {name}));
    world.keys = keys_;
    for (const char* value : {"5", "\"text\"", "{\"a\": [1, {\"b\": 2}]}", "[]", "\"\""})
      for (int key = 0; key < 2; ++key)
        sealed_.push_back(binary_of(*encrypt_value(client, world, id(key), kRandom, value), "v"));
  }

  [[nodiscard]] Buf id(int key) const {
    return binary_of(keys_[static_cast<std::size_t>(key)], "_id");
  }
  template <class T>
  T one_of(const std::vector<T>& all) {
    return all[random_() % all.size()];
  }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  Buf payload() {
    Buf p = one_of(sealed_);
    // Not its first byte, which says whose protocol it is: one of Queryable Encryption is refused.
    if (chance(6))
      p[1 + random_() % (p.size() - 1)] ^= static_cast<std::uint8_t>(1U << (random_() % 8));
    // Not so short that it names no key: that fails at once there, and at the end here.
    if (chance(10)) p.resize(19 + random_() % (p.size() - 19));
    return p;
  }
  Buf reply() {
    std::string json = "{";
    const std::size_t n = random_() % 5;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string name = (i == 0 ? "\"f" : ", \"f") + std::to_string(i) + "\": ";
      if (chance(3)) {
        json += name + one_of<std::string>({"1", "\"x\"", "{\"a\": null}", "[true]"});
      } else {
        json += name + in_json(payload());
      }
    }
    return bson_of(json + "}");
  }
  static std::string in_json(const Buf& payload) {
    static constexpr char kDigits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string base64;
    for (std::size_t i = 0; i < payload.size(); i += 3) {
      const std::size_t n = std::min<std::size_t>(3, payload.size() - i);
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < n ? payload[i + k] : 0U);
      for (std::size_t k = 0; k < 4; ++k)
        base64 += k <= n ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return R"({"$binary": {"base64": ")" + base64 + R"(", "subType": "06"}})";
  }

  Script script() {
    using What = Script::What;
    using Feed = Script::Feed;
    Script s;
    s.what =
        one_of<What>({What::encrypt, What::decrypt, What::reply, What::data_key, What::rewrap});
    s.feed = chance(3) ? one_of<Feed>({Feed::nothing, Feed::stranger, Feed::twice, Feed::broken})
                       : Feed::right;
    s.warm = chance(3);
    s.key_id = chance(8) ? Buf(16, 9) : id(static_cast<int>(random_() % 2));
    if (chance(3)) s.key_name = one_of<std::string>({"ann", "ben", "nobody"});
    s.algorithm = one_of<std::string>({std::string(kDeterministic), std::string(kRandom)});
    switch (s.what) {
      case What::encrypt:
        s.document = bson_of(
            "{\"v\": " +
            one_of<std::string>({"5", "\"text\"", "true", "1.5", "null", "{\"a\": 1}", "[1]",
                                 "{\"$oid\": \"0123456789abcdef01234567\"}", "{\"$minKey\": 1}",
                                 "{\"$date\": {\"$numberLong\": \"1\"}}"}) +
            "}");
        break;
      case What::decrypt:
        s.document = bson_of("{\"v\": " + in_json(payload()) + "}");
        break;
      case What::reply:
        s.document = reply();
        break;
      case What::data_key:
        s.kek = one_of<std::string>(
            {R"({"provider": "local"})", R"({"provider": "bogus"})", R"({"provider": "local"})"});
        if (chance(2)) s.names = {"new", "newer"};
        if (chance(4)) s.material = Buf(chance(3) ? 95 : 96, 7);
        break;
      case What::rewrap:
        s.document = bson_of("{}");
        // Libmongocrypt takes a key that is fed twice, or not, by what is in its cache.
        if (s.feed == Feed::twice) s.feed = Feed::right;
        break;
    }
    return s;
  }

  Trace run(const Library& l, const Client& client, const Script& s) {
    Trace trace;
    Ctx ctx(client);
    const auto note = [&](const char* step, bool good) {
      trace.note(step, good, ctx);
      return good;
    };
    if (!begin(l, ctx, s, note)) return trace;
    if (ctx.state() == MONGOCRYPT_CTX_NEED_MONGO_KEYS) {
      if (s.feed == Script::Feed::broken && !note("broken", ctx.feed(bson_of("{}")))) return trace;
      if (s.feed == Script::Feed::stranger && s.what != Script::What::rewrap &&
          !note("stranger", ctx.feed(keys_[2])))
        return trace;
      for (int times = s.feed == Script::Feed::twice ? 2 : 1; times > 0; --times)
        for (const Buf& key : s.feed == Script::Feed::nothing ? std::vector<Buf>{} : asked(ctx, s))
          if (!note("feed", ctx.feed(key))) return trace;
      if (!note("done", ctx.done())) return trace;
    }
    if (ctx.state() != MONGOCRYPT_CTX_READY) return trace;
    const auto result = ctx.finalize();
    note("finalize", result.has_value());
    if (result) trace.result = *result;
    return trace;
  }

  template <class Note>
  bool begin(const Library& l, const Ctx& ctx, const Script& s, Note note) {
    switch (s.what) {
      case Script::What::encrypt: {
        const Buf name = bson_of(R"({"keyAltName": ")" + s.key_name + "\"}");
        return note("-key", s.key_name.empty()
                                ? l.mongocrypt_ctx_setopt_key_id(ctx, View(l, s.key_id))
                                : l.mongocrypt_ctx_setopt_key_alt_name(ctx, View(l, name))) &&
               note("-algorithm",
                    l.mongocrypt_ctx_setopt_algorithm(ctx, s.algorithm.c_str(), -1)) &&
               note("init", l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, s.document)));
      }
      case Script::What::decrypt:
        return note("init", l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, s.document)));
      case Script::What::reply:
        return note("init", l.mongocrypt_ctx_decrypt_init(ctx, View(l, s.document)));
      case Script::What::rewrap:
        return note("init", l.mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(l, s.document)));
      case Script::What::data_key: {
        if (!note("-kek", l.mongocrypt_ctx_setopt_key_encryption_key(ctx, View(l, bson_of(s.kek)))))
          return false;
        for (const std::string& name : s.names) {
          const Buf document = bson_of(R"({"keyAltName": ")" + name + "\"}");
          if (!note("-name", l.mongocrypt_ctx_setopt_key_alt_name(ctx, View(l, document))))
            return false;
        }
        if (!s.material.empty()) {
          bson::Writer w;
          w.add_binary("keyMaterial", 0, s.material);
          if (!note("-material", l.mongocrypt_ctx_setopt_key_material(ctx, View(l, w.finish()))))
            return false;
        }
        return note("init", l.mongocrypt_ctx_datakey_init(ctx));
      }
    }
    return false;
  }

  /// The keys that a vault would answer with.
  [[nodiscard]] std::vector<Buf> asked(const Ctx& ctx, const Script& s) const {
    if (s.what == Script::What::rewrap) return keys_;
    const Buf filter = ctx.op();
    const std::string_view text(reinterpret_cast<const char*>(filter.data()), filter.size());
    std::vector<Buf> found;
    for (int i = 0; i < 2; ++i) {
      const Buf key_id = id(i);
      if (text.find(std::string_view(reinterpret_cast<const char*>(key_id.data()), 16)) !=
              std::string_view::npos ||
          text.find(i == 0 ? "ann" : "ben") != std::string_view::npos)
        found.push_back(keys_[static_cast<std::size_t>(i)]);
    }
    return found;
  }

  std::mt19937 random_{2026};
  std::vector<Buf> keys_;
  std::vector<Buf> sealed_;
};

TEST_F(MongocryptDifferential, RandomContextsTakeTheSameSteps) {
  const Library& ours = Library::ours();
  const Library& theirs = *Library::theirs();
  const Client warm_ours(ours, {kLocal});
  const Client warm_theirs(theirs, {kLocal});
  World world;
  world.keys = keys_;
  for (const Client* client : {&warm_ours, &warm_theirs})
    for (int key = 0; key < 2; ++key)
      ASSERT_TRUE(encrypt_value(*client, world, id(key), kRandom, "5"));
  int finished = 0;
  for (int i = 0; i < 5000; ++i) {
    const Script s = script();
    std::optional<Client> fresh_ours;
    std::optional<Client> fresh_theirs;
    if (!s.warm) {
      fresh_ours.emplace(ours, Client::Options{kLocal});
      fresh_theirs.emplace(theirs, Client::Options{kLocal});
    }
    const Trace a = run(ours, s.warm ? warm_ours : *fresh_ours, s);
    const Trace b = run(theirs, s.warm ? warm_theirs : *fresh_theirs, s);
    ASSERT_EQ(a.steps, b.steps) << "script " << i << ", operation " << static_cast<int>(s.what)
                                << ", feed " << static_cast<int>(s.feed);
    const bool is_decrypted = s.what == Script::What::decrypt || s.what == Script::What::reply;
    const bool is_deterministic =
        s.what == Script::What::encrypt && s.algorithm == std::string(kDeterministic);
    if (is_decrypted || is_deterministic)
      ASSERT_EQ(a.result, b.result) << "script " << i;
    else
      ASSERT_EQ(a.result.size(), b.result.size()) << "script " << i;
    finished += a.result.empty() ? 0 : 1;
  }
  EXPECT_GT(finished, 1500);
}

}  // namespace
}  // namespace fle::test
