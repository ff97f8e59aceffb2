// What is left in memory of local and KMIP keys: nothing. This process never holds the master keys
// or the client's private key but in the library's hands, and reads them masked to search for them.
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/aead.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "fle/random.h"
#include "kms/kmip/pykmip/pykmip.h"
#include "kms/secret_file.h"
#include "kms/support.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::kms {
namespace {

using fle::test::MemorySearch;
using test::bson_of;
using test::Buf;
using test::Pykmip;

std::size_t sum(const std::vector<std::size_t>& counts) {
  std::size_t n = 0;
  for (const std::size_t c : counts) n += c;
  return n;
}

class MemoryScan : public testing::Test {
 protected:
  void SetUp() override {
    if (fle::test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
    if (!Pykmip::is_installed()) GTEST_SKIP() << "no python3-pykmip";
    server_.emplace();
  }

  [[nodiscard]] Outcome<Providers> providers() {
    const WipedBuffer text = test::read_secret(server_->folder() + "providers.json");
    return Providers::from_json(
        {reinterpret_cast<const char*>(text.bytes().data()), text.bytes().size()},
        server_->options());
  }

  /// 96 random bytes, to be searched for.
  SecretBytes new_data_key() {
    SecretBytes key = *SecretBytes::create(96);
    EXPECT_TRUE(random_bytes(key.expose_mut()));
    Buf masked;
    for (const std::uint8_t b : key.expose())
      masked.push_back(static_cast<std::uint8_t>(b ^ MemorySearch::kMask));
    data_keys_.push_back(masked);
    return key;
  }

  /// The one key of a vault, as a ring gives it; null, and a failure, where there is none.
  KeyHandle key_in_use() {
    const std::shared_ptr<KeyVault> vault = make_memory_vault();
    auto made = providers();
    EXPECT_TRUE(made) << made.error().to_string();
    if (!made) return nullptr;
    const auto shared = std::make_shared<const Providers>(*std::move(made));
    live_with("local", "{}", vault, shared);
    ring_.emplace(vault, shared);
    const auto key = ring_->by_id((*vault->list())[0].id);
    EXPECT_TRUE(key);
    return key ? *key : nullptr;
  }

  /// Everything that is secret by now.
  [[nodiscard]] std::unique_ptr<MemorySearch> search() {
    const std::string file = server_->folder() + "masked";
    server_->write_masked_secrets(file, MemorySearch::kMask);
    auto out = std::make_unique<MemorySearch>(file);
    for (const Buf& key : data_keys_) out->add(key);
    return out;
  }

  /// Makes a data key in `vault`, finds it again, and uses it.
  void live_with(const std::string& provider, const std::string& fields,
                 const std::shared_ptr<KeyVault>& vault,
                 const std::shared_ptr<const Providers>& from) {
    KeyId id;
    {
      const SecretBytes material = new_data_key();
      const auto made =
          create_data_key(*vault, *from,
                          {.master_key = *MasterKey::from_fields(provider, bson_of(fields)),
                           .key_material = material.expose()});
      ASSERT_TRUE(made) << made.error().to_string();
      id = made->id;
    }
    KeyRing ring(vault, from);
    const auto key = ring.by_id(id);
    ASSERT_TRUE(key) << key.error().to_string();
    Buf sealed(sealed_len(100));
    Buf opened(padded_len(100));
    ASSERT_TRUE(aead_seal(sealed, Buf(100, 'v'), {}, (*key)->key));
    ASSERT_TRUE(aead_open(opened, sealed, {}, (*key)->key));
  }

  std::optional<Pykmip> server_;
  std::vector<Buf> data_keys_;  // masked
  std::optional<KeyRing> ring_;
};

TEST_F(MemoryScan, FindsNothingOfAnyKeyOnceAllHandlesAreGone) {
  const std::shared_ptr<KeyVault> vault = make_memory_vault();
  std::size_t live = 0;
  {
    auto made = providers();
    ASSERT_TRUE(made) << made.error().to_string();
    const auto shared = std::make_shared<const Providers>(*std::move(made));
    live_with("local", "{}", vault, shared);
    live_with("kmip", "{}", vault, shared);
    live_with("kmip", R"({"delegated": true})", vault, shared);
    // Failures, too: a key that is not there, and material of another key.
    auto keys = *vault->list();
    Provider& kmip = **shared->find("kmip");
    EXPECT_FALSE(kmip.unwrap(Buf(160), keys[1].master_key));
    EXPECT_FALSE(kmip.unwrap(keys[1].key_material,
                             *MasterKey::from_fields("kmip", bson_of(R"({"keyId": "99"})"))));
    live = sum(search()->count());
  }
  EXPECT_GE(live, 2U * 17U) << "the search finds what is there: 32 bytes of two keys";
  const auto after = search();
  // Local master key and its base64, four forms of the client's key, two objects, three data keys.
  EXPECT_EQ(after->n_secrets(), 2U + 4U + 2U + 3U);
  const auto found = after->count();
  EXPECT_GT(after->n_bytes(), 1'000'000U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], 0U) << "secret " << i;
}

TEST_F(MemoryScan, FindsKeysInUseOnlyOnPagesThatAreLockedAndKeptOutOfCoreDumps) {
  const KeyHandle key = key_in_use();
  ASSERT_TRUE(key);
  // Not the client's private key: that is OpenSSL's, and not kept for local keys.
  const auto all = search();
  const auto total = sum(all->count());
  EXPECT_GT(total, 0U);
  EXPECT_EQ(sum(all->count("lo dd wf")), total);
}

TEST_F(MemoryScan, FindsNothingInAForkedChild) {
  const KeyHandle key = key_in_use();
  ASSERT_TRUE(key);
  const auto all = search();
  ASSERT_GT(sum(all->count()), 0U);
  const pid_t child = ::fork();
  if (child == 0) {
    all->open_own_memory();
    ::_exit(sum(all->count()) == 0 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "1 in the exit code: keys were found";
}

}  // namespace
}  // namespace fle::kms
