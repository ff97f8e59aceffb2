#include "mongo_fixture/mongo_fixture.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

#include "kms/kmip/child_process.h"
#include "support/patience.h"

namespace fle::test {
namespace {

const char* real_one() { return std::getenv("FLE_TEST_MONGODB_URI"); }

std::string new_log_file() {
  std::string name = (std::filesystem::temp_directory_path() / "fle-mongo-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("mkstemp");
  ::close(fd);
  return name;
}

}  // namespace

struct MongoFixture::Server {
  std::string log = new_log_file();
  std::string bytes = new_log_file();
  kms::test::ChildProcess process{{FLE_NODE, FLE_MONGO_FIXTURE, "--log", log, "--bytes", bytes}};
};

bool MongoFixture::is_available() { return FLE_MONGO_FIXTURE_READY != 0 || real_one() != nullptr; }

MongoFixture::MongoFixture() {
  if (real_one() != nullptr) {
    uri_ = real_one();
    return;
  }
  server_ = std::make_unique<Server>();
  const std::string line = server_->process.read_line();
  if (!line.starts_with("port ")) throw std::runtime_error("the fixture does not start: " + line);
  uri_ = "mongodb://127.0.0.1:" + line.substr(5) + "/?serverSelectionTimeoutMS=" +
         std::to_string(std::chrono::milliseconds(kPatience).count());
}

MongoFixture::~MongoFixture() {
  std::error_code ignored;
  if (server_ == nullptr) return;
  std::filesystem::remove(server_->log, ignored);
  std::filesystem::remove(server_->bytes, ignored);
}

std::string MongoFixture::new_database() {
  static std::atomic<int> n = 0;
  return "fle_test_" + std::to_string(::getpid()) + "_" + std::to_string(n++);
}

std::string MongoFixture::bytes() const {
  if (server_ == nullptr) return {};
  std::ifstream in(server_->bytes, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> MongoFixture::commands() {
  std::vector<std::string> out;
  if (server_ == nullptr) return out;
  std::ifstream in(server_->log);
  in.seekg(static_cast<std::streamoff>(read_));
  for (std::string line; std::getline(in, line);) {
    read_ += line.size() + 1;
    out.push_back(line);
  }
  return out;
}

}  // namespace fle::test
