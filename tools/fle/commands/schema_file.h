#ifndef FLE_TOOLS_SCHEMA_FILE_H_
#define FLE_TOOLS_SCHEMA_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "fle/budget.h"
#include "fle/schema/compile.h"

namespace CLI {
class App;
}

namespace fle::tools {

/// A schema file and how to read it.
struct SchemaFile {
  std::string path;
  bool remote = false;
  std::string ns{};  // whose schema to take from a schema map
  Budget budget{};   // of compiling it, and of what is done with it

  /// Adds --ns, where a subcommand has none of its own.
  void add_ns(CLI::App& cmd);
  /// Adds --remote.
  void add_origin(CLI::App& cmd);
  /// Adds --work-budget.
  void add_budget(CLI::App& cmd);
  /// Failures name the file.
  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> compile() const;
  /// The same for what read() gave.
  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> compile(std::string_view text) const;
  /// The file's text, which may be a schema.
  [[nodiscard]] Outcome<std::string> read() const;
  /// A failure of the text, with the file's name.
  [[nodiscard]] Failure in_file(Failure f) const;
  [[nodiscard]] schema::Origin origin() const noexcept {
    return remote ? schema::Origin::remote : schema::Origin::local;
  }
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_SCHEMA_FILE_H_
