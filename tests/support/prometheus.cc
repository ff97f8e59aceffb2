#include "support/prometheus.h"

#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace fle::test {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

[[noreturn]] void fail(const std::string& why, std::string_view line) {
  throw std::runtime_error(why + ": " + std::string(line));
}

/// One line on its way from left to right.
class Line {
 public:
  explicit Line(std::string_view line) : line_(line), rest_(line) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void need(std::string_view word) {
    if (!take(word)) fail("'" + std::string(word) + "' is missing", line_);
  }
  /// [a-zA-Z_:][a-zA-Z0-9_:]*, without the colon for a label.
  std::string name(bool colon) {
    std::string s;
    while (!rest_.empty()) {
      const auto c = static_cast<unsigned char>(rest_[0]);
      const bool fits = std::isalpha(c) != 0 || c == '_' || (colon && c == ':') ||
                        (!s.empty() && std::isdigit(c) != 0);
      if (!fits) break;
      s += rest_[0];
      rest_.remove_prefix(1);
    }
    if (s.empty()) fail("no name", line_);
    return s;
  }
  /// Behind its opening quote.
  std::string quoted() {
    std::string s;
    for (;;) {
      if (rest_.empty()) fail("a value without an end", line_);
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return s;
      s += c == '\\' ? escaped() : c;
    }
  }
  double number() {
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    if (word == "+Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
    if (read.ec != std::errc() || read.ptr != word.data() + word.size()) fail("no number", line_);
    return value;
  }
  std::string rest() { return std::string(std::exchange(rest_, {})); }

 private:
  char escaped() {
    if (take("\\")) return '\\';
    if (take("\"")) return '"';
    if (take("n")) return '\n';
    fail("an unknown escape", line_);
  }

  std::string_view line_;
  std::string_view rest_;
};

class Reader {
 public:
  void read(std::string_view line) {
    Line l(line);
    if (l.take("# HELP ")) return begin(l, line);
    if (l.take("# TYPE ")) return type(l, line);
    sample(l, line);
  }
  std::map<std::string, double> finish() {
    end_metric();
    return std::move(samples_);
  }

 private:
  void begin(Line& l, std::string_view line) {
    end_metric();
    metric_ = l.name(true);
    if (!metrics_.insert(metric_).second) fail("a metric in two places", line);
    l.need(" ");
    if (l.rest().empty()) fail("no help", line);
    type_.clear();
  }
  void type(Line& l, std::string_view line) {
    if (l.name(true) != metric_ || !type_.empty()) fail("TYPE belongs behind HELP, once", line);
    l.need(" ");
    type_ = l.rest();
    if (type_ != "counter" && type_ != "histogram") fail("an unknown type", line);
  }
  void sample(Line& l, std::string_view line) {
    const std::string name = l.name(true);
    Labels labels;
    if (l.take("{")) {
      do {
        const std::string label = l.name(false);
        l.need("=\"");
        labels.emplace_back(label, l.quoted());
      } while (l.take(","));
      l.need("}");
    }
    l.need(" ");
    const double value = l.number();
    if (!l.at_end()) fail("more than a value", line);
    if (value < 0) fail("less than nothing", line);
    const auto series = std::string(line.substr(0, line.rfind(' ')));
    if (!samples_.emplace(series, value).second) fail("a series twice", line);
    if (type_ == "counter") {
      if (name != metric_ || !name.ends_with("_total")) fail("not of this counter", line);
    } else if (type_ == "histogram") {
      part_of_histogram(name, labels, value, line);
    } else {
      fail("a sample without TYPE", line);
    }
  }
  void part_of_histogram(const std::string& name, Labels& labels, double value,
                         std::string_view line) {
    if (name == metric_ + "_bucket") {
      if (labels.empty() || labels.back().first != "le") fail("a bucket without its end", line);
      Line le(labels.back().second);
      const double end = le.number();
      labels.pop_back();
      if (open_ && *open_ != labels) fail("another histogram before this one's end", line);
      if (open_ && end <= last_end_) fail("buckets out of order", line);
      if (open_ && value < last_count_) fail("buckets are not cumulative", line);
      open_ = labels;
      last_end_ = end;
      last_count_ = value;
    } else if (name == metric_ + "_sum") {
      if (!open_ || *open_ != labels || has_sum_) fail("a sum that is nobody's", line);
      has_sum_ = true;
    } else if (name == metric_ + "_count") {
      if (!open_ || *open_ != labels || !has_sum_) fail("a count that is nobody's", line);
      if (last_end_ != std::numeric_limits<double>::infinity()) fail("no bucket +Inf", line);
      if (value != last_count_) fail("the count is not that of +Inf", line);
      open_.reset();
      has_sum_ = false;
    } else {
      fail("not of this histogram", line);
    }
  }
  void end_metric() {
    if (open_) fail("a histogram without its count", metric_);
    if (!metric_.empty() && type_.empty()) fail("no TYPE", metric_);
  }

  std::map<std::string, double> samples_;
  std::set<std::string> metrics_;
  std::string metric_;
  std::string type_;
  std::optional<Labels> open_;  // of the histogram that is being read
  double last_end_ = 0;
  double last_count_ = 0;
  bool has_sum_ = false;
};

}  // namespace

std::map<std::string, double> read_prometheus(std::string_view text) {
  Reader reader;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) fail("the last line has no end", text);
    reader.read(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return reader.finish();
}

}  // namespace fle::test
