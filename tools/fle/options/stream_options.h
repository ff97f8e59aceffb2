#ifndef FLE_TOOLS_OPTIONS_STREAM_OPTIONS_H_
#define FLE_TOOLS_OPTIONS_STREAM_OPTIONS_H_

#include <optional>
#include <string>

#include "outputs/document_writer.h"

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
  Format format = Format::automatic;
  std::string to;  // --to: a name of kForms; empty: the form of the input
  std::optional<bool> gzip;
  bool relaxed = false;
  bool quiet = false;
  bool json_summary = false;  // --json
  unsigned threads = 0;       // 0: one for each core

  void add_input(CLI::App& cmd);
  /// --format and --quiet, where there is no input: BSON, unless it says json.
  void add_format(CLI::App& cmd);
  void add_result(CLI::App& cmd);
  /// add_result, --threads, and what results look like: --to and --gzip.
  void add_output(CLI::App& cmd);
  void add_summary(CLI::App& cmd);
  [[nodiscard]] unsigned thread_count() const noexcept;
  /// Of the results, of documents that came as `input`: the same, unless told otherwise.
  /// @retval Errc::invalid_argument  an archive stays one
  [[nodiscard]] Outcome<OutputForm> output_form(const Form& input) const;

 private:
  void add_format(CLI::App& cmd, const char* help);
};

/// Takes the name of a format for its number, as CLI11 reads an enumeration: "bson" and "json".
[[nodiscard]] CLI::Validator is_format();

/// No terminal gets binary documents: they would command it.
/// @retval Errc::invalid_argument  says where they may go instead
[[nodiscard]] Done check_terminal(const Output& out, bool is_text);

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_STREAM_OPTIONS_H_
