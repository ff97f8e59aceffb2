#ifndef FLE_TESTS_KMS_RING_SUPPORT_H_
#define FLE_TESTS_KMS_RING_SUPPORT_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fle/aead.h"
#include "kms/support.h"

namespace fle::kms::test {

/// A vault in memory that counts, that fails when it is told to, and that can be held up in the
/// middle of a query. Thread-safe.
class GatedVault final : public KeyVault {
 public:
  Done insert(const KeyDocument& key) override { return inner_->insert(key); }
  Outcome<std::vector<KeyDocument>> list() override { return inner_->list(); }
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> names) override {
    std::unique_lock lock(mutex_);
    ++queries_;
    asked_.assign(ids.begin(), ids.end());
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (on_find_) on_find_();
    if (fail_) return *fail_;
    lock.unlock();
    return inner_->find(ids, names);
  }

  /// Queries wait from now on, or no longer.
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void wait_for_queries(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, n] { return queries_ >= n; });
  }
  void fail_with(std::optional<Failure> f) {
    const std::lock_guard lock(mutex_);
    fail_ = std::move(f);
  }
  void on_find(std::function<void()> f) {
    const std::lock_guard lock(mutex_);
    on_find_ = std::move(f);
  }
  void remove(const KeyId& id) {
    auto left = make_memory_vault();
    const auto all = inner_->list();
    for (const KeyDocument& d : *all)
      if (d.id != id) (void)left->insert(d);
    inner_ = std::move(left);
  }
  [[nodiscard]] int queries() const {
    const std::lock_guard lock(mutex_);
    return queries_;
  }
  [[nodiscard]] std::vector<KeyId> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::unique_ptr<KeyVault> inner_ = make_memory_vault();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int queries_ = 0;
  std::vector<KeyId> asked_;
  std::optional<Failure> fail_;
  std::function<void()> on_find_;
};

/// True when `key` is the data key of real_document(n): it opens what that one seals.
inline bool is_key_of(const ResolvedKey* key, std::uint32_t n) {
  if (key == nullptr || key->id != id_of(n)) return false;
  const auto expected = DataKey::create(data_key_of(n));
  Buf sealed(sealed_len(3));
  if (!aead_seal(sealed, Buf{1, 2, 3}, {}, *expected)) return false;
  Buf out(sealed.size());
  const auto opened = aead_open(out, sealed, {}, key->key);
  return opened && *opened == 3U;
}

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_RING_SUPPORT_H_
