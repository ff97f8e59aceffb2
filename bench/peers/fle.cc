// libfle: the batch engine, and the explicit call for one value at a time.
#include "field_cipher.h"
#include "fle/batch.h"
#include "fle/client/value_cipher.h"
#include "support/local_keys.h"

namespace fle::bench {
namespace {

using test::LocalKeys;

class Engine final : public FieldCipher {
 public:
  explicit Engine(const Workload& w) : key_(LocalKeys::must(Outcome<DataKey>(create(w)))) {
    for (const TypedValue& v : w.values) {
      sealed_.emplace_back(payload_len(v.bytes.size()));
      seal_jobs_.push_back({&key_, w.key_id, w.algorithm, static_cast<std::uint8_t>(v.type),
                            v.bytes, sealed_.back()});
    }
    for (const Buf& p : w.payloads) {
      opened_.emplace_back(open_capacity(p.size()));
      open_jobs_.push_back({&key_, p, opened_.back()});
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
  [[nodiscard]] std::string label() const override { return std::string(key_.kernel_name()); }

 private:
  static Outcome<DataKey> create(const Workload& w) {
    FLE_TRY(DataKey key, DataKey::create(w.key));
    return key;
  }

  DataKey key_;
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

std::unique_ptr<FieldCipher> make_fle(const Workload& w) { return std::make_unique<Engine>(w); }
std::unique_ptr<FieldCipher> make_fle_value(const Workload& w) {
  return std::make_unique<OneValueAtATime>(w);
}

}  // namespace fle::bench
