#include "fle/schema/lint.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>

#include "compiler.h"
#include "fle/did_you_mean.h"
#include "fle/text.h"

namespace fle::schema {
namespace {

using bson::Type;

struct Warning {
  const char* id;
  const char* repair;
};
constexpr Warning kFewValues{"deterministic.few_values",
                             "take the random algorithm unless the field is searched for"};
constexpr Warning kComparable{
    "deterministic.one_key",
    "give each field its own key ('keyId' in its 'encrypt'), unless they are meant to be joined"};
constexpr Warning kIntegers{
    "deterministic.integer",
    "write and search for the field with the type that its 'bsonType' names, in every program"};
constexpr Warning kAnyType{"random.any_type",
                           "add 'bsonType', so that a value of a wrong type is refused"};
constexpr Warning kNothing{"schema.encrypts_nothing",
                           "add 'encrypt' to a field, or leave the schema out"};
constexpr Warning kWarnings[] = {kFewValues, kComparable, kIntegers, kAnyType, kNothing};

/// Words in the names of fields that have few values in most collections.
constexpr std::string_view kFewValued[] = {
    "active",  "answer",      "blood",      "category",  "city",      "class",    "consent",
    "country", "county",      "dept",       "diagnosis", "ethnicity", "flag",     "gender",
    "grade",   "icd",         "kind",       "language",  "level",     "marital",  "month",
    "nation",  "nationality", "occupation", "outcome",   "plan",      "postcode", "priority",
    "race",    "rating",      "region",     "religion",  "result",    "role",     "severity",
    "sex",     "state",       "status",     "title",     "type",      "year",     "zip"};

static_assert(std::ranges::is_sorted(kFewValued));

/// "bloodType", "blood_type", "BLOOD-TYPE": the words of a name, in small letters.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  bool open = false;
  char before = '\0';
  for (const char c : name) {
    const bool letter = upper(c) || (c >= 'a' && c <= 'z');
    if (letter && (!open || (upper(c) && !upper(before)))) words.emplace_back();
    open = letter;
    if (letter) words.back() += upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    before = c;
  }
  return words;
}

/// The word that lets one expect few values; empty where none does.
std::string few_valued_word(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  for (const std::string& w : words_of(dot == std::string::npos ? path : path.substr(dot + 1)))
    if (std::ranges::binary_search(kFewValued, w)) return w;
  return {};
}

/// "'a', 'b' and 2 more".
std::string list_of(const std::vector<const EncryptedPlace*>& fields) {
  constexpr std::size_t kMost = 8;
  std::string s;
  const std::size_t n = std::min(kMost, fields.size());
  for (std::size_t i = 0; i < n; ++i) {
    const bool last = i + 1 == fields.size();
    s += (i == 0 ? "'" : last ? " and '" : ", '") + printable(fields[i]->leaf.path) + "'";
  }
  if (fields.size() > n) s += " and " + std::to_string(fields.size() - n) + " more";
  return s;
}

/// A finding, and where it is to be shown.
struct Placed {
  std::size_t offset;
  LintFinding finding;
};

class Linter {
 public:
  void add(const Fault& fault) {
    const RuleInfo& rule = info(fault.rule);
    placed_.push_back({fault.failure.column,
                       {false, rule.id, fault.failure.code, fault.failure.message, rule.repair,
                        fault.failure.path, 0, 0}});
    ++n_broken_;
  }
  void warn_of(const std::vector<EncryptedPlace>& fields) {
    for (const EncryptedPlace& f : fields) warn_of_few_values(f);
    warn_of_groups(fields);
  }
  void warn(const Warning& warning, const std::string& message, const Location& place) {
    if (placed_.size() - n_broken_ >= Faults::kMost) return;
    placed_.push_back({place.offset,
                       {true, warning.id, Errc{}, shortened(message, Failure::kMaxMessage),
                        warning.repair, shortened(place.pointer(), kMaxPath), 0, 0}});
  }

  LintReport report(std::string_view text) && {
    std::ranges::stable_sort(placed_, {}, &Placed::offset);
    LintReport report;
    report.n_broken = n_broken_;
    std::uint32_t line = 1;
    std::size_t line_start = 0;
    std::size_t at = 0;
    for (Placed& p : placed_) {
      for (const std::size_t end = std::min(p.offset, text.size()); at < end; ++at) {
        if (text[at] != '\n') continue;
        ++line;
        line_start = at + 1;
      }
      p.finding.line = line;
      p.finding.column = static_cast<std::uint32_t>(at - line_start + 1);
      report.findings.push_back(std::move(p.finding));
    }
    return report;
  }

 private:
  using Group = std::vector<const EncryptedPlace*>;

  void warn_of_few_values(const EncryptedPlace& f) {
    if (f.leaf.algorithm != Algorithm::deterministic) return;
    const std::string word = few_valued_word(f.leaf.path);
    if (word.empty() && f.n_values == 0 && !f.bounded) return;
    warn(kFewValues,
         "'" + printable(f.leaf.path) + "' " +
             (f.n_values != 0 ? "has " + std::to_string(f.n_values) + " values ('enum')"
              : f.bounded     ? std::string("has a 'maximum', and so may have few values")
                              : "has few values, going by its name ('" + word + "')") +
             ": equal values have equal ciphertexts, so how often each occurs tells which it is",
         f.place);
  }

  void warn_of_groups(const std::vector<EncryptedPlace>& fields) {
    std::map<std::pair<KeyId, Type>, Group> comparable;
    Group integers;
    Group any_type;
    for (const EncryptedPlace& f : fields) {
      if (f.leaf.algorithm == Algorithm::random) {
        if (f.leaf.types.empty()) any_type.push_back(&f);
        continue;
      }
      for (const Type t : kTypes)
        if (const auto* id = std::get_if<KeyId>(&f.leaf.key); id && f.leaf.types.contains(t))
          comparable[{*id, t}].push_back(&f);
      if (f.leaf.types.contains(Type::int_) || f.leaf.types.contains(Type::long_))
        integers.push_back(&f);
    }
    for (const auto& [key, group] : comparable) {
      if (group.size() < 2) continue;
      warn(kComparable,
           list_of(group) + " have one key and one type (" + std::string(alias(key.second)) +
               "): a value has the same ciphertext in each, so they can be compared with each "
               "other",
           group.front()->place);
    }
    if (!integers.empty()) {
      warn(kIntegers,
           list_of(integers) + (integers.size() == 1 ? " is an integer" : " are integers") +
               ": int and long of one number have different ciphertexts, and the other type is "
               "refused",
           integers.front()->place);
    }
    if (!any_type.empty()) {
      warn(kAnyType,
           list_of(any_type) + (any_type.size() == 1 ? " takes" : " take") + " values of any type",
           any_type.front()->place);
    }
  }

  // Those that the deterministic algorithm encrypts.
  static constexpr auto kTypes = std::to_array<Type>(
      {Type::string, Type::bin_data, Type::object_id, Type::date, Type::regex, Type::db_pointer,
       Type::javascript, Type::symbol, Type::int_, Type::timestamp, Type::long_});

  std::vector<Placed> placed_;
  std::size_t n_broken_ = 0;
};

}  // namespace

LintReport lint_wrapped_json(std::string_view text, Origin origin, std::string_view ns,
                             const Budget& budget) {
  Linter linter;
  const auto root = read_json(text);
  if (!root) {
    LintReport report;
    const Failure& f = root.error();
    const RuleInfo& rule = info(Rule::syntax);
    report.findings.push_back(
        {false, rule.id, f.code, f.message, rule.repair, f.path, f.line, f.column});
    report.n_broken = 1;
    return report;
  }
  std::vector<Fault> kept;
  Faults faults(kept);
  std::vector<EncryptedPlace> places;
  WrappedCollections all;
  const auto inner = unwrap(*root, origin, ns, faults, &all);
  if (inner) {
    const auto plan = compile_inner(*inner, budget, text.size(), faults, &places);
    if (plan && kept.empty() && (*plan)->leaves().empty())
      linter.warn(kNothing, "the schema encrypts nothing", inner->place);
  }
  if (inner || !ns.empty() || all.names.size() < 2) all.names.clear();
  for (const std::string& collection : all.names) {
    std::vector<EncryptedPlace> its;
    // A fault of one is no reason to leave out another.
    if (const auto one = unwrap(*root, origin, collection, faults))
      static_cast<void>(compile_inner(*one, budget, text.size(), faults, &its));
    for (EncryptedPlace& p : its) p.leaf.path = collection + ": " + p.leaf.path;
    places.insert(places.end(), std::make_move_iterator(its.begin()),
                  std::make_move_iterator(its.end()));
  }
  for (const Fault& f : kept) linter.add(f);
  linter.warn_of(places);
  return std::move(linter).report(text);
}

std::vector<LintRule> lint_rules() {
  std::vector<LintRule> all;
  for (const RuleInfo& r : rules()) all.push_back({r.id, false, r.code.code, r.repair});
  for (const Warning& w : kWarnings) all.push_back({w.id, true, Errc{}, w.repair});
  return all;
}

}  // namespace fle::schema
