// What the daemon takes from the heap it does without, and leaves no value behind there.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"
#include "fle/query/analyzer.h"
#include "server/server.h"
#include "support/patience.h"
#include "support/sanitizer.h"

namespace {

constexpr long kNever = std::numeric_limits<long>::max();
/// Of the threads of the server: the allocation that fails, counted down.
std::atomic<long> fail_after{kNever};
std::atomic<bool> all_after_it_fail{false};
/// A value that no block may hold when they give it back, and how many did.
std::atomic<const std::string*> secret{nullptr};
std::atomic<int> left_behind{0};
/// The thread of the test is the client: its memory is its own business.
thread_local bool is_client = false;

bool fails() {
  if (is_client || fail_after == kNever) return false;
  const long left = fail_after.fetch_sub(1);
  return left == 0 || (left < 0 && all_after_it_fail);
}

void* take(std::size_t n) {
  if (fails()) return nullptr;
  void* p = std::malloc(n);
  // Of the heap's earlier users nothing is left that could be taken for the daemon's.
  if (p != nullptr && !is_client) std::memset(p, 0, n);
  return p;
}

void give_back(void* p) {
  const std::string* const s = secret;
  if (!fle::test::kSanitized && p != nullptr && s != nullptr && !is_client &&
      ::memmem(p, ::malloc_usable_size(p), s->data(), s->size()) != nullptr) {
    ++left_behind;
  }
  std::free(p);
}

}  // namespace

void* operator new(std::size_t n) {
  void* p = take(n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return take(n); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { give_back(p); }

namespace fle::cryptd {
namespace {

using test::bson_of;
using test::Buf;
using test::Client;
using test::op_msg;

constexpr std::string_view kHello = R"({"hello": 1, "$db": "admin"})";
const std::string kSecret = "a value that is encrypted, 4711";
const std::string kSchema =
    R"("jsonSchema": {"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "string",
       "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random",
       "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}},
       "isRemoteSchema": false, "$db": "clinic")";

std::string patient() { return R"({"_id": 1, "ssn": ")" + kSecret + R"("})"; }
Buf insert_in_body() {
  return op_msg(R"({"insert": "patients", "documents": [)" + patient() + "], " + kSchema + "}");
}
Buf insert_in_sequence() {
  return op_msg({test::body(R"({"insert": "patients", )" + kSchema + "}"),
                 test::sequence("documents", {patient()})},
                test::kChecksum);
}
Buf large_insert() {
  std::string documents = patient();
  while (documents.size() < (3 << 19)) documents += ", " + patient();
  return op_msg(R"({"insert": "patients", "documents": [)" + documents + "], " + kSchema + "}");
}
Buf malformed() {
  Buf m = insert_in_body();
  m[m.size() - 2] = 0xee;  // in the last field of the command
  return m;
}

/// libbson allocates by malloc, and ends the process where that fails.
void watch_libbson() {
  bson_mem_vtable_t v{};
  v.malloc = take;
  v.calloc = [](std::size_t n, std::size_t size) {
    void* p = take(n * size);
    if (p != nullptr) std::memset(p, 0, n * size);
    return p;
  };
  v.realloc = [](void* p, std::size_t n) { return fails() ? nullptr : std::realloc(p, n); };
  // What bson_t asks for; without this libbson takes it from malloc, whose blocks are aligned less.
  v.aligned_alloc = [](std::size_t alignment, std::size_t n) -> void* {
    return fails() ? nullptr
                   : std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
  };
  v.free = give_back;
  bson_mem_set_vtable(&v);
}

class CryptdMemory : public testing::Test {
 protected:
  static void SetUpTestSuite() { watch_libbson(); }
  static void TearDownTestSuite() { bson_mem_restore_vtable(); }

  CryptdMemory() {
    is_client = true;
    if (const Done opened = log_.open("/dev/null"); !opened) throw std::runtime_error("log");
    Options o;
    o.port = 0;
    o.unix_socket = false;
    o.idle_shutdown = std::chrono::milliseconds(0);
    o.verbosity = 1;
    auto analyzer = std::make_shared<query::Analyzer>();
    server_ = std::make_unique<Server>(
        o,
        Responder(
            [analyzer](Bytes command, std::string_view db, const std::atomic<bool>& gone) {
              auto reply = analyzer->analyze(command, db, &gone);
              return reply ? *std::move(reply) : query::error_reply(reply.error());
            },
            {}),
        log_);
    if (const Done listening = server_->listen(); !listening)
      throw std::runtime_error(listening.error().message);
    thread_ = std::thread([this] { static_cast<void>(server_->run()); });
  }
  ~CryptdMemory() override {
    fail_after = kNever;
    end();
    secret = nullptr;
  }
  void end() {
    if (server_) server_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  [[nodiscard]] Client connect() const { return Client(server_->port()); }

  /// The daemon answers, error or not, or ends the connection: a client that waits forever is a
  /// failure, by its patience.
  static void ask_or_lose(Client& c, const Buf& message) {
    static_cast<void>(test::succeeds([&] { static_cast<void>(c.ask(message)); }));
  }

  /// Runs `attempt` with the server's 1st, 2nd, ... allocation failing, until it needs no more;
  /// after each the daemon serves others. Returns how often one failed.
  int with_failing_allocations(const std::function<void()>& attempt) {
    for (int n = 0; n < 10'000; ++n) {
      fail_after = n;
      attempt();
      const bool failed = fail_after.exchange(kNever) < 0;
      Client c = connect();
      EXPECT_EQ(c.ask(kHello).code(), 0) << n;
      EXPECT_EQ(c.ask(insert_in_body()).code(), 0) << n;
      if (testing::Test::HasFailure()) return -1;
      if (!failed) return n;
    }
    ADD_FAILURE() << "never succeeds";
    return -1;
  }

  Log log_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(CryptdMemory, EachAllocationThatFailsEndsOneConnectionAtMost) {
  all_after_it_fail = false;
  for (const Buf& message : {insert_in_body(), insert_in_sequence(), malformed()}) {
    EXPECT_GE(with_failing_allocations([&] {
                static_cast<void>(test::succeeds([&] {
                  Client c = connect();
                  ask_or_lose(c, op_msg(kHello));
                  ask_or_lose(c, message);
                }));
              }),
              5);
  }
}

TEST_F(CryptdMemory, WithoutAnyMemoryTheDaemonGoesOnWhenThereIsSomeAgain) {
  for (const Buf& message : {op_msg(kHello), insert_in_body(), insert_in_sequence()}) {
    all_after_it_fail = false;
    EXPECT_GE(with_failing_allocations([&] {
                const long n = fail_after.exchange(kNever);
                Client c = connect();
                EXPECT_EQ(c.ask(kHello).code(), 0);
                all_after_it_fail = true;
                fail_after = n;
                ask_or_lose(c, message);
              }),
              2);
  }
}

TEST_F(CryptdMemory, NoValueIsLeftInMemoryThatIsFree) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer does not say how large a block is";
  secret = &kSecret;
  const Buf messages[] = {insert_in_body(), insert_in_sequence(), large_insert(), malformed()};
  for (const Buf& message : messages) {
    Client c = connect();
    EXPECT_EQ(c.ask(message).code() == 0, &message != &messages[3]);
  }
  {
    Client leaves = connect();
    leaves.send(Bytes(large_insert()).first(1 << 20));
  }
  EXPECT_EQ(connect().ask(kHello).code(), 0);
  end();
  EXPECT_EQ(left_behind, 0);
}

}  // namespace
}  // namespace fle::cryptd
