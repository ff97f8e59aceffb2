#ifndef FLE_QUERY_SRC_COMMANDS_H_
#define FLE_QUERY_SRC_COMMANDS_H_

#include <span>
#include <string_view>

#include "context.h"
#include "rule.h"

namespace fle::query {

/// What the handlers of one command's fields share.
struct Scope {
  View view;               ///< Of the command's collection.
  Element command;         ///< The command as a document; its name is empty unless it is explained.
  bool collation = false;  ///< The command, or this statement of it, has one that is not simple.
};

/// A field of a command that needs a look; all others go as they are.
struct CommandField {
  const char* name;
  Done (*handle)(Context&, const Element&, const Scope&);
  const char* treatment;
  Evidence evidence = Evidence::test;
  /// `handle` checks the bytes itself; else they are checked before it is called.
  bool walks = false;
};

struct Command {
  RuleText text;
  CommandClass command_class = CommandClass::bypassed;
  std::span<const CommandField> (*fields)() noexcept = nullptr;
};

/// Every command that is not refused by its name.
[[nodiscard]] std::span<const Command> commands() noexcept;
/// Null for a command that is not supported. Case matters, except for isMaster.
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;

/// Runs the handlers of a command over its fields, in order.
[[nodiscard]] Done analyze_fields(Context& context, const Command& row, const Scope& scope);
/// Whether a command, or one statement of it, has a collation other than {locale: "simple"}.
[[nodiscard]] bool has_collation(const Context& context, const Element& statement);

// The fields of each command, in the files that handle them.
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

Done insert_documents(Context& context, const Element& documents, const Scope& scope);
Done explained_command(Context& context, const Element& command, const Scope& scope);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_COMMANDS_H_
