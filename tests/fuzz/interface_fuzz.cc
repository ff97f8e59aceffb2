// libmongocrypt's C interface, called by a program that has lost its way: the input decides which
// calls are made, in which order, and is itself one of the documents that are handed over.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "mongocrypt/walk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fle::test;
  static const Client client(Library::ours(), walk_options());
  static const std::vector<Buf> documents = walk_documents(client);
  // The first half decides, the second half is a document.
  const std::size_t half = size / 2;
  std::vector<Buf> all = documents;
  all.emplace_back(data + half, data + size);
  std::size_t at = 0;
  Walk walk(client, all, [&] { return at < half ? unsigned{data[at++]} : 0U; });
  while (at < half) {
    walk.step();
    // The analyzer is inside, and a context that has failed says why.
    const auto state = walk.ctx().state();
    if (state == MONGOCRYPT_CTX_NEED_MONGO_MARKINGS) std::abort();
    if (!walk.ctx().status().message.empty() && state != MONGOCRYPT_CTX_ERROR) std::abort();
  }
  return 0;
}
