#ifndef FLE_TOOLS_KEY_COMMANDS_H_
#define FLE_TOOLS_KEY_COMMANDS_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command_line/command.h"
#include "fle/kms/key_vault.h"

// fle key ...: each subcommand adds itself to `key`, as subcommands do to `fle`.
namespace fle::tools {

void add_key_create(CLI::App& key, Action& chosen);
void add_key_list(CLI::App& key, Action& chosen);
void add_key_show(CLI::App& key, Action& chosen);
void add_key_rewrap(CLI::App& key, Action& chosen);
void add_key_add_name(CLI::App& key, Action& chosen);
void add_key_remove_name(CLI::App& key, Action& chosen);
void add_key_delete(CLI::App& key, Action& chosen);
void add_key_retire(CLI::App& key, Action& chosen);
void add_key_export(CLI::App& key, Action& chosen);
void add_key_import(CLI::App& key, Action& chosen);
void add_key_seal(CLI::App& key, Action& chosen);

/// Prints what became of a vault that a command has changed. Where nobody gets to read that, the
/// failure says `done`: whoever tried again would find it done, and not know by whom.
[[nodiscard]] Done print_done(std::string_view text, const std::string& done);

/// What is said of KEY arguments.
inline constexpr const char* kKeyHelp = "Alternate name, UUID, or base64 id";

/// UTC: 2026-01-31 or 2026-01-31T23:59:59Z, with a fraction of up to three digits, too.
[[nodiscard]] std::optional<kms::KeyDocument::Time> parse_time(std::string_view text);
/// The same, in seconds.
[[nodiscard]] std::string to_text(kms::KeyDocument::Time time);

/// Keys by their alternate names, of which no two have one. The keys outlive it.
using KeysByName = std::map<std::string_view, const kms::KeyDocument*>;
[[nodiscard]] KeysByName by_name(std::span<const kms::KeyDocument> keys);

/// The keys that people name, in that order; each once, however often it is named. A name
/// that is one is taken for a name: an alternate name may look like anything.
/// @retval Errc::key_not_found  names the first that is not there
[[nodiscard]] Outcome<std::vector<kms::KeyDocument>> find_keys(kms::KeyVault& vault,
                                                               std::span<const std::string> keys);

/// Which keys of a vault: KEY, conditions, or --all.
struct KeySelection {
  std::vector<std::string> selected;
  bool all = false;
  std::string from_provider;
  std::string created_before;
  std::string updated_before;
  std::string filter;  // JSON

  void add(CLI::App& cmd);
  /// What CLI11 cannot check by itself: throws a usage error.
  void check_usage() const;
  /// @retval Errc::key_not_found  as find_keys()
  [[nodiscard]] Outcome<kms::KeyFilter> keys_of(kms::KeyVault& vault) const;
  /// Says on stderr that no key was found, and of --from-provider which providers the vault's keys
  /// have.
  /// @param result  what that comes to: "0 keys rewrapped"
  [[nodiscard]] Done complain_of_none(kms::KeyVault& vault, const std::string& result) const;
};

/// --provider and --master-key: what a key is to be wrapped under.
struct MasterKeyOptions {
  std::string provider;
  std::string master_key;  // JSON

  void add(CLI::App& cmd);
  [[nodiscard]] Outcome<kms::MasterKey> parse() const;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_KEY_COMMANDS_H_
