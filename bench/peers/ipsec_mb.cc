// Intel IPsec-MB: AES-256-CBC and HMAC-SHA-512, all fields of the batch in flight.
//
// Both of its interfaces: `job` chains cipher and hash in one job and hands jobs over one by one;
// `burst` hands over a whole batch to the hash, then to the cipher, and is the faster one for short
// fields. Neither checks its arguments here, which is the variant in the library's favor.
//
// Copies: a plaintext is copied once, to where its ciphertext will stand, as CBC needs its padding
// behind it; AD and AL for the IV stand in front of that copy. A tag is checked where the payload
// stands: AL overlays the first eight bytes of the tag while it is hashed.
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
/// Where AD || AL || P begins, with P where the ciphertext will be.
constexpr std::size_t kIvInputAt = kAuthHeader - kBitsLen - kPayloadHeaderLen;
constexpr std::size_t kMaxLen = 65000;  // of a field: IPsec-MB takes less than 64 KiB in a job
using Tag = std::array<std::uint8_t, kTagLen>;

enum class Interface : std::uint8_t { job, burst };
struct Tier {
  void (*init)(IMB_MGR*);  // nullptr: the best tier that runs here
  Interface interface;
};

struct Pads {
  alignas(64) std::uint8_t inner[64];
  alignas(64) std::uint8_t outer[64];
};

class IpsecMb final : public FieldCipher {
 public:
  IpsecMb(const Workload& w, Tier tier)
      : w_(w),
        interface_(tier.interface),
        mgr_(alloc_mb_mgr(0), free_mb_mgr),
        header_(header_of(w)),
        sealed_(w.values.size()),
        ivs_(w.values.size()),
        payloads_(w.payloads),
        overlaid_(w.payloads.size()),
        tags_(w.payloads.size()),
        opened_(w.payloads.size()),
        opened_len_(w.payloads.size()) {
    init_manager(tier);
    mac_ = pads(Bytes(w.key).first(32));
    iv_mac_ = pads(Bytes(w.key).subspan(64, 32));
    IMB_AES_KEYEXP_256(mgr_.get(), w.key.data() + 32, encrypt_keys_, decrypt_keys_);
    make_jobs();
  }

  void encrypt() override {
    const bool deterministic = w_.algorithm == Algorithm::deterministic;
    for (std::size_t i = 0; i < sealed_.size(); ++i) place_plaintext(i, deterministic);
    if (deterministic) hash(derive_);
    for (std::size_t i = 0; i < sealed_.size(); ++i) finish_input(i, deterministic);
    run(seal_);
  }

  void decrypt() override {
    for (std::size_t i = 0; i < payloads_.size(); ++i) overlay_tag(i);
    run(open_);
    for (std::size_t i = 0; i < payloads_.size(); ++i) check_padding(i);
  }

  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return {opened_[i].begin(), opened_[i].begin() + static_cast<std::ptrdiff_t>(opened_len_[i])};
  }
  [[nodiscard]] std::string label() const override {
    const char* const arch = arch_ == IMB_ARCH_AVX512 ? "AVX-512"
                             : arch_ == IMB_ARCH_AVX2 ? "AVX2"
                                                      : "below AVX2";
    return std::string(imb_get_version_str()) + ", " + arch + ", " +
           (interface_ == Interface::job ? "job" : "burst");
  }

 private:
  void init_manager(Tier tier) {
    if (mgr_ == nullptr) throw std::runtime_error("alloc_mb_mgr");
    if (tier.init == nullptr) {
      init_mb_mgr_auto(mgr_.get(), &arch_);
    } else {
      tier.init(mgr_.get());
      arch_ = IMB_ARCH_AVX2;
    }
    if (imb_get_errno(mgr_.get()) != 0) throw std::runtime_error("IPsec-MB does not run here");
  }

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

  // ---- Jobs are made once; a call of encrypt() or decrypt() submits them again.

  void make_jobs() {
    for (std::size_t i = 0; i < sealed_.size(); ++i) {
      const std::size_t n = w_.values[i].bytes.size();
      Buf& out = sealed_[i];
      out.resize(payload_len(n));
      derive_.push_back(
          hmac_job(iv_mac_, &out[kIvInputAt], kPayloadHeaderLen + kBitsLen + n, ivs_[i].data()));
      std::uint8_t* const tag = &out[out.size() - kTagLen];
      IMB_JOB job = hmac_job(mac_, out.data(), out.size() - kTagLen + kBitsLen, tag);
      add_cbc(job, IMB_DIR_ENCRYPT, &out[kPayloadHeaderLen], &out[kAuthHeader], padded_len(n));
      seal_.push_back(job);
    }
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      Buf& in = payloads_[i];
      const std::size_t n = in.size() - kTagLen;
      opened_[i].resize(n - kAuthHeader);
      IMB_JOB job = hmac_job(mac_, in.data(), n + kBitsLen, tags_[i].data());
      add_cbc(job, IMB_DIR_DECRYPT, &in[kPayloadHeaderLen], opened_[i].data(), n - kAuthHeader);
      open_.push_back(job);
    }
  }
  static IMB_JOB hmac_job(const Pads& key, const std::uint8_t* src, std::size_t len,
                          std::uint8_t* tag) {
    IMB_JOB job{};
    job.cipher_mode = IMB_CIPHER_NULL;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_HASH_CIPHER;
    job.src = src;
    job.msg_len_to_hash_in_bytes = len;
    job.hash_alg = IMB_AUTH_HMAC_SHA_512;
    job.u.HMAC._hashed_auth_key_xor_ipad = key.inner;
    job.u.HMAC._hashed_auth_key_xor_opad = key.outer;
    job.auth_tag_output = tag;
    job.auth_tag_output_len_in_bytes = kTagLen;
    return job;
  }
  void add_cbc(IMB_JOB& job, IMB_CIPHER_DIRECTION direction, const std::uint8_t* iv,
               std::uint8_t* dst, std::size_t len) const {
    job.cipher_direction = direction;
    job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.cipher_mode = IMB_CIPHER_CBC;
    job.enc_keys = encrypt_keys_;
    job.dec_keys = decrypt_keys_;
    job.key_len_in_bytes = 32;
    job.iv = iv;
    job.iv_len_in_bytes = kIvLen;
    job.dst = dst;
    job.cipher_start_src_offset_in_bytes = kAuthHeader;
    job.msg_len_to_cipher_in_bytes = len;
  }

  // ---- The two interfaces

  /// Cipher and hash of every job, in the jobs' own order; of a decryption the tags are checked.
  void run(std::vector<IMB_JOB>& jobs) {
    const bool decrypts = &jobs == &open_;
    if (interface_ == Interface::job) {
      chain(jobs);
      if (decrypts) check_tags();
    } else if (decrypts) {
      hash(jobs);
      check_tags();
      cipher(jobs, IMB_DIR_DECRYPT);
    } else {
      cipher(jobs, IMB_DIR_ENCRYPT);
      hash(jobs);
    }
  }

  /// Hands the jobs over one by one and waits for the last.
  void chain(const std::vector<IMB_JOB>& jobs) {
    std::size_t n_done = 0;
    const auto count = [&](const IMB_JOB* done) {
      if (done == nullptr) return false;
      if (done->status != IMB_STATUS_COMPLETED) throw std::runtime_error("IPsec-MB refused a job");
      ++n_done;
      return true;
    };
    for (const IMB_JOB& job : jobs) {
      *IMB_GET_NEXT_JOB(mgr_.get()) = job;
      for (const IMB_JOB* done = IMB_SUBMIT_JOB_NOCHECK(mgr_.get()); count(done);)
        done = IMB_GET_COMPLETED_JOB(mgr_.get());
    }
    while (count(IMB_FLUSH_JOB(mgr_.get()))) continue;
    if (n_done != jobs.size()) throw std::runtime_error("IPsec-MB lost a job");
  }

  /// Calls submit(first, n) for bursts of the size that IPsec-MB allows.
  template <class Submit>
  static void in_bursts(std::vector<IMB_JOB>& jobs, Submit submit) {
    for (std::size_t i = 0; i < jobs.size(); i += IMB_MAX_BURST_SIZE) {
      const auto n =
          static_cast<std::uint32_t>(std::min<std::size_t>(jobs.size() - i, IMB_MAX_BURST_SIZE));
      if (submit(&jobs[i], n) != n) throw std::runtime_error("IPsec-MB lost a job");
    }
  }
  void hash(std::vector<IMB_JOB>& jobs) {
    if (interface_ == Interface::job) return chain(jobs);
    in_bursts(jobs, [this](IMB_JOB* first, std::uint32_t n) {
      return IMB_SUBMIT_HASH_BURST_NOCHECK(mgr_.get(), first, n, IMB_AUTH_HMAC_SHA_512);
    });
  }
  void cipher(std::vector<IMB_JOB>& jobs, IMB_CIPHER_DIRECTION direction) {
    in_bursts(jobs, [this, direction](IMB_JOB* first, std::uint32_t n) {
      return IMB_SUBMIT_CIPHER_BURST_NOCHECK(mgr_.get(), first, n, IMB_CIPHER_CBC, direction,
                                             IMB_KEY_256_BYTES);
    });
  }

  // ---- What surrounds the jobs

  void place_plaintext(std::size_t i, bool with_iv_input) {
    Buf& out = sealed_[i];
    const Buf& value = w_.values[i].bytes;
    std::memcpy(&out[kAuthHeader], value.data(), value.size());
    if (!with_iv_input) return;
    std::memcpy(&out[kIvInputAt], header_.data(), header_.size());
    std::memcpy(&out[kAuthHeader - kBitsLen], kHeaderBits, kBitsLen);
  }
  /// Header, IV and padding around the plaintext; AL where the tag will be.
  void finish_input(std::size_t i, bool has_iv) {
    Buf& out = sealed_[i];
    const std::size_t n = w_.values[i].bytes.size();
    std::memcpy(out.data(), header_.data(), header_.size());
    std::uint8_t* const iv = &out[header_.size()];
    if (has_iv) {
      std::memcpy(iv, ivs_[i].data(), kIvLen);
    } else {
      random_iv_.next(iv);
    }
    const std::size_t pad = padded_len(n) - n;
    std::memset(&out[kAuthHeader + n], static_cast<int>(pad), pad);
    std::memcpy(&out[out.size() - kTagLen], kHeaderBits, kBitsLen);
  }

  void overlay_tag(std::size_t i) {
    std::uint8_t* const tag = &payloads_[i][payloads_[i].size() - kTagLen];
    std::memcpy(overlaid_[i].data(), tag, kBitsLen);
    std::memcpy(tag, kHeaderBits, kBitsLen);
  }
  void check_tags() {
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      std::uint8_t* const tag = &payloads_[i][payloads_[i].size() - kTagLen];
      std::memcpy(tag, overlaid_[i].data(), kBitsLen);
      if (CRYPTO_memcmp(tags_[i].data(), tag, kTagLen) != 0) throw std::runtime_error("tag");
    }
  }
  void check_padding(std::size_t i) {
    const Buf& text = opened_[i];
    const std::size_t pad = text.back();
    if (pad == 0 || pad > kBlockLen) throw std::runtime_error("padding");
    for (std::size_t k = text.size() - pad; k < text.size(); ++k)
      if (text[k] != pad) throw std::runtime_error("padding");
    opened_len_[i] = text.size() - pad;
  }

  const Workload& w_;
  Interface interface_;
  std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> mgr_;
  IMB_ARCH arch_ = IMB_ARCH_NONE;
  Header header_;
  Pads mac_{};
  Pads iv_mac_{};
  alignas(64) std::uint32_t encrypt_keys_[15 * 4] = {};
  alignas(64) std::uint32_t decrypt_keys_[15 * 4] = {};
  IvGenerator random_iv_;
  std::vector<Buf> sealed_;
  std::vector<Tag> ivs_;       // the first 16 bytes count
  std::vector<Buf> payloads_;  // a copy, because it is written to
  std::vector<std::array<std::uint8_t, kBitsLen>> overlaid_;
  std::vector<Tag> tags_;
  std::vector<Buf> opened_;
  std::vector<std::size_t> opened_len_;
  std::vector<IMB_JOB> derive_;
  std::vector<IMB_JOB> seal_;
  std::vector<IMB_JOB> open_;
};

/// Fields that are too long for IPsec-MB go through the composition from OpenSSL, one by one, as
/// its user would have to do it.
class WithLongFields final : public FieldCipher {
 public:
  WithLongFields(const Workload& w, Tier tier) {
    for (Workload* part : {&short_, &long_}) {
      part->key_id = w.key_id;
      part->key = w.key;
      part->algorithm = w.algorithm;
    }
    for (std::size_t i = 0; i < w.values.size(); ++i) {
      const bool is_long = w.values[i].bytes.size() > kMaxLen;
      Workload& part = is_long ? long_ : short_;
      places_.push_back({is_long, part.values.size()});
      part.values.push_back(w.values[i]);
      part.payloads.push_back(w.payloads[i]);
    }
    ipsec_mb_ = std::make_unique<IpsecMb>(short_, tier);
    openssl_ = make_openssl(long_);
  }
  void encrypt() override {
    ipsec_mb_->encrypt();
    openssl_->encrypt();
  }
  void decrypt() override {
    ipsec_mb_->decrypt();
    openssl_->decrypt();
  }
  [[nodiscard]] Buf payload(std::size_t i) const override {
    return cipher_of(i).payload(places_[i].at);
  }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return cipher_of(i).value(places_[i].at);
  }
  [[nodiscard]] std::string label() const override { return ipsec_mb_->label(); }

 private:
  struct Place {
    bool is_long;
    std::size_t at;
  };
  [[nodiscard]] const FieldCipher& cipher_of(std::size_t i) const {
    return places_[i].is_long ? *openssl_ : *ipsec_mb_;
  }

  Workload short_;
  Workload long_;
  std::vector<Place> places_;
  std::unique_ptr<FieldCipher> ipsec_mb_;
  std::unique_ptr<FieldCipher> openssl_;
};

template <void (*kInit)(IMB_MGR*), Interface kInterface>
std::unique_ptr<FieldCipher> make(const Workload& w) {
  const Tier tier{kInit, kInterface};
  const auto is_long = [](const TypedValue& v) { return v.bytes.size() > kMaxLen; };
  if (std::any_of(w.values.begin(), w.values.end(), is_long))
    return std::make_unique<WithLongFields>(w, tier);
  return std::make_unique<IpsecMb>(w, tier);
}

}  // namespace

std::span<const Peer> ipsec_mb_peers() {
  static constexpr Peer kPeers[] = {
      {"ipsec_mb", "/api:job", make<nullptr, Interface::job>, kMaxLen},
      {"ipsec_mb", "/api:burst", make<nullptr, Interface::burst>, kMaxLen},
      {"ipsec_mb_avx2", "/api:job", make<init_mb_mgr_avx2, Interface::job>, kMaxLen},
      {"ipsec_mb_avx2", "/api:burst", make<init_mb_mgr_avx2, Interface::burst>, kMaxLen},
  };
  return kPeers;
}

}  // namespace fle::bench
