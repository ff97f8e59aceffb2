#include "stream_options.h"

#include <algorithm>
#include <thread>

#include <sys/stat.h>

#include "command_line/cli.h"
#include "fle/did_you_mean.h"

namespace fle::tools {

void StreamOptions::add_input(CLI::App& cmd) {
  cmd.add_option(
         "--in", in,
         "Input; standard input if not given. Its first bytes say what it is: BSON, Extended "
         "JSON (lines, pretty-printed, an array), an archive or a folder of mongodump, gzip "
         "of these")
      ->type_name("FILE");
  add_format(cmd,
             "Take nothing else than this. bson: documents one after the other; json: one Extended "
             "JSON document a line");
  cmd.parse_complete_callback([this] {
    struct stat st {};
    if (format != Format::automatic && ::stat(in.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
      throw CLI::ValidationError("'" + in + "' is a folder: leave out --format");
  });
}

void StreamOptions::add_format(CLI::App& cmd) {
  add_format(cmd,
             "bson: documents one after the other (the default); json: one Extended JSON document "
             "a line");
}

void StreamOptions::add_format(CLI::App& cmd, const char* help) {
  cmd.add_option("--format", format, help)->transform(is_format())->type_name("bson|json");
  cmd.add_flag("--quiet", quiet, "No progress bar; no count at the end, nor its warnings");
}

void StreamOptions::add_result(CLI::App& cmd) {
  cmd.add_option("--out", out,
                 "Output; standard output if not given. A file appears only when all is done; "
                 "standard output has got the documents before one that is refused")
      ->type_name("FILE");
  cmd.add_flag("--relaxed", relaxed,
               "Write relaxed Extended JSON (the default is canonical, which keeps all types)");
}

void StreamOptions::add_output(CLI::App& cmd) {
  add_result(cmd);
  cmd.add_option("--to", to,
                 "How documents are written; as they came if not given. bson: one after the other; "
                 "json: one Extended JSON document a line; pretty: each over several lines; array: "
                 "a JSON array of them")
      ->check(CLI::IsMember({"bson", "json", "pretty", "array"}))
      ->type_name("bson|json|pretty|array");
  CLI::Option* const packed = cmd.add_flag_callback(
      "--gzip", [this] { gzip = true; }, "Compress what is written, however it came");
  cmd.add_flag_callback(
         "--no-gzip", [this] { gzip = false; }, "Do not, however it came")
      ->excludes(packed);
  cmd.add_option("--threads", threads, "Worker threads; one for each core if not given")
      ->transform(is_whole_number(1, 1024))
      ->type_name("N");
}

void StreamOptions::add_summary(CLI::App& cmd) {
  cmd.add_flag("--json", json_summary, "The count at the end (standard error) as one JSON line");
}

CLI::Validator is_format() {
  return {[](std::string& text) -> std::string {
            static constexpr std::string_view kNames[] = {"bson", "json"};
            static constexpr Format kFormats[] = {Format::bson, Format::json};
            const auto* const name = std::ranges::find(kNames, text);
            if (name == std::end(kNames))
              return "expected bson or json, not '" + text + "'." + did_you_mean(text, kNames);
            text = std::to_string(static_cast<int>(kFormats[name - std::begin(kNames)]));
            return {};
          },
          "", "format"};
}

Done check_terminal(const Output& out, bool is_text) {
  if (is_text || !out.is_terminal()) return ok;
  return Failure(Errc::invalid_argument,
                 "BSON is not for a terminal: give --out FILE, send it into a pipe or a file, or "
                 "ask for --format json");
}

Outcome<OutputForm> StreamOptions::output_form(const Form& input) const {
  if (!to.empty() && input.has_collections())
    return Failure(Errc::invalid_argument, "archives keep their form: leave out --to " + to);
  OutputForm form{input, relaxed};
  if (!to.empty()) {
    form.form.kind = to == "bson" ? Kind::bson : to == "array" ? Kind::array : Kind::json;
    form.form.pretty = to == "pretty";
  }
  form.form.gzip = gzip.value_or(input.gzip);
  return form;
}

unsigned StreamOptions::thread_count() const noexcept {
  return threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace fle::tools
