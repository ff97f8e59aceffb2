#ifndef FLE_KMS_NO_SIGNALS_H_
#define FLE_KMS_NO_SIGNALS_H_

#include <csignal>

namespace fle::kms {

/// While it lives, threads that this one starts take no signals: those of the process are for
/// threads that know of them.
class NoSignals {
 public:
  NoSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace fle::kms

#endif  // FLE_KMS_NO_SIGNALS_H_
