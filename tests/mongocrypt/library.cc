#include "mongocrypt/library.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <dlfcn.h>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"

namespace fle::test {
namespace {

/// As drivers do it: a wait, the message, then as much as is wanted of the answer. In pieces of
/// seven bytes, which no parser may mind.
bool run_exchange(const Library& l, mongocrypt_kms_ctx_t* kms, World& world,
                  std::vector<std::string>& requests) {
  const char* endpoint = nullptr;
  const View message(l);
  if (!l.mongocrypt_kms_ctx_endpoint(kms, &endpoint) || !l.mongocrypt_kms_ctx_message(kms, message))
    return false;
  const Buf sent = message.bytes();
  const std::string text(sent.begin(), sent.end());
  requests.push_back(std::string(endpoint) + "\n" + text);
  std::string answer = world.kms(endpoint, text);
  std::string_view left = answer;
  while (const std::uint32_t needed = l.mongocrypt_kms_ctx_bytes_needed(kms)) {
    const std::string_view piece = left.substr(0, std::min<std::size_t>(needed, 7));
    if (piece.empty()) return false;
    left.remove_prefix(piece.size());
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
    if (!l.mongocrypt_kms_ctx_feed(kms, View(l, bytes))) return false;
  }
  return true;
}

std::optional<Buf> finish(Ctx& ctx, bool began, World& world, std::string* why) {
  std::optional<Buf> result;
  if (began) result = ctx.run(world);
  if (!result && why != nullptr) *why = ctx.status().message;
  return result;
}

}  // namespace

const std::string kLocal = [] {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "Wlpa";
  return R"({"local": {"key": {"$binary": {"base64": ")" + key + R"(", "subType": "00"}}}})";
}();
const std::string_view kDeterministic = MONGOCRYPT_ALGORITHM_DETERMINISTIC_STR;
const std::string_view kRandom = MONGOCRYPT_ALGORITHM_RANDOM_STR;

Library::Library(const std::string& path) : handle_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) throw std::runtime_error(::dlerror());
#define FLE_FIND(name, newer, text) \
  name = reinterpret_cast<decltype(name)>(::dlsym(handle_, #name));
  FLE_MONGOCRYPT_FUNCTIONS(FLE_FIND)
#undef FLE_FIND
}

// Not closed: libraries that register things with the process do not like it.
Library::~Library() = default;

Library& Library::ours() {
  static Library library(FLE_MONGOCRYPT);
  return library;
}

Library* Library::theirs() {
  static const std::unique_ptr<Library> library = [] {
    const std::string path = FLE_MONGOCRYPT_DEBIAN;
    return path.empty() ? nullptr : std::make_unique<Library>(path);
  }();
  return library.get();
}

NamesOriginal::NamesOriginal(const std::string& path) {
  ::setenv("FLE_MONGOCRYPT_QE", path.c_str(), 1);
}
NamesOriginal::~NamesOriginal() { ::unsetenv("FLE_MONGOCRYPT_QE"); }

View::View(const Library& library, Bytes bytes)
    : l_(library),
      bytes_(bytes.begin(), bytes.end()),
      b_(bytes.empty() ? l_.mongocrypt_binary_new()
                       : l_.mongocrypt_binary_new_from_data(
                             bytes_.data(), static_cast<std::uint32_t>(bytes_.size()))) {}
View::~View() { l_.mongocrypt_binary_destroy(b_); }
Buf View::bytes() const {
  const std::uint8_t* const data = l_.mongocrypt_binary_data(b_);
  return {data, data + l_.mongocrypt_binary_len(b_)};
}

Client::Client(const Library& library, const Options& options)
    : l_(library), crypt_(library.mongocrypt_new()) {
  bool good = options.kms_providers.empty() ||
              l_.mongocrypt_setopt_kms_providers(crypt_, View(l_, bson_of(options.kms_providers)));
  good = good && (options.schema_map.empty() ||
                  l_.mongocrypt_setopt_schema_map(crypt_, View(l_, bson_of(options.schema_map))));
  if (options.more) options.more(l_, crypt_);
  ready_ = good && l_.mongocrypt_init(crypt_);
}
Client::~Client() { destroy(); }
void Client::destroy() {
  l_.mongocrypt_destroy(crypt_);
  crypt_ = nullptr;
}

template <class Read, class Handle>
StatusText status_of(const Library& l, Read read, Handle handle) {
  mongocrypt_status_t* const status = l.mongocrypt_status_new();
  static_cast<void>(read(handle, status));
  std::uint32_t len = 0;
  const char* const text = l.mongocrypt_status_message(status, &len);
  StatusText s{static_cast<int>(l.mongocrypt_status_type(status)), l.mongocrypt_status_code(status),
               text == nullptr ? std::string() : std::string(text, len)};
  l.mongocrypt_status_destroy(status);
  return s;
}
StatusText Client::status() const { return status_of(l_, l_.mongocrypt_status, crypt_); }
StatusText Ctx::status() const { return status_of(l_, l_.mongocrypt_ctx_status, ctx_); }

Ctx::Ctx(const Client& client) : l_(client.library()), ctx_(l_.mongocrypt_ctx_new(client)) {}
Ctx::~Ctx() { l_.mongocrypt_ctx_destroy(ctx_); }

Buf Ctx::op() const {
  const View out(l_);
  return l_.mongocrypt_ctx_mongo_op(ctx_, out) ? out.bytes() : Buf();
}
bool Ctx::feed(Bytes document) const {
  return l_.mongocrypt_ctx_mongo_feed(ctx_, View(l_, document));
}
std::optional<Buf> Ctx::finalize() const {
  const View out(l_);
  if (!l_.mongocrypt_ctx_finalize(ctx_, out)) return std::nullopt;
  return out.bytes();
}

bool Ctx::run_kms(World& world) {
  while (mongocrypt_kms_ctx_t* const kms = l_.mongocrypt_ctx_next_kms_ctx(ctx_))
    if (!run_exchange(l_, kms, world, requests)) return false;
  return l_.mongocrypt_ctx_kms_done(ctx_);
}

std::optional<Buf> Ctx::run(World& world) {
  for (;;) {
    states.push_back(state());
    switch (states.back()) {
      case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO:
      case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB: {
        const Buf filter = op();
        const auto name = bson::find(filter, "name");
        if (!name) return std::nullopt;
        const auto answers = [&](std::string_view collection) {
          if (name->type == bson::Type::string) return bson::text_of(filter, *name) == collection;
          const std::string_view whole(reinterpret_cast<const char*>(filter.data()), filter.size());
          return whole.find(collection) != std::string_view::npos;
        };
        for (const auto& [collection, info] : world.collections)
          if (answers(collection) && !feed(info)) return std::nullopt;
        if (!done()) return std::nullopt;
        break;
      }
      case MONGOCRYPT_CTX_NEED_MONGO_KEYS: {
        const Buf filter = op();
        const std::string_view whole(reinterpret_cast<const char*>(filter.data()), filter.size());
        for (const Buf& key : world.keys) {
          // A key whose id or name stands in the filter; an empty filter finds all.
          const Buf id = binary_of(key, "_id");
          const std::string_view id_text(reinterpret_cast<const char*>(id.data()), id.size());
          bool found = filter.size() == 5 || whole.find(id_text) != std::string_view::npos;
          if (const auto names = bson::find(key, "keyAltNames")) {
            bson::Cursor cursor(key, names->value_offset);
            while (cursor.next())
              found |= whole.find(bson::text_of(key, cursor.element())) != std::string_view::npos;
          }
          if (found && !feed(key)) return std::nullopt;
        }
        if (!done()) return std::nullopt;
        break;
      }
      case MONGOCRYPT_CTX_NEED_MONGO_MARKINGS:
        if (!world.mark || !feed(world.mark(op())) || !done()) return std::nullopt;
        break;
      case MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS:
        if (!l_.mongocrypt_ctx_provide_kms_providers(ctx_, View(l_, bson_of(world.credentials))))
          return std::nullopt;
        break;
      case MONGOCRYPT_CTX_NEED_KMS:
        if (!run_kms(world)) return std::nullopt;
        break;
      case MONGOCRYPT_CTX_READY:
        return finalize();
      default:
        return std::nullopt;
    }
  }
}

Buf binary_of(Bytes document, std::string_view name) {
  const auto e = bson::find(document, name);
  if (!e || e->type != bson::Type::bin_data) throw std::runtime_error("no binary in a document");
  const Bytes content = bson::value_of(document, *e).subspan(5);
  return {content.begin(), content.end()};
}

std::optional<Buf> create_data_key(const Client& client, World& world, const std::string& kek,
                                   const std::vector<std::string>& names, Bytes material,
                                   std::string* why) {
  const Library& l = client.library();
  Ctx ctx(client);
  bool began = l.mongocrypt_ctx_setopt_key_encryption_key(ctx, View(l, bson_of(kek)));
  for (const std::string& name : names) {
    bson::Writer w;
    w.add_string("keyAltName", name);
    began = began && l.mongocrypt_ctx_setopt_key_alt_name(ctx, View(l, w.finish()));
  }
  if (!material.empty()) {
    bson::Writer w;
    w.add_binary("keyMaterial", 0, material);
    began = began && l.mongocrypt_ctx_setopt_key_material(ctx, View(l, w.finish()));
  }
  began = began && l.mongocrypt_ctx_datakey_init(ctx);
  return finish(ctx, began, world, why);
}

std::optional<Buf> encrypt_value(const Client& client, World& world, Bytes key_id,
                                 std::string_view algorithm, const std::string& value,
                                 std::string* why) {
  const Library& l = client.library();
  Ctx ctx(client);
  const bool began =
      l.mongocrypt_ctx_setopt_key_id(ctx, View(l, key_id)) &&
      l.mongocrypt_ctx_setopt_algorithm(ctx, algorithm.data(),
                                        static_cast<int>(algorithm.size())) &&
      l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, bson_of("{\"v\": " + value + "}")));
  return finish(ctx, began, world, why);
}

std::optional<Buf> decrypt_value(const Client& client, World& world, Bytes document,
                                 std::string* why) {
  Ctx ctx(client);
  const Library& l = client.library();
  return finish(ctx, l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, document)), world, why);
}

std::optional<Buf> encrypt_command(const Client& client, World& world, const std::string& db,
                                   Bytes command, std::string* why) {
  Ctx ctx(client);
  const Library& l = client.library();
  return finish(ctx, l.mongocrypt_ctx_encrypt_init(ctx, db.c_str(), -1, View(l, command)), world,
                why);
}

std::optional<Buf> decrypt_reply(const Client& client, World& world, Bytes reply,
                                 std::string* why) {
  Ctx ctx(client);
  const Library& l = client.library();
  return finish(ctx, l.mongocrypt_ctx_decrypt_init(ctx, View(l, reply)), world, why);
}

}  // namespace fle::test
