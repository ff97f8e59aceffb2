#ifndef FLE_KMS_SIDE_BY_SIDE_H_
#define FLE_KMS_SIDE_BY_SIDE_H_

#include <cstddef>
#include <functional>

namespace fle::kms {

/// Calls `work(i)` for each i below `n`, `most` at a time, and returns when all have ended: on this
/// thread and on others that end before it returns. Where no thread can be had, fewer do it. An
/// exception of `work` is thrown here once all have ended; what has not begun by then is left out.
void side_by_side(std::size_t n, std::size_t most, const std::function<void(std::size_t)>& work);

}  // namespace fle::kms

#endif  // FLE_KMS_SIDE_BY_SIDE_H_
