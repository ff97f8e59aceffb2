// A library for LD_PRELOAD that flips a bit of what libcrypto encrypts by CBC, in the n-th call
// that does: what a broken machine does to ciphertext before its tag is made. Nothing in the
// programs knows about it.
//
//   FLE_FLIP_AT=n   1, 2, ...; 0 or not set: never
#include <atomic>
#include <cstdlib>

#include <dlfcn.h>
#include <openssl/evp.h>

extern "C" int EVP_CipherUpdate(EVP_CIPHER_CTX* ctx, unsigned char* out, int* out_size,
                                const unsigned char* in, int size) {
  using F = int (*)(EVP_CIPHER_CTX*, unsigned char*, int*, const unsigned char*, int);
  static const F original = reinterpret_cast<F>(::dlsym(RTLD_NEXT, "EVP_CipherUpdate"));
  static const char* const at = std::getenv("FLE_FLIP_AT");
  static std::atomic<long> n_calls{0};
  const int done = original(ctx, out, out_size, in, size);
  const bool by_cbc = EVP_CIPHER_get_mode(EVP_CIPHER_CTX_get0_cipher(ctx)) == EVP_CIPH_CBC_MODE;
  if (at != nullptr && by_cbc && EVP_CIPHER_CTX_is_encrypting(ctx) != 0 && *out_size > 0 &&
      ++n_calls == std::atol(at))
    out[0] ^= 1;
  return done;
}
