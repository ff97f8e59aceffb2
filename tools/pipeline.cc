#include "pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

namespace fle::tools {
namespace {

// Input bytes on the way at once. Small fields grow about tenfold when encrypted, so the results
// of all of them stay well below 64 MiB; one large document may exceed it, alone.
constexpr std::size_t kInFlight = 2 * 1024 * 1024;
constexpr std::size_t kLargestChunk = 128 * 1024;
constexpr std::size_t kSmallestChunk = 16 * 1024;

class Pipeline {
 public:
  Pipeline(DocumentReader& reader, const Steps& steps, unsigned threads)
      : reader_(reader),
        steps_(steps),
        threads_(threads),
        chunk_(std::clamp(kInFlight / (2 * std::size_t{threads} + 2), kSmallestChunk,
                          kLargestChunk)) {}

  Done run() {
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < threads_; ++i) workers.emplace_back([this] { work(); });
    std::thread writer([this] { write(); });
    read();
    for (std::thread& t : workers) t.join();
    writer.join();
    if (failure_) return std::move(*failure_);
    return ok;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  // ---- The reading thread

  void read() {
    for (std::uint64_t index = 0;; ++index) {
      std::unique_ptr<Work> w = idle();
      if (w == nullptr) break;  // stopped
      Done done = reader_.next(w->chunk, chunk_);
      const bool failed = !done;
      w->chunk.index = index;
      // What was read before the failure goes out first, as its number says.
      const bool ended = !failed && w->chunk.ends.empty();
      if (ended) break;
      if (failed) {
        fail(index, std::move(done.error()));
        break;
      }
      queue(std::move(w));
    }
    const Lock lock(mutex_);
    read_all_ = true;
    changed_.notify_all();
  }

  /// A Work to fill, once there is room for another.
  std::unique_ptr<Work> idle() {
    Lock lock(mutex_);
    changed_.wait(
        lock, [this] { return failure_ || in_flight_ == 0 || in_flight_ + chunk_ <= kInFlight; });
    if (failure_) return nullptr;
    if (idle_.empty()) return steps_.make();
    std::unique_ptr<Work> w = std::move(idle_.back());
    idle_.pop_back();
    return w;
  }

  void queue(std::unique_ptr<Work> w) {
    const Lock lock(mutex_);
    in_flight_ += w->chunk.raw.size();
    ++queued_;
    todo_.push_back(std::move(w));
    changed_.notify_all();
  }

  // ---- The working threads

  void work() {
    for (;;) {
      std::unique_ptr<Work> w = next_todo();
      if (w == nullptr) return;
      Done done = process(*w);
      const std::uint64_t index = w->chunk.index;
      if (!done) {
        fail(index, std::move(done.error()));
        continue;
      }
      const Lock lock(mutex_);
      ready_.emplace(index, std::move(w));
      changed_.notify_all();
    }
  }

  Done process(Work& w) noexcept {
    try {
      return steps_.process(w);
    } catch (const std::bad_alloc&) {
      return Failure(Errc::no_memory, "out of memory");
    }
  }

  std::unique_ptr<Work> next_todo() {
    Lock lock(mutex_);
    // After a failure, earlier chunks are still finished: the failure of the earliest one counts.
    changed_.wait(lock, [this] { return !todo_.empty() || read_all_; });
    if (todo_.empty()) return nullptr;
    std::unique_ptr<Work> w = std::move(todo_.front());
    todo_.pop_front();
    return w;
  }

  // ---- The writing thread

  void write() {
    for (std::uint64_t index = 0;; ++index) {
      std::unique_ptr<Work> w = next_ready(index);
      if (w == nullptr) return;
      if (Done done = steps_.write(*w); !done) {
        fail(index, std::move(done.error()));
        return;
      }
      const Lock lock(mutex_);
      in_flight_ -= w->chunk.raw.size();
      idle_.push_back(std::move(w));
      changed_.notify_all();
    }
  }

  std::unique_ptr<Work> next_ready(std::uint64_t index) {
    Lock lock(mutex_);
    changed_.wait(lock, [&] {
      return ready_.count(index) != 0 || (failure_ && failed_at_ <= index) ||
             (read_all_ && index == queued_);
    });
    const auto it = ready_.find(index);
    if (it == ready_.end()) return nullptr;
    std::unique_ptr<Work> w = std::move(it->second);
    ready_.erase(it);
    return w;
  }

  // The earliest failure in the stream is the one to report, whichever thread was faster.
  void fail(std::uint64_t index, Failure f) {
    const Lock lock(mutex_);
    if (!failure_ || index < failed_at_) {
      failure_ = std::move(f);
      failed_at_ = index;
    }
    changed_.notify_all();
  }

  DocumentReader& reader_;
  const Steps& steps_;
  unsigned threads_;
  std::size_t chunk_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Work>> todo_;
  std::map<std::uint64_t, std::unique_ptr<Work>> ready_;
  std::vector<std::unique_ptr<Work>> idle_;
  std::size_t in_flight_ = 0;  // input bytes of chunks that are not written yet
  std::uint64_t queued_ = 0;
  bool read_all_ = false;
  std::optional<Failure> failure_;
  std::uint64_t failed_at_ = 0;
};

}  // namespace

Done run_pipeline(DocumentReader& reader, const Steps& steps, unsigned threads) {
  return Pipeline(reader, steps, threads).run();
}

}  // namespace fle::tools
