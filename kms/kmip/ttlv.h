#ifndef FLE_KMS_TTLV_H_
#define FLE_KMS_TTLV_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "fle/bytes.h"
#include "fle/result.h"

// TTLV, the encoding of KMIP messages (KMIP 1.2 specification, section 9.1): tag of 3 bytes, type
// of 1, length of 4 (of the value alone), the value, zeros up to a multiple of 8. Big-endian.
namespace fle::kms::ttlv {

/// KMIP 1.2 specification, section 9.1.3.1: the tags that this client writes or reads.
enum class Tag : std::uint32_t {
  attribute = 0x420008,
  attribute_name = 0x42000A,
  attribute_value = 0x42000B,
  batch_count = 0x42000D,
  batch_item = 0x42000F,
  block_cipher_mode = 0x420011,
  cryptographic_algorithm = 0x420028,
  cryptographic_parameters = 0x42002B,
  iv_counter_nonce = 0x42003D,
  key_block = 0x420040,
  key_format_type = 0x420042,
  key_material = 0x420043,
  key_value = 0x420045,
  object_type = 0x420057,
  operation = 0x42005C,
  padding_method = 0x42005F,
  protocol_version = 0x420069,
  protocol_version_major = 0x42006A,
  protocol_version_minor = 0x42006B,
  request_header = 0x420077,
  request_message = 0x420078,
  request_payload = 0x420079,
  response_message = 0x42007B,
  response_payload = 0x42007C,
  result_message = 0x42007D,
  result_reason = 0x42007E,
  result_status = 0x42007F,
  secret_data = 0x420085,
  secret_data_type = 0x420086,
  template_attribute = 0x420091,
  unique_identifier = 0x420094,
  data = 0x4200C2,
  random_iv = 0x4200C5,
};

enum class Type : std::uint8_t {
  structure = 1,
  integer = 2,
  long_integer = 3,
  big_integer = 4,
  enumeration = 5,
  boolean = 6,
  text = 7,
  bytes = 8,
  date_time = 9,
  interval = 10,
};

constexpr std::size_t kHeaderLen = 8;

/// Writes items one behind the other into memory of the caller, who chooses (and wipes) it:
/// requests may carry key material. What does not fit is not written, and fits() says so.
class Writer {
 public:
  explicit Writer(MutBytes out) noexcept : out_(out) {}

  /// `body()` writes the items inside.
  template <class Body>
  void structure(Tag tag, Body body) {
    header(tag, Type::structure, 0);
    const std::size_t start = size_;
    body();
    set_length(start);
  }
  void integer(Tag tag, std::int32_t value) noexcept;
  void enumeration(Tag tag, std::uint32_t value) noexcept;
  void boolean(Tag tag, bool value) noexcept;
  void text(Tag tag, std::string_view value) noexcept;
  void bytes(Tag tag, Bytes value) noexcept;

  [[nodiscard]] bool fits() const noexcept { return fits_; }
  /// Bytes written; a multiple of 8.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void header(Tag tag, Type type, std::size_t length) noexcept;
  void number(std::uint64_t value, std::size_t n_bytes) noexcept;
  void raw(Bytes value) noexcept;
  void set_length(std::size_t start) noexcept;

  MutBytes out_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

struct Item {
  std::uint32_t tag = 0;
  Type type{};
  Bytes value;  ///< Without the padding. A view.

  /// The number in an integer, enumeration or interval.
  [[nodiscard]] std::uint32_t number() const noexcept;
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(value.data()), value.size()};
  }
};

/// Takes the first item off `in`, which may be anything. Lengths have to fit their type and `in`;
/// padding has to be there, but what it holds does not matter.
/// @retval Errc::kms_bad_answer
[[nodiscard]] Result<Item> take(Bytes& in) noexcept;

/// The child `tag` of a structure, or nothing when there is none. The whole level has to be well
/// formed; other levels are not looked at, so nothing here recurses.
/// @retval Errc::kms_bad_answer  damaged, `tag` appears twice or is not of `type`
[[nodiscard]] Result<std::optional<Item>> find(Bytes structure, Tag tag, Type type) noexcept;

/// The child `tag`, which has to be there.
/// @retval Errc::kms_bad_answer  as above, or it is missing
[[nodiscard]] Result<Item> need(Bytes structure, Tag tag, Type type) noexcept;

}  // namespace fle::kms::ttlv

#endif  // FLE_KMS_TTLV_H_
