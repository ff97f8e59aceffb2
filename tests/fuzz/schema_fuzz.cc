// Schemas as text and as BSON: any answer, no crash; a refusal is one line with a code and a place;
// a plan that compiles can be asked anything, and its leaves keep the rules of their algorithm. The
// linter finds a broken rule exactly where compiling fails.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fle/schema/compile.h"
#include "fle/schema/lint.h"

namespace {

using fle::Errc;
using fle::schema::Origin;
using fle::schema::Plan;
using Compiled = fle::Outcome<std::shared_ptr<const Plan>>;

void require(bool condition) {
  if (!condition) std::abort();
}

void ask(const Plan& plan, std::string_view name) {
  Plan::Step step = plan.root();
  for (int depth = 0; depth < 8 && step.kind == Plan::Kind::object; ++depth) {
    static_cast<void>(plan.dotted_name_is_encrypted(step.node, name));
    step = plan.child(step.node, name);
  }
  require(step.kind != Plan::Kind::encrypted || step.leaf < plan.leaves().size());
}

void check_leaves(const Plan& plan) {
  require(plan.leaves().empty() == (plan.root().kind == Plan::Kind::plain));
  for (const fle::schema::Leaf& leaf : plan.leaves()) {
    const bool deterministic = leaf.algorithm == fle::Algorithm::deterministic;
    require(!deterministic || std::holds_alternative<fle::KeyId>(leaf.key));
    require(!deterministic || !leaf.types.empty());
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto type = static_cast<fle::bson::Type>(byte);
      require(!leaf.types.contains(type) || fle::bson::encryptable(type, leaf.algorithm));
    }
  }
}

void check_refusal(const fle::Failure& f, std::string_view input, bool is_text) {
  require(f.code == Errc::not_in_build ||
          (f.code >= Errc::schema_syntax && f.code <= Errc::schema_bad_pointer));
  require(!f.message.empty());
  for (const char c : f.to_string()) require(c < 0 || c >= ' ');
  require((f.line != 0) == is_text && (f.column != 0) == is_text);
  require(f.column <= input.size() + 1);  // one behind the end: more was expected there
}

void check(const Compiled& compiled, std::string_view input, bool is_text) {
  if (!compiled) return check_refusal(compiled.error(), input, is_text);
  check_leaves(**compiled);
  for (const std::string_view name : {input.substr(0, 9), std::string_view("a"),
                                      std::string_view("a.b"), std::string_view("_id")})
    ask(**compiled, name);
}

void check_lint(std::string_view input, Origin origin) {
  const auto report = fle::schema::lint_wrapped_json(input, origin);
  const auto compiled = fle::schema::compile_wrapped_json(input, origin, {});
  // Of several the linter looks at all, and the compiler at none.
  if (!compiled && compiled.error().message.ends_with("say which")) return;
  require((report.n_broken == 0) == compiled.has_value());
  bool told = compiled.has_value();
  for (const fle::schema::LintFinding& f : report.findings) {
    require(f.line != 0 && f.column != 0 && !f.message.empty());
    told = told || (!f.warning && f.code == compiled.error().code);
  }
  require(told);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const Origin origin : {Origin::local, Origin::remote}) {
    check(fle::schema::compile_json(input, origin), input, true);
    check(fle::schema::compile_bson({data, size}, origin), input, false);
    check_lint(input, origin);
  }
  return 0;
}
