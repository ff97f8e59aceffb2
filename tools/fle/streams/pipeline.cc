#include "pipeline.h"

#include <algorithm>
#include <condition_variable>
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
constexpr std::size_t kLargestChunk = 128 * 1024;
constexpr std::size_t kSmallestChunk = 8 * 1024;
// Documents that are chunks of their own may be on the way together while they are no more than
// this; a larger one is alone. What takes a part of its own size for each may have more.
constexpr std::size_t kLargeInFlight = 1024 * 1024;
constexpr std::size_t kStayingInFlight = 4 * 1024 * 1024;

/// Lets the other thread of a core, or a hypervisor, know that this one only waits.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Every thread does the whole way of a chunk: it reads one, processes it, and writes it when it is
/// the next. One that is not the next is left for the thread that writes what comes before it. So a
/// chunk stays in the cache of one core, and a thread waits only where the input, the output or the
/// bytes on the way make it.
class Pipeline {
 public:
  Pipeline(DocumentReader& reader, const Steps& steps, unsigned threads, std::size_t chunk)
      : reader_(reader),
        steps_(steps),
        threads_(threads),
        works_(std::size_t{threads} + std::max(1U, threads / 2)),
        chunk_(chunk != 0 ? chunk : std::clamp(kInFlight / works_, kSmallestChunk, kLargestChunk)),
        most_in_flight_(chunk != 0 ? kStayingInFlight : kLargeInFlight) {}

  Done run() {
    std::vector<std::thread> others;
    try {
      while (others.size() + 1 < threads_) {
        const auto thread = static_cast<unsigned>(others.size() + 1);
        others.emplace_back([this, thread] { work(thread); });
      }
    } catch (const std::system_error&) {
      // Fewer threads than asked for do the work, too.
    } catch (const std::bad_alloc&) {
    }
    work(0);
    for (std::thread& t : others) t.join();
    if (failure_) return std::move(*failure_);
    return ok;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void work(unsigned thread) noexcept {
    while (std::unique_ptr<Work> w = read(thread)) {
      w->chunk.add_up();
      const std::uint64_t index = w->chunk.index;
      guarded(index, [&] {
        if (Done done = steps_.process(*w); !done) return fail(index, std::move(done.error()));
        finish(std::move(w));
      });
    }
  }

  /// No exception may leave a thread.
  template <class Body>
  void guarded(std::uint64_t index, Body body) noexcept {
    try {
      body();
    } catch (const std::bad_alloc&) {
      fail(index, Failure(Errc::no_memory, {}));
    }
  }

  // ---- Reading, one thread at a time

  /// The next chunk; null where there is none, or where it no longer counts.
  std::unique_ptr<Work> read(unsigned thread) noexcept {
    const Lock reading = lock_to_read();
    std::unique_ptr<Work> w;
    if (!read_all_) guarded(n_read_, [&] { w = read_one(thread); });
    // Also after a failure: those who wait for this lock need not try.
    if (w == nullptr) read_all_ = true;
    return w;
  }

  /// Reading takes less time than to sleep and be woken: a moment is waited awake, where that takes
  /// no core from others of these threads.
  Lock lock_to_read() {
    constexpr int kTries = 500;
    Lock reading(reading_, std::try_to_lock);
    for (int i = 0; !reading && spins_ && i < kTries; ++i) {
      relax();
      (void)reading.try_lock();
    }
    if (!reading) reading.lock();
    return reading;
  }

  std::unique_ptr<Work> read_one(unsigned thread) {
    std::unique_ptr<Work> w = idle(thread);
    if (w == nullptr) return nullptr;  // stopped
    w->thread = thread;
    Done done = reader_.cut(w->chunk, chunk_);
    w->chunk.index = n_read_;
    const bool some = !w->chunk.ends.empty();
    if (some) ++n_read_;
    // Documents before a failure come first: one of them may fail, too.
    if (!done) fail(n_read_, std::move(done.error()));
    if (!done || !some) read_all_ = true;
    if (!some) return nullptr;
    w->size = w->chunk.raw.size();
    Lock lock(mutex_);
    // How large a document is shows when it is there. A large one waits until it is alone, and
    // whoever would read on waits for it.
    if (w->size > chunk_)
      room_.wait(lock, [&] {
        return failure_ || n_in_flight_ == 0 || in_flight_ + w->size <= most_in_flight_;
      });
    in_flight_ += w->size;
    ++n_in_flight_;
    return w;
  }

  /// A Work to fill, once there is room for another: the thread's own, if it can be.
  std::unique_ptr<Work> idle(unsigned thread) {
    Lock lock(mutex_);
    room_.wait(lock, [this] {
      return failure_ || n_in_flight_ == 0 ||
             (n_in_flight_ < works_ && in_flight_ + chunk_ <= most_in_flight_);
    });
    if (failure_) return nullptr;
    if (idle_.empty()) return steps_.make();
    const auto own = std::ranges::find(idle_, thread, [](const auto& w) { return w->thread; });
    if (own != idle_.end()) std::swap(*own, idle_.back());
    std::unique_ptr<Work> w = std::move(idle_.back());
    idle_.pop_back();
    return w;
  }

  // ---- Writing, one thread at a time

  /// Writes what is next and ready, unless another thread is at it: that one takes this, too.
  void finish(std::unique_ptr<Work> w) {
    const std::uint64_t index = w->chunk.index;
    Lock lock(mutex_);
    ready_.emplace(index, std::move(w));
    if (writing_) return;
    writing_ = true;
    while ((w = next_ready()) != nullptr) {
      lock.unlock();
      guarded(w->chunk.index, [&] { write(std::move(w)); });
      lock.lock();
    }
    writing_ = false;
  }

  std::unique_ptr<Work> next_ready() {
    if (failure_ && failed_at_ <= n_written_) return nullptr;
    const auto it = ready_.find(n_written_);
    if (it == ready_.end()) return nullptr;
    std::unique_ptr<Work> w = std::move(it->second);
    ready_.erase(it);
    return w;
  }

  void write(std::unique_ptr<Work> w) {
    if (Done done = steps_.write(*w); !done) return fail(w->chunk.index, std::move(done.error()));
    const std::size_t size = w->size;
    // What a large document has made large is not kept: in time all of them would be. It goes
    // before the reader learns of the room, or two of them would be there at once.
    if (size > chunk_) w.reset();
    const Lock lock(mutex_);
    ++n_written_;
    in_flight_ -= size;
    --n_in_flight_;
    if (w != nullptr) idle_.push_back(std::move(w));
    room_.notify_one();  // only the thread that reads waits
  }

  // The earliest failure in the stream is the one to report, whichever thread was faster. What was
  // read before it is still processed: a chunk that is read has a thread.
  void fail(std::uint64_t index, Failure f) {
    const Lock lock(mutex_);
    if (!failure_ || index < failed_at_) {
      failure_ = std::move(f);
      failed_at_ = index;
    }
    room_.notify_one();
  }

  DocumentReader& reader_;
  const Steps& steps_;
  unsigned threads_;
  std::size_t works_;  // at most so many chunks are on the way
  std::size_t chunk_;  // weight of a chunk of small documents
  std::size_t most_in_flight_;
  bool spins_ = threads_ <= std::thread::hardware_concurrency();

  // Held by the thread that reads, also while it waits for room; taken before mutex_. Guards:
  std::mutex reading_;
  std::uint64_t n_read_ = 0;
  bool read_all_ = false;

  // Guards the rest.
  std::mutex mutex_;
  std::condition_variable room_;
  std::map<std::uint64_t, std::unique_ptr<Work>> ready_;  // for the thread that writes
  std::vector<std::unique_ptr<Work>> idle_;
  std::size_t n_in_flight_ = 0;  // chunks that are not written yet
  std::size_t in_flight_ = 0;    // their input bytes
  std::uint64_t n_written_ = 0;
  bool writing_ = false;
  std::optional<Failure> failure_;
  std::uint64_t failed_at_ = 0;
};

}  // namespace

Done run_pipeline(DocumentReader& reader, const Steps& steps, unsigned threads, std::size_t chunk) {
  return Pipeline(reader, steps, threads, chunk).run();
}

}  // namespace fle::tools
