#include "log.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fle/files/own_file.h"

namespace fle::cryptd {
namespace {

// poll(2) calls a pipe writable when this much fits (PIPE_BUF), so that no shorter write waits.
constexpr std::size_t kLongestRecord = 4096;

void append_json(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if (c == '"' || c == '\\') {
      out += {'\\', ch};
    } else if (c < 0x20 || c >= 0x7f) {  // bytes, not characters: paths need not be UTF-8
      out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      out += ch;
    }
  }
  out += '"';
}

std::string now() {
  using std::chrono::milliseconds;
  const auto since_epoch =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto seconds = static_cast<std::time_t>(since_epoch / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s.%03d+00:00", day.data(),
                static_cast<int>(since_epoch % 1000));
  return text.data();
}

/// False when the write would wait, or cannot be done at all.
bool write_all(int fd, std::string_view text) {
  struct stat st {};
  const bool may_wait = ::fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
  pollfd ready{fd, POLLOUT, 0};
  if (may_wait && (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)) return false;
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Done Log::open(const std::string& path) {
  FLE_TRY(files::Fd fd, files::open_own_file(files::FileKind::log, path, O_WRONLY | O_APPEND));
  const std::lock_guard lock(mutex_);
  file_ = std::move(fd);
  return ok;
}

void Log::write(char severity, std::string_view component, std::int32_t id,
                std::string_view context, std::string_view message,
                std::initializer_list<Attr> attrs) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    const std::string line = line_of(severity, component, id, context, message, attrs);
    if (line.size() <= kLongestRecord && write_all(to_file() ? file_.get() : STDOUT_FILENO, line)) {
      dropped_ = 0;
      return;
    }
  } catch (const std::exception&) {
  }
  ++dropped_;
}

std::string Log::line_of(char severity, std::string_view component, std::int32_t id,
                         std::string_view context, std::string_view message,
                         std::initializer_list<Attr> attrs) const {
  std::string line = R"({"t":{"$date":")" + now() + R"("},"s":")" + severity + R"(","c":)";
  append_json(line, component);
  line += ",\"id\":" + std::to_string(id) + ",\"ctx\":";
  append_json(line, context);
  line += ",\"msg\":";
  append_json(line, message);
  line += ",\"attr\":{";
  const char* comma = "";
  for (const Attr& a : attrs) {
    line += comma;
    append_json(line, a.key);
    line += ':';
    if (const auto* text = std::get_if<std::string_view>(&a.value)) {
      append_json(line, *text);
    } else {
      line += std::to_string(std::get<std::int64_t>(a.value));
    }
    comma = ",";
  }
  if (dropped_ != 0) line += comma + ("\"droppedRecords\":" + std::to_string(dropped_));
  line += "}}\n";
  return line;
}

}  // namespace fle::cryptd
