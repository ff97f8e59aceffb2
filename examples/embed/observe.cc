// What libfle does, in a program's own metrics: an Observer hands each event on to the instruments
// of a registry that the program has already, as OpenTelemetry's meters and Prometheus' client
// libraries are. Built and run by the tests.
#include "fle/observe.h"

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/client/client_encryption.h"
#include "fle/try.h"

namespace {

using fle::Event;
using fle::MetricInfo;
using fle::MetricKind;

/// Stands for what the program has already.
class Registry {
 public:
  using Attributes = std::map<std::string, std::string, std::less<>>;

  void add(std::string_view counter, const Attributes& attributes, double value) {
    const std::lock_guard lock(mutex_);
    sums_[std::string(counter)][attributes] += value;
  }
  void record(std::string_view histogram, const Attributes& attributes, double value) {
    const std::lock_guard lock(mutex_);
    values_[std::string(histogram)][attributes].push_back(value);
  }
  double sum(std::string_view counter, const Attributes& attributes) {
    const std::lock_guard lock(mutex_);
    return sums_[std::string(counter)][attributes];
  }
  std::size_t n_values(std::string_view histogram, const Attributes& attributes) {
    const std::lock_guard lock(mutex_);
    return values_[std::string(histogram)][attributes].size();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::map<Attributes, double>, std::less<>> sums_;
  std::map<std::string, std::map<Attributes, std::vector<double>>, std::less<>> values_;
};

/// All there is to it: fle::metrics() has the names, kinds, units and labels of what will come.
class ToRegistry final : public fle::Observer {
 public:
  explicit ToRegistry(Registry& registry) : registry_(registry) {}

  void observe(std::span<const Event> events) override {
    for (const Event& e : events) {
      const MetricInfo& about = fle::info(e.metric);
      Registry::Attributes attributes;
      for (std::size_t i = 0; i < fle::kMaxLabels && !about.labels[i].empty(); ++i)
        attributes.emplace(about.labels[i], e.labels[i].view());
      double value = static_cast<double>(e.value);
      if (about.unit == fle::Unit::nanoseconds) value /= 1e9;
      if (about.kind == MetricKind::counter)
        registry_.add(about.name, attributes, value);
      else
        registry_.record(about.name, attributes, value);
    }
  }

 private:
  Registry& registry_;  // outlives whatever is observed
};

fle::Done run(Registry& registry) {
  auto providers = std::make_shared<fle::kms::Providers>();
  const std::vector<std::uint8_t> master_key(96, 1);  // of an example; from random bytes, else
  FLE_CHECK(providers->add_local("local", master_key));
  fle::kms::KeyRingOptions options;
  options.observer = std::make_shared<ToRegistry>(registry);
  fle::client::ClientEncryption encryption(fle::kms::make_memory_vault(), providers, options);
  FLE_TRY(const auto key, encryption.create_data_key(fle::kms::MasterKey::local()));
  for (int i = 0; i < 3; ++i) {
    FLE_TRY(const auto ssn, encryption.encrypt(241014209, fle::Algorithm::deterministic, key.id));
    FLE_CHECK(encryption.decrypt(ssn));
  }
  return fle::ok;
}

}  // namespace

int main() {
  Registry registry;
  if (const fle::Done done = run(registry); !done) {
    std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
    return 1;
  }
  const double fields =
      registry.sum("fle_fields_total", {{"operation", "encrypt"}, {"algorithm", "deterministic"}});
  const double hits = registry.sum("fle_key_lookups_total", {{"result", "hit"}});
  const std::size_t unwraps = registry.n_values(
      "fle_kms_seconds", {{"operation", "unwrap"}, {"provider", "local"}, {"outcome", "ok"}});
  std::printf("%.0f fields encrypted, %.0f keys found in the cache, %zu unwrapped\n", fields, hits,
              unwraps);
  // A new key is unwrapped to verify it, and once more when it is first used.
  return fields == 3 && hits == 5 && unwraps == 2 ? 0 : 1;
}
