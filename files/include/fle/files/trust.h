#ifndef FLE_FILES_TRUST_H_
#define FLE_FILES_TRUST_H_

#include <cstdint>
#include <string>

#include <sys/stat.h>

#include "fle/failure.h"
#include "fle/files/place.h"

namespace fle::files {

/// Files whose content decides what is encrypted, under which key, and who gets to see it; and
/// files that a daemon writes for years. Each has a row of rules in trust.cc.
enum class FileKind : std::uint8_t {
  key_vault,
  vault_journal,
  master_key,
  key_material,
  kms_providers,
  kms_options,
  tls_file,
  password,
  schema,
  configuration,
  report,
  log,
  pid,
  socket,
  run_journal,
  partial_result,
};

/// The rule for files of the kind, asked of an open one (fstat): it belongs to this user or to
/// root, and neither group nor others may write to it. Where the row says so, also: it is a regular
/// file, or has one name only.
///
/// Terminals, devices and pipes without a name are not files that others could have put there: they
/// pass, where the kind need not be a regular file.
///
/// @retval  the row's code; the text names file, rule and remedy
[[nodiscard]] Done check_file(FileKind kind, const std::string& path, const struct stat& file);

/// The same for the folder of a file that is opened by its name, or has others beside it: it
/// belongs to this user or to root, and is not one where everybody may replace entries (writable by
/// others without the sticky bit).
[[nodiscard]] Done check_folder(FileKind kind, const std::string& path, const struct stat& folder);

/// What check_file() does not refuse but the user should know: a secret that others may read, a
/// schema that others may change. Empty: nothing.
[[nodiscard]] std::string warning_about(FileKind kind, const std::string& path,
                                        const struct stat& file);

}  // namespace fle::files

#endif  // FLE_FILES_TRUST_H_
