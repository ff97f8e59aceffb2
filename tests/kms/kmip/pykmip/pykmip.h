#ifndef FLE_TESTS_KMS_KMIP_PYKMIP_H_
#define FLE_TESTS_KMS_KMIP_PYKMIP_H_

#include <optional>
#include <string>
#include <vector>

#include "fle/kms/provider.h"
#include "kms/kmip/certificates.h"
#include "kms/kmip/child_process.h"
#include "kms/temp_dir.h"

namespace fle::kms::test {

/// PyKMIP's server in a process of its own, with fresh certificates and an empty database.
class Pykmip {
 public:
  Pykmip();

  /// False where Debian's python3-pykmip is not installed.
  [[nodiscard]] static bool is_installed();

  [[nodiscard]] std::string endpoint(const std::string& host = "localhost") const {
    return host + ":" + port_;
  }
  [[nodiscard]] std::string port() const { return port_; }
  [[nodiscard]] std::string folder() const { return dir_.file(""); }
  /// Lets the server write all secrets that there are to `file`, masked for a MemorySearch.
  void write_masked_secrets(const std::string& file, unsigned mask);
  /// Its answer to one message, over a connection of its own: the part of a driver in KMIP. Throws
  /// where `endpoint` is another server's, or where none comes.
  [[nodiscard]] std::vector<std::uint8_t> answer(const std::string& endpoint, Bytes message) const;
  /// With the TLS options of "kmip".
  [[nodiscard]] KmsOptions options() const;
  /// The one provider "kmip".
  [[nodiscard]] Providers providers() const;

 private:
  TempDir dir_;
  std::optional<ChildProcess> process_;
  std::string port_;
};

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_KMIP_PYKMIP_H_
