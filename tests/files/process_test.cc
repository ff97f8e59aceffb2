#include "fle/files/process.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

namespace {

using fle::files::ClosedStream;
using fle::files::prepare_process;

/// In a child whose standard input and output were closed: what reading and writing them gives.
struct Streams {
  ssize_t read;
  ssize_t written;
};
Streams streams_of_child(ClosedStream closed) {
  ::close(STDIN_FILENO);
  ::close(STDOUT_FILENO);
  prepare_process(closed);
  char c = 'x';
  return {::read(STDIN_FILENO, &c, 1), ::write(STDOUT_FILENO, &c, 1)};
}

TEST(ProcessDeathTest, AClosedStreamFailsWhereAProgramWorksOnIt) {
  const auto child = [] {
    const Streams s = streams_of_child(ClosedStream::fails);
    ::_exit(s.read == -1 && s.written == -1 ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, AClosedStreamOfADaemonIsEmpty) {
  const auto child = [] {
    const Streams s = streams_of_child(ClosedStream::is_empty);
    ::_exit(s.read == 0 && s.written == 1 ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, NewFilesDoNotGetTheNumbersOfClosedStreams) {
  const auto child = [] {
    (void)streams_of_child(ClosedStream::fails);
    ::_exit(::dup(STDERR_FILENO) > STDERR_FILENO ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, MemoryReachesNoCoreFileAndNoDebugger) {
  const auto child = [] {
    prepare_process(ClosedStream::fails);
    rlimit core{1, 1};
    bool closed = ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
#ifdef __linux__
    closed = closed && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
    ::_exit(closed ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, AReaderThatGoesAwayIsAnErrorAndNoSignal) {
  const auto child = [] {
    prepare_process(ClosedStream::fails);
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(1);
    ::close(ends[0]);
    ::_exit(::write(ends[1], "x", 1) == -1 ? 0 : 1);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

}  // namespace
