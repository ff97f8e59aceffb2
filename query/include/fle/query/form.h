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

/// Says what a mark becomes.
/// @param encrypted_size  gives the size of the binary in bytes, its length and subtype included;
///                        not called for Form::eq_plain.
template <class Size>
void set_new(bson::Mark& m, const Rewrite& r, Size encrypted_size) {
  const std::size_t inner = r.form == Form::eq_plain ? m.value_size : encrypted_size();
  m.new_type = r.form == Form::value ? bson::Type::bin_data : bson::Type::object;
  m.new_size = static_cast<std::uint32_t>(r.form == Form::value ? inner : inner + kEqAround);
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

}  // namespace fle::query

#endif  // FLE_QUERY_FORM_H_
