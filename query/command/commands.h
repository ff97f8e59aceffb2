#ifndef FLE_QUERY_SRC_COMMANDS_H_
#define FLE_QUERY_SRC_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ground/context.h"
#include "ground/rule.h"

namespace fle::query {

struct CommandField;

/// The names under which a statement has its filter and its update.
struct StatementNames {
  std::string_view filter;
  std::string_view update;  ///< Empty where there is none.
};

/// What the handlers of the fields of one document share: of a command, or of a statement in it.
struct Scope {
  View view;           ///< Of the command's collection.
  Element document{};  ///< The command or statement; a command's name is empty unless explained.
  bool collation = false;  ///< The document has one that is not {locale: "simple"}.
  StatementNames names{};
};

/// What a field may hold that is sent as it is.
enum class Holds : std::uint8_t {
  nothing,   ///< Of this kind: `handle` looks at it.
  flag,      ///< A boolean or a number.
  number,    ///< A number.
  time,      ///< A timestamp or date.
  text,      ///< A string.
  id,        ///< A UUID or other binary, an ObjectId, a number.
  scalar,    ///< One of these.
  numbers,   ///< An array of numbers.
  tags,      ///< Strings, numbers and booleans under any names; or an array of such documents.
  options,   ///< A document of `inside`.
  anything,  ///< Any value: the user's own words, which meet no field.
};

/// One field of a command, of a statement in it, or of a document of options. What stands in no row
/// is refused where something is encrypted; null stands for a field that is absent, as for
/// servers.
struct CommandField {
  using Handler = Done (*)(Context&, const Element&, const Scope&);
  /// The length and the first bytes of a name: most names that differ differ here, and a row is
  /// looked for for each field of a command.
  static constexpr std::uint64_t tag_of(std::string_view name) noexcept {
    std::uint64_t tag = name.size();
    for (std::size_t i = 0; i < name.size() && i < 4; ++i)
      tag = tag << 8 | static_cast<unsigned char>(name[i]);
    return tag;
  }

  std::string_view name;
  Handler handle = nullptr;
  const char* treatment = nullptr;  ///< With `handle`.
  Evidence evidence = Evidence::docs;
  bool optional = true;  ///< Else the command is refused without it, as by servers.
  /// `handle` checks the bytes itself; else they are checked before it is called.
  bool walks = false;
  /// Of the value that `handle` gets, where there is but one.
  std::optional<Type> type{};
  Holds holds = Holds::nothing;  ///< Without `handle`.
  /// The fields of the document, or of each document of the list, that stands here.
  std::span<const CommandField> inside{};
  std::uint64_t tag = tag_of(name);
};

/// What a command is about, besides the collection that its first value names.
struct CommandReach {
  /// Its collection is named in nsInfo, and it is sent to admin.
  bool ns_info = false;
  /// The server keeps its validator, whose $jsonSchema is the collection's; or its view.
  bool stores_schema = false;
  /// Its own "pipeline" may name other collections.
  bool has_pipeline = false;
  /// Its updates may be pipelines: they stand under `update`, of each document in `updates`, or of
  /// the command itself where that is empty.
  std::string_view updates{};
  std::string_view update{};
  /// It is about the command inside.
  bool wraps_command = false;
};

struct Command {
  RuleText text;
  CommandClass command_class = CommandClass::bypassed;
  std::span<const CommandField> (*fields)() noexcept = nullptr;
  CommandReach reach{};
};

/// Every command that is not refused by its name.
[[nodiscard]] std::span<const Command> commands() noexcept;
/// Null for a command that is not supported. Case matters, except for isMaster.
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;

constexpr CommandField as_is(std::string_view name, Holds holds) {
  CommandField f{name};
  f.holds = holds;
  return f;
}
constexpr CommandField of_type(Type type, CommandField field) {
  field.type = type;
  return field;
}
constexpr CommandField of_options(std::string_view name, std::span<const CommandField> inside) {
  CommandField f = as_is(name, Holds::options);
  f.inside = inside;
  return f;
}

// Options that several commands have.
inline constexpr CommandField kCollationFields[] = {
    as_is("locale", Holds::text),          as_is("caseLevel", Holds::flag),
    as_is("caseFirst", Holds::text),       as_is("strength", Holds::number),
    as_is("numericOrdering", Holds::flag), as_is("alternate", Holds::text),
    as_is("maxVariable", Holds::text),     as_is("normalization", Holds::flag),
    as_is("backwards", Holds::flag),       as_is("version", Holds::text),
};
inline constexpr CommandField kCollationRow = of_options("collation", kCollationFields);
Done hint(Context& context, const Element& e, const Scope& scope);
inline constexpr CommandField kHintRow{"hint", hint,
                                       "as it is: the name of an index, or its key pattern"};
inline constexpr CommandField kCursorFields[] = {as_is("batchSize", Holds::number)};
inline constexpr CommandField kCursorRow = of_options("cursor", kCursorFields);
/// Constants that expressions read as variables.
Done constants(Context& context, const Element& e, const Scope& scope);
constexpr CommandField constants_row(std::string_view name) {
  return of_type(Type::object,
                 {name, constants, "as it is; a variable that meets an encrypted field is refused",
                  Evidence::fail_closed});
}

/// Looks at each field of a document: runs its handler, or checks that it holds what its row says.
/// The document is well formed.
[[nodiscard]] Done read_fields(Context& context, std::span<const CommandField> rows,
                               const Scope& scope);
/// The same for a list of documents, each of which is a statement with rows of its own.
[[nodiscard]] Done read_statements(Context& context, const Element& list,
                                   std::span<const CommandField> rows, const Scope& scope);
/// The same for a whole command: its bytes are checked as well, and it may have the fields that any
/// command may have.
[[nodiscard]] Done analyze_fields(Context& context, const Command& row, const Scope& scope);
/// Whether a command has every field that it cannot do without; looks at no value.
[[nodiscard]] Done need_fields(Context& context, const Command& row, const Scope& scope);
/// `e`, a field or an item of a list, is of another type than `wanted`.
[[nodiscard]] Failure wrong_type(Context& context, const Element& e, Type wanted);
/// The same where there is no Context yet.
/// @param field  with the command's name: "bulkWrite.nsInfo"
[[nodiscard]] Failure wrong_type(const std::string& field, Type type, Type wanted);
/// The fields that any command may have.
[[nodiscard]] std::span<const CommandField> generic_fields() noexcept;
/// What a key pattern may say of a field besides its direction: "hashed".
[[nodiscard]] bool is_index_kind(std::string_view text) noexcept;
/// Whether `e` is there and not null.
[[nodiscard]] bool is_given(const std::optional<Element>& e) noexcept;
/// Whether `collation`, the field of that name, is there and is not {locale: "simple"}.
[[nodiscard]] bool compares_otherwise(const Context& context,
                                      const std::optional<Element>& collation);
/// Whether a command, or one statement of it, has a collation other than {locale: "simple"}.
[[nodiscard]] bool has_collation(const Context& context, const Element& statement);

// The fields of each command, in the files that handle them.
[[nodiscard]] std::span<const CommandField> insert_fields() noexcept;
[[nodiscard]] std::span<const CommandField> find_fields() noexcept;
[[nodiscard]] std::span<const CommandField> count_fields() noexcept;
[[nodiscard]] std::span<const CommandField> distinct_fields() noexcept;
[[nodiscard]] std::span<const CommandField> update_fields() noexcept;
[[nodiscard]] std::span<const CommandField> delete_fields() noexcept;
[[nodiscard]] std::span<const CommandField> bulk_write_fields() noexcept;
[[nodiscard]] std::span<const CommandField> find_and_modify_fields() noexcept;
[[nodiscard]] std::span<const CommandField> aggregate_fields() noexcept;
[[nodiscard]] std::span<const CommandField> create_fields() noexcept;
[[nodiscard]] std::span<const CommandField> coll_mod_fields() noexcept;
[[nodiscard]] std::span<const CommandField> create_indexes_fields() noexcept;

/// No document has more fields than this that stand in rows.
inline constexpr std::size_t kMaxRows = 96;

/// The first element of a document: a command's name and its first value.
/// @retval Errc::malformed_bson  there is none
[[nodiscard]] Outcome<Element> first_element(Bytes command, std::uint32_t at, Work& work);
Done insert_documents(Context& context, const Element& documents, const Scope& scope);
Done explained_command(Context& context, const Element& command, const Scope& scope);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_COMMANDS_H_
