#include "kms/kmip/pykmip/pykmip.h"

#include <stdexcept>
#include <utility>

#include "kmip/ttlv.h"
#include "net/tls_stream.h"
#include "support/patience.h"

namespace fle::kms::test {
namespace {

// Looked for and not loaded, which would take longer than most tests.
constexpr const char* kIsInstalled =
    "import importlib.util, sys; sys.exit(importlib.util.find_spec('kmip') is None)";

}  // namespace

bool Pykmip::is_installed() {
  static const bool found = [] {
    ChildProcess probe({"/usr/bin/python3", "-c", kIsInstalled});
    return probe.wait() == 0;
  }();
  return found;
}

Pykmip::Pykmip() {
  make_usual_certificates(folder());
  process_.emplace(std::vector<std::string>{"/usr/bin/python3", FLE_PYKMIP_SERVER, folder()});
  const std::string line = process_->read_line();
  if (!line.starts_with("port ")) throw std::runtime_error("PyKMIP does not start: " + line);
  port_ = line.substr(5);
}

void Pykmip::write_masked_secrets(const std::string& file, unsigned mask) {
  process_->write_line(std::to_string(mask) + " " + file);
  if (process_->read_line() != "written") throw std::runtime_error("PyKMIP wrote no secrets");
}

std::vector<std::uint8_t> Pykmip::answer(const std::string& to, Bytes message) const {
  if (to != endpoint()) throw std::runtime_error("asks " + to);
  const Deadline deadline = std::chrono::steady_clock::now() + fle::test::kPatience;
  const TlsPeer peer{"localhost", static_cast<std::uint16_t>(std::stoi(port_))};
  auto stream = TlsStream::connect(peer, client_tls(folder()), deadline);
  if (!stream) throw std::runtime_error(stream.error().to_string());
  std::vector<std::uint8_t> answer(ttlv::kHeaderLen);
  if (!stream->write(message, deadline) || !stream->read(answer, deadline))
    throw std::runtime_error("no answer");
  answer.resize(answer.size() + (std::size_t{answer[6]} << 8U | answer[7]));
  if (!stream->read(MutBytes(answer).subspan(ttlv::kHeaderLen), deadline))
    throw std::runtime_error("half an answer");
  return answer;
}

KmsOptions Pykmip::options() const {
  KmsOptions out;
  out.tls["kmip"] = client_tls(folder());
  out.connect_timeout = out.request_timeout = fle::test::kPatience;
  return out;
}

Providers Pykmip::providers() const {
  auto out = Providers::from_json(R"({"kmip": {"endpoint": ")" + endpoint() + R"("}})", options());
  if (!out) throw std::runtime_error(out.error().to_string());
  return *std::move(out);
}

}  // namespace fle::kms::test
