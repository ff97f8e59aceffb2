#include "edits_builder.h"

namespace fle::bson {
namespace {

using internal::Element;
using internal::Frame;
using internal::Visit;

class CiphertextVisitor {
 public:
  // Whoever decrypts a document expects ciphertexts in it.
  static constexpr bool kLooksIntoPlain = true;

  CiphertextVisitor(Bytes doc, internal::EditsBuilder& out) noexcept : doc_(doc), out_(out) {}

  Visit element(const Element& e, std::span<Frame> frames) {
    if (e.type == Type::bin_data && internal::is_subtype_6(doc_.data() + e.value_offset))
      encrypted(e, frames);
    return {};
  }
  [[nodiscard]] bool leave(const Frame&) const noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }

 private:
  // A payload that is too short is for the decrypter to refuse.
  void encrypted(const Element& e, std::span<Frame> frames) {
    const bool ours = internal::is_ciphertext(doc_.data() + e.value_offset, e.value_size);
    if (ours && !frames.back().in_scope) {
      out_.add_mark(e, frames, 0);
    } else {
      out_.note_unmarked(doc_, e);
    }
  }

  Bytes doc_;
  internal::EditsBuilder& out_;
};

}  // namespace

Done find_ciphertexts(Bytes doc, Edits& out, const Limits& limits) {
  return internal::fill(out, doc, limits, [&](internal::EditsBuilder& builder) {
    CiphertextVisitor visitor(doc, builder);
    return internal::Walker(doc, limits, visitor).run({});
  });
}

Bytes binary_content(BorrowedBytes doc, const Mark& mark) noexcept {
  return doc.subspan(mark.value_offset, mark.value_size).subspan(internal::kBinaryHeader);
}

}  // namespace fle::bson
