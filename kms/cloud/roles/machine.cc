#include "machine.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMostOfFile = 256UL * 1024;

bool may_pass(int status) { return status == 408 || status == 429 || status >= 500; }

/// Reads to the end, or until there is too much. False: errno says why not.
bool read_all(WipedText& out, int fd) {
  for (;;) {
    WipedChars block(8192);
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    out.append(std::string_view(block.data(), static_cast<std::size_t>(n)));
    if (out.size() > kMostOfFile) {
      errno = EFBIG;
      return false;
    }
  }
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t n) noexcept {
  int out = 0;
  if (at + n > text.size()) return std::nullopt;
  for (const char c : text.substr(at, n)) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

}  // namespace

Machine::Machine(std::string_view provider_id, LockPolicy policy, const HttpHooks& hooks)
    : id_(provider_id),
      policy_(policy),
      now_(hooks.now ? hooks.now : std::chrono::system_clock::now),
      environment_(hooks.environment) {}

std::string_view Machine::variable(const char* name) const {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment of a running server
  const char* const value = environment_ ? environment_(name) : std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

Outcome<std::optional<WipedText>> Machine::file(std::string_view what,
                                                const std::string& path) const {
  using Text = std::optional<WipedText>;
  const auto cannot = [&](int error) {
    return failure("cannot read '" + words(path, 256) + "' (" + std::string(what) +
                   "): " + std::generic_category().message(error));
  };
  // A FIFO without a writer shall not make it wait.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return Text();
  if (fd < 0) return cannot(errno);
  WipedText out;
  const bool whole = read_all(out, fd);
  const int error = errno;
  ::close(fd);
  if (!whole) return cannot(error);
  return Text(std::move(out));
}

Outcome<WipedText> Machine::token_file(std::string_view what, const std::string& path) const {
  FLE_TRY(const auto text, file(what, path));
  if (!text) return failure("'" + words(path, 256) + "' (" + std::string(what) + ") is not there");
  std::string_view token = text->view();
  token = token.substr(0, token.find_last_not_of("\r\n") + 1);
  if (is_token_text(token)) return WipedText(token);
  return failure("'" + words(path, 256) + "' (" + std::string(what) +
                 ") is empty, or not one line of printable ASCII");
}

Failure Machine::failure(const std::string& why) const {
  return {Errc::kms_no_credentials, "KMS provider " + quoted(id_) + ": " + why};
}

HttpRequest Machine::request(std::string method, const HttpUrl& url, const Headers& headers) {
  HttpRequest r;
  r.to = url.to;
  r.method = std::move(method);
  r.target = url.target;
  r.headers.push_back({"Host", WipedText(url.to.authority())});
  for (const auto& [name, value] : headers)
    r.headers.push_back({std::string(name), WipedText(value)});
  // RFC 9110 section 8.6: a method that would have a body says that there is none.
  if (r.method != "GET") r.headers.push_back({"Content-Length", WipedText("0")});
  return r;
}

HttpCall Machine::call(std::string what, HttpRequest request, std::string_view advice) const {
  return {id_, std::move(what), std::move(request), may_pass, advice};
}

bool is_token_text(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<std::chrono::sys_seconds> parse_utc(std::string_view text) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || text.back() != 'Z') return std::nullopt;
  for (const std::size_t i : {4U, 7U, 10U, 13U, 16U})
    if (text[i] != kForm[i]) return std::nullopt;
  std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  if (!fraction.empty() && (fraction.size() > 10 || fraction.front() != '.' ||
                            fraction.size() < 2 || !digits(fraction, 1, fraction.size() - 1)))
    return std::nullopt;
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace fle::kms
