#ifndef FLE_KMS_KMS_CALL_H_
#define FLE_KMS_KMS_CALL_H_

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "fle/longest.h"

namespace fle::kms {

/// What one call of a caller may take, however many keys, servers, requests, retries and threads it
/// needs: a moment at which it gives up, and the servers that have not answered it, each of which
/// is asked once and not once a key. Thread-safe.
///
/// The code that talks to servers stands below Provider, whose functions know of one key at a time.
/// It finds the call of its thread by current(); without one there is no limit beside its own.
class KmsCall {
 public:
  using Clock = std::chrono::steady_clock;

  explicit KmsCall(Clock::time_point deadline) : deadline_(deadline) {}
  /// Zero or less: without end, as for work on a whole vault.
  [[nodiscard]] static Clock::time_point after(std::chrono::milliseconds most) {
    return most.count() <= 0 ? Clock::time_point::max() : Clock::now() + at_longest_a_century(most);
  }

  [[nodiscard]] Clock::time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool is_over() const { return Clock::now() >= deadline_; }

  /// Notes that something was given up because this call would have been over by then.
  void note_cut_short() noexcept { cut_short_ = true; }
  [[nodiscard]] bool is_cut_short() const noexcept { return cut_short_; }

  /// @param client  who could not reach it: another may have other certificates
  /// @param server  host and port
  void note_down(const void* client, const std::string& server) {
    const std::lock_guard lock(mutex_);
    down_.emplace(client, server);
  }
  [[nodiscard]] bool is_down(const void* client, const std::string& server) const {
    const std::lock_guard lock(mutex_);
    return down_.contains({client, server});
  }

  /// From now on a KMS is told the key that a ciphertext must be of, where it could do without.
  void bind_keys() noexcept { binds_keys_ = true; }
  [[nodiscard]] bool binds_keys() const noexcept { return binds_keys_; }

  /// The call that this thread works for; null for none.
  [[nodiscard]] static KmsCall* current() noexcept { return current_; }

  /// While it lives, this thread works for `call`. A call within a call is part of it.
  class Scope {
   public:
    explicit Scope(KmsCall& call) noexcept : before_(current_) {
      if (before_ == nullptr) current_ = &call;
    }
    ~Scope() { current_ = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    KmsCall* before_;
  };

 private:
  static thread_local KmsCall* current_;

  const Clock::time_point deadline_;
  std::atomic<bool> cut_short_{false};
  mutable std::mutex mutex_;
  std::set<std::pair<const void*, std::string>> down_;  // guarded by mutex_
  bool binds_keys_ = false;                             // set before there are threads
};

inline thread_local KmsCall* KmsCall::current_ = nullptr;

}  // namespace fle::kms

#endif  // FLE_KMS_KMS_CALL_H_
