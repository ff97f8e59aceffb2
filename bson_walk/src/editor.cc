#include "fle/bson_walk/editor.h"

#include "edits_builder.h"

namespace fle::bson {

Editor::Editor(Edits& edits, Bytes whole) : edits_(edits), whole_(whole) {
  internal::EditsBuilder(edits).begin(whole);
  enter(0);
}

void Editor::enter(std::uint32_t offset) { levels_.push_back({offset, internal::kNone}); }
void Editor::leave() noexcept { levels_.pop_back(); }

// As EditsBuilder::enclosing_of: a level gets its entry with the first mark inside.
std::uint32_t Editor::innermost() {
  std::size_t i = levels_.size();
  while (i != 0 && levels_[i - 1].enclosing == internal::kNone) --i;
  for (; i < levels_.size(); ++i) {
    const std::uint32_t parent = i == 0 ? 0 : levels_[i - 1].enclosing;
    levels_[i].enclosing = static_cast<std::uint32_t>(edits_.enclosing_.size());
    edits_.enclosing_.push_back({0, levels_[i].offset, parent, 0, 0, 0});
  }
  return levels_.back().enclosing;
}

Done Editor::in_order(const Element& e) const {
  if (edits_.marks_.empty() || e.type_offset > edits_.marks_.back().type_offset) return ok;
  return Failure(Errc::analysis_disordered, "edits must be made in document order");
}

Done Editor::mark(const Element& e, schema::Plan::LeafId leaf) {
  FLE_CHECK(in_order(e));
  internal::EditsBuilder::add_mark(edits_, e, 0, leaf, innermost());
  return ok;
}

void Editor::keep(std::size_t n) noexcept { internal::EditsBuilder(edits_).keep(n); }

}  // namespace fle::bson
