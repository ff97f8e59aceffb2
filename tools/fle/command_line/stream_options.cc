#include "stream_options.h"

#include <algorithm>
#include <thread>

#include "cli.h"
#include "fle/did_you_mean.h"

namespace fle::tools {

void StreamOptions::add_input(CLI::App& cmd) {
  cmd.add_option("--in", in, "Input; standard input if not given")->type_name("FILE");
  add_format(cmd);
}

void StreamOptions::add_format(CLI::App& cmd) {
  cmd.add_option("--format", format,
                 "bson: documents one after the other (the default); json: one Extended JSON "
                 "document a line")
      ->transform(is_format())
      ->type_name("bson|json");
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
  cmd.add_option("--threads", threads, "Worker threads; one for each core if not given")
      ->check(CLI::Range(1U, 1024U))
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

Done check_terminal(const Output& out, Format format) {
  if (format != Format::bson || !out.is_terminal()) return ok;
  return Failure(Errc::invalid_argument,
                 "BSON is not for a terminal: give --out FILE, send it into a pipe or a file, or "
                 "ask for --format json");
}

unsigned StreamOptions::thread_count() const noexcept {
  return threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace fle::tools
