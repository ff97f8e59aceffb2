// fle key export, import: key documents as drivers store them, byte for byte.
#include <algorithm>

#include "command_line/cli.h"
#include "command_line/files.h"
#include "key_commands.h"
#include "options/stream_options.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

struct Transfer {
  KeyOptions keys;
  std::vector<std::string> selected;
  std::string in;
  std::string out;
  Format format = Format::automatic;
  bool relaxed = false;
  bool skip_identical = false;

  void add_format(CLI::App& cmd, const char* help) {
    cmd.add_option("--format", format, help)->transform(is_format())->type_name("bson|json");
  }
};

Done export_keys(const Transfer& o) {
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
  FLE_TRY(const std::vector<kms::KeyDocument> keys,
          o.selected.empty() ? vault->list() : find_keys(*vault, o.selected));
  FLE_TRY(Output out, Output::open(o.out, files::Privacy::secret));
  FLE_CHECK(check_terminal(out, o.format == Format::json));
  if (keys.empty()) complain("the key vault has no key: 0 keys exported");
  std::string json;
  for (const kms::KeyDocument& key : keys) {
    const std::vector<std::uint8_t> bson = kms::to_bson(key);
    if (o.format != Format::json) {
      FLE_CHECK(out.write(bson));
      continue;
    }
    json.clear();
    FLE_CHECK(bson_to_json(bson, !o.relaxed, json));
    FLE_CHECK(out.write({reinterpret_cast<const std::uint8_t*>(json.data()), json.size()}));
  }
  return out.commit();
}

/// A key and its number in the input, from 1.
struct Numbered {
  std::uint64_t number;
  kms::KeyDocument key;
};

Failure at_number(Failure f, std::uint64_t number) {
  f.document = number;
  return f;
}

Outcome<kms::KeyDocument> read_key(const DocumentReader& reader, const Chunk& chunk,
                                   std::size_t i) {
  WipedBytes room;
  FLE_TRY(const Bytes document, reader.as_bson(chunk, i, room));
  return kms::parse_key_document(document);
}

Outcome<std::vector<Numbered>> read_keys(const Transfer& o) {
  constexpr std::size_t kChunk = 128 * 1024;
  FLE_TRY(Input in, Input::open(o.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.format));
  std::vector<Numbered> keys;
  Chunk chunk;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.ends.empty()) return keys;
    for (std::size_t i = 0; i < chunk.ends.size(); ++i) {
      const std::uint64_t number = keys.size() + 1;
      auto key = read_key(reader, chunk, i);
      if (!key) return at_number(key.error(), number);
      keys.push_back({number, std::move(*key)});
    }
  }
}

/// Drops the keys whose very documents are in the vault.
Done drop_identical(std::vector<Numbered>& keys, kms::KeyVault& vault) {
  std::vector<KeyId> ids;
  for (const Numbered& k : keys) ids.push_back(k.key.id);
  FLE_TRY(std::vector<kms::KeyDocument> stored, vault.find(ids, {}));
  std::ranges::sort(stored, {}, &kms::KeyDocument::id);
  std::erase_if(keys, [&stored](const Numbered& k) {
    const auto it = std::ranges::lower_bound(stored, k.key.id, {}, &kms::KeyDocument::id);
    return it != stored.end() && it->id == k.key.id && kms::to_bson(*it) == kms::to_bson(k.key);
  });
  return ok;
}

Done insert(kms::KeyVault& vault, const std::vector<Numbered>& keys) {
  std::vector<kms::KeyDocument> documents;
  for (const Numbered& k : keys) documents.push_back(k.key);
  const Done done = vault.insert_many(documents);
  if (done || done.error().document == 0) return done;
  return at_number(done.error(), keys[done.error().document - 1].number);
}

Done import_keys(const Transfer& o) {
  FLE_TRY(std::vector<Numbered> keys, read_keys(o));
  // Before the vault file is made: keys that contradict each other leave nothing behind.
  FLE_CHECK(insert(*kms::make_memory_vault(), keys));
  const std::size_t all = keys.size();
  if (all == 0) complain("the input has no key: 0 keys imported");
  FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(true));
  if (o.skip_identical) FLE_CHECK(drop_identical(keys, *vault));
  FLE_CHECK(insert(*vault, keys));
  const std::string n = std::to_string(keys.size());
  return print_done(
      "{\"imported\": " + n + ", \"skipped\": " + std::to_string(all - keys.size()) + "}\n",
      "imported: " + n + " of the keys");
}

}  // namespace

void add_key_export(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "export", "Key documents as drivers store them: all, or those of KEY; keys stay wrapped");
  auto o = std::make_shared<Transfer>();
  o->keys.add_vault(*cmd);
  cmd->add_option("KEY", o->selected, kKeyHelp);
  cmd->add_option("--out", o->out, "Output; standard output if not given")->type_name("FILE");
  o->add_format(*cmd,
                "bson: documents one after the other (the default); json: one Extended JSON "
                "document a line");
  cmd->add_flag("--relaxed", o->relaxed,
                "Write relaxed Extended JSON (the default is canonical, which keeps all types)");
  cmd->footer("Example: fle key export --vault keys.db --format json --out keys.json");
  choose(*cmd, chosen, o, export_keys);
}

void add_key_import(CLI::App& key, Action& chosen) {
  CLI::App* cmd = key.add_subcommand(
      "import", "Store key documents that drivers or `fle key export` wrote; prints how many");
  auto o = std::make_shared<Transfer>();
  o->keys.add_vault(*cmd);
  cmd->add_option("--in", o->in,
                  "Input, in any form that 'fle encrypt' takes; standard input if not given")
      ->type_name("FILE");
  o->add_format(*cmd, "Take nothing else than this");
  cmd->add_flag("--skip-identical", o->skip_identical,
                "Leave out keys whose documents are in the vault already, byte for byte");
  cmd->footer(
      "One document that is refused, or whose id or name is taken, and none is stored (in "
      "MongoDB:\n"
      "none from there on). Example: fle key import --vault keys.db --in keys.bson");
  choose(*cmd, chosen, o, import_keys);
}

}  // namespace fle::tools
