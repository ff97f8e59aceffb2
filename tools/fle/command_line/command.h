#ifndef FLE_TOOLS_COMMAND_H_
#define FLE_TOOLS_COMMAND_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "exit_status.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/text.h"

namespace CLI {
class App;
}

namespace fle::tools {

/// How a subcommand ends: with what it was refused for, or silently with a status of its own.
struct Ending {
  Ending(Done d)  // NOLINT(google-explicit-constructor)
      : done(std::move(d)), status(done ? kDone : status_of(done.error().code)) {}
  Ending(Failure f)  // NOLINT(google-explicit-constructor)
      : done(std::move(f)), status(status_of(done.error().code)) {}
  Ending(Failure f, Exit s) : done(std::move(f)), status(s) {}
  Ending(Exit s) : status(s) {}  // NOLINT(google-explicit-constructor)
  Done done = ok;
  Exit status;
};

/// What a subcommand does once its options are parsed.
using Action = std::function<Ending()>;

/// Adds one subcommand to `app`; `chosen` receives what it does when the user picks it.
using AddCommand = void (*)(CLI::App& app, Action& chosen);

void add_keygen(CLI::App& app, Action& chosen);
void add_key(CLI::App& app, Action& chosen);
void add_schema(CLI::App& app, Action& chosen);
void add_encrypt(CLI::App& app, Action& chosen);
void add_decrypt(CLI::App& app, Action& chosen);
void add_reencrypt(CLI::App& app, Action& chosen);
void add_inspect(CLI::App& app, Action& chosen);
void add_analyze(CLI::App& app, Action& chosen);
void add_command(CLI::App& app, Action& chosen);
void add_generate(CLI::App& app, Action& chosen);
void add_completion(CLI::App& app, Action& chosen);
void add_manual(CLI::App& app, Action& chosen);
void add_report(CLI::App& app, Action& chosen);

/// One line on standard error: "fle: ...". Names of the library's options become those of the
/// command's.
void complain(const std::string& line);
/// Writes all of `text` to standard output, now.
[[nodiscard]] Done print(std::string_view text);
/// `text` with control characters as \xNN: names of fields and keys come from documents, and may
/// neither break a line nor command a terminal.
using fle::printable;
/// Columns that a text takes in a table: characters of UTF-8, so other bytes than those that go on
/// with one.
[[nodiscard]] inline std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// --vault and [kms], where a subcommand takes them.
struct KeyOptions {
  std::string vault;
  std::string vault_namespace = "encryption.__keyVault";
  std::string local_key_file;
  std::string kms_file;
  std::string kms_options_file;
  std::string seal_key_file;
  bool require_seals = false;
  bool seal_new_keys = false;
  bool may_swap = false;
  std::string trace_file;

  void add_vault(CLI::App& cmd, bool required = true);
  void add_kms(CLI::App& cmd);
  void add_trace(CLI::App& cmd);
  [[nodiscard]] LockPolicy lock_policy() const noexcept {
    return may_swap ? LockPolicy::best_effort : LockPolicy::required;
  }
  [[nodiscard]] Outcome<std::shared_ptr<kms::KeyVault>> open_vault(bool create) const;
  /// The providers that [kms] configures; none is an empty set.
  [[nodiscard]] Outcome<std::shared_ptr<const kms::Providers>> providers() const;
  /// What --trace asks for, one for all that a run does; null: nothing. Opens the file.
  [[nodiscard]] Outcome<std::shared_ptr<Observer>> trace() const;
  [[nodiscard]] bool traces_to_standard_error() const noexcept { return trace_file == "-"; }
  /// @param observer  of the key ring; may be null
  [[nodiscard]] Outcome<std::shared_ptr<kms::KeyRing>> key_ring(
      std::shared_ptr<Observer> observer) const;

 private:
  [[nodiscard]] Outcome<std::shared_ptr<kms::KeyVault>> open_mongodb(Bytes uri) const;
  /// What the options say about seals; they stand above those of a file.
  [[nodiscard]] Done set_seals(kms::SealOptions& seals) const;
  [[nodiscard]] Outcome<kms::Providers> kms_providers() const;
};

/// Whether the address of a vault has a password in it.
[[nodiscard]] bool has_password(std::string_view vault) noexcept;

/// --from-vault, --from-vault-ns, --from-local-key and --from-kms: where old keys are, as far as
/// that is not where KeyOptions says.
struct OldKeyOptions {
  std::string vault;
  std::string vault_namespace;
  std::string local_key_file;
  std::string kms_file;

  void add(CLI::App& cmd);
  [[nodiscard]] bool given() const noexcept {
    return !(vault.empty() && vault_namespace.empty() && local_key_file.empty() &&
             kms_file.empty());
  }
  [[nodiscard]] Outcome<std::shared_ptr<kms::KeyRing>> key_ring(
      const KeyOptions& others, std::shared_ptr<Observer> observer) const;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_COMMAND_H_
