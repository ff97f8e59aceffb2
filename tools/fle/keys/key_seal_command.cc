// fle key seal, and which keys it and `fle key rewrap` are for.
#include <set>

#include "command_line/cli.h"
#include "fle/did_you_mean.h"
#include "fle/kms/seal.h"
#include "key_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

CLI::Validator is_time() {
  return {[](std::string& text) {
            return parse_time(text) ? std::string() : "expected 2026-01-31 or 2026-01-31T23:59:59Z";
          },
          "TIME", "time"};
}

struct Seal {
  KeyOptions keys;
  KeySelection which;
  kms::SealKeysOptions options;
};

Done seal(const Seal& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const kms::KeyFilter filter, o.which.keys_of(*vault));
  kms::SealKeysOptions options = o.options;
  FLE_TRY(options.observer, o.keys.trace());
  FLE_TRY(const kms::SealKeysResult result, kms::seal_keys(*vault, *providers, filter, options));
  if (result.sealed.empty() && result.current.empty() && result.changed.empty())
    FLE_CHECK(o.which.complain_of_none(*vault, "0 keys sealed"));
  std::string text = "{\"sealed\": " + std::to_string(result.sealed.size()) +
                     ", \"current\": " + std::to_string(result.current.size()) + ", \"changed\": [";
  const char* comma = "";
  for (const KeyId& id : result.changed) {
    text += comma + ("\"" + id.to_string()) + "\"";
    comma = ", ";
  }
  return print_done(text + "]}\n", "sealed: " + std::to_string(result.sealed.size()) + " keys");
}

}  // namespace

void KeySelection::add(CLI::App& cmd) {
  cmd.add_option("KEY", selected, kKeyHelp);
  cmd.add_flag("--all", all, "Every key of the vault");
  cmd.add_option("--from-provider", from_provider, "Only keys under this KMS provider id")
      ->type_name("ID");
  cmd.add_option("--created-before", created_before, "Only keys made before this time (UTC)")
      ->check(is_time());
  cmd.add_option("--updated-before", updated_before,
                 "Only keys last rewrapped, or made, before this time (UTC)")
      ->check(is_time());
  cmd.add_option("--filter", filter, "Only keys that this MongoDB query takes")->type_name("JSON");
}

void KeySelection::check_usage() const {
  const bool some = !selected.empty() || !from_provider.empty() || !created_before.empty() ||
                    !updated_before.empty() || !filter.empty();
  if (some && all)
    throw CLI::ValidationError("--all takes no KEY and no condition beside it: it takes all keys");
  if (!some && !all)
    throw CLI::ValidationError("Select keys by KEY or by conditions, or all of them by --all");
}

Outcome<kms::KeyFilter> KeySelection::keys_of(kms::KeyVault& vault) const {
  kms::KeyFilter out;
  if (!filter.empty()) {
    WipedBytes query;
    FLE_CHECK(option_to_bson("--filter", filter, query));
    FLE_TRY(out, kms::KeyFilter::from_bson(query));
  }
  if (!selected.empty()) {
    FLE_TRY(const std::vector<kms::KeyDocument> keys, find_keys(vault, selected));
    std::vector<KeyId> ids;
    ids.reserve(keys.size());
    for (const kms::KeyDocument& key : keys) ids.push_back(key.id);
    out.any_of(ids, {});
  }
  if (!from_provider.empty()) out.provider(from_provider);
  if (!created_before.empty()) out.created_before(*parse_time(created_before));
  if (!updated_before.empty()) out.updated_before(*parse_time(updated_before));
  return out;
}

Done KeySelection::complain_of_none(kms::KeyVault& vault, const std::string& result) const {
  std::string line = "no key was found: " + result;
  if (!from_provider.empty()) {
    FLE_TRY(const std::vector<kms::KeyDocument> keys, vault.list());
    std::set<std::string_view> ids;
    for (const kms::KeyDocument& key : keys) ids.insert(key.master_key.provider);
    const std::vector<std::string_view> known(ids.begin(), ids.end());
    if (!known.empty() && !ids.contains(from_provider))
      line += ". The vault's keys are under " + printable(listed(known)) +
              ", and none under --from-provider " + printable(from_provider) + "." +
              printable(did_you_mean(from_provider, known));
  }
  complain(line);
  return ok;
}

void add_key_seal(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "seal", "Bind data keys to their ids, master keys and names by a MAC; prints how many");
  auto o = std::make_shared<Seal>();
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->keys.add_trace(*cmd);
  o->which.add(*cmd);
  auto* renew =
      cmd->add_flag("--renew", o->options.renew,
                    "Also keys whose seal does not fit, if they are the data key that was "
                    "sealed: a driver rewrapped or renamed them");
  cmd->add_flag("--replace", o->options.replace,
                "Also keys whose seal does not fit, whatever they are: for another sealing key")
      ->excludes(renew);
  cmd->footer(
      "Opens every key first, and stores nothing if one does not open or if two ids have one data\n"
      "key. It believes what it finds: run it when the vault is known to be right. Then let all\n"
      "programs demand seals: --require-seals, \"requireSeals\" in a file for --kms-options.\n"
      "Example: fle key seal --vault keys.db --kms kms.json --seal-key seal.key --all");
  choose<Seal>(*cmd, chosen, o, seal, [](const Seal& s) { s.which.check_usage(); });
}

}  // namespace fle::tools
