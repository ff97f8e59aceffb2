#ifndef FLE_QUERY_ANALYSIS_H_
#define FLE_QUERY_ANALYSIS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson_walk/walk.h"
#include "fle/budget.h"
#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/observe.h"
#include "fle/schema/plan.h"
#include "fle/types.h"
#include "fle/work.h"

namespace fle::query {

/// Query analysis: which values of a command a schema encrypts, and how the command must read once
/// they are. docs/analysis.md lists every rule, generated from the tables that this code runs on.
///
///   auto target = fle::query::read_target(command);  // what it is, and which collections it names
///   if (!target) return target.error();
///   std::vector<fle::query::CollectionSchema> schemas;
///   for (const auto name : target->collections) schemas.push_back({name, plan});
///   fle::query::Analysis analysis;
///   if (auto done = fle::query::analyze(command, "clinic", schemas, analysis); !done)
///     return done.error();                                            // refused, and why
///   auto marked = fle::query::write_marked(command, analysis);        // with placeholders
///
/// What is not understood where an encrypted field could be reached is refused: nothing passes
/// because nobody thought of it.

/// What becomes of a command by its name (specification: client-side-encryption, "Auto-encryption
/// command support").
enum class CommandClass : std::uint8_t {
  analyzed,  ///< Goes through analyze().
  bypassed,  ///< Is sent as it is; its reply is decrypted all the same.
};

/// A collection by its full name.
struct CollectionName {
  std::string_view db;
  std::string_view collection;
  friend auto operator<=>(const CollectionName&, const CollectionName&) = default;
};

/// Where a command goes. Views into the command; valid while it is.
struct Target {
  CommandClass command_class = CommandClass::bypassed;
  std::string_view name;  ///< "insert"; of an explained command, its own name.
  /// The database of `collections` where it is not the one that the command is sent to: bulkWrite
  /// goes to admin and names it in nsInfo. Empty for all others.
  std::string_view db;
  std::string_view collection;  ///< Empty for bypassed commands.
  /// Every collection of the same database whose schema analyze() will ask for, each once,
  /// `collection` first.
  std::vector<std::string_view> collections;
  /// Likewise those that a pipeline names together with a database ({$out: {db, coll}}), which may
  /// be the same or another one.
  std::vector<CollectionName> elsewhere;
  /// The command's own $jsonSchema (create, collMod), which stands above every other source of
  /// a schema (specification, 6.2.1). A BSON document; empty when it has none.
  Bytes own_schema;
  std::uint32_t offset = 0;  ///< Of the document that is the command: not 0 inside an explain.
  Work work;                 ///< What reading it has cost.

  /// Forgets all, keeps the memory.
  FLE_API void clear() noexcept;
};

/// The name of a command as query analysis has it, where commands of that name go through
/// analyze(); empty for all others.
[[nodiscard]] FLE_API Word analyzed_command(std::string_view name) noexcept;

/// Reads what a command is and which schemas its analysis needs. Thread-safe.
///
/// @param command  one BSON document; the command's name is its first key.
/// @retval Errc::command_not_supported  not on the list of commands that are analyzed or bypassed,
///                                      or not sent to one collection
/// @retval Errc::command_malformed      the target is not a collection's name, or one that it names
///                                      holds a NUL
/// @retval Errc::stage_not_allowed      a pipeline names a collection by a document that is not
///                                      {db, coll}; that of an update, any other collection
/// @retval Errc::malformed_bson
[[nodiscard]] FLE_API Outcome<Target> read_target(BorrowedBytes command);
/// The same into a Target whose memory is used again.
[[nodiscard]] FLE_API Done read_target(BorrowedBytes command, Target& out);

/// The schema of one collection. No plan: a collection without a schema; it encrypts nothing.
struct CollectionSchema {
  std::string_view collection;
  std::shared_ptr<const schema::Plan> plan;
  std::string_view db{};  ///< For one of Target::elsewhere; empty for one of Target::collections.
};

/// Lists the collections whose schemas the analysis of a command asks for, without plans, the
/// command's own first.
/// @param out  overwritten; keeps its memory.
FLE_API void list_schemas(const Target& target, std::vector<CollectionSchema>& out);
/// The same for a caller that sets every plan: those that stand in `out` stay at their places, and
/// one that is set to what it was need not be written.
FLE_API void name_schemas(const Target& target, std::vector<CollectionSchema>& out);
/// The full name of a collection of that list.
/// @param db  the database that the command is sent to.
[[nodiscard]] FLE_API CollectionName full_name(const Target& target, std::string_view db,
                                               const CollectionSchema& schema) noexcept;
/// Whether it is the command's own collection.
[[nodiscard]] FLE_API bool is_own_collection(const Target& target,
                                             const CollectionSchema& schema) noexcept;
/// The $jsonSchema that the command itself gives the collection: it governs, and the server will
/// take no other. Empty where it gives none.
[[nodiscard]] FLE_API Bytes own_schema(const Target& target,
                                       const CollectionSchema& schema) noexcept;

/// Why a path of a command is or is not encrypted, or what it was refused for.
struct Finding {
  enum class Verdict : std::uint8_t { encrypted, unchanged, refused };
  Verdict verdict = Verdict::unchanged;
  std::string path;       ///< Where in the command: "filter.ssn.$eq".
  std::string field;      ///< Which field of the schema it meets: "ssn".
  std::string operation;  ///< The operator, stage, expression or command field: "$eq".
  std::string rule;       ///< Id of the rule in docs/analysis.md: "match.eq".
  std::string reason;     ///< In words.
  std::string advice{};   ///< For a refusal: what to write instead.
};

/// How a value that was found is written.
enum class Form : std::uint8_t {
  value,  ///< The encrypted value in its place.
  eq,     ///< {$eq: the encrypted value}.
  /// {$eq: the value as it is}: a filter with encrypted values is written out in full.
  eq_plain,
  /// {$const: the value as it is}: the key of a group, or what an accumulator reads, in a pipeline
  /// with encrypted values.
  const_plain,
};

/// What a value in a filter is compared by.
enum class Comparison : std::uint8_t {
  none,       ///< Nothing: it is written to a document, or stands in an expression.
  implicit,   ///< {path: value}
  operation,  ///< The operator that is the value's own name: $eq or $ne.
  member,     ///< $in or $nin: it is an item of the list.
};

/// One value of the command that is written anew, beside the mark of the same index.
struct Rewrite {
  Form form = Form::value;
  const schema::Leaf* leaf = nullptr;  ///< How to encrypt it; null where it stays as it is.
  std::string_view alt_name;  ///< The key's alternate name, where a JSON pointer led to it.
  const KeyId* previous_key = nullptr;  ///< In place of the leaf's key: see roll_over().
  Comparison comparison = Comparison::none;

  [[nodiscard]] bool encrypts() const noexcept { return leaf != nullptr; }
};

/// The id of the key that encrypts a value which has no `alt_name`.
[[nodiscard]] inline const KeyId& key_id(const Rewrite& r) {
  return r.previous_key != nullptr ? *r.previous_key : std::get<KeyId>(r.leaf->key);
}

/// For a data key the keys that it replaces.
using PreviousKeys = std::map<KeyId, std::vector<KeyId>>;

/// How a command is analyzed.
struct AnalysisOptions {
  /// Note a Finding for every path, not only for a refusal.
  bool explain = false;
  /// What it may cost.
  Budget budget{};
  /// Fields whose keys have predecessors are refused where equal values must have equal ciphertext.
  /// Null: none have.
  const PreviousKeys* previous_keys = nullptr;
  /// What read_target() made of this command, where the caller has it: else it is read once more.
  const Target* target = nullptr;
};

/// The result of one analysis; keeps its memory for the next one. Refers to the command and to the
/// schemas, which must stay. Not for concurrent use.
class FLE_API Analysis {
 public:
  Analysis() = default;
  Analysis(Analysis&&) = default;
  Analysis& operator=(Analysis&&) = default;

  bson::Edits edits;              ///< A mark for each value, offsets into the command.
  std::vector<Rewrite> rewrites;  ///< As many, in the same order.
  /// With AnalysisOptions::explain, or one for a refusal. Their texts are shortened as those of a
  /// Failure are, and all together have at most 1 MiB and sixteen times the command's size: those
  /// of a command of long names and many fields would else outgrow it.
  std::vector<Finding> findings;
  std::size_t findings_left_out = 0;  ///< That `explain` had no room for; never a refusal.
  /// Of a refusal: the rule, as Finding::rule of the last one, or the code where no rule is named.
  Word refused_by;
  std::size_t n_encrypted = 0;   ///< Rewrites that encrypt.
  bool schema_encrypts = false;  ///< Some schema that was asked for encrypts something.
  Work work;                     ///< What the analysis has cost, also where it was refused.

  /// What the last analysis has cost, in steps: each element that was read, each component of a
  /// path that was looked up, each search of a pattern, each member of a document that a stage has
  /// made; and one for every 64 bytes of texts that were copied or searched. The same on every
  /// machine.
  [[nodiscard]] std::uint64_t steps() const noexcept { return work.steps(); }

  /// Forgets all but the memory.
  void clear() noexcept;
  /// Keeps the schemas of the last analysis alive, until the next one: their counts of owners are
  /// shared by all threads, and commands in a row are mostly about the same collections.
  std::vector<std::shared_ptr<const schema::Plan>> plans;
  /// What analyze() makes of a command whose target it is not given.
  Target target;
};

using bson::kCommandLimits;

/// Analyzes one command. Thread-safe; `out` belongs to the caller.
///
/// @param command   one BSON document, at most kCommandLimits.
/// @param db        the database it is sent to.
/// @param schemas   one for each of Target::collections and Target::elsewhere; one that is missing
///                  is an error.
/// @param out       empty on any failure, except for `findings` and `refused_by`.
/// @retval Errc::command_not_supported .. Errc::analysis_disordered, see fle/errc.h
/// @retval Errc::work_limit  the budget is spent; names what took the most
/// @retval Errc::invalid_argument  AnalysisOptions::target is of another command
/// @retval as bson::find_fields for values that are to be encrypted
/// A Failure names the path within the command.
[[nodiscard]] FLE_API Done analyze(Bytes command, std::string_view db,
                                   std::span<const CollectionSchema> schemas, Analysis& out,
                                   const AnalysisOptions& options = {});

/// Changing the key of a deterministic field takes a while, in which some documents hold ciphertext
/// of the new key and some of an old one. Comparisons of a filter then search for both: {f: v} and
/// {f: {$eq: v}} become {f: {$in: [v, v]}}, $ne becomes $nin, and each item of $in and $nin is
/// repeated; of the values that were one, each is encrypted with another key, the new one first.
/// What cannot be searched for twice was refused by analyze(): upserts that make a field of the
/// comparison, expressions, $group, $lookup, distinct.
///
/// @param command, db, schemas, options  as they were given to analyze(), with `previous_keys`.
/// @param analysis  its result; becomes that of the returned command.
/// @return  the command to go on with in place of `command`: its values are as secret. Empty where
///          no comparison meets a key with predecessors: then all stays as it was.
/// @retval Errc::document_too_large  beyond kCommandLimits
[[nodiscard]] FLE_API Outcome<std::vector<std::uint8_t>> roll_over(
    Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
    Analysis& analysis, const AnalysisOptions& options);

/// The command with a placeholder (binary subtype 6, type 0) for each value to encrypt, as
/// mongocryptd writes it: {a, ki | ka, v} (specification: bson-binary-encrypted, "Type 0").
///
/// @param command  the one that was analyzed.
/// @retval Errc::document_too_large  beyond kCommandLimits
[[nodiscard]] FLE_API Outcome<std::vector<std::uint8_t>> write_marked(Bytes command,
                                                                      Analysis& analysis);

}  // namespace fle::query

#endif  // FLE_QUERY_ANALYSIS_H_
