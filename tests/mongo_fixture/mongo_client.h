#ifndef FLE_TESTS_MONGO_FIXTURE_MONGO_CLIENT_H_
#define FLE_TESTS_MONGO_FIXTURE_MONGO_CLIENT_H_

#include <memory>
#include <stdexcept>
#include <string>

#include <mongoc/mongoc.h>

namespace fle::test {

/// A plain connection for what a test sets up behind the back of the code under test.
class MongoClient {
 public:
  explicit MongoClient(const std::string& uri) {
    mongoc_init();
    client_.reset(mongoc_client_new(uri.c_str()));
    if (client_ == nullptr) throw std::runtime_error("no connection string: " + uri);
    mongoc_client_set_error_api(client_.get(), MONGOC_ERROR_API_VERSION_2);
  }

  /// Runs one command, given as Extended JSON; returns the reply likewise. Throws when it fails.
  std::string run(const std::string& database, const std::string& command) {
    bson_error_t error;
    bson_t c;
    if (!bson_init_from_json(&c, command.data(), static_cast<ssize_t>(command.size()), &error))
      throw std::runtime_error(command + ": " + error.message);
    bson_t reply;
    const bool done =
        mongoc_client_command_simple(client_.get(), database.c_str(), &c, nullptr, &reply, &error);
    char* json = bson_as_canonical_extended_json(&reply, nullptr);
    const std::string out = json == nullptr ? std::string() : json;
    bson_free(json);
    bson_destroy(&c);
    bson_destroy(&reply);
    if (!done) throw std::runtime_error(command + ": " + error.message);
    return out;
  }

 private:
  struct Destroy {
    void operator()(mongoc_client_t* c) const noexcept { mongoc_client_destroy(c); }
  };
  std::unique_ptr<mongoc_client_t, Destroy> client_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_MONGO_FIXTURE_MONGO_CLIENT_H_
