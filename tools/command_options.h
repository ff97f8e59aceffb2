#ifndef FLE_TOOLS_COMMAND_OPTIONS_H_
#define FLE_TOOLS_COMMAND_OPTIONS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "schema_file.h"

namespace fle::tools {

/// "db.collection" to schema. A collection that encrypts nothing has a plan without encrypted
/// fields, which is not the same as none: what stands in no entry was never said.
using SchemaMap = std::map<std::string, std::shared_ptr<const schema::Plan>, std::less<>>;

/// --ns, --schema, --schema-for and --remote, where a subcommand takes whole commands.
struct CommandOptions {
  std::string ns;  // --ns
  SchemaFile schema;
  std::vector<std::string> others;  // --schema-for, each DB.COLL=FILE

  void add(CLI::App& cmd);
  /// The database of --ns.
  [[nodiscard]] std::string db() const { return ns.substr(0, ns.find('.')); }
  /// Every schema compiled. Failures name the file.
  /// @retval Errc::invalid_argument  --schema-for names a collection twice, or another database
  [[nodiscard]] Outcome<SchemaMap> schemas() const;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_COMMAND_OPTIONS_H_
