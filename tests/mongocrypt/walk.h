#ifndef FLE_TESTS_MONGOCRYPT_WALK_H_
#define FLE_TESTS_MONGOCRYPT_WALK_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mongocrypt/library.h"

namespace fle::test {

/// What a program might do that has lost its way: every call, on every kind of context, in any
/// order, with documents that fit and that do not.
class Walk {
 public:
  /// @param next       decides what comes; any number.
  /// @param queryable  with the calls of Queryable Encryption.
  Walk(const Client& client, const std::vector<Buf>& documents, std::function<unsigned()> next,
       bool queryable = false)
      : l_(client.library()),
        documents_(documents),
        random_(std::move(next)),
        n_calls_(queryable ? 30U : 22U),
        ctx_(client) {}

  [[nodiscard]] const Ctx& ctx() const noexcept { return ctx_; }

  void step() {
    const View document(l_, pick());
    switch (random_() % n_calls_) {
      case 0:
        (void)l_.mongocrypt_ctx_encrypt_init(ctx_, "clinic", -1, document);
        break;
      case 1:
        (void)l_.mongocrypt_ctx_decrypt_init(ctx_, document);
        break;
      case 2:
        (void)l_.mongocrypt_ctx_explicit_encrypt_init(ctx_, document);
        break;
      case 3:
        (void)l_.mongocrypt_ctx_explicit_decrypt_init(ctx_, document);
        break;
      case 4:
        (void)l_.mongocrypt_ctx_datakey_init(ctx_);
        break;
      case 5:
        (void)l_.mongocrypt_ctx_rewrap_many_datakey_init(ctx_, document);
        break;
      case 6:
        (void)l_.mongocrypt_ctx_setopt_key_id(ctx_, document);
        break;
      case 7:
        (void)l_.mongocrypt_ctx_setopt_key_alt_name(ctx_, document);
        break;
      case 8:
        (void)l_.mongocrypt_ctx_setopt_algorithm(ctx_, kRandom.data(), -1);
        break;
      case 9:
        (void)l_.mongocrypt_ctx_setopt_masterkey_local(ctx_);
        break;
      case 10:
        (void)l_.mongocrypt_ctx_setopt_key_encryption_key(ctx_, document);
        break;
      case 11:
        (void)ctx_.op();
        break;
      case 12:
      case 13:
        (void)l_.mongocrypt_ctx_mongo_feed(ctx_, document);
        break;
      case 14:
        (void)ctx_.done();
        break;
      case 15:
        (void)ctx_.finalize();
        break;
      case 16:
        (void)l_.mongocrypt_ctx_kms_done(ctx_);
        kms_ = nullptr;  // contexts of a round end with it
        break;
      case 17:
        (void)l_.mongocrypt_ctx_provide_kms_providers(ctx_, document);
        break;
      case 18:
        (void)l_.mongocrypt_ctx_setopt_masterkey_aws(ctx_, "r", -1, "arn:x", -1);
        break;
      case 22:
      case 23:
        (void)l_.mongocrypt_ctx_setopt_algorithm(
            ctx_, random_() % 2 == 0 ? MONGOCRYPT_ALGORITHM_INDEXED_STR : "Unindexed", -1);
        break;
      case 24:
        (void)l_.mongocrypt_ctx_setopt_contention_factor(ctx_, random_() % 9);
        break;
      case 25:
        (void)l_.mongocrypt_ctx_setopt_index_key_id(ctx_, document);
        break;
      case 26:
        (void)l_.mongocrypt_ctx_setopt_query_type(ctx_, "equality", -1);
        break;
      case 27:
        (void)l_.mongocrypt_ctx_setopt_algorithm_range(ctx_, document);
        break;
      case 28:
        (void)l_.mongocrypt_ctx_explicit_encrypt_expression_init(ctx_, document);
        break;
      case 29:
        (void)l_.mongocrypt_ctx_setopt_algorithm_text(ctx_, document);
        break;
      default:
        use_kms(document);
        break;
    }
  }

 private:
  Bytes pick() { return documents_[random_() % documents_.size()]; }
  void use_kms(const View& bytes) {
    if (mongocrypt_kms_ctx_t* const next = l_.mongocrypt_ctx_next_kms_ctx(ctx_)) kms_ = next;
    if (ctx_.state() != MONGOCRYPT_CTX_NEED_KMS) kms_ = nullptr;
    const View message(l_);
    (void)l_.mongocrypt_kms_ctx_message(kms_, message);
    (void)l_.mongocrypt_kms_ctx_bytes_needed(kms_);
    (void)l_.mongocrypt_kms_ctx_usleep(kms_);
    bool again = false;
    if (random_() % 2 == 0) (void)l_.mongocrypt_kms_ctx_feed_with_retry(kms_, bytes, &again);
    if (random_() % 4 == 0) (void)l_.mongocrypt_kms_ctx_fail(kms_);
  }

  const Library& l_;
  const std::vector<Buf>& documents_;
  std::function<unsigned()> random_;
  unsigned n_calls_;
  Ctx ctx_;
  mongocrypt_kms_ctx_t* kms_ = nullptr;
};

/// A client that asks for all that a context can ask for.
inline Client::Options walk_options() {
  return {R"({"local": {"key": ")" + std::string(128, 'A') +
              R"("}, "aws": {"accessKeyId": "a", "secretAccessKey": "b"}, "gcp": {}})",
          R"({"clinic.b": {"bsonType": "object", "properties": {}}})",
          [](const Library& l, mongocrypt_t* crypt) {
            l.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
            (void)l.mongocrypt_setopt_retry_kms(crypt, true);
          }};
}

/// Documents that fit somewhere, and some that fit nowhere.
inline std::vector<Buf> walk_documents(const Client& client) {
  World world;
  const Buf key = *create_data_key(client, world, R"({"provider": "local"})", {"ann"});
  world.keys = {key};
  const Buf id = binary_of(key, "_id");
  return {key,
          id,
          *encrypt_value(client, world, id, kRandom, "\"x\""),
          {},
          {5, 0, 0, 0, 0},
          {1, 2, 3},
          bson_of("{\"v\": \"x\"}"),
          bson_of(R"({"keyAltName": "ann"})"),
          bson_of(R"({"provider": "local"})"),
          bson_of(R"({"provider": "aws", "region": "us-east-1", "key": "arn:x"})"),
          bson_of(R"({"insert": "a", "documents": [{"_id": 1}]})"),
          bson_of(R"({"find": "b", "filter": {"x": 1}})"),
          bson_of(R"({"name": "a", "type": "collection", "options": {}})"),
          bson_of(kLocal)};
}

}  // namespace fle::test

#endif  // FLE_TESTS_MONGOCRYPT_WALK_H_
