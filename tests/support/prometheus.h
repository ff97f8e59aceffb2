#ifndef FLE_TESTS_SUPPORT_PROMETHEUS_H_
#define FLE_TESTS_SUPPORT_PROMETHEUS_H_

#include <map>
#include <string>
#include <string_view>

namespace fle::test {

/// Reads Prometheus' text format, version 0.0.4, as its description has it, and takes nothing else:
/// each metric has HELP and TYPE before its samples, which stand together; no series appears twice;
/// a histogram has its buckets in order, the last +Inf, cumulative, and _sum and _count with them.
/// Throws std::runtime_error with the line that breaks a rule.
///
/// @return  the value of each sample, by its name and labels as they stand there:
///          `fle_fields_total{operation="encrypt",algorithm="random"}`
std::map<std::string, double> read_prometheus(std::string_view text);

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_PROMETHEUS_H_
