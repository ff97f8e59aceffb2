#include "server/fair_queue.h"

#include <gtest/gtest.h>

namespace fle::cryptd {
namespace {

/// Which jobs start now, by the client's name and a number.
std::string started(FairQueue& queue) {
  std::string text;
  while (const auto job = queue.next()) {
    job->run();
    text += job->client + " ";
  }
  return text;
}

void add(FairQueue& queue, const std::string& client, int n = 1) {
  while (n-- > 0) queue.add({client, [] {}});
}

TEST(FairQueue, StartsNoMoreThanThereAreThreads) {
  FairQueue queue(3);
  add(queue, "a");
  add(queue, "b");
  add(queue, "c");
  add(queue, "d");
  EXPECT_EQ(started(queue), "a b c ");
  queue.ended("b");
  EXPECT_EQ(started(queue), "d ");
}

TEST(FairQueue, LeavesOneThreadToOthers) {
  FairQueue queue(4);
  add(queue, "greedy", 100);
  EXPECT_EQ(started(queue), "greedy greedy greedy ");
  add(queue, "modest");
  EXPECT_EQ(started(queue), "modest ");
  queue.ended("modest");
  EXPECT_EQ(started(queue), "") << "it stays free for the next one";
}

TEST(FairQueue, LetsClientsTakeTurns) {
  FairQueue queue(2);
  add(queue, "a", 3);
  add(queue, "b", 3);
  add(queue, "c");
  std::string order = started(queue);
  EXPECT_EQ(order, "a b ");
  for (const char* ended : {"a", "b", "c", "a", "b"}) {
    queue.ended(ended);
    order += started(queue);
  }
  EXPECT_EQ(order, "a b c a b a b ");
}

TEST(FairQueue, RunsTheJobsOfAClientInTheirOrder) {
  FairQueue queue(1);
  std::string order;
  for (const char c : {'1', '2', '3'}) queue.add({"a", [&order, c] { order += c; }});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(started(queue), "a ") << "of one thread a client has that one";
    queue.ended("a");
  }
  EXPECT_EQ(order, "123");
}

TEST(FairQueue, ForgetsClientsThatAreDone) {
  FairQueue queue(2);
  add(queue, "a");
  EXPECT_EQ(started(queue), "a ");
  queue.ended("a");
  add(queue, "a", 2);
  EXPECT_EQ(started(queue), "a ") << "counted anew";
}

}  // namespace
}  // namespace fle::cryptd
