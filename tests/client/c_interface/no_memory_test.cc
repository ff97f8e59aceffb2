// What fle.h does when there is no memory: each call is made again and again, and the Nth request
// for memory in it fails, for every N. It must say so, give nothing, and leave all in order.
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <utility>

#include "client/c_interface/c_support.h"
#include "fle/bson/writer.h"
#include "fle/kms/key_vault.h"
#include "kms/temp_dir.h"
#include "support/sanitizer.h"

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
#define FLE_TEST_FAILS_MALLOC 1
namespace {
// Of this thread: requests that are still answered. Negative: all of them.
thread_local long n_answered = -1;
thread_local bool fails_once = false;

bool fails() noexcept {
  if (n_answered != 0) {
    if (n_answered > 0) --n_answered;
    return false;
  }
  if (fails_once) n_answered = -1;
  errno = ENOMEM;
  return true;
}
}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" void* __libc_malloc(std::size_t n);
extern "C" void* __libc_calloc(std::size_t items, std::size_t n);
extern "C" void* __libc_realloc(void* p, std::size_t n);
// NOLINTEND(bugprone-reserved-identifier)
extern "C" void* malloc(std::size_t n) { return fails() ? nullptr : __libc_malloc(n); }
extern "C" void* calloc(std::size_t items, std::size_t n) {
  return fails() ? nullptr : __libc_calloc(items, n);
}
extern "C" void* realloc(void* p, std::size_t n) {
  return fails() ? nullptr : __libc_realloc(p, n);
}
#endif

namespace fle::test::c {
namespace {

#ifdef FLE_TEST_FAILS_MALLOC

struct NoMemory : ::testing::Test, Clinic {
  using Call = std::function<int(fle_buffer*, fle_error*)>;

  /// Calls until a call gets all that it asks for.
  void fails_cleanly(const char* what, const Call& call) const {
    constexpr long kMost = 5000;
    for (const bool once : {false, true}) {
      long n = 0;
      for (bool done = false; !done && n < kMost; ++n) {
        SCOPED_TRACE(std::string(what) + (once ? ": only request " : ": from request ") +
                     std::to_string(n) + " on");
        const Buffer result(fle_buffer_create());
        const Error why(fle_error_create());
        fails_once = once;
        n_answered = n;
        const int code = call(result.get(), why.get());
        done = n_answered > 0;
        n_answered = -1;
        if (code == FLE_OK) continue;  // it can do without
        ASSERT_FALSE(done) << fle_error_message(why.get());
        // libcrypto has one error for all that fails in it.
        ASSERT_TRUE(code == FLE_ERRC_NO_MEMORY || code == FLE_ERRC_CRYPTO_FAILED)
            << fle_error_message(why.get());
        EXPECT_EQ(fle_error_code(why.get()), code);
        EXPECT_EQ(fle_buffer_size(result.get()), 0U);
      }
      EXPECT_LT(n, kMost) << what;
    }
  }
  static int code_of(fle_error* why) { return fle_error_code(why); }
};

TEST_F(NoMemory, OfSchemasAndProvidersIsAnError) {
  std::string json = patients_json(id);
  for (char& c : json)
    if (c == '\'') c = '"';
  fails_cleanly("schema", [&](fle_buffer*, fle_error* why) {
    const Schema made(fle_schema_create(json.data(), json.size(), nullptr, 0, why));
    return made != nullptr ? 0 : code_of(why);
  });
  const std::string kms =
      R"({"local": {"key": ")" + std::string(128, 'A') +
      R"("}, "aws": {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "secret of the account"},
      "azure": {"tenantId": "tenant", "clientId": "client", "clientSecret": "secret"}})";
  fails_cleanly("providers", [&](fle_buffer*, fle_error* why) {
    const Providers made(
        fle_providers_create(kms.data(), kms.size(), nullptr, FLE_LOCK_BEST_EFFORT, why));
    return made != nullptr ? 0 : code_of(why);
  });
}

TEST_F(NoMemory, OfAVaultInMemoryStoresAllKeysOrNone) {
  for (int i = 0; i < 5; ++i) {
    const KeyOptions options(fle_key_options_create(error.get()));
    for (const char* const name : {"a name that is longer than a short string ", "and another "})
      fle_key_options_add_name(options.get(), (name + std::to_string(i)).c_str(), FLE_NUL,
                               error.get());
    KeyId other;
    ASSERT_EQ(fle_keys_create_key(keys.get(), other.bytes.data(), options.get(), error.get()),
              FLE_OK)
        << message();
  }
  ASSERT_EQ(fle_keys_list(keys.get(), out.get(), error.get()), FLE_OK);
  const Doc all = copy(bytes(out));
  const Providers providers(fle_providers_create(nullptr, 0, nullptr, 0, error.get()));
  fails_cleanly("import", [&](fle_buffer*, fle_error* why) {
    const long n = std::exchange(n_answered, -1);
    const Vault vault(fle_vault_open_memory(error.get()));
    const Keys made(fle_keys_create(vault.get(), providers.get(), 0, error.get()));
    n_answered = n;
    const int code = fle_keys_import(made.get(), all.data(), all.size(), why);
    const long left = std::exchange(n_answered, -1);
    EXPECT_EQ(fle_keys_list(made.get(), out.get(), error.get()), FLE_OK) << message();
    EXPECT_EQ(copy(bytes(out)), code == FLE_OK ? all : Doc());
    if (code != FLE_OK) {
      EXPECT_EQ(fle_keys_import(made.get(), all.data(), all.size(), error.get()), FLE_OK)
          << message();
    }
    n_answered = left;
    return code;
  });
}

// A key that cannot be looked for is not one that is not there, and none is deleted in words alone.
TEST_F(NoMemory, OfAVaultInAFileSaysNothingOfItsKeys) {
  if (!kms::have_sqlite_vault()) GTEST_SKIP() << "a build without SQLite";
  const kms::test::TempDir dir;
  const std::string path = dir.file("keys.db");
  const std::vector<std::uint8_t> master(96, 0x5a);
  const Providers providers(
      fle_providers_create(nullptr, 0, nullptr, FLE_LOCK_BEST_EFFORT, error.get()));
  ASSERT_EQ(fle_providers_add_local(providers.get(), "local", FLE_NUL, master.data(), master.size(),
                                    error.get()),
            FLE_OK);
  const auto open = [&] {
    const Vault vault(fle_vault_open_file(path.data(), path.size(), FLE_CREATE_FILE, error.get()));
    return Keys(fle_keys_create(vault.get(), providers.get(), FLE_LOCK_BEST_EFFORT, error.get()));
  };
  const Keys here = open();
  const Keys elsewhere = open();  // which waits for a lock that is left behind
  ASSERT_TRUE(here && elsewhere) << message();
  const std::string name = "a name that is longer than a short string";
  KeyId key;
  const auto create = [&](fle_keys* in, fle_error* why) {
    const KeyOptions options(fle_key_options_create(why));
    if (options == nullptr) return code_of(why);
    const int named = fle_key_options_add_name(options.get(), name.data(), name.size(), why);
    return named != FLE_OK ? named : fle_keys_create_key(in, key.bytes.data(), options.get(), why);
  };
  ASSERT_EQ(create(here.get(), error.get()), FLE_OK) << message();
  fails_cleanly("find", [&](fle_buffer*, fle_error* why) {
    KeyId found;
    return fle_keys_find(here.get(), found.bytes.data(), name.data(), name.size(), why);
  });
  fails_cleanly("get", [&](fle_buffer* result, fle_error* why) {
    return fle_keys_get(here.get(), result, key.bytes.data(), why);
  });
  fails_cleanly("add a name", [&](fle_buffer*, fle_error* why) {
    return fle_keys_add_name(here.get(), key.bytes.data(), "another of these long names", FLE_NUL,
                             why);
  });
  fails_cleanly("a name that is taken", [&](fle_buffer*, fle_error* why) {
    KeyId other;
    const KeyOptions options(fle_key_options_create(why));
    if (options == nullptr) return code_of(why);
    const int named = fle_key_options_add_name(options.get(), name.data(), name.size(), why);
    if (named != FLE_OK) return named;
    const int code = fle_keys_create_key(here.get(), other.bytes.data(), options.get(), why);
    EXPECT_NE(code, FLE_OK);
    return code == FLE_ERRC_KEY_DUPLICATE ? static_cast<int>(FLE_OK) : code;
  });
  // Somebody else may write after each of them.
  fails_cleanly("delete", [&](fle_buffer*, fle_error* why) {
    const int code = fle_keys_delete(here.get(), key.bytes.data(), why);
    const long n = std::exchange(n_answered, -1);
    if (code == FLE_OK) {
      EXPECT_EQ(create(elsewhere.get(), error.get()), FLE_OK) << message();
    }
    n_answered = n;
    return code;
  });
}

TEST_F(NoMemory, OfDocumentsIsAnErrorAndNoFaultOfTheirs) {
  const Doc one = patient();
  const Doc two = one + one;
  const Doc sealed = encrypted(two);
  for (const unsigned flags : {0U, unsigned{FLE_VERIFY}, unsigned{FLE_KEEP_ENCRYPTED}}) {
    const Cipher other(fle_cipher_create(keys.get(), schema.get(), flags, error.get()));
    fails_cleanly("encrypt", [&](fle_buffer* result, fle_error* why) {
      return fle_encrypt_documents(other.get(), result, two.data(), two.size(), why);
    });
    fails_cleanly("decrypt", [&](fle_buffer* result, fle_error* why) {
      return fle_decrypt_documents(other.get(), result, sealed.data(), sealed.size(), why);
    });
  }
}

#endif

}  // namespace
}  // namespace fle::test::c
