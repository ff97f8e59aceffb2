#include "support/mongocrypt_peer.h"

#include <algorithm>
#include <cstring>

extern "C" {  // which its header of version 1.7 leaves to us
#include <mongocrypt/mongocrypt.h>
}

namespace fle::test {
namespace {

template <auto Destroy>
struct Deleter {
  template <class T>
  void operator()(T* p) const noexcept {
    Destroy(p);
  }
};
using Crypt = std::unique_ptr<mongocrypt_t, Deleter<mongocrypt_destroy>>;
using Context = std::unique_ptr<mongocrypt_ctx_t, Deleter<mongocrypt_ctx_destroy>>;
using Status = std::unique_ptr<mongocrypt_status_t, Deleter<mongocrypt_status_destroy>>;

/// A view of bytes as libmongocrypt takes them; it never writes to what it is given.
class Binary {
 public:
  Binary() : b_(mongocrypt_binary_new()) {}
  explicit Binary(Bytes b)
      : b_(mongocrypt_binary_new_from_data(const_cast<std::uint8_t*>(b.data()),
                                           static_cast<std::uint32_t>(b.size()))) {}
  operator mongocrypt_binary_t*() const noexcept { return b_.get(); }
  [[nodiscard]] Bytes bytes() const noexcept {
    return {mongocrypt_binary_data(b_.get()), mongocrypt_binary_len(b_.get())};
  }

 private:
  std::unique_ptr<mongocrypt_binary_t, Deleter<mongocrypt_binary_destroy>> b_;
};

template <class Handle, class GetStatus>
[[noreturn]] void refuse(Handle* handle, GetStatus get_status) {
  const Status status(mongocrypt_status_new());
  get_status(handle, status.get());
  const char* text = mongocrypt_status_message(status.get(), nullptr);
  throw PeerError(text != nullptr ? text : "libmongocrypt gave no reason");
}
void check(bool ok, mongocrypt_t* crypt) {
  if (!ok) refuse(crypt, mongocrypt_status);
}
void check(bool ok, mongocrypt_ctx_t* ctx) {
  if (!ok) refuse(ctx, mongocrypt_ctx_status);
}
void check(bool ok, mongocrypt_kms_ctx_t* kms) {
  if (!ok) refuse(kms, mongocrypt_kms_ctx_status);
}

const char* algorithm_name(Algorithm a) {
  return a == Algorithm::deterministic ? MONGOCRYPT_ALGORITHM_DETERMINISTIC_STR
                                       : MONGOCRYPT_ALGORITHM_RANDOM_STR;
}

/// Whether the array at `path` of `filter` holds the value of `wanted`.
bool array_has(const bson_t& filter, const char* path, const bson_iter_t& wanted) {
  bson_iter_t top;
  bson_iter_t array;
  bson_iter_t item;
  if (!bson_iter_init(&top, &filter) || !bson_iter_find_descendant(&top, path, &array) ||
      !bson_iter_recurse(&array, &item)) {
    throw std::runtime_error(std::string("key filter without ") + path);
  }
  while (bson_iter_next(&item)) {
    // Same type and same bytes: compare the elements without their names.
    if (bson_iter_type(&item) == bson_iter_type(&wanted) &&
        item.next_off - item.d1 == wanted.next_off - wanted.d1 &&
        std::memcmp(item.raw + item.d1, wanted.raw + wanted.d1, item.next_off - item.d1) == 0) {
      return true;
    }
  }
  return false;
}

/// {$or: [{_id: {$in: [...]}}, {keyAltNames: {$in: [...]}}]}: libmongocrypt refuses to be fed keys
/// that it did not ask for.
bool matches(const bson_t& filter, const bson_t& key) {
  bson_iter_t field;
  if (bson_iter_init_find(&field, &key, "_id") && array_has(filter, "$or.0._id.$in", field))
    return true;
  bson_iter_t name;
  if (!bson_iter_init_find(&field, &key, "keyAltNames") || !bson_iter_recurse(&field, &name))
    return false;
  while (bson_iter_next(&name)) {
    if (array_has(filter, "$or.1.keyAltNames.$in", name)) return true;
  }
  return false;
}

/// {insert: "coll", documents: [...], $db: "db"}
BsonDocument insert_command(const std::vector<Buf>& documents) {
  BsonDocument command;
  bson_t array;
  BSON_APPEND_UTF8(command.get(), "insert", "coll");
  BSON_APPEND_ARRAY_BEGIN(command.get(), "documents", &array);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const bson_t d = bson_view(documents[i]);
    bson_append_document(&array, std::to_string(i).c_str(), -1, &d);
  }
  bson_append_array_end(command.get(), &array);
  BSON_APPEND_UTF8(command.get(), "$db", "db");
  return command;
}

std::vector<Buf> documents_of(const bson_t& command) {
  bson_iter_t field;
  bson_iter_t item;
  if (!bson_iter_init_find(&field, &command, "documents") || !bson_iter_recurse(&field, &item))
    throw std::runtime_error("a command without documents");
  std::vector<Buf> out;
  while (bson_iter_next(&item)) {
    std::uint32_t size = 0;
    const std::uint8_t* data = nullptr;
    bson_iter_document(&item, &size, &data);
    out.emplace_back(data, data + size);
  }
  return out;
}

}  // namespace

struct MongocryptPeer::Impl {
  Crypt crypt{mongocrypt_new()};
  std::vector<Buf> keys;
  MongocryptPeer::KmsExchange exchange;

  [[nodiscard]] Context new_context() const { return Context(mongocrypt_ctx_new(crypt.get())); }

  void feed_keys(mongocrypt_ctx_t* ctx) const {
    const Binary op;
    check(mongocrypt_ctx_mongo_op(ctx, op), ctx);
    const bson_t filter = bson_view(op.bytes());
    for (const Buf& key : keys) {
      if (matches(filter, bson_view(key))) check(mongocrypt_ctx_mongo_feed(ctx, Binary(key)), ctx);
    }
    check(mongocrypt_ctx_mongo_done(ctx), ctx);
  }

  /// Passes messages to the KMS and its answers back. The local provider needs none.
  void ask_kms(mongocrypt_ctx_t* ctx) const {
    while (mongocrypt_kms_ctx_t* kms = mongocrypt_ctx_next_kms_ctx(ctx)) {
      const Binary message;
      const char* endpoint = nullptr;
      check(mongocrypt_kms_ctx_message(kms, message), kms);
      check(mongocrypt_kms_ctx_endpoint(kms, &endpoint), kms);
      const Bytes request = message.bytes();
      const Buf answer = exchange(endpoint, {request.begin(), request.end()});
      for (Bytes rest = answer; mongocrypt_kms_ctx_bytes_needed(kms) > 0;) {
        const std::size_t n =
            std::min<std::size_t>(rest.size(), mongocrypt_kms_ctx_bytes_needed(kms));
        if (n == 0) throw std::runtime_error("an answer that is too short for libmongocrypt");
        check(mongocrypt_kms_ctx_feed(kms, Binary(rest.first(n))), kms);
        rest = rest.subspan(n);
      }
    }
    check(mongocrypt_ctx_kms_done(ctx), ctx);
  }

  /// Runs the state machine to its end.
  /// @param analyzed  the query analyzer's reply, where one will be asked for.
  void run(Buf& out, mongocrypt_ctx_t* ctx, const Buf* analyzed = nullptr) const {
    for (;;) {
      switch (mongocrypt_ctx_state(ctx)) {
        case MONGOCRYPT_CTX_NEED_MONGO_KEYS:
          feed_keys(ctx);
          break;
        case MONGOCRYPT_CTX_NEED_MONGO_MARKINGS:
          if (analyzed == nullptr) throw std::runtime_error("no analyzer's reply to give");
          check(mongocrypt_ctx_mongo_feed(ctx, Binary(*analyzed)), ctx);
          check(mongocrypt_ctx_mongo_done(ctx), ctx);
          break;
        case MONGOCRYPT_CTX_NEED_KMS:
          ask_kms(ctx);
          break;
        case MONGOCRYPT_CTX_READY: {
          const Binary result;
          check(mongocrypt_ctx_finalize(ctx, result), ctx);
          out.assign(result.bytes().begin(), result.bytes().end());
          break;
        }
        case MONGOCRYPT_CTX_DONE:
          return;
        case MONGOCRYPT_CTX_ERROR:
          refuse(ctx, mongocrypt_ctx_status);
        default:
          throw std::runtime_error("a libmongocrypt state that this peer cannot serve");
      }
    }
  }
};

MongocryptPeer::MongocryptPeer(const Buf& master_key, const Buf& schema_map,
                               const std::string& crypt_shared)
    : p_(std::make_unique<Impl>()) {
  mongocrypt_t* crypt = p_->crypt.get();
  check(mongocrypt_setopt_kms_provider_local(crypt, Binary(master_key)), crypt);
  if (!schema_map.empty()) check(mongocrypt_setopt_schema_map(crypt, Binary(schema_map)), crypt);
  if (!crypt_shared.empty())
    mongocrypt_setopt_set_crypt_shared_lib_path_override(crypt, crypt_shared.c_str());
  check(mongocrypt_init(crypt), crypt);
}

MongocryptPeer::MongocryptPeer(const Buf& kms_providers, KmsExchange exchange)
    : p_(std::make_unique<Impl>()) {
  mongocrypt_t* crypt = p_->crypt.get();
  p_->exchange = std::move(exchange);
  check(mongocrypt_setopt_kms_providers(crypt, Binary(kms_providers)), crypt);
  check(mongocrypt_init(crypt), crypt);
}

MongocryptPeer::~MongocryptPeer() = default;

void MongocryptPeer::add_key(Buf key_document) { p_->keys.push_back(std::move(key_document)); }

Buf MongocryptPeer::create_data_key(const NewKey& options) {
  const Context ctx = p_->new_context();
  const Buf local = bson_of(R"({"provider": "local"})");
  const Buf& master_key = options.master_key.empty() ? local : options.master_key;
  check(mongocrypt_ctx_setopt_key_encryption_key(ctx.get(), Binary(master_key)), ctx.get());
  for (const std::string& name : options.alt_names) {
    BsonDocument d;
    BSON_APPEND_UTF8(d.get(), "keyAltName", name.c_str());
    check(mongocrypt_ctx_setopt_key_alt_name(ctx.get(), Binary(d.bytes())), ctx.get());
  }
  if (!options.key_material.empty()) {
    BsonDocument d;
    BSON_APPEND_BINARY(d.get(), "keyMaterial", BSON_SUBTYPE_BINARY, options.key_material.data(),
                       static_cast<std::uint32_t>(options.key_material.size()));
    check(mongocrypt_ctx_setopt_key_material(ctx.get(), Binary(d.bytes())), ctx.get());
  }
  check(mongocrypt_ctx_datakey_init(ctx.get()), ctx.get());
  Buf out;
  p_->run(out, ctx.get());
  return out;
}

void MongocryptPeer::encrypt_explicit(Buf& out, const Buf& document, Algorithm algorithm,
                                      const KeyId& key) {
  const Context ctx = p_->new_context();
  check(mongocrypt_ctx_setopt_key_id(ctx.get(), Binary(key.bytes)), ctx.get());
  check(mongocrypt_ctx_setopt_algorithm(ctx.get(), algorithm_name(algorithm), -1), ctx.get());
  check(mongocrypt_ctx_explicit_encrypt_init(ctx.get(), Binary(document)), ctx.get());
  p_->run(out, ctx.get());
}

void MongocryptPeer::decrypt_explicit(Buf& out, const Buf& document) {
  const Context ctx = p_->new_context();
  check(mongocrypt_ctx_explicit_decrypt_init(ctx.get(), Binary(document)), ctx.get());
  p_->run(out, ctx.get());
}

Buf MongocryptPeer::encrypt_value(const TypedValue& value, Algorithm algorithm, const KeyId& key) {
  Buf out;
  encrypt_explicit(out, document_with_v(value), algorithm, key);
  const auto payload = payload_of(only_value(out));
  if (!payload) throw std::runtime_error("not a binary of subtype 6");
  return *payload;
}

TypedValue MongocryptPeer::decrypt_value(Bytes payload) {
  Buf out;
  decrypt_explicit(out, document_with_v(binary(6, payload)));
  return only_value(out);
}

void MongocryptPeer::decrypt_document(Buf& out, const Buf& document) {
  const Context ctx = p_->new_context();
  check(mongocrypt_ctx_decrypt_init(ctx.get(), Binary(document)), ctx.get());
  p_->run(out, ctx.get());
}

Buf MongocryptPeer::decrypt_document(const Buf& document) {
  Buf out;
  decrypt_document(out, document);
  return out;
}

MongocryptPeer::Insert MongocryptPeer::prepare_insert(const std::vector<Buf>& documents,
                                                      const std::vector<Buf>& marked) {
  const BsonDocument result = insert_command(marked);
  BsonDocument reply;
  BSON_APPEND_BOOL(reply.get(), "hasEncryptionPlaceholders", true);
  BSON_APPEND_BOOL(reply.get(), "schemaRequiresEncryption", true);
  BSON_APPEND_DOCUMENT(reply.get(), "result", result.get());
  BSON_APPEND_DOUBLE(reply.get(), "ok", 1.0);
  return {insert_command(documents).bytes(), reply.bytes()};
}

void MongocryptPeer::encrypt_insert(Buf& out, const Insert& insert) {
  const Context ctx = p_->new_context();
  check(mongocrypt_ctx_encrypt_init(ctx.get(), "db", -1, Binary(insert.command)), ctx.get());
  p_->run(out, ctx.get(), &insert.reply);
}

std::vector<Buf> MongocryptPeer::encrypt_inserts(const std::vector<Buf>& documents,
                                                 const std::vector<Buf>& marked) {
  Buf command;
  encrypt_insert(command, prepare_insert(documents, marked));
  return documents_of(bson_view(command));
}

Buf MongocryptPeer::encrypt_command(const std::string& db, const Buf& command) {
  const Context ctx = p_->new_context();
  check(mongocrypt_ctx_encrypt_init(ctx.get(), db.c_str(), -1, Binary(command)), ctx.get());
  Buf out;
  p_->run(out, ctx.get());
  return out;
}

std::uint64_t MongocryptPeer::crypt_shared_version() const {
  return mongocrypt_crypt_shared_lib_version(p_->crypt.get());
}

std::string MongocryptPeer::crypt_shared_version_string() const {
  const char* text = mongocrypt_crypt_shared_lib_version_string(p_->crypt.get(), nullptr);
  return text != nullptr ? text : "";
}

std::string MongocryptPeer::version() { return mongocrypt_version(nullptr); }

Buf with_key_id(Buf key_document, const KeyId& id) {
  // {_id: UUID, ...}: behind int32 size, type, "_id", int32 16, subtype 4.
  constexpr std::size_t kIdOffset = 4 + 1 + 4 + 4 + 1;
  if (key_document.size() < kIdOffset + id.bytes.size())
    throw std::runtime_error("not a key document");
  std::copy(id.bytes.begin(), id.bytes.end(), key_document.begin() + kIdOffset);
  return key_document;
}

namespace {

/// `d` holds the algorithm and the key.
TypedValue marking_of(BsonDocument d, const TypedValue& value) {
  append_value(d.get(), "v", value);
  Buf content{0};
  const Buf document = d.bytes();
  content.insert(content.end(), document.begin(), document.end());
  return binary(6, content);
}

BsonDocument begin_marking(Algorithm algorithm) {
  BsonDocument d;
  BSON_APPEND_INT32(d.get(), "a", static_cast<std::int32_t>(algorithm));
  return d;
}

}  // namespace

TypedValue marking(const TypedValue& value, Algorithm algorithm, const KeyId& key) {
  BsonDocument d = begin_marking(algorithm);
  BSON_APPEND_BINARY(d.get(), "ki", BSON_SUBTYPE_UUID, key.bytes.data(), 16);
  return marking_of(std::move(d), value);
}

TypedValue marking(const TypedValue& value, Algorithm algorithm, const std::string& key_alt_name) {
  BsonDocument d = begin_marking(algorithm);
  BSON_APPEND_UTF8(d.get(), "ka", key_alt_name.c_str());
  return marking_of(std::move(d), value);
}

}  // namespace fle::test
