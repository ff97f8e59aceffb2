#include "fle/schema/compile.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "compiler.h"
#include "encrypt_options.h"
#include "fle/did_you_mean.h"
#include "fle/over_budget.h"
#include "fle/text.h"
#include "keywords.h"
#include "plan/draft.h"
#include "plan/plan_data.h"
#include "reading/value.h"
#include "unwrap.h"

namespace fle::schema {
namespace {

constexpr std::string_view kInvalidSchema = "Invalid schema containing the 'encrypt' keyword. ";

std::string invalid(std::string_view why) { return std::string(kInvalidSchema) + std::string(why); }

/// Whether the members of this keyword's value are fields, which may have any name, not keywords.
bool lists_fields(std::string_view keyword) noexcept {
  return keyword == "properties" || keyword == "patternProperties" || keyword == "dependencies";
}

/// Whether anything below is to be encrypted. Looks into whatever is not known to be harmless.
bool mentions_encryption(const SchemaValue& v, bool of_fields) noexcept {
  return std::any_of(v.items.begin(), v.items.end(),
                     [](const SchemaValue& item) { return mentions_encryption(item, false); }) ||
         std::any_of(v.members.begin(), v.members.end(), [of_fields](const Member& m) {
           const bool keyword = m.name == "encrypt" || m.name == "encryptMetadata";
           return (keyword && !of_fields) ||
                  mentions_encryption(m.value, !of_fields && lists_fields(m.name));
         });
}

// The limits below bound what a schema takes that is made to take much: no schema comes near them.
constexpr std::size_t kMaxLeafPath = 512;
constexpr std::size_t kMaxPatterns = 1000;
/// Each name in `properties` is searched for with each pattern beside it.
constexpr std::size_t kMaxSearches = 1'000'000;
/// Of all leaves, as each has its pointer.
constexpr std::size_t kMaxPointerBytes = std::size_t{64} << 20;

/// Where a sub-schema stands.
struct Position {
  Location place;
  std::string path;          // of the fields it describes, for people
  EncryptOptions inherited;  // from encryptMetadata of the objects around it
  bool root = false;
};

/// A name may be empty, and so may the path of a field.
std::string path_in(const Position& here, const std::string& name) {
  return shortened(here.root ? name : here.path + "." + name, kMaxLeafPath);
}

class Compiler {
 public:
  Compiler(const Inner& inner, const Budget& budget, std::size_t size, Faults& faults,
           std::vector<EncryptedPlace>* places)
      : inner_(inner), origin_(inner.origin), faults_(faults), places_(places) {
    budget.allow(work_, size);
  }

  Outcome<std::shared_ptr<const Plan>> run() {
    Position root;
    root.root = true;
    root.place = inner_.place;
    FLE_TRY(Draft draft, compile(*inner_.schema, root));
    auto plan = PlanData::make_plan(flatten(std::move(draft), work_));
    const Done checked = check(*plan);
    if (work_.spent()) return over_budget_at(inner_.place);
    FLE_CHECK(checked);
    return plan;
  }

 private:
  Done check(const Plan& plan) {
    FLE_CHECK(check_id(plan));
    return check_pointers(plan);
  }

  [[nodiscard]] Failure over_budget_at(const Location& place) const {
    return faults_.last(Rule::work_limit, over_budget(work_, {}).message, place);
  }

  /// Of a sub-schema whose faults were kept: it may mean anything.
  static Draft wrong_draft(Plan::Kind kind) {
    Draft draft;
    draft.kind = kind;
    draft.leaf.algorithm = Algorithm::deterministic;  // may stand anywhere
    draft.wrong = true;
    return draft;
  }

  Outcome<Draft> compile(const SchemaValue& schema, const Position& here) {
    if (schema.kind != ValueKind::object) {
      FLE_CHECK(faults_.found(
          Rule::not_object,
          std::string("a schema must be an object, found ") + describe(schema.kind), here.place));
      return wrong_draft(Plan::Kind::plain);
    }
    if (const SchemaValue* e = schema.find("encrypt")) return compile_encrypt(schema, *e, here);
    FLE_CHECK(check_keywords(schema, here));
    FLE_TRY(const bool is_object, restricts_to_object(schema, here));

    Position inside = here;
    if (const SchemaValue* m = schema.find("encryptMetadata")) {
      const Location at = here.place.at("encryptMetadata", *m);
      FLE_TRY(inside.inherited, read_options(*m, at, false, here.inherited, faults_));
      if (!is_object) {
        FLE_CHECK(faults_.found(Rule::metadata_position,
                                invalid("'encryptMetadata' needs bsonType 'object' beside it"),
                                at));
      }
    }
    FLE_TRY(Draft draft, compile_object(schema, inside));
    if (draft.kind == Plan::Kind::object && !is_object) {
      FLE_CHECK(faults_.found(
          Rule::ancestor_not_object,
          invalid("A field below is encrypted, so this schema must have bsonType 'object', and "
                  "no other type"),
          here.place));
    }
    return draft;
  }

  Outcome<Draft> compile_encrypt(const SchemaValue& schema, const SchemaValue& options,
                                 const Position& here) {
    const Location at = here.place.at("encrypt", options);
    std::size_t n_values = 0;
    bool bounded = false;
    for (const Member& m : schema.members) {
      if (m.name == "encrypt") continue;
      const Location sibling = here.place.at(m.name, m.offset);
      if (find_keyword(m.name) == nullptr) {
        FLE_CHECK(unknown_keyword(m, sibling, here.root));
        continue;
      }
      if (m.name == "enum") n_values = m.value.items.size();
      bounded |= m.name == "maximum";
      FLE_CHECK(faults_.found(Rule::encrypt_sibling,
                              "'encrypt' cannot be used in conjunction with '" + m.name +
                                  "': it must be the only keyword of its schema" +
                                  (m.name == "bsonType" ? ", and takes the type inside" : ""),
                              sibling));
    }
    if (here.root) {
      FLE_CHECK(faults_.found(
          Rule::encrypt_at_root,
          invalid("It stands at the root, and a document cannot be encrypted as one value"), at));
    }
    FLE_TRY(const EncryptOptions o, read_options(options, at, true, here.inherited, faults_));
    FLE_TRY(std::optional<Leaf> leaf, make_leaf(o, here.path, at, faults_));
    if (!leaf) return wrong_draft(here.root ? Plan::Kind::plain : Plan::Kind::encrypted);
    Draft draft;
    draft.kind = Plan::Kind::encrypted;
    draft.leaf = std::move(*leaf);
    if (const auto* p = std::get_if<KeyPointer>(&draft.leaf.key)) {
      pointer_bytes_ += p->text.size() + p->tokens.size() * sizeof(decltype(p->tokens)::value_type);
      if (pointer_bytes_ > kMaxPointerBytes)
        return faults_.last(Rule::pointer_long, "too many fields with long JSON pointers", at);
      pointers_.try_emplace(p->text, Pointer{*p, o.key->place});
    }
    if (places_ != nullptr) places_->push_back({draft.leaf, at, n_values, bounded});
    if (here.root) return wrong_draft(Plan::Kind::plain);
    return draft;
  }

  Done unknown_keyword(const Member& m, const Location& at, bool root) {
    const std::string hint = root ? wrapper_hint(m.name, m.value) : std::string();
    std::string suggestion = keyword_suggestion(m.name);
    if (root && suggestion.empty()) suggestion = wrapper_suggestion(m.name);
    return faults_.found(Rule::keyword_unknown,
                         "unknown keyword '" + m.name + "'" +
                             (!hint.empty()               ? ": " + hint
                              : is_encrypt_option(m.name) ? ": it is an option of 'encrypt'"
                                                          : "." + suggestion),
                         at);
  }

  Done check_keywords(const SchemaValue& schema, const Position& here) {
    for (const Member& m : schema.members) {
      const Location at = here.place.at(m.name, m.offset);
      const Keyword* k = find_keyword(m.name);
      if (k == nullptr) {
        FLE_CHECK(unknown_keyword(m, at, here.root));
        continue;
      }
      if (k->role == Role::schemas && mentions_encryption(m.value, lists_fields(m.name))) {
        FLE_CHECK(faults_.found(Rule::encrypt_unreachable,
                                invalid("Nothing below '" + m.name + "' can be encrypted"), at));
      }
      // With a schema, additionalProperties says what fields are; with a boolean, it only
      // validates.
      const bool validates = k->role != Role::structure || (m.name == "additionalProperties" &&
                                                            m.value.kind == ValueKind::boolean);
      if (validates && origin_ == Origin::local) {
        FLE_CHECK(faults_.found(
            Rule::keyword_remote_only,
            "JSON schema keyword '" + m.name + "' is only allowed with a remote schema", at));
      }
    }
    return ok;
  }

  // Exactly "object", by bsonType or by type; true as well where a fault of it was kept.
  Outcome<bool> restricts_to_object(const SchemaValue& schema, const Position& here) {
    static constexpr auto kJsonTypes =
        std::to_array<std::string_view>({"object", "array", "number", "boolean", "string", "null"});
    const SchemaValue* bson_type = schema.find("bsonType");
    const SchemaValue* json_type = schema.find("type");
    bool wrong = false;
    if (bson_type != nullptr && json_type != nullptr) {
      wrong = true;
      FLE_CHECK(faults_.found(Rule::type_twice, "'bsonType' and 'type' cannot stand together",
                              here.place.at("type", *json_type)));
    }
    const SchemaValue* v = bson_type != nullptr ? bson_type : json_type;
    if (v == nullptr) return false;
    const std::string keyword = bson_type != nullptr ? "bsonType" : "type";
    const Location at = here.place.at(keyword, *v);
    FLE_TRY(const std::vector<std::string> names, read_type_names(*v, at, keyword, faults_));
    wrong |= names.empty();
    for (const std::string& n : names) {
      const bool known = bson_type != nullptr ? n == "number" || bson::type_of_alias(n).has_value()
                                              : std::find(kJsonTypes.begin(), kJsonTypes.end(),
                                                          n) != kJsonTypes.end();
      if (known) continue;
      wrong = true;
      FLE_CHECK(faults_.found(
          Rule::type_unknown,
          "'" + n + "' is not the name of a type." +
              (bson_type != nullptr ? type_suggestion(n) : did_you_mean(n, kJsonTypes)),
          at));
    }
    return wrong || (names.size() == 1 && names.front() == "object");
  }

  Outcome<Draft> compile_object(const SchemaValue& schema, const Position& here) {
    Draft draft;
    FLE_CHECK(compile_properties(schema, here, draft));
    FLE_CHECK(compile_patterns(schema, here, draft));
    if (const SchemaValue* rest = schema.find("additionalProperties");
        rest != nullptr && rest->kind != ValueKind::boolean) {
      FLE_TRY(Draft d, compile(*rest, child(here, "additionalProperties", *rest, "*")));
      if (d.kind != Plan::Kind::plain) draft.otherwise = std::make_unique<Draft>(std::move(d));
    }
    FLE_CHECK(check_agreement(schema, draft, here));
    const auto not_plain = [](const auto& c) { return c.draft.kind != Plan::Kind::plain; };
    const bool anything =
        draft.otherwise != nullptr || draft.wrong ||
        std::any_of(draft.properties.begin(), draft.properties.end(), not_plain) ||
        std::any_of(draft.patterns.begin(), draft.patterns.end(), not_plain);
    if (!anything) return Draft{};
    // Without patterns and additionalProperties, a plain field means no more than an unlisted one.
    if (draft.otherwise == nullptr && draft.patterns.empty())
      std::erase_if(draft.properties, [&](const Draft::Child& c) { return !not_plain(c); });
    draft.kind = Plan::Kind::object;
    return draft;
  }

  static Position child(const Position& here, std::string_view keyword, const SchemaValue& value,
                        const std::string& name) {
    return {here.place.at(keyword, value), path_in(here, name), here.inherited, false};
  }

  Outcome<const SchemaValue*> object_under(const SchemaValue& schema, std::string_view keyword,
                                           const Position& here) {
    const SchemaValue* v = schema.find(keyword);
    if (v == nullptr || v->kind == ValueKind::object) return v;
    FLE_CHECK(faults_.found(
        Rule::keyword_not_object,
        "'" + std::string(keyword) + "' must be an object, found " + describe(v->kind),
        here.place.at(keyword, *v)));
    return nullptr;
  }

  Done compile_properties(const SchemaValue& schema, const Position& here, Draft& draft) {
    FLE_TRY(const SchemaValue* properties, object_under(schema, "properties", here));
    if (properties == nullptr) return ok;
    for (const Member& m : properties->members) {
      Position at = child(here, "properties", *properties, m.name);
      at.place = at.place.at(m.name, m.value);
      if (here.root && m.name == "_id") id_place_ = at.place;
      FLE_TRY(Draft d, compile(m.value, at));
      if (d.kind != Plan::Kind::plain && m.name.find('.') != std::string::npos) {
        FLE_CHECK(faults_.found(
            Rule::name_dotted,
            invalid("A field name with a dot cannot be told from a path, so nothing in it "
                    "can be encrypted"),
            at.place));
      }
      draft.properties.push_back({m.name, std::move(d)});
    }
    return ok;
  }

  Done compile_patterns(const SchemaValue& schema, const Position& here, Draft& draft) {
    FLE_TRY(const SchemaValue* patterns, object_under(schema, "patternProperties", here));
    if (patterns == nullptr) return ok;
    for (const Member& m : patterns->members) {
      Position at = child(here, "patternProperties", *patterns, "/" + m.name + "/");
      at.place = at.place.at(m.name, m.offset);
      if (++n_patterns_ > kMaxPatterns) {
        return faults_.last(Rule::patterns_many,
                            "more than " + std::to_string(kMaxPatterns) + " patterns in one schema",
                            at.place);
      }
      auto pattern = Pattern::compile(m.name);
      if (!pattern) {
        FLE_CHECK(faults_.found(pattern.error().code == Errc::not_in_build ? Rule::pattern_not_built
                                                                           : Rule::pattern_bad,
                                pattern.error().message, at.place));
      }
      at.place.offset = m.value.offset;
      FLE_TRY(Draft d, compile(m.value, at));
      if (!pattern) {
        draft.wrong |= d.kind != Plan::Kind::plain;
        continue;
      }
      draft.patterns.push_back({std::move(*pattern), std::move(d)});
    }
    return ok;
  }

  // A name in `properties` that a pattern matches too must mean the same in both.
  // Drafts stand in the order of their members.
  Done check_agreement(const SchemaValue& schema, const Draft& draft, const Position& here) {
    n_searches_ += draft.properties.size() * draft.patterns.size();
    if (n_searches_ > kMaxSearches) {
      return faults_.last(Rule::patterns_many,
                          "too many names in 'properties' for as many patterns beside them",
                          here.place);
    }
    const SchemaValue* properties = schema.find("properties");
    for (std::size_t i = 0; i < draft.properties.size(); ++i) {
      const Draft::Child& c = draft.properties[i];
      for (const Draft::PatternChild& p : draft.patterns) {
        const Pattern::Match m = p.pattern.search(c.name, &work_);
        if (work_.spent()) return over_budget_at(here.place);
        if (m == Pattern::Match::no ||
            (m == Pattern::Match::yes && same_meaning(c.draft, p.draft, work_))) {
          continue;
        }
        if (work_.spent()) return over_budget_at(here.place);
        FLE_CHECK(faults_.found(
            Rule::pattern_conflict,
            "'properties' and the pattern '" + p.pattern.text() +
                "' say different things about the field '" + c.name + "'",
            here.place.at("properties", *properties).at(c.name, properties->members[i].offset)));
      }
    }
    return ok;
  }

  /// Of a keyword; where the schema begins if it does not have it.
  [[nodiscard]] Location place_at_root(std::string_view keyword) const {
    const SchemaValue* v = inner_.schema->find(keyword);
    return inner_.place.at(keyword, v != nullptr ? v->offset : inner_.place.offset);
  }

  Done check_id(const Plan& plan) {
    if (plan.root().kind != Plan::Kind::object) return ok;
    const Plan::Step id = plan.child(plan.root().node, "_id", &work_);
    // Else every document would be refused, one by one.
    if (id.kind == Plan::Kind::ambiguous) {
      return faults_.found(Rule::id_ambiguous,
                           "patterns say different things about the field '_id'",
                           place_at_root("patternProperties"));
    }
    if (id.kind == Plan::Kind::encrypted && plan.leaf(id.leaf).algorithm == Algorithm::random) {
      const Location properties = place_at_root("properties");
      return faults_.found(
          Rule::id_random,
          invalid("It reaches _id, which can only be encrypted with the deterministic "
                  "algorithm: a document must be found by it. Give _id a plain entry in "
                  "'properties' if a pattern or additionalProperties covers it"),
          id_place_.value_or(properties.at("_id", properties.offset)));
    }
    return ok;
  }

  // The alternate name of a key must be readable in the document.
  Done check_pointers(const Plan& plan) {
    for (const auto& [text, checked] : pointers_) {
      const auto& [pointer, place] = checked;
      Plan::Step step = plan.root();
      for (const std::string& token : pointer.tokens) {
        if (step.kind == Plan::Kind::object) step = plan.child(step.node, token, &work_);
      }
      // An object with encrypted fields cannot be a string: no document would ever fit.
      if (step.kind != Plan::Kind::plain) {
        FLE_CHECK(faults_.found(Rule::pointer_encrypted,
                                "'keyId' points to '" + pointer.text +
                                    "', which is encrypted itself or holds encrypted fields",
                                place));
      }
    }
    return ok;
  }

  struct Pointer {
    KeyPointer pointer;
    Location place;
  };
  const Inner inner_;
  Origin origin_;
  Faults& faults_;
  std::vector<EncryptedPlace>* const places_;  // null: nobody asks
  std::map<std::string, Pointer> pointers_;    // by their text
  std::optional<Location> id_place_;           // of _id in the root's properties
  std::size_t pointer_bytes_ = 0;
  std::size_t n_patterns_ = 0;
  std::size_t n_searches_ = 0;
  Work work_;
};

}  // namespace

Outcome<std::shared_ptr<const Plan>> compile_inner(const Inner& inner, const Budget& budget,
                                                   std::size_t size, Faults& faults,
                                                   std::vector<EncryptedPlace>* places) {
  return Compiler(inner, budget, size, faults, places).run();
}

namespace {

using CompiledPlan = Outcome<std::shared_ptr<const Plan>>;

CompiledPlan compile_first(const Inner& inner, const Budget& budget, std::size_t size) {
  Faults faults;
  return compile_inner(inner, budget, size, faults, nullptr);
}

CompiledPlan with_position(CompiledPlan plan, std::string_view text) {
  if (!plan) set_position(plan.error(), text, plan.error().column);
  return plan;
}

}  // namespace

CompiledPlan compile_json(std::string_view text, Origin origin, const Budget& budget) {
  FLE_TRY(const SchemaValue schema, read_json(text));
  return with_position(
      compile_first({&schema, Location(schema.offset), origin}, budget, text.size()), text);
}

CompiledPlan compile_wrapped_json(std::string_view text, Origin origin, std::string_view ns,
                                  const Budget& budget) {
  FLE_TRY(const SchemaValue root, read_json(text));
  Faults faults;
  const auto inner = unwrap(root, origin, ns, faults);
  return with_position(inner ? compile_first(*inner, budget, text.size()) : inner.error(), text);
}

Outcome<std::vector<std::string>> find_wrapped_json(std::string_view text, std::string_view ns) {
  FLE_TRY(const SchemaValue root, read_json(text));
  Faults faults;
  auto inner = unwrap(root, Origin::local, ns, faults);
  if (inner) return inner->place.names();
  set_position(inner.error(), text, inner.error().column);
  return inner.error();
}

Outcome<WrappedCollections> find_wrapped_collections_json(std::string_view text) {
  FLE_TRY(const SchemaValue root, read_json(text));
  Faults faults;
  WrappedCollections all;
  if (auto inner = unwrap(root, Origin::local, {}, faults, &all); !inner && all.names.empty()) {
    set_position(inner.error(), text, inner.error().column);
    return inner.error();
  }
  return all;
}

CompiledPlan compile_bson(Bytes document, Origin origin, const Budget& budget) {
  FLE_TRY(const SchemaValue schema, read_bson(document));
  auto plan = compile_first({&schema, Location(), origin}, budget, document.size());
  if (!plan) plan.error().column = 0;
  return plan;
}

}  // namespace fle::schema
