#include <algorithm>
#include <new>
#include <utility>

#include "commands.h"
#include "ground/proposal.h"
#include "pipeline/pipeline.h"

namespace fle::query {
namespace {

Failure not_supported(std::string_view name) {
  const std::string meant = proposal(name, commands());
  return {Errc::command_not_supported,
          "command not supported for auto encryption: " + std::string(name) +
              (meant.empty() ? meant : ". " + meant)};
}

constexpr std::uint32_t kEmptyDocument = 5;

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
  if (!row->reach.wraps_command) return Named{row, first, 0};
  if (first.type != Type::object) return wrong_type("explain.explain", first.type, Type::object);
  if (first.value_size == kEmptyDocument)
    return Failure(Errc::command_malformed, "no command to explain", "explain");
  const std::uint32_t at = first.value_offset;
  FLE_TRY(first, first_element(command, at, work));
  row = find_command(first.name);
  if (row == nullptr || row->command_class != CommandClass::analyzed || row->reach.wraps_command)
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
Bytes validator_schema(Bytes command, std::uint32_t at, Work& work) {
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
  if (!is_given(list))
    return Failure(ErrorDetail::command_missing_field,
                   "BSON field 'bulkWrite.nsInfo' is missing but a required field", "nsInfo");
  if (list->type != Type::array) return wrong_type("bulkWrite.nsInfo", list->type, Type::array);
  if (count_fields_named(command, at, "nsInfo", work) != 1)
    return Failure(Errc::command_malformed, "bulkWrite has more than one nsInfo", "nsInfo");
  Cursor c(command, list->value_offset, work);
  if (!c.next() || c.element().type != Type::object)
    return Failure(Errc::command_malformed, "not a document", "nsInfo.0");
  const std::uint32_t entry = c.element().value_offset;
  const std::optional<Element> ns = find_field(command, entry, "ns", work);
  if (count_fields_named(command, entry, "ns", work) > 1)
    return Failure(Errc::command_malformed, "appears twice", "nsInfo.0.ns");
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
    if (e.name == "pipeline") FLE_CHECK(find_collections(command, e, names, work));
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

/// The stages that an update may have name no other collection. One that does is refused here, for
/// nobody would look for that collection's schema.
Done refuse_foreign_updates(Bytes command, std::uint32_t at, std::string_view field, Work& work) {
  std::vector<std::string_view> found;
  std::vector<CollectionName> elsewhere;
  CollectionNames named(found, elsewhere);
  for (Cursor c(command, at, work); c.next();) {
    const Element& e = c.element();
    if (e.name != field || e.type != Type::array) continue;
    FLE_CHECK(find_collections(command, e, named, work));
    if (!found.empty() || !elsewhere.empty())
      return Failure(Errc::stage_not_allowed,
                     "the pipeline of an update cannot name another collection",
                     std::string(field));
  }
  return ok;
}

Done check_updates(Bytes command, const Named& named, Work& work) {
  const CommandReach& reach = named.row->reach;
  if (reach.update.empty()) return ok;
  if (reach.updates.empty()) return refuse_foreign_updates(command, named.at, reach.update, work);
  for (Cursor lists(command, named.at, work); lists.next();) {
    const Element& list = lists.element();
    if (list.name != reach.updates || list.type != Type::array) continue;
    for (Cursor c(command, list.value_offset, work); c.next();)
      if (c.element().type == Type::object)
        FLE_CHECK(refuse_foreign_updates(command, c.element().value_offset, reach.update, work));
  }
  return ok;
}

/// No server takes a name with a NUL. Where a text ends at one, it is the name of another
/// collection than that whose schema is looked for.
Done check_names(const Target& target) {
  const auto has_nul = [](std::string_view name) { return name.find('\0') != name.npos; };
  bool found = has_nul(target.db) || std::ranges::any_of(target.collections, has_nul);
  for (const CollectionName& name : target.elsewhere)
    found = found || has_nul(name.db) || has_nul(name.collection);
  if (!found) return ok;
  return Failure(Errc::command_malformed, "a collection's name cannot hold a NUL byte");
}

Outcome<CollectionName> namespace_of(Bytes command, const Named& named, Work& work) {
  if (named.row->reach.ns_info) return bulk_namespace(command, named.at, work);
  FLE_TRY(const std::string_view name, collection_name(command, named.first));
  return CollectionName{{}, name};
}

}  // namespace

Outcome<Element> first_element(Bytes command, std::uint32_t at, Work& work) {
  Cursor c(command, at, work);
  if (c.next()) return c.element();
  return Failure(Errc::malformed_bson,
                 c.malformed() ? "malformed command" : "an empty document is no command");
}

void Target::clear() noexcept {
  command_class = CommandClass::bypassed;
  name = {};
  db = {};
  collection = {};
  collections.clear();
  elsewhere.clear();
  own_schema = {};
  offset = 0;
  work.clear();
}

Done read_target(BorrowedBytes command, Target& out) {
  out.clear();
  Work& work = out.work;
  try {
    FLE_TRY(const Named& named, innermost_command(command, work));
    out.name = named.first.name;
    out.command_class = named.row->command_class;
    out.offset = named.at;
    if (out.command_class == CommandClass::bypassed) return ok;
    FLE_TRY(const CollectionName ns, namespace_of(command, named, work));
    out.db = ns.db;
    out.collection = ns.collection;
    out.collections.push_back(out.collection);
    CollectionNames names(out.collections, out.elsewhere);
    if (named.row->reach.stores_schema) {
      out.own_schema = validator_schema(command, named.at, work);
      FLE_CHECK(add_view(command, named.at, names, work));
    }
    if (named.row->reach.has_pipeline) FLE_CHECK(add_pipeline(command, named.at, names, work));
    FLE_CHECK(check_names(out));
    return check_updates(command, named, work);
  } catch (const std::bad_alloc&) {
    return Failure(Errc::no_memory, {});
  }
}

Outcome<Target> read_target(BorrowedBytes command) {
  Target target;
  FLE_CHECK(read_target(command, target));
  return target;
}

void name_schemas(const Target& target, std::vector<CollectionSchema>& out) {
  out.resize(target.collections.size() + target.elsewhere.size());
  auto next = out.begin();
  const auto add = [&next](const CollectionName& name) {
    next->collection = name.collection;
    next->db = name.db;
    ++next;
  };
  for (const std::string_view name : target.collections) add({{}, name});
  for (const CollectionName& name : target.elsewhere) add(name);
}

void list_schemas(const Target& target, std::vector<CollectionSchema>& out) {
  name_schemas(target, out);
  for (CollectionSchema& s : out) s.plan = nullptr;
}

CollectionName full_name(const Target& target, std::string_view db,
                         const CollectionSchema& schema) noexcept {
  if (!schema.db.empty()) return {schema.db, schema.collection};
  return {target.db.empty() ? db : target.db, schema.collection};
}

bool is_own_collection(const Target& target, const CollectionSchema& schema) noexcept {
  return schema.db.empty() && schema.collection == target.collection;
}

Bytes own_schema(const Target& target, const CollectionSchema& schema) noexcept {
  return is_own_collection(target, schema) ? target.own_schema : Bytes();
}

}  // namespace fle::query
