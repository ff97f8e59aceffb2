#include "report.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "command_line/command.h"
#include "schema_help/schema_commands.h"

namespace fle::tools {
namespace {

using bson::Type;
using schema::Plan;

bool is_nothing(Type t) noexcept { return t == Type::null || t == Type::undefined; }

/// Whether `path` is one that became `folded`, whose names "*" are.
bool has_become(std::string_view path, std::string_view folded) {
  while (!path.empty() && !folded.empty()) {
    const std::size_t a = std::min(path.find('.'), path.size());
    const std::size_t b = std::min(folded.find('.'), folded.size());
    const std::string_view name = path.substr(0, a);
    const std::string_view as = folded.substr(0, b);
    if (name != as && as != "*" && !(as.starts_with("*[]") && name.ends_with(as.substr(1))))
      return false;
    path.remove_prefix(std::min(a + 1, path.size()));
    folded.remove_prefix(std::min(b + 1, folded.size()));
  }
  return path.empty() && folded.empty();
}

void add_first(Finding& f, std::uint64_t values, std::uint64_t first) {
  f.values += values;
  if (first != 0 && (f.first_document == 0 || first < f.first_document)) f.first_document = first;
}

class Maker {
 public:
  Maker(const Gatherer& gathered, kms::KeyVault* vault)
      : gathered_(gathered), census_(gathered.census()), vault_(vault) {}

  Outcome<Report> make(bool has_schema) {
    report_.has_schema = has_schema;
    report_.has_vault = vault_ != nullptr;
    for (const GatheredCollection& c : gathered_.collections()) {
      report_.collections.push_back({c.ns, c.documents, c.bytes, c.plan != nullptr, {}, {}});
      report_.documents += c.documents;
      report_.bytes += c.bytes;
    }
    make_paths();
    add_fields();
    count_keys();
    FLE_CHECK(look_up_keys());
    add_findings();
    add_absent();
    finish();
    return std::move(report_);
  }

 private:
  /// A row in the making, and the cells that are counted in it.
  struct Row {
    PathReport report;
    Plan::Step step{};
    std::vector<Census::Id> cells;
    std::vector<KeyCount> late_keys;  // counted by the gatherer
  };

  void make_paths() {
    rows_.resize(report_.collections.size());
    std::map<std::pair<std::size_t, std::string>, std::size_t> by_text;
    for (Census::Id id = Census::kRoot + 1; id < census_.paths().size(); ++id) {
      const Census::Path& p = census_.paths()[id];
      if (p.kind == Census::Kind::collection) continue;
      const Census::Id top = census_.collection_of(id);
      const std::size_t c = gathered_.index_of(census_.name(census_.paths()[top]));
      if (c >= rows_.size()) continue;
      const std::string text = census_.text(id);
      const auto [it, is_new] = by_text.emplace(std::pair(c, text), rows_[c].size());
      if (is_new) {
        rows_[c].emplace_back();
        rows_[c].back().report.path = text;
        rows_[c].back().step = p.step;
      }
      Row& row = rows_[c][it->second];
      row.report.documents =
          std::min(report_.collections[c].documents, row.report.documents + p.documents);
      if (p.step.kind == Plan::Kind::encrypted) row.report.leaf = &p.plan->leaf(p.step.leaf);
      for (Census::Id cell = p.first_cell; cell != Census::kNone;
           cell = census_.cells()[cell].next_of_path) {
        row.cells.push_back(cell);
        add_cell(row.report, census_.cells()[cell]);
      }
    }
    report_.uncounted_values = census_.cells()[Census::kNone].values;
  }

  static void add_cell(PathReport& r, const Census::Cell& c) {
    switch (c.look.state) {
      case State::plain:
        (is_nothing(c.look.type) ? r.null : r.plaintext) += c.values;
        return;
      case State::damaged:
        r.damaged += c.values;
        return;
      case State::foreign:
        r.foreign += c.values;
        return;
      case State::encrypted:
        break;
    }
    r.encrypted += c.values;
    r.stored_bytes += c.bytes;
    const Added added = added_by(c.look.type);
    r.added_least += c.values * added.least;
    r.added_most += c.values * added.most;
    const auto same = std::ranges::find_if(r.ciphers, [&](const CipherCount& k) {
      return k.algorithm == c.look.algorithm && k.type == c.look.type;
    });
    if (same != r.ciphers.end()) {
      same->values += c.values;
    } else {
      r.ciphers.push_back({c.look.algorithm, c.look.type, c.values});
    }
    if (!c.look.other_key) {
      add_key(r.keys, c.look.key, c.values);
    } else {
      r.uncounted_keys += c.values;
    }
  }

  static void add_key(std::vector<KeyCount>& keys, const KeyId& key, std::uint64_t n) {
    const auto same = std::ranges::find(keys, key, &KeyCount::key);
    if (same != keys.end()) {
      same->values += n;
    } else {
      keys.push_back({key, n});
    }
  }

  Row* row_of(std::size_t collection, const std::string& path) {
    std::vector<Row>& rows = rows_[collection];
    auto it = std::ranges::find_if(rows, [&](const Row& r) { return r.report.path == path; });
    if (it == rows.end())
      it =
          std::ranges::find_if(rows, [&](const Row& r) { return has_become(path, r.report.path); });
    return it == rows.end() ? nullptr : &*it;
  }

  void add_fields() {
    std::vector<Row*> row_of_field;
    std::map<Row*, Frequencies> values;
    for (const GatheredField& f : gathered_.fields()) {
      Row* const row = row_of(f.collection, f.path);
      row_of_field.push_back(row);
      if (row != nullptr) values[row].merge(f.values);
    }
    for (const auto& [row, v] : values)
      if (const Frequency f = v.frequency(); f.values != 0) row->report.frequency = f;
    // A key that one thread told apart another may have found one too many: the sums are right.
    std::unordered_map<Row*, std::unordered_map<KeyId, std::uint64_t>> late;
    for (const auto& [use, n] : gathered_.key_uses()) {
      if (use.field >= row_of_field.size() || row_of_field[use.field] == nullptr) {
        add_key(lost_path_keys_, use.key, n);
        continue;
      }
      Row* const row = row_of_field[use.field];
      late[row][use.key] += n;
      row->report.uncounted_keys -= std::min(n, row->report.uncounted_keys);
    }
    for (auto& [row, keys] : late) {
      for (const KeyCount& k : row->report.keys) keys[k.key] += k.values;
      row->report.keys.clear();
      for (const auto& [key, n] : keys) row->report.keys.push_back({key, n});
    }
    for (std::vector<Row>& rows : rows_)
      for (Row& r : rows)
        std::ranges::sort(r.report.keys, [](const KeyCount& a, const KeyCount& b) {
          return a.values != b.values ? a.values > b.values : a.key < b.key;
        });
  }

  /// Keeps the rows that are encrypted or ought to be, in order of their paths.
  void count_keys() {
    std::unordered_map<KeyId, KeyReport> keys;
    for (std::size_t c = 0; c < rows_.size(); ++c) {
      std::vector<Row> kept;
      for (Row& r : rows_[c]) {
        const PathReport& p = r.report;
        const bool blocked = r.step.kind == Plan::Kind::object && has_other(r);
        if (p.encrypted + p.damaged + p.foreign != 0 || p.leaf != nullptr || blocked ||
            r.step.kind == Plan::Kind::ambiguous) {
          kept.push_back(std::move(r));
        } else if (p.plaintext + p.null != 0 && !is_container_only(r)) {
          report_.collections[c].plain_paths.push_back(p.path);
        }
      }
      std::ranges::sort(kept, {}, [](const Row& r) { return r.report.path; });
      std::ranges::sort(report_.collections[c].plain_paths);
      rows_[c] = std::move(kept);
      for (std::size_t i = 0; i < rows_[c].size(); ++i) {
        report_.uncounted_keys += rows_[c][i].report.uncounted_keys;
        for (const KeyCount& k : rows_[c][i].report.keys) {
          KeyReport& key = keys[k.key];
          key.values += k.values;
          key.paths[{c, i}] += k.values;
        }
      }
    }
    for (const KeyCount& k : lost_path_keys_) keys[k.key].values += k.values;
    for (auto& [id, key] : keys) {
      key.id = id;
      report_.keys.push_back(std::move(key));
    }
    std::ranges::sort(report_.keys, [](const KeyReport& a, const KeyReport& b) {
      return a.values != b.values ? a.values > b.values : a.id < b.id;
    });
  }

  [[nodiscard]] bool has_other(const Row& r) const {
    return std::ranges::any_of(r.cells, [&](Census::Id id) {
      const Look& l = census_.cells()[id].look;
      return l.state != State::plain || (l.type != Type::object && !is_nothing(l.type));
    });
  }
  [[nodiscard]] bool is_container_only(const Row& r) const {
    return std::ranges::all_of(
        r.cells, [&](Census::Id id) { return is_container(census_.cells()[id].look.type); });
  }

  Done look_up_keys() {
    if (vault_ == nullptr) return ok;
    constexpr std::size_t kAtOnce = 500;
    for (std::size_t from = 0; from < report_.keys.size(); from += kAtOnce) {
      const std::size_t to = std::min(report_.keys.size(), from + kAtOnce);
      std::vector<KeyId> ids;
      for (std::size_t i = from; i < to; ++i) ids.push_back(report_.keys[i].id);
      FLE_TRY(const std::vector<kms::KeyDocument> found, vault_->find(ids, {}));
      for (std::size_t i = from; i < to; ++i) {
        KeyReport& k = report_.keys[i];
        const auto it = std::ranges::find(found, k.id, &kms::KeyDocument::id);
        k.state = it == found.end() ? KeyReport::State::unknown : KeyReport::State::known;
        if (it == found.end()) {
          unknown_.insert(k.id);
        } else {
          k.provider = it->master_key.provider;
          k.alt_names = it->alt_names;
        }
      }
    }
    return ok;
  }

  static Finding& finding(std::vector<Finding>& all, Weight w, const char* rule,
                          const std::string& text) {
    const auto same = std::ranges::find_if(
        all, [&](const Finding& f) { return f.text == text && std::string_view(f.rule) == rule; });
    return same != all.end() ? *same : all.emplace_back(Finding{w, rule, text});
  }

  void add_findings() {
    for (std::size_t c = 0; c < rows_.size(); ++c) {
      const bool has_schema = report_.collections[c].has_schema;
      for (Row& r : rows_[c]) {
        for (const Census::Id id : r.cells) judge(r, census_.cells()[id], has_schema);
        judge_late_keys(r);
        std::ranges::stable_sort(r.report.findings, std::greater<>(), &Finding::weight);
      }
    }
  }

  void judge(Row& r, const Census::Cell& c, bool has_schema) {
    PathReport& p = r.report;
    const auto add = [&](Weight w, const char* rule, const std::string& text) {
      add_first(finding(p.findings, w, rule, text), c.values, c.first_document);
    };
    const std::string type(bson::alias(c.look.type));
    switch (c.look.state) {
      case State::plain:
        return judge_plain(r, c);
      case State::damaged:
        return add(Weight::problem, "damaged", "begins as ciphertext, and is none");
      case State::foreign:
        return add(Weight::problem, "foreign", name_of_kind(c.look.kind));
      case State::encrypted:
        break;
    }
    if (unknown_.contains(c.look.key) && !c.look.other_key)
      add(Weight::problem, "unknown_key", "under a key that the vault does not have");
    if (p.leaf == nullptr) {
      if (has_schema)
        add(Weight::problem, "not_in_schema", "encrypted, where the schema encrypts nothing");
      return;
    }
    if (!p.leaf->types.empty() && !p.leaf->types.contains(c.look.type))
      add(Weight::problem, "wrong_type",
          "encrypts " + type + ", where the schema says " + type_names(p.leaf->types));
    if (p.leaf->algorithm != c.look.algorithm)
      add(Weight::problem, "wrong_algorithm",
          c.look.algorithm == Algorithm::random
              ? "encrypted at random, where the schema says deterministic"
              : "encrypted deterministically, where the schema says random");
    const auto* key = std::get_if<KeyId>(&p.leaf->key);
    if (key != nullptr && !c.look.other_key && c.look.key != *key)
      add(Weight::problem, "wrong_key", "under another key than the schema says");
  }

  static void judge_plain(Row& r, const Census::Cell& c) {
    PathReport& p = r.report;
    const std::string type(bson::alias(c.look.type));
    const auto add = [&](Weight w, const char* rule, const std::string& text) {
      add_first(finding(p.findings, w, rule, text), c.values, c.first_document);
    };
    if (is_nothing(c.look.type)) {
      if (p.leaf != nullptr) add(Weight::note, "null", "null, which cannot be encrypted");
    } else if (p.leaf != nullptr) {
      add(Weight::plain, "plaintext", "plaintext (" + type + "), where the schema encrypts");
    } else if (r.step.kind == Plan::Kind::object) {
      if (c.look.type != Type::object)
        add(Weight::plain, "not_an_object",
            type + " in plaintext, where the schema has an object with encrypted fields");
    } else if (r.step.kind == Plan::Kind::ambiguous) {
      add(Weight::plain, "ambiguous", "plaintext, where patterns of the schema disagree");
    } else {
      add(Weight::problem, "partly_plaintext", "plaintext (" + type + ") beside ciphertext");
    }
  }

  /// Keys that there are too many of to have a cell each.
  void judge_late_keys(Row& r) {
    PathReport& p = r.report;
    const auto count = [&](const char* rule, const std::string& text, auto is_bad) {
      std::uint64_t n = 0;
      for (const KeyCount& k : p.keys) n += is_bad(k.key) ? k.values : 0;
      if (n == 0) return;
      Finding& f = finding(p.findings, Weight::problem, rule, text);
      f.values = std::max(f.values, n);
    };
    count("unknown_key", "under a key that the vault does not have",
          [&](const KeyId& k) { return unknown_.contains(k); });
    const auto* key = p.leaf != nullptr ? std::get_if<KeyId>(&p.leaf->key) : nullptr;
    if (key != nullptr)
      count("wrong_key", "under another key than the schema says",
            [&](const KeyId& k) { return k != *key; });
  }

  /// What the schema encrypts and no document has.
  void add_absent() {
    for (std::size_t c = 0; c < rows_.size(); ++c) {
      const auto& plan = gathered_.collections()[c].plan;
      if (plan == nullptr) continue;
      std::set<const schema::Leaf*> seen;
      for (const Row& r : rows_[c]) seen.insert(r.report.leaf);
      for (const schema::Leaf& leaf : plan->leaves()) {
        if (seen.contains(&leaf)) continue;
        Row row;
        row.report.path = leaf.path;
        row.report.leaf = &leaf;
        row.report.findings.push_back(
            {Weight::note, "absent", "no document has what the schema encrypts here"});
        rows_[c].push_back(std::move(row));
      }
    }
  }

  void finish() {
    for (std::size_t c = 0; c < rows_.size(); ++c) {
      for (Row& r : rows_[c]) {
        report_.encrypted += r.report.encrypted;
        report_.added_least += r.report.added_least;
        report_.added_most += r.report.added_most;
        report_.collections[c].paths.push_back(std::move(r.report));
      }
    }
  }

  const Gatherer& gathered_;
  const Census& census_;
  kms::KeyVault* vault_;
  Report report_;
  std::vector<std::vector<Row>> rows_;
  std::vector<KeyCount> lost_path_keys_;
  std::set<KeyId> unknown_;
};

}  // namespace

std::uint64_t Report::count(Weight weight) const {
  std::uint64_t n = 0;
  for (const CollectionReport& c : collections)
    for (const PathReport& p : c.paths)
      for (const Finding& f : p.findings) n += f.weight == weight ? f.values : 0;
  return n;
}

Outcome<Report> make_report(const Gatherer& gathered, bool has_schema, kms::KeyVault* vault) {
  return Maker(gathered, vault).make(has_schema);
}

}  // namespace fle::tools
