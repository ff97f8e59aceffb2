#include "roll_over.h"

#include <charconv>
#include <new>

#include <string.h>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/report.h"

namespace fle::query {
namespace {

using bson::Cursor;
using bson::Element;
using bson::Type;

/// What one value needs more than its own bytes: a type, a name that is a number, a NUL; and for
/// all of them together, a document and an array with their names.
constexpr std::size_t kItemRoom = 1 + 8 + 1;
constexpr std::size_t kListRoom = 24;

const std::vector<KeyId>& previous_of(const AnalysisOptions& options, const Rewrite& r) {
  return options.previous_keys->find(std::get<KeyId>(r.leaf->key))->second;
}

/// A command is as secret as what it searches for: it does not stay in freed memory.
void wipe(std::vector<std::uint8_t>& command) noexcept {
  if (!command.empty()) ::explicit_bzero(command.data(), command.size());
}

/// A value of the new command that is encrypted with an older key.
struct Older {
  std::uint32_t value_offset;
  const KeyId* key;
};

/// Copies a command, with lists in place of the values that are searched for twice.
class Expander {
 public:
  Expander(Bytes command, const Analysis& analysis, const AnalysisOptions& options)
      : command_(command), analysis_(analysis), options_(options) {
    for (std::size_t i = 0; i < analysis.rewrites.size(); ++i) {
      const Rewrite& r = analysis.rewrites[i];
      if (r.comparison != Comparison::none && rolls(options, *r.leaf)) todo_.push_back(i);
    }
  }

  [[nodiscard]] bool nothing_to_do() const noexcept { return todo_.empty(); }

  Outcome<std::vector<std::uint8_t>> run() {
    // All room at once: a vector that grows would leave plaintext in the memory that it frees.
    const std::size_t room = room_needed();
    if (room > kCommandLimits.max_bytes)
      return Failure(Errc::document_too_large,
                     "the command is too long with every value that it searches for");
    bson::Writer out(room);
    elements(0, out);
    return std::move(out).take();
  }

  [[nodiscard]] const std::vector<Older>& older() const noexcept { return older_; }

 private:
  [[nodiscard]] const bson::Mark& mark(std::size_t i) const { return analysis_.edits.marks()[i]; }

  std::size_t room_needed() const {
    std::size_t room = command_.size();
    for (const std::size_t i : todo_) {
      const std::size_t n = 1 + previous_of(options_, analysis_.rewrites[i]).size();
      room += kListRoom + n * (kItemRoom + mark(i).value_size);
    }
    return room;
  }

  /// Of the document or array at `at`.
  void elements(std::uint32_t at, bson::Writer& out) {
    std::size_t n_items = 0;
    for (Cursor c(command_, at); c.next();) element(c.element(), n_items, out);
  }

  /// @param n_items  items written so far to a list of which every item is repeated.
  void element(const Element& e, std::size_t& n_items, bson::Writer& out) {
    const std::uint32_t end = e.value_offset + e.value_size;
    if (next_ == todo_.size() || mark(todo_[next_]).type_offset >= end) {
      out.append(command_.subspan(e.type_offset, end - e.type_offset));
    } else if (mark(todo_[next_]).type_offset == e.type_offset) {
      expand(e, analysis_.rewrites[todo_[next_++]], n_items, out);
    } else {
      out.begin(e.type, e.name);
      elements(e.value_offset, out);
      out.end();
    }
  }

  void expand(const Element& e, const Rewrite& r, std::size_t& n_items, bson::Writer& out) {
    switch (r.comparison) {
      case Comparison::none:
        break;
      case Comparison::implicit:
        out.begin_document(e.name);
        list("$in", e, r, out);
        out.end();
        break;
      case Comparison::operation:
        list(e.name == "$ne" ? "$nin" : "$in", e, r, out);
        break;
      case Comparison::member:
        values(e, r, n_items, out);
        break;
    }
  }

  void list(std::string_view operation, const Element& e, const Rewrite& r, bson::Writer& out) {
    std::size_t n_items = 0;
    out.begin(Type::array, operation);
    values(e, r, n_items, out);
    out.end();
  }

  void values(const Element& e, const Rewrite& r, std::size_t& n_items, bson::Writer& out) {
    value(e, n_items, out);
    for (const KeyId& key : previous_of(options_, r)) {
      value(e, n_items, out);
      older_.push_back({static_cast<std::uint32_t>(out.size() - e.value_size), &key});
    }
  }

  void value(const Element& e, std::size_t& n_items, bson::Writer& out) {
    char digits[20];
    const auto number = std::to_chars(std::begin(digits), std::end(digits), n_items++);
    out.add(e.type, {digits, number.ptr}, value_of(command_, e));
  }

  Bytes command_;
  const Analysis& analysis_;
  const AnalysisOptions& options_;
  std::vector<std::size_t> todo_;  // indexes of rewrites, in document order
  std::size_t next_ = 0;           // in todo_
  std::vector<Older> older_;       // in document order
};

/// Tells the rewrites of the new command which key is theirs.
Done give_keys(const std::vector<Older>& older, Analysis& analysis) {
  std::size_t next = 0;
  const std::span<const bson::Mark> marks = analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size() && next < older.size(); ++i) {
    if (marks[i].value_offset != older[next].value_offset) continue;
    analysis.rewrites[i].previous_key = older[next++].key;
  }
  if (next == older.size()) return ok;
  return Failure(Errc::analysis_disordered, "a value to search for was not found again");
}

Outcome<std::vector<std::uint8_t>> expand(Bytes command, std::string_view db,
                                          std::span<const CollectionSchema> schemas,
                                          Analysis& analysis, AnalysisOptions options) {
  Expander expander(command, analysis, options);
  if (expander.nothing_to_do()) return std::vector<std::uint8_t>();
  FLE_TRY(std::vector<std::uint8_t> expanded, expander.run());
  options.target = nullptr;  // it was of the other command
  Done done = analyze(expanded, db, schemas, analysis, options);
  if (done) done = give_keys(expander.older(), analysis);
  if (done) return expanded;
  wipe(expanded);
  return done.error();
}

}  // namespace

Outcome<std::vector<std::uint8_t>> roll_over(Bytes command, std::string_view db,
                                             std::span<const CollectionSchema> schemas,
                                             Analysis& analysis, const AnalysisOptions& options) {
  if (options.previous_keys == nullptr) return std::vector<std::uint8_t>();
  try {
    auto expanded = expand(command, db, schemas, analysis, options);
    if (!expanded) {
      auto findings = std::move(analysis.findings);
      analysis.clear();
      analysis.findings = std::move(findings);
      analysis.refused_by = word_of(expanded.error().code);
    }
    return expanded;
  } catch (const std::bad_alloc&) {
    analysis.clear();
    return Failure(Errc::no_memory, {});
  }
}

}  // namespace fle::query
