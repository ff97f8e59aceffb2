// fle key add-name, remove-name.
#include <algorithm>

#include <bson/bson.h>

#include "command_line/cli.h"
#include "fle/client/client_encryption.h"
#include "fle/kms/seal.h"
#include "key_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

struct Names {
  KeyOptions keys;
  std::string key;
  std::string name;
};

/// One JSON line: {"uuid": ..., "keyAltNames": [...]}.
Done print_names(const KeyId& id, const std::vector<std::string>& names) {
  bson_t b = BSON_INITIALIZER;
  bson_t array;
  bson_append_utf8(&b, "uuid", -1, id.to_string().c_str(), -1);
  bson_append_array_begin(&b, "keyAltNames", -1, &array);
  std::uint32_t i = 0;
  for (const std::string& n : names)
    bson_append_utf8(&array, std::to_string(i++).c_str(), -1, n.data(), static_cast<int>(n.size()));
  bson_append_array_end(&b, &array);
  std::string text;
  const Done written = bson_to_json({bson_get_data(&b), b.len}, false, text);
  bson_destroy(&b);
  FLE_CHECK(written);
  return print_done(text, "the names of the data key " + id.to_string() + " are changed");
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

}  // namespace

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

}  // namespace fle::tools
