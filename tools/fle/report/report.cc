#include "report.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "findings.h"
#include "rows.h"
#include "streams/case_hints.h"

namespace fle::tools {
namespace {

class ReportMaker {
 public:
  ReportMaker(const Gatherer& gathered, kms::KeyVault* vault)
      : gathered_(gathered), vault_(vault), rows_(make_rows(gathered)) {}

  Outcome<Report> make(bool has_schema) {
    report_.has_schema = has_schema;
    report_.has_vault = vault_ != nullptr;
    report_.uncounted_values = gathered_.census().cells()[Census::kNone].values;
    report_.has_overlooked = gathered_.census().has_overlooked();
    for (const GatheredCollection& c : gathered_.collections()) {
      report_.collections.push_back({c.ns, c.documents, c.bytes, c.plan != nullptr, {}, {}});
      report_.documents += c.documents;
      report_.bytes += c.bytes;
    }
    for (std::size_t c = 0; c < rows_.of.size(); ++c)
      report_.collections[c].plain_paths = keep_encrypted(rows_.of[c], gathered_.census());
    count_keys();
    FLE_CHECK(look_up_keys());
    for (std::size_t c = 0; c < rows_.of.size(); ++c) {
      for (Row& r : rows_.of[c])
        judge(r, gathered_.census(), report_.collections[c].has_schema, unknown_);
      add_absent(c);
      take_over(c);
    }
    return std::move(report_);
  }

 private:
  /// What is known of each key, from what each path and what no path knows of it.
  void count_keys() {
    struct Use {
      KeyId key;
      KeyUse use;
    };
    constexpr std::uint32_t kNowhere = UINT32_MAX;
    std::vector<Use> uses;
    std::size_t n = rows_.other_keys.size();
    for (const auto& rows : rows_.of)
      for (const Row& r : rows) n += r.report.keys.size();
    uses.reserve(n);
    for (std::size_t c = 0; c < rows_.of.size(); ++c) {
      for (std::size_t i = 0; i < rows_.of[c].size(); ++i) {
        const PathReport& p = rows_.of[c][i].report;
        report_.uncounted_keys += p.uncounted_keys;
        for (const KeyCount& k : p.keys)
          uses.push_back(
              {k.key, {static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(i), k.values}});
      }
    }
    for (const KeyCount& k : rows_.other_keys)
      uses.push_back({k.key, {kNowhere, kNowhere, k.values}});
    std::ranges::sort(uses, {}, [](const Use& u) {
      return std::tuple(std::cref(u.key), u.use.collection, u.use.path);
    });
    n = 0;
    for (std::size_t i = 0; i < uses.size(); ++i) n += i == 0 || uses[i].key != uses[i - 1].key;
    report_.keys.reserve(n);
    report_.key_uses.reserve(uses.size());
    for (const Use& u : uses) {
      if (report_.keys.empty() || report_.keys.back().id != u.key) {
        report_.keys.emplace_back().id = u.key;
        report_.keys.back().first_use = static_cast<std::uint32_t>(report_.key_uses.size());
      }
      KeyReport& key = report_.keys.back();
      key.values += u.use.values;
      if (u.use.collection == kNowhere) continue;
      report_.key_uses.push_back(u.use);
      ++key.n_uses;
    }
    std::ranges::sort(report_.keys, [](const KeyReport& a, const KeyReport& b) {
      return a.values != b.values ? a.values > b.values : a.id < b.id;
    });
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
          k.known = std::make_unique<const KeyReport::Known>(
              KeyReport::Known{it->master_key.provider, it->alt_names});
        }
      }
    }
    return ok;
  }

  /// What the schema encrypts and no document has; and what they have instead, where upper and
  /// lower case alone tell them apart.
  void add_absent(std::size_t c) {
    const auto& plan = gathered_.collections()[c].plan;
    if (plan == nullptr) return;
    std::set<const schema::Leaf*> seen;
    for (const Row& r : rows_.of[c]) seen.insert(r.report.leaf);
    std::map<std::string, std::string_view, std::less<>> as_written;
    for (const std::string& path : report_.collections[c].plain_paths)
      as_written.emplace(in_small_letters(path), path);
    for (const schema::Leaf& leaf : plan->leaves()) {
      if (seen.contains(&leaf)) continue;
      Row row;
      row.report.path = leaf.path;
      row.report.leaf = &leaf;
      std::string text = "no document has what the schema encrypts here";
      if (const auto other = as_written.find(in_small_letters(leaf.path));
          other != as_written.end()) {
        text.append("; '").append(other->second).append("' appears");
      }
      row.report.findings.push_back({Weight::note, "absent", std::move(text)});
      rows_.of[c].push_back(std::move(row));
    }
  }

  void take_over(std::size_t c) {
    for (Row& r : rows_.of[c]) {
      report_.encrypted += r.report.encrypted;
      report_.foreign += r.report.foreign;
      report_.added_least += r.report.added_least;
      report_.added_most += r.report.added_most;
      report_.collections[c].paths.push_back(std::move(r.report));
    }
  }

  const Gatherer& gathered_;
  kms::KeyVault* vault_;
  Rows rows_;
  Report report_;
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
  return ReportMaker(gathered, vault).make(has_schema);
}

}  // namespace fle::tools
