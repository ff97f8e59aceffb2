#include "fle/files/trust.h"

#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace fle::files {
namespace {

enum class Owners : std::uint8_t { user_or_root, user };
enum class Breach : std::uint8_t { none, warned, refused };

struct Rule {
  FileKind kind;
  const char* name;
  Errc code;
  Owners owners;
  Breach writable;  // by group or others; and a wrong owner, who may write as well
  Breach readable;  // by group or others
  bool in_place;    // it is written where it stands: a regular file with one name
};

using enum Breach;
constexpr auto kUserOrRoot = Owners::user_or_root;
constexpr auto kConfig = Errc::kms_config_invalid;
constexpr std::array kRules{
    Rule{FileKind::key_vault, "key vault", Errc::vault_failed, kUserOrRoot, refused, none, false},
    Rule{FileKind::vault_journal, "journal of a key vault", Errc::vault_failed, kUserOrRoot,
         refused, none, true},
    Rule{FileKind::master_key, "master key", kConfig, kUserOrRoot, refused, warned, false},
    Rule{FileKind::key_material, "key material", kConfig, kUserOrRoot, refused, warned, false},
    Rule{FileKind::kms_providers, "KMS file", kConfig, kUserOrRoot, refused, warned, false},
    Rule{FileKind::kms_options, "KMS options", kConfig, kUserOrRoot, refused, none, false},
    Rule{FileKind::tls_file, "TLS file", kConfig, kUserOrRoot, refused, none, false},
    Rule{FileKind::password, "password file", Errc::io_failed, kUserOrRoot, refused, warned, false},
    Rule{FileKind::schema, "schema", Errc::io_failed, kUserOrRoot, warned, none, false},
    Rule{FileKind::configuration, "configuration", Errc::io_failed, kUserOrRoot, refused, none,
         false},
    Rule{FileKind::report, "report", Errc::io_failed, kUserOrRoot, refused, none, false},
    Rule{FileKind::log, "log", Errc::io_failed, kUserOrRoot, none, none, true},
    Rule{FileKind::pid, "pid file", Errc::io_failed, Owners::user, none, none, true},
    Rule{FileKind::socket, "socket", Errc::io_failed, kUserOrRoot, refused, none, false},
    Rule{FileKind::run_journal, "journal", Errc::io_failed, Owners::user, refused, none, true},
    Rule{FileKind::partial_result, "partial result", Errc::io_failed, Owners::user, none, none,
         true},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRules.size(); ++i)
    if (kRules[i].kind != static_cast<FileKind>(i)) return false;
  return true;
}
static_assert(in_order());

const Rule& rule_of(FileKind kind) noexcept { return kRules[static_cast<std::size_t>(kind)]; }

constexpr mode_t kOthersRead = S_IRGRP | S_IROTH;

std::string quoted(const Rule& rule, const std::string& path) {
  return std::string(rule.name) + " '" + path + "'";
}

bool is_owner(Owners owners, uid_t uid) noexcept {
  return uid == ::geteuid() || (uid == 0 && owners == Owners::user_or_root);
}

std::string owner_text(const Rule& rule, const char* whose, uid_t owner) {
  return std::string(whose) + " belongs to user " + std::to_string(owner) + ", not to you" +
         (rule.owners == Owners::user_or_root ? " or to root" : "");
}

/// Why somebody else may have changed the file; empty: nobody may.
std::string changeable_by(const Rule& rule, const struct stat& file) {
  if (!is_owner(rule.owners, file.st_uid))
    return owner_text(rule, "it", file.st_uid) + ": copy it, or have it chowned";
  // Where umask 002 is the custom, a group is often one user: no reason for a warning each time.
  const mode_t others = rule.writable == refused ? S_IWGRP | S_IWOTH : S_IWOTH;
  if (rule.writable != none && (file.st_mode & others) != 0)
    return "other users may write to it: chmod go-w it";
  return {};
}

/// The device number of all pipes without a name.
dev_t device_of_pipes() noexcept {
  std::array<int, 2> ends{};
  struct stat st {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return 0;
  (void)::fstat(ends[0], &st);
  for (const int fd : ends) ::close(fd);
  return st.st_dev;
}

/// By whoever started the process, and not found under a name that others could have taken.
bool is_handed_over(const struct stat& file) noexcept {
  return S_ISCHR(file.st_mode) || (S_ISFIFO(file.st_mode) && file.st_dev == device_of_pipes());
}

}  // namespace

Done check_file(FileKind kind, const std::string& path, const struct stat& file) {
  const Rule& rule = rule_of(kind);
  const auto refuse = [&](const std::string& why) {
    return Failure(rule.code, quoted(rule, path) + ": " + why);
  };
  if (rule.in_place && !S_ISREG(file.st_mode)) return refuse("it is not a regular file");
  if (is_handed_over(file)) return ok;
  const std::string why = changeable_by(rule, file);
  if (!why.empty() && (rule.writable != warned)) return refuse(why);
  if (rule.in_place && file.st_nlink > 1)
    return refuse("it has another name (a hard link): whatever that is would change with it");
  return ok;
}

Done check_folder(FileKind kind, const std::string& path, const struct stat& folder) {
  const Rule& rule = rule_of(kind);
  if (!is_owner(rule.owners, folder.st_uid))
    return Failure(rule.code,
                   quoted(rule, path) + ": " + owner_text(rule, "its folder", folder.st_uid));
  if ((folder.st_mode & S_IWOTH) != 0 && (folder.st_mode & S_ISVTX) == 0)
    return Failure(rule.code,
                   quoted(rule, path) + ": everybody may replace it: chmod o-w its folder");
  return ok;
}

std::string warning_about(FileKind kind, const std::string& path, const struct stat& file) {
  const Rule& rule = rule_of(kind);
  if (is_handed_over(file)) return {};
  if (rule.writable == warned) {
    const std::string why = changeable_by(rule, file);
    if (!why.empty()) return "'" + path + "': " + why;
  }
  if (rule.readable == warned && S_ISREG(file.st_mode) && (file.st_mode & kOthersRead) != 0)
    return "'" + path + "' (" + rule.name + ") can be read by other users; chmod 600 it";
  return {};
}

}  // namespace fle::files
