#ifndef FLE_KMS_SRC_KEY_LOADER_H_
#define FLE_KMS_SRC_KEY_LOADER_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fle/kms/key_ring.h"
#include "fle/report.h"
#include "fle/seeded_hash.h"
#include "materials.h"

namespace fle::kms {

/// Counts calls of one kind. Thread-safe.
class CallRecorder {
 public:
  void add(std::chrono::nanoseconds took, bool succeeded) noexcept;
  [[nodiscard]] CallCounters read() const noexcept;

 private:
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> total_ns_{0};
  std::atomic<std::uint64_t> longest_ns_{0};
  std::array<std::atomic<std::uint64_t>, CallCounters::kBuckets> buckets_{};
};

/// Asks the vault for documents and a KMS for what is in them; counts both. Thread-safe.
class KeyLoader {
 public:
  /// @param now       the clock that calls are measured with
  /// @param observer  hears of each call; may be null
  KeyLoader(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
            LockPolicy policy, std::function<std::chrono::steady_clock::time_point()> now,
            std::shared_ptr<Observer> observer)
      : vault_(std::move(vault)),
        providers_(std::move(providers)),
        policy_(policy),
        now_(std::move(now)),
        observer_(std::move(observer)) {}

  /// The documents that the vault has, each of which was asked for.
  /// @retval Errc::vault_failed  also when the answer does not fit the question
  [[nodiscard]] Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                                       std::span<const std::string> names,
                                                       SeededHash hash);
  [[nodiscard]] Outcome<std::vector<KeyDocument>> list();
  struct Unwrapped {
    ResolvedKey key;
    Mac tag;  ///< Of the 96 bytes, as `materials` tags them.
  };
  /// The Failure names key and provider and says what to do next.
  [[nodiscard]] Outcome<Unwrapped> unwrap(const KeyDocument& doc, const Materials& materials);
  /// The same for one that somebody else has unwrapped, to `raw`.
  [[nodiscard]] Outcome<Unwrapped> take(const KeyDocument& doc, const SecretBytes& raw,
                                        const Materials& materials) const;

  /// Whether unwrapping `doc` takes no server.
  [[nodiscard]] static bool is_local(const KeyDocument& doc);
  [[nodiscard]] std::chrono::milliseconds call_timeout() const noexcept {
    return providers_->call_timeout();
  }

  [[nodiscard]] CallCounters vault_calls() const noexcept { return vault_calls_.read(); }
  [[nodiscard]] CallCounters kms_calls() const noexcept { return kms_calls_.read(); }

 private:
  [[nodiscard]] Outcome<Unwrapped> make_key(const KeyDocument& doc, const SecretBytes& raw,
                                            const Materials& materials) const;
  /// Runs and records a call; `event` is what is told of it, but for how it ends and its time.
  template <class Call>
  auto timed(CallRecorder& calls, Event event, Call call);

  std::shared_ptr<KeyVault> vault_;
  std::shared_ptr<const Providers> providers_;
  LockPolicy policy_;
  std::function<std::chrono::steady_clock::time_point()> now_;
  const std::shared_ptr<Observer> observer_;
  CallRecorder vault_calls_;
  CallRecorder kms_calls_;
};

/// What is not in the vault.
[[nodiscard]] Failure key_not_found(const KeyId& id);
[[nodiscard]] Failure key_not_found(const std::string& alt_name);

/// A failure of the vault, as one of the key that was asked for.
[[nodiscard]] Failure about_key(Failure why, const KeyId& id);
[[nodiscard]] Failure about_key(Failure why, const std::string& alt_name);

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_LOADER_H_
