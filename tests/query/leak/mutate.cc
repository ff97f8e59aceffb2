#include <algorithm>
#include <utility>

#include "query/leak/generator.h"

namespace fle::test::leak {
namespace {

constexpr const char* kOddNames[] = {
    "$eq",          "$ne",          "$gt",          "$in",          "$nin",       "$not",
    "$and",         "$or",          "$all",         "$elemMatch",   "$exists",    "$regex",
    "$expr",        "$literal",     "$cond",        "$let",         "$switch",    "$ifNull",
    "$concat",      "$set",         "$unset",       "$inc",         "$push",      "$rename",
    "$match",       "$project",     "$group",       "$addFields",   "$lookup",    "$unwind",
    "$facet",       "$sortByCount", "filter",       "query",        "q",          "u",
    "updates",      "documents",    "pipeline",     "arrayFilters", "upsert",     "collation",
    "let",          "$comment",     "$jsonSchema",  "$setOnInsert", "$redact",    "$first",
    "$replaceRoot", "document",     "update",       "updateMods",   "$unionWith", "deletes",
    "ops",          "stages",       "anyOf",        "not",          "projection", "fields",
    "$db",          "enum",         "partialFilter"};

class Mutation {
 public:
  Mutation(Value& command, const std::vector<Collection>& collections, Rng& rng)
      : command_(command), collections_(collections), rng_(rng) {}

  void run() {
    containers_.clear();
    std::vector<Value*> all;
    list_values(command_, all);
    for (Value* v : all)
      if (v->is_container() && !v->fields.empty()) containers_.push_back(v);
    if (containers_.empty()) return;
    Value& in = *rng_.pick(containers_);
    const std::size_t i = rng_.below(in.fields.size());
    // What a command is stands in its first field: another would seldom be one.
    if (&in == &command_ && i == 0 && !rng_.chance(5)) return;
    apply(in, i);
  }

 private:
  std::string any_name() {
    if (rng_.chance(50)) return rng_.pick(kOddNames);
    return rng_.pick(collections_.front().paths).dotted;
  }

  void apply(Value& in, std::size_t i) {
    Field& f = in.fields[i];
    switch (rng_.below(11)) {
      case 0:
        f.name = any_name();
        return;
      case 1:
        in.fields.erase(in.fields.begin() + static_cast<std::ptrdiff_t>(i));
        return;
      case 2:
        in.fields.push_back(Field(f));
        return;
      case 3:
        std::swap(f.value, rng_.pick(in.fields).value);
        return;
      case 4:
        std::swap(f, rng_.pick(in.fields));
        return;
      case 5:
        f.value = object({{any_name(), std::exchange(f.value, null())}});
        return;
      case 6:
        f.value = array({std::exchange(f.value, null())});
        return;
      case 7:
        if (f.value.is_container() && !f.value.fields.empty())
          f.value = Value(f.value.fields.front().value);
        return;
      case 8:
        f.value = opaque(any_type(rng_), rng_);
        return;
      case 9:
        if (f.value.type == Type::string && !f.value.opaque) {
          f.value = text((rng_.chance(50) ? "$" : "") + any_name());
        } else {
          f.value = null();
        }
        return;
      default:
        move(f);
    }
  }

  /// A copy of something elsewhere in the command.
  void move(Field& f) {
    Value& other = *rng_.pick(containers_);
    Field copy(f);
    if (rng_.chance(50)) copy.name = any_name();
    other.fields.push_back(std::move(copy));
  }

  Value& command_;
  const std::vector<Collection>& collections_;
  Rng& rng_;
  std::vector<Value*> containers_;
};

}  // namespace

void mutate(Value& command, const std::vector<Collection>& collections, Rng& rng) {
  Mutation m(command, collections, rng);
  for (std::size_t n = 1 + rng.below(3); n > 0; --n) m.run();
}

void mutate(Buf& command, Rng& rng) {
  for (std::size_t n = 1 + rng.below(3); n > 0; --n) {
    const std::size_t at = rng.below(command.size());
    const auto where = command.begin() + static_cast<std::ptrdiff_t>(at);
    switch (rng.below(5)) {
      case 0:
        command.insert(where, static_cast<std::uint8_t>(rng.next()));
        break;
      case 1:
        if (command.size() > 1) command.erase(where);
        break;
      case 2:
        *where = static_cast<std::uint8_t>(rng.below(20));
        break;
      case 3:
        *where = static_cast<std::uint8_t>(*where ^ (1U << rng.below(8)));
        break;
      default:
        *where = static_cast<std::uint8_t>(rng.next());
    }
  }
}

}  // namespace fle::test::leak
