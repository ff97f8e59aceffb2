// A BSON document -> SchemaValue.
#include <string_view>
#include <unordered_set>
#include <vector>

#include "fle/bson/cursor.h"
#include "fle/bson/little_endian.h"
#include "value.h"

namespace fle::schema {
namespace {

/// What one document may still use up, whatever it claims.
struct Budget {
  std::size_t values = kMaxSchemaValues;
};

/// A step on the way to what is being read: a pointer in the making.
struct Way {
  const Way* outer;
  std::string_view name;
};

std::string pointer_of(const Way* way) {
  std::vector<std::string_view> names;
  for (; way != nullptr; way = way->outer) names.push_back(way->name);
  std::string text;
  for (auto name = names.rbegin(); name != names.rend(); ++name) text += pointer_step(*name);
  return text;
}

Outcome<SchemaValue> read_value(Bytes whole, const bson::Element& e, const Way* way,
                                std::size_t depth, Budget& budget);

/// Of the document or array at `offset`.
Outcome<SchemaValue> read_members(Bytes whole, std::uint32_t offset, ValueKind kind, const Way* way,
                                  std::size_t depth, Budget& budget) {
  if (depth > kMaxSchemaDepth) {
    return Failure(Errc::schema_syntax,
                   "nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels",
                   pointer_of(way));
  }
  SchemaValue v;
  v.kind = kind;
  std::unordered_set<std::string> names;
  bson::Cursor children(whole, offset);
  while (children.next()) {
    const std::string name(children.element().name);
    if (!is_utf8(name, Nul::refused)) {
      return Failure(Errc::schema_syntax, "a name that is not valid UTF-8", pointer_of(way));
    }
    if (budget.values-- == 0) {
      return Failure(Errc::schema_syntax,
                     "more than " + std::to_string(kMaxSchemaValues) + " values", pointer_of(way));
    }
    const Way inner{way, name};
    FLE_TRY(SchemaValue child, read_value(whole, children.element(), &inner, depth, budget));
    if (kind == ValueKind::array) {
      v.items.push_back(std::move(child));
      continue;
    }
    if (!names.insert(name).second) {
      return Failure(Errc::schema_syntax,
                     printable("the name '" + name + "' appears twice in one object"),
                     pointer_of(way));
    }
    v.members.push_back({name, 0, std::move(child)});
  }
  if (children.malformed()) return Failure(Errc::schema_syntax, "not valid BSON", pointer_of(way));
  return v;
}

Outcome<SchemaValue> read_value(Bytes whole, const bson::Element& e, const Way* way,
                                std::size_t depth, Budget& budget) {
  using bson::Type;
  SchemaValue v;
  const Bytes value = value_of(whole, e);
  switch (e.type) {
    case Type::object:
      return read_members(whole, e.value_offset, ValueKind::object, way, depth + 1, budget);
    case Type::array:
      return read_members(whole, e.value_offset, ValueKind::array, way, depth + 1, budget);
    case Type::string:
      v.kind = ValueKind::string;
      v.text = text_of(whole, e);
      if (!is_utf8(v.text, Nul::allowed)) {
        return Failure(Errc::schema_syntax, "a string that is not valid UTF-8", pointer_of(way));
      }
      return v;
    case Type::bin_data: {
      // Subtype 2 repeats the length of its content inside.
      const Bytes content = value.subspan(value[4] == bson::kSubtypeOld ? 9 : 5);
      v.kind = ValueKind::binary;
      v.subtype = value[4];
      v.text.assign(reinterpret_cast<const char*>(content.data()), content.size());
      return v;
    }
    case Type::bool_:
      v.kind = ValueKind::boolean;
      v.truth = value[0] != 0;
      return v;
    case Type::null:
      return v;
    default:
      v.kind = ValueKind::other;
      return v;
  }
}

}  // namespace

Outcome<SchemaValue> read_bson(Bytes document) {
  if (document.size() > kMaxSchemaBytes) {
    return Failure(Errc::schema_syntax, "larger than 16 MiB, so larger than any schema");
  }
  if (document.size() < 5 || bson::load32(document.data()) != document.size() ||
      document.back() != 0) {
    return Failure(Errc::schema_syntax, "not one valid BSON document");
  }
  Budget budget;
  return read_members(document, 0, ValueKind::object, nullptr, 1, budget);
}

}  // namespace fle::schema
