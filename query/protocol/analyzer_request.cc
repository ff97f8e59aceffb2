#include "analyzer_request.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/query/analysis.h"

namespace fle::query::internal {
namespace {

using bson::Cursor;
using bson::Element;
using bson::Type;

Failure malformed(std::string text, std::string_view path = {},
                  ErrorDetail detail = ErrorDetail::command_malformed) {
  return {detail, std::move(text), std::string(path)};
}

/// One document inside of what was sent, its fields taken by name. Well-formedness was checked.
class Fields {
 public:
  explicit Fields(Bytes whole) noexcept : whole_(whole) {}

  /// Where the field `name` of `type` goes.
  struct Wanted {
    std::string_view name;
    Type type;
    std::optional<Element>* to;
  };

  /// Takes `e` if it is one of `wanted`.
  [[nodiscard]] Outcome<bool> take(const Element& e, std::span<const Wanted> wanted,
                                   std::string_view in) const {
    const auto w = std::find_if(wanted.begin(), wanted.end(),
                                [&](const Wanted& x) { return x.name == e.name; });
    if (w == wanted.end()) return false;
    const std::string path =
        in.empty() ? std::string(e.name) : std::string(in) + "." + std::string(e.name);
    if (e.type != w->type) {
      return malformed("must be of type " + std::string(bson::alias(w->type)) + ", found " +
                           std::string(bson::alias(e.type)),
                       path);
    }
    if (w->to->has_value()) return malformed("appears twice", path);
    *w->to = e;
    return true;
  }

  [[nodiscard]] Bytes document(const Element& e) const noexcept {
    return whole_.subspan(e.value_offset, e.value_size);
  }
  [[nodiscard]] bool is_true(const Element& e) const noexcept {
    return whole_[e.value_offset] != 0;
  }
  [[nodiscard]] Bytes whole() const noexcept { return whole_; }

 private:
  Bytes whole_;
};

/// {jsonSchema: {...}, isRemoteSchema: bool}. A client always sends both; which one is meant by
/// half of them is not ours to guess: a local schema stands above what a server says.
Outcome<SentSchema> schema_of(const Fields& fields, const std::optional<Element>& schema,
                              const std::optional<Element>& remote, std::string_view in) {
  const std::string prefix = in.empty() ? std::string() : std::string(in) + ".";
  if (!schema) return malformed("jsonSchema is a required command field", prefix + "jsonSchema");
  if (!remote) {
    return malformed("isRemoteSchema is a required command field beside jsonSchema",
                     prefix + "isRemoteSchema");
  }
  return SentSchema{fields.document(*schema),
                    fields.is_true(*remote) ? schema::Origin::remote : schema::Origin::local};
}

Outcome<Request::Named> read_named(const Fields& fields, const Element& entry) {
  const std::string path = "csfleEncryptionSchemas." + std::string(entry.name);
  if (entry.type != Type::object) return malformed("must be of type object", path);
  std::optional<Element> schema;
  std::optional<Element> remote;
  const std::array<Fields::Wanted, 2> wanted{
      {{"jsonSchema", Type::object, &schema}, {"isRemoteSchema", Type::bool_, &remote}}};
  for (Cursor c(fields.whole(), entry.value_offset); c.next();) {
    FLE_TRY(const bool taken, fields.take(c.element(), wanted, path));
    if (!taken) {
      return malformed("unknown field beside jsonSchema and isRemoteSchema",
                       path + "." + std::string(c.element().name),
                       ErrorDetail::command_unknown_field);
    }
  }
  FLE_TRY(const SentSchema sent, schema_of(fields, schema, remote, path));
  return Request::Named{entry.name, sent};
}

Outcome<std::vector<Request::Named>> read_all_named(const Fields& fields, const Element& schemas) {
  std::vector<Request::Named> all;
  for (Cursor c(fields.whole(), schemas.value_offset); c.next();) {
    FLE_TRY(const Request::Named one, read_named(fields, c.element()));
    all.push_back(one);
  }
  std::ranges::sort(all, {}, &Request::Named::ns);
  const auto twice = std::ranges::adjacent_find(all, {}, &Request::Named::ns);
  if (twice != all.end())
    return malformed("appears twice", "csfleEncryptionSchemas." + std::string(twice->ns));
  return all;
}

/// Queryable Encryption: {type, schema: {"db.coll": {fields: [...], ...}}}. A client that speaks
/// to collections of both kinds sends one with empty fields for those that have none.
Done check_no_encrypted_fields(const Fields& fields, const Element& information) {
  const auto refused = [](std::string path) {
    return Failure(Errc::command_not_supported,
                   "Queryable Encryption: only collections without encryptedFields can be analyzed",
                   std::move(path));
  };
  const auto only_empty = [&](const Element& ns, const std::string& path) -> Done {
    if (ns.type != Type::object) return malformed("must be of type object", path);
    for (Cursor c(fields.whole(), ns.value_offset); c.next();) {
      const Element& e = c.element();
      const bool empty = e.type == Type::array && e.value_size == 5;
      if (e.name == "fields" && !empty) return refused(path + ".fields");
    }
    return ok;
  };
  constexpr std::string_view kPath = "encryptionInformation.schema";
  for (Cursor c(fields.whole(), information.value_offset); c.next();) {
    const Element& e = c.element();
    if (e.name == "type") continue;
    if (e.name != "schema" || e.type != Type::object)
      return refused("encryptionInformation." + std::string(e.name));
    for (Cursor ns(fields.whole(), e.value_offset); ns.next();)
      FLE_CHECK(
          only_empty(ns.element(), std::string(kPath) + "." + std::string(ns.element().name)));
  }
  return ok;
}

/// Copies elements of `sent` into a document of its own.
class Rest {
 public:
  explicit Rest(Bytes sent) : sent_(sent), out_(sent.size()) {}
  void keep(const Element& e) {
    out_.append(sent_.subspan(e.type_offset, e.value_offset + e.value_size - e.type_offset));
  }
  /// The document or array `e`, of which the caller keeps elements until end().
  void begin(const Element& e) { out_.begin(e.type, e.name); }
  void end() { out_.end(); }
  std::vector<std::uint8_t> finish() && { return std::move(out_).take(); }

 private:
  Bytes sent_;
  bson::Writer out_;
};

/// Keeps nsInfo without encryptionInformation, which must be empty. Returns whether some was there.
/// Any other shape is left for the command's analysis to refuse.
Outcome<bool> keep_namespaces(const Fields& fields, const Element& list, Rest& rest) {
  bool any = false;
  rest.begin(list);
  for (Cursor entry(fields.whole(), list.value_offset); entry.next();) {
    if (entry.element().type != Type::object) {
      rest.keep(entry.element());
      continue;
    }
    rest.begin(entry.element());
    for (Cursor c(fields.whole(), entry.element().value_offset); c.next();) {
      const Element& e = c.element();
      if (e.name != "encryptionInformation") {
        rest.keep(e);
        continue;
      }
      if (e.type != Type::object)
        return malformed("must be of type object", "nsInfo.encryptionInformation");
      FLE_CHECK(check_no_encrypted_fields(fields, e));
      any = true;
    }
    rest.end();
  }
  rest.end();
  return any;
}

/// The database: where it was sent to, else as $db says, else as that of an explained command says.
/// $db does not stay in the command, so it is compared here; analyze() sees to the other one.
Outcome<std::string_view> database(const Fields& fields, std::string_view db,
                                   const std::optional<Element>& dollar_db, const Element& first) {
  const auto text = [&](const Element& e) { return text_of(fields.whole(), e); };
  // Sent to admin, with a namespace of another database.
  if (first.name == "bulkWrite" && dollar_db) return text(*dollar_db);
  if (dollar_db && db.empty()) db = text(*dollar_db);
  if (dollar_db && db != text(*dollar_db))
    return malformed("names another database than the one that the command is sent to", "$db");
  if (db.empty() && first.name == "explain" && first.type == Type::object)
    for (Cursor c(fields.whole(), first.value_offset); c.next();)
      if (c.element().name == "$db" && c.element().type == Type::string) db = text(c.element());
  if (db.empty()) return malformed("no database: neither in the namespace nor in $db", "$db");
  return db;
}

}  // namespace

const SentSchema* Request::find(std::string_view ns) const noexcept {
  if (!named) return nullptr;
  const auto it = std::ranges::lower_bound(*named, ns, {}, &Named::ns);
  return it != named->end() && it->ns == ns ? &it->schema : nullptr;
}

Outcome<Request> read_request(Bytes sent, std::string_view db) {
  FLE_TRY(const std::size_t size, bson::document_size(sent, kCommandLimits));
  if (size != sent.size()) return Failure(Errc::malformed_bson, "not exactly one BSON document");
  FLE_CHECK(bson::check_value(Type::object, sent, kCommandLimits));

  std::optional<Element> schema;
  std::optional<Element> remote;
  std::optional<Element> named;
  std::optional<Element> queryable;
  std::optional<Element> dollar_db;
  const std::array<Fields::Wanted, 5> wanted{{
      {"jsonSchema", Type::object, &schema},
      {"isRemoteSchema", Type::bool_, &remote},
      {"csfleEncryptionSchemas", Type::object, &named},
      {"encryptionInformation", Type::object, &queryable},
      {"$db", Type::string, &dollar_db},
  }};
  const Fields fields(sent);
  Request r;
  Rest rest(sent);
  std::optional<Element> first;
  for (Cursor c(sent, 0); c.next();) {
    const Element& e = c.element();
    // The first field is the command's name, whatever it reads.
    if (!first) {
      first = e;
      rest.keep(e);
    } else if (first->name == "bulkWrite" && e.name == "nsInfo" && e.type == Type::array) {
      FLE_TRY(r.says_no_schema, keep_namespaces(fields, e, rest));
    } else {
      FLE_TRY(const bool taken, fields.take(e, wanted, {}));
      if (!taken) rest.keep(e);
    }
  }
  if (!first) return malformed("an empty document is no command");

  FLE_TRY(r.db, database(fields, db, dollar_db, *first));
  if (queryable) FLE_CHECK(check_no_encrypted_fields(fields, *queryable));
  if (named && (schema || remote)) {
    return malformed("jsonSchema and csfleEncryptionSchemas exclude each other",
                     "csfleEncryptionSchemas");
  }
  if (schema || remote) {
    FLE_TRY(r.own, schema_of(fields, schema, remote, {}));
  }
  if (named) {
    FLE_TRY(r.named, read_all_named(fields, *named));
  }
  r.command = std::move(rest).finish();
  return r;
}

}  // namespace fle::query::internal
