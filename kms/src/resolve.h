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

/// The addresses of a host for a TCP connection. The system's resolver knows no deadline (its own
/// is 10 seconds and more), so a thread of its own asks it; one that is late is left behind, holds
/// nothing of the caller's, and ends when the resolver does. Addresses in digits need no resolver.
/// @retval Errc::kms_unreachable  no address, or not in time
[[nodiscard]] Outcome<Addresses> resolve(const TlsPeer& peer, Deadline deadline,
                                         GetAddresses ask = &::getaddrinfo);

}  // namespace fle::kms

#endif  // FLE_KMS_RESOLVE_H_
