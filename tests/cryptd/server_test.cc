// A server in this process with an analyzer of the test's own, which waits where the test says so.
#include "server/server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"
#include "support/patience.h"

namespace fle::cryptd {
namespace {

using namespace std::chrono_literals;
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

/// A clock that stands still until the test moves it, and knows how often it was looked at.
class StandingClock {
 public:
  void advance(std::chrono::nanoseconds by) {
    const std::lock_guard lock(mutex_);
    time_ += by;
  }
  std::chrono::steady_clock::time_point look() {
    const std::lock_guard lock(mutex_);
    ++n_looks_;
    looked_at_.notify_all();
    return time_;
  }
  /// Waits until somebody has looked at it and done what followed; false if nobody does any more.
  bool await_looks() {
    std::unique_lock lock(mutex_);
    // The first may have been before this call, and what follows the second is done at the third.
    const int enough = n_looks_ + 3;
    return looked_at_.wait_for(lock, test::kPatience, [&] { return n_looks_ >= enough; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable looked_at_;
  std::chrono::steady_clock::time_point time_ = std::chrono::steady_clock::now();
  int n_looks_ = 0;
};

Options quiet_options() {
  Options o;
  o.port = 0;
  o.unix_socket = false;
  o.quiet = true;
  o.idle_shutdown = std::chrono::milliseconds(0);
  o.drain_time = test::kPatience;
  o.linger_time = test::kPatience;
  return o;
}

/// Answers {echo: command}; "find" waits at the gate first, "aggregate" until its client has gone.
struct Running {
  explicit Running(const Options& options = quiet_options(),
                   std::shared_ptr<Metrics> metrics = nullptr)
      : server(
            options,
            Responder([this](Bytes c, std::string_view,
                             const std::atomic<bool>& abandoned) { return analyze(c, abandoned); },
                      {}),
            log, std::move(metrics)) {
    if (const Done opened = log.open(folder.file("log")); !opened) throw std::runtime_error("log");
    if (const Done listening = server.listen(); !listening)
      throw std::runtime_error(listening.error().message);
    thread = std::thread([this] {
      finished = server.run();
      ended = true;
    });
  }
  ~Running() {
    gate.open();
    server.stop();
    join();
  }
  void join() {
    if (thread.joinable()) thread.join();
  }

  Buf analyze(Bytes command, const std::atomic<bool>& abandoned) {
    const bson_t b = test::bson_view(command);
    if (bson_has_field(&b, "find")) gate.wait();
    if (bson_has_field(&b, "aggregate")) {
      began.count_down();
      abandoned.wait(false);
      ended_early.count_down();
    }
    test::BsonDocument reply;
    BSON_APPEND_DOCUMENT(reply.get(), "echo", &b);
    BSON_APPEND_DOUBLE(reply.get(), "ok", 1.0);
    return reply.bytes();
  }

  test::Folder folder;
  Log log;
  Gate gate;
  std::latch began{1};        // an "aggregate"
  std::latch ended_early{1};  // the same
  Server server;
  std::atomic<bool> finished{false};
  std::atomic<bool> ended{false};
  std::thread thread;
};

Buf find_n(int n) {
  return bson_of(R"({"find": "c", "n": )" + std::to_string(n) + R"(, "$db": "d"})");
}
constexpr std::string_view kCount = R"({"count": "c", "$db": "d"})";
constexpr std::string_view kFind = R"({"find": "c", "$db": "d"})";
constexpr std::string_view kHello = R"({"hello": 1, "$db": "admin"})";

TEST(CryptdServer, EndsTheAnalysisOfAClientThatHasGone) {
  for (const bool unix_socket : {false, true}) {
    SCOPED_TRACE(unix_socket);
    const test::Folder sockets;
    Options options = quiet_options();
    options.unix_socket = unix_socket;
    options.unix_socket_folder = sockets.path();
    Running d(options);
    std::optional<Client> client;
    if (unix_socket) {
      client.emplace(sockets.file("mongocryptd.sock"));
    } else {
      client.emplace(d.server.port());
    }
    client->send(op_msg(R"({"aggregate": "c", "$db": "d"})"));
    d.began.wait();
    client.reset();
    d.ended_early.wait();  // forever, if nobody looks
    EXPECT_TRUE(Client(d.server.port()).ask(kCount).code() == 0);
  }
}

TEST(CryptdServer, LeavesAThreadToOthersWhateverOneClientAsks) {
  const test::Folder sockets;
  Options options = quiet_options();
  options.unix_socket = true;
  options.unix_socket_folder = sockets.path();
  Running d(options);
  std::vector<Client> greedy;
  for (int i = 0; i < 40; ++i) greedy.emplace_back(d.server.port()).send(op_msg(kFind));
  d.gate.await_waiting(2);
  EXPECT_TRUE(Client(sockets.file("mongocryptd.sock")).ask(kCount).code() == 0);
  d.gate.open();
  for (Client& c : greedy) EXPECT_TRUE(c.read()->code() == 0);
}

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
  Options o = quiet_options();
  o.drain_time = 10ms;
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
  half.server.stop();
  half.join();
  EXPECT_TRUE(half.finished);
}

TEST(CryptdServer, HandshakesAreAnsweredWhileAllThreadsAnalyze) {
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

TEST(CryptdServer, TheErrorArrivesThoughTheClientIsStillSending) {
  Running r;
  Client c(r.server.port());
  Buf m = op_msg(kHello);
  for (std::size_t i = 0; i < 4; ++i) m[i] = static_cast<std::uint8_t>(100'000'000U >> (8 * i));
  m.resize(8 << 20);
  EXPECT_EQ(c.ask(m).code(), 17);
  EXPECT_TRUE(c.closed());
}

/// A server whose time goes on when the test says so.
struct OnAStandingClock : testing::Test {
  Options options() {
    Options o = quiet_options();
    o.now = [this] { return clock.look(); };
    return o;
  }
  StandingClock clock;
};

struct CryptdSlowClients : OnAStandingClock {
  Options options() {
    Options o = OnAStandingClock::options();
    o.quiet = false;
    o.stall_time = 10ms;
    return o;
  }
};

TEST_F(CryptdSlowClients, HalfAMessageIsDroppedWhenNothingMoves) {
  Running r(options());
  Client c(r.server.port());
  const Buf m = op_msg(kCount);
  for (const std::size_t n : {std::size_t{1}, std::size_t{16}, m.size() - 1}) {
    c.send(Bytes(m).first(n));
    EXPECT_TRUE(clock.await_looks());
    clock.advance(9ms);
    EXPECT_TRUE(clock.await_looks());
    c.send(Bytes(m).subspan(n));
    EXPECT_TRUE(c.read().has_value()) << n;
  }
  c.send(Bytes(m).first(5));
  EXPECT_TRUE(clock.await_looks());
  clock.advance(10ms);
  EXPECT_TRUE(c.closed());
  EXPECT_TRUE(Client(r.server.port()).ask(kCount).has("echo"));
}

TEST_F(CryptdSlowClients, HalfAScrapeIsDroppedLikeHalfAMessage) {
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const Buf bytes(request.begin(), request.end());
  Running r(options(), std::make_shared<Metrics>());
  {
    Client c(r.server.port());
    c.send(Bytes(bytes).first(20));
    EXPECT_TRUE(clock.await_looks());
    clock.advance(9ms);
    EXPECT_TRUE(clock.await_looks());
    c.send(Bytes(bytes).subspan(20));
    EXPECT_TRUE(c.read_all().starts_with("HTTP/1.0 200 "));
  }
  Client c(r.server.port());
  c.send(Bytes(bytes).first(20));
  EXPECT_TRUE(clock.await_looks());
  clock.advance(10ms);
  EXPECT_EQ(c.read_all(), "");
}

TEST_F(CryptdSlowClients, OneThatOwesNothingMayTakeItsTime) {
  Running r(options());
  Client silent(r.server.port());
  Client idle(r.server.port());
  Client half(r.server.port());
  ASSERT_EQ(idle.ask(kHello).code(), 0);
  half.send(Bytes(op_msg(kCount)).first(5));
  EXPECT_TRUE(clock.await_looks());
  clock.advance(1h);
  EXPECT_TRUE(half.closed());
  EXPECT_EQ(idle.ask(kHello).code(), 0);
  EXPECT_EQ(silent.ask(kHello).code(), 0);
}

TEST_F(CryptdSlowClients, OneThatDoesNotTakeItsAnswerIsDropped) {
  Running r(options());
  const Buf large =
      op_msg(R"({"find": "c", "filler": ")" + std::string(24 << 20, 'x') + R"(", "$db": "d"})");
  Client c(r.server.port());
  c.send(large);
  r.gate.await_waiting(1);  // all of it has been read
  r.gate.open();
  // Time that passes before the answer is under way does not count: so it passes until it does.
  EXPECT_TRUE(test::eventually([this, &r] {
    clock.advance(10ms);
    return r.folder.read("log").find("\"Connection ended\"") != std::string::npos;
  }));
}

TEST_F(CryptdSlowClients, DescriptorsAreForThoseWhoFinish) {
  Options o = quiet_options();
  o.max_connections = 3;
  Running r(o);
  Client done(r.server.port());
  const auto settled = [&done] {  // what was sent before has been read by then
    return done.ask(kHello).code() == 0 && done.ask(kHello).code() == 0;
  };
  ASSERT_TRUE(settled());
  Client first(r.server.port());
  first.send(Bytes(op_msg(kCount)).first(5));
  ASSERT_TRUE(settled());
  Client second(r.server.port());
  second.send(Bytes(op_msg(kCount)).first(5));
  ASSERT_TRUE(settled());
  Client third(r.server.port());
  EXPECT_TRUE(third.ask(kCount).has("echo"));
  EXPECT_TRUE(first.closed());
  second.send(Bytes(op_msg(kCount)).subspan(5));
  EXPECT_TRUE(second.read().has_value());
  // Nobody owes anything: a fourth waits until one goes.
  Client fourth(r.server.port());
  fourth.send(op_msg(kCount));
  EXPECT_TRUE(test::eventually([&r] {
    return r.folder.read("log").find("Cannot accept connections for now") != std::string::npos;
  }));
  EXPECT_TRUE(settled());
  { const Client gone = std::move(second); }
  EXPECT_TRUE(fourth.read().has_value());
}

struct CryptdIdleness : OnAStandingClock {
  Options options() {
    Options o = OnAStandingClock::options();
    o.idle_shutdown = 10ms;
    return o;
  }
};

TEST_F(CryptdIdleness, EndsTheServerWhenNoCommandHasComeForThatLong) {
  Running r(options());
  ASSERT_TRUE(clock.await_looks());  // it runs
  clock.advance(9ms);
  EXPECT_TRUE(clock.await_looks());
  Client busy(r.server.port());
  busy.send(op_msg(kFind));
  r.gate.await_waiting(1);
  clock.advance(1h);  // the command takes longer than that
  EXPECT_TRUE(clock.await_looks());
  r.gate.open();
  EXPECT_TRUE(busy.read().has_value());
  clock.advance(9ms);
  EXPECT_TRUE(clock.await_looks()) << "counts from the end of the command";
  EXPECT_FALSE(r.ended);
  clock.advance(1ms);
  r.join();
  EXPECT_TRUE(r.finished);
  EXPECT_NE(r.folder.read("log").find(R"("reason":"idle")"), std::string::npos);
}

TEST_F(CryptdIdleness, IsNotEndedByConnectionsWithoutCommands) {
  Options o = options();
  o.quiet = false;
  o.drain_time = 1ms;  // for the messages that do not end
  Running r(o);
  ASSERT_TRUE(clock.await_looks());  // it runs
  std::vector<Client> clients;
  for (int i = 1; i < 10; ++i) {
    clock.advance(1ms);
    clients.emplace_back(r.server.port()).send(Buf{1, 2, 3});
    const std::string all = "\"connectionCount\":" + std::to_string(i) + "}";
    ASSERT_TRUE(
        test::eventually([&] { return r.folder.read("log").find(all) != std::string::npos; }));
  }
  EXPECT_TRUE(clock.await_looks());
  EXPECT_FALSE(r.ended);
  clock.advance(1ms);
  EXPECT_TRUE(test::eventually([&r] { return r.ended.load(); }));
}

TEST_F(CryptdIdleness, OfAnyLengthIsAllowedByZero) {
  Options o = options();
  o.idle_shutdown = 0ms;
  Running r(o);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Client(r.server.port()).ask(kHello).code(), 0);
    clock.advance(10'000h);
  }
  const char* const seconds[] = {"0", "7"};
  for (const char* s : seconds) {
    const std::string joined = std::string("--idleShutdownTimeoutSecs=") + s;
    const char* const one[] = {"fle-cryptd", joined.c_str()};
    const char* const two[] = {"fle-cryptd", "--idleShutdownTimeoutSecs", s};
    for (const auto& parsed : {parse_options(2, one), parse_options(3, two)}) {
      ASSERT_TRUE(std::holds_alternative<Options>(parsed));
      EXPECT_EQ(std::get<Options>(parsed).idle_shutdown, std::chrono::seconds(std::stoi(s)));
    }
  }
}

}  // namespace
}  // namespace fle::cryptd
