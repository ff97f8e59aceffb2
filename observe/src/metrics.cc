#include "fle/observe/metrics.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <tuple>

#include "decimal.h"

namespace fle {
namespace {

using Labels = std::array<Word, kMaxLabels>;

constexpr std::size_t kMostBuckets = [] {
  std::size_t most = 0;
  for (const MetricInfo& m : metrics()) most = std::max(most, m.bounds.size() + 1);
  return most;
}();

/// A series that is added to. Those of other threads are as a rule others, in other cache lines.
struct alignas(64) Entry {
  Entry(Metric m, const Labels& l) noexcept : metric(m), labels(l) {}

  [[nodiscard]] bool is(const Event& e) const noexcept {
    return metric == e.metric && labels == e.labels;
  }
  void add(std::uint64_t value) noexcept {
    const MetricInfo& about = info(metric);
    sum.fetch_add(value, std::memory_order_relaxed);
    if (about.kind == MetricKind::counter) return;
    const auto bucket = std::ranges::lower_bound(about.bounds, value) - about.bounds.begin();
    buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  }

  const Metric metric;
  const Labels labels;
  std::atomic<std::uint64_t> sum{0};
  std::array<std::atomic<std::uint64_t>, kMostBuckets> buckets{};
};

std::size_t hash_of(const Event& e) noexcept {
  std::uint64_t h = static_cast<std::uint64_t>(e.metric) + 1;
  for (const Word& label : e.labels) h = (h ^ label.hash()) * 0x9e3779b97f4a7c15;
  return static_cast<std::size_t>(h >> 32);
}

void append_help(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

/// `name="value"`, behind a comma where there is one before.
void append_label(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  out += '"';
}

void append_head(std::string& out, const MetricInfo& about) {
  out.append("# HELP ").append(about.name).append(" ");
  append_help(out, about.help);
  out.append("\n# TYPE ").append(about.name);
  out += about.kind == MetricKind::counter ? " counter\n" : " histogram\n";
}

/// One line; `le` is the end of a bucket, empty where the line is none.
void append_sample(std::string& out, const Metrics::Series& series, std::string_view suffix,
                   std::string_view le, std::string_view value) {
  const MetricInfo& about = info(series.metric);
  out.append(about.name).append(suffix).append("{");
  for (std::size_t i = 0; i < kMaxLabels && !about.labels[i].empty(); ++i)
    append_label(out, about.labels[i], series.labels[i].view());
  if (!le.empty()) append_label(out, "le", le);
  if (out.back() == '{')
    out.pop_back();
  else
    out += '}';
  out.append(" ").append(value).append("\n");
}

void append_histogram(std::string& out, const Metrics::Series& series) {
  const MetricInfo& about = info(series.metric);
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < series.buckets.size(); ++i) {
    up_to += series.buckets[i];
    const std::string end =
        i < about.bounds.size() ? decimal(about.bounds[i], about.unit) : std::string("+Inf");
    append_sample(out, series, "_bucket", end, std::to_string(up_to));
  }
  append_sample(out, series, "_sum", {}, decimal(series.sum, about.unit));
  append_sample(out, series, "_count", {}, std::to_string(up_to));
}

}  // namespace

/// A table of series that only grows: who reads it takes no lock, and who adds a series does.
struct Metrics::State {
  // Twice as many places as entries, so that a search for what is not there is short.
  std::array<std::atomic<Entry*>, 2 * kMaxSeries> places{};
  std::mutex mutex;
  std::vector<std::unique_ptr<Entry>> entries;  // guarded by it
  std::atomic<std::uint64_t> dropped{0};

  /// The entry of `e`, or the place where it would be.
  struct Found {
    Entry* entry;
    std::atomic<Entry*>* place;
  };
  [[nodiscard]] Found find(const Event& e) noexcept {
    for (std::size_t at = hash_of(e);; ++at) {
      std::atomic<Entry*>& place = places[at % places.size()];
      Entry* const entry = place.load(std::memory_order_acquire);
      if (entry == nullptr || entry->is(e)) return {entry, &place};
    }
  }

  /// Null: there is no room for one more.
  [[nodiscard]] Entry* find_or_make(const Event& e) {
    if (Entry* const known = find(e).entry) return known;
    const std::lock_guard lock(mutex);
    const auto [entry, place] = find(e);
    if (entry != nullptr) return entry;
    if (entries.size() == kMaxSeries) return nullptr;
    entries.push_back(std::make_unique<Entry>(e.metric, e.labels));
    place->store(entries.back().get(), std::memory_order_release);
    return entries.back().get();
  }
};

Metrics::Metrics() : s_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::observe(std::span<const Event> events) {
  for (const Event& e : events) {
    if (Entry* const entry = s_->find_or_make(e)) {
      entry->add(e.value);
    } else {
      s_->dropped.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

std::vector<Metrics::Series> Metrics::read() const {
  std::vector<Series> all;
  {
    const std::lock_guard lock(s_->mutex);
    for (const auto& entry : s_->entries) {
      Series& s = all.emplace_back();
      s.metric = entry->metric;
      s.labels = entry->labels;
      const MetricInfo& about = info(s.metric);
      if (about.kind == MetricKind::histogram) {
        s.buckets.resize(about.bounds.size() + 1);
        for (std::size_t i = 0; i < s.buckets.size(); ++i) {
          s.buckets[i] = entry->buckets[i].load(std::memory_order_relaxed);
          s.count += s.buckets[i];
        }
      }
      s.sum = entry->sum.load(std::memory_order_relaxed);
    }
  }
  const auto place = [](const Series& s) {
    return std::tuple(s.metric, s.labels[0].view(), s.labels[1].view(), s.labels[2].view());
  };
  std::ranges::sort(all, {}, place);
  return all;
}

std::uint64_t Metrics::sum(Metric metric, std::string_view label0, std::string_view label1,
                           std::string_view label2) const {
  for (const Series& s : read())
    if (s.metric == metric && s.labels[0] == label0 && s.labels[1] == label1 &&
        s.labels[2] == label2)
      return s.sum;
  return 0;
}

std::uint64_t Metrics::dropped() const noexcept {
  return s_->dropped.load(std::memory_order_relaxed);
}

std::string Metrics::to_prometheus() const {
  std::string out;
  const MetricInfo* last = nullptr;
  for (const Series& s : read()) {
    const MetricInfo& about = info(s.metric);
    if (last != &about) append_head(out, about);
    last = &about;
    if (about.kind == MetricKind::counter)
      append_sample(out, s, {}, {}, decimal(s.sum, about.unit));
    else
      append_histogram(out, s);
  }
  return out;
}

}  // namespace fle
