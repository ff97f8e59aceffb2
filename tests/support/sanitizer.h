#ifndef FLE_TESTS_SUPPORT_SANITIZER_H_
#define FLE_TESTS_SUPPORT_SANITIZER_H_

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FLE_SANITIZED 1
#endif
#endif

namespace fle::test {

/// Built with AddressSanitizer or ThreadSanitizer: they own malloc and turn mlock(2) into nothing.
#if defined(FLE_SANITIZED)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Why a child that forks while other threads are at work is left to a build without: the allocator
/// of a sanitizer (Clang 14) has locks of its own, which a thread may hold at the fork, and a child
/// then waits for that thread forever. glibc's is made ready for the child.
inline constexpr const char* kForksAmongThreads = "a sanitizer has locks of its own";

/// Of what a test goes through one by one (each length, each byte), a program with a sanitizer
/// takes one in so many: it is slower by as much, and code does the same to memory for neighbors.
/// All of them are for the build without.
inline constexpr unsigned kStep = kSanitized ? 7 : 1;

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_SANITIZER_H_
