// fle key create, list, show.
#include "command_line/cli.h"
#include "command_line/files.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/seal.h"
#include "key_commands.h"
#include "streams/documents.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

struct Create {
  KeyOptions keys;
  MasterKeyOptions master_key{"local", {}};
  std::vector<std::string> alt_names;
  std::string material_file;
  ListOptions list;
};

Done create(const Create& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  kms::CreateKeyOptions options;
  FLE_TRY(options.master_key, o.master_key.parse());
  SecretBytes material;
  if (!o.material_file.empty()) {
    FLE_TRY(material, read_secret_file(o.material_file, 4096, o.keys.lock_policy(),
                                       files::FileKind::key_material));
    options.key_material = material.expose();
  }
  // Before the vault file is made: a wrong option must leave nothing behind.
  FLE_CHECK(providers->find(o.master_key.provider));
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(true));
  options.alt_names = o.alt_names;
  FLE_TRY(options.observer, o.keys.trace());
  options.lock_policy = o.keys.lock_policy();
  FLE_TRY(const kms::KeyDocument key, kms::create_data_key(*vault, *providers, options));
  JsonLine item;
  item.add("uuid", key.id.to_string()).add("base64", key.id.to_base64());
  return print_done(o.list.line(item, item.line()),
                    "the data key " + key.id.to_string() + " is in the vault");
}

/// The last word of a line of `list`.
const char* text_of(kms::SealState state) noexcept {
  switch (state) {
    case kms::SealState::unsealed:
      return "unsealed";
    case kms::SealState::unchecked:
      return "seal-unchecked";
    case kms::SealState::broken:
      return "seal-broken";
    case kms::SealState::sealed:
      return "sealed";
  }
  return "";
}

struct List {
  KeyOptions keys;
  ListOptions list;
};

/// A key as programs read it; its material stays where it is.
Outcome<JsonLine> item_of(const kms::KeyDocument& k) {
  std::string master_key;
  FLE_CHECK(bson_to_json(k.master_key.bson, false, master_key));
  while (master_key.ends_with('\n')) master_key.pop_back();
  JsonLine item;
  item.add("uuid", k.id.to_string()).add("base64", k.id.to_base64());
  item.add("provider", k.master_key.provider).add_value("masterKey", master_key);
  item.add("creationDate", to_text(k.creation_date)).add("updateDate", to_text(k.update_date));
  return item.add_value("keyAltNames", json_array(k.alt_names));
}

/// What item_of() has.
std::vector<std::string> key_fields() {
  return {"uuid", "base64", "provider", "masterKey", "creationDate", "updateDate", "keyAltNames"};
}

Done list(const List& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> all, vault->list());
  if (all.empty()) complain("the key vault has no key: 0 keys");
  std::string text;
  for (const kms::KeyDocument& k : all) {
    std::string names;
    for (const std::string& n : k.alt_names) names += (names.empty() ? "" : ",") + printable(n);
    FLE_TRY(const kms::SealState state, kms::seal_state(*providers, k));
    FLE_TRY(JsonLine item, item_of(k));
    item.add("seal", text_of(state));
    text += o.list.line(item, k.id.to_string() + "  " + k.id.to_base64() + "  " +
                                  k.master_key.provider + "  " + to_text(k.creation_date) + "  " +
                                  (names.empty() ? "-" : names) + "  " + text_of(state) + "\n");
  }
  return print(text);
}

struct Show {
  KeyOptions keys;
  std::string key;
  ListOptions list;
};

Done show(const Show& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> found, find_keys(*vault, {&o.key, 1}));
  std::string text;
  FLE_CHECK(bson_to_json(kms::to_bson(found.front()), true, text));
  FLE_TRY(const JsonLine item, item_of(found.front()));
  return print(o.list.line(item, text));
}

// A new subcommand is a function and a row.
constexpr AddCommand kKeyCommands[] = {add_key_create, add_key_list,     add_key_show,
                                       add_key_rewrap, add_key_add_name, add_key_remove_name,
                                       add_key_delete, add_key_retire,   add_key_export,
                                       add_key_import, add_key_seal};

}  // namespace

void add_key_create(CLI::App& key, Action& chosen) {
  CLI::App* cmd =
      key.add_subcommand("create", "Make a data key, wrap it and store it; prints its id as JSON");
  auto o = std::make_shared<Create>();
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->keys.add_trace(*cmd);
  o->master_key.add(*cmd);
  cmd->add_option("--alt-name", o->alt_names, "Alternate name; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  cmd->add_option("--key-material", o->material_file,
                  "The data key itself, 96 raw bytes; random bytes if not given")
      ->type_name("FILE");
  cmd->add_flag("--seal", o->keys.seal_new_keys,
                "Seal the key; done anyway with --seal-key or --require-seals");
  o->list.add(*cmd, "the key", {"uuid", "base64"});
  cmd->footer(
      "Examples: fle key create --vault keys.db --local-key master.key --alt-name patients\n"
      "          fle key create --vault keys.db --kms kms.json --provider aws \\\n"
      "            --master-key '{\"region\": \"us-east-1\", \"key\": \"alias/patients\"}'");
  choose(*cmd, chosen, o, create);
}

void add_key_list(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "list", "One line a key: UUID, base64, provider, creation, alternate names, seal");
  auto o = std::make_shared<List>();
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  std::vector<std::string> fields = key_fields();
  fields.emplace_back("seal");
  o->list.add(*cmd, "a key", std::move(fields));
  cmd->footer("A seal can be checked with the sealing key: --seal-key, or a local master key.");
  choose(*cmd, chosen, o, list);
}

void add_key_show(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "show", "The document of one key as canonical Extended JSON; its material stays wrapped");
  auto o = std::make_shared<Show>();
  o->keys.add_vault(*cmd);
  cmd->add_option("KEY", o->key, kKeyHelp)->required();
  o->list.add(*cmd, "the key", key_fields());
  choose(*cmd, chosen, o, show);
}

void add_key(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand("key", "Data keys in a key vault");
  cmd->require_subcommand(1);
  for (const AddCommand add : kKeyCommands) add(*cmd, chosen);
}

}  // namespace fle::tools
