#include "process.h"

#include <atomic>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace fle::mongocrypt {
namespace {

using Number = std::atomic<std::uint64_t>;

/// Reads as 0 in every child. Null where the system cannot do that (before Linux 4.14).
Number* make_note() noexcept {
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, size, MADV_WIPEONFORK) != 0) {
    ::munmap(page, size);
    return nullptr;
  }
  return ::new (page) Number(0);
}

}  // namespace

std::uint64_t process_number() noexcept {
  static Number* const note = make_note();
  static Number last{0};  // inherited: a child counts on
  if (note == nullptr) return static_cast<std::uint64_t>(::getpid());
  std::uint64_t number = note->load(std::memory_order_acquire);
  if (number != 0) return number;
  const std::uint64_t next = last.fetch_add(1) + 1;
  return note->compare_exchange_strong(number, next) ? next : number;
}

}  // namespace fle::mongocrypt
