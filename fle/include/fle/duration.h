#ifndef FLE_DURATION_H_
#define FLE_DURATION_H_

// std::chrono's durations and points in time, for the headers of libfle. C++20's <chrono> brings
// streams and locales with it, a fifth of all that fle/fle.h costs a compiler; libstdc++ has what
// is needed here in a file of its own, as it does for <mutex>.
#include <cstdint>
#if defined(__GLIBCXX__) && __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif

#endif  // FLE_DURATION_H_
