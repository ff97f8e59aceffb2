// What is left of credentials, tokens and data keys in memory: nothing. The server makes the
// secrets; this process gets them in a file of options only, and afterwards once more, masked, to
// know what to search for.
#include <fcntl.h>
#include <unistd.h>

#include "cloud_support.h"
#include "fle/kms/key_document.h"
#include "fle/random.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::kms::test {
namespace {

using fle::test::MemorySearch;
using Memory = Clouds;

/// Reads without a stream, whose buffers would keep a copy.
WipedBuffer read_file(const std::string& file) {
  WipedBuffer out;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
  EXPECT_TRUE(out.reset(size));
  EXPECT_EQ(::pread(fd, out.bytes().data(), size, 0), static_cast<ssize_t>(size));
  ::close(fd);
  return out;
}

SecretBytes fresh_data_key() {
  SecretBytes out = *SecretBytes::create(96);
  EXPECT_TRUE(random_bytes(out.expose_mut()));
  return out;
}

void use(const Providers& providers, const std::string& id, const MasterKey& mk) {
  Provider& provider = **providers.find(id);
  const SecretBytes key = fresh_data_key();
  const auto wrapped = provider.wrap(key, mk);
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  const auto opened = provider.unwrap(*wrapped, mk);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), key.expose()));
}

TEST_F(Memory, HoldsNothingOfCredentialsTokensAndDataKeysOnceProvidersAreGone) {
  if (fle::test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  const std::string port = server.port_text();
  const std::string host = "kms.localhost:" + port;
  const std::string key = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
  server.configure(R"({"port": )" + port + R"(, "gcp": {"key": ")" + key +
                   R"(", "scope": "https://www.localhost/auth/cloudkms"},
                      "azure": {"clientId": "c", "scope": "https://localhost/.default",
                                "keyName": "k", "currentVersion": "0"}})");
  const std::string file = certificates.dir().file("kms.json");
  server.make_accounts(file);
  KmsOptions kms = kms_options();
  kms.tls["azure:token"] = kms.tls["azure"];
  kms.allowed_endpoints["azure:token"] = {".localhost"};

  const std::string masked = certificates.dir().file("masked");
  std::size_t live = 0;
  {
    WipedBuffer text = read_file(file);
    const auto providers = Providers::from_json(
        {reinterpret_cast<const char*>(text.bytes().data()), text.bytes().size()}, kms);
    text = WipedBuffer();
    ASSERT_TRUE(providers) << providers.error().to_string();
    use(*providers, "aws", aws_key(host));
    use(*providers, "azure", MasterKey::azure("vault.localhost:" + port, "k"));
    use(*providers, "azure:token",
        MasterKey::azure("vault.localhost:" + port, "k", "", "azure:token"));
    use(*providers, "gcp", MasterKey::gcp({"p", "l", "r", "k", "", host}));
    // Errors, too.
    server.misbehave(R"([{"echo": "body"}, {"echo": "authorization"}])");
    const auto refused = (*providers->find("aws"))->wrap(fresh_data_key(), aws_key(host));
    EXPECT_FALSE(refused);
    server.write_secrets(masked, MemorySearch::kMask);
    for (const std::size_t n : MemorySearch(masked).count()) live += n;
  }
  // The search does find what is there.
  EXPECT_GT(live, 500U);
  MemorySearch search(masked);
  EXPECT_GE(search.n_secrets(), 20U);
  const auto found = search.count();
  EXPECT_GT(search.n_bytes(), 1'000'000U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], 0U) << "secret " << i;
}

}  // namespace
}  // namespace fle::kms::test
