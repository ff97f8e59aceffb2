#ifndef FLE_TESTS_MONGO_FIXTURE_MONGO_FIXTURE_H_
#define FLE_TESTS_MONGO_FIXTURE_MONGO_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

namespace fle::test {

/// A MongoDB for tests: the real one that FLE_TEST_MONGODB_URI names, or else a small server of our
/// own (server.mjs) on a free port of 127.0.0.1, which ends with this object.
class MongoFixture {
 public:
  /// False: neither is to be had here, and a test is to be skipped.
  static bool is_available();

  MongoFixture();
  ~MongoFixture();
  MongoFixture(const MongoFixture&) = delete;
  MongoFixture& operator=(const MongoFixture&) = delete;

  [[nodiscard]] const std::string& uri() const noexcept { return uri_; }
  /// A database that no other test uses.
  [[nodiscard]] std::string new_database();
  /// Our own server: then commands() is known.
  [[nodiscard]] bool is_ours() const noexcept { return server_ != nullptr; }
  /// Every command that came in since the last call, handshakes left out: a line of canonical
  /// Extended JSON each.
  [[nodiscard]] std::vector<std::string> commands();
  /// Every byte that came in so far, handshakes and all.
  [[nodiscard]] std::string bytes() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  std::string uri_;
  std::size_t read_ = 0;  // bytes of the log
};

}  // namespace fle::test

#endif  // FLE_TESTS_MONGO_FIXTURE_MONGO_FIXTURE_H_
