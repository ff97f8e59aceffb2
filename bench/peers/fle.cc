// libfle: the batch engine, and the explicit call for one value at a time.
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
  Engine(const Workload& w, SharedKey key) : key_(std::move(key)) {
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
    if (!seal_batch(seal_jobs_)) throw std::runtime_error("seal_batch");
  }
  void decrypt() override {
    if (!open_batch(open_jobs_)) throw std::runtime_error("open_batch");
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    const auto& job = open_jobs_[i];
    return {job.out.begin(), job.out.begin() + static_cast<std::ptrdiff_t>(job.plaintext_len)};
  }
  [[nodiscard]] std::string label() const override { return std::string(key_->kernel_name()); }

 private:
  SharedKey key_;
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
    sealed_.resize(w.values.size());
    opened_.resize(w.payloads.size());
  }
  void encrypt() override {
    for (std::size_t i = 0; i < sealed_.size(); ++i) {
      sealed_[i] = LocalKeys::must(
          client::encrypt_value(w_.values[i].type, w_.values[i].bytes, w_.algorithm, *key_));
    }
  }
  void decrypt() override {
    for (std::size_t i = 0; i < opened_.size(); ++i)
      opened_[i] = LocalKeys::must(client::decrypt_value(w_.payloads[i], *keys_.ring())).bytes;
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    const Bytes b = opened_[i].bytes();
    return {b.begin(), b.end()};
  }
  [[nodiscard]] std::string label() const override { return std::string(key_->key.kernel_name()); }

 private:
  const Workload& w_;
  LocalKeys keys_;
  kms::KeyHandle key_;
  std::vector<Buf> sealed_;
  std::vector<WipedBuffer> opened_;
};

}  // namespace

std::unique_ptr<FieldCipher> make_fle(const Workload& w) {
  return std::make_unique<Engine>(w, make_key(w, *kernels::chosen()));
}

constexpr std::string_view kAvx2 = "aesni_avx2";
bool has_avx2() {
  const kernels::Kernel* k = find_kernel(kAvx2);
  return k != nullptr && kernels::runs_here(*k);
}
// The kernel stands with the key, so both tiers run in one process. Only the few bytes of random
// IVs come from the generator of the best kernel, in the AVX2 peers from OpenSSL's.
std::unique_ptr<FieldCipher> make_fle_avx2(const Workload& w) {
  if (!has_avx2()) throw std::runtime_error("no AVX2 here");
  return std::make_unique<Engine>(w, make_key(w, *find_kernel(kAvx2)));
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
