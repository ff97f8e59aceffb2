#ifndef FLE_TESTS_KMS_KMIP_KMIP_ANSWERS_H_
#define FLE_TESTS_KMS_KMIP_KMIP_ANSWERS_H_

#include <string>

#include "kms/support.h"

// What a KMIP server reads and says, as bytes.
namespace fle::kms::test {

/// The number of a request's operation (KMIP 1.2 specification, section 9.1.3.2.27).
[[nodiscard]] std::uint32_t operation_of(Bytes request);

/// Whole answers: success with a payload, or a failure.
[[nodiscard]] Buf answer(std::uint32_t operation, const Buf& payload);
[[nodiscard]] Buf failure(std::uint32_t operation, std::uint32_t reason,
                          const std::string& message);

// Payloads.
[[nodiscard]] Buf id_payload(const std::string& id);
[[nodiscard]] Buf secret_payload(const std::string& id, Bytes secret,
                                 std::uint32_t object_type = 7);
[[nodiscard]] Buf state_payload(const std::string& id, std::uint32_t state);
/// `iv`: left out where empty.
[[nodiscard]] Buf data_payload(const std::string& id, Bytes data, Bytes iv = {});

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_KMIP_KMIP_ANSWERS_H_
