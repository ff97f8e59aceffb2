#ifndef FLE_TOOLS_CRYPTD_COMMANDS_H_
#define FLE_TOOLS_CRYPTD_COMMANDS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fle/observe.h"
#include "wire.h"

namespace fle::cryptd {

/// Answers a command that carries its schemas: the marked command, or an error, as a document.
/// Called from several threads at once. `abandoned` becomes true when its client has gone: whatever
/// the answer is then, nobody reads it.
using Analyze = std::function<std::vector<std::uint8_t>(Bytes command, std::string_view db,
                                                        const std::atomic<bool>& abandoned)>;

/// What a daemon tells of itself.
struct Facts {
  std::string version;  ///< Of libfle.
};

/// What becomes of one message.
struct Answer {
  std::optional<Frame> frame;      ///< Nothing: the client asked for no answer.
  bool end_of_connection = false;  ///< After the frame: the message was malformed.
  Word command;                    ///< For the log: a name of ours, never what a client sent.
};

/// A message in, an answer out, without the sockets. Thread-safe.
class Responder {
  static inline const std::atomic<bool> kNever{false};

 public:
  Responder(Analyze analyze, Facts facts);
  Responder(Responder&& o) noexcept
      : analyze_(std::move(o.analyze_)), facts_(std::move(o.facts_)) {}

  /// Answers one message, whatever is in it.
  [[nodiscard]] Answer respond(Bytes message, const std::atomic<bool>& abandoned = kNever) const;

  /// Answers a message that needs no analysis (a handshake, a ping): such answers need not wait for
  /// a thread. One that does is taken apart, for respond().
  [[nodiscard]] std::variant<Answer, Request> begin(Bytes message) const;
  [[nodiscard]] Answer respond(const Request& request,
                               const std::atomic<bool>& abandoned = kNever) const;

  /// The answer to a message of which only the header could be read.
  [[nodiscard]] Answer refuse(Bytes message, const WireError& refusal) const;

 private:
  [[nodiscard]] std::vector<std::uint8_t> run(const Request& request, Word& logged_name,
                                              const std::atomic<bool>& abandoned) const;
  [[nodiscard]] std::int32_t next_id() const noexcept;

  Analyze analyze_;
  Facts facts_;
  mutable std::atomic<std::uint32_t> last_id_{0};
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_COMMANDS_H_
