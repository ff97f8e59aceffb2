#include "tls_stream_files.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fle/files/fd.h"
#include "fle/files/trust.h"
#include "fle/secret.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxFileLen = 1024 * 1024;  // the authorities of a whole system take 0.2 MiB

using Certificate = OpensslPtr<X509, X509_free>;
using PrivateKey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Bio = OpensslPtr<BIO, BIO_free_all>;

Failure refuse(const std::string& file, const std::string& why) {
  return {Errc::kms_config_invalid, "TLS file " + file + ": " + why};
}

std::string system_reason() { return std::system_category().message(errno); }

/// Without stdio, whose buffers nobody wipes: the file may hold a private key.
Outcome<WipedBuffer> read_file(const std::string& path) {
  const files::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0) return refuse(path, system_reason());
  if (!S_ISREG(st.st_mode)) return refuse(path, "not a regular file");
  FLE_CHECK(files::check_file(files::FileKind::tls_file, path, st));
  const auto size = static_cast<std::size_t>(st.st_size);
  if (size == 0 || size > kMaxFileLen) return refuse(path, "empty, or larger than 1 MiB");
  WipedBuffer out;
  FLE_CHECK(out.reset(size));
  std::size_t n = 0;
  while (n < size) {
    const ssize_t got = ::read(file.get(), out.bytes().data() + n, size - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(path, system_reason());
    if (got == 0) return refuse(path, "it became shorter while it was read");
    n += static_cast<std::size_t>(got);
  }
  return out;
}

/// OpenSSL 3.0 frees copies of a private key without wiping them: of its encoding (der2key_decode,
/// providers/implementations/encode_decode/decode_der2key.c, in a BUF_MEM that grows by thirds) and
/// of an elliptic-curve key's scalar (d2i_ECPrivateKey, crypto/ec/ec_asn1.c). malloc hands out the
/// last freed blocks of a size first: takes and wipes them. That is glibc's habit and not a
/// promise; the memory scan among the tests tells whether it still holds.
void wipe_freed_copies(std::size_t der_size) noexcept {
  const std::size_t sizes[] = {32 + 1, 48 + 1, 66 + 1,  // scalar on P-256, P-384, P-521; and a NUL
                               der_size, (der_size + 3) / 3 * 4};
  for (const std::size_t size : sizes) {
    std::array<void*, 64> blocks{};
    for (void*& block : blocks) {
      block = std::malloc(size);
      if (block != nullptr) wipe({static_cast<std::uint8_t*>(block), size});
    }
    for (void* const block : blocks) std::free(block);
  }
}

/// One block of a PEM file (RFC 7468). Its memory is wiped when it goes.
class PemBlock {
 public:
  /// Nothing when there is none left, or it is damaged: openssl_reason() tells.
  static std::optional<PemBlock> next(BIO* in) {
    PemBlock b;
    // "Secure" memory is plain memory here, but it is wiped when OpenSSL frees it.
    if (PEM_read_bio_ex(in, &b.name_, &b.header_, &b.data_, &b.size_,
                        PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1)
      return std::nullopt;
    return b;
  }
  PemBlock(PemBlock&& o) noexcept
      : name_(std::exchange(o.name_, nullptr)),
        header_(std::exchange(o.header_, nullptr)),
        data_(std::exchange(o.data_, nullptr)),
        size_(o.size_) {}
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  PemBlock& operator=(PemBlock&&) = delete;
  ~PemBlock() {
    OPENSSL_secure_free(name_);
    OPENSSL_secure_free(header_);
    OPENSSL_secure_clear_free(data_, static_cast<std::size_t>(size_));
  }

  [[nodiscard]] bool is_certificate() const { return name() == PEM_STRING_X509; }
  [[nodiscard]] bool is_private_key() const { return name().ends_with("PRIVATE KEY"); }
  [[nodiscard]] bool is_encrypted() const {
    return name().starts_with("ENCRYPTED") || !std::string_view(header_).empty();
  }
  [[nodiscard]] Certificate certificate() const {
    const unsigned char* p = data_;
    return Certificate(d2i_X509(nullptr, &p, size_));
  }
  [[nodiscard]] PrivateKey private_key() const {
    const unsigned char* p = data_;
    PrivateKey key(d2i_AutoPrivateKey(nullptr, &p, size_));
    wipe_freed_copies(static_cast<std::size_t>(size_));
    wipe_stack();
    return key;
  }

 private:
  PemBlock() = default;
  [[nodiscard]] std::string_view name() const { return name_; }

  char* name_ = nullptr;
  char* header_ = nullptr;
  unsigned char* data_ = nullptr;
  long size_ = 0;
};

struct Pem {
  std::vector<Certificate> certificates;
  PrivateKey key;
};

Done add_block(Pem& pem, const PemBlock& block, const std::string& path) {
  if (block.is_certificate()) {
    pem.certificates.push_back(block.certificate());
    if (pem.certificates.back() == nullptr)
      return refuse(path, "a damaged certificate: " + openssl_reason());
  } else if (block.is_private_key()) {
    if (block.is_encrypted())
      return refuse(path, "the private key is encrypted; store it without a passphrase");
    if (pem.key != nullptr) return refuse(path, "two private keys");
    pem.key = block.private_key();
    if (pem.key == nullptr) return refuse(path, "a damaged private key: " + openssl_reason());
  }
  return ok;
}

Outcome<Pem> read_pem(const std::string& path) {
  FLE_TRY(const WipedBuffer text, read_file(path));
  const Bio in(BIO_new_mem_buf(text.bytes().data(), static_cast<int>(text.bytes().size())));
  if (in == nullptr) return Failure{Errc::no_memory, "reading a TLS file"};
  Pem pem;
  ERR_clear_error();
  while (const auto block = PemBlock::next(in.get())) FLE_CHECK(add_block(pem, *block, path));
  const unsigned long why = ERR_peek_last_error();
  if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
    return refuse(path, "not PEM: " + openssl_reason());
  ERR_clear_error();
  return pem;
}

Done use_authorities(SSL_CTX* ctx, const TlsOptions& options) {
  const std::string& path = options.ca_file;
  if (path.empty()) {
    if (SSL_CTX_set_default_verify_paths(ctx) != 1)
      return refuse("of the system's authorities", openssl_reason());
    return ok;
  }
  FLE_TRY(const Pem pem, read_pem(path));
  if (pem.certificates.empty()) return refuse(path, "no certificate in it");
  for (const Certificate& c : pem.certificates)
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), c.get()) != 1)
      return refuse(path, openssl_reason());
  return ok;
}

Done use_identity(SSL_CTX* ctx, const TlsOptions& options) {
  const std::string& path = options.certificate_file;
  const std::string& key_path = options.private_key_file.empty() ? path : options.private_key_file;
  if (path.empty()) {
    if (key_path.empty()) return ok;
    return refuse(key_path, "a private key without a certificate file");
  }
  FLE_TRY(Pem pem, read_pem(path));
  if (pem.certificates.empty()) return refuse(path, "no certificate in it");
  if (!options.private_key_file.empty()) {
    FLE_TRY(Pem key_pem, read_pem(key_path));
    pem.key = std::move(key_pem.key);
  }
  if (pem.key == nullptr) return refuse(key_path, "no private key in it");
  if (SSL_CTX_use_certificate(ctx, pem.certificates.front().get()) != 1)
    return refuse(path, openssl_reason());
  for (auto it = pem.certificates.begin() + 1; it != pem.certificates.end(); ++it)
    if (SSL_CTX_add1_chain_cert(ctx, it->get()) != 1) return refuse(path, openssl_reason());
  if (SSL_CTX_use_PrivateKey(ctx, pem.key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1)
    return refuse(key_path, "the private key does not fit the certificate: " + openssl_reason());
  return ok;
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text != nullptr ? text : "OpenSSL gave no reason";
}

Outcome<SslContext> make_tls_context(const TlsOptions& options) {
  ERR_clear_error();
  SslContext ctx(SSL_CTX_new(TLS_client_method()));
  if (ctx == nullptr || SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION) != 1)
    return Failure{Errc::crypto_failed, "a TLS context: " + openssl_reason()};
  // It may be there from the environment, see key_log.h: the variable may have gone since.
  SSL_CTX_set_keylog_callback(ctx.get(), nullptr);
  SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  // Without the first, what was read (master keys) stays in OpenSSL's buffers.
  SSL_CTX_set_options(ctx.get(),
                      SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  FLE_CHECK(use_authorities(ctx.get(), options));
  FLE_CHECK(use_identity(ctx.get(), options));
  return ctx;
}

}  // namespace fle::kms
