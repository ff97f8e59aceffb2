#ifndef FLE_TOOLS_STREAM_OPTIONS_H_
#define FLE_TOOLS_STREAM_OPTIONS_H_

#include <string>

#include <CLI/CLI.hpp>

#include "documents.h"

namespace fle::tools {

/// --in, --format, --threads, --quiet, and --out and --json where results are documents.
struct StreamOptions {
  std::string in;
  std::string out;
  Format format = Format::bson;
  bool relaxed = false;
  bool quiet = false;
  unsigned threads = 0;  // 0: one for each core

  void add_input(CLI::App& cmd);
  void add_output(CLI::App& cmd);
  [[nodiscard]] unsigned thread_count() const noexcept;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_STREAM_OPTIONS_H_
