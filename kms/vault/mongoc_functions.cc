#include "mongoc_functions.h"

#include <mutex>

#include "fle/try.h"

namespace fle::kms::mongo {
namespace {

constinit LateFunctions<MongocFunctions> mongoc_library(FLE_MONGOC_SONAME);

}  // namespace

Result<const MongocFunctions*, std::string> load_mongoc() {
  FLE_TRY(const MongocFunctions* const functions, mongoc_library.load());
  static std::once_flag once;
  // Never undone: libmongoc cannot be initialized twice, and an embedder may use it, too.
  std::call_once(once, functions->init);
  return functions;
}

const MongocFunctions& mongoc() noexcept { return *mongoc_library; }

}  // namespace fle::kms::mongo
