#ifndef FLE_TESTS_MONGOCRYPT_ORIGINAL_SUPPORT_H_
#define FLE_TESTS_MONGOCRYPT_ORIGINAL_SUPPORT_H_

#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "mongocrypt/library.h"
#include "mongocrypt/walk.h"

// For tests of what is handed to the library that FLE_MONGOCRYPT_QE names.
namespace fle::test {

inline std::string uuid_of(const Buf& id) {
  return R"({"$uuid": ")" + KeyId::from(id)->to_string() + "\"}";
}

/// A client of our library that knows the original, or another file in its place.
struct Handing {
  explicit Handing(const Client::Options& options,
                   const std::string& path = FLE_MONGOCRYPT_DEBIAN) {
    const NamesOriginal names(path);
    client.emplace(Library::ours(), options);
  }
  std::optional<Client> client;
  operator const Client&() const noexcept { return *client; }  // NOLINT
};

inline void listen(std::vector<std::string>& log, const Library& l, mongocrypt_t* crypt) {
  const auto note = [](mongocrypt_log_level_t, const char* text, std::uint32_t len, void* to) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(text, len);
  };
  EXPECT_TRUE(l.mongocrypt_setopt_log_handler(crypt, note, &log));
}
inline auto lines_with(const std::vector<std::string>& log, const std::string& words) {
  return std::ranges::count_if(
      log, [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

/// Options of explicit encryption.
struct How {
  std::string algorithm = "Unindexed";
  std::optional<std::int64_t> contention{};
  std::string query_type{};
  bool has_index_key = false;
  bool key_first = true;
};

class MongocryptOriginal : public testing::Test {
 protected:
  void SetUp() override {
    if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    theirs_.emplace(*Library::theirs(), options());
    ours_.emplace(options());
    ASSERT_TRUE(ours_->client->is_ready()) << ours_->client->status().message;
    for (const std::string name : {"ann", "ben"})
      world_.keys.push_back(*create_data_key(*theirs_, world_, R"({"provider": "local"})", {name}));
    id_ = binary_of(world_.keys[0], "_id");
  }
  static Client::Options options() { return {kLocal}; }
  [[nodiscard]] std::vector<const Client*> both() const { return {&*theirs_, &*ours_->client}; }

  [[nodiscard]] std::string fields() const {
    return R"({"escCollection": "enxcol_.c.esc", "eccCollection": "enxcol_.c.ecc", )"
           R"("ecocCollection": "enxcol_.c.ecoc", "fields": [{"path": "v", "bsonType": "string", )"
           R"("keyId": )" +
           uuid_of(id_) +
           R"(, "queries": {"queryType": "equality", "contention": {"$numberLong": "4"}}}]})";
  }
  /// As mongocryptd would answer: `v` of every document is marked.
  [[nodiscard]] Buf mark(Bytes) const {
    bson::Writer marking;
    marking.add_int32("t", 1).add_int32("a", 2);
    marking.add_binary("ki", bson::kSubtypeUuid, id_).add_binary("ku", bson::kSubtypeUuid, id_);
    marking.add_string("v", "canary").add_int64("cm", 4);
    Buf content = {3};
    const Bytes bytes = marking.finish();
    content.insert(content.end(), bytes.begin(), bytes.end());
    bson::Writer w;
    w.add_bool("hasEncryptionPlaceholders", true).add_bool("schemaRequiresEncryption", true);
    w.begin_document("result").add_string("insert", "c").begin_array("documents");
    w.begin_document({}).add_int32("_id", 1).add_binary("v", 6, content).end().end();
    w.begin_document("encryptionInformation").add_int32("type", 1).begin_document("schema");
    w.add_document("clinic.c", bson_of(fields())).end().end().end();
    w.add_double("ok", 1);
    return std::move(w).take();
  }

  /// Whether it began.
  bool begin(const Client& client, const Ctx& ctx, const How& how, const std::string& value) const {
    const Library& l = client.library();
    const auto set_key = [&] { return l.mongocrypt_ctx_setopt_key_id(ctx, View(l, id_)); };
    return (!how.key_first || set_key()) &&
           l.mongocrypt_ctx_setopt_algorithm(ctx, how.algorithm.c_str(), -1) &&
           (how.key_first || set_key()) &&
           (!how.contention || l.mongocrypt_ctx_setopt_contention_factor(ctx, *how.contention)) &&
           (how.query_type.empty() ||
            l.mongocrypt_ctx_setopt_query_type(ctx, how.query_type.c_str(), -1)) &&
           (!how.has_index_key || l.mongocrypt_ctx_setopt_index_key_id(ctx, View(l, id_))) &&
           l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, bson_of("{\"v\": " + value + "}")));
  }
  std::optional<Buf> encrypt(const Client& client, const How& how, const std::string& value,
                             StatusText* status = nullptr) {
    Ctx ctx(client);
    std::optional<Buf> result;
    if (begin(client, ctx, how, value)) result = ctx.run(world_);
    if (status != nullptr) *status = ctx.status();
    return result;
  }

  World world_;
  Buf id_;
  std::optional<Client> theirs_;
  std::optional<Handing> ours_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_MONGOCRYPT_ORIGINAL_SUPPORT_H_
