#include "query/leak/leak_check.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>

#include "fle/schema/compile.h"
#include "support/bson_values.h"

namespace fle::test::leak {
namespace {

std::size_t count(Bytes in, Bytes what) {
  std::size_t n = 0;
  for (auto at = in.begin();; ++at, ++n) {
    at = std::search(at, in.end(), what.begin(), what.end());
    if (at == in.end()) return n;
  }
}

std::string shown(Bytes content) {
  if (content[0] == '~') return {content.begin(), content.end()};
  std::string s = "0x";
  for (const std::uint8_t b : content)
    for (const int nibble : {b >> 4, b & 15}) s += "0123456789abcdef"[nibble];
  return s;
}

constexpr std::uint8_t kSubtype = 6;

bool is_placeholder(const Value& v) {
  return v.type == Type::bin_data && v.bytes.size() > 5 && v.bytes[4] == kSubtype &&
         v.bytes[5] == 0;
}

/// The value in a placeholder {a, ki | ka, v}.
const Value* value_of(const Value& placeholder, std::optional<Value>& inner) {
  inner = parse(Bytes(placeholder.bytes).subspan(6));
  if (!inner || inner->fields.size() != 3 || inner->find("a") == nullptr) return nullptr;
  return inner->find("v");
}

/// Calls `change` for each placeholder; false when it says so.
bool each_placeholder(Value& v, const std::function<bool(Value&)>& change) {
  if (is_placeholder(v)) return change(v);
  return std::ranges::all_of(v.fields,
                             [&change](Field& f) { return each_placeholder(f.value, change); });
}

bool give_back(Value& placeholder) {
  std::optional<Value> inner;
  const Value* v = value_of(placeholder, inner);
  if (v == nullptr) return false;
  placeholder = Value(*v);
  return true;
}

}  // namespace

std::vector<std::string> find_leaks(Bytes command, Bytes sent, const std::vector<Bytes>& claimed) {
  std::vector<std::string> leaks;
  for (const Bytes content : claimed)
    if (count(sent, content) > 0 && count(command, content) == 1) leaks.push_back(shown(content));
  return leaks;
}

std::optional<Buf> without_placeholders(Bytes marked, Placeholders how) {
  std::optional<Value> v = parse(marked);
  if (!v) return std::nullopt;
  const bool done = each_placeholder(*v, [how](Value& placeholder) {
    std::optional<Value> inner;
    if (value_of(placeholder, inner) == nullptr) return false;
    if (how == Placeholders::given_back) return give_back(placeholder);
    placeholder = null();
    return true;
  });
  return done ? std::optional(write(*v)) : std::nullopt;
}

std::size_t count_placeholders(Bytes marked) {
  std::optional<Value> v = parse(marked);
  std::size_t n = 0;
  if (v) (void)each_placeholder(*v, [&n](Value&) { return ++n > 0; });
  return n;
}

bool has_named_key(const Value& marked) {
  if (!is_placeholder(marked))
    return std::ranges::any_of(marked.fields,
                               [](const Field& f) { return has_named_key(f.value); });
  const std::optional<Value> inner = parse(Bytes(marked.bytes).subspan(6));
  return inner && inner->find("ka") != nullptr;
}

Buf with_forgotten(Bytes marked, std::size_t n) {
  Value v = parse(marked).value();
  std::size_t i = 0;
  (void)each_placeholder(v, [&i, n](Value& p) { return i++ != n || give_back(p); });
  return write(v);
}

bool change_placeholder(Value& marked, std::size_t n, const std::function<void(Value&)>& change) {
  std::size_t i = 0;
  const auto replace = [&change](Value& placeholder) {
    std::optional<Value> inner = parse(Bytes(placeholder.bytes).subspan(6));
    if (!inner) return;
    change(*inner);
    const Buf content = write(*inner);
    placeholder.bytes = {0, 0, 0, 0, kSubtype, 0};
    placeholder.bytes.resize(6 + content.size());
    std::ranges::copy(content, placeholder.bytes.begin() + 6);
    for (unsigned b = 0; b < 4; ++b)
      placeholder.bytes[b] = static_cast<std::uint8_t>((content.size() + 1) >> (8 * b));
  };
  (void)each_placeholder(marked, [&](Value& p) {
    if (i++ == n) replace(p);
    return true;
  });
  return i > n;
}

// ---- Databases

namespace {

Outcome<std::vector<Buf>> list_collections(const std::vector<Collection>& all, Bytes filter) {
  // The names stand in the filter, alone or in a list; whichever are there are told.
  std::vector<Buf> out;
  for (const Collection& c : all) {
    const Value name = text(c.name);
    if (!c.remote || !c.has_schema || count(filter, name.bytes) == 0) continue;
    const Value schema = parse(test::bson_of(c.json)).value();
    out.push_back(
        write(object({{"name", name},
                      {"options", object({{"validator", object({{"$jsonSchema", schema}})}})}})));
  }
  return out;
}

}  // namespace

std::unique_ptr<Database> Database::create(std::vector<Collection> collections,
                                           const LocalKeys& keys) {
  auto db = std::make_unique<Database>();
  db->collections_ = std::move(collections);
  client::AutoEncrypter::Options options;
  for (const Collection& c : db->collections_) {
    db->plans_[c.name] = nullptr;
    if (!c.has_schema) continue;
    const auto plan =
        schema::compile_json(c.json, c.remote ? schema::Origin::remote : schema::Origin::local);
    if (!plan) return nullptr;
    db->plans_[c.name] = *plan;
    if (!c.remote) options.schema_map["db." + c.name] = *plan;
  }
  options.list_collections = [all = std::cref(db->collections_)](std::string_view, Bytes filter) {
    return list_collections(all, filter);
  };
  db->auto_encrypter_ = std::make_unique<client::AutoEncrypter>(std::move(options), keys.ring());
  return db;
}

bool Database::encrypts(Bytes command) const {
  const auto target = query::read_target(command);
  return target && std::ranges::any_of(collections_, [&target](const Collection& c) {
           return c.has_schema &&
                  std::ranges::find(target->collections, c.name) != target->collections.end();
         });
}

Outcome<Buf> Database::mark(Bytes command) const {
  FLE_TRY(const query::Target target, query::read_target(command));
  if (target.command_class == query::CommandClass::bypassed)
    return Buf(command.begin(), command.end());
  std::vector<query::CollectionSchema> schemas;
  for (const std::string_view name : target.collections) {
    const auto plan = plans_.find(name);
    schemas.push_back({name, plan == plans_.end() ? nullptr : plan->second});
  }
  for (const query::CollectionName& name : target.elsewhere) {
    const auto plan = name.db == "db" ? plans_.find(name.collection) : plans_.end();
    schemas.push_back({name.collection, plan == plans_.end() ? nullptr : plan->second, name.db});
  }
  if (!target.own_schema.empty()) {
    FLE_TRY(schemas.front().plan, schema::compile_bson(target.own_schema, schema::Origin::remote));
  }
  query::Analysis analysis;
  FLE_CHECK(query::analyze(command, "db", schemas, analysis));
  return query::write_marked(command, analysis);
}

Value key_id(int n) {
  Value v{Type::bin_data};
  v.bytes.assign(5 + 16, static_cast<std::uint8_t>(0x11 * (n + 1)));
  std::ranges::copy(std::array<std::uint8_t, 5>{16, 0, 0, 0, 4}, v.bytes.begin());
  return v;
}

LocalKeys make_keys() {
  LocalKeys keys(Buf(96, 0x42));
  for (int n = 0; n < kKeys; ++n) {
    KeyId id;
    id.bytes.fill(static_cast<std::uint8_t>(0x11 * (n + 1)));
    keys.add(id, Buf(96, static_cast<std::uint8_t>(n + 1)), {"alt" + std::to_string(n)});
  }
  return keys;
}

}  // namespace fle::test::leak
