// libmongocrypt's C interface with libfle behind it, beside Debian's library: what a driver gains.
//
//   interface/op:decrypt/impl:fle|libmongocrypt/fields:N[/real_time/threads:T]
//   interface/op:insert/impl:fle|libmongocrypt/patients:N
//   interface/op:explicit/impl:fle|libmongocrypt/keys:N
//
// Both libraries are opened in this process and called alike, from mongocrypt_ctx_new to
// mongocrypt_ctx_destroy, with keys that are cached. `insert` has the query analyzer inside on our
// side; theirs is handed the analyzer's reply, made by libfle and ready. `explicit` encrypts one
// int32 by the deterministic algorithm, with N keys in the cache.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "bench_main.h"
#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/query/analysis.h"
#include "fle/schema/compile.h"
#include "mongocrypt/library.h"

namespace fle::bench {
namespace {

using test::binary_of;
using test::Buf;
using test::Client;
using test::Ctx;
using test::Library;
using test::View;
using test::World;

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

/// What both libraries work on: made once, by ours.
struct Inputs {
  Inputs() {
    const Client client(Library::ours(), {test::kLocal});
    for (int i = 0; i < 10'000; ++i)
      keys.push_back(*create_data_key(client, world, R"({"provider": "local"})"));
    world.keys = {keys[0]};
    key_id = binary_of(keys[0], "_id");
    const Buf sealed = *encrypt_value(client, world, key_id, test::kDeterministic, "241014209");
    payload = binary_of(sealed, "v");
    for (const int fields : {5, 1500}) replies[fields] = reply_of(fields);
    schema = R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" +
             KeyId::from(key_id)->to_string() + R"("}], "algorithm": ")" +
             std::string(test::kRandom) +
             R"("}, "properties": {"ssn": {"encrypt": {"bsonType": "int", "algorithm": ")" +
             std::string(test::kDeterministic) +
             R"("}}, "bloodType": {"encrypt": {"bsonType": "string"}}, "medicalRecords": )"
             R"({"encrypt": {"bsonType": "array"}}}})";
    insert = insert_of(1000);
    markings = markings_of(insert);
  }

  [[nodiscard]] Buf reply_of(int fields) const {
    bson::Writer w;
    for (int i = 0; i < fields; ++i) {
      w.add_string("plain" + std::to_string(i), "some other text of the document");
      w.add_binary("field" + std::to_string(i), bson::kSubtypeEncrypted, payload);
    }
    return std::move(w).take();
  }
  /// A document with a value under each of the keys, so that one reply brings all into a cache.
  [[nodiscard]] Buf one_of_each(std::size_t n) const {
    bson::Writer w;
    for (std::size_t i = 0; i < n; ++i) {
      Buf foreign = payload;
      const Buf id = binary_of(keys[i], "_id");
      std::copy(id.begin(), id.end(), foreign.begin() + 1);
      w.add_binary(std::to_string(i), bson::kSubtypeEncrypted, foreign);
    }
    return std::move(w).take();
  }
  [[nodiscard]] static Buf insert_of(int patients) {
    bson::Writer w;
    w.add_string("insert", "patients").begin_array("documents");
    for (int i = 0; i < patients; ++i) {
      w.begin_document({}).add_int32("_id", i).add_string("name", "Jon Doe");
      w.add_int32("ssn", 241'014'209 + i).add_string("bloodType", "AB+");
      w.begin_array("medicalRecords").begin_document({}).add_int32("weight", 180);
      w.add_string("bloodPressure", "120/80").end().end().end();
    }
    return std::move(w.end().add_bool("ordered", true)).take();
  }
  [[nodiscard]] Buf markings_of(const Buf& command) const {
    const auto plan = schema::compile_json(schema);
    if (!plan) fail(plan.error().to_string());
    query::Analysis analysis;
    const std::vector<query::CollectionSchema> schemas = {{"patients", *plan}};
    if (const Done done = query::analyze(command, "clinic", schemas, analysis); !done)
      fail(done.error().to_string());
    const auto marked = query::write_marked(command, analysis);
    if (!marked) fail(marked.error().to_string());
    bson::Writer w;
    w.add_bool("hasEncryptionPlaceholders", true).add_bool("schemaRequiresEncryption", true);
    w.add_document("result", *marked).add_double("ok", 1);
    return std::move(w).take();
  }

  std::vector<Buf> keys;
  World world;
  Buf key_id, payload, insert, markings;
  Buf value = test::bson_of(R"({"v": {"$numberInt": "241014209"}})");
  std::map<int, Buf> replies;
  std::string schema;
};
const Inputs& inputs() {
  static const Inputs made;
  return made;
}

/// The ids that a filter of the key vault asks for.
std::set<Buf> ids_in(Bytes filter) {
  bson::Element e{};
  std::uint32_t at = 0;
  for (const char* name : {"$or", "0", "_id", "$in"}) {
    const auto found = bson::find(filter, name, at);
    if (!found) fail("a filter of another form");
    e = *found;
    at = e.value_offset;
  }
  std::set<Buf> ids;
  bson::Cursor cursor(filter, at);
  while (cursor.next()) {
    const Bytes id = bson::value_of(filter, cursor.element()).subspan(5);
    ids.emplace(id.begin(), id.end());
  }
  return ids;
}

/// A client of one library. For any number of threads once it is filled.
class Side {
 public:
  explicit Side(const Library& library)
      : l_(library),
        client_(library, {test::kLocal, R"({"clinic.patients": )" + inputs().schema + "}",
                          [](const Library& l, mongocrypt_t* crypt) {
                            // Debian's has one minute, and no say in it.
                            if (l.mongocrypt_setopt_key_expiration != nullptr)
                              (void)l.mongocrypt_setopt_key_expiration(crypt, 0);
                          }}) {
    if (!client_.is_ready()) fail(client_.status().message);
  }

  /// Puts the first n keys into the cache: by a reply with a value under each. All but the first
  /// are forged and do not open, but by then the keys are there. Does nothing where they must be
  /// there still: a row is entered often, and Debian's library looks through a list for each key.
  void fill(std::size_t n) {
    using std::chrono::steady_clock;
    if (filled_ == n && steady_clock::now() - filled_at_ < std::chrono::seconds{40}) return;
    filled_ = n;
    filled_at_ = steady_clock::now();
    const Ctx ctx(client_);
    const Buf reply = inputs().one_of_each(n);
    if (!l_.mongocrypt_ctx_decrypt_init(ctx, View(l_, reply))) fail(ctx.status().message);
    if (ctx.state() == MONGOCRYPT_CTX_NEED_MONGO_KEYS) {
      const Buf filter = ctx.op();
      const std::set<Buf> asked = ids_in(filter);
      for (std::size_t i = 0; i < n; ++i)
        if (asked.contains(binary_of(inputs().keys[i], "_id")) && !ctx.feed(inputs().keys[i]))
          fail(ctx.status().message);
      if (!ctx.done()) fail(ctx.status().message);
    }
    (void)ctx.finalize();
  }
  void decrypt(const Buf& reply, Buf* result = nullptr) const {
    Ctx ctx(client_);
    if (!l_.mongocrypt_ctx_decrypt_init(ctx, Raw(l_, reply))) fail(ctx.status().message);
    finish(ctx, result);
  }
  void insert(Buf* result = nullptr) const {
    Ctx ctx(client_);
    if (!l_.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, Raw(l_, inputs().insert)))
      fail(ctx.status().message);
    finish(ctx, result);
  }
  void encrypt_value(Buf* result = nullptr) const {
    Ctx ctx(client_);
    if (!l_.mongocrypt_ctx_setopt_key_id(ctx, Raw(l_, inputs().key_id)) ||
        !l_.mongocrypt_ctx_setopt_algorithm(ctx, test::kDeterministic.data(), -1) ||
        !l_.mongocrypt_ctx_explicit_encrypt_init(ctx, Raw(l_, inputs().value)))
      fail(ctx.status().message);
    finish(ctx, result);
  }

 private:
  /// A view without a copy, which a driver need not make either.
  class Raw {
   public:
    explicit Raw(const Library& l, const Buf& bytes)
        : l_(l),
          b_(l.mongocrypt_binary_new_from_data(const_cast<std::uint8_t*>(bytes.data()),
                                               static_cast<std::uint32_t>(bytes.size()))) {}
    explicit Raw(const Library& l) : l_(l), b_(l.mongocrypt_binary_new()) {}
    ~Raw() { l_.mongocrypt_binary_destroy(b_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    operator mongocrypt_binary_t*() const noexcept { return b_; }  // NOLINT

   private:
    const Library& l_;
    mongocrypt_binary_t* b_;
  };

  void finish(Ctx& ctx, Buf* result) const {
    if (ctx.state() == MONGOCRYPT_CTX_NEED_MONGO_MARKINGS &&
        (!l_.mongocrypt_ctx_mongo_feed(ctx, Raw(l_, inputs().markings)) || !ctx.done()))
      fail(ctx.status().message);
    if (ctx.state() == MONGOCRYPT_CTX_NEED_MONGO_KEYS &&
        (!l_.mongocrypt_ctx_mongo_feed(ctx, Raw(l_, inputs().keys[0])) || !ctx.done()))
      fail(ctx.status().message);
    const Raw out(l_);
    if (!l_.mongocrypt_ctx_finalize(ctx, out)) fail(ctx.status().message);
    if (result == nullptr) return;
    const std::uint8_t* const data = l_.mongocrypt_binary_data(out);
    result->assign(data, data + l_.mongocrypt_binary_len(out));
  }

  const Library& l_;
  Client client_;
  std::size_t filled_ = 0;
  std::chrono::steady_clock::time_point filled_at_;
};

/// Both libraries agree before anything is timed.
void check(const Side& ours, const Side& theirs) {
  Buf a;
  Buf b;
  ours.encrypt_value(&a);
  theirs.encrypt_value(&b);
  if (a != b) fail("explicit values differ");
  for (const auto& [fields, reply] : inputs().replies) {
    ours.decrypt(reply, &a);
    theirs.decrypt(reply, &b);
    if (a != b || a.size() >= reply.size()) fail("replies differ");
  }
  ours.insert(&a);
  theirs.insert(&b);
  if (a.size() != b.size() || a.size() <= inputs().insert.size()) fail("commands differ");
}

void add_rows(const std::string& impl, const Library& library) {
  const auto one_key = std::make_shared<Side>(library);
  const auto row = [&](const std::string& op, const std::string& size, std::size_t keys,
                       auto work) {
    // Keys stay in a cache, so each number of them has a handle of its own.
    const auto side = keys == 1 ? one_key : std::make_shared<Side>(library);
    const std::string name = "interface/op:" + op + "/impl:" + impl + "/" + size;
    return benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      if (state.thread_index() == 0) side->fill(keys);
      work(*side);  // threads are new in each round, and so is their part of the heap
      for (auto _ : state) work(*side);
      set_time_per_item(state, 1);
    });
  };
  for (const auto& [fields, reply] : inputs().replies)
    row("decrypt", "fields:" + std::to_string(fields), 1,
        [&reply = reply](const Side& s) { s.decrypt(reply); });
  row("insert", "patients:1000", 1, [](const Side& s) { s.insert(); });
  const Buf& long_reply = inputs().replies.at(1500);
  for (const int threads : {1, 2})  // on one handle
    row("decrypt", "fields:1500", 1, [&long_reply](const Side& s) { s.decrypt(long_reply); })
        ->Threads(threads)
        ->UseRealTime();
  for (const std::size_t keys : {std::size_t{1}, std::size_t{10'000}})
    row("explicit", "keys:" + std::to_string(keys), keys, [](const Side& s) { s.encrypt_value(); });
}

void add_all() {
  if (Library::theirs() == nullptr) fail("no libmongocrypt.so.0 to compare with");
  check(Side(Library::ours()), Side(*Library::theirs()));
  add_rows("fle", Library::ours());
  add_rows("libmongocrypt", *Library::theirs());
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
