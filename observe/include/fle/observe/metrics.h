#ifndef FLE_OBSERVE_METRICS_H_
#define FLE_OBSERVE_METRICS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/export.h"
#include "fle/observe.h"

namespace fle {

/// Adds up what it hears of, for whoever scrapes it: one for a process, shared by all that is to be
/// observed.
///
///   auto metrics = std::make_shared<Metrics>();
///   kms::KeyRingOptions options;
///   options.observer = metrics;                         // likewise for all else
///   const std::string text = metrics->to_prometheus();  // whenever it is scraped
///
/// Thread-safe. Adding takes no lock once a series (a metric with its labels) is known, and writes
/// to memory of its series alone. Memory is bounded: kMaxSeries; what would be one more is counted
/// by dropped().
class FLE_API Metrics final : public Observer {
 public:
  /// Of to_prometheus(), for an answer by HTTP.
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  /// More than the tables have: commands times outcomes are the most of it.
  static constexpr std::size_t kMaxSeries = 2048;

  Metrics();
  ~Metrics() override;

  void observe(std::span<const Event> events) override;

  /// One metric with one set of labels.
  struct Series {
    Metric metric{};
    std::array<Word, kMaxLabels> labels{};
    std::uint64_t count = 0;  ///< Of a histogram: how many values.
    std::uint64_t sum = 0;    ///< Of all values; of a counter, what it has come to.
    /// Of a histogram: values in each of MetricInfo::bounds and behind them, not cumulative.
    std::vector<std::uint64_t> buckets{};
  };
  /// What there is, by metric and labels. Each number is right by itself; read while other threads
  /// work they need not fit each other.
  [[nodiscard]] std::vector<Series> read() const;
  /// The sum of the counter or histogram with these labels; 0 if there is none.
  [[nodiscard]] std::uint64_t sum(Metric metric, std::string_view label0 = {},
                                  std::string_view label1 = {}, std::string_view label2 = {}) const;
  /// Events that found no room.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

  /// All of it in Prometheus' text format, version 0.0.4.
  [[nodiscard]] std::string to_prometheus() const;

 private:
  struct State;
  std::unique_ptr<State> s_;
};

}  // namespace fle

#endif  // FLE_OBSERVE_METRICS_H_
