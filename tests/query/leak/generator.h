#ifndef FLE_TESTS_QUERY_LEAK_GENERATOR_H_
#define FLE_TESTS_QUERY_LEAK_GENERATOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "query/leak/schema_model.h"
#include "query/leak/tree.h"

// Random commands over random schemas. Mostly such as an application would send, so that a good
// part is accepted; "odd" choices, each of them rare, are such as must be refused. Whatever is
// written for an encrypted field has Value::secret set: the generator knows where it wrote it and
// keeps its own books of what stages rename, so this does not depend on the oracle.
namespace fle::test::leak {

/// A path that can be named at some point of a command.
struct Known {
  enum class Kind { plain, prefix, encrypted, list };  // list: an array of encrypted values
  std::string path;
  Kind kind = Kind::plain;
  const SchemaNode* node = nullptr;

  [[nodiscard]] bool is_searchable_field() const noexcept {
    return kind == Kind::encrypted && node->deterministic;
  }
};
using Scope = std::vector<Known>;

/// Marks all of `v`, or takes the marks away.
[[nodiscard]] Value as_secret(Value v, bool secret = true);

class Generator {
 public:
  /// bold: with more of what is easily taken for something else (generator_bold.cc).
  enum class Style { plain, bold };
  Generator(const std::vector<Collection>& collections, Rng& rng, Style style = Style::plain)
      : collections_(collections), rng_(rng), style_(style) {}

  /// One command without content (give_content fills it in).
  [[nodiscard]] Value command(std::string_view kind);
  [[nodiscard]] static std::vector<std::string_view> kinds();
  /// One that a collection may hold, without content too.
  [[nodiscard]] Value stored_document(const Collection& c) { return document(c.root, true); }

 private:
  bool odd() noexcept { return rng_.below(1000) < 15; }
  bool bold(unsigned percent) noexcept { return style_ == Style::bold && rng_.chance(percent); }
  [[nodiscard]] const Collection& main() const noexcept { return collections_.front(); }
  [[nodiscard]] static Scope scope_of(const Collection& c, const std::string& before = {});
  /// Null where the scope has none.
  template <class Wanted>
  const Known* pick(const Scope& scope, Wanted wanted);
  const Known* pick(const Scope& scope, Known::Kind kind);
  template <class Wanted>
  const Known* pick(Scope&& scope, Wanted wanted) = delete;  // it would point into nothing

  // Values.
  Value secret_for(const SchemaNode& leaf);
  Value plain_value(int depth = 0);
  Value plain_scalar();
  Value document(const SchemaNode& node, bool whole);
  Value field_value(const SchemaNode& object, const std::string& name, bool whole);
  Value value_at(const Known& k);  ///< What an insert would have there.

  // Filters (generator_filter.cc).
  Value filter(const Scope& scope, int depth = 0);
  void clause(Value& to, const Scope& scope, int depth);
  void search(Value& to, const Known& k);
  void plain_clause(Value& to, const Known& k);
  void odd_clause(Value& to, const Scope& scope);
  Value condition(const Scope& scope, int depth = 0);  ///< An expression that is true or false.
  Value comparison(const Scope& scope);
  Value expression(const Scope& scope, int depth);
  Value constant(Value v);

  // Encrypted fields wherever a value may stand (generator_bold.cc).
  Value bold_field(const Scope& scope);
  Value bold_constant(const Scope& scope);
  Value bold_passing(const Scope& scope, int depth);
  Value bold_value(const Scope& scope, int depth);
  Value bold_condition(const Scope& scope, int depth);
  void bold_clause(Value& to, const Scope& scope);
  Value bold_stage(Scope& scope, int depth);

  // Updates.
  Value update(bool replacement_allowed);
  void update_field(Value& operators, const Scope& scope);
  void array_update(Value& statement);
  Value update_statement(const char* q, const char* u);
  void odd_update(Value& operators, const Scope& scope);

  // Pipelines (generator_pipeline.cc).
  Value pipeline(Scope scope, int depth);
  using Stage = Value (Generator::*)(Scope&, int depth);
  Value match_stage(Scope& scope, int depth);
  Value project_stage(Scope& scope, int depth);
  Value exclude_stage(Scope& scope, int depth);
  Value add_fields_stage(Scope& scope, int depth);
  Value group_stage(Scope& scope, int depth);
  Value lookup_stage(Scope& scope, int depth);
  Value graph_lookup_stage(Scope& scope, int depth);
  Value unwind_stage(Scope& scope, int depth);
  Value replace_root_stage(Scope& scope, int depth);
  Value bucket_stage(Scope& scope, int depth);
  Value sort_by_count_stage(Scope& scope, int depth);
  Value plain_stage(Scope& scope, int depth);
  Value redact_stage(Scope& scope, int depth);
  Value descend();  ///< What $redact may take for $$DESCEND.
  Value window_stage(Scope& scope, int depth);
  Value dropped_match(const Scope& before, const Scope& after);
  Value odd_stage(Scope& scope, int depth);

  // Commands.
  Value insert();
  Value find();
  Value count();
  Value distinct();
  Value update_command();
  Value delete_command();
  Value find_and_modify();
  Value aggregate();
  Value bulk_write();
  Value create();
  Value create_indexes();
  Value explain();
  struct Kind {
    std::string_view name;
    Value (Generator::*make)();
  };
  static const std::vector<Kind>& table();
  void options(Value& command);
  void misname(Value& fields);
  Value validating_schema();

  const std::vector<Collection>& collections_;
  Rng& rng_;
  Style style_;
};

template <class Wanted>
const Known* Generator::pick(const Scope& scope, Wanted wanted) {
  if (scope.empty()) return nullptr;
  const std::size_t start = rng_.below(scope.size());
  for (std::size_t i = 0; i < scope.size(); ++i) {
    const Known& k = scope[(start + i) % scope.size()];
    if (wanted(k)) return &k;
  }
  return nullptr;
}

/// Changes a command: moves, renames, copies, nests and retypes parts of it, here and there.
void mutate(Value& command, const std::vector<Collection>& collections, Rng& rng);
/// Changes bytes; what comes out may be no BSON.
void mutate(Buf& command, Rng& rng);

}  // namespace fle::test::leak

#endif  // FLE_TESTS_QUERY_LEAK_GENERATOR_H_
