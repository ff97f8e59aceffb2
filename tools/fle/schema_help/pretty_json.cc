#include "pretty_json.h"

#include <algorithm>
#include <vector>

namespace fle::tools {
namespace {

constexpr std::size_t kWidth = 96;

/// A value: a text on one line, and for containers their items.
struct Value {
  std::string line;  // {"a": 1, "b": [1, 2]}
  char close = '\0';
  struct Item {
    std::string name;  // "\"a\": "; of an array empty
    std::size_t value;
  };
  std::vector<Item> items{};
};

class Layout {
 public:
  explicit Layout(std::string_view json) : text_(json) { root_ = read(); }

  std::string write() {
    write(root_, 0, 0);
    return out_ + "\n";
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  [[nodiscard]] char here() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::string scalar() {
    const std::size_t from = at_;
    if (here() == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
        if (text_[at_] == '\\') ++at_;
      ++at_;
    } else {
      at_ = std::min(text_.find_first_of(" \n,]}:", at_), text_.size());
    }
    return std::string(text_.substr(from, at_ - from));
  }

  std::size_t read() {
    Value v;
    const char open = here();
    if (open != '{' && open != '[') {
      v.line = scalar();
    } else {
      v.close = open == '{' ? '}' : ']';
      v.line = open;
      for (++at_; here() != v.close && here() != '\0';) {
        if (here() == ',') ++at_;
        Value::Item item;
        if (open == '{') {
          skip_space();
          item.name = scalar() + ": ";
          if (here() == ':') ++at_;
        }
        item.value = read();
        v.line += (v.items.empty() ? "" : ", ") + item.name;
        // A line that is too long is never written.
        if (v.line.size() <= kWidth) v.line += values_[item.value].line;
        v.items.push_back(std::move(item));
      }
      ++at_;
      v.line += v.close;
    }
    values_.push_back(std::move(v));
    return values_.size() - 1;
  }

  /// @param used  columns of the line that are taken.
  void write(std::size_t value, std::size_t indent, std::size_t used) {
    const Value& v = values_[value];
    if (v.items.empty() || used + v.line.size() <= kWidth) {
      out_ += v.line;
      return;
    }
    out_ += v.close == '}' ? '{' : '[';
    for (std::size_t i = 0; i < v.items.size(); ++i) {
      const Value::Item& item = v.items[i];
      (out_ += i == 0 ? "\n" : ",\n").append(indent + 2, ' ') += item.name;
      write(item.value, indent + 2, indent + 2 + item.name.size());
    }
    (out_ += '\n').append(indent, ' ') += v.close;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Value> values_;
  std::size_t root_ = 0;
  std::string out_;
};

}  // namespace

std::string pretty_json(std::string_view json) { return Layout(json).write(); }

}  // namespace fle::tools
