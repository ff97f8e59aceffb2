#ifndef FLE_FILES_PENDING_FILE_H_
#define FLE_FILES_PENDING_FILE_H_

#include "fle/files/place.h"

namespace fle::files {

/// Who may read a file that did not exist before.
enum class Privacy {
  secret,    ///< Mode 0600, whatever the umask: plaintext and keys.
  ordinary,  ///< Mode 0666 without what the umask takes: ciphertext.
};

enum class Existing {
  replace,  ///< By a file of the same owner, group and mode (nine bits); see create().
  keep,     ///< Fail: what has the name stays.
};

/// A file that has no name until it is whole (O_TMPFILE, open(2)): a process that ends in whatever
/// way before commit() leaves nothing behind, SIGKILL and loss of power included. Where the file
/// system cannot do that, the file has a random name beside its own and mode 0600 meanwhile; the
/// name goes away with this object, and on every signal that would end the process and that one can
/// catch. To replace a file both ways need that name between two system calls of commit(), for
/// linkat(2) cannot replace.
///
/// Not thread-safe. A process has at most kMostWatched such names at a time.
class PendingFile {
 public:
  /// Refused, because it would touch what is another user's: check_entry(); and replacing a file
  /// whose owner or group the new one could not be given. Root keeps the owner. Other hard links of
  /// a replaced file keep its old content; access lists and extended attributes are not kept.
  /// @param most  what of Privacy::ordinary a new file gets at most: it is made of one with this
  /// mode
  /// @retval Errc::io_failed
  [[nodiscard]] static Outcome<PendingFile> create(Place place, Privacy privacy, Existing existing,
                                                   mode_t most = 0777);
  /// The same under the fixed name `partial` beside it, which outlives this process unless commit()
  /// puts the file in place: for work that another process may go on with. One that is there
  /// already is opened, and stays as it is.
  /// @retval Errc::io_failed  what has the name is not a file as this makes it
  [[nodiscard]] static Outcome<PendingFile> resume(Place place, const std::string& partial,
                                                   Privacy privacy, Existing existing);
  PendingFile(PendingFile&& o) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile();

  /// For writing.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Makes the content durable, then gives it its name, then makes that durable.
  /// @retval Errc::io_failed  Existing::keep, and the name is taken (EEXIST); or what the system
  ///                          says: the name leads to what it led to before
  [[nodiscard]] Done commit();
  /// Removes what resume() has left beside its place.
  void discard() noexcept { forget_temporary(); }

 private:
  PendingFile(Place place, Existing existing, mode_t mode) noexcept
      : place_(std::move(place)), existing_(existing), new_mode_(mode) {}
  [[nodiscard]] bool unnamed() const noexcept { return temporary_.empty(); }
  Done open();
  [[nodiscard]] Done check() const;
  [[nodiscard]] Done keep_group() const;
  [[nodiscard]] Done settle() const;
  bool put_at_new_name();
  bool replace();
  /// False: too many are watched.
  [[nodiscard]] bool take_name(std::string name);
  void forget_temporary() noexcept;

  Place place_;
  Existing existing_;
  mode_t new_mode_;
  Fd fd_;
  std::string temporary_;  // in the same folder; empty: the file has no name
  std::size_t watch_ = 0;  // of that name
  bool lasting_ = false;   // the name is fixed, and stays
};

}  // namespace fle::files

#endif  // FLE_FILES_PENDING_FILE_H_
