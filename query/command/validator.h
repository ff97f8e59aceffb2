#ifndef FLE_QUERY_SRC_VALIDATOR_H_
#define FLE_QUERY_SRC_VALIDATOR_H_

#include "ground/context.h"

namespace fle::query {

/// Analyzes a collection's validator (create, collMod): a filter that the server keeps, so nothing
/// in it may be compared with an encrypted field. A $jsonSchema at its top level is where the
/// schema itself comes from: it may stand there, alone, and says how fields are encrypted, but
/// nothing else of their values.
[[nodiscard]] Done validator(Context& context, const Element& e, const View& view);

/// For create and collMod, whatever their schemas: refuses a schema that encrypts inside $and and
/// the like. The command's bytes are not checked yet.
[[nodiscard]] Done refuse_hidden_schema(Context& context, const Element& command);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_VALIDATOR_H_
