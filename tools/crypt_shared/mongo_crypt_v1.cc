// mongo_crypt_v1.so: the C interface of crypt_shared around query::Analyzer.
#include "mongo_crypt_v1.h"

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <string.h>

#include "fle/query/analysis.h"
#include "fle/query/analyzer.h"
#include "fle/version.h"

namespace {

// Memory that is no handle, or was one, hardly ever has these words in it. Not a defense: it turns
// a caller's mistake into an error instead of a crash, most of the time.
constexpr std::uint64_t kStatusMagic = 0x73746174'75735631;
constexpr std::uint64_t kAnalyzerMagic = 0x616e616c'797a6572;
constexpr std::uint64_t kResultMagic = 0x72657375'6c742042;

/// The interface that this is compatible with: csfleEncryptionSchemas came with 8.1.
constexpr std::uint64_t kVersion = 0x0008'0001'0000'0000;
constexpr char kVersionText[] = "mongo_crypt_v1-libfle-" FLE_VERSION_STRING "-compatible-8.1.0";

/// How a call ended.
struct Ending {
  int error = MONGO_CRYPT_V1_SUCCESS;
  int code = 0;
  const char* fixed = "";  // text that cannot fail
  std::string text{};      // or text that was made; wins
};

Ending broken_rule(const char* text) { return {MONGO_CRYPT_V1_ERROR_UNKNOWN, 0, text}; }
Ending no_memory() { return {MONGO_CRYPT_V1_ERROR_ENOMEM, 0, "out of memory"}; }

}  // namespace

struct mongo_crypt_v1_status {
  std::uint64_t magic = kStatusMagic;
  Ending last{};
};

struct mongo_crypt_v1_lib {
  explicit mongo_crypt_v1_lib(const fle::query::Analyzer::Options& options) : analyzer(options) {}
  std::atomic<std::uint64_t> n_analyzers{0};
  fle::query::Analyzer analyzer;
};

struct mongo_crypt_v1_query_analyzer {
  explicit mongo_crypt_v1_query_analyzer(mongo_crypt_v1_lib& l) noexcept : lib(l) {}
  std::uint64_t magic = kAnalyzerMagic;
  std::atomic<bool> busy{false};
  mongo_crypt_v1_lib& lib;
};

namespace {

/// The one lib of this process. Handles are compared with it, so a wrong one is never followed.
std::atomic<mongo_crypt_v1_lib*> the_lib{nullptr};

template <class Handle>
bool is_valid(const Handle* handle, std::uint64_t magic) noexcept {
  return handle != nullptr && handle->magic == magic;
}

/// The last thing an object does before its memory is freed, so not one that a compiler may skip.
void end_magic(std::uint64_t& magic) noexcept { ::explicit_bzero(&magic, sizeof magic); }

/// Runs `call`, which returns an Ending, and notes it. Nothing is thrown past this.
template <class Call>
int guarded(mongo_crypt_v1_status* status, Call&& call) noexcept {
  Ending ending;
  try {
    ending = call();
  } catch (const std::bad_alloc&) {
    ending = no_memory();
  } catch (...) {
    ending = broken_rule("an unexpected exception: a fault in libfle");
  }
  const int error = ending.error;
  if (is_valid(status, kStatusMagic)) status->last = std::move(ending);
  return error;
}

Ending check_lib(const mongo_crypt_v1_lib* lib) {
  const mongo_crypt_v1_lib* current = the_lib.load(std::memory_order_acquire);
  if (current == nullptr)
    return {MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED, 0, "the library is not initialized"};
  if (lib != current)
    return {MONGO_CRYPT_V1_ERROR_INVALID_LIB_HANDLE, 0, "not the library's current handle"};
  return {};
}

/// The budget that the environment names: nothing else that a driver hands over has a place for it.
/// @return  false: what stands there is no number
bool read_budget(fle::Budget& budget) noexcept {
  const char* const text = ::secure_getenv("FLE_WORK_BUDGET");
  if (text == nullptr || *text == '\0') return true;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, budget.floor);
  return error == std::errc() && stop == end;
}

/// A result with its size in front, so that bson_free can wipe it.
struct alignas(std::max_align_t) ResultHeader {
  std::uint64_t magic;
  std::uint64_t size;
};

/// Moves `bytes` to memory of its own; `bytes` is wiped.
std::uint8_t* to_result(std::vector<std::uint8_t>& bytes) {
  auto* block =
      static_cast<std::uint8_t*>(::operator new(sizeof(ResultHeader) + bytes.size(), std::nothrow));
  if (block != nullptr) {
    const ResultHeader header{kResultMagic, bytes.size()};
    std::memcpy(block, &header, sizeof header);
    std::memcpy(block + sizeof header, bytes.data(), bytes.size());
    block += sizeof header;
  }
  ::explicit_bzero(bytes.data(), bytes.size());
  return block;
}

/// What the document's own length says, as far as it may be believed.
fle::Outcome<fle::Bytes> document_at(const std::uint8_t* p) {
  std::uint32_t size = 0;
  for (unsigned i = 0; i < 4; ++i) size |= std::uint32_t{p[i]} << (8 * i);
  if (size < 5 || size > fle::query::kCommandLimits.max_bytes)
    return fle::Failure(fle::Errc::malformed_bson, "the length of the document is out of range");
  return fle::Bytes(p, size);
}

Ending refused(const fle::Failure& failure) {
  if (failure.code == fle::Errc::no_memory) return no_memory();
  return {MONGO_CRYPT_V1_ERROR_EXCEPTION, fle::query::mongo_code(failure), "",
          fle::query::error_text(failure)};
}

struct Query {
  const std::uint8_t* document;
  const char* ns;
  std::uint32_t ns_len;
};

Ending analyze(const mongo_crypt_v1_query_analyzer& analyzer, const Query& q, std::uint8_t*& result,
               std::uint32_t& result_size) {
  const auto document = document_at(q.document);
  if (!document) return refused(document.error());
  const std::string_view ns(q.ns, q.ns_len);
  auto reply = analyzer.lib.analyzer.analyze(*document, ns.substr(0, ns.find('.')));
  if (!reply) return refused(reply.error());
  result = to_result(*reply);
  if (result == nullptr) return no_memory();
  result_size = static_cast<std::uint32_t>(reply->size());
  return {};
}

/// Marks an analyzer as in use while a call runs.
class Use {
 public:
  explicit Use(std::atomic<bool>& busy) noexcept
      : busy_(busy), mine_(!busy.exchange(true, std::memory_order_acquire)) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    if (mine_) busy_.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool mine() const noexcept { return mine_; }

 private:
  std::atomic<bool>& busy_;
  const bool mine_;
};

}  // namespace

extern "C" {

uint64_t mongo_crypt_v1_get_version(void) { return kVersion; }
const char* mongo_crypt_v1_get_version_str(void) { return kVersionText; }

mongo_crypt_v1_status* mongo_crypt_v1_status_create(void) {
  return new (std::nothrow) mongo_crypt_v1_status;
}

void mongo_crypt_v1_status_destroy(mongo_crypt_v1_status* status) {
  if (!is_valid(status, kStatusMagic)) return;
  end_magic(status->magic);
  delete status;
}

int mongo_crypt_v1_status_get_error(const mongo_crypt_v1_status* status) {
  if (!is_valid(status, kStatusMagic)) return MONGO_CRYPT_V1_ERROR_IN_REPORTING_ERROR;
  return status->last.error;
}

const char* mongo_crypt_v1_status_get_explanation(const mongo_crypt_v1_status* status) {
  if (!is_valid(status, kStatusMagic)) return "not a status handle";
  const Ending& last = status->last;
  return last.text.empty() ? last.fixed : last.text.c_str();
}

int mongo_crypt_v1_status_get_code(const mongo_crypt_v1_status* status) {
  return is_valid(status, kStatusMagic) ? status->last.code : 0;
}

mongo_crypt_v1_lib* mongo_crypt_v1_lib_create(mongo_crypt_v1_status* status) {
  mongo_crypt_v1_lib* created = nullptr;
  guarded(status, [&]() -> Ending {
    fle::query::Analyzer::Options options;
    if (!read_budget(options.budget))
      return broken_rule("FLE_WORK_BUDGET in the environment is not a number of steps");
    auto lib = std::make_unique<mongo_crypt_v1_lib>(options);
    mongo_crypt_v1_lib* none = nullptr;
    if (!the_lib.compare_exchange_strong(none, lib.get(), std::memory_order_acq_rel)) {
      return {MONGO_CRYPT_V1_ERROR_LIBRARY_ALREADY_INITIALIZED, 0,
              "the library is initialized already: one handle serves a process"};
    }
    created = lib.release();
    return {};
  });
  return created;
}

int mongo_crypt_v1_lib_destroy(mongo_crypt_v1_lib* lib, mongo_crypt_v1_status* status) {
  return guarded(status, [&]() -> Ending {
    if (Ending wrong = check_lib(lib); wrong.error != MONGO_CRYPT_V1_SUCCESS) return wrong;
    if (lib->n_analyzers.load(std::memory_order_acquire) != 0)
      return broken_rule("query analyzers are left: destroy them first");
    // Of two threads that destroy the same handle, one wins.
    mongo_crypt_v1_lib* expected = lib;
    if (!the_lib.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel))
      return check_lib(lib);
    delete lib;
    return {};
  });
}

mongo_crypt_v1_query_analyzer* mongo_crypt_v1_query_analyzer_create(mongo_crypt_v1_lib* lib,
                                                                    mongo_crypt_v1_status* status) {
  mongo_crypt_v1_query_analyzer* created = nullptr;
  guarded(status, [&]() -> Ending {
    if (Ending wrong = check_lib(lib); wrong.error != MONGO_CRYPT_V1_SUCCESS) return wrong;
    created = new mongo_crypt_v1_query_analyzer(*lib);
    lib->n_analyzers.fetch_add(1, std::memory_order_acq_rel);
    return {};
  });
  return created;
}

void mongo_crypt_v1_query_analyzer_destroy(mongo_crypt_v1_query_analyzer* analyzer) {
  if (!is_valid(analyzer, kAnalyzerMagic)) return;
  end_magic(analyzer->magic);
  mongo_crypt_v1_lib& lib = analyzer->lib;
  delete analyzer;
  lib.n_analyzers.fetch_sub(1, std::memory_order_acq_rel);
}

uint8_t* mongo_crypt_v1_analyze_query(mongo_crypt_v1_query_analyzer* analyzer,
                                      const uint8_t* document, const char* ns_str, uint32_t ns_len,
                                      uint32_t* bson_len, mongo_crypt_v1_status* status) {
  std::uint8_t* result = nullptr;
  if (bson_len != nullptr) *bson_len = 0;
  guarded(status, [&]() -> Ending {
    if (!is_valid(analyzer, kAnalyzerMagic)) return broken_rule("not a query analyzer");
    if (document == nullptr || bson_len == nullptr || (ns_str == nullptr && ns_len != 0))
      return broken_rule("document, ns_str and bson_len must not be NULL");
    const Use use(analyzer->busy);
    if (!use.mine()) {
      return {MONGO_CRYPT_V1_ERROR_REENTRANCY_NOT_ALLOWED, 0,
              "two calls use one query analyzer at the same time"};
    }
    return analyze(*analyzer, {document, ns_str, ns_len}, result, *bson_len);
  });
  return result;
}

void mongo_crypt_v1_bson_free(uint8_t* bson) {
  if (bson == nullptr) return;
  ResultHeader header{};
  std::uint8_t* block = bson - sizeof header;
  std::memcpy(&header, block, sizeof header);
  if (header.magic != kResultMagic) return;  // of somebody else's memory, nothing is to be freed
  ::explicit_bzero(block, sizeof header + header.size);
  ::operator delete(block);
}

}  // extern "C"
