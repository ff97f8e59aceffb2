// The words that all forms of a report have.
#include <array>
#include <cmath>
#include <cstdio>

#include "report.h"

namespace fle::tools {
namespace {

std::string one_digit(double x, const char* unit) {
  std::array<char, 64> s{};
  std::snprintf(s.data(), s.size(), "%.1f %s", x, unit);
  return s.data();
}

}  // namespace

std::string grouped(std::uint64_t n) {
  std::string s = std::to_string(n);
  for (std::size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, ",");
  return s;
}

std::string bytes_text(std::uint64_t n) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (n < 1024) return std::to_string(n) + (n == 1 ? " byte" : " bytes");
  double x = static_cast<double>(n) / 1024;
  std::size_t unit = 0;
  while (x >= 1024 && unit + 1 < kUnits.size()) {
    x /= 1024;
    ++unit;
  }
  return one_digit(x, kUnits[unit]);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (part == 0) return "0 %";
  if (part >= whole) return "100 %";
  const double p = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (p < 0.1) return "< 0.1 %";
  if (p > 99.9) return "> 99.9 %";
  return one_digit(p, "%");
}

std::string counted(std::uint64_t n, const char* what) {
  return grouped(n) + " " + what + (n == 1 ? "" : "s");
}

std::string cipher_text(const PathReport& p) {
  if (p.ciphers.empty()) return "-";
  const CipherCount& most = p.ciphers.front();
  std::string s = most.algorithm == Algorithm::deterministic ? "deterministic " : "random ";
  s += bson::alias(most.type);
  if (p.ciphers.size() > 1) s += " and " + std::to_string(p.ciphers.size() - 1) + " more";
  return s;
}

std::string keys_text(const PathReport& p) {
  const auto* pointer = p.leaf == nullptr ? nullptr : std::get_if<schema::KeyPointer>(&p.leaf->key);
  if (p.encrypted == 0 || (pointer == nullptr && p.keys.size() + (p.uncounted_keys != 0) < 2))
    return {};
  std::string s = (p.uncounted_keys != 0 ? "more than " : "") + counted(p.keys.size(), "key");
  if (pointer != nullptr) s += ", named by " + pointer->text + " of each document";
  return s;
}

std::string overlooked(const Report& r) {
  return counted(r.uncounted_values, "value") + (r.uncounted_values == 1 ? " belongs" : " belong") +
         " to no path here: there are too many paths";
}

std::string distinct_text(const Frequency& f) {
  if (f.exact()) return grouped(f.distinct);
  return "about " + grouped(f.distinct) + " (+-" + one_digit(100 * f.distinct_error, "%") + ")";
}

std::string commonest_text(const Frequency& f) {
  std::string most = percent(f.commonest_most, f.values);
  if (f.commonest_least == f.commonest_most) return most;
  const std::string least = percent(f.commonest_least, f.values);
  return least == "< 0.1 %" || least == most ? "at most " + most : least + " to " + most;
}

std::string added_text(std::uint64_t least, std::uint64_t most) {
  const std::string a = bytes_text(least);
  const std::string b = bytes_text(most);
  return a == b ? a : a + " to " + b;
}

std::string name_of(const CollectionReport& c) { return c.ns.empty() ? "documents" : c.ns; }

const char* word_of(Weight w) noexcept {
  constexpr std::array kWords{"note", "problem", "plaintext"};
  return kWords[static_cast<std::size_t>(w)];
}

const char* word_of(KeyReport::State s) noexcept {
  constexpr std::array kWords{"unchecked", "known", "unknown"};
  return kWords[static_cast<std::size_t>(s)];
}

}  // namespace fle::tools
