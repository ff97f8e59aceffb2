#include "pipeline.h"

#include <algorithm>
#include <optional>
#include <string>

#include "ground/proposal.h"
#include "stage.h"

namespace fle::query {
namespace {

constexpr Refusal kStage{"stage.name", Errc::stage_not_allowed,
                         "is not allowed or supported with automatic encryption",
                         "run this stage after decryption, or on a collection that does not "
                         "encrypt"};

/// The server's limit for a pipeline, and ours for what one command may name.
constexpr std::size_t kMaxStages = 1000;
constexpr std::size_t kMaxCollections = 1000;
/// Pipelines in pipelines.
constexpr int kMaxNesting = 20;

/// The server's text has the stage's name in its middle.
Failure refuse_stage(Context& context, const Element& e) {
  const std::string text = "Aggregation stage " + std::string(e.name) + " " + kStage.text;
  Refusal why = kStage;
  why.text = text.c_str();
  return context.refuse(why, e, {}, {}, proposal(e.name, stages()));
}

Outcome<View> run_stage(Context& context, const Element& document, const PipelineScope& scope) {
  if (document.type != Type::object) return context.refuse(kMalformed, document, {}, "pipeline");
  const Context::Inside inside(context, document);
  Cursor c = context.cursor(document);
  if (!c.next()) return context.refuse(kMalformed, document, {}, "pipeline");
  const Element e = c.element();
  if (c.next()) return context.refuse(kMalformed, c.element(), {}, e.name);
  const auto row =
      std::ranges::find_if(stages(), [&e](const Stage& s) { return e.name == s.text.name; });
  if (row == stages().end() || row->rule == nullptr) return refuse_stage(context, e);
  return row->rule(context, e, scope);
}

}  // namespace

Outcome<View> pipeline(Context& context, const Element& stages, const PipelineScope& scope) {
  if (stages.type != Type::array) return context.refuse(kMalformed, stages, {}, "pipeline");
  const Context::Inside inside(context, stages);
  PipelineScope at = scope;
  std::size_t n = 0;
  for (Cursor c = context.cursor(stages); c.next();) {
    if (++n > kMaxStages) return context.refuse(kMalformed, c.element(), {}, "pipeline");
    FLE_TRY(at.match.view, run_stage(context, c.element(), at));
  }
  return at.match.view;
}

// ---- Collections that a pipeline names

namespace {

/// A stage that names a collection, or has pipelines that may.
struct Naming {
  std::string_view stage;
  /// The argument that is the name, and whether the name may stand for the whole stage. What is
  /// written to ($out, $merge) counts: a constant would be stored there.
  std::string_view argument;
  bool whole;
};
constexpr Naming kNamings[] = {
    {"$lookup", "from", false}, {"$graphLookup", "from", false}, {"$unionWith", "coll", true},
    {"$out", "coll", true},     {"$merge", "into", true},        {"$facet", {}, false},
};

class CollectionFinder {
 public:
  CollectionFinder(Bytes command, CollectionNames& names, Work& work)
      : command_(command), names_(names), work_(work) {}

  Done pipeline(std::uint32_t at);
  /// Looks for stages that name a collection at any depth of a document or array.
  Done anywhere(std::uint32_t at);

 private:
  Done stage(const Element& e);
  Done arguments(const Naming& naming, const Element& stage);
  Done qualified(const Element& document);
  Done name(const Element& e);
  Done nested(const Element& e);
  [[nodiscard]] bool has_field(const Element& document, std::string_view name) const;

  Bytes command_;
  CollectionNames& names_;
  Work& work_;
  int depth_ = 0;
  int depth_anywhere_ = 0;
};

bool is_container(const Element& e) noexcept {
  return e.type == Type::object || e.type == Type::array;
}

/// Whether the stage is one that has no pipelines in it, and names nothing.
bool is_known_stage(std::string_view name) noexcept {
  const auto row =
      std::ranges::find_if(stages(), [name](const Stage& s) { return name == s.text.name; });
  return row != stages().end() && row->rule != nullptr;
}

Done bad_bson() { return Failure(Errc::malformed_bson, "malformed pipeline", "pipeline"); }

Done bad_name() {
  return Failure(Errc::stage_not_allowed,
                 "a pipeline names a collection by its name, or by {db, coll} with two names",
                 "pipeline");
}

Done CollectionFinder::pipeline(std::uint32_t at) {
  if (++depth_ > kMaxNesting)
    return Failure(Errc::nesting_too_deep, "too many pipelines inside each other", "pipeline");
  Cursor c(command_, at, work_);
  while (c.next()) {
    if (c.element().type == Type::array) FLE_CHECK(anywhere(c.element().value_offset));
    if (c.element().type != Type::object) continue;
    Cursor fields(command_, c.element().value_offset, work_);
    while (fields.next()) FLE_CHECK(stage(fields.element()));
    if (fields.malformed()) return bad_bson();
  }
  --depth_;
  return c.malformed() ? bad_bson() : Done(ok);
}

Done CollectionFinder::anywhere(std::uint32_t at) {
  // No server takes anything deeper.
  constexpr int kDeepest = 200;
  if (++depth_anywhere_ > kDeepest)
    return Failure(Errc::nesting_too_deep, "too many documents inside each other", "pipeline");
  Cursor c(command_, at, work_);
  while (c.next()) {
    const Element& e = c.element();
    const bool names = std::ranges::find(kNamings, e.name, &Naming::stage) != std::end(kNamings);
    if (names) {
      FLE_CHECK(stage(e));
    } else if (is_container(e)) {
      FLE_CHECK(anywhere(e.value_offset));
    }
  }
  --depth_anywhere_;
  return c.malformed() ? bad_bson() : Done(ok);
}

/// A stage that is not known may have pipelines in it ($rankFusion), wherever they are.
Done CollectionFinder::stage(const Element& e) {
  const auto* row = std::ranges::find(kNamings, e.name, &Naming::stage);
  if (row == std::end(kNamings))
    return is_container(e) && !is_known_stage(e.name) ? anywhere(e.value_offset) : Done(ok);
  if (e.type == Type::object) return arguments(*row, e);
  if (e.type != Type::array) return row->whole ? name(e) : Done(ok);
  // No server takes one; what it would get counts.
  Cursor c(command_, e.value_offset, work_);
  while (c.next())
    if (c.element().type == Type::object) FLE_CHECK(arguments(*row, c.element()));
  return c.malformed() ? bad_bson() : Done(ok);
}

Done CollectionFinder::arguments(const Naming& naming, const Element& stage) {
  // {$out: {db, coll}}: the stage itself is the full name.
  const bool is_name = naming.whole && has_field(stage, "db");
  if (is_name) FLE_CHECK(qualified(stage));
  Cursor c(command_, stage.value_offset, work_);
  while (c.next()) {
    const Element& e = c.element();
    if (naming.stage == "$facet" || e.name == "pipeline") {
      FLE_CHECK(nested(e));
    } else if (e.name == naming.argument && !is_name) {
      FLE_CHECK(e.type == Type::object ? qualified(e) : name(e));
    }
  }
  return c.malformed() ? bad_bson() : Done(ok);
}

bool CollectionFinder::has_field(const Element& document, std::string_view name) const {
  for (Cursor c(command_, document.value_offset, work_); c.next();)
    if (c.element().name == name) return true;
  return false;
}

/// {db, coll}, and what the stage has besides.
Done CollectionFinder::qualified(const Element& document) {
  std::optional<std::string_view> db;
  std::optional<std::string_view> collection;
  Cursor c(command_, document.value_offset, work_);
  while (c.next()) {
    const Element& e = c.element();
    if (e.name != "db" && e.name != "coll") continue;
    std::optional<std::string_view>& part = e.name == "db" ? db : collection;
    if (part || e.type != Type::string) return bad_name();
    part = text_of(command_, e);
  }
  if (c.malformed()) return bad_bson();
  if (!collection) return bad_name();
  return db ? names_.add({*db, *collection}) : names_.add(*collection);
}

Done CollectionFinder::nested(const Element& e) {
  if (e.type == Type::array) return pipeline(e.value_offset);
  return e.type == Type::object ? anywhere(e.value_offset) : Done(ok);
}

Done CollectionFinder::name(const Element& e) {
  const bool is_text = e.type == Type::string || e.type == Type::symbol;
  return is_text ? names_.add(text_of(command_, e)) : Done(ok);
}

Done too_many() {
  return Failure(Errc::stage_not_allowed, "the pipeline names too many collections", "pipeline");
}

}  // namespace

Done CollectionNames::add(std::string_view name) {
  // Few commands name more than these, and the set takes memory for each.
  constexpr std::size_t kFew = 8;
  if (names_.size() > kFew && seen_.empty()) seen_.insert(names_.begin(), names_.end());
  const bool known =
      seen_.empty() ? std::ranges::find(names_, name) != names_.end() : !seen_.insert(name).second;
  if (known) return ok;
  if (names_.size() >= kMaxCollections) return too_many();
  names_.push_back(name);
  return ok;
}

Done CollectionNames::add(const CollectionName& name) {
  if (!seen_elsewhere_.insert(name).second) return ok;
  if (elsewhere_.size() >= kMaxCollections) return too_many();
  elsewhere_.push_back(name);
  return ok;
}

Done find_collections(Bytes command, const Element& pipeline, CollectionNames& names, Work& work) {
  CollectionFinder finder(command, names, work);
  if (pipeline.type == Type::array) return finder.pipeline(pipeline.value_offset);
  // No pipeline, which the server will say as well: but what it names counts.
  return is_container(pipeline) ? finder.anywhere(pipeline.value_offset) : Done(ok);
}

}  // namespace fle::query
