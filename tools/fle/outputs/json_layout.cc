#include "json_layout.h"

#include <cstddef>

namespace fle::tools {
namespace {

class Layout {
 public:
  Layout(std::string_view line, WipedChars& out) : line_(line), out_(out) {}

  void write() {
    while (at_ < line_.size()) {
      const char c = line_[at_];
      if (c == '"') {
        string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') {
        open(c);
      } else if (c == '}' || c == ']') {
        --depth_;
        new_line();
        out_.push_back(c);
      } else if (c == ',') {
        out_.push_back(c);
        new_line();
      } else if (c == ':') {
        out_.push_back(c);
        out_.push_back(' ');
      } else if (c != ' ' && c != '\n') {
        out_.push_back(c);
      }
    }
  }

 private:
  void string() {
    const std::size_t from = at_;
    for (++at_; line_[at_] != '"'; ++at_)
      if (line_[at_] == '\\') ++at_;
    ++at_;
    out_.insert(out_.end(), line_.begin() + static_cast<std::ptrdiff_t>(from),
                line_.begin() + static_cast<std::ptrdiff_t>(at_));
  }

  void open(char c) {
    out_.push_back(c);
    const std::size_t next = line_.find_first_not_of(' ', at_);
    if (line_[next] == '}' || line_[next] == ']') {  // empty
      out_.push_back(line_[next]);
      at_ = next + 1;
      return;
    }
    ++depth_;
    new_line();
  }

  void new_line() {
    out_.push_back('\n');
    out_.insert(out_.end(), depth_, '\t');
  }

  std::string_view line_;
  WipedChars& out_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

void lay_out(std::string_view line, WipedChars& out) { Layout(line, out).write(); }

}  // namespace fle::tools
