#ifndef FLE_BSON_JSON_JSON_PIECES_H_
#define FLE_BSON_JSON_JSON_PIECES_H_

#include <string_view>

#include "fle/bson/extended_json.h"
#include "fle/function.h"

namespace fle::bson::internal {

/// As write_extended_json(), for documents whose text is not to be in memory as a whole.
/// @param take  gets the text piece by piece, some 64 KiB at once; of a document that is refused,
///              what stands before the fault. May be null: then nothing is written, and only looked
///              for faults.
FLE_API Done write_json_pieces(const std::function<void(std::string_view)>& take, Bytes document,
                               JsonForm form);

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_JSON_PIECES_H_
