// Schemas as text and as BSON: any answer, no crash; a plan that compiles can be asked anything.
#include <cstdint>
#include <string_view>

#include "fle/schema/compile.h"

namespace {

using fle::schema::Origin;
using fle::schema::Plan;

void ask(const Plan& plan, std::string_view name) {
  Plan::Step step = plan.root();
  for (int depth = 0; depth < 8 && step.kind == Plan::Kind::object; ++depth) {
    (void)plan.dotted_name_is_encrypted(step.node, name);
    step = plan.child(step.node, name);
  }
  if (step.kind == Plan::Kind::encrypted && plan.leaf(step.leaf).path.empty() &&
      plan.leaves().empty()) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Origin origin : {Origin::local, Origin::remote}) {
    if (const auto plan = fle::schema::compile_json(text, origin)) {
      for (const std::string_view name : {text.substr(0, 9), std::string_view("a"),
                                          std::string_view("a.b"), std::string_view("_id")}) {
        ask(**plan, name);
      }
    }
    if (const auto plan = fle::schema::compile_bson({data, size}, origin))
      ask(**plan, text.substr(0, 5));
  }
  return 0;
}
