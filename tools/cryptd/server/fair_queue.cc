#include "fair_queue.h"

#include <algorithm>
#include <utility>

namespace fle::cryptd {

FairQueue::FairQueue(std::size_t threads) noexcept
    : threads_(threads), most_for_one_(std::max<std::size_t>(2, threads) - 1) {}

void FairQueue::add(Job job) {
  const auto client = clients_.try_emplace(std::move(job.client)).first;
  // All or nothing, also without memory: one that waits has its turn.
  const bool first = client->second.waiting.empty();
  if (first) turns_.push_back(client);
  try {
    client->second.waiting.push_back(std::move(job.run));
  } catch (...) {
    if (first) turns_.pop_back();
    throw;
  }
}

std::optional<FairQueue::Job> FairQueue::next() {
  if (running_ == threads_) return std::nullopt;
  const auto turn = std::ranges::find_if(
      turns_, [this](const Clients::iterator& c) { return c->second.running < most_for_one_; });
  if (turn == turns_.end()) return std::nullopt;
  auto& [name, client] = **turn;
  Job job{name, std::move(client.waiting.front())};
  client.waiting.pop_front();
  ++client.running;
  ++running_;
  // Behind all others that wait, or out of the row.
  if (client.waiting.empty()) {
    turns_.erase(turn);
  } else {
    turns_.splice(turns_.end(), turns_, turn);
  }
  return job;
}

void FairQueue::ended(const std::string& client) {
  const auto found = clients_.find(client);
  --running_;
  if (--found->second.running == 0 && found->second.waiting.empty()) clients_.erase(found);
}

}  // namespace fle::cryptd
