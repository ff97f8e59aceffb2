// The reference: everything through libcrypto. All other kernels must agree with this one, byte
// for byte; a newcomer reads it first.
//
// SHA512_CTX is deprecated since OpenSSL 3.0, but it is the only interface that lets a hash start
// from a given midstate, which is what makes an HMAC over a short field cost two compressions
// instead of four.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <cstring>
#include <limits>
#include <memory>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/kernel.h"
#include "kernels/scrub.h"
#include "kernels/sha512/constants.h"

namespace fle::kernels {
namespace {

// ---- HMAC-SHA-512 (RFC 2104, FIPS 180-4)

/// A hash that has already taken the one block whose midstate is `h`.
SHA512_CTX resume(const std::uint64_t (&h)[8]) noexcept {
  SHA512_CTX c;
  std::memset(&c, 0, sizeof c);
  for (int i = 0; i < 8; ++i) c.h[i] = h[i];
  c.Nl = kShaBlock * 8;
  c.md_len = SHA512_DIGEST_LENGTH;
  return c;
}

bool mac_one(const MacJob& j) noexcept {
  std::uint8_t digest[kDigest];
  SHA512_CTX c = resume(j.key->inner);
  bool good = (j.head_len == 0 || SHA512_Update(&c, j.head, j.head_len) == 1) &&
              (j.body_len == 0 || SHA512_Update(&c, j.body, j.body_len) == 1) &&
              (j.tail_len == 0 || SHA512_Update(&c, j.tail, j.tail_len) == 1) &&
              SHA512_Final(digest, &c) == 1;
  if (good) {
    c = resume(j.key->outer);
    good = SHA512_Update(&c, digest, kDigest) == 1 && SHA512_Final(digest, &c) == 1;
  }
  if (good) std::memcpy(j.out, digest, j.out_len);
  ::explicit_bzero(&c, sizeof c);
  ::explicit_bzero(digest, sizeof digest);
  return good;
}

// libcrypto leaves message words in dead frames.
constexpr std::size_t kStack = 4096;

bool mac(const MacJob* jobs, std::size_t n) noexcept {
  bool good = true;
  for (std::size_t i = 0; good && i < n; ++i) good = mac_one(jobs[i]);
  scrub_baseline();
  scrub_stack<kStack>();
  return good;
}

/// Midstate behind the key block of HMAC: key xor pad, zero-filled to a block.
bool midstate(std::uint64_t (&out)[8], const std::uint8_t* key, std::uint8_t pad) noexcept {
  std::uint8_t block[kShaBlock];
  std::memset(block, pad, sizeof block);
  for (std::size_t i = 0; i < 32; ++i) block[i] = static_cast<std::uint8_t>(key[i] ^ pad);
  SHA512_CTX c;
  const bool good = SHA512_Init(&c) == 1 && SHA512_Update(&c, block, sizeof block) == 1;
  for (int i = 0; i < 8; ++i) out[i] = c.h[i];
  ::explicit_bzero(&c, sizeof c);
  ::explicit_bzero(block, sizeof block);
  return good;
}

// ---- AES-256-CBC (NIST SP 800-38A)

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }  // also wipes
};

/// Fetched once: libcrypto looks a cipher up anew, under a lock, each time a context starts from
/// EVP_aes_256_cbc().
const EVP_CIPHER* cbc_cipher() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}
const EVP_CIPHER* ctr_cipher() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  return cipher;
}

/// A cipher context for one batch call. The key schedule that libcrypto keeps on its heap lives no
/// longer than the call, and is made anew only when the key changes.
class Cipher {
 public:
  enum class Direction { decrypt = 0, encrypt = 1 };
  Cipher(const EVP_CIPHER* cipher, Direction direction) noexcept
      : ctx_(EVP_CIPHER_CTX_new()), cipher_(cipher), direction_(static_cast<int>(direction)) {}

  bool start(const std::uint8_t* key, const std::uint8_t* iv) noexcept {
    if (ctx_ == nullptr || cipher_ == nullptr) return false;
    const bool same = key == key_;
    key_ = key;
    return EVP_CipherInit_ex2(ctx_.get(), same ? nullptr : cipher_, same ? nullptr : key, iv,
                              direction_, nullptr) == 1 &&
           EVP_CIPHER_CTX_set_padding(ctx_.get(), 0) == 1;
  }

  bool update(std::uint8_t* out, const std::uint8_t* in, std::size_t len) noexcept {
    constexpr std::size_t kMost = std::size_t{1} << 30;  // EVP counts in int
    while (len != 0) {
      const std::size_t part = len < kMost ? len : kMost;
      int written = 0;
      if (EVP_CipherUpdate(ctx_.get(), out, &written, in, static_cast<int>(part)) != 1 ||
          static_cast<std::size_t>(written) != part) {
        return false;
      }
      in += part;
      out += part;
      len -= part;
    }
    return true;
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> ctx_;
  const EVP_CIPHER* cipher_;
  int direction_;
  const std::uint8_t* key_ = nullptr;
};

bool cbc_encrypt(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  Cipher cipher(cbc_cipher(), Cipher::Direction::encrypt);
  std::uint8_t last[kBlock];
  bool good = true;
  for (std::size_t i = 0; good && i < n; ++i) {
    const CbcEncryptJob& j = jobs[i];
    const std::size_t rest = j.len % kBlock;
    const std::size_t whole = j.len - rest;
    // PKCS#7 (RFC 5652 section 6.3): always at least one byte.
    std::memset(last, static_cast<int>(kBlock - rest), kBlock);
    if (rest != 0) std::memcpy(last, j.in + whole, rest);
    good = cipher.start(j.key->aes_key, j.iv) && cipher.update(j.out, j.in, whole) &&
           cipher.update(j.out + whole, last, kBlock);
  }
  ::explicit_bzero(last, sizeof last);
  scrub_baseline();
  scrub_stack<kStack>();
  return good;
}

bool cbc_decrypt(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  Cipher cipher(cbc_cipher(), Cipher::Direction::decrypt);
  bool good = true;
  for (std::size_t i = 0; good && i < n; ++i) {
    const CbcDecryptJob& j = jobs[i];
    good = cipher.start(j.key->aes_key, j.iv) && cipher.update(j.out, j.in, j.n_blocks * kBlock);
  }
  scrub_baseline();
  scrub_stack<kStack>();
  return good;
}

bool ctr_fill(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t* key) noexcept {
  const std::uint8_t zero[kBlock] = {};
  std::memset(out, 0, n_blocks * kBlock);
  Cipher cipher(ctr_cipher(), Cipher::Direction::encrypt);
  const bool good = cipher.start(key, zero) && cipher.update(out, out, n_blocks * kBlock);
  scrub_baseline();
  scrub_stack<kStack>();
  return good;
}

bool expand(KeyState& out, const std::uint8_t* key) noexcept {
  std::memcpy(out.aes_key, key + 32, sizeof out.aes_key);
  const bool good = expand_hmac(out.mac, key) && expand_hmac(out.iv, key + 64);
  scrub_baseline();
  return good;
}

}  // namespace

bool expand_hmac(HmacState& out, const std::uint8_t* key) noexcept {
  constexpr std::uint8_t kInner = 0x36;
  constexpr std::uint8_t kOuter = 0x5c;
  return midstate(out.inner, key, kInner) && midstate(out.outer, key, kOuter);
}

const Kernel kPortable{"portable", kNone, expand, mac, cbc_encrypt, cbc_decrypt, ctr_fill, nullptr};

}  // namespace fle::kernels
