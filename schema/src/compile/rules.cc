#include "rules.h"

namespace fle::schema {
namespace {

constexpr RuleInfo kRules[] = {
#define FLE_SCHEMA_RULE_INFO(name, id, code, repair) {id, code, repair},
    FLE_SCHEMA_RULES(FLE_SCHEMA_RULE_INFO)
#undef FLE_SCHEMA_RULE_INFO
};

}  // namespace

std::span<const RuleInfo> rules() noexcept { return kRules; }
const RuleInfo& info(Rule rule) noexcept { return kRules[static_cast<std::size_t>(rule)]; }

Done Faults::found(Rule rule, const std::string& message, const Location& place) {
  if (all_ != nullptr && all_->size() < kMost) {
    all_->push_back({rule, fail(info(rule).code, message, place)});
    return ok;
  }
  return fail(info(rule).code, message, place);
}

Failure Faults::last(Rule rule, const std::string& message, const Location& place) {
  Failure f = fail(info(rule).code, message, place);
  if (all_ != nullptr && all_->size() < kMost) all_->push_back({rule, f});
  return f;
}

}  // namespace fle::schema
