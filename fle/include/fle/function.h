#ifndef FLE_FUNCTION_H_
#define FLE_FUNCTION_H_

// std::function, for the headers of libfle. <functional> brings searchers with it, and with them
// hash tables and all algorithms; libstdc++ has the class in a file of its own.
#include <cstddef>  // says which library this is
#if defined(__GLIBCXX__) && __has_include(<bits/std_function.h>)
#include <bits/std_function.h>
#else
#include <functional>
#endif

#endif  // FLE_FUNCTION_H_
