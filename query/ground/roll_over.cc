#include "roll_over.h"

#include <charconv>
#include <new>

#include <string.h>

#include "fle/bson/cursor.h"

namespace fle::query {
namespace {

using bson::Cursor;
using bson::Element;
using bson::Type;

/// What one value needs more than its own bytes: a type, a name that is a number, a NUL; and for
/// all of them together, a document and an array with their names.
constexpr std::size_t kItemRoom = 1 + 8 + 1;
constexpr std::size_t kListRoom = 24;

const std::vector<KeyId>& previous_of(const Analysis& analysis, const Rewrite& r) {
  return analysis.previous_keys->find(std::get<KeyId>(r.leaf->key))->second;
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

/// Copies a command, with lists in the place of the values that are searched for twice.
class Expander {
 public:
  Expander(Bytes command, const Analysis& analysis) : command_(command), analysis_(analysis) {
    for (std::size_t i = 0; i < analysis.rewrites.size(); ++i) {
      const Rewrite& r = analysis.rewrites[i];
      if (r.comparison != Comparison::none && rolls(analysis, *r.leaf)) todo_.push_back(i);
    }
  }

  Expander(const Expander&) = delete;
  Expander& operator=(const Expander&) = delete;
  ~Expander() { wipe(out_); }

  [[nodiscard]] bool nothing_to_do() const noexcept { return todo_.empty(); }

  Outcome<std::vector<std::uint8_t>> run() {
    // All room at once: a vector that grows would leave plaintext in the memory that it frees.
    const std::size_t room = room_needed();
    if (room > kCommandLimits.max_bytes)
      return Failure(Errc::document_too_large,
                     "the command is too long with every value that it searches for");
    out_.reserve(room);
    document(0);
    return std::move(out_);
  }

  [[nodiscard]] const std::vector<Older>& older() const noexcept { return older_; }

 private:
  [[nodiscard]] const bson::Mark& mark(std::size_t i) const { return analysis_.edits.marks()[i]; }

  std::size_t room_needed() const {
    std::size_t room = command_.size();
    for (const std::size_t i : todo_) {
      const std::size_t n = 1 + previous_of(analysis_, analysis_.rewrites[i]).size();
      room += kListRoom + n * (kItemRoom + mark(i).value_size);
    }
    return room;
  }

  // ---- Reading

  void document(std::uint32_t at) {
    const std::size_t start = open();
    std::size_t n_items = 0;
    for (Cursor c(command_, at); c.next();) element(c.element(), n_items);
    close(start);
  }

  /// @param n_items  items written so far to a list of which every item is repeated.
  void element(const Element& e, std::size_t& n_items) {
    const std::uint32_t end = e.value_offset + e.value_size;
    if (next_ == todo_.size() || mark(todo_[next_]).type_offset >= end) {
      bytes(command_.subspan(e.type_offset, end - e.type_offset));
    } else if (mark(todo_[next_]).type_offset == e.type_offset) {
      expand(e, analysis_.rewrites[todo_[next_++]], n_items);
    } else {
      name(e.type, e.name);
      document(e.value_offset);
    }
  }

  void expand(const Element& e, const Rewrite& r, std::size_t& n_items) {
    switch (r.comparison) {
      case Comparison::none:
        break;
      case Comparison::implicit: {
        name(Type::object, e.name);
        const std::size_t start = open();
        list("$in", e, r);
        close(start);
        break;
      }
      case Comparison::operation:
        list(e.name == "$ne" ? "$nin" : "$in", e, r);
        break;
      case Comparison::member:
        values(e, r, n_items);
        break;
    }
  }

  // ---- Writing

  void list(std::string_view operation, const Element& e, const Rewrite& r) {
    name(Type::array, operation);
    const std::size_t start = open();
    std::size_t n_items = 0;
    values(e, r, n_items);
    close(start);
  }

  void values(const Element& e, const Rewrite& r, std::size_t& n_items) {
    value(e, n_items);
    for (const KeyId& key : previous_of(analysis_, r)) {
      value(e, n_items);
      const std::size_t offset = out_.size() - e.value_size;
      older_.push_back({static_cast<std::uint32_t>(offset), &key});
    }
  }

  void value(const Element& e, std::size_t& n_items) {
    char digits[20];
    const auto number = std::to_chars(std::begin(digits), std::end(digits), n_items++);
    name(e.type, {digits, number.ptr});
    bytes(command_.subspan(e.value_offset, e.value_size));
  }

  void bytes(Bytes b) { out_.insert(out_.end(), b.begin(), b.end()); }
  void name(Type type, std::string_view text) {
    out_.push_back(static_cast<std::uint8_t>(type));
    out_.insert(out_.end(), text.begin(), text.end());
    out_.push_back(0);
  }
  /// Begins a document or array.
  std::size_t open() {
    const std::size_t start = out_.size();
    out_.resize(start + 4);
    return start;
  }
  void close(std::size_t start) {
    out_.push_back(0);
    const std::size_t size = out_.size() - start;
    for (unsigned i = 0; i < 4; ++i) out_[start + i] = static_cast<std::uint8_t>(size >> (8 * i));
  }

  Bytes command_;
  const Analysis& analysis_;
  std::vector<std::size_t> todo_;  // indexes of rewrites, in document order
  std::size_t next_ = 0;           // in todo_
  std::vector<std::uint8_t> out_;
  std::vector<Older> older_;  // in document order
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
                                          Analysis& analysis) {
  Expander expander(command, analysis);
  if (expander.nothing_to_do()) return std::vector<std::uint8_t>();
  FLE_TRY(std::vector<std::uint8_t> expanded, expander.run());
  Done done = analyze(expanded, db, schemas, analysis);
  if (done) done = give_keys(expander.older(), analysis);
  if (done) return expanded;
  wipe(expanded);
  return done.error();
}

}  // namespace

Outcome<std::vector<std::uint8_t>> roll_over(Bytes command, std::string_view db,
                                             std::span<const CollectionSchema> schemas,
                                             Analysis& analysis) {
  if (analysis.previous_keys == nullptr) return std::vector<std::uint8_t>();
  try {
    auto expanded = expand(command, db, schemas, analysis);
    if (!expanded) {
      auto findings = std::move(analysis.findings);
      analysis.clear();
      analysis.findings = std::move(findings);
    }
    return expanded;
  } catch (const std::bad_alloc&) {
    analysis.clear();
    return Failure(Errc::no_memory, {});
  }
}

}  // namespace fle::query
