// fle key rewrap.
#include <algorithm>

#include <bson/bson.h>

#include "command_line/cli.h"
#include "fle/kms/rewrap.h"
#include "key_commands.h"
#include "streams/documents.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

constexpr std::size_t kBatch = 100;
constexpr std::size_t kThreads = 8;
constexpr std::uint32_t kRetries = 3;

struct Rewrap {
  KeyOptions keys;
  MasterKeyOptions target;
  KeySelection which;
  std::vector<std::string> from_master_keys;  // JSON, one each
  kms::RewrapOptions options;
  ListOptions list;
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

/// What became of keys: as people read it, and as the value of "state".
struct State {
  const char* text;
  const char* name;
};

std::string lines(const kms::RewrapResult& result, const Rewrap& o) {
  std::string text;
  const auto item = [&](const KeyId& id, State state) {
    return JsonLine().add("uuid", id.to_string()).add("state", state.name);
  };
  const auto add = [&](const std::vector<KeyId>& ids, State state) {
    for (const KeyId& id : ids)
      text += o.list.line(item(id, state), id.to_string() + "  " + state.text + "\n");
  };
  add(result.rewrapped, o.options.dry_run ? State{"would be rewrapped", "wouldBeRewrapped"}
                                          : State{"rewrapped", "rewrapped"});
  add(result.current, {"is under this master key already", "current"});
  add(result.changed, {"changed meanwhile, left alone", "changed"});
  for (const kms::RewrapFailure& f : result.failed) {
    const JsonLine failed = item(f.id, {"", "failed"}).add("error", name(f.failure.code));
    text += o.list.line(failed, f.id.to_string() + "  failed\n");
  }
  return text;
}

/// Lists what failed, and ends with what matters most of that: what will fail again.
Ending tell(const kms::RewrapResult& result, const Rewrap& o) {
  const std::string n = std::to_string(result.rewrapped.size());
  const Done printed =
      print_done(lines(result, o), o.options.dry_run ? "nothing was stored: this was a trial"
                                                     : "rewrapped: " + n + " keys");
  for (const kms::RewrapFailure& f : result.failed) complain(f.failure.to_string());
  const auto count = [](const auto& keys, const char* what) {
    return std::to_string(keys.size()) + " " + what;
  };
  if (o.options.resume || !result.failed.empty()) {
    complain(count(result.rewrapped, o.options.dry_run ? "would be rewrapped, " : "rewrapped, ") +
             count(result.current, "under this master key already, ") +
             count(result.changed, "changed meanwhile, ") + count(result.failed, "failed"));
  }
  if (!printed) return printed;
  if (result.failed.empty()) return kDone;
  const auto worst = std::ranges::find_if(result.failed, [](const kms::RewrapFailure& f) {
    return !kms::may_be_tried_again(f.failure.code);
  });
  const kms::RewrapFailure& f = worst != result.failed.end() ? *worst : result.failed.front();
  return Failure(f.failure.code,
                 count(result.failed, "keys are as they were: ") +
                     (worst != result.failed.end() ? "see above" : "run it again, with --resume"));
}

Ending rewrap(const Rewrap& o) {
  FLE_TRY(const std::shared_ptr<const kms::Providers> providers, o.keys.providers());
  kms::RewrapOptions options = o.options;
  FLE_TRY(options.observer, o.keys.trace());
  for (const std::string& json : o.from_master_keys) FLE_CHECK(add_named(options.from, json));
  if (options.resume) {  // a run that others may go on from
    options.keep_going = true;
    if (options.batch == 0) options.batch = kBatch;
  }
  if (!o.target.provider.empty()) {
    FLE_TRY(options.master_key, o.target.parse());
  }
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const kms::KeyFilter filter, o.which.keys_of(*vault));
  FLE_TRY(const kms::RewrapResult result,
          kms::rewrap_many_data_key(*vault, *providers, filter, options));
  if (result.rewrapped.empty() && result.current.empty() && result.changed.empty() &&
      result.failed.empty())
    FLE_CHECK(o.which.complain_of_none(
        *vault, options.dry_run ? "0 keys would be rewrapped" : "0 keys rewrapped"));
  return tell(result, o);
}

}  // namespace

void add_key_rewrap(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "rewrap", "Wrap data keys anew, under another master key or the one they have");
  auto o = std::make_shared<Rewrap>();
  o->options.threads = kThreads;
  o->options.retries = kRetries;
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->keys.add_trace(*cmd);
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
  cmd->add_flag(
      "--resume", o->options.resume,
      "Leave out keys that are under the master key of --provider already, store after every "
      "100 keys, and keep going: for many keys, from the first run on");
  cmd->add_option("--batch", o->options.batch,
                  "Store after every N keys; if not given, and without --resume, once all have "
                  "been opened and wrapped, so that one that cannot be leaves all as they were")
      ->transform(is_whole_number(1, 1'000'000))
      ->type_name("N");
  cmd->add_flag("--keep-going", o->options.keep_going,
                "A key that cannot be rewrapped is listed at the end and does not stop the others");
  cmd->add_option("--threads", o->options.threads, "Keys that are worked on at once")
      ->transform(is_whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  cmd->add_option("--retries", o->options.retries,
                  "How often keys whose KMS does not answer are tried again, after longer and "
                  "longer waits")
      ->transform(is_whole_number(0, 100))
      ->type_name("N")
      ->capture_default_str();
  o->list.add(*cmd, "a key", {"uuid", "state", "error"});
  cmd->footer(
      "The data keys, and so all that is encrypted, stay what they are. Each new wrapping is "
      "opened\n"
      "and compared before it replaces the old one; an interrupted run loses no key.\n"
      "Example: fle key rewrap --vault keys.db --kms kms.json --all --provider aws:new \\\n"
      "           --master-key '{\"region\": \"us-east-1\", \"key\": \"alias/new\"}' --dry-run");
  choose(*cmd, chosen, o, rewrap, check_usage);
}

}  // namespace fle::tools
