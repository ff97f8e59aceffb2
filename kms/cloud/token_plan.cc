#include "token_plan.h"

namespace fle::kms {

Outcome<TokenPlan> and_then(Outcome<TokenPlan> plan, AfterToken after) {
  if (!plan) return plan;
  if (auto* const fetched = std::get_if<TokenCache::Fetched>(&*plan))
    return after(std::move(*fetched));
  TokenStep& step = std::get<TokenStep>(*plan);
  step.then = [then = std::move(step.then), after = std::move(after)](
                  const HttpCall& call, HttpResult<HttpResponse> response) {
    return and_then(then(call, std::move(response)), after);
  };
  return plan;
}

Outcome<TokenCache::Fetched> follow(Outcome<TokenPlan> plan, const HttpDrivers& drivers) {
  while (plan && std::holds_alternative<TokenStep>(*plan)) {
    const TokenStep step = std::move(std::get<TokenStep>(*plan));
    HttpDriver* const driver = step.call.request.to.plain ? drivers.near : drivers.secure;
    if (driver == nullptr)
      return step.call.failure(Errc::not_in_build,
                               "this build lacks libcurl, and connects to nobody by itself");
    plan = step.then(step.call, driver->exchange(step.call));
  }
  if (!plan) return plan.error();
  return std::move(std::get<TokenCache::Fetched>(*plan));
}

}  // namespace fle::kms
