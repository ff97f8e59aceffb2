#ifndef FLE_CLIENT_SRC_FIELD_FAILURES_H_
#define FLE_CLIENT_SRC_FIELD_FAILURES_H_

#include <string>

#include "fle/failure.h"

namespace fle::client {

// Why a value cannot be encrypted or decrypted: the same words for a field of a document, a value
// of a command, and a value of its own.

inline Failure not_sealed(Errc code) {
  return {code, std::string("the value could not be encrypted. ") + meaning(code)};
}

inline Failure malformed_payload() {
  return {Errc::malformed_payload, "malformed ciphertext: not the layout of an encrypted value"};
}

/// Most often it is the value; what is not is told as what it is.
inline Failure does_not_open(Errc code) {
  if (code == Errc::auth_failed)
    return {code, "the value does not decrypt: it was changed, or written under another key"};
  if (code == Errc::malformed_payload) return malformed_payload();
  return {code, std::string("the value could not be decrypted. ") + meaning(code)};
}

inline Failure buffer_too_small() {
  return {Errc::buffer_too_small, "the memory for the result is too small"};
}

inline Failure overlapping() {
  return {Errc::invalid_argument, "the memory for the result is not apart from what is read"};
}

inline Failure no_longer_encrypted() {
  return {Errc::no_longer_encrypted,
          "is encrypted, and the new schema leaves it, or a part of it, in plaintext"};
}

inline Failure malformed_plaintext() {
  return {Errc::malformed_bson,
          "malformed encrypted bson: the decrypted bytes are not one value of their type"};
}

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_FIELD_FAILURES_H_
