#ifndef FLE_TOOLS_CRYPTD_BACKGROUND_H_
#define FLE_TOOLS_CRYPTD_BACKGROUND_H_

#include "fle/failure.h"

namespace fle::cryptd {

/// A process of its own, apart from the terminal and the parent (--fork).
class Background {
 public:
  Background() = default;
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Forks. The parent does not return: it waits until the child calls ready() and exits with 0, or
  /// ends with the child's status if the child ends before that. Call it before threads start.
  /// @retval Errc::io_failed
  Done enter();

  /// Lets the parent go, and leaves the standard streams. Does nothing without enter().
  void ready() noexcept;

 private:
  int to_parent_ = -1;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_BACKGROUND_H_
