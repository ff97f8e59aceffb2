#include "fle/files/process.h"

#include <csignal>
#include <initializer_list>

#include <fcntl.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace fle::files {

void prepare_process(ClosedStream closed) noexcept {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Of the wrong direction where using it is to fail.
    const bool reads = (fd == STDIN_FILENO) == (closed == ClosedStream::is_empty);
    ::open("/dev/null", reads ? O_RDONLY : O_WRONLY);
  }
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
#ifdef __GLIBC__
  // By default glibc keeps ever more of it.
  ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
#endif
}

}  // namespace fle::files
