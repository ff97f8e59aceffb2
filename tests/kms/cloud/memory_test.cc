// What is left of credentials, tokens and data keys in memory: nothing. The server makes the
// secrets; this process gets them in a file of options only, and afterwards once more, masked, to
// know what to search for.
#include <array>
#include <bitset>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unordered_map>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cloud_support.h"
#include "fle/kms/key_document.h"
#include "fle/random.h"
#include "support/sanitizer.h"

namespace fle::kms::test {
namespace {

constexpr std::uint8_t kMask = 0x5a;
constexpr std::size_t kFragment = 16;

std::uint64_t word_at(const std::uint8_t* p) noexcept {
  std::uint64_t w = 0;
  std::memcpy(&w, p, sizeof w);
  return w;
}

/// Looks for fragments of secrets in all readable memory of this process.
class MemorySearch {
 public:
  explicit MemorySearch(const std::string& masked_file) {
    std::ifstream in(masked_file, std::ios::binary);
    std::uint32_t size = 0;
    while (in.read(reinterpret_cast<char*>(&size), sizeof size)) {
      std::vector<std::uint8_t> secret(size);
      in.read(reinterpret_cast<char*>(secret.data()), static_cast<std::streamsize>(size));
      for (std::size_t i = 0; i + kFragment <= secret.size(); ++i) {
        const std::uint64_t key = word_at(secret.data() + i);
        maybe_.set(hash(key));
        fragments_.emplace(key, Fragment{n_secrets_, {}}).first->second.rest =
            word_at(secret.data() + i + 8);
      }
      ++n_secrets_;
    }
    chunk_ = static_cast<std::uint8_t*>(
        ::mmap(nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memory_ = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  }
  ~MemorySearch() {
    ::munmap(chunk_, kChunk);
    ::close(memory_);
  }
  MemorySearch(const MemorySearch&) = delete;
  MemorySearch& operator=(const MemorySearch&) = delete;

  [[nodiscard]] std::size_t n_secrets() const noexcept { return n_secrets_; }
  [[nodiscard]] std::size_t n_bytes() const noexcept { return n_bytes_; }

  /// For each secret the number of places where a fragment of it stands.
  std::vector<std::size_t> count() {
    found_.assign(n_secrets_, 0);
    n_bytes_ = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      std::uintptr_t from = 0;
      std::uintptr_t to = 0;
      char access[8] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %7s", &from, &to, access) != 3) continue;
      if (access[0] == 'r' && from != reinterpret_cast<std::uintptr_t>(chunk_)) scan(from, to);
    }
    return found_;
  }

 private:
  struct Fragment {
    std::size_t secret;
    std::uint64_t rest;
  };
  static constexpr std::size_t kChunk = 1U << 20;
  static constexpr std::uint64_t kMaskWord = 0x0101010101010101U * kMask;

  static std::size_t hash(std::uint64_t w) noexcept {
    return static_cast<std::size_t>((w * 0x9e3779b97f4a7c15U) >> 44);
  }

  void scan(std::uintptr_t from, std::uintptr_t to) {
    for (; from + kFragment <= to; from += kChunk - kFragment + 1) {
      const std::size_t want = std::min<std::size_t>(kChunk, to - from);
      // Some regions, such as [vvar], cannot be read like this.
      const ssize_t n = ::pread(memory_, chunk_, want, static_cast<off_t>(from));
      if (n < static_cast<ssize_t>(kFragment)) return;
      n_bytes_ += static_cast<std::size_t>(n);
      for (std::size_t i = 0; i + kFragment <= static_cast<std::size_t>(n); ++i) look_at(i);
    }
  }
  void look_at(std::size_t i) {
    const std::uint64_t key = word_at(chunk_ + i) ^ kMaskWord;
    if (!maybe_[hash(key)]) return;
    const auto it = fragments_.find(key);
    if (it != fragments_.end() && it->second.rest == (word_at(chunk_ + i + 8) ^ kMaskWord))
      ++found_[it->second.secret];
  }

  std::unordered_map<std::uint64_t, Fragment> fragments_;  // by masked first half
  std::bitset<1U << 20> maybe_;
  std::vector<std::size_t> found_;
  std::uint8_t* chunk_;
  std::size_t n_secrets_ = 0;
  std::size_t n_bytes_ = 0;
  int memory_;
};

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
    server.write_secrets(masked, kMask);
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
