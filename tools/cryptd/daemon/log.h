#ifndef FLE_TOOLS_CRYPTD_LOG_H_
#define FLE_TOOLS_CRYPTD_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::cryptd {

/// Log records as the daemons of MongoDB write them: one JSON object a line, with a stable id.
/// Never holds what is in a command: the callers pass names of ours, numbers and addresses.
///
/// Thread-safe. Writing never waits for a reader: where standard output is a pipe that is full,
/// records are dropped and counted, for a client that started the daemon may never read it; and
/// where there is no memory for them.
class Log {
 public:
  struct Attr {
    std::string_view key;
    std::variant<std::string_view, std::int64_t> value;
  };

  Log() = default;  ///< To standard output.
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Appends to a file from now on; makes it (mode 0600) if there is none. It is a regular file
  /// with one name, of this user or root, or /dev/null; no link is followed.
  /// @retval Errc::io_failed
  Done open(const std::string& path);
  [[nodiscard]] bool to_file() const noexcept { return static_cast<bool>(file_); }

  void info(std::string_view component, std::int32_t id, std::string_view context,
            std::string_view message, std::initializer_list<Attr> attrs = {}) noexcept {
    write('I', component, id, context, message, attrs);
  }
  void warning(std::string_view component, std::int32_t id, std::string_view context,
               std::string_view message, std::initializer_list<Attr> attrs = {}) noexcept {
    write('W', component, id, context, message, attrs);
  }
  void error(std::string_view component, std::int32_t id, std::string_view context,
             std::string_view message, std::initializer_list<Attr> attrs = {}) noexcept {
    write('E', component, id, context, message, attrs);
  }

 private:
  void write(char severity, std::string_view component, std::int32_t id, std::string_view context,
             std::string_view message, std::initializer_list<Attr> attrs) noexcept;
  [[nodiscard]] std::string line_of(char severity, std::string_view component, std::int32_t id,
                                    std::string_view context, std::string_view message,
                                    std::initializer_list<Attr> attrs) const;

  std::mutex mutex_;
  files::Fd file_;  // none: standard output
  std::uint64_t dropped_ = 0;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_LOG_H_
