#ifndef FLE_SRC_DECLASSIFY_H_
#define FLE_SRC_DECLASSIFY_H_

#if defined(FLE_CT_CHECK)
#include <valgrind/memcheck.h>
#endif

namespace fle::internal {

/// Marks an answer that is derived from secrets and yet may decide a branch, because the caller
/// gets to know it anyway. Does nothing but for tests/fle/kernels/ct_check.cc, where secrets are
/// undefined memory to valgrind: every place where one becomes public is a call of this function.
template <class T>
[[nodiscard]] inline T declassify(T answer) noexcept {
#if defined(FLE_CT_CHECK)
  (void)VALGRIND_MAKE_MEM_DEFINED(&answer, sizeof answer);
#endif
  return answer;
}

}  // namespace fle::internal

#endif  // FLE_SRC_DECLASSIFY_H_
