#ifndef FLE_KMS_WORK_ON_ALL_H_
#define FLE_KMS_WORK_ON_ALL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "fle/failure.h"

namespace fle::kms {

struct WorkOptions {
  std::size_t threads = 1;
  std::uint32_t retries = 0;  ///< Rounds over what may be tried again, after the first.
  bool keep_going = false;    ///< Past what failed for good.
  std::function<void(std::chrono::milliseconds)> wait{};  ///< Null: sleeps.
};

/// An item that was not done, and why.
struct Undone {
  std::size_t item;
  Failure failure;
};

/// Calls work(0) .. work(n - 1), several at once, in about this order. What fails for now is left
/// for a next round, after a wait (backoff.h). A round in which one item after the other fails so
/// ends early: the server is down, and each of 10,000 items would wait for it.
///
/// @param work  thread-safe. An exception that it throws ends all, and is thrown here.
/// @return      in the order of items; without keep_going at most one: nothing new was begun after
///              it
[[nodiscard]] std::vector<Undone> work_on_all(std::size_t n, const WorkOptions& options,
                                              const std::function<Done(std::size_t)>& work);

}  // namespace fle::kms

#endif  // FLE_KMS_WORK_ON_ALL_H_
