#ifndef FLE_TOOLS_FOLDER_OUTPUT_H_
#define FLE_TOOLS_FOLDER_OUTPUT_H_

#include <optional>
#include <string>

#include "command_line/files.h"
#include "fle/failure.h"
#include "fle/files/place.h"

namespace fle::tools {

/// A new folder that has another name, hidden and beside its own, and only its owner may enter,
/// until it is whole. It is removed with all that is in it unless commit() is called; a process
/// that a signal ends leaves it there.
///
/// It is made of another folder, and others may do no more in it than there, with each folder and
/// each file: some of what is copied is plaintext. The umask counts, too. Where what is made
/// belongs to another group, both groups may do what the group and all others may do there.
class FolderOutput {
 public:
  /// @param like  the folder that it is made of
  /// @retval Errc::invalid_argument  something has the name already: nothing is replaced or mixed
  /// @retval Errc::io_failed
  static Outcome<FolderOutput> create(const std::string& path, files::Privacy privacy,
                                      std::string like);
  FolderOutput(FolderOutput&& o) noexcept;
  FolderOutput& operator=(FolderOutput&&) = delete;
  ~FolderOutput();

  /// @param within  the path in either folder; what is above it is there
  Done add_folder(const std::string& within);
  /// A file that appears in it by Output::commit().
  [[nodiscard]] Outcome<Output> add_file(const std::string& within) const;
  /// Copies a file as it is.
  [[nodiscard]] Done copy_file(const std::string& within) const;
  /// Gives it its name, durably.
  Done commit();

 private:
  FolderOutput(files::Place place, files::Privacy privacy, std::string like, std::string hidden)
      : place_(std::move(place)),
        privacy_(privacy),
        like_(std::move(like)),
        hidden_(std::move(hidden)) {}
  [[nodiscard]] std::string whole(const std::string& within) const;
  [[nodiscard]] mode_t mode_like(const std::string& within) const;

  files::Place place_;
  files::Privacy privacy_;
  std::string like_;
  std::string hidden_;  // its path until then; empty: none
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_FOLDER_OUTPUT_H_
