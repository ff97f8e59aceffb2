#include "fle/files/temporary_name.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/random.h>
#include <unistd.h>

namespace fle::files {
namespace {

constexpr std::size_t kLongestName = 255;  // NAME_MAX
constexpr std::size_t kRandomChars = 16;

/// What the handler reads: a name, and its folder, which is written last and cleared first.
struct Watched {
  std::atomic<int> folder{-1};
  char name[kLongestName + 1] = {};
};
constinit std::array<Watched, kMostWatched> watched;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void remove_name_and_end(int signal) {
  const int error = errno;
  for (const Watched& w : watched)
    if (const int folder = w.folder.load(); folder >= 0) ::unlinkat(folder, w.name, 0);
  // Blocked while this handler runs: it ends the process as soon as it returns.
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  errno = error;
}

/// Those whose default is not to end the process (signal(7)), and those that nobody can catch.
bool is_harmless(int signal) noexcept {
  static constexpr int kHarmless[] = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
                                      SIGCONT, SIGCHLD, SIGURG,  SIGWINCH};
  return std::ranges::count(kHarmless, signal) != 0;
}

void catch_signals() noexcept {
  for (int s = 1; s <= SIGRTMAX; ++s) {
    struct sigaction action {};
    // nohup and shells in the background have some ignored, sanitizers catch others: so they stay.
    if (is_harmless(s) || ::sigaction(s, nullptr, &action) != 0 || action.sa_handler != SIG_DFL)
      continue;
    action = {};
    action.sa_handler = remove_name_and_end;
    ::sigaction(s, &action, nullptr);
  }
}

}  // namespace

Outcome<std::string> random_chars(std::size_t n) {
  static constexpr char kChars[] = "abcdefghijklmnopqrstuvwxyz012345";
  std::string out(n, '\0');
  while (::getrandom(out.data(), n, 0) != static_cast<ssize_t>(n)) {
    if (errno != EINTR) return Failure(Errc::random_failed, "no random name for a temporary file");
  }
  for (char& c : out) c = kChars[static_cast<unsigned char>(c) % 32];
  return out;
}

Outcome<std::string> temporary_name(const std::string& name) {
  FLE_TRY(const std::string random, random_chars(kRandomChars));
  return "." + name.substr(0, kLongestName - kRandomChars - 2) + "." + random;
}

std::optional<std::size_t> watch_name(int folder, const std::string& name) noexcept {
  const auto free =
      std::ranges::find_if(watched, [](const Watched& w) { return w.folder.load() < 0; });
  if (free == watched.end() || name.size() > kLongestName) return std::nullopt;
  std::memcpy(free->name, name.c_str(), name.size() + 1);
  free->folder.store(folder);
  catch_signals();
  return static_cast<std::size_t>(free - watched.begin());
}

void forget_name(std::size_t watch) noexcept { watched[watch].folder.store(-1); }

}  // namespace fle::files
