#ifndef FLE_TOOLS_STREAM_OPTIONS_H_
#define FLE_TOOLS_STREAM_OPTIONS_H_

#include <string>

#include "streams/documents.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace fle::tools {

/// --in, --format, --quiet; --out and --relaxed where results are documents; --threads
/// where many are worked on at once.
struct StreamOptions {
  std::string in;
  std::string out;
  Format format = Format::bson;
  bool relaxed = false;
  bool quiet = false;
  bool json_summary = false;  // --json
  unsigned threads = 0;       // 0: one for each core

  void add_input(CLI::App& cmd);
  /// --format and --quiet, where there is no input.
  void add_format(CLI::App& cmd);
  void add_result(CLI::App& cmd);
  /// add_result and --threads.
  void add_output(CLI::App& cmd);
  void add_summary(CLI::App& cmd);
  [[nodiscard]] unsigned thread_count() const noexcept;
};

/// Takes the name of a format for its number, as CLI11 reads an enumeration.
[[nodiscard]] CLI::Validator is_format();

/// No terminal gets binary documents: they would command it.
/// @retval Errc::invalid_argument  says where they may go instead
[[nodiscard]] Done check_terminal(const Output& out, Format format);

}  // namespace fle::tools

#endif  // FLE_TOOLS_STREAM_OPTIONS_H_
