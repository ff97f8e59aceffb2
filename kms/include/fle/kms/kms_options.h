#ifndef FLE_KMS_KMS_OPTIONS_H_
#define FLE_KMS_KMS_OPTIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/function.h"
#include "fle/secret.h"

namespace fle::kms {

/// TLS towards one KMS, version 1.2 or newer. Verification of certificate and host name is always
/// on: there is no option that weakens it (CSFLE specification, "KMS provider TLS options").
struct TlsOptions {
  std::string ca_file;           ///< PEM; replaces the system's authorities. Empty: the system's.
  std::string certificate_file;  ///< PEM client certificate with its chain; empty: none.
  std::string private_key_file;  ///< PEM; empty: it stands in certificate_file.
};

/// Master keys, described: those whose `masterKey` has each of these fields with this text, e.g.
/// {{"key", "arn:aws:kms:eu-central-1:111122223333:key/..."}} or {{"keyVaultEndpoint",
/// "medco.vault.azure.net"}, {"keyName", "medco-key"}}. A text that ends in "*" stands for all that
/// begin as it does: "arn:aws:kms:eu-central-1:111122223333:*" is every key of one account.
/// Endpoints are compared as hosts: without "https://", path, case and default port. An endpoint
/// that a pin names must stand in the master key.
using MasterKeyPin = std::map<std::string, std::string, std::less<>>;
/// By provider id, name included.
using MasterKeyPins = std::map<std::string, std::vector<MasterKeyPin>, std::less<>>;

/// Seals of key documents, which bind a data key to its id and names: fle/kms/seal.h.
struct SealOptions {
  /// The sealing key, for keys under every provider: 32 bytes or more, random. Null: keys under a
  /// local provider are sealed under its master key, others not at all.
  std::shared_ptr<const SecretBytes> key;
  /// Refuses keys without a seal, and those whose seal cannot be checked. Only so does a seal keep
  /// out somebody who can write to the vault: a seal can be taken away.
  bool required = false;
  /// Seals new keys. So do `key` and `required`.
  bool create = false;
};

/// What reaching KMS servers needs beside the kmsProviders map itself. By provider id where a
/// provider may differ from the others.
struct KmsOptions {
  std::map<std::string, TlsOptions, std::less<>> tls;  ///< By provider id, name included.
  std::chrono::milliseconds connect_timeout{10'000};   ///< Looking up the name included.
  std::chrono::milliseconds request_timeout{30'000};   ///< Of one request, connecting included.
  /// Of one call of this library in all: every key that it needs (8 at a time), every request,
  /// retry and wait between them. A server that has not answered is not asked again for other keys
  /// of the call. Work on a whole vault counts each key (rewrap) or each 64
  /// (KeyRing::prewarm_all). 0: none but the two above.
  std::chrono::milliseconds call_timeout{60'000};
  /// After network errors and the statuses that each cloud calls transient: 408, 429, most of 5xx.
  /// Waits a random part of 200 ms * 2^n before each, at most of 20 s. Never for KMIP.
  std::uint32_t max_retries = 3;
  /// Hosts, by provider id, that the endpoint in a masterKey may name beside the KMS hosts of the
  /// cloud itself at port 443 (docs/kms.md has the table), for KMIP beside the configured endpoint
  /// and those of pins: "kms.example.com", the same with ":PORT" (without, any port),
  /// ".example.com" for all hosts below, "[2001:db8::1]". A key document comes from a database:
  /// without this rule, who can write there could have bearer tokens sent to a server of theirs, or
  /// hand out data keys that they know. As with `tls`, an id that no provider can have is refused.
  std::map<std::string, std::vector<std::string>, std::less<>> allowed_endpoints;
  /// Pins: the master keys that may be used, by provider id. Where a provider has an entry, a
  /// master key that fits none of its pins is refused before a byte is sent, whoever names it: a
  /// key document, a new data key, a rewrap. Without pins, who can write to the key vault may name
  /// any key of the cloud, one of an account of theirs, too. AWS is also told the key that it has
  /// to decrypt with. Set them for every provider but local ones, which know one master key only.
  MasterKeyPins master_keys;
  /// Told of a provider without pins, local ones excepted, when a master key is to be used with it
  /// for the first time: once for each. From any thread. Null: nobody is told.
  std::function<void(std::string_view provider_id)> on_use_without_pins;
  SealOptions seals;
  LockPolicy lock_policy = LockPolicy::required;
  /// Asked whenever a provider whose options are {} needs credentials: returns its options document
  /// as JSON text, e.g. {"accessKeyId": ..., "secretAccessKey": ..., "sessionToken": ...} or
  /// {"accessToken": ...}. Called from any thread that resolves keys, those that the library makes
  /// for one call among them, never ahead of need. Results are not kept, but a token that was got
  /// with them is. Null: {} is refused.
  std::function<Outcome<WipedBuffer>(std::string_view provider_id)> credentials;
};

/// A callback for KmsOptions::credentials that finds what the machine has by its role or identity
/// (CSFLE specification, "Automatic Credentials"; docs/kms.md, "No secret on disk"):
/// - aws: environment variables, a web identity (EKS), a profile, the agent of a container (ECS,
///   EKS), the instance metadata service (EC2);
/// - azure: workload identity, else a token for vault.azure.net from the instance metadata service;
/// - gcp: workload identity federation, else a token from the metadata server.
/// What ends at some time is kept, and renewed before that. Thread-safe. A forked child needs one
/// of its own.
///
/// Put into KmsOptions as it is, it is not called: providers ask for themselves, with their own TLS
/// options and time limits, and an Exchange brings the requests as messages. Called by others, it
/// asks over libcurl and the system's authorities, and fails with Errc::kms_no_credentials,
/// kms_config_invalid, kms_unreachable, kms_busy, or, where it needs libcurl and this build lacks
/// it, not_in_build.
[[nodiscard]] FLE_API decltype(KmsOptions::credentials) automatic_credentials(
    LockPolicy policy = LockPolicy::required);

}  // namespace fle::kms

#endif  // FLE_KMS_KMS_OPTIONS_H_
