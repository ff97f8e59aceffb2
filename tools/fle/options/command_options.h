#ifndef FLE_TOOLS_OPTIONS_COMMAND_OPTIONS_H_
#define FLE_TOOLS_OPTIONS_COMMAND_OPTIONS_H_

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/schema_file.h"
#include "terminal/summary.h"

namespace CLI {
class App;
}

namespace fle::tools {

/// "db.collection" to schema. A collection that encrypts nothing has a plan without encrypted
/// fields, which is not the same as none: what stands in no entry was never said.
using SchemaMap = std::map<std::string, std::shared_ptr<const schema::Plan>, std::less<>>;

/// Whether a schema of some collection of the database was given.
[[nodiscard]] bool knows_database(const SchemaMap& schemas, std::string_view db) noexcept;

/// Counts the values that commands encrypt, by the schema's fields.
class CommandCounts {
 public:
  /// @param ns  whose fields are told without the collection's name.
  CommandCounts(const SchemaMap& schemas, const std::string& ns);

  /// One command, and the leaves of what it encrypts.
  void add(std::span<const schema::Leaf* const> leaves);
  /// No schema encrypts anything.
  [[nodiscard]] bool nothing_to_encrypt() const noexcept;
  [[nodiscard]] std::uint64_t commands() const noexcept { return commands_; }
  [[nodiscard]] std::uint64_t encrypted() const noexcept { return encrypted_; }
  [[nodiscard]] Summary summary() const;

 private:
  struct Collection {
    std::string prefix;
    std::shared_ptr<const schema::Plan> plan;
    std::vector<std::uint64_t> counts;  // of each leaf
  };
  std::vector<Collection> collections_;
  std::uint64_t commands_ = 0;
  std::uint64_t encrypted_ = 0;
};

/// --ns, --schema, --schema-for, --remote and --work-budget, where a subcommand takes whole
/// commands.
struct CommandOptions {
  std::string ns;  // --ns
  SchemaFile schema;
  std::vector<std::string> others;  // --schema-for, each DB.COLL=FILE

  void add(CLI::App& cmd);
  /// The database of --ns.
  [[nodiscard]] std::string db() const { return ns.substr(0, ns.find('.')); }
  /// Every schema compiled. Failures name the file.
  /// @retval Errc::invalid_argument  --schema-for names a collection twice
  [[nodiscard]] Outcome<SchemaMap> schemas() const;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_COMMAND_OPTIONS_H_
