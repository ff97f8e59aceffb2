#ifndef FLE_KMS_RESOLVE_H_
#define FLE_KMS_RESOLVE_H_

#include <memory>
#include <string>

#include <netdb.h>

#include "fle/failure.h"
#include "tls_stream.h"

namespace fle::kms {

struct FreeAddresses {
  void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// As ::getaddrinfo; tests give others.
using GetAddresses = decltype(&::getaddrinfo);

/// While so many threads of this process are left behind, no further one is begun; those that are
/// under way by then may still be late.
inline constexpr int kMostLateResolvers = 16;

/// The addresses of a host for a TCP connection. The system's resolver knows no deadline (its own
/// is 10 seconds and more), so a thread of its own asks it; one that is late is left behind, holds
/// nothing of the caller's, and ends when the resolver does. While kMostLateResolvers are late, the
/// resolver is not asked anything else. Addresses in digits need none.
/// @retval Errc::kms_unreachable  no address, or not in time; at once where too many are late
[[nodiscard]] Outcome<Addresses> resolve(const TlsPeer& peer, Deadline deadline,
                                         GetAddresses ask = &::getaddrinfo);

}  // namespace fle::kms

#endif  // FLE_KMS_RESOLVE_H_
