#include "pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

namespace fle::tools {
namespace {

// A field of 7 bytes takes up to 100 times as much on its way: its result, a mark, a job, and the
// JSON text of all that. So little input is on the way at once, shared between the threads.
constexpr std::size_t kInFlight = 512 * 1024;
constexpr std::size_t kLargestChunk = 64 * 1024;
constexpr std::size_t kSmallestChunk = 8 * 1024;
// Documents that are chunks of their own grow far less; several may be on the way while they are
// no more than this, and one alone if it is.
constexpr std::size_t kLargeInFlight = 4 * 1024 * 1024;

class Pipeline {
 public:
  Pipeline(DocumentReader& reader, const Steps& steps, unsigned threads)
      : reader_(reader),
        steps_(steps),
        threads_(threads),
        works_(2 * std::size_t{threads} + 2),
        chunk_(std::clamp(kInFlight / works_, kSmallestChunk, kLargestChunk)) {}

  Done run() {
    std::vector<std::thread> threads;
    try {
      threads.emplace_back([this] { guarded([this] { write(); }); });
      for (unsigned i = 0; i < threads_; ++i) {
        threads.emplace_back([this] { guarded([this] { work(); }); });
      }
    } catch (const std::system_error&) {
      // Fewer threads than asked for do the work, too; none do not.
      if (threads.size() < 2) fail(0, Failure(Errc::no_memory, "cannot start a thread"));
    }
    guarded([this] { read(); });
    end_of_input();
    for (std::thread& t : threads) t.join();
    if (failure_) return std::move(*failure_);
    return ok;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// No exception may leave a thread.
  template <class Body>
  void guarded(Body body) noexcept {
    try {
      body();
    } catch (const std::bad_alloc&) {
      fail(0, Failure(Errc::no_memory, {}));
    }
  }

  // ---- The reading thread

  void read() {
    for (std::uint64_t index = 0;; ++index) {
      std::unique_ptr<Work> w = idle();
      if (w == nullptr) return;  // stopped
      Done done = reader_.next(w->chunk, chunk_);
      w->chunk.index = index;
      // Documents before a failure come first: one of them may fail, too.
      const bool some = !w->chunk.ends.empty();
      if (some) queue(std::move(w));
      if (!done) fail(some ? index + 1 : index, std::move(done.error()));
      if (!done || !some) return;
    }
  }

  void end_of_input() {
    const Lock lock(mutex_);
    read_all_ = true;
    changed_.notify_all();
  }

  /// A Work to fill, once there is room for another.
  std::unique_ptr<Work> idle() {
    Lock lock(mutex_);
    changed_.wait(lock, [this] {
      return failure_ || n_in_flight_ == 0 ||
             (n_in_flight_ < works_ && in_flight_ + chunk_ <= kLargeInFlight);
    });
    if (failure_) return nullptr;
    if (idle_.empty()) return steps_.make();
    std::unique_ptr<Work> w = std::move(idle_.back());
    idle_.pop_back();
    return w;
  }

  void queue(std::unique_ptr<Work> w) {
    const Lock lock(mutex_);
    in_flight_ += w->chunk.raw.size();
    ++n_in_flight_;
    ++queued_;
    todo_.push_back(std::move(w));
    changed_.notify_all();
  }

  // ---- The working threads

  void work() {
    for (;;) {
      std::unique_ptr<Work> w = next_todo();
      if (w == nullptr) return;
      Done done = steps_.process(*w);
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
      recycle(std::move(w));
    }
  }

  void recycle(std::unique_ptr<Work> w) {
    const std::size_t size = w->chunk.raw.size();
    // What a large document has made large is not kept: in time all of them would be. It goes
    // before the reader learns of the room, or two of them would be there at once.
    if (size > chunk_) w.reset();
    const Lock lock(mutex_);
    in_flight_ -= size;
    --n_in_flight_;
    if (w != nullptr) idle_.push_back(std::move(w));
    changed_.notify_all();
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
  std::size_t works_;  // at most so many chunks are on the way
  std::size_t chunk_;  // weight of a chunk of small documents

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Work>> todo_;
  std::map<std::uint64_t, std::unique_ptr<Work>> ready_;
  std::vector<std::unique_ptr<Work>> idle_;
  std::size_t n_in_flight_ = 0;  // chunks that are not written yet
  std::size_t in_flight_ = 0;    // their input bytes
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
