#include <algorithm>
#include <functional>
#include <new>
#include <utility>

#include "commands.h"
#include "fle/over_budget.h"
#include "fle/report.h"
#include "validator.h"

namespace fle::query {
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
                          std::string(kWorkLimit.id.view()),
                          failure.message,
                          kWorkLimit.advice});
  out.refused_by = kWorkLimit.id;
  return failure;
}

Outcome<Scope> scope_of(const Context& context, const Element& command, std::string_view name,
                        bool collation) {
  FLE_TRY(const View view, context.collection(name));
  // Of all commands that are statements themselves, findAndModify alone has both.
  return Scope{view, command, collation, {.filter = "query", .update = "update"}};
}

/// Writes to no count of owners where `plans` are those of the schemas already.
void keep_alive(std::vector<std::shared_ptr<const schema::Plan>>& plans,
                std::span<const CollectionSchema> schemas) {
  plans.resize(schemas.size());
  for (std::size_t i = 0; i < schemas.size(); ++i)
    if (plans[i] != schemas[i].plan) plans[i] = schemas[i].plan;
}

bool encrypts(const CollectionSchema& s) noexcept {
  return s.plan != nullptr && s.plan->root().kind != schema::Plan::Kind::plain;
}

/// A collection whose schema was not given might encrypt what a pipeline says about it.
Done need_schemas(const Context& context, const Target& target) {
  // That of the command's own collection has been asked for.
  for (const std::string_view collection : target.collections)
    if (collection.data() != target.collection.data()) FLE_CHECK(context.collection(collection));
  for (const CollectionName& full : target.elsewhere) FLE_CHECK(context.need_schema(full));
  return ok;
}

/// What a command is about must be said once: schemas were looked for by its first field, which
/// names the collection, and in the database that the caller named, so $db must be no other.
/// bulkWrite is sent to admin, and says in nsInfo what it is about.
/// @param collation  gets the command's field of that name, seen on the way
Done check_database(Context& context, const Element& command, const CommandReach& reach,
                    std::optional<Element>& collation) {
  bool seen = false;
  Cursor c = context.cursor(command);
  if (!c.next()) return ok;  // its name, whatever it reads
  const std::string_view name = c.element().name;
  while (c.next()) {
    const Element& e = c.element();
    if (e.name == name) return context.refuse(kMalformed, e, {}, name, "appears twice");
    if (!collation && e.name == "collation") collation = e;
    if (e.name != "$db") continue;
    if (std::exchange(seen, true)) return context.refuse(kMalformed, e, {}, {}, "appears twice");
    if (e.type != Type::string) return context.refuse(kMalformed, e, {}, {}, "must be a string");
    const std::string_view db = context.text(e);
    const bool fits = db == context.db() || (reach.ns_info && db == "admin");
    if (!fits) return context.refuse(kDatabase, e, {}, {});
  }
  return ok;
}

/// The same of the command inside, for explain.
Done check_databases(Context& context, const Element& command, const Target& target,
                     const CommandReach& reach, std::optional<Element>& collation) {
  FLE_CHECK(check_database(context, command, reach, collation));
  if (target.offset == 0) return ok;
  FLE_TRY(const Element inner, first_element(context.command(), 0, context.work()));
  const Context::Inside inside(context, inner);
  std::optional<Element> of_inner;
  return check_database(context, inner, reach, of_inner);
}

bool is_whole(Bytes document) noexcept {
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4; ++i) length |= static_cast<std::uint32_t>(document[i]) << (8 * i);
  return length == document.size();
}

/// Whether the command, or the one inside explain, has all that it cannot do without.
Done need_whole(Context& context, const Command& row, const Scope& scope, const Target& target) {
  if (target.offset == 0) return need_fields(context, row, scope);
  FLE_TRY(const Element inner, first_element(context.command(), 0, context.work()));
  const Context::Inside inside(context, inner);
  return need_fields(context, row, {scope.view, inner});
}

Done analyze_target(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
                    const Target& target, Analysis& out, const AnalysisOptions& options) {
  if (target.command_class == CommandClass::bypassed) return ok;
  // Cursors believe the document's own length: bytes behind it would be sent without a look.
  if (!is_whole(command))
    return Failure(Errc::malformed_bson, "not one document: its length says otherwise");
  if (db.find('\0') != db.npos)
    return Failure(Errc::command_malformed, "a database's name cannot hold a NUL byte", "$db");
  keep_alive(out.plans, schemas);
  out.schema_encrypts = std::ranges::any_of(schemas, encrypts);
  Context context(command, db, schemas, out, options);
  const Element whole{0, 0, static_cast<std::uint32_t>(command.size()), Type::object, {}};
  const Command& row = *find_command(target.name);
  const CommandReach& reach = row.reach;
  std::optional<Element> collation;
  FLE_CHECK(check_databases(context, whole, target, reach, collation));
  FLE_TRY(const Scope scope,
          scope_of(context, whole, target.collection, compares_otherwise(context, collation)));
  FLE_CHECK(need_schemas(context, target));
  if (reach.stores_schema) FLE_CHECK(refuse_hidden_schema(context, whole));
  // What encrypts nothing is none of our business: it stays as it is, also where we do not know it.
  // But what no server takes is refused, for it was not meant so.
  if (!out.schema_encrypts) return need_whole(context, row, scope, target);
  return analyze_fields(context, target.offset == 0 ? row : *find_command("explain"), scope);
}

/// Whether `target` was read from these bytes, as far as that can be seen: one of another command
/// could let this one pass without a look.
bool is_of(Bytes command, const Target& target) noexcept {
  const auto* const name = reinterpret_cast<const std::uint8_t*>(target.name.data());
  const std::less_equal<> not_after;
  return name != nullptr && not_after(command.data(), name) &&
         not_after(name + target.name.size(), command.data() + command.size());
}

Done analyze_command(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
                     Analysis& out, const AnalysisOptions& options) {
  if (options.target != nullptr && !is_of(command, *options.target))
    return Failure(Errc::invalid_argument, "AnalysisOptions::target is of another command");
  if (options.target != nullptr)
    return analyze_target(command, db, schemas, *options.target, out, options);
  FLE_CHECK(read_target(command, out.target));
  out.work.step(out.target.work.steps());
  return analyze_target(command, db, schemas, out.target, out, options);
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
             Analysis& out, const AnalysisOptions& options) {
  out.clear();
  try {
    options.budget.allow(out.work, command.size());
    Done done = command.size() <= kCommandLimits.max_bytes
                    ? analyze_command(command, db, schemas, out, options)
                    : Done(Failure(Errc::document_too_large, "the command is too long"));
    if (out.work.spent()) done = refuse_spent(out, done);
    out.work.end_limit();
    if (done) {
      out.refused_by = {};  // by one way to read it, where another one was taken
    } else {
      if (out.refused_by.empty()) out.refused_by = word_of(done.error().code);
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
