#ifndef FLE_TOOLS_CRYPTD_FAIR_QUEUE_H_
#define FLE_TOOLS_CRYPTD_FAIR_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>

namespace fle::cryptd {

/// Jobs that wait for a thread, and which is next: clients take turns, and none of them has all
/// threads, however many jobs it brings. Each client's own jobs start in the order in which they
/// came. Not for concurrent use: it says what may start, and others run it.
class FairQueue {
 public:
  struct Job {
    std::string client;
    std::function<void()> run;
  };

  /// @param threads  jobs that may run at once. One client may have all of them but one; of one
  ///                 thread, that one.
  explicit FairQueue(std::size_t threads) noexcept;

  void add(Job job);
  /// The job that starts now; nothing while none may. ended() must follow for it.
  [[nodiscard]] std::optional<Job> next();
  /// A job of that client has ended.
  void ended(const std::string& client);

 private:
  struct Client {
    std::size_t running = 0;
    std::deque<std::function<void()>> waiting;
  };
  using Clients = std::map<std::string, Client>;

  const std::size_t threads_;
  const std::size_t most_for_one_;
  std::size_t running_ = 0;
  Clients clients_;                     // that run or wait
  std::list<Clients::iterator> turns_;  // those that wait; the first is next
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_FAIR_QUEUE_H_
