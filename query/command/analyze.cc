#include <algorithm>
#include <new>
#include <utility>

#include "commands.h"
#include "ground/proposal.h"
#include "pipeline/pipeline.h"
#include "validator.h"

namespace fle::query {
namespace {

Failure malformed(const char* what, std::string path = {}) {
  return {Errc::malformed_bson, what, std::move(path)};
}

/// The first element of a document: a command's name and its first value.
Outcome<Element> first_element(Bytes command, std::uint32_t at, Work& work) {
  Cursor c(command, at, work);
  if (c.next()) return c.element();
  return malformed(c.malformed() ? "malformed command" : "an empty document is no command");
}

Failure not_supported(std::string_view name) {
  const std::string meant = proposal(name, commands());
  return {Errc::command_not_supported,
          "command not supported for auto encryption: " + std::string(name) +
              (meant.empty() ? meant : ". " + meant)};
}

struct Named {
  const Command* row;
  Element first;
  std::uint32_t at;  // of the document that is the command
};

/// The command that does the work: the one inside, for explain.
Outcome<Named> innermost_command(Bytes command, Work& work) {
  FLE_TRY(Element first, first_element(command, 0, work));
  const Command* row = find_command(first.name);
  if (row == nullptr) return not_supported(first.name);
  if (first.name != "explain") return Named{row, first, 0};
  if (first.type != Type::object)
    return Failure(Errc::command_malformed, "explain value is not a document", "explain");
  const std::uint32_t at = first.value_offset;
  FLE_TRY(first, first_element(command, at, work));
  row = find_command(first.name);
  if (row == nullptr || row->command_class != CommandClass::analyzed || first.name == "explain")
    return not_supported(first.name);
  return Named{row, first, at};
}

Outcome<std::string_view> collection_name(Bytes command, const Element& first) {
  if (first.type != Type::string)
    return Failure(
        Errc::command_not_supported,
        "non-collection command not supported for auto encryption: " + std::string(first.name));
  const std::string_view name = text_of(command, first);
  if (name.empty())
    return Failure(Errc::command_malformed,
                   "empty collection name on command: " + std::string(first.name));
  return name;
}

std::optional<Element> find_field(Bytes command, std::uint32_t at, std::string_view name,
                                  Work& work) {
  for (Cursor c(command, at, work); c.next();)
    if (c.element().name == name) return c.element();
  return std::nullopt;
}

/// validator.$jsonSchema, at the validator's top level only.
Bytes own_schema(Bytes command, std::uint32_t at, Work& work) {
  const std::optional<Element> validator = find_field(command, at, "validator", work);
  if (!validator || validator->type != Type::object) return {};
  const std::optional<Element> schema =
      find_field(command, validator->value_offset, "$jsonSchema", work);
  if (!schema || schema->type != Type::object) return {};
  return command.subspan(schema->value_offset, schema->value_size);
}

std::size_t count_fields_named(Bytes command, std::uint32_t at, std::string_view name, Work& work) {
  std::size_t n = 0;
  for (Cursor c(command, at, work); c.next();) n += c.element().name == name ? 1 : 0;
  return n;
}

/// bulkWrite is sent to admin and says in nsInfo what it is about: one namespace, else its schemas
/// could not be told apart by an index in each operation.
Outcome<CollectionName> bulk_namespace(Bytes command, std::uint32_t at, Work& work) {
  const std::optional<Element> list = find_field(command, at, "nsInfo", work);
  if (!list || list->type != Type::array)
    return Failure(Errc::command_malformed, "bulkWrite has no array nsInfo", "nsInfo");
  if (count_fields_named(command, at, "nsInfo", work) != 1)
    return Failure(Errc::command_malformed, "bulkWrite has more than one nsInfo", "nsInfo");
  Cursor c(command, list->value_offset, work);
  if (!c.next() || c.element().type != Type::object)
    return Failure(Errc::command_malformed, "not a document", "nsInfo.0");
  const std::optional<Element> ns = find_field(command, c.element().value_offset, "ns", work);
  if (c.next())
    return Failure(Errc::command_not_supported,
                   "bulkWrite: only one namespace supported for auto encryption", "nsInfo");
  if (!ns || ns->type != Type::string)
    return Failure(Errc::command_malformed, "not a string", "nsInfo.0.ns");
  const std::string_view name = text_of(command, *ns);
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot >= name.size() - 1)
    return Failure(Errc::command_malformed, "not database.collection", "nsInfo.0.ns");
  return CollectionName{name.substr(0, dot), name.substr(dot + 1)};
}

/// The collections that a pipeline in the command's field "pipeline" names. All fields of that name
/// count: nobody knows which one the server takes.
Done add_pipeline(Bytes command, std::uint32_t at, CollectionNames& names, Work& work) {
  for (Cursor c(command, at, work); c.next();) {
    const Element& e = c.element();
    if (e.name != "pipeline" || e.type != Type::array) continue;
    FLE_CHECK(find_collections(command, e.value_offset, names, work));
  }
  return ok;
}

/// A view's pipeline is stored by the server: what it is about must be known too.
Done add_view(Bytes command, std::uint32_t at, CollectionNames& names, Work& work) {
  bool is_view = false;
  for (Cursor c(command, at, work); c.next();) {
    const Element& e = c.element();
    if (e.name != "viewOn" || e.type != Type::string) continue;
    is_view = true;
    FLE_CHECK(names.add(text_of(command, e)));
  }
  return is_view ? add_pipeline(command, at, names, work) : Done(ok);
}

/// Where the updates of a command stand: in a list of statements, or in the command itself.
struct UpdatePlace {
  std::string_view command;
  std::string_view list;  // empty: none
  std::string_view field;
};
constexpr UpdatePlace kUpdatePlaces[] = {{"update", "updates", "u"},
                                         {"bulkWrite", "ops", "updateMods"},
                                         {"findAndModify", {}, "update"}};

/// The stages that an update may have name no other collection. One that does is refused here, for
/// nobody would look for that collection's schema.
Done refuse_foreign_updates(Bytes command, std::uint32_t at, std::string_view field, Work& work) {
  std::vector<std::string_view> found;
  std::vector<CollectionName> elsewhere;
  CollectionNames named(found, elsewhere);
  for (Cursor c(command, at, work); c.next();) {
    const Element& e = c.element();
    if (e.name != field || e.type != Type::array) continue;
    FLE_CHECK(find_collections(command, e.value_offset, named, work));
    if (!found.empty() || !elsewhere.empty())
      return Failure(Errc::stage_not_allowed,
                     "the pipeline of an update cannot name another collection",
                     std::string(field));
  }
  return ok;
}

Done check_updates(Bytes command, const Named& named, Work& work) {
  const auto* place = std::ranges::find(kUpdatePlaces, named.first.name, &UpdatePlace::command);
  if (place == std::end(kUpdatePlaces)) return ok;
  if (place->list.empty()) return refuse_foreign_updates(command, named.at, place->field, work);
  for (Cursor lists(command, named.at, work); lists.next();) {
    const Element& list = lists.element();
    if (list.name != place->list || list.type != Type::array) continue;
    for (Cursor c(command, list.value_offset, work); c.next();)
      if (c.element().type == Type::object)
        FLE_CHECK(refuse_foreign_updates(command, c.element().value_offset, place->field, work));
  }
  return ok;
}

Outcome<CollectionName> namespace_of(Bytes command, const Named& named, Work& work) {
  if (named.first.name == "bulkWrite") return bulk_namespace(command, named.at, work);
  FLE_TRY(const std::string_view name, collection_name(command, named.first));
  return CollectionName{{}, name};
}

}  // namespace

Done read_target(Bytes command, Target& out) {
  out = {{}, {}, {}, {}, std::move(out.collections), std::move(out.elsewhere), {}, {}};
  Work& work = out.work;
  out.collections.clear();
  out.elsewhere.clear();
  try {
    FLE_TRY(const Named named, innermost_command(command, work));
    out.name = named.first.name;
    out.command_class = named.row->command_class;
    if (out.command_class == CommandClass::bypassed) return ok;
    FLE_TRY(const CollectionName ns, namespace_of(command, named, work));
    out.db = ns.db;
    out.collection = ns.collection;
    out.collections.push_back(out.collection);
    CollectionNames names(out.collections, out.elsewhere);
    if (out.name == "create" || out.name == "collMod") {
      out.own_schema = own_schema(command, named.at, work);
      FLE_CHECK(add_view(command, named.at, names, work));
    }
    if (out.name == "aggregate") FLE_CHECK(add_pipeline(command, named.at, names, work));
    return check_updates(command, named, work);
  } catch (const std::bad_alloc&) {
    return Failure(Errc::no_memory, {});
  }
}

Outcome<Target> read_target(Bytes command) {
  Target target;
  FLE_CHECK(read_target(command, target));
  return target;
}

namespace {

constexpr Refusal kDatabase{"command.database", Errc::command_malformed,
                            "names another database than the one that the command is sent to",
                            "send the command to the database that $db names"};

constexpr Refusal kWorkLimit{
    "work.limit", Errc::work_limit, "needs more steps than its budget allows",
    "make the patterns of the schema simpler, each with one way to match a "
    "name; or allow more: see Budget"};

/// Whatever was found: where the work was spent, it was not all that is to be found.
Failure refuse_spent(Analysis& out, const Done& done) {
  Failure failure = over_budget(out.work, done ? std::string() : done.error().path);
  std::erase_if(out.findings,
                [](const Finding& f) { return f.verdict == Finding::Verdict::refused; });
  out.findings.push_back({Finding::Verdict::refused,
                          failure.path,
                          {},
                          {},
                          kWorkLimit.id,
                          failure.message,
                          kWorkLimit.advice});
  return failure;
}

Outcome<Scope> scope_of(const Context& context, const Element& command, std::string_view name) {
  FLE_TRY(const View view, context.collection(name));
  // Of all commands that are statements themselves, findAndModify alone has both.
  return Scope{
      view, command, has_collation(context, command), {.filter = "query", .update = "update"}};
}

bool encrypts(const CollectionSchema& s) noexcept {
  return s.plan != nullptr && s.plan->root().kind != schema::Plan::Kind::plain;
}

/// A collection whose schema was not given might encrypt what a pipeline says about it.
Done need_schemas(const Context& context, const Named& named) {
  const std::string_view name = named.first.name;
  if (name != "aggregate" && name != "create" && name != "collMod") return ok;
  FLE_TRY(const Target target, read_target(context.command()));
  context.work().step(target.work.steps());
  for (const std::string_view collection : target.collections)
    FLE_CHECK(context.collection(collection));
  for (const CollectionName& full : target.elsewhere) FLE_CHECK(context.need_schema(full));
  return ok;
}

/// $db of a command: schemas were looked for in the database that the caller named, so there must
/// be no other. bulkWrite is sent to admin, and says in nsInfo what it is about.
Done check_database(Context& context, const Element& command, std::string_view name) {
  bool seen = false;
  Cursor c = context.cursor(command);
  if (!c.next()) return ok;  // its name, whatever it reads
  while (c.next()) {
    const Element& e = c.element();
    if (e.name != "$db") continue;
    if (std::exchange(seen, true)) return context.refuse(kMalformed, e, {}, {}, "stands twice");
    if (e.type != Type::string) return context.refuse(kMalformed, e, {}, {}, "must be a string");
    const std::string_view db = context.text(e);
    const bool fits = db == context.db() || (name == "bulkWrite" && db == "admin");
    if (!fits) return context.refuse(kDatabase, e, {}, {});
  }
  return ok;
}

/// The same of the command inside, for explain.
Done check_databases(Context& context, const Element& command, const Named& named) {
  FLE_CHECK(check_database(context, command, named.first.name));
  if (named.at == 0) return ok;
  FLE_TRY(const Element inner, first_element(context.command(), 0, context.work()));
  const Context::Inside inside(context, inner);
  return check_database(context, inner, named.first.name);
}

bool is_whole(Bytes document) noexcept {
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4; ++i) length |= static_cast<std::uint32_t>(document[i]) << (8 * i);
  return length == document.size();
}

Done analyze_command(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
                     Analysis& out) {
  Work& work = out.work;
  FLE_TRY(const Named named, innermost_command(command, work));
  if (named.row->command_class == CommandClass::bypassed) return ok;
  // Cursors believe the document's own length: bytes behind it would be sent without a look.
  if (!is_whole(command)) return malformed("not one document: its length says otherwise");
  for (const CollectionSchema& s : schemas) out.plans.push_back(s.plan);
  out.schema_encrypts = std::ranges::any_of(schemas, encrypts);
  Context context(command, db, schemas, out);
  FLE_TRY(const CollectionName ns, namespace_of(command, named, work));
  const Element whole{0, 0, static_cast<std::uint32_t>(command.size()), Type::object, {}};
  FLE_CHECK(check_databases(context, whole, named));
  FLE_TRY(const Scope scope, scope_of(context, whole, ns.collection));
  FLE_CHECK(need_schemas(context, named));
  if (named.first.name == "create" || named.first.name == "collMod")
    FLE_CHECK(refuse_hidden_schema(context, whole));
  // What encrypts nothing is none of our business: it stays as it is, also where we do not know it.
  if (!out.schema_encrypts) return check_updates(command, named, work);
  return analyze_fields(context, *find_command(named.at == 0 ? named.first.name : "explain"),
                        scope);
}

}  // namespace

Done explained_command(Context& context, const Element& command, const Scope& scope) {
  Context::Inside inside(context, command);
  FLE_TRY(const Element first,
          first_element(context.command(), command.value_offset, context.work()));
  Scope explained = scope;
  explained.document = command;
  explained.collation = has_collation(context, command);
  return analyze_fields(context, *find_command(first.name), explained);
}

Done analyze(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
             Analysis& out) {
  out.clear();
  try {
    out.budget.allow(out.work, command.size());
    Done done = command.size() <= kCommandLimits.max_bytes
                    ? analyze_command(command, db, schemas, out)
                    : Done(Failure(Errc::document_too_large, "the command is too long"));
    if (out.work.spent()) done = refuse_spent(out, done);
    out.work.end_limit();
    if (!done) {
      out.edits.clear();
      out.rewrites.clear();
      out.n_encrypted = 0;
    }
    return done;
  } catch (const std::bad_alloc&) {
    out.clear();
    return Failure(Errc::no_memory, {});
  }
}

}  // namespace fle::query
