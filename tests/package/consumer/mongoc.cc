// Links libfle's client for MongoDB, and connects to nothing.
#include <cstdio>

#include <fle/mongoc/encrypted_client.h>

int main() {
  const auto client = fle::mongoc::EncryptedClient::create("this is no connection string", {});
  if (!client) std::puts(client.error().to_string().c_str());
  return client ? 1 : 0;
}
