#include "cloud_server.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/kmip/child_process.h"

extern char** environ;

namespace fle::kms::test {
namespace {

struct Pipe {
  int read_end, write_end;
  Pipe() {
    int fds[2];
    // Closed in children: a later child that held an end open would keep the server alive.
    if (::pipe2(fds, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read_end = fds[0];
    write_end = fds[1];
  }
};

pid_t spawn(const std::vector<std::string>& arguments, int in, int out) {
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (in == out) posix_spawn_file_actions_adddup2(&actions, out, 2);  // nobody reads it
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot run " + arguments[0]);
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error("waitpid");
  return status;
}

constexpr const char* kNames =
    "subjectAltName=DNS:kms.us-east-1.amazonaws.com,DNS:kms.cn-north-1.amazonaws.com.cn,"
    "DNS:medco.vault.azure.net,DNS:login.microsoftonline.com,DNS:cloudkms.googleapis.com,"
    "DNS:sts.us-east-1.amazonaws.com,DNS:sts.amazonaws.com,DNS:sts.eu-central-1.amazonaws.com,"
    "DNS:sts.googleapis.com,DNS:iamcredentials.googleapis.com,DNS:oauth2.googleapis.com,DNS:kms."
    "localhost,DNS:vault.localhost,DNS:login.localhost";

}  // namespace

Certificates::Certificates() {
  make_authority("ca");
  run_program({"openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-out", key()});
}

void Certificates::make_authority(const std::string& name) const {
  run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout",
               dir_.file(name + "-key.pem"), "-out", dir_.file(name + ".pem")});
}

void Certificates::sign(const std::string& out, const std::string& subject,
                        const std::string& extension, const std::string& days,
                        const std::string& authority) const {
  const std::string request = dir_.file("request.pem");
  const std::string extensions = dir_.file("extensions");
  run_program({"openssl", "req", "-new", "-key", key(), "-subj", subject, "-out", request});
  if (std::FILE* f = std::fopen(extensions.c_str(), "w"); f != nullptr) {
    std::fputs(extension.c_str(), f);
    std::fclose(f);
  }
  run_program({"openssl", "x509", "-req", "-in", request, "-CA", dir_.file(authority + ".pem"),
               "-CAkey", dir_.file(authority + "-key.pem"), "-CAcreateserial", "-days", days,
               "-extfile", extensions, "-out", out});
}

std::string Certificates::make(Fault fault) const {
  const std::string out = dir_.file("server-" + std::to_string(static_cast<int>(fault)) + ".pem");
  if (fault == Fault::other_authority) make_authority("other");
  sign(out, "/CN=server",
       fault == Fault::other_host ? "subjectAltName=DNS:kms.example.com" : kNames,
       fault == Fault::expired ? "-1" : "2", fault == Fault::other_authority ? "other" : "ca");
  return out;
}

std::string Certificates::make_client() const {
  const std::string out = dir_.file("client.pem");
  sign(out, "/CN=client", "extendedKeyUsage=clientAuth", "2", "ca");
  return out;
}

CloudServer::CloudServer(const std::string& certificate, const std::string& key,
                         const std::string& client_authority) {
  const Pipe commands;
  const Pipe answers;
  std::vector<std::string> arguments = {FLE_PYTHON3, "-I", "-S", FLE_CLOUD_SERVER};
  if (!certificate.empty()) arguments.insert(arguments.end(), {certificate, key});
  if (!client_authority.empty()) arguments.push_back(client_authority);
  pid_ = spawn(arguments, commands.read_end, answers.write_end);
  ::close(commands.read_end);
  ::close(answers.write_end);
  to_ = ::fdopen(commands.write_end, "w");
  from_ = ::fdopen(answers.read_end, "r");
  port_ = read_line()["port"].GetInt();
}

CloudServer::~CloudServer() {
  std::fclose(to_);
  std::fclose(from_);
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
}

std::vector<std::string> CloudServer::tokens() {
  const auto answer = command(R"({"do": "tokens"})");
  std::vector<std::string> out;
  for (const auto& t : answer["tokens"].GetArray()) out.emplace_back(t.GetString());
  return out;
}

rapidjson::Document CloudServer::command(const std::string& line) {
  // One line each way: JSON in tests may be written over several.
  std::string flat = line;
  for (char& c : flat)
    if (c == '\n') c = ' ';
  flat += '\n';
  if (std::fputs(flat.c_str(), to_) < 0 || std::fflush(to_) != 0)
    throw std::runtime_error("the cloud server is gone");
  return read_line();
}

rapidjson::Document CloudServer::read_line() {
  char* line = nullptr;
  std::size_t capacity = 0;
  const ssize_t n = ::getline(&line, &capacity, from_);
  const std::unique_ptr<char, decltype(&std::free)> guard(line, std::free);
  rapidjson::Document out;
  if (n <= 0 || out.Parse(line, static_cast<std::size_t>(n)).HasParseError())
    throw std::runtime_error("the cloud server is gone");
  return out;
}

}  // namespace fle::kms::test
