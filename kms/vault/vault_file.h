#ifndef FLE_KMS_VAULT_FILE_H_
#define FLE_KMS_VAULT_FILE_H_

#include <string>

#include "fle/files/place.h"

namespace fle::kms {

/// What the system says of a vault, by a number of errno: io_busy where it may pass, else
/// vault_failed.
[[nodiscard]] Failure system_failure(const std::string& path, int error);

/// The file of a key vault, and what SQLite reads beside it. Who can write to any of them chooses
/// which keys are used, so they belong to this user or to root (fle/files/trust.h).
///
/// Closes no descriptor of the vault but ones that are O_PATH: closing another one would drop the
/// locks that SQLite holds in this process (fcntl_locking(2)).
class VaultFile {
 public:
  /// Whether one could be in the folder that `path` leads to.
  /// @retval Errc::vault_failed
  [[nodiscard]] static Done check_place(const std::string& path);
  /// @retval Errc::vault_failed  there is none, or it is not a regular file
  [[nodiscard]] static Outcome<VaultFile> find(const std::string& path);

  /// As it was given.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Absolute, without a link in it.
  [[nodiscard]] const std::string& real_path() const noexcept { return real_path_; }

  /// Owners and modes of the file, of its folder, and of the files beside it, as they are now.
  /// @retval Errc::vault_failed
  [[nodiscard]] Done check() const;
  /// In a folder where others may make files: the files beside it. They come and go, and SQLite
  /// believes a journal that it finds.
  /// @retval Errc::vault_failed
  [[nodiscard]] Done check_beside() const;

 private:
  VaultFile(std::string path, std::string real_path, files::Place place)
      : path_(std::move(path)), real_path_(std::move(real_path)), place_(std::move(place)) {}
  [[nodiscard]] Done check_names_beside() const;

  std::string path_;
  std::string real_path_;
  files::Place place_;  // of the real path
};

}  // namespace fle::kms

#endif  // FLE_KMS_VAULT_FILE_H_
