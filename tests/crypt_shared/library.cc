#include "library.h"

#include <stdexcept>

#include <dlfcn.h>

namespace fle::test {

namespace {

void* open_library() {
  void* handle = ::dlopen(FLE_CRYPT_SHARED, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(::dlerror());
  return handle;
}

}  // namespace

template <class Function>
Function* Library::symbol(const char* name) const {
  void* found = ::dlsym(handle_, (std::string("mongo_crypt_v1_") + name).c_str());
  if (found == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<Function*>(found);
}

Library::Library() : handle_(open_library()) {}

Library::~Library() { ::dlclose(handle_); }

bool Library::is_loaded() {
  void* handle = ::dlopen(FLE_CRYPT_SHARED, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (handle == nullptr) return false;
  ::dlclose(handle);
  return true;
}

Session::Session(const Library& library) : l_(library), status_(library) {
  lib_ = l_.lib_create(status_);
  if (lib_ == nullptr) throw std::runtime_error(status_.text());
  analyzer_ = l_.query_analyzer_create(lib_, status_);
  if (analyzer_ == nullptr) throw std::runtime_error(status_.text());
}

Session::~Session() {
  l_.query_analyzer_destroy(analyzer_);
  l_.lib_destroy(lib_, nullptr);
}

Buf Session::analyze(Bytes command, const std::string& ns) {
  return test::analyze(l_, analyzer_, command, ns, status_);
}

Buf analyze(const Library& library, mongo_crypt_v1_query_analyzer* analyzer, Bytes command,
            const std::string& ns, mongo_crypt_v1_status* status) {
  std::uint32_t size = 77;  // whatever was there before
  std::uint8_t* reply = library.analyze_query(analyzer, command.data(), ns.data(),
                                              static_cast<std::uint32_t>(ns.size()), &size, status);
  if (reply == nullptr) {
    if (size != 0) throw std::runtime_error("a size without a result");
    return {};
  }
  Buf copy(reply, reply + size);
  library.bson_free(reply);
  return copy;
}

const char* const kClinicSchema = R"({
  "bsonType": "object",
  "encryptMetadata": {
    "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]},
  "properties": {
    "ssn": {"encrypt": {"bsonType": "int",
                        "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
    "bloodType": {"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}}})";

Buf command_with(const std::string& fields, const std::string& schema) {
  return bson_of("{" + fields + R"(, "$db": "clinic", "isRemoteSchema": false, "jsonSchema": )" +
                 schema + "}");
}

}  // namespace fle::test
