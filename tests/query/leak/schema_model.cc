#include "query/leak/schema_model.h"

#include <algorithm>
#include <iterator>

namespace fle::test::leak {
namespace {

constexpr Type kDeterministicTypes[] = {
    Type::string, Type::string, Type::string,     Type::int_,      Type::int_,
    Type::long_,  Type::date,   Type::object_id,  Type::bin_data,  Type::timestamp,
    Type::regex,  Type::symbol, Type::javascript, Type::db_pointer};
constexpr Type kTypes[] = {Type::string,    Type::string,     Type::int_,
                           Type::double_,   Type::object,     Type::array,
                           Type::date,      Type::bin_data,   Type::long_,
                           Type::object_id, Type::bool_,      Type::regex,
                           Type::timestamp, Type::decimal,    Type::javascript,
                           Type::symbol,    Type::db_pointer, Type::javascript_with_scope};
constexpr const char* kNames[] = {"a", "b", "c", "ssn", "name", "address", "x y", "\xc3\xa9t", "0"};

bool roll_deterministic(Rng& rng) { return rng.chance(60); }

}  // namespace

std::vector<const SchemaNode*> SchemaNode::children(std::string_view name) const {
  std::vector<const SchemaNode*> out;
  for (const auto& c : properties)
    if (c.name == name) out.push_back(&c.node);
  for (const auto& c : patterns)
    if (c.name.finds(name)) out.push_back(&c.node);
  if (out.empty() && !additional.empty()) out.push_back(&additional.front());
  return out;
}

bool SchemaNode::encrypts() const {
  const auto child_encrypts = [](const auto& c) { return c.node.encrypts(); };
  return kind == Kind::encrypted || std::ranges::any_of(properties, child_encrypts) ||
         std::ranges::any_of(patterns, child_encrypts) ||
         std::ranges::any_of(additional, &SchemaNode::encrypts);
}

Type any_type(Rng& rng) { return rng.pick(kTypes); }

Type type_for(const SchemaNode& leaf, Rng& rng) {
  if (!leaf.types.empty()) return rng.pick(leaf.types);
  return leaf.deterministic ? rng.pick(kDeterministicTypes) : any_type(rng);
}

const Path* Collection::pick(Rng& rng, Path::Kind kind) const {
  if (paths.empty()) return nullptr;
  const std::size_t start = rng.below(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& p = paths[(start + i) % paths.size()];
    if (p.kind == kind) return &p;
  }
  return nullptr;
}

// ---- Random schemas

namespace {

class SchemaMaker {
 public:
  SchemaMaker(bool patterns, Rng& rng) : patterns_(patterns), rng_(rng) {}

  SchemaNode root() {
    SchemaNode n = object({}, 0);
    if (!n.encrypts()) n.properties.push_back({"secret", encrypted({}, false)});
    const auto plain = [&n](const char* name) {
      std::erase_if(n.properties, [name](const auto& c) { return c.name == name; });
      n.properties.push_back({name, SchemaNode{}});
    };
    plain("keyName");
    if (rng_.chance(8)) {
      SchemaNode id = encrypted({}, true);
      n.properties.push_back({"_id", std::move(id)});
    } else {
      plain("_id");
    }
    return n;
  }

 private:
  SchemaNode encrypted(const SchemaNode::Metadata& inherited, bool must_be_deterministic) {
    SchemaNode n{SchemaNode::Kind::encrypted};
    n.inherits_algorithm = inherited.has_algorithm && rng_.chance(60) &&
                           (inherited.deterministic || !must_be_deterministic);
    n.deterministic = n.inherits_algorithm ? inherited.deterministic
                                           : must_be_deterministic || roll_deterministic(rng_);
    n.inherits_key = inherited.has_key && rng_.chance(60);
    n.key = n.inherits_key ? inherited.key : static_cast<int>(rng_.below(kKeys));
    if (!n.deterministic && !n.inherits_key && rng_.chance(12)) n.key = kPointerKey;
    if (n.deterministic) {
      n.types = {rng_.pick(kDeterministicTypes)};
    } else {
      for (std::size_t i = rng_.below(3); i > 0; --i) {
        const Type t = any_type(rng_);
        if (std::ranges::find(n.types, t) == n.types.end()) n.types.push_back(t);
      }
    }
    return n;
  }

  SchemaNode object(SchemaNode::Metadata inherited, int depth) {
    SchemaNode n{SchemaNode::Kind::object};
    if (rng_.chance(25)) add_metadata(n, inherited);
    for (std::size_t i = 1 + rng_.below(5); i > 0; --i) {
      const char* name = rng_.pick(kNames);
      if (std::ranges::none_of(n.properties, [name](const auto& c) { return c.name == name; }))
        n.properties.push_back({name, child(inherited, depth)});
    }
    if (patterns_ && rng_.chance(15)) {
      const bool at_start = rng_.chance(50);
      add_pattern(n, {at_start ? "p_" : "_enc", at_start}, child(inherited, depth));
      if (rng_.chance(20)) add_pattern(n, {"z", true}, child(inherited, depth));
    }
    if (rng_.chance(8)) n.additional.push_back(child(inherited, depth));
    return n;
  }

  static void add_pattern(SchemaNode& to, SchemaNode::Pattern pattern, SchemaNode node) {
    to.patterns.push_back({std::move(pattern), std::move(node)});
  }

  SchemaNode child(const SchemaNode::Metadata& inherited, int depth) {
    if (rng_.chance(25)) return SchemaNode();
    if (depth < 3 && rng_.chance(30)) return object(inherited, depth + 1);
    return encrypted(inherited, false);
  }

  void add_metadata(SchemaNode& n, SchemaNode::Metadata& inherited) {
    SchemaNode::Metadata& m = n.metadata;
    m.has_algorithm = rng_.chance(60);
    m.has_key = !m.has_algorithm || rng_.chance(60);
    m.deterministic = roll_deterministic(rng_);
    m.key = static_cast<int>(rng_.below(kKeys));
    if (m.has_algorithm) {
      inherited.has_algorithm = true;
      inherited.deterministic = m.deterministic;
    }
    if (m.has_key) {
      inherited.has_key = true;
      inherited.key = m.key;
    }
  }

  bool patterns_;
  Rng& rng_;
};

// ---- JSON

std::string quoted(const std::string& s) { return '"' + s + '"'; }

class JsonWriter {
 public:
  explicit JsonWriter(bool remote) : remote_(remote) {}

  std::string node(const SchemaNode& n) const {
    switch (n.kind) {
      case SchemaNode::Kind::plain:
        return remote_ ? R"({"description": "plain"})" : "{}";
      case SchemaNode::Kind::encrypted:
        return R"({"encrypt": {)" + joined(options(n)) + "}}";
      case SchemaNode::Kind::object:
        break;
    }
    std::vector<std::string> parts = {R"("bsonType": "object")"};
    if (remote_) parts.emplace_back(R"("required": ["_id"])");
    if (n.metadata.has_algorithm || n.metadata.has_key)
      parts.push_back(R"("encryptMetadata": {)" + joined(options(n.metadata)) + "}");
    std::vector<std::string> properties;
    for (const auto& c : n.properties) properties.push_back(quoted(c.name) + ": " + node(c.node));
    parts.push_back(R"("properties": {)" + joined(properties) + "}");
    std::vector<std::string> patterns;
    for (const auto& c : n.patterns)
      patterns.push_back(quoted(c.name.at_start ? "^" + c.name.text : c.name.text + "$") + ": " +
                         node(c.node));
    if (!patterns.empty()) parts.push_back(R"("patternProperties": {)" + joined(patterns) + "}");
    if (!n.additional.empty())
      parts.push_back(R"("additionalProperties": )" + node(n.additional.front()));
    return "{" + joined(parts) + "}";
  }

 private:
  static std::string joined(const std::vector<std::string>& parts) {
    std::string s;
    for (const std::string& p : parts) s += (s.empty() ? "" : ", ") + p;
    return s;
  }
  static std::string algorithm(bool deterministic) {
    return std::string(R"("algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)") +
           (deterministic ? "Deterministic\"" : "Random\"");
  }
  static std::string key_id(int key) {
    if (key == kPointerKey) return R"("keyId": "/keyName")";
    const std::string two(2, static_cast<char>('1' + key));
    std::string uuid;
    for (int i = 0; i < 16; ++i) uuid += (i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "") + two;
    return R"("keyId": [{"$uuid": ")" + uuid + "\"}]";
  }
  static std::vector<std::string> options(const SchemaNode::Metadata& m) {
    std::vector<std::string> parts;
    if (m.has_algorithm) parts.push_back(algorithm(m.deterministic));
    if (m.has_key) parts.push_back(key_id(m.key));
    return parts;
  }
  static std::vector<std::string> options(const SchemaNode& n) {
    std::vector<std::string> parts;
    if (!n.inherits_algorithm) parts.push_back(algorithm(n.deterministic));
    if (!n.inherits_key) parts.push_back(key_id(n.key));
    std::vector<std::string> types;
    for (const Type t : n.types) types.push_back(quoted(std::string(bson::alias(t))));
    if (types.size() == 1) {
      parts.push_back(R"("bsonType": )" + types.front());
    } else if (!types.empty()) {
      parts.push_back(R"("bsonType": [)" + joined(types) + "]");
    }
    return parts;
  }

  bool remote_;
};

// ---- Paths

void list_paths(const SchemaNode& object, const std::string& before, std::vector<Path>& out) {
  std::vector<std::string> names = {"plain1", "plain2"};
  for (const auto& c : object.properties) names.push_back(c.name);
  for (const auto& c : object.patterns) {
    names.push_back(c.name.at_start ? c.name.text + "1" : "q" + c.name.text);
  }
  if (!object.additional.empty()) names.emplace_back("extra");
  for (const std::string& name : names) {
    const std::vector<const SchemaNode*> nodes = object.children(name);
    // Where the schema contradicts itself, one of its readings is as good as another.
    Path p{before + name, Path::Kind::plain, nodes.empty() ? nullptr : nodes.front()};
    if (p.node != nullptr && p.node->encrypts())
      p.kind =
          p.node->kind == SchemaNode::Kind::encrypted ? Path::Kind::encrypted : Path::Kind::prefix;
    out.push_back(p);
    if (p.node != nullptr && p.node->kind == SchemaNode::Kind::object)
      list_paths(*p.node, p.dotted + ".", out);
  }
}

}  // namespace

std::string schema_json(const SchemaNode& root, bool remote) {
  return JsonWriter(remote).node(root);
}

std::vector<Path> list_paths(const SchemaNode& root) {
  std::vector<Path> out;
  list_paths(root, "", out);
  return out;
}

Collection random_collection(std::string name, bool patterns, Rng& rng) {
  Collection c{std::move(name)};
  c.root = SchemaMaker(patterns, rng).root();
  c.remote = rng.chance(30);
  c.json = schema_json(c.root, c.remote);
  c.paths = list_paths(c.root);
  return c;
}

}  // namespace fle::test::leak
