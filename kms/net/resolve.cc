#include "resolve.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <dlfcn.h>

#include "no_signals.h"

namespace fle::kms {
namespace {

Failure unreachable(std::string why) { return {Errc::kms_unreachable, std::move(why)}; }

std::atomic<int> n_late{0};

/// What the thread and its caller share; whoever is last frees it.
struct Question {
  std::string host;
  std::string port;
  std::mutex mutex;
  std::condition_variable answered;
  bool done = false;
  bool late = false;  // the caller has left
  int why = 0;
  Addresses found;

  int ask(GetAddresses get, int flags, Addresses& out) const {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    const int result = get(host.c_str(), port.c_str(), &hints, &list);
    if (result == 0) out.reset(list);
    return result;
  }
};

Failure no_address(int why) {
  return unreachable(std::string("the name has no address: ") + ::gai_strerror(why));
}

/// A thread may outlive every object that was asked for, after which a program may unload the
/// library: what the thread returns to stays where it is.
void stay_loaded() noexcept {
  static const bool kStays = [] {
    Dl_info here{};
    if (::dladdr(reinterpret_cast<const void*>(&no_address), &here) == 0) return false;
    return ::dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
  }();
  static_cast<void>(kStays);  // a program itself is never unloaded
}

}  // namespace

Outcome<Addresses> resolve(const TlsPeer& peer, Deadline deadline, GetAddresses ask) {
  const auto question = std::make_shared<Question>();
  question->host = peer.host;
  question->port = std::to_string(peer.port);
  Addresses numeric;
  if (question->ask(&::getaddrinfo, AI_NUMERICHOST, numeric) == 0) return numeric;
  if (n_late >= kMostLateResolvers)
    return unreachable("no address in time: the resolver has not answered " +
                       std::to_string(kMostLateResolvers) +
                       " times, and is not asked again before");
  stay_loaded();
  try {
    const NoSignals inherited;
    std::thread([question, ask] {
      Addresses found;
      const int why = question->ask(ask, 0, found);
      const std::lock_guard lock(question->mutex);
      if (question->late) --n_late;
      question->why = why;
      question->found = std::move(found);
      question->done = true;
      question->answered.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return unreachable("no thread to look up the name with");
  }
  std::unique_lock lock(question->mutex);
  if (!question->answered.wait_until(lock, deadline, [&] { return question->done; })) {
    question->late = true;
    ++n_late;
    return unreachable("no address in time");
  }
  if (question->why != 0) return no_address(question->why);
  return std::move(question->found);
}

}  // namespace fle::kms
