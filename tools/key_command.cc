#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "command.h"
#include "documents.h"
#include "fle/kms/key_vault.h"

namespace fle::tools {
namespace {

Done print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return ok;
  return Failure(Errc::io_failed, "cannot write to standard output");
}

struct Create {
  KeyOptions keys;
  std::vector<std::string> alt_names;
  std::string provider = "local";
};

Done create(const Create& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  // Before the vault file is made: a wrong option must leave nothing behind.
  FLE_CHECK(providers->find(o.provider));
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(true));
  kms::CreateKeyOptions options;
  options.master_key = kms::MasterKey::local(o.provider);
  options.alt_names = o.alt_names;
  options.lock_policy = o.keys.lock_policy();
  FLE_TRY(const kms::KeyDocument key, kms::create_data_key(*vault, *providers, options));
  return print("{\"uuid\": \"" + to_uuid_string(key.id) + "\", \"base64\": \"" + to_base64(key.id) +
               "\"}\n");
}

std::string date(kms::KeyDocument::Time t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Done list(const KeyOptions& keys) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> all, vault->list());
  std::string text;
  for (const kms::KeyDocument& k : all) {
    std::string names;
    for (const std::string& n : k.alt_names) names += (names.empty() ? "" : ",") + printable(n);
    text += to_uuid_string(k.id) + "  " + to_base64(k.id) + "  " + k.master_key.provider + "  " +
            date(k.creation_date) + "  " + (names.empty() ? "-" : names) + "\n";
  }
  return print(text);
}

struct Show {
  KeyOptions keys;
  std::string key;
};

Done show(const Show& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> all, vault->list());
  // An alternate name may look like anything, so it comes first.
  const auto by = [&](auto matches) { return std::find_if(all.begin(), all.end(), matches); };
  auto it = by([&](const kms::KeyDocument& k) {
    return std::find(k.alt_names.begin(), k.alt_names.end(), o.key) != k.alt_names.end();
  });
  if (it == all.end()) {
    it = by([&](const kms::KeyDocument& k) {
      return to_uuid_string(k.id) == o.key || to_base64(k.id) == o.key;
    });
  }
  if (it == all.end()) {
    return Failure(Errc::key_not_found,
                   "no data key has the alternate name, UUID or base64 id '" + o.key + "'");
  }
  std::string text;
  FLE_CHECK(bson_to_json(kms::to_bson(*it), true, text));
  return print(text);
}

}  // namespace

void add_key(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand("key", "Data keys in a key vault");
  cmd->require_subcommand(1);

  CLI::App* c =
      cmd->add_subcommand("create", "Make a data key, wrap it and store it; prints its id as JSON");
  auto create_options = std::make_shared<Create>();
  create_options->keys.add_vault(*c);
  create_options->keys.add_kms(*c);
  c->add_option("--alt-name", create_options->alt_names,
                "Alternate name; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  c->add_option("--provider", create_options->provider, "KMS provider id, e.g. local or local:NAME")
      ->capture_default_str();
  c->footer("Example: fle key create --vault keys.db --local-key master.key --alt-name patients");
  c->callback(
      [create_options, &chosen] { chosen = [create_options] { return create(*create_options); }; });

  CLI::App* l = cmd->add_subcommand(
      "list", "One line a key: UUID, base64, provider, creation, alternate names");
  auto list_options = std::make_shared<KeyOptions>();
  list_options->add_vault(*l);
  l->callback([list_options, &chosen] { chosen = [list_options] { return list(*list_options); }; });

  CLI::App* s = cmd->add_subcommand(
      "show", "The document of one key as canonical Extended JSON; its material stays wrapped");
  auto show_options = std::make_shared<Show>();
  show_options->keys.add_vault(*s);
  s->add_option("KEY", show_options->key, "Alternate name, UUID, or base64 id")->required();
  s->callback([show_options, &chosen] { chosen = [show_options] { return show(*show_options); }; });
}

}  // namespace fle::tools
