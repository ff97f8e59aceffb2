#ifndef FLE_KMS_SRC_OBSERVED_H_
#define FLE_KMS_SRC_OBSERVED_H_

#include <chrono>
#include <string_view>

#include "fle/report.h"

namespace fle::kms {

/// The type of a KMS provider id, for observers: "own" for one that a program has added, whose name
/// is the program's.
[[nodiscard]] inline Word type_word(std::string_view provider_id) noexcept {
  constexpr Word kTypes[] = {"local", "aws", "azure", "gcp", "kmip"};
  const std::string_view type = provider_id.substr(0, provider_id.find(':'));
  for (const Word& t : kTypes)
    if (t == type) return t;
  return "own";
}

[[nodiscard]] inline Event provider_call(Word operation, std::string_view provider_id) noexcept {
  return {Metric::kms_seconds, {operation, type_word(provider_id)}};
}

/// Tells of a call: `event` has its labels but for the last one, how it ended.
template <class Outcome>
void tell_end(Observer* observer, Event event, const Outcome& outcome,
              std::chrono::nanoseconds took) noexcept {
  if (observer == nullptr) return;
  event.labels[event.metric == Metric::kms_seconds ? 2 : 1] = outcome_of(outcome);
  event.value = nanoseconds(took);
  report(observer, {&event, 1});
}

/// Makes a call to a provider and tells of it.
template <class Call>
auto observed(Observer* observer, Word operation, std::string_view provider_id, Call call) {
  if (observer == nullptr) return call();
  const auto start = std::chrono::steady_clock::now();
  auto outcome = call();
  tell_end(observer, provider_call(operation, provider_id), outcome,
           std::chrono::steady_clock::now() - start);
  return outcome;
}

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_OBSERVED_H_
