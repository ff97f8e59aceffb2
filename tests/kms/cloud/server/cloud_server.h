#ifndef FLE_TESTS_KMS_CLOUD_CLOUD_SERVER_H_
#define FLE_TESTS_KMS_CLOUD_CLOUD_SERVER_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <rapidjson/document.h>
#include <sys/types.h>

#include "kms/temp_dir.h"

namespace fle::kms::test {

/// An authority of our own and certificates from it, made by openssl in a fresh directory.
class Certificates {
 public:
  /// What is wrong with a certificate, if anything.
  enum class Fault : std::uint8_t { none, expired, other_host, other_authority };

  Certificates();
  [[nodiscard]] std::string authority() const { return dir_.file("ca.pem"); }
  [[nodiscard]] std::string key() const { return dir_.file("key.pem"); }
  /// A certificate for all the names that tests use; returns its file.
  [[nodiscard]] std::string make(Fault fault = Fault::none) const;
  /// The certificate of a client, from the same authority; the key is key().
  [[nodiscard]] std::string make_client() const;
  [[nodiscard]] const TempDir& dir() const noexcept { return dir_; }

 private:
  void make_authority(const std::string& name) const;
  void sign(const std::string& out, const std::string& subject, const std::string& extension,
            const std::string& days, const std::string& authority) const;
  TempDir dir_;
};

/// cloud_server.py as a child process. It ends with this object, and also if this process dies.
class CloudServer {
 public:
  /// @param certificate       empty: plain HTTP
  /// @param client_authority  if not empty, clients must have a certificate from there
  explicit CloudServer(const std::string& certificate, const std::string& key = {},
                       const std::string& client_authority = {});
  ~CloudServer();
  CloudServer(const CloudServer&) = delete;
  CloudServer& operator=(const CloudServer&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string port_text() const { return std::to_string(port_); }

  /// Merges a JSON object into what the server knows: accounts, keys.
  void configure(const std::string& json) {
    command(R"({"do": "configure", "config": )" + json + "}");
  }
  /// The same, from a file.
  void configure_from(const std::string& file) {
    command(R"({"do": "configure from", "file": ")" + file + "\"}");
  }
  /// How the next requests are answered, a JSON array with an object for each; see cloud_server.py.
  void misbehave(const std::string& queue) {
    command(R"({"do": "faults", "queue": )" + queue + "}");
  }
  /// Lets requests go on that are held: {"hold": true} in the queue.
  void release() { command(R"({"do": "release"})"); }
  /// Waits until so many connections have been closed by the server since its start.
  void await_closed(int n) { await("closed", n); }
  /// Waits until so many answers that nobody asked for have arrived at the client's side.
  void await_unasked(int n) { await("unasked", n); }
  void revoke_tokens() { command(R"({"do": "revoke"})"); }
  /// Makes new accounts and writes them to `file` as a kmsProviders map: their secrets are then
  /// nowhere in this process.
  void make_accounts(const std::string& file) {
    command(R"({"do": "accounts", "file": ")" + file + "\"}");
  }
  /// Makes new secrets for the roles that are configured and for the services near the machine that
  /// has them, in the folder: tokens, "web" and "agent"; a profile "base", "credentials"; and
  /// "near.json", which is for configure_from().
  void make_roles(const std::string& folder) {
    command(R"({"do": "roles", "folder": ")" + folder + "\"}");
  }
  /// Writes all secrets of these accounts and all data keys to `file`: each after its length, 32
  /// bits little-endian, with every byte XORed with `mask`.
  void write_secrets(const std::string& file, std::uint8_t mask) {
    command(R"({"do": "secrets", "file": ")" + file + R"(", "mask": )" + std::to_string(mask) +
            "}");
  }
  /// The requests since the last call: {"requests": [...]}.
  rapidjson::Document take_log() { return command(R"({"do": "log"})"); }
  std::size_t count_requests() { return take_log()["requests"].Size(); }
  std::vector<std::string> tokens();

 private:
  void await(const std::string& what, int n) {
    command(R"({"do": "await", "what": ")" + what + R"(", "n": )" + std::to_string(n) + "}");
  }
  rapidjson::Document command(const std::string& line);
  rapidjson::Document read_line();
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  int port_ = 0;
};

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_CLOUD_CLOUD_SERVER_H_
