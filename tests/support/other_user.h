#ifndef FLE_TESTS_SUPPORT_OTHER_USER_H_
#define FLE_TESTS_SUPPORT_OTHER_USER_H_

#include <grp.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// Tests with two users: root, who runs them, and users that nobody else is. They need no entry
// anywhere: a user is a number.
#define FLE_SKIP_UNLESS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root"

namespace fle::test {

constexpr uid_t kAlice = 64101;
constexpr uid_t kMallory = 64102;

/// Makes the process another user's, for good.
inline bool become(uid_t user) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(user, user, user) == 0 &&
         ::setresuid(user, user, user) == 0;
}

/// What `work` gives (0 to 100) in a child of that user; 125: it could not be that user.
template <class Work>
int as_user(uid_t user, Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(become(user) ? work() : 125);
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 126;
  return WEXITSTATUS(status);
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_OTHER_USER_H_
