#include "dates.h"

#include <chrono>

namespace fle::bson::internal {
namespace {

namespace chrono = std::chrono;

constexpr Date kNoDate{0, "expected a date such as 2024-02-29T23:59:59.999Z or ...+05:30"};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads a text from its start, piece by piece.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(char c, char other) noexcept { return take(c) || take(other); }
  /// Exactly `n` digits.
  bool number(int n, unsigned& out) noexcept {
    out = 0;
    for (; n > 0; --n) {
      if (rest_.empty() || !is_digit(rest_.front())) return false;
      out = out * 10 + static_cast<unsigned>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return true;
  }
  [[nodiscard]] bool digit_next() const noexcept {
    return !rest_.empty() && is_digit(rest_.front());
  }

 private:
  std::string_view rest_;
};

void put(char* out, int n, unsigned value) noexcept {
  for (; n > 0; --n, value /= 10) out[n - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

Date parse_date(std::string_view text) noexcept {
  Scanner in(text);
  unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0, offset_h = 0, offset_mi = 0;
  if (!in.number(4, y) || !in.take('-') || !in.number(2, mo) || !in.take('-') || !in.number(2, d) ||
      !in.take('T', 't') || !in.number(2, h) || !in.take(':') || !in.number(2, mi) ||
      !in.take(':') || !in.number(2, s))
    return kNoDate;
  if (in.take('.')) {
    if (!in.digit_next()) return kNoDate;
    for (unsigned unit = 100; in.digit_next(); unit /= 10) {
      unsigned digit = 0;
      (void)in.number(1, digit);
      if (unit == 0 && digit != 0)
        return {0, "dates are kept to the millisecond, and this one is more precise"};
      ms += digit * unit;
    }
  }
  int sign = 0;
  if (!in.take('Z', 'z')) {
    if (in.take('+')) {
      sign = 1;
    } else if (in.take('-')) {
      sign = -1;
    } else {
      return kNoDate;
    }
    if (!in.number(2, offset_h)) return kNoDate;
    (void)in.take(':');
    if (!in.number(2, offset_mi)) return kNoDate;
  }
  if (!in.done()) return kNoDate;
  const auto day = chrono::year(static_cast<int>(y)) / static_cast<int>(mo) / static_cast<int>(d);
  if (!day.ok()) return {0, "no such day in the calendar"};
  if (h > 23 || mi > 59 || s > 59 || offset_h > 23 || offset_mi > 59)
    return {0, "no such time of day or offset"};
  const auto local = chrono::sys_days(day).time_since_epoch() + chrono::hours(h) +
                     chrono::minutes(mi) + chrono::seconds(s) + chrono::milliseconds(ms);
  const auto offset = chrono::hours(offset_h) + chrono::minutes(offset_mi);
  return {chrono::milliseconds(local - sign * offset).count(), nullptr};
}

char* write_date(char* out, std::int64_t milliseconds) noexcept {
  const chrono::milliseconds time(milliseconds);
  const auto days = chrono::floor<chrono::days>(time);
  const chrono::year_month_day day{chrono::sys_days(days)};
  const auto of_day = static_cast<unsigned>((time - days).count());
  const unsigned ms = of_day % 1000;
  const unsigned seconds = of_day / 1000;
  put(out, 4, static_cast<unsigned>(static_cast<int>(day.year())));
  out[4] = '-';
  put(out + 5, 2, static_cast<unsigned>(day.month()));
  out[7] = '-';
  put(out + 8, 2, static_cast<unsigned>(day.day()));
  out[10] = 'T';
  put(out + 11, 2, seconds / 3600);
  out[13] = ':';
  put(out + 14, 2, seconds / 60 % 60);
  out[16] = ':';
  put(out + 17, 2, seconds % 60);
  out += 19;
  if (ms != 0) {
    *out = '.';
    put(out + 1, 3, ms);
    out += 4;
  }
  *out++ = 'Z';
  return out;
}

}  // namespace fle::bson::internal
