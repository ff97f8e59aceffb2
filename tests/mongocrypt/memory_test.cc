// The library when the heap has no more, whoever asks for it: an error, never the end of the
// process. Alone, for it has a malloc of its own.
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "mongocrypt/library.h"
#include "support/sanitizer.h"

namespace {

constexpr long kNever = std::numeric_limits<long>::max();
/// This thread's allocation that fails, counted down.
thread_local long fail_after = kNever;

[[maybe_unused]] bool fails() noexcept {
  if (fail_after == kNever || fail_after-- != 0) return false;
  fail_after = kNever;
  errno = ENOMEM;
  return true;
}

}  // namespace

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
extern "C" {
void* __libc_malloc(std::size_t n);            // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* p, std::size_t n);  // NOLINT(bugprone-reserved-identifier)
void* malloc(std::size_t n) { return fails() ? nullptr : __libc_malloc(n); }
void* realloc(void* p, std::size_t n) { return fails() ? nullptr : __libc_realloc(p, n); }
}
constexpr bool kHasOwnMalloc = true;
#else
constexpr bool kHasOwnMalloc = false;
#endif

namespace fle::test {
namespace {

/// Runs `call` with its 1st, 2nd, ... allocation failing, until it needs no more.
/// @return how often it failed
int with_failing_allocations(const std::function<bool(long fail)>& call) {
  int failed = 0;
  bool needed_all = true;
  for (long n = 0; needed_all && n < 20'000; ++n) {
    failed += call(n) ? 0 : 1;
    needed_all = fail_after == kNever;
    fail_after = kNever;
  }
  EXPECT_FALSE(needed_all) << "never has enough";
  return failed;
}

TEST(MongocryptMemory, KmsProvidersThatFindNoneAreAnError) {
  if (!kHasOwnMalloc) GTEST_SKIP() << "a sanitizer owns malloc";
  const Library& l = Library::ours();
  const View providers(
      l, bson_of(R"({"aws": {"accessKeyId": "a", "secretAccessKey": "canary"}, "local": {}})"));
  EXPECT_GT(with_failing_allocations([&](long fail) {
              mongocrypt_t* const crypt = l.mongocrypt_new();
              fail_after = fail;
              const bool set = l.mongocrypt_setopt_kms_providers(crypt, providers);
              const long left = fail_after;
              fail_after = kNever;
              l.mongocrypt_destroy(crypt);
              fail_after = left;
              return set;
            }),
            10);
}

TEST(MongocryptMemory, AnAnswerOfAKmsThatFindsNoneIsAnError) {
  if (!kHasOwnMalloc) GTEST_SKIP() << "a sanitizer owns malloc";
  const Library& l = Library::ours();
  const Client client(l, {R"({"aws": {"accessKeyId": "a", "secretAccessKey": "canary"}})"});
  const View kek(l, bson_of(R"({"provider": "aws", "region": "us-east-1", "key": "arn:aws:kms:us-)"
                            R"(east-1:1:key/x"})"));
  const std::string body =
      R"({"CiphertextBlob": ")" + std::string(128, 'A') + R"(", "KeyId": "k"})";
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const View answer(l, Buf(text.begin(), text.end()));
  EXPECT_GT(with_failing_allocations([&](long fail) {
              const Ctx ctx(client);
              EXPECT_TRUE(l.mongocrypt_ctx_setopt_key_encryption_key(ctx, kek));
              EXPECT_TRUE(l.mongocrypt_ctx_datakey_init(ctx));
              mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
              const View message(l);
              EXPECT_TRUE(l.mongocrypt_kms_ctx_message(kms, message));
              EXPECT_GE(l.mongocrypt_kms_ctx_bytes_needed(kms), text.size());
              fail_after = fail;
              const bool fed = l.mongocrypt_kms_ctx_feed(kms, answer);
              const long left = fail_after;
              fail_after = kNever;
              EXPECT_EQ(fed && l.mongocrypt_ctx_kms_done(ctx), fed);
              fail_after = left;
              return fed;
            }),
            3);
}

}  // namespace
}  // namespace fle::test
