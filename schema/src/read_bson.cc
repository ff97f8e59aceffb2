// A BSON document -> Value, through libbson.
#include <string_view>
#include <unordered_set>
#include <vector>

#include <bson/bson.h>

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

Outcome<Value> read_value(bson_iter_t& it, const Way* way, std::size_t depth, Budget& budget);

Outcome<Value> read_members(bson_iter_t& children, ValueKind kind, const Way* way,
                            std::size_t depth, Budget& budget) {
  if (depth > kMaxSchemaDepth) {
    return Failure(Errc::schema_syntax,
                   "nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels",
                   pointer_of(way));
  }
  Value v;
  v.kind = kind;
  std::unordered_set<std::string> names;
  const std::uint32_t size = children.len;  // libbson forgets it at the end
  while (bson_iter_next(&children)) {
    const std::string name(bson_iter_key(&children), bson_iter_key_len(&children));
    if (!is_utf8(name, Nul::refused)) {
      return Failure(Errc::schema_syntax, "a name that is not valid UTF-8", pointer_of(way));
    }
    if (budget.values-- == 0) {
      return Failure(Errc::schema_syntax,
                     "more than " + std::to_string(kMaxSchemaValues) + " values", pointer_of(way));
    }
    const Way inner{way, name};
    FLE_TRY(Value child, read_value(children, &inner, depth, budget));
    if (kind == ValueKind::array) {
      v.items.push_back(std::move(child));
      continue;
    }
    if (!names.insert(name).second) {
      return Failure(Errc::schema_syntax,
                     one_line("the name '" + name + "' stands twice in one object"),
                     pointer_of(way));
    }
    v.members.push_back({name, 0, std::move(child)});
  }
  // libbson stops alike at the end and at damage; only the end stands on the last byte.
  if (bson_iter_offset(&children) + 1 != size)
    return Failure(Errc::schema_syntax, "not valid BSON", pointer_of(way));
  return v;
}

Outcome<Value> read_value(bson_iter_t& it, const Way* way, std::size_t depth, Budget& budget) {
  Value v;
  switch (bson_iter_type(&it)) {
    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY: {
      const bool is_array = bson_iter_type(&it) == BSON_TYPE_ARRAY;
      bson_iter_t children;
      if (!bson_iter_recurse(&it, &children)) {
        return Failure(Errc::schema_syntax, "not valid BSON", pointer_of(way));
      }
      return read_members(children, is_array ? ValueKind::array : ValueKind::object, way, depth + 1,
                          budget);
    }
    case BSON_TYPE_UTF8: {
      std::uint32_t n = 0;
      const char* s = bson_iter_utf8(&it, &n);
      v.kind = ValueKind::string;
      v.text.assign(s, n);
      if (!is_utf8(v.text, Nul::allowed)) {
        return Failure(Errc::schema_syntax, "a string that is not valid UTF-8", pointer_of(way));
      }
      return v;
    }
    case BSON_TYPE_BINARY: {
      bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
      std::uint32_t n = 0;
      const std::uint8_t* p = nullptr;
      bson_iter_binary(&it, &subtype, &n, &p);
      v.kind = ValueKind::binary;
      v.subtype = static_cast<std::uint8_t>(subtype);
      v.text.assign(reinterpret_cast<const char*>(p), n);
      return v;
    }
    case BSON_TYPE_BOOL:
      v.kind = ValueKind::boolean;
      v.truth = bson_iter_bool(&it);
      return v;
    case BSON_TYPE_NULL:
      return v;
    default:
      v.kind = ValueKind::other;
      return v;
  }
}

}  // namespace

Outcome<Value> read_bson(Bytes document) {
  bson_t doc;
  bson_iter_t it;
  if (document.size() > kMaxSchemaBytes) {
    return Failure(Errc::schema_syntax, "larger than 16 MiB, so larger than any schema");
  }
  // libbson ends the process for a null pointer, which an empty span may hold.
  if (document.empty() || !bson_init_static(&doc, document.data(), document.size()) ||
      !bson_iter_init(&it, &doc)) {
    return Failure(Errc::schema_syntax, "not one valid BSON document");
  }
  Budget budget;
  return read_members(it, ValueKind::object, nullptr, 1, budget);
}

}  // namespace fle::schema
