#ifndef FLE_QUERY_FORM_H_
#define FLE_QUERY_FORM_H_

#include <cstdint>
#include <cstring>

#include "fle/query/analysis.h"

namespace fle::query {

/// What stands around the value of a rewrite. {$eq: value} as bytes: int32 length, type, "$eq",
/// NUL, value, NUL.
inline constexpr std::size_t kEqBefore = 4 + 1 + 4;
inline constexpr std::size_t kEqAround = kEqBefore + 1;

/// Lays the command out as it will be, once `analysis` has been filled by analyze().
/// @param encrypted_size  a function of rewrite and mark: bytes of the binary that stands for the
///                        value, its length and subtype included; not called for Form::eq_plain.
/// @return  bytes of the new command
/// @retval as bson::Edits::layout
template <class Size>
Outcome<std::size_t> lay_out(Bytes command, Analysis& analysis, Size encrypted_size) {
  const std::span<bson::Mark> marks = analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size(); ++i) {
    bson::Mark& m = marks[i];
    const Rewrite& r = analysis.rewrites[i];
    const std::size_t inner = r.form == Form::eq_plain ? m.value_size : encrypted_size(r, m);
    m.new_type = r.form == Form::value ? bson::Type::bin_data : bson::Type::object;
    m.new_size = static_cast<std::uint32_t>(r.form == Form::value ? inner : inner + kEqAround);
  }
  return analysis.edits.layout(command, kCommandLimits);
}

/// Writes what stands around the value.
/// @param out  the laid out command.
/// @return     where the value itself goes.
inline MutBytes write_form(MutBytes out, const bson::Mark& m, const Rewrite& r) noexcept {
  const MutBytes all = out.subspan(m.new_offset, m.new_size);
  if (r.form == Form::value) return all;
  for (int i = 0; i < 4; ++i)
    all[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(m.new_size >> (8 * i));
  all[4] = static_cast<std::uint8_t>(r.form == Form::eq_plain ? m.type : bson::Type::bin_data);
  std::memcpy(all.data() + 5, "$eq", 4);
  all.back() = 0;
  return all.subspan(kEqBefore, m.new_size - kEqAround);
}

/// Writes the command that was laid out, plain values too; encrypted ones are the caller's.
/// @param out    exactly as many bytes as lay_out() said; may not overlap `command`.
/// @param write  a function of rewrite, mark, the bare value, and the room of its binary.
template <class Write>
void write_out(MutBytes out, Bytes command, const Analysis& analysis, Write write) {
  analysis.edits.write(out, command);
  const std::span<const bson::Mark> marks = analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bson::Mark& m = marks[i];
    const Rewrite& r = analysis.rewrites[i];
    const MutBytes room = write_form(out, m, r);
    const Bytes value = command.subspan(m.value_offset, m.value_size);
    if (r.form != Form::eq_plain)
      write(r, m, value, room);
    else if (!value.empty())
      std::memcpy(room.data(), value.data(), value.size());
  }
}

}  // namespace fle::query

#endif  // FLE_QUERY_FORM_H_
