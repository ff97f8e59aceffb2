// libmongocrypt through its public explicit API: one context for each value, as drivers use it.
#include "field_cipher.h"
#include "support/mongocrypt_peer.h"

namespace fle::bench {
namespace {

class LibMongocrypt final : public FieldCipher {
 public:
  explicit LibMongocrypt(const Workload& w) : w_(w), peer_(Buf(96, 1)) {
    peer_.add_key(test::with_key_id(peer_.create_data_key({{}, w.key}), w.key_id));
    for (const TypedValue& v : w.values) plain_.push_back(test::document_with_v(v));
    for (const Buf& p : w.payloads) encrypted_.push_back(test::document_with_v(test::binary(6, p)));
    sealed_.resize(plain_.size());
    opened_.resize(encrypted_.size());
  }
  void encrypt() override {
    for (std::size_t i = 0; i < plain_.size(); ++i)
      peer_.encrypt_explicit(sealed_[i], plain_[i], w_.algorithm, w_.key_id);
  }
  void decrypt() override {
    for (std::size_t i = 0; i < encrypted_.size(); ++i)
      peer_.decrypt_explicit(opened_[i], encrypted_[i]);
  }
  [[nodiscard]] Buf payload(std::size_t i) const override {
    return test::payload_of(test::only_value(sealed_[i])).value();
  }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return test::only_value(opened_[i]).bytes;
  }
  [[nodiscard]] std::string label() const override { return test::MongocryptPeer::version(); }

 private:
  const Workload& w_;
  test::MongocryptPeer peer_;
  std::vector<Buf> plain_;
  std::vector<Buf> encrypted_;
  std::vector<Buf> sealed_;
  std::vector<Buf> opened_;
};

}  // namespace

std::unique_ptr<FieldCipher> make_libmongocrypt(const Workload& w) {
  return std::make_unique<LibMongocrypt>(w);
}

}  // namespace fle::bench
