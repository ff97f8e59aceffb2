#ifndef FLE_KMS_TLS_STREAM_H_
#define FLE_KMS_TLS_STREAM_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/kms_options.h"

namespace fle::kms {

/// The moment at which an operation on a stream gives up.
using Deadline = std::chrono::steady_clock::time_point;

struct TlsPeer {
  std::string host;  ///< A name, or an IPv4 or IPv6 address without brackets.
  std::uint16_t port = 0;
};

/// Reads the files of `options` and checks them: certificates are there, the private key is not
/// encrypted and fits its certificate. connect() does the same each time, so that renewed files are
/// picked up and no private key stays in memory longer than its connection.
/// @retval Errc::kms_config_invalid  names the file and the rule
[[nodiscard]] Done check_tls_options(const TlsOptions& options);

/// One TLS connection over TCP, version 1.2 or newer. The peer's certificate chain and its name or
/// address are always verified. Never raises SIGPIPE. What was read does not stay in OpenSSL's
/// buffers.
///
/// One object is not for concurrent use, nor for use in a forked child, which may only destroy it.
class TlsStream {
 public:
  /// Looks up the name, connects and shakes hands, all before `deadline`.
  /// @retval Errc::kms_config_invalid  as check_tls_options()
  /// @retval Errc::kms_unreachable     no address, no connection, certificate not accepted, or late
  [[nodiscard]] static Outcome<TlsStream> connect(const TlsPeer& peer, const TlsOptions& options,
                                                  Deadline deadline);
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;
  ~TlsStream();

  /// Writes all of `data`.
  /// @retval Errc::kms_unreachable  the connection broke, or it is late
  [[nodiscard]] Done write(Bytes data, Deadline deadline);
  /// Fills `out`; a peer that says less is an error.
  /// @retval Errc::kms_unreachable  the connection broke or ended, or it is late
  [[nodiscard]] Done read(MutBytes out, Deadline deadline);
  /// Bytes read over the whole life of the stream.
  [[nodiscard]] std::uint64_t n_read() const noexcept;
  /// True while the connection is open as far as can be seen without asking the peer, and the peer
  /// has said nothing that nobody asked for. Never in a forked child: the connection is the
  /// parent's.
  [[nodiscard]] bool is_idle() const noexcept;

 private:
  struct State;
  explicit TlsStream(std::unique_ptr<State> s) noexcept;
  std::unique_ptr<State> s_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_TLS_STREAM_H_
