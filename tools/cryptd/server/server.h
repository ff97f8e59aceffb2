#ifndef FLE_TOOLS_CRYPTD_SERVER_H_
#define FLE_TOOLS_CRYPTD_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/log.h"
#include "daemon/options.h"
#include "fle/failure.h"
#include "fle/observe/metrics.h"
#include "protocol/commands.h"

namespace fle::cryptd {

/// Listens, and answers what comes until it is idle or told to end.
///
/// One thread moves the bytes of all connections and answers handshakes; a few threads analyze.
class Server {
 public:
  /// @param log      must outlive the server.
  /// @param metrics  hears of connections and requests, and is what scrapers get; null: they get
  ///                 nothing.
  Server(const Options& options, Responder responder, Log& log,
         std::shared_ptr<Metrics> metrics = nullptr);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Removes the file of the Unix socket.
  ~Server();

  /// Binds all addresses and the Unix socket. Clients can connect from then on; they are answered
  /// once run() runs.
  /// @retval Errc::io_failed  the sentence names the address.
  [[nodiscard]] Done listen();
  /// The TCP port, once it listens.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Serves until stop(), SIGTERM, SIGINT or idleness, then finishes the requests in flight.
  /// @return  false: some were not finished in time and may still run on threads of this process.
  [[nodiscard]] bool run();
  /// Removes the file of the Unix socket, for a process that ends without destructors.
  void remove_socket() noexcept;
  /// Makes run() return. From any thread, at any time after listen().
  void stop();

 private:
  class State;
  std::unique_ptr<State> s_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_SERVER_H_
