#ifndef FLE_BSON_WALK_EACH_PATH_H_
#define FLE_BSON_WALK_EACH_PATH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/work.h"

namespace fle::bson {

/// paths_of(), each path given to `take` with its index for as long as it returns true.
/// @return  false where the document turned out to be malformed: there are no more then.
FLE_API bool for_each_path(Bytes doc, std::span<const std::uint32_t> type_offsets,
                           const std::function<bool(std::size_t, std::string)>& take,
                           Work* work = nullptr);

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_EACH_PATH_H_
