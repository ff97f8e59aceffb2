#include "kms/kmip/certificates.h"

#include <vector>

#include "kms/kmip/child_process.h"

namespace fle::kms::test {
namespace {

std::vector<std::string> new_certificate(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  return {"openssl", "req",         "-x509",    "-newkey",
          "ec",      "-nodes",      "-pkeyopt", "ec_paramgen_curve:P-256",
          "-days",   "2",           "-config",  "/dev/null",
          "-subj",   "/CN=" + name, "-keyout",  path + ".key",
          "-out",    path + ".pem"};
}

void add(std::vector<std::string>& command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
}

}  // namespace

void make_authority(const std::string& folder, const std::string& name) {
  std::vector<std::string> command = new_certificate(folder, name);
  add(command, {"-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign"});
  run_program(command);
}

void make_certificate(const std::string& folder, const std::string& name,
                      const std::string& subject_alt_name, const std::string& usage,
                      const std::string& authority) {
  std::vector<std::string> command = new_certificate(folder, name);
  const std::string ca = folder + "/" + authority;
  add(command,
      {"-CA", ca + ".pem", "-CAkey", ca + ".key", "-addext", "basicConstraints=critical,CA:FALSE",
       "-addext", "extendedKeyUsage=" + usage, "-addext", "subjectAltName=" + subject_alt_name});
  run_program(command);
}

void make_usual_certificates(const std::string& folder) {
  make_authority(folder);
  make_certificate(folder, "server", "DNS:localhost,IP:127.0.0.1", "serverAuth");
  make_certificate(folder, "client", "DNS:client.example", "clientAuth");
}

TlsOptions client_tls(const std::string& folder) {
  return {folder + "/ca.pem", folder + "/client.pem", folder + "/client.key"};
}

}  // namespace fle::kms::test
