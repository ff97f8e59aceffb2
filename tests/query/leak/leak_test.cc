// Nothing leaves in plaintext by mistake. Random schemas, random commands, and commands with faults
// in them: each is refused, or what would be sent holds no value that meets an encrypted field.
//
// How a leak is told from a value that may be seen:
// 1. Every value of a command that means nothing to it gets content of its own, so that bytes found
//    in the output say which value they are (tree.h, is_searchable).
// 2. The oracle (oracle.h) reads the command as the server would and says which values meet an
//    encrypted field. It is given the command as it is after a mutation, so a value that a mutation
//    has moved to a plain field is not claimed any more, and one that was moved to an encrypted
//    field is. Where a mutation leaves it in doubt it claims nothing.
//    What a server would not read, but a person means (a misnamed filter, a field that a stage has
//    dropped, the value of $unset), is claimed as well: it would be sent.
// 3. So that the oracle cannot prove everything by claiming nothing, whatever the generator wrote
//    for an encrypted field of an unmutated command must be claimed; that knowledge comes from the
//    schema that the generator made and from its own books of what stages rename.
// 4. So that the analyzer cannot prove everything by refusing everything, a good part of each kind
//    of command must be accepted, with secrets in it.
// 5. So that the search cannot prove everything by finding nothing, outputs in which one
//    placeholder was forgotten must be found out, and a list of leaks by hand (oracle_test.cc).
//
// FLE_LEAK_CASES=N runs N cases, FLE_LEAK_SEED=N others of them; FLE_LEAK_CASE=N runs one case
// again and prints it.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "query/leak/generator.h"
#include "query/leak/leak_check.h"
#include "support/bson_values.h"
#include "support/sanitizer.h"

namespace fle::test::leak {
namespace {

constexpr std::uint64_t kCasesOfASchema = 32;
constexpr int kShards = 4;

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 0));
}
std::uint64_t seed() { return number_from("FLE_LEAK_SEED").value_or(20'260'101); }
std::uint64_t n_cases() {
  return number_from("FLE_LEAK_CASES").value_or(kSanitized ? 2'000 : 20'000);
}

enum class Change { none, tree, bytes };

struct Case {
  std::uint64_t number = 0;
  std::string kind;
  Change change = Change::none;
  Value command{};
  Buf bytes{};
};

struct Count {
  std::uint64_t made = 0;
  std::uint64_t accepted = 0;
  std::uint64_t secrets = 0;  ///< In those that were accepted.
};

bool have_patterns() {
  static const bool have = [] {
    Collection c{"probe"};
    c.root.kind = SchemaNode::Kind::object;
    c.root.patterns.push_back({{"x", true}, SchemaNode(SchemaNode::Kind::encrypted)});
    c.json = schema_json(c.root, false);
    return Database::create({std::move(c)}, make_keys()) != nullptr;
  }();
  return have;
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) { return Rng(Rng(a).next() ^ b).next(); }

/// The database of a group of cases.
std::unique_ptr<Database> make_database(std::uint64_t group, const LocalKeys& keys) {
  for (std::uint64_t attempt = 0; attempt < 100; ++attempt) {
    Rng rng(mixed(mixed(seed(), group), attempt));
    std::vector<Collection> collections;
    for (const char* name : {"patients", "visits"})
      collections.push_back(random_collection(name, have_patterns(), rng));
    collections.back().has_schema = rng.chance(80);
    if (auto db = Database::create(std::move(collections), keys)) return db;
  }
  throw std::runtime_error("no schema compiles");
}

Case make_case(std::uint64_t number, const Database& db) {
  static const auto kKinds = Generator::kinds();
  Rng rng(mixed(seed() + 1, number));
  Generator generator(db.collections(), rng);
  Case c{number, std::string(rng.pick(kKinds))};
  c.command = generator.command(c.kind);
  const std::size_t roll = rng.below(10);
  c.change = roll < 6 ? Change::none : roll < 9 ? Change::tree : Change::bytes;
  if (c.change == Change::tree) mutate(c.command, db.collections(), rng);
  give_content(c.command, rng);
  c.bytes = write(c.command);
  if (c.change == Change::bytes) {
    mutate(c.bytes, rng);
    c.command = parse(c.bytes).value_or(Value{});
  }
  return c;
}

/// One case through everything; `fault` is empty where all is well.
class Trial {
 public:
  Trial(const Database& db, const Case& c) : db_(db), case_(c), marked_(db.mark(c.bytes)) {
    claims_ = Oracle(db.collections()).claims_of(c.command);
    check();
  }

  [[nodiscard]] bool accepted() const noexcept { return marked_.has_value(); }
  [[nodiscard]] std::size_t n_secrets() const noexcept { return claims_.contents().size(); }
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  [[nodiscard]] const Outcome<Buf>& marked() const noexcept { return marked_; }
  [[nodiscard]] const Claims& claims() const noexcept { return claims_; }

  [[nodiscard]] std::string report() const {
    std::string s = "FLE_LEAK_SEED=" + std::to_string(seed()) +
                    " FLE_LEAK_CASE=" + std::to_string(case_.number) + ", " + case_.kind + ": " +
                    (fault_.empty() ? "no fault" : fault_);
    for (const Collection& c : db_.collections())
      s += "\n  schema of " + c.name + (c.has_schema ? ": " + c.json : ": none");
    s += "\n  command: " + shown(case_.bytes);
    return s + "\n  " + (marked_ ? "marked: " + shown(*marked_) : marked_.error().to_string());
  }

 private:
  static std::string shown(const Buf& document) {
    // libbson asks more of a document than BSON does: UTF-8, for one.
    try {
      if (parse(document)) return json_of(document);
    } catch (const std::runtime_error&) {
    }
    std::string s = "no JSON,";
    for (const std::uint8_t b : document) s += ' ' + std::to_string(b);
    return s;
  }

  void check() {
    if (case_.change == Change::none) check_oracle();
    if (!marked_) {
      check_refusal();
      return;
    }
    const bool is_bson = parse(case_.bytes).has_value();
    if (!is_bson) {
      if (*marked_ != case_.bytes || db_.encrypts(case_.bytes)) complain("accepts what is no BSON");
      return;
    }
    const auto rest = without_placeholders(*marked_, Placeholders::taken_out);
    if (!rest) return complain("what would be sent is malformed");
    if (names_another_database(case_.command) && db_.encrypts(case_.bytes))
      complain("accepts a command for another database");
    if (has_two_key_names(case_.command, *marked_)) complain("one of two names of a key is taken");
    for (const std::string& leak : find_leaks(case_.bytes, *rest, claims_.contents()))
      complain("leaks " + leak);
    if (case_.change == Change::none && case_.number % 8 == 0) check_client();
  }

  static bool names_another_database(const Value& command) {
    const auto is_another = [](const Value& c) {
      const Value* db = c.find("$db");
      return db != nullptr && db->type == Type::string && db->text() != "db";
    };
    const Value* explained = command.find("explain");
    return is_another(command) || (explained != nullptr && is_another(*explained));
  }

  /// Whether a document is inserted that names the key of one of its values twice.
  static bool has_two_key_names(const Value& command, Bytes marked) {
    const std::optional<Value> sent = parse(marked);
    const Value* documents = command.find("documents");
    const Value* sent_documents = sent ? sent->find("documents") : nullptr;
    if (documents == nullptr || sent_documents == nullptr) return false;
    for (std::size_t i = 0; i < sent_documents->fields.size(); ++i) {
      const auto is_name = [](const Field& f) { return f.name == "keyName"; };
      if (std::ranges::count_if(documents->fields[i].value.fields, is_name) > 1 &&
          has_named_key(sent_documents->fields[i].value))
        return true;
    }
    return false;
  }

  /// The generator knows what it wrote for encrypted fields.
  void check_oracle() {
    std::vector<Value*> all;
    Value command = case_.command;
    list_values(command, all);
    std::vector<Value*> same;
    list_values(const_cast<Value&>(case_.command), same);
    for (Value* v : same)
      if (v->secret && is_searchable(content_of(*v)) && !claims_.contain(content_of(*v)))
        complain("the oracle is blind for a value");
  }

  void check_refusal() {
    const Failure& f = marked_.error();
    if (f.code == Errc::analysis_disordered) complain("edits out of order");
    const std::string text = f.to_string();
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    // It may name fields, for it says where the fault is.
    for (const std::string& leak : find_leaks(case_.bytes, bytes, claims_.values()))
      complain("the refusal tells " + leak);
  }

  /// The same through AutoEncrypter: nothing is left in the clear, and all of it comes back.
  void check_client() {
    const auto sent = db_.encrypt(case_.bytes);
    if (!sent) return complain("the client refuses: " + sent.error().to_string());
    for (const std::string& leak : find_leaks(case_.bytes, *sent, claims_.contents()))
      complain("the client leaks " + leak);
    const auto back = db_.decrypt(*sent);
    if (!back) return complain("no decryption: " + back.error().to_string());
    if (*back != without_placeholders(*marked_, Placeholders::given_back))
      complain("decryption gives something else back");
  }

  void complain(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }

  const Database& db_;
  const Case& case_;
  Outcome<Buf> marked_;
  Claims claims_;
  std::string fault_;
};

std::size_t count_searchable(Bytes document) {
  Value v = parse(document).value();
  std::vector<Value*> all;
  list_values(v, all);
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [](const Value* x) { return is_searchable(content_of(*x)); }));
}
/// Whether what was forgotten could be found: it stands in `faulty` and not in `marked`.
bool has_searchable(Bytes faulty, Bytes marked) {
  return count_searchable(faulty) > count_searchable(marked);
}

/// All cases of one shard, in groups that share a database.
class EveryCommand : public testing::TestWithParam<int> {
 protected:
  template <class Visit>
  void each_case(std::uint64_t n, Visit visit) {
    const LocalKeys keys = make_keys();
    const std::uint64_t n_groups = (n + kCasesOfASchema - 1) / kCasesOfASchema;
    for (auto g = static_cast<std::uint64_t>(GetParam()); g < n_groups; g += kShards) {
      const auto db = make_database(g, keys);
      for (std::uint64_t i = 0; i < kCasesOfASchema && !HasFailure(); ++i) {
        const Case c = make_case(g * kCasesOfASchema + i, *db);
        visit(*db, c);
      }
    }
  }
};

/// What a run must have seen, else it has proved nothing.
struct Floor {
  std::string_view kind;
  unsigned percent_accepted;     ///< Of commands without faults.
  unsigned secrets_per_hundred;  ///< In a hundred of those that were accepted.
};
constexpr Floor kFloors[] = {
    {"insert", 80, 300},        {"find", 70, 60},         {"count", 70, 60},
    {"distinct", 70, 60},       {"update", 55, 200},      {"delete", 70, 90},
    {"findAndModify", 65, 120}, {"aggregate", 70, 35},    {"bulkWrite", 60, 200},
    {"explain", 65, 80},        {"createIndexes", 80, 0}, {"create or collMod", 80, 0},
};

using Counts = std::map<std::string, std::array<Count, 3>>;

void expect_floor(const Floor& floor, const Count& n) {
  EXPECT_GE(n.accepted * 100, n.made * floor.percent_accepted) << floor.kind;
  EXPECT_GE(n.secrets * 100, n.accepted * floor.secrets_per_hundred) << floor.kind;
}

void print(const Counts& counts) {
  std::cout << "seed " << seed() << "; accepted of made, secrets in them: without faults, with "
            << "parts changed, with bytes changed\n";
  for (const auto& [kind, by_change] : counts) {
    std::cout << "  " << kind;
    for (const Count& n : by_change)
      std::cout << "  " << n.accepted << "/" << n.made << " " << n.secrets;
    std::cout << "\n";
  }
}

TEST_P(EveryCommand, IsRefusedOrSentWithoutASecret) {
  Counts counts;
  each_case(n_cases(), [&counts](const Database& db, const Case& c) {
    const Trial trial(db, c);
    EXPECT_EQ(trial.fault(), "") << trial.report();
    Count& count = counts[c.kind][static_cast<std::size_t>(c.change)];
    ++count.made;
    if (!trial.accepted()) return;
    ++count.accepted;
    count.secrets += trial.n_secrets();
  });
  print(counts);
  // Of few cases no part can be told.
  if (HasFailure() || n_cases() < 20'000) return;
  for (const Floor& floor : kFloors) expect_floor(floor, counts[std::string(floor.kind)][0]);
  EXPECT_EQ(counts.size(), std::size(kFloors));
}

/// An analyzer that forgets one value, whichever it is, would be found out.
TEST_P(EveryCommand, TellsOfEachForgottenValue) {
  std::size_t n_forgotten = 0;
  each_case(n_cases() / 10, [&n_forgotten](const Database& db, const Case& c) {
    const Trial trial(db, c);
    if (c.change != Change::none || !trial.accepted()) return;
    for (std::size_t i = count_placeholders(*trial.marked()); i-- > 0;) {
      const Buf faulty = with_forgotten(*trial.marked(), i);
      const auto rest = without_placeholders(faulty, Placeholders::taken_out);
      ASSERT_TRUE(rest) << trial.report();
      // A boolean looks like any other.
      if (!has_searchable(faulty, *trial.marked())) continue;
      ++n_forgotten;
      EXPECT_FALSE(find_leaks(c.bytes, *rest, trial.claims().contents()).empty())
          << i << ": " << trial.report();
    }
  });
  EXPECT_GT(n_forgotten, n_cases() / 200);
}

INSTANTIATE_TEST_SUITE_P(Shard, EveryCommand, testing::Range(0, kShards));

TEST(OneCase, IsShown) {
  const auto number = number_from("FLE_LEAK_CASE");
  if (!number) GTEST_SKIP() << "FLE_LEAK_CASE names none";
  const auto db = make_database(*number / kCasesOfASchema, make_keys());
  const Case c = make_case(*number, *db);
  const Trial trial(*db, c);
  std::cout << trial.report() << "\n";
  EXPECT_EQ(trial.fault(), "");
}

}  // namespace
}  // namespace fle::test::leak
