// Analyzed commands give right answers. What the leak test (query/leak) does for secrecy this does
// for results: random schemas, documents and commands; each command is run on the documents as they
// are, and as it was analyzed on the documents as they were analyzed, where each placeholder is a
// token that is equal to another when the ciphertexts would be. The second answer, with its values
// given back, must be the first: whatever is accepted means the same as it did.
//
// 1. Node runs both, with npm's mingo (oracle.mjs). Nothing here knows a rule of the analysis.
// 2. Values come from small pools (pools.h), so that comparisons hit, and miss.
// 3. What mingo gets wrong, it gets wrong twice, and alike; where it treats a ciphertext other than
//    the server would, mingo_stages.mjs and values.mjs say so, each with its reason. Not compared
//    is what it does not know: collations (it knows them for $sort alone), and stored regular
//    expressions (pools.h).
// 4. So that the oracle cannot prove everything by comparing nothing, a good part of each kind of
//    command must be accepted, must find something, and must hold and give encrypted values.
// 5. So that it cannot prove everything by finding nothing, faults are planted in what the analysis
//    gave back; a good part of each kind must be found out.
//
// FLE_RESULTS_CASES=N runs N cases, FLE_RESULTS_SEED=N others of them; FLE_RESULTS_CASE=N runs one
// case again and prints it.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "query/leak/generator.h"
#include "query/leak/leak_check.h"
#include "query/results/node_side.h"
#include "query/results/pools.h"
#include "support/bson_values.h"
#include "support/sanitizer.h"

namespace fle::test::results {
namespace {

using leak::Buf;
using leak::Collection;
using leak::Database;
using leak::Generator;
using leak::Rng;
using leak::Type;
using leak::Value;

constexpr std::uint64_t kCasesOfAGroup = 64;
constexpr std::size_t kDocuments = 8;
constexpr int kShards = 4;

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 0));
}
std::uint64_t seed() { return number_from("FLE_RESULTS_SEED").value_or(20'260'202); }
std::uint64_t n_cases() {
  return number_from("FLE_RESULTS_CASES").value_or(kSanitized ? 1'500 : 12'000);
}
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) { return Rng(Rng(a).next() ^ b).next(); }

/// A schema for each collection, and what they hold.
struct World {
  std::unique_ptr<Database> db;
  std::vector<Documents> documents;
};

Buf marked_document(const Database& db, const Collection& c, const Value& document) {
  const Value insert =
      leak::object({{"insert", leak::text(c.name)}, {"documents", leak::array({Value(document)})}});
  const auto marked = db.mark(leak::write(insert));
  if (!marked) return {};
  return leak::write(leak::parse(*marked)->find("documents")->fields.front().value);
}

/// By the schema's tree, not by what the library has made of its text.
Value methods_of(const Collection& c) {
  Value out = leak::object();
  if (!c.has_schema) return out;
  for (const leak::Path& p : c.paths) {
    if (p.kind == leak::Path::Kind::prefix) continue;
    Value& method = out.add(p.dotted, leak::object());
    if (p.kind == leak::Path::Kind::plain) continue;
    method.add("a", leak::number(p.node->deterministic ? 1 : 2));
    if (p.node->key != leak::kPointerKey) method.add("key", leak::key_id(p.node->key));
  }
  return out;
}

Documents make_documents(const Database& db, const Collection& c, Rng& rng) {
  Generator generator(db.collections(), rng);
  Documents out{c.name, methods_of(c), {}};
  std::set<Buf> ids;
  for (std::size_t attempt = 0; attempt < 5 * kDocuments; ++attempt) {
    if (out.documents.size() == kDocuments) break;
    Value d = generator.stored_document(c);
    for (leak::Field& f : d.fields)
      if (f.name == "_id" && !f.value.secret)
        f.value = leak::number(static_cast<std::int32_t>(out.documents.size()));
    give_pool_content(d, rng);
    hold_names_once(d);
    if (c.has_schema) without_untyped_containers(d, c.root);
    const Value* id = d.find("_id");
    const Buf marked = marked_document(db, c, d);
    if (marked.empty() || id == nullptr || !ids.insert(id->bytes).second) continue;
    out.documents.push_back({leak::write(d), marked});
  }
  return out;
}

/// Of a group of cases.
World make_world(std::uint64_t group, const LocalKeys& keys) {
  for (std::uint64_t attempt = 0; attempt < 100; ++attempt) {
    Rng rng(mixed(mixed(seed(), group), attempt));
    std::vector<Collection> collections;
    for (const char* name : {"patients", "visits"}) {
      collections.push_back(leak::random_collection(name, true, rng));
      without_regex(collections.back());
    }
    collections.back().has_schema = rng.chance(80);
    World world{Database::create(std::move(collections), keys), {}};
    if (world.db == nullptr) continue;
    for (const Collection& c : world.db->collections())
      world.documents.push_back(make_documents(*world.db, c, rng));
    return world;
  }
  throw std::runtime_error("no schema compiles");
}

struct Case {
  std::uint64_t number = 0;
  std::string kind;
  Twice command{};  ///< Not accepted: `marked` is empty.
  std::string refusal{};
};

/// Kinds of commands that have an answer, or change documents.
constexpr std::string_view kKinds[] = {
    "find",   "find",          "count",     "distinct",  "update",    "update",    "delete",
    "insert", "findAndModify", "bulkWrite", "aggregate", "aggregate", "aggregate", "aggregate"};

Case make_case(std::uint64_t number, const Database& db) {
  Rng rng(mixed(seed() + 1, number));
  Generator generator(db.collections(), rng,
                      rng.chance(60) ? Generator::Style::bold : Generator::Style::plain);
  Case c{number, std::string(rng.pick(kKinds))};
  Value command = generator.command(c.kind);
  if (rng.chance(90)) make_runnable(command, rng);
  if (rng.chance(25)) mutate(command, db.collections(), rng);
  give_pool_content(command, rng);
  hold_names_once(command);
  c.command.plain = leak::write(command);
  const auto marked = db.mark(c.command.plain);
  if (marked) {
    c.command.marked = *marked;
  } else {
    c.refusal = marked.error().to_string();
  }
  return c;
}

std::string shown(const Buf& document) { return json_of(document); }

std::string report(const World& world, const Case& c, const Judgment& j) {
  std::string s = "FLE_RESULTS_SEED=" + std::to_string(seed()) +
                  " FLE_RESULTS_CASE=" + std::to_string(c.number) + ", " + c.kind;
  for (const Collection& collection : world.db->collections())
    s += "\n  schema of " + collection.name +
         (collection.has_schema ? ": " + collection.json : ": none");
  for (const Documents& d : world.documents)
    for (const Twice& document : d.documents)
      s += "\n  document of " + d.collection + ": " + shown(document.plain);
  s += "\n  command: " + shown(c.command.plain);
  if (c.command.marked.empty()) return s + "\n  refused: " + c.refusal;
  return s + "\n  marked:  " + shown(c.command.marked) + "\n  " + j.text;
}

struct Count {
  std::uint64_t made = 0;
  std::uint64_t accepted = 0;
  std::uint64_t failed = 0;     ///< mingo could run neither.
  std::uint64_t found = 0;      ///< Of those that ran, with something in the answer.
  std::uint64_t encrypted = 0;  ///< With encrypted values in the command or the answer.
};
using Counts = std::map<std::string, Count>;

void print(const Counts& counts) {
  std::cout << "seed " << seed() << "; made: accepted, could not be run, found something, "
            << "held something encrypted\n";
  for (const auto& [kind, n] : counts)
    std::cout << "  " << kind << "  " << n.made << ": " << n.accepted << " " << n.failed << " "
              << n.found << " " << n.encrypted << "\n";
}

/// What a run must have seen, else it has proved nothing: percent of those that were made, and of
/// those that were accepted.
struct Floor {
  std::string_view kind;
  unsigned accepted;
  unsigned found;
  unsigned encrypted;
  unsigned failed_at_most;
};
constexpr Floor kFloors[] = {
    {"find", 45, 40, 50, 8},       {"count", 45, 40, 20, 8},          {"distinct", 40, 30, 20, 8},
    {"update", 35, 40, 80, 40},    {"delete", 40, 40, 80, 15},        {"insert", 65, 65, 85, 30},
    {"bulkWrite", 35, 50, 80, 30}, {"findAndModify", 40, 35, 80, 30}, {"aggregate", 45, 50, 40, 15},
};

void expect_floor(const Floor& floor, const Count& n) {
  EXPECT_GE(n.accepted * 100, n.made * floor.accepted) << floor.kind;
  EXPECT_GE(n.found * 100, n.accepted * floor.found) << floor.kind;
  EXPECT_GE(n.encrypted * 100, n.accepted * floor.encrypted) << floor.kind;
  EXPECT_LE(n.failed * 100, n.accepted * floor.failed_at_most) << floor.kind;
}

class EveryAnswer : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!NodeSide::is_available()) GTEST_SKIP() << "no node, npm, or way to its registry here";
  }
};

TEST_P(EveryAnswer, IsThatOfPlainDocuments) {
  const LocalKeys keys = leak::make_keys();
  NodeSide node;
  Counts counts;
  const std::uint64_t n_groups = (n_cases() + kCasesOfAGroup - 1) / kCasesOfAGroup;
  for (auto g = static_cast<std::uint64_t>(GetParam()); g < n_groups; g += kShards) {
    const World world = make_world(g, keys);
    std::vector<Case> cases;
    std::vector<Twice> commands;
    for (std::uint64_t i = 0; i < kCasesOfAGroup; ++i) {
      Case c = make_case(g * kCasesOfAGroup + i, *world.db);
      Count& n = counts[c.kind];
      ++n.made;
      if (c.command.marked.empty()) continue;
      ++n.accepted;
      commands.push_back(c.command);
      cases.push_back(std::move(c));
    }
    SCOPED_TRACE("cases from " + std::to_string(g * kCasesOfAGroup));
    std::vector<Judgment> all;
    ASSERT_NO_THROW(all = node.judge(world.documents, commands));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Judgment& j = all[i];
      Count& n = counts[cases[i].kind];
      n.failed += j.verdict == Judgment::Verdict::failed;
      n.found += j.n > 0;
      n.encrypted += j.tokens > 0 || leak::count_placeholders(commands[i].marked) > 0;
      EXPECT_NE(j.verdict, Judgment::Verdict::different) << report(world, cases[i], j);
    }
    if (HasFailure()) break;
  }
  print(counts);
  // Of few cases no part can be told.
  if (HasFailure() || n_cases() < 12'000) return;
  for (const Floor& floor : kFloors) expect_floor(floor, counts[std::string(floor.kind)]);
  EXPECT_EQ(counts.size(), std::size(kFloors));
}

// ---- Faults that an analysis could have

using Change = void (*)(Value& placeholder);

void other_algorithm(Value& placeholder) {
  for (leak::Field& f : placeholder.fields)
    if (f.name == "a") f.value = leak::number(f.value.bytes[0] == 1 ? 2 : 1);
}
void other_key(Value& placeholder) {
  for (leak::Field& f : placeholder.fields)
    if (f.name == "ki") f.value.bytes.back() ^= 0xff;
}
/// The same number or text of another type, else another value.
void other_type(Value& placeholder) {
  Value& v = placeholder.fields.back().value;
  if (v.type == Type::int_) {
    v.type = Type::long_;
    v.bytes.resize(8, v.bytes[3] >> 7 != 0 ? 0xff : 0);
  } else if (v.type == Type::string) {
    v.type = Type::symbol;
  } else if (v.type == Type::long_) {
    v.type = Type::timestamp;
  } else {
    v = leak::number(77);
  }
}

/// `marked` with placeholder number `n` changed; empty where nothing is.
Buf with_changed(Bytes marked, std::size_t n, Change change) {
  Value v = leak::parse(marked).value();
  if (!leak::change_placeholder(v, n, change)) return {};
  return leak::write(v);
}

/// Without one of the conditions that hold a placeholder: the first stage, statement or operand
/// that is a filter with one.
bool drop_filter(Value& v) {
  for (leak::Field& f : v.fields) {
    const bool is_filter = f.name == "filter" || f.name == "query" || f.name == "q" ||
                           f.name == "$match" || f.name == "restrictSearchWithMatch";
    if (is_filter && f.value.type == Type::object &&
        leak::count_placeholders(leak::write(f.value)) > 0) {
      f.value = leak::object();
      return true;
    }
    if (drop_filter(f.value)) return true;
  }
  return false;
}

struct Fault {
  std::string_view name;
  Change change;  ///< Null: the value is forgotten, or a filter is dropped.
  bool drops_filter;
  unsigned percent_found;
};
/// A fault shows only where the documents at hand make a difference.
constexpr Fault kFaults[] = {
    {"a value that is not encrypted", nullptr, false, 20},
    {"the other algorithm", other_algorithm, false, 20},
    {"another key", other_key, false, 20},
    {"another type", other_type, false, 20},
    {"a filter that is dropped", nullptr, true, 50},
};

Buf with_fault(const Fault& fault, Bytes marked, Rng& rng) {
  if (fault.drops_filter) {
    Value v = leak::parse(marked).value();
    return drop_filter(v) ? leak::write(v) : Buf{};
  }
  const std::size_t n = leak::count_placeholders(marked);
  if (n == 0) return {};
  const std::size_t which = rng.below(n);
  if (fault.change == nullptr) return leak::with_forgotten(marked, which);
  return with_changed(marked, which, fault.change);
}

/// Of fewer cases no part can be told.
constexpr std::size_t kFewestForAShare = 100;

TEST_P(EveryAnswer, TellsOfFaults) {
  const LocalKeys keys = leak::make_keys();
  NodeSide node;
  std::array<std::size_t, std::size(kFaults)> planted{};
  std::array<std::size_t, std::size(kFaults)> found{};
  const std::uint64_t n_groups = (n_cases() / 4 + kCasesOfAGroup - 1) / kCasesOfAGroup;
  for (auto g = static_cast<std::uint64_t>(GetParam()); g < n_groups; g += kShards) {
    const World world = make_world(g, keys);
    Rng rng(mixed(seed() + 2, g));
    std::vector<Twice> commands;
    std::vector<std::size_t> faults;
    for (std::uint64_t i = 0; i < kCasesOfAGroup; ++i) {
      const Case c = make_case(g * kCasesOfAGroup + i, *world.db);
      if (c.command.marked.empty()) continue;
      for (std::size_t f = 0; f < std::size(kFaults); ++f) {
        Buf faulty = with_fault(kFaults[f], c.command.marked, rng);
        if (faulty.empty() || faulty == c.command.marked) continue;
        commands.push_back({c.command.plain, std::move(faulty)});
        faults.push_back(f);
      }
    }
    const std::vector<Judgment> all = node.judge(world.documents, commands);
    for (std::size_t i = 0; i < all.size(); ++i) {
      ++planted[faults[i]];
      found[faults[i]] += all[i].verdict == Judgment::Verdict::different;
    }
  }
  for (std::size_t f = 0; f < std::size(kFaults); ++f) {
    std::cout << "  " << kFaults[f].name << ": " << found[f] << " of " << planted[f] << "\n";
    EXPECT_GT(planted[f], 0U) << kFaults[f].name;
    if (planted[f] < kFewestForAShare) continue;
    EXPECT_GE(found[f] * 100, planted[f] * kFaults[f].percent_found) << kFaults[f].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, EveryAnswer, testing::Range(0, kShards));

TEST(OneAnswer, IsShown) {
  const auto number = number_from("FLE_RESULTS_CASE");
  if (!number) GTEST_SKIP() << "FLE_RESULTS_CASE names none";
  if (!NodeSide::is_available()) GTEST_SKIP() << "no node, npm, or way to its registry here";
  const World world = make_world(*number / kCasesOfAGroup, leak::make_keys());
  const Case c = make_case(*number, *world.db);
  Judgment j{Judgment::Verdict::same, 0, 0, {}};
  if (!c.command.marked.empty()) j = NodeSide().judge(world.documents, {c.command}, true).front();
  std::cout << report(world, c, j) << "\n";
  EXPECT_NE(j.verdict, Judgment::Verdict::different);
}

}  // namespace
}  // namespace fle::test::results
