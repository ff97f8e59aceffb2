#include "query/results/pools.h"

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

namespace fle::test::results {
namespace {

using leak::Buf;
using leak::Rng;
using leak::SchemaNode;
using leak::Type;
using leak::Value;

constexpr std::size_t kValuesOfAType = 3;

void append(Buf& out, std::uint64_t n, unsigned size) {
  for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(n >> (8 * i)));
}

Buf string(std::string_view s) { return leak::text(s).bytes; }

Buf bytes_of(Type type, std::size_t n) {
  static constexpr std::string_view kStrings[] = {"", "s1", "s2"};
  static constexpr double kDoubles[] = {0, 1, 2.5};
  Buf out;
  switch (type) {
    case Type::string:
    case Type::javascript:
    case Type::symbol:
      return string(kStrings[n]);
    case Type::int_:
      append(out, n, 4);
      return out;
    case Type::double_:
      append(out, std::bit_cast<std::uint64_t>(kDoubles[n]), 8);
      return out;
    case Type::long_:
    case Type::date:
      append(out, n, 8);
      return out;
    case Type::timestamp:  // Not 0: the server would write its clock there.
      append(out, n + 1, 8);
      return out;
    case Type::object_id:
      return Buf(12, static_cast<std::uint8_t>(n));
    case Type::decimal:
      append(out, n, 8);
      append(out, 0x3040000000000000, 8);
      return out;
    case Type::bool_:
      return {static_cast<std::uint8_t>(n & 1)};
    case Type::bin_data:
      append(out, n, 4);
      out.push_back(0);
      out.resize(5 + n, 0x7f);
      return out;
    case Type::regex:
      return {static_cast<std::uint8_t>('0' + n), 0, 'i', 0};
    case Type::db_pointer:
      out = string(kStrings[n]);
      out.resize(out.size() + 12, 1);
      return out;
    case Type::javascript_with_scope: {
      const Buf code = string(kStrings[n]);
      const Buf scope = leak::write(leak::object());
      append(out, 4 + code.size() + scope.size(), 4);
      for (const Buf& part : {code, scope})
        for (const std::uint8_t b : part) out.push_back(b);
      return out;
    }
    default:
      return out;
  }
}

void without_regex(SchemaNode& node) {
  std::ranges::replace(node.types, Type::regex, Type::string);
  // Twice the same type would be none.
  std::ranges::sort(node.types);
  node.types.erase(std::unique(node.types.begin(), node.types.end()), node.types.end());
  for (auto& c : node.properties) without_regex(c.node);
  for (auto& c : node.patterns) without_regex(c.node);
  for (SchemaNode& n : node.additional) without_regex(n);
}

}  // namespace

void give_pool_content(Value& v, Rng& rng) {
  if (v.secret && v.type == Type::regex) v.type = Type::string;
  std::size_t n = 0;
  for (leak::Field& f : v.fields) {
    if (f.opaque_name) f.name = "k" + std::to_string(n++);
    give_pool_content(f.value, rng);
  }
  if (v.opaque && !v.is_container()) v.bytes = bytes_of(v.type, rng.below(kValuesOfAType));
}

void make_runnable(Value& command, Rng& rng) {
  const auto new_id = [&rng](Value& document) {
    for (leak::Field& f : document.fields)
      if (f.name == "_id" && !f.value.secret)
        f.value = leak::number(static_cast<std::int32_t>(100 + rng.below(10'000)));
  };
  for (leak::Field& f : command.fields) {
    if (f.name == "documents")
      for (leak::Field& d : f.value.fields) new_id(d.value);
    if (f.name == "document") new_id(f.value);
    const bool is_update = f.name == "u" || f.name == "update" || f.name == "updateMods";
    if (is_update && f.value.type == Type::object)
      std::erase_if(f.value.fields, [&rng](const leak::Field& x) {
        return x.name == "_id" && (!x.value.secret || rng.chance(80));
      });
    if (f.name == "$bucket")
      for (leak::Field& x : f.value.fields) {
        if (x.name == "boundaries" && !x.value.fields.empty() && !x.value.fields[0].value.secret)
          x.value = leak::array({leak::number(0), leak::number(1), leak::number(50)});
        if (x.name == "default" && !x.value.secret) x.value = leak::text("other");
      }
    make_runnable(f.value, rng);
  }
}

void hold_names_once(Value& v) {
  for (leak::Field& f : v.fields) hold_names_once(f.value);
  if (v.type != Type::object) return;
  std::vector<leak::Field> once;
  for (leak::Field& f : v.fields) {
    const auto known = std::ranges::find(once, f.name, &leak::Field::name);
    if (known == once.end()) {
      once.push_back(std::move(f));
    } else {
      known->value = std::move(f.value);
    }
  }
  v.fields = std::move(once);
}

void without_untyped_containers(Value& document, const SchemaNode& schema) {
  for (leak::Field& f : document.fields) {
    if (!f.value.is_container()) continue;
    for (const SchemaNode* node : schema.children(f.name)) {
      if (node->kind == SchemaNode::Kind::object) without_untyped_containers(f.value, *node);
      if (node->kind == SchemaNode::Kind::encrypted && node->types.empty())
        f.value = leak::text("no container");
    }
  }
}

void without_regex(leak::Collection& c) {
  without_regex(c.root);
  c.json = leak::schema_json(c.root, c.remote);
  c.paths = leak::list_paths(c.root);
}

}  // namespace fle::test::results
