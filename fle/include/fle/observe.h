#ifndef FLE_OBSERVE_H_
#define FLE_OBSERVE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fle {

/// What libfle tells of its work while it works: counts and durations for OpenTelemetry,
/// Prometheus, or whatever a program has. docs/observability.md has examples of both.
///
///   struct Counter final : Observer {
///     void observe(std::span<const Event> events) override { n_events += events.size(); }
///     std::atomic<std::size_t> n_events{0};
///   };
///   kms::KeyRingOptions options;
///   options.observer = std::make_shared<Counter>();
///
/// An event cannot hold what must stay secret: it is a metric of a closed table, numbers, and
/// Words, which only the compiler makes. No field, no name, no key, no text of a user can become
/// one.
///
/// fle/observe/metrics.h has an Observer that adds everything up and writes Prometheus' text,
/// fle/observe/trace.h one that writes a line for each event.

/// A word of libfle's own source. Made of a literal by the compiler, and of nothing else.
class Word {
 public:
  constexpr Word() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a literal where a Word is wanted is one
  consteval Word(const char* literal) : Word(std::string_view(literal)) {}
  consteval explicit Word(std::string_view literal)
      : text_(literal.data()),
        size_(static_cast<std::uint32_t>(literal.size())),
        hash_(hash_of(literal)) {}

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text_, size_}; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  /// Of the text; the same in every process.
  [[nodiscard]] constexpr std::uint32_t hash() const noexcept { return hash_; }
  friend constexpr bool operator==(const Word& a, const Word& b) noexcept {
    return a.hash_ == b.hash_ && a.view() == b.view();
  }
  friend constexpr bool operator==(const Word& a, std::string_view b) noexcept {
    return a.view() == b;
  }

 private:
  static constexpr std::uint32_t hash_of(std::string_view s) noexcept {  // FNV-1a
    std::uint32_t h = 0x811c9dc5;
    for (const char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x01000193;
    return h;
  }

  const char* text_ = "";
  std::uint32_t size_ = 0;
  std::uint32_t hash_ = hash_of({});
};

/// What is counted or measured. metrics() says all about each; in the order of that table.
enum class Metric : std::uint8_t {
  fields,
  field_bytes,
  documents,
  batch_seconds,
  command_seconds,
  refusals,
  key_lookups,
  keys,
  vault_seconds,
  kms_seconds,
  request_seconds,
  request_bytes,
  connections,
};

/// How the values of a metric are to be taken.
enum class MetricKind : std::uint8_t {
  counter,    ///< To be added up.
  histogram,  ///< To be counted by size, and added up.
};

/// What the values of a metric are numbers of.
enum class Unit : std::uint8_t {
  one,
  bytes,
  nanoseconds,  ///< To be shown as seconds, as the names say.
};

/// At most so many labels has a metric.
inline constexpr std::size_t kMaxLabels = 3;

/// All about a metric. Views of static storage.
struct MetricInfo {
  Metric metric{};
  std::string_view name{};  ///< As Prometheus wants it: "fle_kms_seconds".
  MetricKind kind = MetricKind::counter;
  Unit unit = Unit::one;
  std::string_view help{};  ///< One sentence.
  /// Names of the labels, in the order of Event::labels; those behind the last are empty. Each has
  /// few values, and no input can make more of them.
  std::array<std::string_view, kMaxLabels> labels{};
  /// Upper ends of a histogram's buckets that are proposed, each value included; behind them is one
  /// more for what is larger.
  std::span<const std::uint64_t> bounds{};
};

namespace internal {

inline constexpr std::uint64_t kMicrosecond = 1'000;
inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;
/// Of work in this process: a batch of one short field takes about a microsecond.
inline constexpr std::array<std::uint64_t, 12> kWorkBounds{
    kMicrosecond,       4 * kMicrosecond,   16 * kMicrosecond, 64 * kMicrosecond,
    250 * kMicrosecond, kMillisecond,       4 * kMillisecond,  16 * kMillisecond,
    64 * kMillisecond,  250 * kMillisecond, kSecond,           10 * kSecond};
/// Of what waits for others.
inline constexpr std::array<std::uint64_t, 14> kCallBounds{
    100 * kMicrosecond, kMillisecond,       2 * kMillisecond,  5 * kMillisecond,
    10 * kMillisecond,  20 * kMillisecond,  50 * kMillisecond, 100 * kMillisecond,
    200 * kMillisecond, 500 * kMillisecond, kSecond,           2 * kSecond,
    10 * kSecond,       60 * kSecond};

inline constexpr MetricKind kCounter = MetricKind::counter;
inline constexpr MetricKind kHistogram = MetricKind::histogram;
// clang-format off
inline constexpr std::array<MetricInfo, 13> kMetrics{{
    {Metric::fields, "fle_fields_total", kCounter, Unit::one,
     "Fields encrypted and decrypted by calls that succeeded.", {"operation", "algorithm"}},
    {Metric::field_bytes, "fle_field_bytes_total", kCounter, Unit::bytes,
     "Bytes of plaintext of these fields.", {"operation", "algorithm"}},
    {Metric::documents, "fle_documents_total", kCounter, Unit::one,
     "Documents encrypted, decrypted and re-encrypted by calls that succeeded.", {"operation"}},
    {Metric::batch_seconds, "fle_batch_seconds", kHistogram, Unit::nanoseconds,
     "Time of a batch of documents, a reply, or a single value, keys and KMS included.",
     {"operation", "outcome"}, kWorkBounds},
    {Metric::command_seconds, "fle_command_seconds", kHistogram, Unit::nanoseconds,
     "Time of a command: its analysis and, where it is encrypted at once, that too.",
     {"command", "outcome"}, kWorkBounds},
    {Metric::refusals, "fle_refusals_total", kCounter, Unit::one,
     "Commands that query analysis has refused.", {"rule", "error"}},
    {Metric::key_lookups, "fle_key_lookups_total", kCounter, Unit::one,
     "Keys looked up in a cache: hit, miss, or joined, a miss that waited for another's load.",
     {"result"}},
    {Metric::keys, "fle_keys_total", kCounter, Unit::one,
     "Keys of a cache: loaded, refreshed ahead of their end, evicted, served_stale.", {"event"}},
    {Metric::vault_seconds, "fle_vault_seconds", kHistogram, Unit::nanoseconds,
     "Time of a query to the key vault for keys that a cache lacks.", {"operation", "outcome"},
     kCallBounds},
    {Metric::kms_seconds, "fle_kms_seconds", kHistogram, Unit::nanoseconds,
     "Time of a call to a KMS provider, its retries included.",
     {"operation", "provider", "outcome"}, kCallBounds},
    {Metric::request_seconds, "fle_cryptd_request_seconds", kHistogram, Unit::nanoseconds,
     "Time from the last byte of a message to fle-cryptd until its answer is made.", {"command"},
     kWorkBounds},
    {Metric::request_bytes, "fle_cryptd_bytes_total", kCounter, Unit::bytes,
     "Bytes of messages that fle-cryptd has received and of its answers.", {"direction"}},
    {Metric::connections, "fle_cryptd_connections_total", kCounter, Unit::one,
     "Connections to fle-cryptd: accepted, closed, and of the closed ones those dropped for others.", {"event"}},
}};
// clang-format on

}  // namespace internal

/// Every metric, in the order of the enumeration.
[[nodiscard]] constexpr std::span<const MetricInfo> metrics() noexcept {
  return internal::kMetrics;
}
[[nodiscard]] constexpr const MetricInfo& info(Metric metric) noexcept {
  return internal::kMetrics[static_cast<std::size_t>(metric)];
}

/// Something that was counted or measured.
struct Event {
  Metric metric{};
  std::array<Word, kMaxLabels> labels{};  ///< As MetricInfo::labels names them.
  std::uint64_t value = 0;                ///< In MetricInfo::unit.
};

/// Hears what libfle does. Given to what is to be observed by its options, which share it: it lives
/// as long as any of them.
///
/// observe() is called once for each batch, command, look-up of keys, and call to a vault or KMS,
/// never for a field; when that has ended, well or not, on the thread that did it, and so from
/// several at once. The call waits for it, so it should not do what takes long. It may use libfle,
/// but not what it observes, and no KeyRing of that: it would wait for the call that waits for it.
/// What it throws is dropped, and changes no result.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// @param events  all of one batch, command or call; only for the time of this call.
  virtual void observe(std::span<const Event> events) = 0;
};

}  // namespace fle

#endif  // FLE_OBSERVE_H_
