#ifndef FLE_TESTS_CRYPT_SHARED_LIBRARY_H_
#define FLE_TESTS_CRYPT_SHARED_LIBRARY_H_

#include <memory>
#include <string>

#include "mongo_crypt_v1.h"
#include "support/bson_values.h"

namespace fle::test {

/// mongo_crypt_v1.so as drivers open it, with its functions. Closed on destruction.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  /// Whether the library is in this process, for whatever reason.
  [[nodiscard]] static bool is_loaded();

 private:
  void* const handle_;  // before the symbols, which are found with it
  template <class Function>
  Function* symbol(const char* name) const;

 public:
#define FLE_SYMBOL(name) \
  decltype(mongo_crypt_v1_##name)* const name = symbol<decltype(mongo_crypt_v1_##name)>(#name)
  FLE_SYMBOL(get_version);
  FLE_SYMBOL(get_version_str);
  FLE_SYMBOL(status_create);
  FLE_SYMBOL(status_destroy);
  FLE_SYMBOL(status_get_error);
  FLE_SYMBOL(status_get_explanation);
  FLE_SYMBOL(status_get_code);
  FLE_SYMBOL(lib_create);
  FLE_SYMBOL(lib_destroy);
  FLE_SYMBOL(query_analyzer_create);
  FLE_SYMBOL(query_analyzer_destroy);
  FLE_SYMBOL(analyze_query);
  FLE_SYMBOL(bson_free);
#undef FLE_SYMBOL
};

/// A status with the functions to read it.
class Status {
 public:
  explicit Status(const Library& library) : l_(library), s_(library.status_create()) {}
  ~Status() { l_.status_destroy(s_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  operator mongo_crypt_v1_status*() const noexcept { return s_; }
  [[nodiscard]] int error() const { return l_.status_get_error(s_); }
  [[nodiscard]] int code() const { return l_.status_get_code(s_); }
  [[nodiscard]] std::string text() const { return l_.status_get_explanation(s_); }

 private:
  const Library& l_;
  mongo_crypt_v1_status* s_;
};

/// The whole way down to one analyzer, taken back on destruction. Throws if any step fails.
class Session {
 public:
  explicit Session(const Library& library);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Empty when refused: see status().
  Buf analyze(Bytes command, const std::string& ns = "clinic.patients");
  [[nodiscard]] const Status& status() const noexcept { return status_; }
  [[nodiscard]] mongo_crypt_v1_lib* lib() const noexcept { return lib_; }
  [[nodiscard]] mongo_crypt_v1_query_analyzer* analyzer() const noexcept { return analyzer_; }

 private:
  const Library& l_;
  Status status_;
  mongo_crypt_v1_lib* lib_;
  mongo_crypt_v1_query_analyzer* analyzer_;
};

/// One query by an analyzer; empty when refused.
Buf analyze(const Library& library, mongo_crypt_v1_query_analyzer* analyzer, Bytes command,
            const std::string& ns, mongo_crypt_v1_status* status);

/// JSON of a schema: ssn deterministic int, bloodType random, both with a key of zeros.
extern const char* const kClinicSchema;
/// {<fields>, $db: "clinic", jsonSchema: <schema>, isRemoteSchema: false}
Buf command_with(const std::string& fields, const std::string& schema = kClinicSchema);

}  // namespace fle::test

#endif  // FLE_TESTS_CRYPT_SHARED_LIBRARY_H_
