#include "operand.h"

#include <algorithm>
#include <cstdint>

#include "expression_evaluator.h"
#include "match.h"

namespace fle::query {
namespace {

constexpr std::string_view kTypes[] = {
    "double",    "string",    "object",     "array",   "binData",
    "undefined", "objectId",  "bool",       "date",    "null",
    "regex",     "dbPointer", "javascript", "symbol",  "javascriptWithScope",
    "int",       "timestamp", "long",       "decimal", "minKey",
    "maxKey",    "number",    "missing"};

constexpr std::string_view kMeta[] = {"textScore",
                                      "randVal",
                                      "searchScore",
                                      "searchHighlights",
                                      "searchScoreDetails",
                                      "searchSequenceToken",
                                      "searchSortValues",
                                      "searchRootDocumentId",
                                      "vectorSearchScore",
                                      "score",
                                      "scoreDetails",
                                      "geoNearDistance",
                                      "geoNearPoint",
                                      "recordId",
                                      "indexKey",
                                      "sortKey",
                                      "stream",
                                      "timeseriesBucketMinTime",
                                      "timeseriesBucketMaxTime"};

bool all_items(const Context& context, const Element& e, Takes takes) {
  if (e.type != Type::array) return false;
  for (Cursor c = context.cursor(e); c.next();)
    if (!takes(context, c.element())) return false;
  return true;
}

/// Constants that are no arrays are nothing to slice.
bool takes_slice_part(const Context& context, const Element& e) {
  return takes_computed(context, e) || is_number(e.type) || e.type == Type::array;
}

bool takes_integer(const Context&, const Element& e) {
  return e.type == Type::int_ || e.type == Type::long_;
}

bool takes_clock_type(const Context& context, const Element& e) {
  static constexpr std::string_view kClocks[] = {"date", "timestamp"};
  return is_word(context, e, kClocks);
}

// ---- Named arguments

constexpr std::size_t kMostArguments = 11;

/// The names of what an expression operator or accumulator is given as an object.
struct Named {
  std::string_view op;
  std::string_view arguments[kMostArguments];
};

constexpr Named date_part(std::string_view op) { return {op, {"date", "timezone"}}; }
constexpr Named some_of(std::string_view op) { return {op, {"n", "input"}}; }
constexpr Named trimming(std::string_view op) { return {op, {"input", "chars"}}; }
constexpr Named searching(std::string_view op) { return {op, {"input", "regex", "options"}}; }
constexpr Named replacing(std::string_view op) { return {op, {"input", "find", "replacement"}}; }
constexpr Named moving(std::string_view op) {
  return {op, {"startDate", "unit", "amount", "timezone"}};
}

constexpr Named kNamed[] = {
    {"$accumulator",
     {"init", "initArgs", "accumulate", "accumulateArgs", "merge", "finalize", "lang"}},
    {"$bottom", {"sortBy", "output"}},
    {"$bottomN", {"n", "sortBy", "output"}},
    {"$convert", {"input", "to", "onError", "onNull", "format", "byteOrder", "base"}},
    {"$count", {}},
    moving("$dateAdd"),
    {"$dateDiff", {"startDate", "endDate", "unit", "timezone", "startOfWeek"}},
    {"$dateFromParts",
     {"year", "month", "day", "hour", "minute", "second", "millisecond", "isoWeekYear", "isoWeek",
      "isoDayOfWeek", "timezone"}},
    {"$dateFromString", {"dateString", "format", "timezone", "onError", "onNull"}},
    moving("$dateSubtract"),
    {"$dateToParts", {"date", "timezone", "iso8601"}},
    {"$dateToString", {"date", "format", "timezone", "onNull"}},
    {"$dateTrunc", {"date", "unit", "binSize", "timezone", "startOfWeek"}},
    date_part("$dayOfMonth"),
    date_part("$dayOfWeek"),
    date_part("$dayOfYear"),
    {"$denseRank", {}},
    {"$derivative", {"input", "unit"}},
    {"$documentNumber", {}},
    {"$expMovingAvg", {"input", "N", "alpha"}},
    some_of("$firstN"),
    {"$function", {"body", "args", "lang"}},
    date_part("$hour"),
    {"$integral", {"input", "unit"}},
    date_part("$isoDayOfWeek"),
    date_part("$isoWeek"),
    date_part("$isoWeekYear"),
    some_of("$lastN"),
    trimming("$ltrim"),
    some_of("$maxN"),
    {"$median", {"input", "method"}},
    date_part("$millisecond"),
    some_of("$minN"),
    date_part("$minute"),
    {"$minMaxScaler", {"input", "min", "max"}},
    date_part("$month"),
    {"$percentile", {"input", "p", "method"}},
    {"$rand", {}},
    {"$rank", {}},
    searching("$regexFind"),
    searching("$regexFindAll"),
    searching("$regexMatch"),
    replacing("$replaceAll"),
    replacing("$replaceOne"),
    trimming("$rtrim"),
    date_part("$second"),
    {"$setField", {"field", "input", "value"}},
    {"$shift", {"output", "by", "default"}},
    {"$top", {"sortBy", "output"}},
    {"$topN", {"n", "sortBy", "output"}},
    trimming("$trim"),
    {"$unsetField", {"field", "input"}},
    date_part("$week"),
    date_part("$year"),
    {"$zip", {"inputs", "useLongestLength", "defaults"}},
};

}  // namespace

bool is_word(const Context& context, const Element& e, std::span<const std::string_view> words) {
  return e.type == Type::string && std::ranges::find(words, context.text(e)) != words.end();
}

bool has_only(const Context& context, const Element& e, std::span<const Part> parts) {
  if (e.type != Type::object) return false;
  std::uint32_t seen = 0;
  for (Cursor c = context.cursor(e); c.next();) {
    const auto row = std::ranges::find(parts, c.element().name, &Part::name);
    if (row == parts.end() || !row->takes(context, c.element())) return false;
    const std::uint32_t bit = std::uint32_t{1} << (row - parts.begin());
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return true;
}

bool takes_number(const Context&, const Element& e) { return is_number(e.type); }
bool takes_bool(const Context&, const Element& e) { return e.type == Type::bool_; }
bool takes_truth(const Context&, const Element& e) {
  return is_number(e.type) || e.type == Type::bool_ || e.type == Type::null ||
         e.type == Type::undefined;
}
bool takes_nothing(const Context& context, const Element& e) {
  return takes_truth(context, e) || (e.type == Type::string && context.text(e).empty());
}
bool takes_string(const Context&, const Element& e) { return e.type == Type::string; }
bool takes_array(const Context&, const Element& e) { return e.type == Type::array; }
bool takes_object(const Context&, const Element& e) { return e.type == Type::object; }
bool takes_computed(const Context& context, const Element& e) {
  return (e.type == Type::string && context.text(e).starts_with('$')) || is_operation(context, e);
}
bool takes_numbers(const Context& context, const Element& e) {
  return all_items(context, e, takes_number);
}
bool takes_pattern(const Context&, const Element& e) {
  return e.type == Type::string || e.type == Type::regex;
}

bool takes_types(const Context& context, const Element& e) {
  const Takes takes_type = [](const Context& c, const Element& type) {
    return is_number(type.type) || is_word(c, type, kTypes);
  };
  return takes_type(context, e) || all_items(context, e, takes_type);
}

bool takes_bits(const Context& context, const Element& e) {
  return is_number(e.type) || e.type == Type::bin_data || takes_numbers(context, e);
}

bool takes_unit(const Context& context, const Element& e) {
  static constexpr std::string_view kUnits[] = {"year", "quarter", "month",  "week",       "day",
                                                "hour", "minute",  "second", "millisecond"};
  return is_word(context, e, kUnits);
}

bool takes_granularity(const Context& context, const Element& e) {
  static constexpr std::string_view kSeries[] = {"R5",    "R10",  "R20",      "R40", "R80",
                                                 "1-2-5", "E6",   "E12",      "E24", "E48",
                                                 "E96",   "E192", "POWERSOF2"};
  return is_word(context, e, kSeries);
}

bool takes_meta(const Context& context, const Element& e) { return is_word(context, e, kMeta); }

bool takes_direction(const Context& context, const Element& e) {
  static constexpr Part kScore[] = {{"$meta", takes_meta}};
  const bool empty = e.type == Type::object && !context.cursor(e).next();
  return is_number(e.type) || e.type == Type::bool_ || (!empty && has_only(context, e, kScore));
}

bool takes_order(const Context& context, const Element& e) {
  if (is_number(e.type)) return true;
  if (e.type != Type::object) return false;
  for (Cursor c = context.cursor(e); c.next();)
    if (!takes_direction(context, c.element())) return false;
  return true;
}

bool takes_slice(const Context& context, const Element& e) {
  return is_number(e.type) || all_items(context, e, takes_slice_part);
}

bool takes_clock(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"$type", takes_clock_type}};
  return e.type == Type::bool_ || has_only(context, e, kParts);
}

bool takes_bit_operations(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {
      {"and", takes_integer}, {"or", takes_integer}, {"xor", takes_integer}};
  return has_only(context, e, kParts);
}

// An object is an item itself, but for one with $each: of $addToSet, one that begins with it.

bool takes_pushed(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"$each", takes_array},
                                    {"$slice", takes_number},
                                    {"$position", takes_number},
                                    {"$sort", takes_order}};
  const bool several = e.type == Type::object && context.find(e, "$each");
  return !several || has_only(context, e, kParts);
}

bool takes_added(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"$each", takes_array}};
  if (e.type != Type::object) return true;
  Cursor c = context.cursor(e);
  return !c.next() || c.element().name != "$each" || has_only(context, e, kParts);
}

Done need(Context& context, const Element& e, Takes takes, std::string_view operation) {
  if (takes == nullptr || takes(context, e)) return ok;
  return context.refuse(kMalformed, e, {}, operation);
}

bool has_named_arguments(std::string_view operation) noexcept {
  return std::ranges::find(kNamed, operation, &Named::op) != std::end(kNamed);
}

Done need_known_arguments(Context& context, const Element& op) {
  const auto* row = std::ranges::find(kNamed, op.name, &Named::op);
  if (row == std::end(kNamed)) return ok;
  if (op.type != Type::object) {
    const bool takes_some = !row->arguments[0].empty();
    return takes_some || is_empty_array(context, op)
               ? ok
               : Done(context.refuse(kMalformed, op, {}, op.name));
  }
  const Context::Inside inside(context, op);
  std::uint32_t seen = 0;
  for (Cursor c = context.cursor(op); c.next();) {
    const Element& e = c.element();
    // An operation in place of the arguments, as the parts of dates are given.
    if (seen == 0 && e.name.starts_with('$')) return ok;
    const auto* name = std::ranges::find(row->arguments, e.name);
    const bool known = name != std::end(row->arguments) && !e.name.empty();
    const std::uint32_t bit = known ? std::uint32_t{1} << (name - row->arguments) : 0;
    if (!known || (seen & bit) != 0) return context.refuse(kMalformed, e, {}, op.name);
    seen |= bit;
  }
  return ok;
}

}  // namespace fle::query
