#include "fle/kms/key_filter.h"

#include <algorithm>
#include <compare>
#include <optional>
#include <utility>

#include "bson_builder.h"
#include "bson_fields.h"
#include "fle/bson/writer.h"
#include "fle/did_you_mean.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
constexpr unsigned kMaxDepth = 32;  // of $and and $or in each other

Failure refuse(std::string why, std::string_view field = {}) {
  return {Errc::invalid_argument, "key filter: " + std::move(why), std::string(field)};
}

// ---- Values

/// What may be compared with each other. Numbers are one kind, as in MongoDB.
enum class Kind : std::uint8_t { other, number, string, binary, boolean, date, null, container };

Kind kind_of(const bson_iter_t& it) noexcept {
  switch (bson_iter_type(&it)) {
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_DOUBLE:
      return Kind::number;
    case BSON_TYPE_UTF8:
      return Kind::string;
    case BSON_TYPE_BINARY:
      return Kind::binary;
    case BSON_TYPE_BOOL:
      return Kind::boolean;
    case BSON_TYPE_DATE_TIME:
      return Kind::date;
    case BSON_TYPE_NULL:
      return Kind::null;
    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY:
      return Kind::container;
    default:
      return Kind::other;
  }
}

Bytes bytes_of_string(const bson_iter_t& it) noexcept {
  std::uint32_t n = 0;
  const char* s = bson_iter_utf8(&it, &n);
  return {reinterpret_cast<const std::uint8_t*>(s), n};
}

std::partial_ordering compare_bytes(Bytes a, Bytes b) noexcept {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

std::partial_ordering compare_numbers(const bson_iter_t& a, const bson_iter_t& b) noexcept {
  if (!BSON_ITER_HOLDS_DOUBLE(&a) && !BSON_ITER_HOLDS_DOUBLE(&b))
    return bson_iter_as_int64(&a) <=> bson_iter_as_int64(&b);
  // A long double of 64 bits mantissa holds either exactly.
  const auto wide = [](const bson_iter_t& it) {
    return BSON_ITER_HOLDS_DOUBLE(&it) ? static_cast<long double>(bson_iter_double(&it))
                                       : static_cast<long double>(bson_iter_as_int64(&it));
  };
  return wide(a) <=> wide(b);
}

/// MongoDB's order of binary values: length, subtype, bytes.
std::partial_ordering compare_binary(const bson_iter_t& a, const bson_iter_t& b) noexcept {
  struct Binary {
    bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
    std::uint32_t size = 0;
    const std::uint8_t* p = nullptr;
    explicit Binary(const bson_iter_t& it) { bson_iter_binary(&it, &subtype, &size, &p); }
  };
  const Binary x(a);
  const Binary y(b);
  if (x.size != y.size) return x.size <=> y.size;
  if (x.subtype != y.subtype) return x.subtype <=> y.subtype;
  return compare_bytes({x.p, x.size}, {y.p, y.size});
}

std::partial_ordering compare_containers(const bson_iter_t& a, const bson_iter_t& b) noexcept {
  const auto x = container_of(a, bson_iter_type(&a));
  const auto y = container_of(b, bson_iter_type(&b));
  if (bson_iter_type(&a) != bson_iter_type(&b) || !std::ranges::equal(*x, *y))
    return std::partial_ordering::unordered;
  return std::partial_ordering::equivalent;
}

std::partial_ordering compare(const bson_iter_t& a, const bson_iter_t& b) noexcept {
  if (kind_of(a) != kind_of(b)) return std::partial_ordering::unordered;
  switch (kind_of(a)) {
    case Kind::number:
      return compare_numbers(a, b);
    case Kind::string:
      return compare_bytes(bytes_of_string(a), bytes_of_string(b));
    case Kind::binary:
      return compare_binary(a, b);
    case Kind::boolean:
      return bson_iter_bool(&a) <=> bson_iter_bool(&b);
    case Kind::date:
      return bson_iter_date_time(&a) <=> bson_iter_date_time(&b);
    case Kind::null:
      return std::partial_ordering::equivalent;
    case Kind::container:
      return compare_containers(a, b);
    case Kind::other:
      break;
  }
  return std::partial_ordering::unordered;
}

// ---- Fields of a key document

/// bson_iter_t asks for more alignment than a template argument can carry on.
struct Value {
  bson_iter_t it;
};

/// What a condition on a field looks at: its value and, of an array, each element. Empty: missing.
using Candidates = std::vector<Value>;

Candidates candidates(const bson_t& doc, const std::string& path) {
  Candidates out;
  bson_iter_t root;
  bson_iter_t it;
  if (!bson_iter_init(&root, &doc) || !bson_iter_find_descendant(&root, path.c_str(), &it))
    return out;
  out.push_back({it});
  bson_iter_t element;
  if (BSON_ITER_HOLDS_ARRAY(&it) && bson_iter_recurse(&it, &element))
    while (bson_iter_next(&element)) out.push_back({element});
  return out;
}

Done check_path(std::string_view path) {
  static constexpr std::string_view kFields[] = {"_id",       "keyAltNames",  "keyMaterial",
                                                 "status",    "creationDate", "updateDate",
                                                 "masterKey", "version"};
  constexpr std::string_view kInside = "masterKey.";
  if (std::ranges::count(kFields, path) != 0) return ok;
  if (path.starts_with(kInside) && path.size() > kInside.size() &&
      path.find('.', kInside.size()) == std::string_view::npos)
    return ok;
  return refuse("key documents have no field " + quoted(path) + "." + did_you_mean(path, kFields));
}

// ---- Operators

using Operator = Outcome<bool> (*)(const Candidates& found, const bson_iter_t& operand);

Outcome<bool> equal(const Candidates& found, const bson_iter_t& operand) {
  if (kind_of(operand) == Kind::other) return refuse("cannot compare with a value of this type");
  if (found.empty()) return kind_of(operand) == Kind::null;  // a missing field equals null
  return std::ranges::any_of(found, [&](const Value& v) { return compare(v.it, operand) == 0; });
}

template <bool (*Holds)(std::partial_ordering) noexcept>
Outcome<bool> ordered(const Candidates& found, const bson_iter_t& operand) {
  const Kind kind = kind_of(operand);
  if (kind == Kind::other || kind == Kind::null || kind == Kind::container)
    return refuse("cannot order by a value of this type");
  return std::ranges::any_of(found, [&](const Value& v) { return Holds(compare(v.it, operand)); });
}

Outcome<bool> one_of(const Candidates& found, const bson_iter_t& operand) {
  const auto array = container_of(operand, BSON_TYPE_ARRAY);
  if (!array) return refuse("$in and $nin take an array");
  bool any = false;
  FLE_CHECK(each_field(*array, refuse("malformed array"), [&](const bson_iter_t& value) -> Done {
    FLE_TRY(const bool equals, equal(found, value));
    any = any || equals;
    return ok;
  }));
  return any;
}

Outcome<bool> exists(const Candidates& found, const bson_iter_t& operand) {
  return found.empty() != bson_iter_as_bool(&operand);
}

template <Operator Op>
Outcome<bool> negated(const Candidates& found, const bson_iter_t& operand) {
  FLE_TRY(const bool holds, Op(found, operand));
  return !holds;
}

struct NamedOperator {
  std::string_view name;
  Operator apply;
};
constexpr NamedOperator kOperators[] = {
    {"$eq", equal},
    {"$ne", negated<equal>},
    {"$in", one_of},
    {"$nin", negated<one_of>},
    {"$lt", ordered<std::is_lt>},
    {"$lte", ordered<std::is_lteq>},
    {"$gt", ordered<std::is_gt>},
    {"$gte", ordered<std::is_gteq>},
    {"$exists", exists},
};

/// {$lt: ..., $gt: ...}: every one must hold.
Outcome<bool> apply_operators(const Candidates& found, Bytes operators) {
  bool all = true;
  FLE_CHECK(each_field(operators, refuse("malformed document"), [&](const bson_iter_t& it) -> Done {
    const auto* op = std::ranges::find(kOperators, key_of(it), &NamedOperator::name);
    if (op == std::end(kOperators))
      return refuse("this vault does not know the operator " + quoted(key_of(it)));
    FLE_TRY(const bool holds, op->apply(found, it));
    all = all && holds;
    return ok;
  }));
  return all;
}

bool holds_operators(Bytes doc) {
  bson_t b;
  bson_iter_t it;
  return init_view(b, doc) && bson_iter_init(&it, &b) && bson_iter_next(&it) &&
         key_of(it).starts_with('$');
}

Outcome<bool> field_matches(const bson_t& key, const bson_iter_t& condition) {
  const std::string path(key_of(condition));
  FLE_CHECK(check_path(path));
  const Candidates found = candidates(key, path);
  const auto operators = container_of(condition, BSON_TYPE_DOCUMENT);
  auto holds = operators && holds_operators(*operators) ? apply_operators(found, *operators)
                                                        : equal(found, condition);
  if (!holds) holds.error().path = path;
  return holds;
}

// ---- The query. Everything is evaluated, also where the result is known: a query with a mistake
// in it is refused whatever the keys.

Outcome<bool> query_matches(const bson_t& key, Bytes query, unsigned depth);

Outcome<bool> combined(const bson_t& key, const bson_iter_t& it, bool and_not_or, unsigned depth) {
  const auto array = container_of(it, BSON_TYPE_ARRAY);
  if (!array) return refuse(quoted(key_of(it)) + " takes an array");
  std::size_t n = 0;
  std::size_t n_true = 0;
  FLE_CHECK(each_field(*array, refuse("malformed array"), [&](const bson_iter_t& part) -> Done {
    const auto query = container_of(part, BSON_TYPE_DOCUMENT);
    if (!query) return refuse("$and and $or take an array of documents");
    FLE_TRY(const bool holds, query_matches(key, *query, depth + 1));
    ++n;
    n_true += holds ? 1 : 0;
    return ok;
  }));
  if (n == 0) return refuse("$and and $or take an array that is not empty");
  return and_not_or ? n_true == n : n_true != 0;
}

Outcome<bool> query_matches(const bson_t& key, Bytes query, unsigned depth) {
  if (depth > kMaxDepth) return refuse("nested too deep");
  bool all = true;
  FLE_CHECK(each_field(query, refuse("malformed document"), [&](const bson_iter_t& it) -> Done {
    const std::string_view name = key_of(it);
    const bool logical = name == "$and" || name == "$or";
    if (!logical && name.starts_with('$'))
      return refuse("this vault does not know the operator " + quoted(name));
    FLE_TRY(const bool holds,
            logical ? combined(key, it, name == "$and", depth) : field_matches(key, it));
    all = all && holds;
    return ok;
  }));
  return all;
}

// ---- Building queries

/// {PATH: {$lt: time}}
std::vector<std::uint8_t> before(const char* path, KeyDocument::Time time) {
  bson::Writer w;
  w.begin_document(path).add_date("$lt", time.time_since_epoch().count());
  return std::move(w).take();
}

/// {PATH: value}
std::vector<std::uint8_t> is(const std::string& path, std::string_view value) {
  bson::Writer w;
  w.add_string(path, value);
  return std::move(w).take();
}

/// {PATH: {$in: [...]}} as an element of an array of conditions.
template <class List, class AddValue>
void add_in(bson::Writer& conditions, std::string_view path, const List& list, AddValue add_value) {
  conditions.begin_document({}).begin_document(path).begin_array("$in");
  for (const auto& value : list) add_value(value);
  conditions.end().end().end();
}

}  // namespace

Outcome<KeyFilter> KeyFilter::from_bson(Bytes query) {
  if (query.size() > kMaxBytes) return refuse("longer than 16 MiB");
  bool empty = true;
  FLE_CHECK(each_field(query, refuse("not one well-formed BSON document"),
                       [&empty](const bson_iter_t&) -> Done {
                         empty = false;
                         return ok;
                       }));
  KeyFilter filter;
  if (!empty) filter.conditions_.emplace_back(query.begin(), query.end());
  return filter;
}

KeyFilter& KeyFilter::any_of(std::span<const KeyId> ids, std::span<const std::string> alt_names) {
  bson::Writer w;
  w.begin_array("$or");
  add_in(w, "_id", ids, [&w](const KeyId& id) { w.add_binary({}, bson::kSubtypeUuid, id.bytes); });
  add_in(w, "keyAltNames", alt_names, [&w](const std::string& name) { w.add_string({}, name); });
  conditions_.push_back(std::move(w).take());
  return *this;
}

KeyFilter& KeyFilter::provider(std::string_view id) { return master_key_field("provider", id); }

KeyFilter& KeyFilter::master_key_field(std::string_view name, std::string_view value) {
  conditions_.push_back(is("masterKey." + std::string(name), value));
  return *this;
}

KeyFilter& KeyFilter::created_before(KeyDocument::Time time) {
  conditions_.push_back(before("creationDate", time));
  return *this;
}

KeyFilter& KeyFilter::updated_before(KeyDocument::Time time) {
  conditions_.push_back(before("updateDate", time));
  return *this;
}

std::vector<std::uint8_t> KeyFilter::to_bson() const {
  if (conditions_.size() == 1) return conditions_.front();
  bson::Writer w;
  if (conditions_.empty()) return std::move(w).take();
  w.begin_array("$and");
  for (const auto& condition : conditions_) w.add_document({}, condition);
  return std::move(w).take();
}

Done KeyFilter::check() const {
  BsonBuilder nothing;
  for (const auto& condition : conditions_) FLE_CHECK(query_matches(*nothing.get(), condition, 0));
  return ok;
}

Outcome<bool> KeyFilter::matches(const KeyDocument& key) const {
  const std::vector<std::uint8_t> document = kms::to_bson(key);
  bson_t b;
  if (!init_view(b, document)) return refuse("the key document is malformed");
  for (const auto& condition : conditions_) {
    FLE_TRY(const bool holds, query_matches(b, condition, 0));
    if (!holds) return false;
  }
  return true;
}

}  // namespace fle::kms
