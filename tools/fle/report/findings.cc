// The rules of a report: docs/report.md lists them.
#include "findings.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "schema_help/schema_commands.h"

namespace fle::tools {
namespace {

using bson::Type;
using schema::Plan;

class Judge {
 public:
  Judge(Row& row, bool has_schema, const std::set<KeyId>& unknown)
      : row_(row), p_(row.report), has_schema_(has_schema), unknown_(unknown) {}

  void look_at(const Census::Cell& c) {
    switch (c.look.state) {
      case State::plain:
        return plain(c);
      case State::damaged:
        return add(Weight::problem, "damaged", "begins as ciphertext, and is none", c);
      case State::foreign:
        return foreign(c);
      case State::encrypted:
        return encrypted(c);
    }
  }

  /// Keys that there are too many of to have a cell each.
  void look_at_keys() {
    count(kUnknownKey, kNotInVault, [&](const KeyId& k) { return unknown_.contains(k); });
    if (const KeyId* key = key_of_schema())
      count(kWrongKey, kOtherKey, [&](const KeyId& k) { return k != *key; });
  }

 private:
  static constexpr const char* kUnknownKey = "unknown_key";
  static constexpr const char* kNotInVault = "under a key that the vault does not have";
  static constexpr const char* kWrongKey = "wrong_key";
  static constexpr const char* kOtherKey = "under another key than the schema says";

  Finding& finding(Weight w, const char* rule, const std::string& text) {
    std::vector<Finding>& all = p_.findings;
    const auto same = std::ranges::find_if(
        all, [&](const Finding& f) { return f.text == text && std::string_view(f.rule) == rule; });
    return same != all.end() ? *same : all.emplace_back(Finding{w, rule, text});
  }
  void add(Weight w, const char* rule, const std::string& text, const Census::Cell& c) {
    Finding& f = finding(w, rule, text);
    f.values += c.values;
    if (f.first_document == 0 || c.first_document < f.first_document)
      f.first_document = c.first_document;
  }
  /// Null: the schema says none, or each document names its own.
  [[nodiscard]] const KeyId* key_of_schema() const noexcept {
    return p_.leaf == nullptr ? nullptr : std::get_if<KeyId>(&p_.leaf->key);
  }

  void encrypted(const Census::Cell& c) {
    const Look& look = c.look;
    if (!look.other_key && unknown_.contains(look.key))
      add(Weight::problem, kUnknownKey, kNotInVault, c);
    if (p_.leaf == nullptr) {
      if (has_schema_)
        add(Weight::problem, "not_in_schema", "encrypted, where the schema encrypts nothing", c);
      return;
    }
    if (!p_.leaf->types.empty() && !p_.leaf->types.contains(look.type))
      add(Weight::problem, "wrong_type",
          "encrypts " + std::string(bson::alias(look.type)) + ", where the schema says " +
              type_names(p_.leaf->types),
          c);
    if (p_.leaf->algorithm != look.algorithm)
      add(Weight::problem, "wrong_algorithm",
          look.algorithm == Algorithm::random
              ? "encrypted at random, where the schema says deterministic"
              : "encrypted deterministically, where the schema says random",
          c);
    const KeyId* key = key_of_schema();
    if (key != nullptr && !look.other_key && look.key != *key)
      add(Weight::problem, kWrongKey, kOtherKey, c);
  }

  void foreign(const Census::Cell& c) {
    const bool is_plain =
        holds_plaintext(c.look.kind) && (p_.leaf != nullptr || row_.step.kind != Plan::Kind::plain);
    add(is_plain ? Weight::plain : Weight::problem, is_plain ? "placeholder" : "foreign",
        name_of_kind(c.look.kind), c);
  }

  void plain(const Census::Cell& c) {
    const std::string type(bson::alias(c.look.type));
    if (is_nothing(c.look.type)) {
      if (p_.leaf != nullptr) add(Weight::note, "null", "null, which cannot be encrypted", c);
    } else if (p_.leaf != nullptr) {
      add(Weight::plain, "plaintext", "plaintext (" + type + "), where the schema encrypts", c);
    } else if (row_.step.kind == Plan::Kind::object) {
      if (c.look.type != Type::object)
        add(Weight::plain, "not_an_object",
            type + " in plaintext, where the schema has an object with encrypted fields", c);
    } else if (row_.step.kind == Plan::Kind::ambiguous) {
      add(Weight::plain, "ambiguous", "plaintext, where patterns of the schema disagree", c);
    } else {
      add(Weight::problem, "partly_plaintext", "plaintext (" + type + ") beside ciphertext", c);
    }
  }

  template <class IsBad>
  void count(const char* rule, const char* text, IsBad is_bad) {
    std::uint64_t n = 0;
    for (const KeyCount& k : p_.keys) n += is_bad(k.key) ? k.values : 0;
    if (n == 0) return;
    Finding& f = finding(Weight::problem, rule, text);
    f.values = std::max(f.values, n);
  }

  Row& row_;
  PathReport& p_;
  const bool has_schema_;
  const std::set<KeyId>& unknown_;
};

}  // namespace

void judge(Row& row, const Census& census, bool has_schema, const std::set<KeyId>& unknown) {
  Judge judge(row, has_schema, unknown);
  for (const Census::Id id : row.cells) judge.look_at(census.cells()[id]);
  judge.look_at_keys();
  // Cells stand in no order that means something.
  std::ranges::sort(row.report.findings, {}, [](const Finding& f) {
    return std::tuple(-static_cast<int>(f.weight), std::string_view(f.rule),
                      std::string_view(f.text));
  });
}

}  // namespace fle::tools
