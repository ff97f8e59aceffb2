#ifndef FLE_KMS_KMIP_MESSAGE_H_
#define FLE_KMS_KMIP_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/secret.h"

// KMIP requests as bytes, and what the answers mean (KMIP 1.0 and 1.2 specifications; CSFLE:
// libmongocrypt's kms-message, kms_kmip_request.c). No input or output here.
namespace fle::kms::kmip {

enum class Operation : std::uint32_t {
  create = 0x01,
  register_object = 0x03,
  get = 0x0A,
  get_attributes = 0x0B,
  activate = 0x12,
  encrypt = 0x1F,
  decrypt = 0x20,
};

/// The operation's name in the specification.
[[nodiscard]] std::string_view name(Operation op) noexcept;

/// Answers beyond this are refused: the largest that is expected holds a few hundred bytes.
constexpr std::size_t kMaxAnswerLen = 64 * 1024;
/// Unique identifiers beyond this are refused; servers give UUIDs and the like.
constexpr std::size_t kMaxKeyIdLen = 1024;

/// A whole request message. In locked memory: some carry key material.
struct Request {
  Operation operation;
  SecretBytes memory;
  std::size_t size;
  [[nodiscard]] Bytes bytes() const noexcept { return memory.expose().first(size); }
};

/// Registers `secret` as Secret Data, Seed, Opaque.
[[nodiscard]] Outcome<Request> register_request(Bytes secret, LockPolicy policy);
[[nodiscard]] Outcome<Request> activate_request(std::string_view key_id, LockPolicy policy);
[[nodiscard]] Outcome<Request> get_request(std::string_view key_id, LockPolicy policy);
/// Asks for the State attribute.
[[nodiscard]] Outcome<Request> state_request(std::string_view key_id, LockPolicy policy);
/// Creates an AES-256 key that may encrypt and decrypt.
[[nodiscard]] Outcome<Request> create_request(LockPolicy policy);
/// AES-CBC with PKCS#5 padding under an IV that the server chooses.
[[nodiscard]] Outcome<Request> encrypt_request(std::string_view key_id, Bytes data,
                                               LockPolicy policy);
[[nodiscard]] Outcome<Request> decrypt_request(std::string_view key_id, Bytes data, Bytes iv,
                                               LockPolicy policy);

/// One whole answer, read from bytes as they arrive into locked memory. The bytes are hostile.
class AnswerReader {
 public:
  explicit AnswerReader(LockPolicy policy) noexcept : policy_(policy) {}

  /// How many bytes are known to come; 0 once all are there.
  [[nodiscard]] std::size_t n_wanted() const noexcept;
  /// Where they belong.
  [[nodiscard]] MutBytes room() noexcept;
  /// The first `n` bytes of room() are there.
  /// @retval Errc::kms_bad_answer  not framed as KMIP, or longer than kMaxAnswerLen
  [[nodiscard]] Done took(std::size_t n);
  [[nodiscard]] SecretBytes& answer() noexcept { return answer_; }

 private:
  static constexpr std::size_t kHeaderLen = 8;  // tag of three bytes, type, length

  LockPolicy policy_;
  std::uint8_t header_[kHeaderLen]{};
  std::size_t n_read_ = 0;
  SecretBytes answer_;  // empty until the header is there
};

/// What the answers of the functions below say when the server did not do it: its Result Status,
/// Result Reason and Result Message.
/// @retval Errc::kms_refused        the server said no
/// @retval Errc::key_unwrap_failed  it said that a Decrypt failed cryptographically
/// @retval Errc::kms_bad_answer     not a KMIP answer to `asked`
///
/// Views into `message`, which is one whole answer. Hostile bytes are fine.
[[nodiscard]] Outcome<Bytes> payload_of(Bytes message, Operation asked);

/// The Unique Identifier in a payload: not empty, at most kMaxKeyIdLen bytes.
[[nodiscard]] Outcome<std::string> key_id_in(Bytes payload);
/// The key material in the payload of a Get: Secret Data of the object `key_id`.
[[nodiscard]] Outcome<Bytes> secret_in(Bytes payload, std::string_view key_id);
/// Data in the payload of an Encrypt or Decrypt.
[[nodiscard]] Outcome<Bytes> data_in(Bytes payload);
/// The IV that the server chose for an Encrypt: 16 bytes.
[[nodiscard]] Outcome<Bytes> iv_in(Bytes payload);
/// The name of the State in the payload of a Get Attributes, e.g. "Active"; empty when the server
/// does not tell.
[[nodiscard]] Outcome<std::string_view> state_in(Bytes payload);

}  // namespace fle::kms::kmip

#endif  // FLE_KMS_KMIP_MESSAGE_H_
