// libfle: the batch engine, and the explicit call for one value at a time.
#include <algorithm>

#include "field_cipher.h"
#include "fle/batch.h"
#include "fle/client/value_cipher.h"
#include "kernels/kernel.h"
#include "src/engine.h"
#include "support/local_keys.h"

namespace fle::bench {
namespace {

using test::LocalKeys;

using SharedKey = std::shared_ptr<const DataKey>;

SharedKey make_key(const Workload& w, const kernels::Kernel& kernel) {
  auto key = engine::KeyUse::create_key(kernel, w.key, LockPolicy::required);
  if (!key) throw std::runtime_error(name(key.error().code));
  return std::make_shared<const DataKey>(std::move(*key));
}

const kernels::Kernel* find_kernel(std::string_view wanted) {
  for (const auto* k : kernels::all())
    if (k->name == wanted) return k;
  return nullptr;
}

class Engine final : public FieldCipher {
 public:
  /// @param at_once  fields that a call gets
  Engine(const Workload& w, SharedKey key, std::size_t at_once = SIZE_MAX)
      : key_(std::move(key)), at_once_(at_once) {
    for (const TypedValue& v : w.values) {
      sealed_.emplace_back(payload_len(v.bytes.size()));
      seal_jobs_.push_back({key_.get(), w.key_id, w.algorithm, static_cast<std::uint8_t>(v.type),
                            v.bytes, sealed_.back()});
    }
    for (const Buf& p : w.payloads) {
      opened_.emplace_back(open_capacity(p.size()));
      open_jobs_.push_back({key_.get(), p, opened_.back()});
    }
  }
  void encrypt() override {
    const std::span<const SealJob> jobs(seal_jobs_);
    for (std::size_t i = 0; i < jobs.size();) {
      const std::size_t n = std::min(at_once_, jobs.size() - i);
      if (!seal_batch(jobs.subspan(i, n))) throw std::runtime_error("seal_batch");
      i += n;
    }
  }
  void decrypt() override {
    const std::span<OpenJob> jobs(open_jobs_);
    for (std::size_t i = 0; i < jobs.size();) {
      const std::size_t n = std::min(at_once_, jobs.size() - i);
      if (!open_batch(jobs.subspan(i, n))) throw std::runtime_error("open_batch");
      i += n;
    }
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    const auto& job = open_jobs_[i];
    return {job.out.begin(), job.out.begin() + static_cast<std::ptrdiff_t>(job.plaintext_len)};
  }
  [[nodiscard]] std::string label() const override { return std::string(key_->kernel_name()); }

 private:
  SharedKey key_;
  std::size_t at_once_;
  std::vector<Buf> sealed_;
  std::vector<Buf> opened_;
  std::vector<SealJob> seal_jobs_;
  std::vector<OpenJob> open_jobs_;
};

class OneValueAtATime final : public FieldCipher {
 public:
  explicit OneValueAtATime(const Workload& w) : w_(w), keys_(Buf(DataKey::kLen, 1)) {
    keys_.add(w.key_id, w.key);
    key_ = LocalKeys::must(keys_.ring()->by_id(w.key_id));
    for (const TypedValue& v : w.values) sealed_.emplace_back(payload_len(v.bytes.size()));
    for (const Buf& p : w.payloads) opened_.emplace_back(open_capacity(p.size()));
    opened_len_.resize(opened_.size());
  }
  void encrypt() override {
    for (std::size_t i = 0; i < sealed_.size(); ++i) {
      LocalKeys::must(client::encrypt_value(sealed_[i], w_.values[i].type, w_.values[i].bytes,
                                            w_.algorithm, *key_));
    }
  }
  void decrypt() override {
    for (std::size_t i = 0; i < opened_.size(); ++i)
      opened_len_[i] =
          LocalKeys::must(client::decrypt_value(opened_[i], w_.payloads[i], *keys_.ring())).size;
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return {opened_[i].begin(), opened_[i].begin() + static_cast<std::ptrdiff_t>(opened_len_[i])};
  }
  [[nodiscard]] std::string label() const override { return std::string(key_->key.kernel_name()); }

 private:
  const Workload& w_;
  LocalKeys keys_;
  kms::KeyHandle key_;
  std::vector<Buf> sealed_;
  std::vector<Buf> opened_;
  std::vector<std::size_t> opened_len_;
};

/// The kernel stands with the key, so all tiers run in one process. Only the few bytes of random
/// IVs come from the generator of the best kernel, in the peers without AVX-512 from OpenSSL's.
template <const char* const& kKernel>
std::unique_ptr<FieldCipher> make_on(const Workload& w) {
  return std::make_unique<Engine>(w, make_key(w, *find_kernel(kKernel)));
}

}  // namespace

std::unique_ptr<FieldCipher> make_fle(const Workload& w) {
  return std::make_unique<Engine>(w, make_key(w, *kernels::chosen()));
}
std::unique_ptr<FieldCipher> make_fle_by_one(const Workload& w) {
  return std::make_unique<Engine>(w, make_key(w, *kernels::chosen()), 1);
}

std::span<const Peer> fle_peers_without_avx512() {
  static constexpr const char* kAvx2 = "aesni_avx2";
  static constexpr const char* kVaesAvx2 = "vaes_avx2";
  static constexpr const char* kVaesAvx2Five = "vaes_avx2_five";
  static const std::vector<Peer> peers = [] {
    const auto runs = [](const char* kernel) {
      const kernels::Kernel* const k = find_kernel(kernel);
      return k != nullptr && kernels::runs_here(*k);
    };
    std::vector<Peer> found;
    if (runs(kAvx2)) found.push_back({"fle_avx2", "", make_on<kAvx2>});
    if (runs(kVaesAvx2Five)) {
      found.push_back({"fle_vaes_avx2", "", make_on<kVaesAvx2Five>});
    } else if (runs(kVaesAvx2)) {
      found.push_back({"fle_vaes_avx2", "", make_on<kVaesAvx2>});
    }
    return found;
  }();
  return peers;
}

std::vector<std::unique_ptr<FieldCipher>> make_fle_threads(const Workload& w, std::size_t n) {
  const SharedKey key = make_key(w, *kernels::chosen());
  std::vector<std::unique_ptr<FieldCipher>> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(std::make_unique<Engine>(w, key));
  return out;
}
std::unique_ptr<FieldCipher> make_fle_value(const Workload& w) {
  return std::make_unique<OneValueAtATime>(w);
}

}  // namespace fle::bench
