#ifndef FLE_CLIENT_SRC_FAULTY_DOCUMENTS_H_
#define FLE_CLIENT_SRC_FAULTY_DOCUMENTS_H_

#include <functional>

#include "batch_state.h"

namespace fle::client {

/// What a call does with all documents of a state that are not left out.
using Work = std::function<Done(BatchState&)>;
/// Adds every fault of a document that `Work` fails for. Fails itself only for what is not the
/// document's.
using Explain = std::function<Done(Bytes document, bson::Faults&)>;

/// After work(s) has failed with `why`: finds what is wrong with the first document at fault, or
/// (OnFaulty::leave_out) with each document alone, and leaves out those that have faults.
/// @return  true where the others are worth another call; false where `why` stands
/// @retval  as `work`, for what is not a document's
[[nodiscard]] Outcome<bool> find_faulty(BatchState& s, const Failure& why, OnFaulty on_faulty,
                                        const Work& work, const Explain& explain);

// Each direction's Explain: what its steps stop at first, all of it.
[[nodiscard]] Done explain_encryption(Bytes document, const schema::Plan& plan, kms::KeyRing* ring,
                                      const DocumentCipher::Options& options, bson::Faults& out);
[[nodiscard]] Done explain_decryption(Bytes document, kms::KeyRing* ring,
                                      const DocumentCipher::Options& options, bson::Faults& out);
[[nodiscard]] Done explain_reencryption(Bytes document, const schema::Plan& plan,
                                        kms::KeyRing* ring, const DocumentCipher::Options& options,
                                        const DocumentCipher::Reencryption& how, bson::Faults& out);

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_FAULTY_DOCUMENTS_H_
