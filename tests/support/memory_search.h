#ifndef FLE_TESTS_SUPPORT_MEMORY_SEARCH_H_
#define FLE_TESTS_SUPPORT_MEMORY_SEARCH_H_

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fle::test {

/// Looks for fragments, 16 bytes long, of secrets in all readable memory of this process. It knows
/// them with every byte XORed with kMask, so that it does not find itself.
class MemorySearch {
 public:
  static constexpr std::uint8_t kMask = 0x5a;
  static constexpr std::size_t kFragment = 16;

  /// @param masked_file  secrets, each as its length (32 bits in the order of this machine) and its
  ///                     masked bytes.
  explicit MemorySearch(const std::string& masked_file) : MemorySearch() {
    std::ifstream in(masked_file, std::ios::binary);
    std::uint32_t size = 0;
    while (in.read(reinterpret_cast<char*>(&size), sizeof size)) {
      std::vector<std::uint8_t> secret(size);
      in.read(reinterpret_cast<char*>(secret.data()), static_cast<std::streamsize>(size));
      add(secret);
    }
  }
  MemorySearch() {
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

  /// Searches for one more secret.
  void add(const std::vector<std::uint8_t>& masked) {
    for (std::size_t i = 0; i + kFragment <= masked.size(); ++i) {
      const std::uint64_t key = word_at(masked.data() + i);
      maybe_.set(hash(key));
      fragments_.emplace(key, Fragment{n_secrets_, {}}).first->second.rest =
          word_at(masked.data() + i + 8);
    }
    ++n_secrets_;
  }

  [[nodiscard]] std::size_t n_secrets() const noexcept { return n_secrets_; }
  [[nodiscard]] std::size_t n_bytes() const noexcept { return n_bytes_; }

  /// For each secret the number of places where a fragment of it stands.
  /// @param flags  search only where VmFlags (proc(5), /proc/pid/smaps) has all of these words.
  std::vector<std::size_t> count(const std::string& flags = {}) {
    found_.assign(n_secrets_, 0);
    n_bytes_ = 0;
    std::ifstream maps("/proc/self/smaps");
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    bool is_readable = false;
    for (std::string line; std::getline(maps, line);) {
      std::uintptr_t first = 0;
      std::uintptr_t last = 0;
      char access[8] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %7s", &first, &last, access) == 3) {
        from = first;
        to = last;
        is_readable = access[0] == 'r' && from != reinterpret_cast<std::uintptr_t>(chunk_);
      } else if (line.starts_with("VmFlags:") && is_readable && has_all(line, flags)) {
        scan(from, to);
      }
    }
    return found_;
  }

  /// For a forked child, which has inherited the memory file of its parent.
  void open_own_memory() {
    ::close(memory_);
    memory_ = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  }

 private:
  struct Fragment {
    std::size_t secret;
    std::uint64_t rest;
  };
  static constexpr std::size_t kChunk = 1U << 20;
  static constexpr std::uint64_t kMaskWord = 0x0101010101010101U * kMask;

  static std::uint64_t word_at(const std::uint8_t* p) noexcept {
    std::uint64_t w = 0;
    std::memcpy(&w, p, sizeof w);
    return w;
  }
  static std::size_t hash(std::uint64_t w) noexcept {
    return static_cast<std::size_t>((w * 0x9e3779b97f4a7c15U) >> 44);
  }

  static bool has_all(const std::string& line, const std::string& flags) {
    std::istringstream words(flags);
    for (std::string word; words >> word;)
      if (line.find(' ' + word) == std::string::npos) return false;
    return true;
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

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_MEMORY_SEARCH_H_
