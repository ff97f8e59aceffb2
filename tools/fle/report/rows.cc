#include "rows.h"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace fle::tools {
namespace {

using bson::Type;
using schema::Plan;

void add_key(std::vector<KeyCount>& keys, const KeyId& key, std::uint64_t n) {
  const auto same = std::ranges::find(keys, key, &KeyCount::key);
  if (same != keys.end()) {
    same->values += n;
  } else {
    keys.push_back({key, n});
  }
}

void add_cell(Row& row, const Census::Cell& c) {
  PathReport& r = row.report;
  switch (c.look.state) {
    case State::plain:
      (is_nothing(c.look.type)                                              ? r.null
       : row.step.kind == Plan::Kind::object && c.look.type == Type::object ? r.objects
                                                                            : r.plaintext) +=
          c.values;
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

class RowMaker {
 public:
  explicit RowMaker(const Gatherer& gathered) : gathered_(gathered), census_(gathered.census()) {}

  Rows make() {
    rows_.of.resize(gathered_.collections().size());
    for (Census::Id id = Census::kRoot + 1; id < census_.paths().size(); ++id)
      if (census_.paths()[id].kind != Census::Kind::collection) add_path(id);
    for (auto& [where, values] : values_)
      if (const Frequency f = values.frequency(); f.values != 0)
        rows_.of[where.first][where.second].report.frequency = f;
    add_late_keys();
    for (std::vector<Row>& rows : rows_.of) {
      for (Row& r : rows) {
        std::ranges::sort(r.report.keys, [](const KeyCount& a, const KeyCount& b) {
          return a.values != b.values ? a.values > b.values : a.key < b.key;
        });
        std::ranges::sort(r.report.ciphers, [](const CipherCount& a, const CipherCount& b) {
          return a.values != b.values
                     ? a.values > b.values
                     : std::pair(a.algorithm, a.type) < std::pair(b.algorithm, b.type);
        });
      }
    }
    return std::move(rows_);
  }

 private:
  using Where = std::pair<std::size_t, std::size_t>;  // collection, row
  /// What makes a row. A field whose name has dots, and one in an object, have one text; what the
  /// schema says of one of them, it does not say of the other.
  struct RowKey {
    std::size_t collection;
    std::string text;
    Plan::Kind kind;
    std::uint32_t number;
    friend auto operator<=>(const RowKey&, const RowKey&) = default;
  };
  static RowKey key_of(std::size_t collection, std::string text, const Plan::Step& step) {
    const std::uint32_t number = step.kind == Plan::Kind::object      ? step.node
                                 : step.kind == Plan::Kind::encrypted ? step.leaf
                                                                      : 0;
    return {collection, std::move(text), step.kind, number};
  }

  void add_path(Census::Id id) {
    const Census::Path& p = census_.paths()[id];
    const std::size_t c = gathered_.collection_of(id);
    if (c >= rows_.of.size()) return;
    std::vector<Row>& rows = rows_.of[c];
    const auto [it, is_new] =
        rows_by_key_.emplace(key_of(c, census_.text(id), p.step), rows.size());
    if (is_new) {
      rows.emplace_back();
      rows.back().report.path = it->first.text;
      rows.back().step = p.step;
    }
    Row& row = rows[it->second];
    row.report.documents = std::min(gathered_.collections()[c].documents,
                                    row.report.documents + census_.documents(id));
    row.report.is_folded |= census_.is_folded(id);
    if (p.step.kind == Plan::Kind::encrypted) row.report.leaf = &p.plan->leaf(p.step.leaf);
    for (Census::Id cell = p.first_cell; cell != Census::kNone;
         cell = census_.cells()[cell].next_of_path) {
      row.cells.push_back(cell);
      add_cell(row, census_.cells()[cell]);
    }
    const Where where(c, it->second);
    const auto field = gathered_.field_of(id);
    if (field && row_of_field_.emplace(*field, where).second)
      values_[where].merge(gathered_.values_of(*field));
  }

  void add_late_keys() {
    // A key that one thread told apart another may have found one too many: the sums are right.
    std::map<Where, std::unordered_map<KeyId, std::uint64_t>> late;
    for (const auto& [use, n] : gathered_.key_uses()) {
      const auto it = row_of_field_.find(use.field);
      if (it == row_of_field_.end()) {
        add_key(rows_.other_keys, use.key, n);
        continue;
      }
      late[it->second][use.key] += n;
      std::uint64_t& uncounted = row(it->second).report.uncounted_keys;
      uncounted -= std::min(n, uncounted);
    }
    for (auto& [where, keys] : late) {
      std::vector<KeyCount>& all = row(where).report.keys;
      for (const KeyCount& k : all) keys[k.key] += k.values;
      all.clear();
      all.reserve(keys.size());
      for (const auto& [key, n] : keys) all.push_back({key, n});
    }
  }

  Row& row(const Where& where) { return rows_.of[where.first][where.second]; }

  const Gatherer& gathered_;
  const Census& census_;
  Rows rows_;
  std::map<RowKey, std::size_t> rows_by_key_;
  std::unordered_map<std::uint32_t, Where> row_of_field_;
  std::map<Where, Frequencies> values_;
};

}  // namespace

Rows make_rows(const Gatherer& gathered) { return RowMaker(gathered).make(); }

std::vector<std::string> keep_encrypted(std::vector<Row>& rows, const Census& census) {
  const auto look_of = [&](Census::Id cell) -> const Look& { return census.cells()[cell].look; };
  const auto has_no_object = [&](const Row& r) {
    return std::ranges::any_of(r.cells, [&](Census::Id cell) {
      const Look& l = look_of(cell);
      return l.state != State::plain || (l.type != Type::object && !is_nothing(l.type));
    });
  };
  const auto has_values = [&](const Row& r) {
    return r.report.plaintext + r.report.null != 0 &&
           !std::ranges::all_of(r.cells,
                                [&](Census::Id cell) { return is_container(look_of(cell).type); });
  };
  std::vector<std::string> others;
  std::vector<Row> kept;
  for (Row& r : rows) {
    const PathReport& p = r.report;
    const bool blocked = r.step.kind == Plan::Kind::object && has_no_object(r);
    if (p.encrypted + p.damaged + p.foreign != 0 || p.leaf != nullptr || blocked ||
        r.step.kind == Plan::Kind::ambiguous) {
      kept.push_back(std::move(r));
    } else if (has_values(r)) {
      others.push_back(p.path);
    }
  }
  std::ranges::sort(kept, {}, [](const Row& r) { return r.report.path; });
  std::ranges::sort(others);
  rows = std::move(kept);
  return others;
}

}  // namespace fle::tools
