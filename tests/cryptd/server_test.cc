// A server in this process with an analyser of the test's own, which waits where the test says so.
#include "server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"

namespace fle::cryptd {
namespace {

using test::bson_of;
using test::Buf;
using test::Client;
using test::json_of;
using test::op_msg;

/// Where an analysis waits until the test lets it go on.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_waiting(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, n] { return waiting_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

Options quiet_options() {
  Options o;
  o.port = 0;
  o.unix_socket = false;
  o.quiet = true;
  return o;
}

/// Answers {echo: command}; "find" waits at the gate first.
struct Running {
  explicit Running(const Options& options = quiet_options())
      : server(options, Responder([this](Bytes c, std::string_view) { return analyze(c); }, {}),
               log) {
    if (const Done opened = log.open(folder.file("log")); !opened) throw std::runtime_error("log");
    if (const Done listening = server.listen(); !listening)
      throw std::runtime_error(listening.error().message);
    thread = std::thread([this] { finished = server.run(); });
  }
  ~Running() {
    gate.open();
    server.stop();
    join();
  }
  void join() {
    if (thread.joinable()) thread.join();
  }

  Buf analyze(Bytes command) {
    const bson_t b = test::bson_view(command);
    if (bson_has_field(&b, "find")) gate.wait();
    test::BsonDocument reply;
    BSON_APPEND_DOCUMENT(reply.get(), "echo", &b);
    BSON_APPEND_DOUBLE(reply.get(), "ok", 1.0);
    return reply.bytes();
  }

  test::Folder folder;
  Log log;
  Gate gate;
  Server server;
  std::atomic<bool> finished{false};
  std::thread thread;
};

Buf find_n(int n) {
  return bson_of(R"({"find": "c", "n": )" + std::to_string(n) + R"(, "$db": "d"})");
}
constexpr std::string_view kCount = R"({"count": "c", "$db": "d"})";
constexpr std::string_view kFind = R"({"find": "c", "$db": "d"})";
constexpr std::string_view kHello = R"({"hello": 1, "$db": "admin"})";

TEST(CryptdServer, FinishesWhatIsInFlightOnceItIsToldToStop) {
  Running r;
  Client busy(r.server.port());
  Client idle(r.server.port());
  ASSERT_EQ(idle.ask(kHello).code(), 0);
  busy.send(op_msg(kFind));
  r.gate.await_waiting(1);
  r.server.stop();
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(Client late(r.server.port()), std::system_error);
  r.gate.open();
  const auto reply = busy.read();
  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->has("echo"));
  EXPECT_TRUE(busy.closed());
  r.join();
  EXPECT_TRUE(r.finished);
}

TEST(CryptdServer, AMessageThatHasBegunToArriveIsStillAnsweredAfterStop) {
  Running r;
  Client c(r.server.port());
  ASSERT_EQ(c.ask(kHello).code(), 0);
  const Buf m = op_msg(kCount);
  c.send(Bytes(m).first(5));
  ASSERT_EQ(Client(r.server.port()).ask(kHello).code(), 0);
  r.server.stop();
  // The listening socket closes in the same step as idle connections.
  ASSERT_TRUE(test::eventually([&r] {
    try {
      Client again(r.server.port());
      return false;
    } catch (const std::system_error&) {
      return true;
    }
  }));
  c.send(Bytes(m).subspan(5));
  const auto reply = c.read();
  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->has("echo"));
  EXPECT_TRUE(c.closed());
}

TEST(CryptdServer, WaitsForWhatIsInFlightNoLongerThanItMay) {
  using namespace std::chrono_literals;
  Options o = quiet_options();
  o.drain_time = 300ms;
  Running r(o);
  Client busy(r.server.port());
  busy.send(op_msg(kFind));  // an analysis that does not end
  r.gate.await_waiting(1);
  r.server.stop();
  r.join();
  EXPECT_FALSE(r.finished);

  Running half(o);
  Client c(half.server.port());
  c.send(Bytes(op_msg(kCount)).first(5));  // a message that does not end
  ASSERT_EQ(Client(half.server.port()).ask(kHello).code(), 0);
  const auto start = std::chrono::steady_clock::now();
  half.server.stop();
  half.join();
  EXPECT_TRUE(half.finished);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 290ms);
}

TEST(CryptdServer, HandshakesAreAnsweredWhileAllThreadsAnalyse) {
  Running r;
  std::vector<Client> busy;
  for (int i = 0; i < 20; ++i) busy.emplace_back(r.server.port()).send(op_msg(kFind));
  r.gate.await_waiting(2);
  Client c(r.server.port());
  EXPECT_EQ(c.ask(kHello).code(), 0);
  EXPECT_EQ(c.ask(R"({"ping": 1, "$db": "admin"})").code(), 0);
  r.gate.open();
  for (Client& b : busy) EXPECT_TRUE(b.read().has_value());
}

TEST(CryptdServer, ShortCommandsDoNotWaitForLargeOnes) {
  Running r;
  const Buf large =
      op_msg(R"({"find": "c", "filler": ")" + std::string(2 << 20, 'x') + R"(", "$db": "d"})");
  std::vector<Client> busy;
  for (int i = 0; i < 20; ++i) busy.emplace_back(r.server.port()).send(large);
  r.gate.await_waiting(1);
  Client c(r.server.port());
  EXPECT_TRUE(c.ask(kCount).has("echo"));
  r.gate.open();
  for (Client& b : busy) EXPECT_TRUE(b.read().has_value());
}

TEST(CryptdServer, AClientThatLeavesDuringItsAnalysisHarmsNobody) {
  Running r;
  {
    Client leaving(r.server.port());
    leaving.send(op_msg(kFind));
    r.gate.await_waiting(1);
  }
  Client c(r.server.port());
  EXPECT_EQ(c.ask(kHello).code(), 0);
  r.gate.open();
  EXPECT_TRUE(c.ask(kCount).has("echo"));
}

TEST(CryptdServer, ManyThreadsGetTheirOwnAnswersInTheirOwnOrder) {
  Running r;
  r.gate.open();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&r, &right, t] {
      EXPECT_TRUE(test::succeeds([&r, &right, t] {
        Client c(r.server.port());
        Buf all;
        for (int i = 0; i < 50; ++i) {
          const int n = t * 1000 + i;
          test::put(all, op_msg(std::vector<Buf>{test::body(find_n(n))}, 0,
                                static_cast<std::uint32_t>(n)));
        }
        c.send(all);  // pipelined
        for (int i = 0; i < 50; ++i) {
          const int n = t * 1000 + i;
          const auto reply = c.read();
          if (reply && reply->response_to == static_cast<std::uint32_t>(n) &&
              json_of(reply->document).find(json_of(find_n(n))) != std::string::npos)
            ++right;
        }
      }));
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right, 8 * 50);
}

TEST(CryptdServer, EndsWhenNoCommandHasComeForThatLong) {
  using namespace std::chrono_literals;
  Options o = quiet_options();
  o.idle_shutdown = 1s;
  Running r(o);
  const auto start = std::chrono::steady_clock::now();
  Client busy(r.server.port());
  busy.send(op_msg(kFind));  // takes longer than that
  r.gate.await_waiting(1);
  std::this_thread::sleep_for(1300ms);
  r.gate.open();
  EXPECT_TRUE(busy.read().has_value());
  const auto answered = std::chrono::steady_clock::now();
  r.join();
  EXPECT_TRUE(r.finished);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 2200ms);
  EXPECT_GE(std::chrono::steady_clock::now() - answered, 900ms);
}

TEST(CryptdServer, ConnectionsWithoutCommandsDoNotKeepItUp) {
  using namespace std::chrono_literals;
  Options o = quiet_options();
  o.idle_shutdown = 1s;
  Running r(o);
  // Every 50 ms somebody connects, for far longer than a second, and begins a message.
  bool ended = false;
  try {
    for (int i = 0; i < 200; ++i) {
      Client c(r.server.port());
      c.send(Buf{1, 2, 3});
      std::this_thread::sleep_for(50ms);
    }
  } catch (const std::system_error&) {
    ended = true;
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace fle::cryptd
