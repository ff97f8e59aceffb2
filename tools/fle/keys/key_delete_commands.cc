// fle key delete, retire.
#include <algorithm>
#include <set>

#include <unistd.h>

#include "command_line/cli.h"
#include "key_commands.h"
#include "key_report.h"
#include "terminal/list.h"
#include "terminal/terminal.h"

namespace fle::tools {
namespace {

struct Delete {
  KeyOptions keys;
  std::vector<std::string> selected;
  std::vector<std::string> names;    // --for
  std::vector<std::string> reports;  // --report
  bool yes = false;
  ListOptions list;

  void add_yes(CLI::App& cmd) {
    cmd.add_flag("--yes", yes, "Do not ask; asked is on a terminal only");
    list.add(cmd, "a key", {"uuid", "state"});
  }
};

void check_delete(const Delete& o) {
  if (o.selected.empty() == o.names.empty())
    throw CLI::ValidationError(
        "Say which keys: either by KEY, or by --for and their alternate names");
}

/// The keys, by their names where they have some: what people know them by.
std::string question(const std::vector<kms::KeyDocument>& keys) {
  constexpr std::size_t kMost = 10;
  std::string text = "Delete " + std::to_string(keys.size()) +
                     (keys.size() == 1 ? " key" : " keys") + ", and with " +
                     (keys.size() == 1 ? "it" : "them") + " all that is encrypted under " +
                     (keys.size() == 1 ? "it:" : "them:");
  for (std::size_t i = 0; i < std::min(kMost, keys.size()); ++i) {
    text += (i == 0 ? " " : ", ") + keys[i].id.to_string();
    if (!keys[i].alt_names.empty()) text += " (" + printable(keys[i].alt_names.front()) + ")";
  }
  return text + (keys.size() > kMost ? ", ...?" : "?");
}

/// The keys that have these names: what looks like an id is a name, too.
Outcome<std::vector<kms::KeyDocument>> find_named(kms::KeyVault& vault,
                                                  const std::vector<std::string>& names) {
  FLE_TRY(const std::vector<kms::KeyDocument> named, vault.find({}, names));
  const KeysByName keys = by_name(named);
  std::vector<kms::KeyDocument> found;
  std::set<KeyId> given;
  for (const std::string& name : names) {
    if (const auto it = keys.find(name); it != keys.end()) {
      if (given.insert(it->second->id).second) found.push_back(*it->second);
      continue;
    }
    // It says which name is alike; or finds a key, of which this is the id.
    FLE_CHECK(find_keys(vault, {&name, 1}));
    return Failure(Errc::key_not_found, "no data key has the alternate name '" + name +
                                            "': it is the id of one, which is given as KEY");
  }
  return found;
}

Done delete_found(const Delete& o, kms::KeyVault& vault,
                  const std::vector<kms::KeyDocument>& found) {
  if (!o.yes && is_terminal(STDIN_FILENO) && !is_confirmed(question(found)))
    return Failure(Errc::invalid_argument, "nothing was deleted: it was not confirmed");
  std::string text;
  std::string deleted;
  Done ending = ok;
  for (const kms::KeyDocument& key : found) {
    const auto existed = vault.delete_key(key.id);
    if (!existed) {
      ending = existed.error();
      break;
    }
    const std::string uuid = key.id.to_string();
    if (!*existed) continue;
    text += o.list.line(JsonLine().add("uuid", uuid).add("state", "deleted"), uuid + "  deleted\n");
    deleted += (deleted.empty() ? "deleted: " : ", ") + uuid;
  }
  // Those that went before one that does not are gone, and somebody may have to prove it.
  Done told = print_done(text, deleted.empty() ? "nothing was deleted" : deleted);
  if (told) return ending;
  if (!ending) complain(ending.error().to_string());
  return told;
}

Done delete_keys(const Delete& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  // All are looked up first: a typing mistake deletes nothing.
  FLE_TRY(const std::vector<kms::KeyDocument> found,
          o.names.empty() ? find_keys(*vault, o.selected) : find_named(*vault, o.names));
  return delete_found(o, *vault, found);
}

Done retire(const Delete& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> found, find_keys(*vault, o.selected));
  std::uint64_t documents = 0;
  for (const std::string& path : o.reports) {
    FLE_TRY(const KeyCounts counts, read_key_report(path));
    documents += counts.documents;
    for (const kms::KeyDocument& key : found) {
      const auto it = counts.values.find(key.id);
      if (it == counts.values.end() || it->second == 0) continue;
      return Failure(Errc::invalid_argument,
                     "the key " + key.id.to_string() + " is in use: '" + path + "' counts " +
                         std::to_string(it->second) + (it->second == 1 ? " value" : " values") +
                         " under it, and none could be decrypted again. 'fle "
                         "reencrypt' gives them another key");
    }
  }
  // What came from a program that failed: `mongoexport ... | fle report --json > FILE`.
  if (documents == 0)
    return Failure(Errc::invalid_argument,
                   "no report has read a document, so none says that a key is out of use: 'fle key "
                   "delete' deletes without one");
  return delete_found(o, *vault, found);
}

}  // namespace

void add_key_delete(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand("delete", "Delete keys, and with them what they encrypted");
  auto o = std::make_shared<Delete>();
  o->keys.add_vault(*cmd);
  cmd->add_option("KEY", o->selected, kKeyHelp);
  cmd->add_option("--for", o->names,
                  "The key of this alternate name, and of nothing else; may be repeated")
      ->allow_extra_args(false)
      ->type_name("NAME");
  o->add_yes(*cmd);
  cmd->footer(
      "What is encrypted under a deleted key cannot be decrypted again. `fle key export` first\n"
      "keeps a copy that `fle key import` takes back. To erase one person whose data has a key of\n"
      "its own: fle key delete --vault keys.db --for NAME (docs/erasure.md)");
  choose(*cmd, chosen, o, delete_keys, check_delete);
}

void add_key_retire(CLI::App& key, Action& chosen) {
  CLI::App* cmd =
      key.add_subcommand("retire", "Delete keys under which a report counts no values any more");
  auto o = std::make_shared<Delete>();
  o->keys.add_vault(*cmd);
  cmd->add_option("KEY", o->selected, kKeyHelp)->required();
  cmd->add_option("--report", o->reports,
                  "What 'fle report --json' has written of a collection; repeated, of each")
      ->required()
      ->allow_extra_args(false)
      ->type_name("FILE");
  o->add_yes(*cmd);
  cmd->footer(
      "Refused while a report counts a value under one of the keys, or values that may be under "
      "any,\n"
      "and if none has read a document. A report knows what it has read:\n"
      "make one of each collection that the key may be in, after the last write with it.\n"
      "Example: fle key retire --vault keys.db old-key --report patients.report.json");
  choose(*cmd, chosen, o, retire);
}

}  // namespace fle::tools
