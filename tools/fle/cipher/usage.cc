#include "usage.h"

#include <optional>

#include <sys/stat.h>
#include <unistd.h>

namespace fle::tools {
namespace {

bool is_standard(const std::string& path) { return path.empty() || path == "-"; }

/// What stands at a path; none: nothing does, which who opens it says.
std::optional<struct stat> entry_at(const std::string& path, int standard) {
  struct stat st {};
  const int failed = is_standard(path) ? ::fstat(standard, &st) : ::stat(path.c_str(), &st);
  if (failed != 0) return std::nullopt;
  return st;
}

/// Whether the output takes the place of the input.
bool is_in_place(const std::optional<struct stat>& in, const std::string& out) {
  if (!in || is_standard(out)) return false;
  const auto there = entry_at(out, STDOUT_FILENO);
  return there && S_ISREG(there->st_mode) && there->st_dev == in->st_dev &&
         there->st_ino == in->st_ino;
}

}  // namespace

std::string usage_fault(const CipherOptions& o) {
  const auto in = entry_at(o.stream.in, STDIN_FILENO);
  const bool folder = in && S_ISDIR(in->st_mode);
  const bool file = in && S_ISREG(in->st_mode) && !is_standard(o.stream.in);
  const bool to_file = !is_standard(o.stream.out);
  const bool in_place = is_in_place(in, o.stream.out);
  if (const char* const option = o.needs_places(); option != nullptr) {
    if (folder) return std::string(option) + ": the input is a folder: take its files one by one";
    // Who opens a file that is not there says so.
    if (!file && (in || is_standard(o.stream.in)))
      return std::string(option) + " needs --in FILE, a file and not a pipe";
    if (o.stream.to == "array")
      return std::string(option) +
             ": a JSON array has one beginning and one end: leave out --to array";
  }
  if (o.resume && !to_file) return "--resume needs --out FILE";
  if (o.resume && o.stream.gzip.value_or(false))
    return "--resume: compression cannot go on where it was killed: leave out --gzip, and pack the "
           "result";
  if (o.resume && in_place) return "--resume needs an --out that is not the input";
  // What leaves documents out must not do it to the only file that has them.
  const char* const leaves_out = !o.part.whole()               ? "--part"
                                 : o.on_error == OnError::skip ? "--on-error skip"
                                                               : nullptr;
  if (leaves_out != nullptr && in_place)
    return std::string(leaves_out) +
           " needs an --out that is not the input: what it leaves out would be lost";
  if (folder && !to_file)
    return "the input is a folder, which becomes a folder: name a new one by --out";
  if (folder && o.stream.gzip)
    return "the input is a folder, whose files keep their names and their form: leave out --gzip "
           "and --no-gzip";
  if (folder && !o.stream.to.empty())
    return "the input is a folder, whose files keep their form: leave out --to " + o.stream.to;
  return {};
}

}  // namespace fle::tools
