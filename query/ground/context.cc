#include "context.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fle/bson_walk/alike.h"
#include "fle/bson_walk/each_path.h"
#include "fle/text.h"
#include "fle/text_path.h"
#include "roll_over.h"

namespace fle::query {
namespace {

constexpr Refusal kNoSchema{"collection.schema", Errc::schema_missing,
                            "Missing encryption schema for namespace",
                            "give the schema of every collection that the command names"};
constexpr Refusal kPointerKey{"key.pointer", Errc::pointer_key_not_allowed,
                              "A non-static (JSONPointer) keyId is not supported.",
                              "write the whole document, which holds the key's name"};

/// See Analysis::findings.
constexpr std::size_t kFindingRoom = std::size_t{1} << 20;
constexpr std::size_t kFindingsTimesCommand = 16;

/// What a value is refused for, by code: the id and the advice of its finding.
Refusal value_refusal(Errc code) noexcept {
  switch (code) {
    case Errc::already_encrypted:
      return {"value.encrypted", code, "", "give the plain value: it is encrypted on its way"};
    case Errc::type_not_allowed:
      return {"value.type", code, "",
              "give a value of a type that the schema names; where JSON has a plain integer for a "
              "long, write {\"$numberLong\": \"...\"}"};
    case Errc::timestamp_zero:
      return {"value.timestamp", code, "", "give a time of your own"};
    case Errc::missing_id:
      return {"value.id", code, "", "give the document an _id"};
    case Errc::unresolved_key_pointer:
      return {"key.pointer", code, "", "put the key's alternate name where keyId points"};
    case Errc::encrypted_below_array:
    case Errc::not_an_object:
      return {"value.shape", code, "", "put an object there, as the schema says"};
    default:
      return {"value", code, "", "mend the document"};
  }
}

template <class T>
T number(Bytes value) noexcept {
  T v{};
  std::memcpy(&v, value.data(), sizeof v);
  return v;
}

/// A number as the server's isNumber or boolean: whether it is not zero.
template <class T>
bool nonzero(Bytes value) noexcept {
  return number<T>(value) != T{};
}

/// The value of a number that is small and whole.
std::optional<int> small_number(Type type, Bytes value) noexcept {
  const auto within = [](auto v) -> std::optional<int> {
    if (v == decltype(v){0}) return 0;
    if (v == decltype(v){1}) return 1;
    if (v == decltype(v){-1}) return -1;
    return std::nullopt;
  };
  switch (type) {
    case Type::int_:
      return within(number<std::int32_t>(value));
    case Type::long_:
      return within(number<std::int64_t>(value));
    case Type::double_:
      return within(number<double>(value));
    default:
      return std::nullopt;
  }
}

Failure no_schema(const CollectionName& name) {
  return {kNoSchema.code, std::string(kNoSchema.text) + ": " + std::string(name.db) + "." +
                              std::string(name.collection)};
}

}  // namespace

Context::Context(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
                 Analysis& out, const AnalysisOptions& options)
    : command_(command),
      db_(db),
      schemas_(schemas),
      out_(out),
      options_(options),
      editor_(out.edits, command),
      fields_(out.work) {
  // Stages ask for them again and again. Most commands have one, and take no memory for it.
  constexpr std::size_t kFew = 8;
  if (schemas.size() > kFew)
    for (const CollectionSchema& s : schemas)
      if (s.db.empty()) plans_.emplace(s.collection, s.plan.get());
}

Outcome<View> Context::collection(std::string_view name) const {
  work().step();
  work().bytes(name.size());
  if (const auto found = plans_.find(name); found != plans_.end()) return view_of(found->second);
  for (std::size_t i = 0; plans_.empty() && i < schemas_.size(); ++i)
    if (schemas_[i].db.empty() && schemas_[i].collection == name)
      return view_of(schemas_[i].plan.get());
  return no_schema({db_, name});
}

Done Context::need_schema(const CollectionName& name) const {
  for (const CollectionSchema& s : schemas_) {
    work().step();
    if (s.db == name.db && s.collection == name.collection) return ok;
  }
  return no_schema(name);
}

std::optional<Element> Context::find(const Element& document, std::string_view name) const {
  for (Cursor c = cursor(document); c.next();)
    if (c.element().name == name) return c.element();
  return std::nullopt;
}

std::optional<Element> Context::find(std::string_view name) const {
  for (Cursor c = cursor(); c.next();)
    if (c.element().name == name) return c.element();
  return std::nullopt;
}

bool Context::truthy(const Element& e) const noexcept {
  switch (e.type) {
    case Type::bool_:
      return nonzero<std::uint8_t>(value(e));
    case Type::int_:
      return nonzero<std::int32_t>(value(e));
    case Type::long_:
      return nonzero<std::int64_t>(value(e));
    case Type::double_:
      return nonzero<double>(value(e));
    case Type::null:
    case Type::undefined:
      return false;
    default:
      return true;
  }
}

bool is_number(Type t) noexcept {
  return t == Type::int_ || t == Type::long_ || t == Type::double_ || t == Type::decimal;
}

bool Context::is_flag(const Element& e) const noexcept {
  if (e.type == Type::bool_ || e.type == Type::null || e.type == Type::undefined) return true;
  const std::optional<int> n = small_number(e.type, value(e));
  return n && (*n == 0 || *n == 1);
}

bool Context::is_direction(const Element& e) const noexcept {
  const std::optional<int> n = small_number(e.type, value(e));
  return n && (*n == 1 || *n == -1);
}

std::string Context::path_of(const Element& e) const {
  std::vector<std::string_view> names(path().begin(), path().end());
  // What lacks a part is found so from inside: its name is the last one already.
  if (names.empty() || names.back().data() != e.name.data()) names.push_back(e.name);
  std::string path = shortened_path(names);
  work().step(names.size());
  work().bytes(path.size());
  return path;
}

Failure Context::refuse(const Refusal& why, const Element& e, std::string_view field,
                        std::string_view operation, std::string_view detail) {
  std::string text = why.text;
  if (!detail.empty()) text.append(": ").append(detail);
  if (!operation.empty()) text.append(" (").append(operation).append(")");
  Failure failure(why.code, std::move(text), path_of(e));
  out_.findings.push_back({Finding::Verdict::refused, failure.path, shortened(field, kMaxPath),
                           shortened(operation, kMaxPath), std::string(why.id.view()),
                           failure.message, why.advice});
  out_.refused_by = why.id;
  return failure;
}

/// Whether there is room for one more; counts it where there is not.
bool Context::explains() {
  if (!options_.explain) return false;
  if (finding_bytes_ <= kFindingRoom + kFindingsTimesCommand * command_.size()) return true;
  ++out_.findings_left_out;
  return false;
}

void Context::note(Finding::Verdict verdict, std::string path, std::string_view field,
                   std::string_view operation, const char* rule, const char* reason) {
  Finding f{verdict, std::move(path), shortened(field, kMaxPath), shortened(operation, kMaxPath),
            rule,    reason};
  const std::size_t bytes = f.path.size() + f.field.size() + f.operation.size();
  work().bytes(bytes);
  finding_bytes_ += bytes;
  out_.findings.push_back(std::move(f));
}

void Context::unchanged(const Element& e, std::string_view field, std::string_view operation,
                        const char* rule, const char* reason) {
  if (explains()) note(Finding::Verdict::unchanged, path_of(e), field, operation, rule, reason);
}

void Context::found(std::string path, const schema::Leaf& leaf, std::string_view field,
                    std::string_view operation, const char* rule) {
  note(Finding::Verdict::encrypted, std::move(path), field, operation, rule,
       leaf.algorithm == Algorithm::deterministic
           ? "the schema encrypts this field with the deterministic algorithm"
           : "the schema encrypts this field with the random algorithm");
}

Done Context::encrypt(const Element& e, const schema::Leaf& leaf, std::string_view field,
                      std::string_view operation, const char* rule, Form form,
                      Comparison comparison) {
  if (std::holds_alternative<schema::KeyPointer>(leaf.key))
    return refuse(kPointerKey, e, field, operation);
  if (Done fits = bson::may_encrypt(e.type, value(e), leaf); !fits) {
    Refusal why = value_refusal(fits.error().code);
    why.text = fits.error().message.c_str();
    return refuse(why, e, field, operation);
  }
  FLE_CHECK(editor_.mark(e, 0));
  out_.rewrites.push_back({form, &leaf, {}, nullptr, comparison});
  ++out_.n_encrypted;
  if (comparison != Comparison::none && rolls(leaf)) ++n_rolled_;
  if (explains()) found(path_of(e), leaf, field, operation, rule);
  return ok;
}

/// A collection without a schema: nothing below is encrypted, but the document is checked.
Done Context::check_plain(const Element& e, const View& view) {
  if (reach(view) != Reach::nothing) return refuse(kUnknown, e, {}, {});
  return bson::check_value(e.type, value(e), limits());
}

/// What find_fields has refused, as seen from the command.
Failure Context::refuse_document(const Element& e, Failure why) {
  const std::string field = why.path;
  why.path = shortened(path_of(e) + (why.path.empty() ? "" : ".") + why.path, kMaxPath);
  const Refusal refusal = value_refusal(why.code);
  out_.findings.push_back({Finding::Verdict::refused,
                           why.path,
                           field,
                           {},
                           std::string(refusal.id.view()),
                           why.message,
                           refusal.advice});
  out_.refused_by = refusal.id;
  return why;
}

Done Context::encrypt_fields(const Element& e, const View& view, bool needs_id, bool stored,
                             const char* rule) {
  if (view.kind != View::Kind::object) return check_plain(e, view);
  const bson::Start start{{schema::Plan::Kind::object, view.node, 0}, stored, needs_id};
  if (Done done = editor_.find_fields(e, *view.plan, start, limits()); !done)
    return refuse_document(e, std::move(done.error()));
  return adopt_marks(e, *view.plan, stored, rule);
}

Done Context::encrypt_stored(const Element& e, const View& view, const char* rule,
                             bson::AlikeDocuments& alike, bool is_last) {
  if (view.kind != View::Kind::object) return check_plain(e, view);
  const bson::Start start{{schema::Plan::Kind::object, view.node, 0}};
  if (Done done = alike.find_fields(editor_, e, *view.plan, start, limits(), is_last); !done)
    return refuse_document(e, std::move(done.error()));
  return adopt_marks(e, *view.plan, true, rule);
}

/// Gives the marks that find_fields has made their rewrites.
Done Context::adopt_marks(const Element& e, const schema::Plan& plan, bool stored,
                          const char* rule) {
  const std::span<const bson::Mark> marks = out_.edits.marks();
  const std::span<const schema::Leaf> leaves = plan.leaves();
  const std::size_t first = out_.rewrites.size();
  const bool may_have_pointers = !plan.pointers().empty();
  bool has_pointers = false;
  for (std::size_t i = first; i < marks.size(); ++i) {
    const schema::Leaf& leaf = leaves[marks[i].leaf];
    std::string_view alt_name;
    const auto pointer =
        may_have_pointers ? plan.pointer_of(marks[i].leaf) : schema::Plan::kNoPointer;
    if (pointer != schema::Plan::kNoPointer) {
      if (!stored) return refuse(kPointerKey, e, leaf.path, {});
      if (!std::exchange(has_pointers, true)) pointers_.read(value(e), plan, &work());
      const auto name = pointers_.value(pointer);
      if (!name) {
        Refusal why = value_refusal(name.error().code);
        why.text = name.error().message.c_str();
        return refuse(why, e, leaf.path, {});
      }
      alt_name = *name;
    }
    out_.rewrites.push_back({Form::value, &leaf, alt_name});
    ++out_.n_encrypted;
  }
  if (options_.explain) explain_marks(e, plan, marks.subspan(first), rule);
  return ok;
}

/// All paths in one walk through the document.
void Context::explain_marks(const Element& e, const schema::Plan& plan,
                            std::span<const bson::Mark> marks, const char* rule) {
  std::vector<std::uint32_t> offsets;
  offsets.reserve(marks.size());
  for (const bson::Mark& m : marks) offsets.push_back(m.type_offset - e.value_offset);
  const std::string document = path_of(e);
  std::size_t n = 0;
  bson::for_each_path(
      value(e), offsets,
      [&](std::size_t i, const std::string& path) {
        ++n;
        const schema::Leaf& leaf = plan.leaf(marks[i].leaf);
        if (!explains()) return false;
        found(shortened(document + "." + path, kMaxPath), leaf, leaf.path, {}, rule);
        return true;
      },
      &work());
  out_.findings_left_out += marks.size() - n;
}

bool Context::rolls(const schema::Leaf& leaf) const { return query::rolls(options_, leaf); }

Done Context::write_plain(const Element& e, Form form) {
  FLE_CHECK(editor_.mark(e, 0));
  out_.rewrites.push_back({form, nullptr, {}});
  return ok;
}

Done Context::write_eq(const Element& e) { return write_plain(e, Form::eq_plain); }

Done Context::write_const(const Element& e) {
  const bool is_path = e.type == Type::string && text(e).starts_with('$');
  const bool is_constant =
      !is_path && e.type != Type::object && e.type != Type::array && e.type != Type::undefined;
  return is_constant ? write_plain(e, Form::const_plain) : Done(ok);
}

Context::Point Context::here() const noexcept { return {out_.rewrites.size(), out_.n_encrypted}; }

void Context::take_back_plain(const Point& since) noexcept {
  if (out_.n_encrypted != since.encrypted) return;
  editor_.keep(since.marks);
  out_.rewrites.resize(since.marks);
}

}  // namespace fle::query
