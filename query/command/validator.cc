#include "validator.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "match/match.h"

namespace fle::query {
namespace {

constexpr Refusal kMix{
    "catalogue.validator", Errc::operator_not_allowed,
    "Invalid match expression operator on encrypted field",
    "leave the schema that encrypts alone in the validator: no other conditions beside it"};
constexpr Refusal kTwoSchemas{"catalogue.two_schemas", Errc::command_malformed,
                              "two $jsonSchema in one validator: which one encrypts?",
                              "put all into one $jsonSchema"};
constexpr Refusal kHidden{"catalogue.hidden_schema", Errc::command_malformed,
                          "a $jsonSchema that encrypts is not at the top of the validator, where "
                          "clients look for it: nobody would encrypt by it",
                          "put {$jsonSchema: ...} alone into the validator"};
constexpr Refusal kKeyword{
    "catalogue.keyword", Errc::comparison_not_possible,
    "the validator compares an encrypted field, of which the server sees ciphertext alone",
    "let the schema say of an encrypted field how it is encrypted, and no more"};

/// The server takes nothing deeper.
constexpr int kMaxNesting = 200;

/// What a keyword of JSON Schema says, as far as it matters here. The server knows no others than
/// these: the schema has been compiled.
enum class Says : std::uint8_t {
  words,         ///< For people: a title.
  shape,         ///< Which fields there are, and how many.
  type,          ///< What a value is.
  value,         ///< What is compared with the value itself, also with an object.
  part,          ///< What is compared with a string or a number.
  fields,        ///< A schema for each named field.
  other_fields,  ///< Schemas for fields that are not named.
  items,         ///< Schemas for the items of an array.
  same,          ///< Schemas for the same value.
};
struct Keyword {
  std::string_view name;
  Says says;
};
constexpr Keyword kKeywords[] = {
    {"title", Says::words},
    {"description", Says::words},
    {"encryptMetadata", Says::words},
    {"required", Says::shape},
    {"minProperties", Says::shape},
    {"maxProperties", Says::shape},
    {"bsonType", Says::type},
    {"type", Says::type},
    {"enum", Says::value},
    {"properties", Says::fields},
    {"patternProperties", Says::other_fields},
    {"additionalProperties", Says::other_fields},
    {"items", Says::items},
    {"additionalItems", Says::items},
    {"allOf", Says::same},
    {"anyOf", Says::same},
    {"oneOf", Says::same},
    {"not", Says::same},
    {"dependencies", Says::same},
};

Says what_says(std::string_view keyword) noexcept {
  const auto* row = std::ranges::find(kKeywords, keyword, &Keyword::name);
  return row == std::end(kKeywords) ? Says::part : row->says;
}

/// A sub-schema that says which fields are encrypted: one that stands below properties,
/// patternProperties and additionalProperties alone.
struct Structure {
  bool encrypted = false;                              ///< The value itself.
  bool holds = false;                                  ///< Some field below.
  bool others = false;                                 ///< Perhaps a field that is not listed.
  std::map<std::string_view, std::uint32_t> fields{};  ///< Offsets of their sub-schemas.
};

/// All of one $jsonSchema, by the offset of each.
class Structures {
 public:
  Structures(const Context& context, const Element& schema) : context_(context) { add(schema); }

  [[nodiscard]] const Structure& at(std::uint32_t offset) const { return all_.at(offset); }

 private:
  const Structure& add(const Element& schema) {
    Structure s;
    if (schema.type == Type::object) {
      for (Cursor c = context_.cursor(schema); c.next();) read(c.element(), s);
    }
    return all_[schema.value_offset] = std::move(s);
  }

  void read(const Element& keyword, Structure& s) {
    s.encrypted = s.encrypted || keyword.name == "encrypt";
    if (keyword.type != Type::object) return;
    if (keyword.name == "additionalProperties") add_other(keyword, s);
    const bool named = keyword.name == "properties";
    if (!named && keyword.name != "patternProperties") return;
    for (Cursor c = context_.cursor(keyword); c.next();) {
      if (!named) {
        add_other(c.element(), s);
        continue;
      }
      const Structure& field = add(c.element());
      s.holds = s.holds || field.encrypted || field.holds;
      s.fields.emplace(c.element().name, c.element().value_offset);
    }
  }

  void add_other(const Element& schema, Structure& s) {
    const Structure& other = add(schema);
    const bool encrypts = other.encrypted || other.holds;
    s.holds = s.holds || encrypts;
    s.others = s.others || encrypts;
  }

  const Context& context_;
  std::unordered_map<std::uint32_t, Structure> all_;
};

/// What is known of the place that a schema is about.
struct Spot {
  enum class Kind : std::uint8_t {
    plain,
    encrypted,
    object,    ///< Holds encrypted fields; `structure` says which.
    anything,  ///< Some field of such an object: perhaps an encrypted one.
  };
  Kind kind = Kind::plain;
  const Structure* structure = nullptr;
  View view{};  ///< Of an object without a structure.
};

class Checker {
 public:
  Checker(Context& context, const Element& schema)
      : context_(context), structures_(context, schema) {}

  /// @param view  what is encrypted in the collection. Where this schema encrypts nothing, another
  ///              one may that the client has for the collection, and goes on encrypting by.
  Done run(const Element& schema, const View& view) {
    const Spot own = spot_of(schema.value_offset);
    if (own.kind != Spot::Kind::plain) return check(schema, own, true);
    const Spot of_client = spot_of(view);
    return of_client.kind == Spot::Kind::plain ? ok : check(schema, of_client, false);
  }

 private:
  /// @param structural  `schema` is one of `structures_`, and says itself what stands at `spot`.
  Done check(const Element& schema, const Spot& spot, bool structural) {
    if (schema.type != Type::object) return ok;  // additionalProperties: false
    // Beside `encrypt`, there is no other keyword.
    if (structural && spot.kind == Spot::Kind::encrypted) return ok;
    const Context::Inside inside(context_, schema);
    for (Cursor c = context_.cursor(schema); c.next();)
      FLE_CHECK(keyword(c.element(), spot, structural));
    return ok;
  }

  Done keyword(const Element& e, const Spot& spot, bool structural) {
    const Says says = what_says(e.name);
    if (is_refused(says, spot.kind)) return context_.refuse(kKeyword, e, {}, e.name);
    switch (says) {
      case Says::fields:
        return each(e, structural, [&](const Element& field) {
          return structural ? spot_of(field.value_offset) : field_of(spot, field.name);
        });
      case Says::other_fields:
      case Says::items:
        return others(e, spot, structural && says == Says::other_fields);
      case Says::same:
        if (e.name == "not") return check(e, spot, false);
        return each(e, false, [&](const Element&) { return spot; });
      default:
        return ok;
    }
  }

  static bool is_refused(Says says, Spot::Kind kind) noexcept {
    switch (kind) {
      case Spot::Kind::plain:
        break;
      case Spot::Kind::encrypted:
        return says != Says::words && says != Says::same;
      case Spot::Kind::object:
        return says == Says::value;
      case Spot::Kind::anything:
        return says == Says::value || says == Says::part;
    }
    return false;
  }

  /// patternProperties, additionalProperties, items: schemas of what has no name here.
  Done others(const Element& e, const Spot& spot, bool structural) {
    const auto spot_for = [&](const Element& schema) {
      if (structural) return spot_of(schema.value_offset);
      return spot.kind == Spot::Kind::plain ? Spot{} : Spot{Spot::Kind::anything};
    };
    if (e.type == Type::object && e.name != "patternProperties")
      return check(e, spot_for(e), structural);
    return each(e, structural, spot_for);
  }

  /// Checks every schema in a list, or under a name.
  template <class SpotFor>
  Done each(const Element& e, bool structural, SpotFor spot_for) {
    if (e.type != Type::object && e.type != Type::array) return ok;
    const Context::Inside inside(context_, e);
    for (Cursor c = context_.cursor(e); c.next();)
      if (c.element().type == Type::object)
        FLE_CHECK(check(c.element(), spot_for(c.element()), structural));
    return ok;
  }

  [[nodiscard]] Spot spot_of(std::uint32_t offset) const {
    const Structure& s = structures_.at(offset);
    if (s.encrypted) return {Spot::Kind::encrypted};
    return s.holds ? Spot{Spot::Kind::object, &s} : Spot{};
  }

  [[nodiscard]] static Spot spot_of(const View& view) {
    if (view.kind == View::Kind::encrypted) return {Spot::Kind::encrypted};
    if (view.kind == View::Kind::ambiguous) return {Spot::Kind::anything};
    return holds_encrypted(view) ? Spot{Spot::Kind::object, nullptr, view} : Spot{};
  }

  /// A field of what a structure, or a view, describes, for a schema beside it.
  [[nodiscard]] Spot field_of(const Spot& spot, std::string_view name) const {
    if (spot.kind != Spot::Kind::object) return spot;
    if (spot.structure == nullptr) return spot_of(child(spot.view, name, context_.work()));
    const auto known = spot.structure->fields.find(name);
    if (known != spot.structure->fields.end()) return spot_of(known->second);
    return spot.structure->others ? Spot{Spot::Kind::anything} : Spot{};
  }

  Context& context_;
  const Structures structures_;
};

bool mentions_encrypt(const Context& context, const Element& e, int depth) {
  if (e.type != Type::object && e.type != Type::array) return false;
  for (Cursor c = context.cursor(e); depth > 0 && c.next();)
    if (c.element().name == "encrypt" || mentions_encrypt(context, c.element(), depth - 1))
      return true;
  return depth == 0;
}

/// Whether a schema that encrypts stands somewhere inside `e`. What is too deep might be one.
bool hides_schema(const Context& context, const Element& e, int depth) {
  if (e.type != Type::object && e.type != Type::array) return false;
  for (Cursor c = context.cursor(e); depth > 0 && c.next();) {
    const bool hides = c.element().name == "$jsonSchema"
                           ? mentions_encrypt(context, c.element(), depth - 1)
                           : hides_schema(context, c.element(), depth - 1);
    if (hides) return true;
  }
  return depth == 0;
}

}  // namespace

Done validator(Context& context, const Element& e, const View& view) {
  if (!context.find(e, "$jsonSchema"))
    return match(context, e, {view, false, MatchScope::Mode::storage});
  const Context::Inside inside(context, e);
  bool has_schema = false;
  for (Cursor c = context.cursor(e); c.next();) {
    if (c.element().name != "$jsonSchema")
      return context.refuse(kMix, c.element(), c.element().name, "validator");
    if (has_schema) return context.refuse(kTwoSchemas, c.element(), {}, "validator");
    has_schema = true;
    if (c.element().type != Type::object)
      return context.refuse(kMalformed, c.element(), {}, "validator");
    FLE_CHECK(Checker(context, c.element()).run(c.element(), view));
  }
  return ok;
}

Done refuse_hidden_schema(Context& context, const Element& command) {
  bool has_schema = false;  // the one that is read
  for (Cursor fields = context.cursor(command); fields.next();) {
    const Element& e = fields.element();
    if (e.name != "validator" || e.type != Type::object) continue;
    const Context::Inside inside(context, e);
    for (Cursor c = context.cursor(e); c.next();) {
      if (c.element().name != "$jsonSchema") {
        if (hides_schema(context, c.element(), kMaxNesting))
          return context.refuse(kHidden, c.element(), {}, "validator");
      } else if (std::exchange(has_schema, true) &&
                 mentions_encrypt(context, c.element(), kMaxNesting)) {
        return context.refuse(kTwoSchemas, c.element(), {}, "validator");
      }
    }
  }
  return ok;
}

}  // namespace fle::query
