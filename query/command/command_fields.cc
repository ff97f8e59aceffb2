#include <algorithm>
#include <bitset>
#include <string>
#include <vector>

#include "commands.h"
#include "fle/did_you_mean.h"

// The fields of commands, of their statements and of their options: what stands in no row is
// refused where something is encrypted.
namespace fle::query {
namespace {

constexpr Refusal kUnknownField{"command.field", ErrorDetail::command_unknown_field,
                                "unknown field: it would be sent as it is, with whatever it holds",
                                "leave it out, or use the name that the command has for it"};
constexpr Refusal kMissing{"command.field_missing", ErrorDetail::command_missing_field,
                           "is missing but a required field",
                           "give the field: no server does without it"};
constexpr Refusal kWrongType{"command.field_type", ErrorDetail::command_wrong_type,
                             "a value of a kind that this field cannot have",
                             "compare it with the server's manual"};

// ---- Options that are documents

constexpr CommandField kSession[] = {as_is("id", Holds::id), as_is("uid", Holds::id),
                                     as_is("txnNumber", Holds::number),
                                     as_is("txnUUID", Holds::id)};
constexpr CommandField kSignature[] = {as_is("hash", Holds::id), as_is("keyId", Holds::number)};
constexpr CommandField kClusterTime[] = {as_is("clusterTime", Holds::time),
                                         of_options("signature", kSignature)};
constexpr CommandField kReadConcern[] = {
    as_is("level", Holds::text), as_is("afterClusterTime", Holds::time),
    as_is("atClusterTime", Holds::time), as_is("provenance", Holds::text)};
constexpr CommandField kWriteConcern[] = {
    as_is("w", Holds::tags),     as_is("j", Holds::flag),          as_is("wtimeout", Holds::number),
    as_is("fsync", Holds::flag), as_is("provenance", Holds::text),
};
constexpr CommandField kHedge[] = {as_is("enabled", Holds::flag)};
constexpr CommandField kReadPreference[] = {as_is("mode", Holds::text), as_is("tags", Holds::tags),
                                            as_is("maxStalenessSeconds", Holds::number),
                                            of_options("hedge", kHedge)};
constexpr CommandField kQueryOptions[] = {of_options("$readPreference", kReadPreference)};

constexpr CommandField kGeneric[] = {
    as_is("$db", Holds::text),
    of_options("lsid", kSession),
    of_options("$clusterTime", kClusterTime),
    as_is("txnNumber", Holds::number),
    as_is("autocommit", Holds::flag),
    as_is("startTransaction", Holds::flag),
    as_is("coordinator", Holds::flag),
    of_options("readConcern", kReadConcern),
    of_options("writeConcern", kWriteConcern),
    of_options("$readPreference", kReadPreference),
    of_options("$queryOptions", kQueryOptions),
    as_is("maxTimeMS", Holds::number),
    as_is("maxTimeMSOpOnly", Holds::number),
    as_is("apiVersion", Holds::text),
    as_is("apiStrict", Holds::flag),
    as_is("apiDeprecationErrors", Holds::flag),
    as_is("stmtId", Holds::number),
    as_is("rawData", Holds::flag),
    as_is("mayBypassWriteBlocking", Holds::flag),
    as_is("$configTime", Holds::time),
    as_is("$topologyTime", Holds::time),
    as_is("clientOperationKey", Holds::id),
    as_is("help", Holds::flag),
    as_is("comment", Holds::anything),
};

// ---- What a value may be

bool is_absent(Type t) noexcept { return t == Type::null || t == Type::undefined; }
bool is_time(Type t) noexcept { return t == Type::timestamp || t == Type::date; }
bool is_id(Type t) noexcept { return t == Type::bin_data || t == Type::object_id || is_number(t); }
bool is_flag(Type t) noexcept { return t == Type::bool_ || is_number(t); }
bool is_scalar(Type t) noexcept {
  return is_flag(t) || is_time(t) || is_id(t) || t == Type::string;
}

bool all_of(const Context& context, const Element& e, bool (*fits)(Type)) {
  for (Cursor c = context.cursor(e); c.next();)
    if (!fits(c.element().type)) return false;
  return true;
}

bool holds_documents(Type t) noexcept {
  return t == Type::object || t == Type::array || t == Type::javascript_with_scope;
}

bool is_tag(Type t) noexcept { return t == Type::string || is_flag(t); }
/// Tag sets of a deployment's members: {dc: "east"}, or a list of such documents.
bool are_tags(const Context& context, const Element& e) {
  if (e.type == Type::object) return all_of(context, e, is_tag);
  if (e.type != Type::array) return is_tag(e.type);
  for (Cursor c = context.cursor(e); c.next();)
    if (c.element().type != Type::object || !all_of(context, c.element(), is_tag)) return false;
  return true;
}

/// What a key pattern says of a field besides its direction.
constexpr std::string_view kIndexKinds[] = {
    "hashed", "text", "2d", "2dsphere", "2dsphere_bucket", "geoHaystack", "columnstore"};

bool holds(const Context& context, const Element& e, Holds what) {
  switch (what) {
    case Holds::flag:
      return is_flag(e.type);
    case Holds::number:
      return is_number(e.type);
    case Holds::time:
      return is_time(e.type);
    case Holds::text:
      return e.type == Type::string;
    case Holds::id:
      return is_id(e.type);
    case Holds::scalar:
      return is_scalar(e.type);
    case Holds::numbers:
      return e.type == Type::array && all_of(context, e, is_number);
    case Holds::tags:
      return are_tags(context, e);
    case Holds::options:
      return e.type == Type::object;
    case Holds::anything:
      return true;
    case Holds::nothing:
      break;
  }
  return false;
}

// ---- Fields that stand in no row

/// Names that are taken for each other, one group a line.
constexpr std::string_view kAlike[] = {
    " filter query q where criteria selector $query ",
    " update u updateMods updates modifications ",
    " documents document docs ",
    " projection fields project select ",
    " pipeline stages ",
    " sort orderby orderBy $orderby order ",
    " partialFilterExpression partialFilter filter where ",
    " updates q u filter query update ",
    " deletes q filter query ",
    " key keys keyPattern field ",
    " new returnDocument returnNewDocument returnOriginal ",
    " validator schema jsonSchema $jsonSchema ",
    " hint $hint index ",
    " min $min ",
    " max $max ",
    " comment $comment ",
};

bool is_word_of(std::string_view group, std::string_view name) {
  if (name.empty() || name.find(' ') != std::string_view::npos) return false;
  return group.find(" " + std::string(name) + " ") != std::string_view::npos;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Whether one name begins with the other, whatever its case: "documents" and "document".
bool share_beginning(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t kShortest = 4;
  const std::size_t n = std::min(a.size(), b.size());
  return n >= kShortest && std::ranges::equal(a.substr(0, n), b.substr(0, n), {}, lower, lower);
}

/// The row that the writer of `name` may have meant: one that may hold what needs a look. Empty
/// when there is none.
std::string_view likely(std::string_view name, std::span<const CommandField> rows) {
  constexpr std::size_t kLongest = 40;  // no name of a field
  if (name.size() > kLongest) return {};
  const auto first_that = [rows, name](auto fits) {
    for (const CommandField& row : rows)
      if ((row.handle != nullptr || row.holds == Holds::options) && row.name != name &&
          fits(row.name))
        return row.name;
    return std::string_view{};
  };
  for (const std::string_view group : kAlike) {
    if (!is_word_of(group, name)) continue;
    const auto meant = first_that([group](std::string_view r) { return is_word_of(group, r); });
    if (!meant.empty()) return meant;
  }
  const auto beginning =
      first_that([name](std::string_view r) { return share_beginning(name, r); });
  if (!beginning.empty()) return beginning;
  std::vector<std::string_view> names;
  first_that([&names](std::string_view r) {
    names.push_back(r);
    return false;
  });
  return closest_name(name, names);
}

/// A new option of a new server may pass, but no value that a schema could encrypt: neither text
/// nor what has room for some, nor anything under the name of an encrypted field.
Done unknown_field(Context& context, const Element& e, std::span<const CommandField> rows,
                   const Scope& scope) {
  const bool small =
      is_flag(e.type) || is_absent(e.type) || is_time(e.type) || e.type == Type::object_id;
  if (small && e.name.find('.') == std::string_view::npos &&
      resolve(scope.view, e.name, context.work()).kind == Place::Kind::plain)
    return ok;
  const std::string_view meant = likely(e.name, rows);
  return context.refuse(
      kUnknownField, e, {}, {},
      meant.empty() ? std::string()
                    : "is '" + std::string(meant) + "' meant?" + name_difference(e.name, meant));
}

// ---- Fields that must be there

/// The name of the command, or of the one inside explain.
std::string_view command_name(const Context& context, bool explained) {
  Cursor c = context.cursor();
  if (!c.next()) return {};
  if (!explained) return c.element().name;
  Cursor inner = context.cursor(c.element());
  return inner.next() ? inner.element().name : std::string_view();
}

/// A field as servers name it in their errors: "update.updates.q", without the numbers of items.
std::string name_for_servers(const Context& context, std::string_view field) {
  std::span<const std::string_view> path = context.path();
  const bool explained = !path.empty() && path.front() == "explain";
  if (explained) path = path.subspan(1);
  std::string name(command_name(context, explained));
  for (const std::string_view part : path)
    if (part.find_first_not_of("0123456789") != std::string_view::npos)
      name.append(".").append(part);
  return name.append(".").append(field);
}

/// In the server's words.
std::string wrong_type_text(const std::string& field, Type type, Type wanted) {
  return "BSON field '" + field + "' is the wrong type '" + std::string(bson::alias(type)) +
         "', expected type '" + std::string(bson::alias(wanted)) + "'";
}

Failure refuse_with(Context& context, Refusal why, const Element& e, const std::string& text) {
  why.text = text.c_str();
  return context.refuse(why, e, {}, {});
}

/// `e` is sent as it is, but not with what it holds.
Failure refuse_kind(Context& context, const Element& e, Holds what) {
  if (what == Holds::text) return wrong_type(context, e, Type::string);
  if (what == Holds::options) return wrong_type(context, e, Type::object);
  return context.refuse(kWrongType, e, {}, e.name);
}

Failure refuse_missing(Context& context, const CommandField& row) {
  return refuse_with(context, kMissing, {0, 0, 0, Type::null, row.name},
                     "BSON field '" + name_for_servers(context, row.name) + "' " + kMissing.text);
}

// ---- Rows

/// Reads the fields of one document, each row once: what appears twice is read differently by
/// different readers, and handlers that look for other fields would take forever.
class Reader {
 public:
  Reader(Context& context, const Scope& scope, std::span<const CommandField> own,
         std::span<const CommandField> generic = {})
      : context_(context), scope_(scope), own_(own), generic_(generic) {}

  /// The row of a field; null when it has none.
  [[nodiscard]] const CommandField* find(std::string_view name) const noexcept {
    const std::uint64_t tag = CommandField::tag_of(name);
    for (const auto& rows : {own_, generic_})
      for (const CommandField& row : rows)
        if (row.tag == tag && row.name == name) return &row;
    return nullptr;
  }

  Done read(const Element& e) { return read(e, find(e.name)); }
  Done read(const Element& e, const CommandField* row) {
    if (row == nullptr) return unknown_field(context_, e, own_, scope_);
    if (seen_[index(*row)]) return context_.refuse(kMalformed, e, {}, e.name, "appears twice");
    seen_.set(index(*row));
    if (is_absent(e.type)) return row->optional ? Done(ok) : refuse_missing(context_, *row);
    if (row->type && e.type != *row->type) return wrong_type(context_, e, *row->type);
    if (row->handle != nullptr) return row->handle(context_, e, scope_);
    if (!holds(context_, e, row->holds)) return refuse_kind(context_, e, row->holds);
    return row->holds == Holds::options ? options(e, row->inside) : Done(ok);
  }
  /// After the last field: whether all are there that must be.
  [[nodiscard]] Done finish() const {
    for (const CommandField& row : own_)
      if (!row.optional && !seen_[index(row)]) return refuse_missing(context_, row);
    return ok;
  }

 private:
  [[nodiscard]] std::size_t index(const CommandField& row) const noexcept {
    const bool is_own = &row >= own_.data() && &row < own_.data() + own_.size();
    const std::ptrdiff_t at =
        is_own ? &row - own_.data() : &row - generic_.data() + std::ssize(own_);
    return static_cast<std::size_t>(at);
  }

  Done options(const Element& e, std::span<const CommandField> rows) {
    Scope scope = scope_;
    scope.document = e;
    const Context::Inside inside(context_, e);
    return read_fields(context_, rows, scope);
  }

  Context& context_;
  const Scope& scope_;
  std::span<const CommandField> own_;
  std::span<const CommandField> generic_;
  std::bitset<kMaxRows> seen_;
};

/// Bytes 4 to the end of {locale: "simple"}: the one collation that compares as bytes.
bool is_simple(const Context& context, const Element& collation) {
  if (collation.type != Type::object) return false;
  const std::optional<Element> locale = context.find(collation, "locale");
  return locale && locale->type == Type::string && context.text(*locale) == "simple";
}

}  // namespace

std::span<const CommandField> generic_fields() noexcept { return kGeneric; }

bool is_index_kind(std::string_view text) noexcept {
  return std::ranges::find(kIndexKinds, text) != std::end(kIndexKinds);
}

/// A key pattern names paths and says nothing of values.
Done hint(Context& context, const Element& e, const Scope& scope) {
  if (e.type == Type::string) return ok;
  if (e.type != Type::object) return context.refuse(kWrongType, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& key = c.element();
    const bool plain = resolve(scope.view, key.name, context.work()).kind == Place::Kind::plain;
    const bool fits = key.type == Type::string ? is_index_kind(context.text(key))
                      : plain                  ? is_flag(key.type)
                                               : context.is_direction(key);
    if (!fits) return context.refuse(kWrongType, key, {}, "hint");
  }
  return ok;
}

Done constants(Context&, const Element&, const Scope&) { return ok; }

bool is_given(const std::optional<Element>& e) noexcept { return e && !is_absent(e->type); }

bool compares_otherwise(const Context& context, const std::optional<Element>& collation) {
  return is_given(collation) && !is_simple(context, *collation);
}

bool has_collation(const Context& context, const Element& statement) {
  return compares_otherwise(context, context.find(statement, "collation"));
}

Done read_fields(Context& context, std::span<const CommandField> rows, const Scope& scope) {
  Reader reader(context, scope, rows);
  for (Cursor c = context.cursor(scope.document); c.next();) FLE_CHECK(reader.read(c.element()));
  return reader.finish();
}

Done read_statements(Context& context, const Element& list, std::span<const CommandField> rows,
                     const Scope& scope) {
  const Context::Inside inside_list(context, list);
  for (Cursor c = context.cursor(list); c.next();) {
    const Element& statement = c.element();
    if (statement.type != Type::object) return wrong_type(context, statement, Type::object);
    const Context::Inside inside(context, statement);
    FLE_CHECK(read_fields(context, rows,
                          {scope.view, statement, has_collation(context, statement), scope.names}));
  }
  return ok;
}

Done analyze_fields(Context& context, const Command& row, const Scope& scope) {
  Reader reader(context, scope, row.fields(), generic_fields());
  bson::Limits limits = kCommandLimits;
  limits.work = &context.work();
  Cursor c = context.cursor(scope.document);
  // What the command's name has as its value is no field, but for explain's.
  bool is_name = !row.reach.wraps_command;
  for (; c.next(); is_name = false) {
    const Element& e = c.element();
    const CommandField* field = is_name ? nullptr : reader.find(e.name);
    // The cursor has measured the value; what is inside, nobody has looked at.
    if ((field == nullptr || !field->walks) && holds_documents(e.type))
      FLE_CHECK(bson::check_value(e.type, context.value(e), limits));
    if (!is_name) FLE_CHECK(reader.read(e, field));
  }
  if (c.malformed()) return Failure(Errc::malformed_bson, "malformed command");
  return reader.finish();
}

Done need_fields(Context& context, const Command& row, const Scope& scope) {
  for (const CommandField& field : row.fields())
    if (!field.optional && !is_given(context.find(scope.document, field.name)))
      return refuse_missing(context, field);
  return ok;
}

Failure wrong_type(Context& context, const Element& e, Type wanted) {
  return refuse_with(context, kWrongType, e,
                     wrong_type_text(name_for_servers(context, e.name), e.type, wanted));
}

Failure wrong_type(const std::string& field, Type type, Type wanted) {
  return {kWrongType.code.detail, wrong_type_text(field, type, wanted),
          field.substr(field.find('.') + 1)};
}

}  // namespace fle::query
