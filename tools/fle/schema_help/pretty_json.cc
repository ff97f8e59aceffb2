#include "pretty_json.h"

#include <algorithm>
#include <utility>

#include "streams/json_text.h"

namespace fle::tools {
namespace {

constexpr std::size_t kWidth = 96;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kWriteSize = 64 * 1024;

std::string named(std::string_view name) {
  return name.empty() ? std::string() : json_string(name) + ": ";
}

}  // namespace

/// Reads what one of our own writers made.
class PrettyJson::Reader {
 public:
  Reader(std::string_view json, PrettyJson& to) : text_(json), to_(to) {}

  void value(std::string name) {
    const char open = here();
    if (open != '{' && open != '[')
      return to_.take({std::move(name), scalar(), Token::Kind::scalar});
    const char close = open == '{' ? '}' : ']';
    to_.take({std::move(name), {open}, Token::Kind::open});
    for (++at_; here() != close && here() != '\0';) {
      if (here() == ',') ++at_;
      std::string item;
      if (open == '{') {
        skip_space();
        item = scalar() + ": ";
        if (here() == ':') ++at_;
      }
      value(std::move(item));
    }
    ++at_;
    to_.take({{}, {close}, Token::Kind::close});
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

  std::string_view text_;
  PrettyJson& to_;
  std::size_t at_ = 0;
};

void PrettyJson::open(std::string_view name, char bracket) {
  closes_ += bracket == '{' ? '}' : ']';
  take({named(name), {bracket}, Token::Kind::open});
}

void PrettyJson::close() {
  const char bracket = closes_.back();
  closes_.pop_back();
  take({{}, {bracket}, Token::Kind::close});
}

void PrettyJson::add(std::string_view name, std::string_view text) {
  take({named(name), json_string(text), Token::Kind::scalar});
}

void PrettyJson::add_json(std::string_view name, std::string_view json) {
  Reader(json, *this).value(named(name));
}

/// The next token of the whole: written if it stands in a container that goes over lines.
void PrettyJson::take(Token t) {
  if (!held_.empty() || t.kind == Token::Kind::open) return hold(std::move(t));
  if (t.kind == Token::Kind::scalar) {
    begin_line(t.name);
    write(t.text);
    return;
  }
  closing_.pop_back();
  write("\n");
  write(std::string(kIndent * closing_.size(), ' '));
  write(t.text);
  first_ = false;
}

/// Keeps a token of a container whose line it may still fit into.
void PrettyJson::hold(Token t) {
  const bool opens = t.kind == Token::Kind::open;
  const bool closes = t.kind == Token::Kind::close;
  if (held_.empty()) {
    length_ = kIndent * closing_.size();
  } else if (!closes && held_.back().kind != Token::Kind::open) {
    length_ += 2;  // ", "
  }
  length_ += t.name.size() + t.text.size();
  depth_ += opens ? 1 : 0;
  depth_ -= closes ? 1 : 0;
  held_.push_back(std::move(t));
  const bool is_empty = depth_ == 0 && held_.size() == 2;
  if (length_ + depth_ > kWidth && held_.size() > 1 && !is_empty) return spread();
  if (depth_ != 0) return;
  begin_line(held_.front().name);
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Token& h = held_[i];
    if (i == 0) {
      write(h.text);
      continue;
    }
    if (h.kind != Token::Kind::close && held_[i - 1].kind != Token::Kind::open) write(", ");
    write(h.name);
    write(h.text);
  }
  held_.clear();
}

/// Lets what is held go over lines: it is as if its items came now.
void PrettyJson::spread() {
  std::vector<Token> held;
  held.swap(held_);
  depth_ = 0;
  begin_line(held.front().name);
  write(held.front().text);
  closing_ += held.front().text == "{" ? '}' : ']';
  first_ = true;
  for (std::size_t i = 1; i < held.size(); ++i) take(std::move(held[i]));
}

void PrettyJson::begin_line(const std::string& name) {
  if (!closing_.empty()) {
    write(first_ ? "\n" : ",\n");
    write(std::string(kIndent * closing_.size(), ' '));
  }
  write(name);
  first_ = false;
}

void PrettyJson::write(std::string_view text) {
  out_ += text;
  if (out_.size() < kWriteSize) return;
  if (done_) done_ = sink_(out_);
  out_.clear();
}

Done PrettyJson::finish() {
  out_ += '\n';
  if (done_) done_ = sink_(out_);
  out_.clear();
  return std::move(done_);
}

std::string pretty_json(std::string_view json) {
  std::string all;
  PrettyJson pretty([&](std::string_view text) -> Done {
    all += text;
    return ok;
  });
  pretty.add_json({}, json);
  if (Done done = pretty.finish(); !done) all.clear();  // a string takes all there is
  return all;
}

}  // namespace fle::tools
