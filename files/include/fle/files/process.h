#ifndef FLE_FILES_PROCESS_H_
#define FLE_FILES_PROCESS_H_

#include <cstdint>

namespace fle::files {

/// What reading or writing a standard stream does that was closed when the process began.
enum class ClosedStream : std::uint8_t {
  fails,     ///< It is an error, as it was: for programs that work on their streams.
  is_empty,  ///< It reads nothing, and what is written is dropped: for daemons.
};

/// Prepares a process whose ordinary memory holds plaintext; the first call of main(), before there
/// is a thread. What the system refuses is passed over.
///
/// No core file, and no other process of the same user may attach. The numbers of closed standard
/// streams are taken, so that no file or socket gets them. SIGPIPE and SIGXFSZ are ignored: whoever
/// reads may go away, a file may be at the limit of its size (RLIMIT_FSIZE), and writing fails.
/// Memory of large documents goes back to the system at once.
void prepare_process(ClosedStream closed) noexcept;

}  // namespace fle::files

#endif  // FLE_FILES_PROCESS_H_
