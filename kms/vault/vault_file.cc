#include "vault_file.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

#include "fle/files/trust.h"

namespace fle::kms {
namespace {

using files::FileKind;

// What SQLite reads beside a database. We write no WAL; a file may come from somebody who did.
constexpr const char* kBeside[] = {"-journal", "-wal", "-shm"};

Failure failure(const std::string& path, const std::string& why) {
  return {Errc::vault_failed, "key vault '" + path + "': " + why};
}
/// Of a place that was not found.
Failure failure(const std::string& path, const Failure& why) {
  Failure f = failure(path, why.message);
  if (why.code == Errc::io_busy) f.code = why.code;
  return f;
}

}  // namespace

Failure system_failure(const std::string& path, int error) {
  Failure f = failure(path, std::generic_category().message(error));
  if (files::may_pass(error)) f.code = Errc::io_busy;
  return f;
}

Done VaultFile::check_place(const std::string& path) {
  const auto place = files::find_place(path, files::Links::follow);
  if (!place) return failure(path, place.error());
  return files::check_folder(FileKind::key_vault, path, place->folder_stat);
}

Outcome<VaultFile> VaultFile::find(const std::string& path) {
  // Whether its links may be followed. What they lead to is then taken by its own path, which
  // SQLite gets as well: a link that is turned meanwhile changes nothing.
  const auto linked = files::find_place(path, files::Links::follow);
  if (!linked) return failure(path, linked.error());
  std::error_code error;
  const auto real_path = std::filesystem::canonical(path, error);
  if (error) return system_failure(path, error.value());
  auto place = files::find_place(real_path, files::Links::refuse);
  if (!place) return failure(path, place.error());
  if (!place->is_regular()) return failure(path, "not a regular file");
  return VaultFile(path, real_path, std::move(*place));
}

Done VaultFile::check() const {
  const auto now = files::find_place(real_path_, files::Links::refuse);
  if (!now) return failure(path_, now.error());
  if (!now->is_regular()) return failure(path_, "not a regular file");
  FLE_CHECK(files::check_folder(FileKind::key_vault, path_, now->folder_stat));
  FLE_CHECK(files::check_file(FileKind::key_vault, path_, *now->entry));
  return check_names_beside();
}

Done VaultFile::check_beside() const {
  if (!files::is_shared(place_.folder_stat)) return ok;
  return check_names_beside();
}

Done VaultFile::check_names_beside() const {
  for (const char* suffix : kBeside) {
    struct stat st {};
    const std::string name = place_.name + suffix;
    if (::fstatat(place_.folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return system_failure(path_, errno);
    }
    FLE_CHECK(files::check_file(FileKind::vault_journal, path_ + suffix, st));
  }
  return ok;
}

}  // namespace fle::kms
