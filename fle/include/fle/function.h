#ifndef FLE_FUNCTION_H_
#define FLE_FUNCTION_H_

// std::function, for the headers of libfle. <functional> brings searchers with it, and with them
// hash tables and all algorithms; libstdc++ has the class in a file of its own.
#if defined(__GLIBCXX__) && __has_include(<bits/std_function.h>)
#include <bits/std_function.h>

#include "fle/function.h"
#else
#endif

#endif  // FLE_FUNCTION_H_
