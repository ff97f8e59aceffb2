// fle key rewrap, add-name, remove-name, delete.
#include <algorithm>

#include <bson/bson.h>
#include <unistd.h>

#include "command_line/cli.h"
#include "command_line/terminal.h"
#include "fle/client/client_encryption.h"
#include "fle/kms/seal.h"
#include "key_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

// ---- rewrap

struct Rewrap {
  KeyOptions keys;
  MasterKeyOptions target;
  KeySelection which;
  std::vector<std::string> from_master_keys;  // JSON, one each
  kms::RewrapOptions options;
};

/// What CLI11 cannot check by itself: throws a usage error.
void check_usage(const Rewrap& o) {
  o.which.check_usage();
  if (o.target.provider.empty() && !o.target.master_key.empty())
    throw CLI::ValidationError("--master-key requires --provider");
  if (o.target.provider.empty() && o.options.resume)
    throw CLI::ValidationError(
        "--resume requires --provider: use --updated-before to go on with "
        "keys that stay under their master key");
}

/// "provider" and the fields of a pin, as key list prints a master key.
Done add_named(kms::MasterKeyPins& out, const std::string& json) {
  constexpr const char* kOption = "--from-master-key";
  WipedBytes bson;
  FLE_CHECK(option_to_bson(kOption, json, bson));
  const auto refuse = [&](const std::string& why) {
    return Failure(Errc::invalid_argument, std::string(kOption) + ": " + why);
  };
  bson_t b;
  bson_iter_t it;
  if (!bson_init_static(&b, bson.data(), bson.size()) || !bson_iter_init(&it, &b))
    return refuse("not a document");
  std::string provider;
  kms::MasterKeyPin pin;
  while (bson_iter_next(&it)) {
    const std::string name = bson_iter_key(&it);
    if (BSON_ITER_HOLDS_BOOL(&it)) continue;  // "delegated": of the request, not of the key
    if (!BSON_ITER_HOLDS_UTF8(&it)) return refuse("'" + name + "': expected a string");
    std::uint32_t n = 0;
    const char* text = bson_iter_utf8(&it, &n);
    std::string& to = name == "provider" ? provider : pin[name];
    to.assign(text, n);
  }
  if (provider.empty()) return refuse("expected the field 'provider': an id as in --provider");
  out[provider].push_back(std::move(pin));
  return ok;
}

Done rewrap(const Rewrap& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  kms::RewrapOptions options = o.options;
  for (const std::string& json : o.from_master_keys) FLE_CHECK(add_named(options.from, json));
  if (!o.target.provider.empty()) {
    FLE_TRY(options.master_key, o.target.parse());
  }
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const kms::KeyFilter filter, o.which.keys_of(*vault));
  FLE_TRY(const kms::RewrapResult result,
          kms::rewrap_many_data_key(*vault, *providers, filter, options));
  if (result.rewrapped.empty() && result.current.empty() && result.changed.empty())
    FLE_CHECK(o.which.complain_of_none(
        *vault, options.dry_run ? "0 keys would be rewrapped" : "0 keys rewrapped"));
  std::string text;
  const auto add = [&text](const std::vector<KeyId>& ids, const char* what) {
    for (const KeyId& id : ids) text += to_uuid_string(id) + "  " + what + "\n";
  };
  add(result.rewrapped, options.dry_run ? "would be rewrapped" : "rewrapped");
  add(result.current, "is under this master key already");
  add(result.changed, "changed meanwhile, left alone");
  return print(text);
}

// ---- Names

struct Names {
  KeyOptions keys;
  std::string key;
  std::string name;
};

/// One JSON line: {"uuid": ..., "keyAltNames": [...]}.
Done print_names(const KeyId& id, const std::vector<std::string>& names) {
  bson_t b = BSON_INITIALIZER;
  bson_t array;
  bson_append_utf8(&b, "uuid", -1, to_uuid_string(id).c_str(), -1);
  bson_append_array_begin(&b, "keyAltNames", -1, &array);
  std::uint32_t i = 0;
  for (const std::string& n : names)
    bson_append_utf8(&array, std::to_string(i++).c_str(), -1, n.data(), static_cast<int>(n.size()));
  bson_append_array_end(&b, &array);
  std::string text;
  const Done written = bson_to_json({bson_get_data(&b), b.len}, false, text);
  bson_destroy(&b);
  FLE_CHECK(written);
  return print(text);
}

Failure gone(const std::string& key) {
  return {Errc::key_not_found, "the data key '" + key + "' has just been deleted by somebody else"};
}

/// Changes the names of the key; `after` makes of those that it had those that it has now.
Done change_names(const Names& o, decltype(kms::add_alt_name)& change,
                  void (*after)(std::vector<std::string>& names, const std::string& name)) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> found, find_keys(*vault, {&o.key, 1}));
  const KeyId id = found.front().id;
  FLE_TRY(const auto before, change(*vault, *providers, id, o.name));
  if (!before) return gone(o.key);
  std::vector<std::string> names = before->alt_names;
  after(names, o.name);
  return print_names(id, names);
}

Done add_name(const Names& o) {
  if (o.name.empty()) return Failure(Errc::invalid_argument, "the alternate name is empty");
  return change_names(o, kms::add_alt_name, [](auto& names, const std::string& name) {
    if (std::ranges::count(names, name) == 0) names.push_back(name);
  });
}

Done remove_name(const Names& o) {
  return change_names(o, kms::remove_alt_name,
                      [](auto& names, const std::string& name) { std::erase(names, name); });
}

void add_names(CLI::App& cmd, const std::shared_ptr<Names>& o) {
  o->keys.add_vault(cmd);
  o->keys.add_kms(cmd);
  cmd.add_option("KEY", o->key, kKeyHelp)->required();
  cmd.add_option("NAME", o->name, "The name")->required();
}

// ---- delete

struct Delete {
  KeyOptions keys;
  std::vector<std::string> selected;
  bool yes = false;
};

/// The keys, by their names where they have some: what people know them by.
std::string question(const std::vector<kms::KeyDocument>& keys) {
  constexpr std::size_t kMost = 10;
  std::string text = "Delete " + std::to_string(keys.size()) +
                     (keys.size() == 1 ? " key" : " keys") + ", and with " +
                     (keys.size() == 1 ? "it" : "them") + " all that is encrypted under " +
                     (keys.size() == 1 ? "it:" : "them:");
  for (std::size_t i = 0; i < std::min(kMost, keys.size()); ++i) {
    text += (i == 0 ? " " : ", ") + to_uuid_string(keys[i].id);
    if (!keys[i].alt_names.empty()) text += " (" + printable(keys[i].alt_names.front()) + ")";
  }
  return text + (keys.size() > kMost ? ", ...?" : "?");
}

Done delete_keys(const Delete& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  // All are looked up first: a typing mistake deletes nothing.
  FLE_TRY(const std::vector<kms::KeyDocument> found, find_keys(*vault, o.selected));
  if (!o.yes && is_terminal(STDIN_FILENO) && !is_confirmed(question(found)))
    return Failure(Errc::invalid_argument, "nothing was deleted: it was not confirmed");
  std::string text;
  for (const kms::KeyDocument& key : found) {
    FLE_TRY(const bool existed, vault->delete_key(key.id));
    if (existed) text += to_uuid_string(key.id) + "  deleted\n";
  }
  return print(text);
}

}  // namespace

void add_key_rewrap(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "rewrap", "Wrap data keys anew, under another master key or the one they have");
  auto o = std::make_shared<Rewrap>();
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->target.add(*cmd);
  o->which.add(*cmd);
  cmd->add_option(
         "--from-master-key", o->from_master_keys,
         "A master key that the data keys are under now, as key list prints it: nothing is "
         "sent to one that is neither named here nor in masterKeys of --kms-options")
      ->allow_extra_args(false)
      ->type_name("JSON");
  cmd->add_flag("--dry-run", o->options.dry_run,
                "Open every key and try the new wrapping, but store nothing");
  cmd->add_flag("--resume", o->options.resume,
                "Leave out keys that are under the master key of --provider already");
  cmd->add_option("--batch", o->options.batch,
                  "Store after every N keys; if not given, once all have been opened and wrapped, "
                  "so that one that cannot be leaves all as they were")
      ->check(CLI::Range(1U, 1'000'000U))
      ->type_name("N");
  cmd->footer(
      "The data keys, and so all that is encrypted, stay what they are. Each new wrapping is "
      "opened\n"
      "and compared before it replaces the old one; an interrupted run loses no key.\n"
      "Example: fle key rewrap --vault keys.db --kms kms.json --all --provider aws:new \\\n"
      "           --master-key '{\"region\": \"us-east-1\", \"key\": \"alias/new\"}' --dry-run");
  choose(*cmd, chosen, o, rewrap, check_usage);
}

void add_key_add_name(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand("add-name", "Give a key one more alternate name");
  auto o = std::make_shared<Names>();
  add_names(*cmd, o);
  cmd->footer(
      "Prints the names that the key has now, as JSON. Of a sealed key, the seal is renewed: that "
      "takes\nthe sealing key, --seal-key or a local master key.");
  choose(*cmd, chosen, o, add_name);
}

void add_key_remove_name(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand("remove-name", "Take an alternate name away from a key");
  auto o = std::make_shared<Names>();
  add_names(*cmd, o);
  cmd->footer(
      "Prints the names that the key still has, as JSON. Of a sealed key, the seal is renewed: "
      "that "
      "takes\nthe sealing key, --seal-key or a local master key.");
  choose(*cmd, chosen, o, remove_name);
}

void add_key_delete(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand("delete", "Delete keys, and with them what they encrypted");
  auto o = std::make_shared<Delete>();
  o->keys.add_vault(*cmd);
  cmd->add_option("KEY", o->selected, kKeyHelp)->required();
  cmd->add_flag("--yes", o->yes, "Do not ask; asked is on a terminal only");
  cmd->footer(
      "What is encrypted under a deleted key cannot be decrypted again. `fle key export` first\n"
      "keeps a copy that `fle key import` takes back.");
  choose(*cmd, chosen, o, delete_keys);
}

}  // namespace fle::tools
