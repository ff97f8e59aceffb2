#include "fle/bson/little_endian.h"
#include "fle/bson/value.h"
#include "numbers.h"

namespace fle::bson {

Result<Decimal128> Decimal128::parse(std::string_view text) {
  std::uint8_t bits[internal::kDecimalLen];
  if (!internal::parse_decimal(bits, text))
    return Error{Errc::invalid_argument, "Decimal128::parse: no decimal that 34 digits hold"};
  return Decimal128{load64(bits + 8), load64(bits)};
}

std::string Decimal128::to_string() const {
  std::uint8_t bits[internal::kDecimalLen];
  store64(bits, low);
  store64(bits + 8, high);
  char text[internal::kMaxNumberText];
  return {text, internal::write_decimal(text, bits)};
}

}  // namespace fle::bson
