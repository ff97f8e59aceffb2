#include "fle/bson_walk/alike.h"

#include <algorithm>
#include <array>
#include <utility>

#include "edits_builder.h"
#include "fle/bson_walk/editor.h"
#include "fle/over_budget.h"
#include "fle/same_text.h"

namespace fle::bson {
namespace {

using internal::kNone;
using internal::kShapes;
using internal::Rule;
using schema::Plan;

constexpr std::size_t kMostSteps = 512;
constexpr std::size_t kLongestHead = 256;
constexpr std::uint32_t kMostLevels = 32;

/// A document or array that a walk is inside of.
struct Level {
  const std::uint8_t* start;  // of its length
  const std::uint8_t* end;    // its terminating NUL
  std::uint32_t type_offset;  // of the element that holds it; 0 for the root
  std::uint32_t enclosing;    // its entry in Edits, kNone until it holds a mark
};

/// The levels down to where a walk is.
class Levels {
 public:
  explicit Levels(Bytes doc) noexcept : base_(doc.data()) { enter(base_, doc.size(), 0); }
  void enter(const std::uint8_t* start, std::size_t size, std::uint32_t type_offset) noexcept {
    levels_[depth_++] = {start, start + size - 1, type_offset, kNone};
  }
  void leave() noexcept { --depth_; }
  /// The root is the first.
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }
  [[nodiscard]] const std::uint8_t* end() const noexcept { return levels_[depth_ - 1].end; }

  /// The entry of the innermost in `out`; those around it get theirs before it.
  std::uint32_t enclosing(internal::EditsBuilder& out) {
    std::uint32_t i = depth_;
    while (i != 0 && levels_[i - 1].enclosing == kNone) --i;
    for (; i < depth_; ++i) {
      Level& l = levels_[i];
      l.enclosing = out.add_enclosing(l.type_offset, static_cast<std::uint32_t>(l.start - base_),
                                      i == 0 ? out.parent_of_root() : levels_[i - 1].enclosing);
    }
    return levels_[depth_ - 1].enclosing;
  }

 private:
  const std::uint8_t* base_;
  std::uint32_t depth_ = 0;
  std::array<Level, kMostLevels> levels_;  // uninitialized: only [0, depth_) is read
};

std::string_view text_at(const std::uint8_t* p, std::size_t n) noexcept {
  return {reinterpret_cast<const char*>(p), n};
}

bool is_one_document(Bytes doc) noexcept {
  return doc.size() <= internal::kMaxDocument &&
         internal::shallow_document_size(doc.data(), doc.size()) == doc.size();
}

}  // namespace

void AlikeDocuments::forget() noexcept {
  forget_way();
  plan_ = nullptr;
  hits_ = 0;
  misses_ = 0;
}

Done AlikeDocuments::find_fields(Bytes doc, const Plan& plan, Edits& out, const Limits& limits,
                                 bool is_last) {
  if (plan_ != &plan || root_ != plan.root().node) forget();
  plan_ = &plan;
  root_ = plan.root().node;
  internal::EditsBuilder builder(out);
  builder.begin(doc);
  if (follow(doc, builder, limits)) {
    ++hits_;
    if (limits.work == nullptr || !limits.work->spent()) return ok;
    out.clear();
    return over_budget(*limits.work, {});
  }
  FLE_CHECK(bson::find_fields(doc, plan, out, limits));
  if (plan.root().kind == Plan::Kind::object) learn({doc, 0, out, 0}, is_last);
  return ok;
}

Done AlikeDocuments::find_fields(Editor& editor, const Element& e, const Plan& plan,
                                 const Start& start, const Limits& limits, bool is_last) {
  // Of whole documents: what else they may be taken for is not learned.
  if (start.step.kind != Plan::Kind::object || !start.stored || !start.needs_id)
    return editor.find_fields(e, plan, start, limits);
  if (plan_ != &plan || root_ != start.step.node) forget();
  plan_ = &plan;
  root_ = start.step.node;
  const Bytes doc = editor.whole_.subspan(e.value_offset, e.value_size);
  internal::EditsBuilder builder(editor, e.value_offset);
  const std::span<const Mark> marks = std::as_const(editor.edits_).marks();
  const bool in_order = marks.empty() || e.type_offset > marks.back().type_offset;
  if (way_.size() != 0 && in_order) {
    (void)builder.parent_of_root();  // has its entry now, which stays
    const internal::EditsBuilder::Point before = builder.here();
    if (follow(doc, builder, limits)) {
      ++hits_;
      if (limits.work == nullptr || !limits.work->spent()) return ok;
      builder.back_to(before);
      return over_budget(*limits.work, {});
    }
    builder.back_to(before);
  }
  const std::size_t first_mark = builder.n_marks();
  FLE_CHECK(editor.find_fields(e, plan, start, limits));
  learn({doc, e.value_offset, editor.edits_, first_mark}, is_last);
  return ok;
}

Done AlikeDocuments::find_ciphertexts(Bytes doc, Edits& out, const Limits& limits, bool is_last) {
  if (plan_ != nullptr) forget();
  internal::EditsBuilder builder(out);
  builder.begin(doc);
  if (follow(doc, builder, limits)) {
    ++hits_;
    return ok;
  }
  FLE_CHECK(bson::find_ciphertexts(doc, out, limits));
  learn({doc, 0, out, 0}, is_last);
  return ok;
}

/// False where the document goes another way, or is at fault: what `found` has then counts for
/// nothing.
bool AlikeDocuments::follow(Bytes doc, internal::EditsBuilder& found, const Limits& limits) const {
  if (way_.size() == 0 || doc.size() > limits.max_bytes || !is_one_document(doc)) return false;
  const std::uint32_t max_depth = std::min(limits.max_depth, kMostLevels);
  if (max_depth == 0) return false;
  const std::uint8_t* const base = doc.data();
  const std::uint8_t* const doc_end = base + doc.size();
  Levels levels(doc);
  internal::EditsBuilder out = found;  // a copy may stay in registers
  std::uint64_t n_elements = 0;
  const std::uint8_t* const heads = heads_.all().data()->data();
  const std::uint8_t* p = base + 4;
  for (const Step& step : way_.all()) {
    const std::uint8_t* const end = levels.end();
    if (step.what == What::left) {
      if (p != end) return false;
      ++p;
      levels.leave();
      continue;
    }
    if (step.size > end - p ||
        !same_text(text_at(p, step.size), text_at(heads + step.head, step.size)))
      return false;
    const std::uint8_t* const value = p + step.size;
    const auto avail = static_cast<std::size_t>(end - value);
    const internal::Shape shape = kShapes[static_cast<std::uint8_t>(step.type)];
    const std::size_t size =
        internal::value_size(shape, value, avail, static_cast<std::size_t>(doc_end - value));
    if (size > avail) return false;
    ++n_elements;
    const auto type_offset = static_cast<std::uint32_t>(p - base);
    p = value + size;
    // An encrypted value is marked where ciphertexts are looked for, and nowhere else.
    if (step.type == Type::bin_data &&
        internal::is_subtype_6(value) != (plan_ == nullptr && step.what == What::marked))
      return false;
    if (step.what == What::marked) {
      if (plan_ == nullptr && !internal::is_ciphertext(value, size)) return false;
      out.add_mark({type_offset,
                    static_cast<std::uint32_t>(value - base),
                    static_cast<std::uint32_t>(size),
                    step.type,
                    {}},
                   step.leaf, levels.enclosing(out));
    }
    if (shape.rule != Rule::document) continue;
    if (levels.depth() == max_depth) return false;
    if (step.what == What::entered) {
      levels.enter(value, size, type_offset);
      p = value + 4;
      continue;
    }
    const internal::PlainWalk inside =
        internal::walk_plain(value, size, doc_end, max_depth - levels.depth() - 1);
    if (inside.stopped_at != nullptr) return false;
    n_elements += inside.n_elements;
  }
  if (limits.work != nullptr) limits.work->step(n_elements + 1);
  return true;
}

void AlikeDocuments::learn(const Walked& walked, bool is_last) {
  const bool is_first = ++misses_ == 1;
  if (!(is_first && is_last) && is_worth_it() && learn_way(walked)) return;
  forget_way();
}

void AlikeDocuments::forget_way() noexcept {
  while (way_.size() != 0) way_.pop_back();
  while (heads_.size() != 0) heads_.pop_back();
}

void AlikeDocuments::add_head(Bytes head) {
  for (; !head.empty(); head = head.subspan(std::min(head.size(), sizeof(HeadPart)))) {
    HeadPart part{};
    std::copy_n(head.begin(), std::min(head.size(), part.size()), part.begin());
    heads_.push_back(part);
  }
}

/// Notes the way through a document that was walked. False for one whose elements say more than
/// their names and types: then the next one takes no shorter way.
bool AlikeDocuments::learn_way(const Walked& walked) {
  const Bytes doc = walked.doc;
  forget_way();
  if (!walked.edits.nulls().empty() || !walked.edits.unmarked().none()) return false;
  const std::uint8_t* const base = doc.data();
  const std::uint8_t* const doc_end = base + doc.size();
  std::array<Plan::NodeId, kMostLevels> nodes;
  nodes[0] = root_;
  Levels levels(doc);
  std::span<const Mark> marks = walked.edits.marks().subspan(walked.first_mark);
  for (const std::uint8_t* p = base + 4; levels.depth() != 0;) {
    if (way_.size() == kMostSteps) return false;
    way_.push_back({});
    Step& step = way_.back();
    if (*p == 0) {
      ++p;
      levels.leave();
      continue;
    }
    const std::uint8_t* const value = internal::find_nul(p + 1, doc_end) + 1;
    const auto head = static_cast<std::size_t>(value - p);
    const internal::Shape shape = kShapes[*p];
    if (head > kLongestHead || shape.rule == Rule::scoped_code) return false;
    const std::size_t size =
        internal::value_size(shape, value, static_cast<std::size_t>(levels.end() - value),
                             static_cast<std::size_t>(doc_end - value));
    step = {What::passed, static_cast<Type>(*p), static_cast<std::uint16_t>(head),
            static_cast<std::uint32_t>(heads_.size() * sizeof(HeadPart)), 0};
    add_head({p, head});
    const auto type_offset = static_cast<std::uint32_t>(p - base);
    Plan::Step meaning;
    if (plan_ != nullptr) {
      // What is searched for is counted, and a value of zeros is refused in some places.
      Work searched;
      const std::string_view name = text_at(p + 1, head - 2);
      meaning = plan_->child(nodes[levels.depth() - 1], name, &searched);
      if (searched.steps() != 0 || name.find('.') != std::string_view::npos ||
          (meaning.kind == Plan::Kind::encrypted && step.type == Type::timestamp))
        return false;
    }
    p = value + size;
    const bool is_container = shape.rule == Rule::document;
    if (!marks.empty() && marks.front().type_offset == walked.base + type_offset) {
      step.what = What::marked;
      step.leaf = marks.front().leaf;
      marks = marks.subspan(1);
    } else if (is_container && (plan_ == nullptr || meaning.kind == Plan::Kind::object)) {
      if (levels.depth() == kMostLevels) return false;
      step.what = What::entered;
      nodes[levels.depth()] = meaning.node;
      levels.enter(value, size, type_offset);
      p = value + 4;
    }
  }
  return true;
}

}  // namespace fle::bson
