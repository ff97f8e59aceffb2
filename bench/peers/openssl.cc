// The best that we could compose from OpenSSL alone: contexts that keep the AES schedules, HMAC
// from midstates of both pads, and random IVs from a user-space generator instead of RAND_bytes.
//
// The midstates need the low-level SHA512_CTX, which OpenSSL 3 deprecates: copying an EVP digest
// context costs more than the block it saves. Blocks that fit on the stack go straight to
// SHA512_Transform (20 ns a field less than Update and Final). A context is not told each new IV
// (45 ns): CBC xors the IV into the first block, and so can we.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "field_cipher.h"
#include "iv_generator.h"

namespace fle::bench {
namespace {

void must(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL refused");
}

/// HMAC-SHA-512 with both pads hashed in advance.
class Hmac {
 public:
  explicit Hmac(Bytes key) {
    std::uint8_t pad[SHA512_CBLOCK];
    for (const auto& [state, fill] : {std::pair{&inner_, 0x36}, std::pair{&outer_, 0x5c}}) {
      std::fill(std::begin(pad), std::end(pad), static_cast<std::uint8_t>(fill));
      for (std::size_t i = 0; i < key.size(); ++i)
        pad[i] = static_cast<std::uint8_t>(pad[i] ^ key[i]);
      must(SHA512_Init(state));
      must(SHA512_Update(state, pad, sizeof pad));
    }
  }
  /// Over head || body || tail; head and tail are short.
  void operator()(std::uint8_t out[64], Bytes head, Bytes body, Bytes tail = {}) const {
    const std::size_t len = head.size() + body.size() + tail.size();
    if (len + kLeastPadding <= kOnStack) {
      std::uint8_t blocks[kOnStack];
      if (!head.empty()) std::memcpy(blocks, head.data(), head.size());
      std::memcpy(blocks + head.size(), body.data(), body.size());
      if (!tail.empty()) std::memcpy(blocks + len - tail.size(), tail.data(), tail.size());
      finish(out, inner_, blocks, len);
    } else {
      SHA512_CTX c = inner_;
      SHA512_Update(&c, head.data(), head.size());
      SHA512_Update(&c, body.data(), body.size());
      SHA512_Update(&c, tail.data(), tail.size());
      SHA512_Final(out, &c);
    }
    std::uint8_t block[SHA512_CBLOCK];
    std::memcpy(block, out, SHA512_DIGEST_LENGTH);
    finish(out, outer_, block, SHA512_DIGEST_LENGTH);
  }

 private:
  static constexpr std::size_t kOnStack = 2 * SHA512_CBLOCK;
  static constexpr std::size_t kLeastPadding = 17;  // FIPS 180-4 section 5.1.2

  /// Pads `len` bytes behind the key block in place and hashes them: `blocks` has room for that.
  static void finish(std::uint8_t out[64], const SHA512_CTX& start, std::uint8_t* blocks,
                     std::size_t len) {
    const std::size_t end =
        (len + kLeastPadding + SHA512_CBLOCK - 1) / SHA512_CBLOCK * SHA512_CBLOCK;
    blocks[len] = 0x80;
    std::memset(blocks + len + 1, 0, end - len - 9);
    store(blocks + end - 8, (SHA512_CBLOCK + len) * 8);
    SHA512_CTX c;
    std::memcpy(c.h, start.h, sizeof c.h);
    for (std::size_t i = 0; i < end; i += SHA512_CBLOCK) SHA512_Transform(&c, blocks + i);
    for (std::size_t i = 0; i < 8; ++i) store(out + 8 * i, c.h[i]);
  }
  static void store(std::uint8_t* out, std::uint64_t v) {
    v = __builtin_bswap64(v);
    std::memcpy(out, &v, sizeof v);
  }

  SHA512_CTX inner_{};
  SHA512_CTX outer_{};
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/// AES-256-CBC on whole blocks, one field after another without a new start of the context.
class Cbc {
 public:
  Cbc(Bytes key, bool encrypt) : ctx_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    must(EVP_CipherInit_ex(ctx_.get(), EVP_aes_256_cbc(), nullptr, key.data(), last_, encrypt));
    must(EVP_CIPHER_CTX_set_padding(ctx_.get(), 0));
  }
  /// In place, where the padded plaintext stands.
  void encrypt(std::uint8_t* text, std::size_t len, const std::uint8_t* iv) {
    change_iv(text, iv);
    run(text, text, len);
    std::memcpy(last_, text + len - kBlockLen, kBlockLen);
  }
  void decrypt(std::uint8_t* out, Bytes in, const std::uint8_t* iv) {
    run(out, in.data(), in.size());
    change_iv(out, iv);
    std::memcpy(last_, &in[in.size() - kBlockLen], kBlockLen);
  }

 private:
  void change_iv(std::uint8_t* first_block, const std::uint8_t* iv) const {
    for (std::size_t i = 0; i < kBlockLen; ++i)
      first_block[i] = static_cast<std::uint8_t>(first_block[i] ^ iv[i] ^ last_[i]);
  }
  void run(std::uint8_t* out, const std::uint8_t* in, std::size_t len) {
    if (EVP_Cipher(ctx_.get(), out, in, static_cast<unsigned>(len)) < 0) must(0);
  }

  Context ctx_;
  std::uint8_t last_[kBlockLen] = {};  // ciphertext block: the IV that the context goes on with
};

class OpenSsl final : public FieldCipher {
 public:
  explicit OpenSsl(const Workload& w)
      : w_(w),
        header_(header_of(w)),
        mac_(Bytes(w.key).first(32)),
        iv_mac_(Bytes(w.key).subspan(64, 32)),
        encrypt_(Bytes(w.key).subspan(32, 32), true),
        decrypt_(Bytes(w.key).subspan(32, 32), false) {
    std::copy(header_.begin(), header_.end(), iv_head_.begin());
    std::copy(std::begin(kHeaderBits), std::end(kHeaderBits), iv_head_.begin() + header_.size());
    for (const auto& v : w.values) sealed_.emplace_back(payload_len(v.bytes.size()));
    for (const auto& p : w.payloads) opened_.emplace_back(p.size());
    opened_len_.resize(opened_.size());
  }
  void encrypt() override {
    for (std::size_t i = 0; i < sealed_.size(); ++i) seal(sealed_[i], w_.values[i].bytes);
  }
  void decrypt() override {
    for (std::size_t i = 0; i < opened_.size(); ++i)
      opened_len_[i] = open(opened_[i], w_.payloads[i]);
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return {opened_[i].begin(), opened_[i].begin() + static_cast<std::ptrdiff_t>(opened_len_[i])};
  }
  [[nodiscard]] std::string label() const override { return OPENSSL_FULL_VERSION_STR; }

 private:
  void seal(Buf& out, Bytes plaintext) {
    std::uint8_t hash[64];
    std::memcpy(out.data(), header_.data(), header_.size());
    std::uint8_t* const iv = out.data() + header_.size();
    if (w_.algorithm == Algorithm::deterministic) {
      iv_mac_(hash, iv_head_, plaintext);
      std::memcpy(iv, hash, kIvLen);
    } else {
      random_iv_.next(iv);
    }
    std::uint8_t* const text = iv + kIvLen;
    const std::size_t padded = padded_len(plaintext.size());
    const std::size_t pad = padded - plaintext.size();
    std::memcpy(text, plaintext.data(), plaintext.size());
    std::memset(text + plaintext.size(), static_cast<int>(pad), pad);
    encrypt_.encrypt(text, padded, iv);
    const Bytes authenticated{out.data(), out.size() - kTagLen};
    mac_(hash, {}, authenticated, kHeaderBits);
    std::memcpy(out.data() + authenticated.size(), hash, kTagLen);
  }

  std::size_t open(Buf& out, Bytes payload) {
    std::uint8_t hash[64];
    const Bytes authenticated = payload.first(payload.size() - kTagLen);
    mac_(hash, {}, authenticated, kHeaderBits);
    if (CRYPTO_memcmp(hash, payload.data() + authenticated.size(), kTagLen) != 0)
      throw std::runtime_error("tag");
    const Bytes ciphertext = authenticated.subspan(kPayloadHeaderLen + kIvLen);
    decrypt_.decrypt(out.data(), ciphertext, &authenticated[kPayloadHeaderLen]);
    const std::size_t pad = out[ciphertext.size() - 1];
    if (pad == 0 || pad > kBlockLen) throw std::runtime_error("padding");
    for (std::size_t i = ciphertext.size() - pad; i < ciphertext.size(); ++i)
      if (out[i] != pad) throw std::runtime_error("padding");
    return ciphertext.size() - pad;
  }

  const Workload& w_;
  Header header_;
  std::array<std::uint8_t, kPayloadHeaderLen + sizeof kHeaderBits> iv_head_{};  // AD || AL
  Hmac mac_;
  Hmac iv_mac_;
  Cbc encrypt_;
  Cbc decrypt_;
  IvGenerator random_iv_;
  std::vector<Buf> sealed_;
  std::vector<Buf> opened_;
  std::vector<std::size_t> opened_len_;
};

}  // namespace

std::unique_ptr<FieldCipher> make_openssl(const Workload& w) {
  return std::make_unique<OpenSsl>(w);
}

}  // namespace fle::bench
