#ifndef FLE_CLIENT_SRC_VERIFY_DOCUMENTS_H_
#define FLE_CLIENT_SRC_VERIFY_DOCUMENTS_H_

#include "batch_state.h"

namespace fle::client {

// What DocumentCipher::Options::verify asks for. The sealed and the plain form of each document are
// read side by side, without the marks, offsets and layouts that the one was made of the other
// with: every element must be in both, in the same order, and be the same, but that a ciphertext
// may stand for what it opens to. Keys are asked for anew, and all values opened again.

/// After seal_documents(): the results against the documents that were sealed, which in a
/// reencryption are those that came, decrypted. Another walk along the plan finds in each place the
/// ciphertext that the plan makes.
/// @retval Errc::verification_failed
/// @retval as KeyRing::lease
[[nodiscard]] Done verify_encrypted(BatchState& s, const schema::Plan& plan, kms::KeyRing* ring,
                                    const bson::Limits& limits);
/// After decryption: the documents as they came against the results.
[[nodiscard]] Done verify_decrypted(BatchState& s, kms::KeyRing* ring, const bson::Limits& limits);

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_VERIFY_DOCUMENTS_H_
