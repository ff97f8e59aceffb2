#ifndef FLE_TOOLS_PATIENTS_H_
#define FLE_TOOLS_PATIENTS_H_

#include <cstdint>

#include "fle/bson/writer.h"

namespace fle::tools {

/// Patients have unlike social security numbers and policies up to this number.
inline constexpr std::uint64_t kMostPatients = 100'000'000;

/// Patient `i` of the clinic that has this seed, from 0: nobody real. It is the same on every
/// machine, whatever else is written. Numbers of social security begin with 9, which none does.
void add_patient(bson::Writer& out, std::uint64_t seed, std::uint64_t i);

}  // namespace fle::tools

#endif  // FLE_TOOLS_PATIENTS_H_
