#include "commands.h"

#include <algorithm>
#include <array>

namespace fle::query {
namespace {

constexpr CommandField kExplain[] = {
    of_type(Type::object,
            {"explain", explained_command,
             "the command inside is analyzed as it would be by itself", Evidence::test, false}),
    as_is("verbosity", Holds::text),
};

constexpr const char* kSent = "sent as it is; the reply is decrypted";

std::span<const CommandField> explain_fields() noexcept { return kExplain; }

constexpr CommandClass kAnalyzed = CommandClass::analyzed;
constexpr Command kCommands[] = {
    {{"insert", "documents are encrypted", Evidence::test}, kAnalyzed, insert_fields},
    {{"find", "analyzed", Evidence::test}, kAnalyzed, find_fields},
    {{"count", "analyzed", Evidence::test}, kAnalyzed, count_fields},
    {{"distinct", "analyzed", Evidence::test}, kAnalyzed, distinct_fields},
    {{"update", "analyzed", Evidence::test},
     kAnalyzed,
     update_fields,
     {.updates = "updates", .update = "u"}},
    {{"delete", "analyzed", Evidence::test}, kAnalyzed, delete_fields},
    {{"findAndModify", "analyzed", Evidence::test},
     kAnalyzed,
     find_and_modify_fields,
     {.update = "update"}},
    {{"bulkWrite", "analyzed, where it is about one namespace; drivers of MongoDB cannot do this"},
     kAnalyzed,
     bulk_write_fields,
     {.ns_info = true, .updates = "ops", .update = "updateMods"}},
    {{"aggregate", "analyzed, with the schemas of all collections that its pipeline names",
      Evidence::test},
     kAnalyzed,
     aggregate_fields,
     {.has_pipeline = true}},
    {{"create", "analyzed; its own $jsonSchema is the schema", Evidence::test},
     kAnalyzed,
     create_fields,
     {.stores_schema = true}},
    {{"collMod", "analyzed; its own $jsonSchema is the schema", Evidence::test},
     kAnalyzed,
     coll_mod_fields,
     {.stores_schema = true}},
    {{"createIndexes", "analyzed", Evidence::test}, kAnalyzed, create_indexes_fields},
    {{"explain", "as the command inside", Evidence::test},
     kAnalyzed,
     explain_fields,
     {.wraps_command = true}},
    // Handshake and authentication.
    {{"hello", kSent, Evidence::test}},
    {{"isMaster", kSent, Evidence::test}},
    {{"authenticate", kSent, Evidence::test}},
    {{"getnonce", kSent, Evidence::test}},
    {{"logout", kSent, Evidence::test}},
    {{"saslStart", kSent, Evidence::test}},
    {{"saslContinue", kSent, Evidence::test}},
    // Cursors, sessions, transactions.
    {{"getMore", kSent, Evidence::test}},
    {{"killCursors", kSent, Evidence::test}},
    {{"startSession", kSent, Evidence::test}},
    {{"endSessions", kSent, Evidence::test}},
    {{"refreshSessions", kSent, Evidence::test}},
    {{"killSessions", kSent, Evidence::test}},
    {{"killAllSessions", kSent, Evidence::test}},
    {{"killAllSessionsByPattern", kSent, Evidence::test}},
    {{"abortTransaction", kSent, Evidence::test}},
    {{"commitTransaction", kSent, Evidence::test}},
    // Catalogue.
    {{"drop", kSent, Evidence::test}},
    {{"dropDatabase", kSent, Evidence::test}},
    {{"dropIndexes", kSent, Evidence::test}},
    {{"renameCollection", kSent, Evidence::test}},
    {{"listCollections", kSent, Evidence::test}},
    {{"listDatabases", kSent, Evidence::test}},
    {{"listIndexes", kSent, Evidence::test}},
    {{"createSearchIndexes", kSent, Evidence::test}},
    {{"listSearchIndexes", kSent, Evidence::test}},
    {{"dropSearchIndex", kSent, Evidence::test}},
    {{"updateSearchIndex", kSent, Evidence::test}},
    // Diagnostics.
    {{"ping", kSent, Evidence::test}},
    {{"buildInfo", kSent, Evidence::test}},
    {{"buildinfo", kSent, Evidence::test}},
    {{"getCmdLineOpts", kSent, Evidence::test}},
    {{"getLog", kSent, Evidence::test}},
    {{"serverStatus", kSent, Evidence::test}},
};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_is_master(std::string_view name) noexcept {
  return std::ranges::equal(name, std::string_view("ismaster"), {}, lower);
}

}  // namespace

std::span<const Command> commands() noexcept { return kCommands; }

const Command* find_command(std::string_view name) noexcept {
  const std::string_view known = is_is_master(name) ? "isMaster" : name;
  const auto* row =
      std::ranges::find_if(kCommands, [known](const Command& c) { return known == c.text.name; });
  return row == std::end(kCommands) ? nullptr : row;
}

namespace {

consteval auto words_of_commands() {
  std::array<Word, std::size(kCommands)> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = Word(kCommands[i].text.name);
  return words;
}
constexpr auto kWords = words_of_commands();

}  // namespace

Word analyzed_command(std::string_view name) noexcept {
  const Command* row = find_command(name);
  if (row == nullptr || row->command_class != CommandClass::analyzed) return {};
  return kWords[static_cast<std::size_t>(row - std::begin(kCommands))];
}

}  // namespace fle::query
