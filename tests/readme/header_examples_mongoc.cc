// The examples of libfle::mongoc's headers: compiled alone, for they need a server.
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fle/mongoc/cursor.h"
#include "fle/mongoc/encrypted_client.h"

namespace {

using namespace fle::mongoc;

[[maybe_unused]] fle::Done read_all(EncryptedCollection& patients, fle::Bytes filter) {
  const auto use = [](fle::Bytes) {};
#include "example/fle/mongoc/cursor.h"
  return fle::ok;
}

[[maybe_unused]] void insert(const std::shared_ptr<const fle::kms::Providers>& providers,
                             const std::shared_ptr<const fle::schema::Plan>& plan,
                             fle::Bytes document) {
#include "example/fle/mongoc/encrypted_client.h"
}

}  // namespace
