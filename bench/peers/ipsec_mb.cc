// Intel IPsec-MB: AES-256-CBC chained with HMAC-SHA-512, all fields of the batch in flight.
#include <algorithm>
#include <cstring>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include "field_cipher.h"
#include "iv_generator.h"

namespace fle::bench {
namespace {

constexpr std::size_t kAuthHeader = kPayloadHeaderLen + kIvLen;
constexpr std::size_t kBitsLen = sizeof kHeaderBits;
constexpr std::size_t kHashBlock = 128;

struct Pads {
  alignas(64) std::uint8_t inner[64];
  alignas(64) std::uint8_t outer[64];
};

class IpsecMb final : public FieldCipher {
 public:
  explicit IpsecMb(const Workload& w)
      : w_(w), mgr_(alloc_mb_mgr(0), free_mb_mgr), header_(header_of(w)) {
    if (mgr_ == nullptr) throw std::runtime_error("alloc_mb_mgr");
    init_mb_mgr_auto(mgr_.get(), &arch_);
    mac_ = pads(Bytes(w.key).first(32));
    iv_mac_ = pads(Bytes(w.key).subspan(64, 32));
    IMB_AES_KEYEXP_256(mgr_.get(), w.key.data() + 32, encrypt_keys_, decrypt_keys_);
    const std::size_t n = w.values.size();
    ivs_.resize(n);
    tags_.resize(n);
    for (const auto& v : w.values) {
      sealed_.emplace_back(payload_len(v.bytes.size()));
      iv_input_.emplace_back(header_.size() + kBitsLen + v.bytes.size());
    }
    for (const auto& p : w.payloads) {
      authenticated_.emplace_back(p.size() - kTagLen + kBitsLen);
      opened_.emplace_back(p.size() - kTagLen - kAuthHeader);
    }
    opened_len_.resize(opened_.size());
  }

  void encrypt() override {
    if (w_.algorithm == Algorithm::deterministic) derive_ivs();
    for (std::size_t i = 0; i < sealed_.size(); ++i) submit_seal(i);
    flush(sealed_.size());
    for (std::size_t i = 0; i < sealed_.size(); ++i)
      std::memcpy(&sealed_[i][sealed_[i].size() - kTagLen], tags_[i].data(), kTagLen);
  }

  void decrypt() override {
    for (std::size_t i = 0; i < opened_.size(); ++i) submit_open(i);
    flush(opened_.size());
    for (std::size_t i = 0; i < opened_.size(); ++i) check_opened(i);
  }

  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return {opened_[i].begin(), opened_[i].begin() + static_cast<std::ptrdiff_t>(opened_len_[i])};
  }
  [[nodiscard]] std::string label() const override {
    return std::string(imb_get_version_str()) + (arch_ == IMB_ARCH_AVX512 ? ", AVX-512"
                                                 : arch_ == IMB_ARCH_AVX2 ? ", AVX2"
                                                                          : ", below AVX2");
  }

 private:
  Pads pads(Bytes key) const {
    Pads p{};
    for (const auto& [out, fill] : {std::pair{p.inner, 0x36}, std::pair{p.outer, 0x5c}}) {
      std::uint8_t block[kHashBlock];
      std::fill(std::begin(block), std::end(block), static_cast<std::uint8_t>(fill));
      for (std::size_t i = 0; i < key.size(); ++i)
        block[i] = static_cast<std::uint8_t>(block[i] ^ key[i]);
      IMB_SHA512_ONE_BLOCK(mgr_.get(), block, out);
    }
    return p;
  }

  IMB_JOB* next_hmac(const Pads& key, const std::uint8_t* src, std::size_t len, std::uint8_t* tag) {
    IMB_JOB* job = IMB_GET_NEXT_JOB(mgr_.get());
    job->src = src;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = len;
    job->hash_alg = IMB_AUTH_HMAC_SHA_512;
    job->u.HMAC._hashed_auth_key_xor_ipad = key.inner;
    job->u.HMAC._hashed_auth_key_xor_opad = key.outer;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = kTagLen;
    return job;
  }
  void add_cbc(IMB_JOB* job, IMB_CIPHER_DIRECTION direction, const std::uint8_t* iv,
               std::uint8_t* dst, std::size_t len) const {
    job->cipher_direction = direction;
    job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_CBC;
    job->enc_keys = encrypt_keys_;
    job->dec_keys = decrypt_keys_;
    job->key_len_in_bytes = 32;
    job->iv = iv;
    job->iv_len_in_bytes = kIvLen;
    job->dst = dst;
    job->cipher_start_src_offset_in_bytes = kAuthHeader;
    job->msg_len_to_cipher_in_bytes = len;
  }
  void count(const IMB_JOB* done) {
    if (done == nullptr) return;
    if (done->status != IMB_STATUS_COMPLETED)
      throw std::runtime_error(std::string("IPsec-MB: ") +
                               imb_get_strerror(imb_get_errno(mgr_.get())));
    ++n_done_;
  }
  void submit() {
    count(IMB_SUBMIT_JOB(mgr_.get()));
    while (const IMB_JOB* done = IMB_GET_COMPLETED_JOB(mgr_.get())) count(done);
  }
  void flush(std::size_t n_expected) {
    while (const IMB_JOB* done = IMB_FLUSH_JOB(mgr_.get())) count(done);
    if (n_done_ != n_expected) throw std::runtime_error("IPsec-MB lost a job");
    n_done_ = 0;
  }

  void derive_ivs() {
    for (std::size_t i = 0; i < sealed_.size(); ++i) {
      Buf& in = iv_input_[i];
      const Buf& value = w_.values[i].bytes;
      std::memcpy(in.data(), header_.data(), header_.size());
      std::memcpy(&in[header_.size()], kHeaderBits, kBitsLen);
      std::memcpy(&in[header_.size() + kBitsLen], value.data(), value.size());
      IMB_JOB* job = next_hmac(iv_mac_, in.data(), in.size(), ivs_[i].data());
      job->cipher_mode = IMB_CIPHER_NULL;
      job->cipher_direction = IMB_DIR_ENCRYPT;
      job->chain_order = IMB_ORDER_HASH_CIPHER;
      submit();
    }
    flush(sealed_.size());
  }

  /// The payload is written in place; AL stands where the tag will, while it is hashed.
  void submit_seal(std::size_t i) {
    Buf& out = sealed_[i];
    const Buf& value = w_.values[i].bytes;
    const std::size_t padded = padded_len(value.size());
    std::memcpy(out.data(), header_.data(), header_.size());
    std::uint8_t* const iv = &out[header_.size()];
    if (w_.algorithm == Algorithm::deterministic) {
      std::memcpy(iv, ivs_[i].data(), kIvLen);
    } else {
      random_iv_.next(iv);
    }
    std::uint8_t* const text = &out[kAuthHeader];
    std::memcpy(text, value.data(), value.size());
    std::memset(text + value.size(), static_cast<int>(padded - value.size()),
                padded - value.size());
    std::memcpy(text + padded, kHeaderBits, kBitsLen);
    IMB_JOB* job = next_hmac(mac_, out.data(), kAuthHeader + padded + kBitsLen, tags_[i].data());
    add_cbc(job, IMB_DIR_ENCRYPT, iv, text, padded);
    submit();
  }

  void submit_open(std::size_t i) {
    const Buf& payload = w_.payloads[i];
    Buf& in = authenticated_[i];
    const std::size_t n = payload.size() - kTagLen;
    std::memcpy(in.data(), payload.data(), n);
    std::memcpy(&in[n], kHeaderBits, kBitsLen);
    IMB_JOB* job = next_hmac(mac_, in.data(), in.size(), tags_[i].data());
    add_cbc(job, IMB_DIR_DECRYPT, &in[kPayloadHeaderLen], opened_[i].data(), n - kAuthHeader);
    submit();
  }

  void check_opened(std::size_t i) {
    const Buf& payload = w_.payloads[i];
    if (CRYPTO_memcmp(tags_[i].data(), &payload[payload.size() - kTagLen], kTagLen) != 0)
      throw std::runtime_error("tag");
    const std::size_t pad = opened_[i].back();
    if (pad == 0 || pad > kBlockLen) throw std::runtime_error("padding");
    for (std::size_t k = opened_[i].size() - pad; k < opened_[i].size(); ++k)
      if (opened_[i][k] != pad) throw std::runtime_error("padding");
    opened_len_[i] = opened_[i].size() - pad;
  }

  const Workload& w_;
  std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> mgr_;
  IMB_ARCH arch_ = IMB_ARCH_NONE;
  Header header_;
  Pads mac_{};
  Pads iv_mac_{};
  alignas(64) std::uint32_t encrypt_keys_[15 * 4] = {};
  alignas(64) std::uint32_t decrypt_keys_[15 * 4] = {};
  IvGenerator random_iv_;
  std::vector<std::array<std::uint8_t, kTagLen>> ivs_;  // the first 16 bytes count
  std::vector<std::array<std::uint8_t, kTagLen>> tags_;
  std::vector<Buf> sealed_;
  std::vector<Buf> iv_input_;
  std::vector<Buf> authenticated_;
  std::vector<Buf> opened_;
  std::vector<std::size_t> opened_len_;
  std::size_t n_done_ = 0;
};

}  // namespace

std::unique_ptr<FieldCipher> make_ipsec_mb(const Workload& w) {
  return std::make_unique<IpsecMb>(w);
}

}  // namespace fle::bench
