#ifndef FLE_QUERY_FORM_H_
#define FLE_QUERY_FORM_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "fle/query/analysis.h"

namespace fle::query {

/// The operator around the value of a rewrite; empty where there is none.
[[nodiscard]] constexpr std::string_view operator_of(Form form) noexcept {
  switch (form) {
    case Form::value:
      break;
    case Form::eq:
    case Form::eq_plain:
      return "$eq";
    case Form::const_plain:
      return "$const";
  }
  return {};
}
/// What stands around the value. {$eq: value} as bytes: int32 length, type, "$eq", NUL, value, NUL.
[[nodiscard]] constexpr std::size_t bytes_before(Form form) noexcept {
  return form == Form::value ? 0 : 4 + 1 + operator_of(form).size() + 1;
}
[[nodiscard]] constexpr std::size_t bytes_around(Form form) noexcept {
  return form == Form::value ? 0 : bytes_before(form) + 1;
}

/// Lays the command out as it will be, once `analysis` has been filled by analyze().
/// @param encrypted_size  a function of rewrite and mark: bytes of the binary that stands for the
///                        value, its length and subtype included; not called where it stays as it
///                        is.
/// @return  bytes of the new command
/// @retval as bson::Edits::layout
template <class Size>
Outcome<std::size_t> lay_out(Bytes command, Analysis& analysis, Size encrypted_size) {
  const std::span<bson::Mark> marks = analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size(); ++i) {
    bson::Mark& m = marks[i];
    const Rewrite& r = analysis.rewrites[i];
    const std::size_t inner = r.encrypts() ? encrypted_size(r, m) : m.value_size;
    m.new_type = r.form == Form::value ? bson::Type::bin_data : bson::Type::object;
    m.new_size = static_cast<std::uint32_t>(inner + bytes_around(r.form));
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
  all[4] = static_cast<std::uint8_t>(r.encrypts() ? bson::Type::bin_data : m.type);
  const std::string_view name = operator_of(r.form);
  std::memcpy(all.data() + 5, name.data(), name.size());
  all[5 + name.size()] = 0;
  all.back() = 0;
  return all.subspan(bytes_before(r.form), m.new_size - bytes_around(r.form));
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
    if (r.encrypts())
      write(r, m, value, room);
    else if (!value.empty())
      std::memcpy(room.data(), value.data(), value.size());
  }
}

}  // namespace fle::query

#endif  // FLE_QUERY_FORM_H_
