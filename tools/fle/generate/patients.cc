#include "patients.h"

#include <algorithm>
#include <array>
#include <string>

#include "random.h"

namespace fle::tools {
namespace {

constexpr std::string_view kGivenNames[] = {
    "Ada",    "Alice", "Amir",  "Ana",  "Anton", "Bea",   "Bruno", "Carla", "Chen",  "Clara",
    "Daniel", "Dora",  "Elena", "Emil", "Esra",  "Fatou", "Felix", "Grace", "Hana",  "Hugo",
    "Ida",    "Imani", "Ines",  "Ivan", "Jamal", "Jon",   "Jonas", "Kai",   "Karin", "Kofi",
    "Lea",    "Leo",   "Lina",  "Linh", "Luca",  "Maja",  "Marc",  "Maria", "Max",   "Mei",
    "Mila",   "Nadia", "Nils",  "Noor", "Olga",  "Omar",  "Otto",  "Paul",  "Petra", "Priya",
    "Rafael", "Rosa",  "Samir", "Sara", "Sofia", "Tariq", "Tessa", "Tom",   "Uma",   "Vera",
    "Victor", "Wanda", "Yara",  "Zoe"};
constexpr std::string_view kFamilyNames[] = {
    "Abbas",  "Adler",  "Ali",    "Baker",  "Bauer", "Berg",   "Brown",    "Castro",
    "Chan",   "Costa",  "Cruz",   "Diaz",   "Doe",   "Dubois", "Evans",    "Fischer",
    "Flores", "Ford",   "Garcia", "Gruber", "Haas",  "Hansen", "Hughes",   "Ito",
    "Jansen", "Jones",  "Kaya",   "Keller", "Khan",  "Kim",    "Kowalski", "Kumar",
    "Lang",   "Le",     "Lopez",  "Marino", "Meyer", "Mensah", "Moore",    "Nguyen",
    "Novak",  "Okafor", "Olsen",  "Park",   "Patel", "Poe",    "Popescu",  "Rossi",
    "Roe",    "Roy",    "Sato",   "Schmid", "Silva", "Singh",  "Smith",    "Suzuki",
    "Torres", "Vargas", "Wagner", "Walker", "Weber", "Wong",   "Yilmaz",   "Young"};
constexpr std::string_view kProviders[] = {"MaestCare", "HealthCo", "Union Aid", "North Mutual",
                                           "CarePoint", "Salus",    "Vita Plus", "Harbor Health"};
constexpr std::string_view kNotes[] = {
    "No complaints.",
    "Returns in two weeks for a check of blood pressure.",
    "Reports headaches in the evening; sleep is poor.",
    "Advised to walk for half an hour a day and to reduce salt.",
    "Laboratory values are within their ranges.",
    "Cough since five days, no fever. Lungs are clear.",
    "Vaccination is complete.",
    "Pain in the lower back after lifting; no signs of nerve involvement.",
    "Medication is taken as prescribed and well tolerated.",
    "Referred to a specialist; letter was handed over."};

/// Shares of the blood types, of 1,000 (roughly those of the United States).
struct BloodType {
  std::string_view name;
  std::uint32_t share;
};
constexpr BloodType kBloodTypes[] = {{"O+", 374}, {"A+", 357}, {"B+", 85}, {"O-", 66},
                                     {"A-", 63},  {"AB+", 34}, {"B-", 15}, {"AB-", 6}};

/// Codes are those of ICD-10.
struct Diagnosis {
  std::string_view code;
  std::string_view text;
};
constexpr Diagnosis kDiagnoses[] = {{"I10", "Essential hypertension"},
                                    {"E11", "Type 2 diabetes"},
                                    {"J06", "Upper respiratory infection"},
                                    {"M54", "Back pain"},
                                    {"E78", "Raised cholesterol"},
                                    {"J45", "Asthma"},
                                    {"G43", "Migraine"},
                                    {"K21", "Reflux"},
                                    {"L30", "Dermatitis"},
                                    {"Z00", "General examination"}};

std::string_view blood_type(Random& random) {
  std::uint32_t at = random.below(1000);
  for (const BloodType& b : kBloodTypes) {
    if (at < b.share) return b.name;
    at -= b.share;
  }
  return kBloodTypes[0].name;
}

/// A permutation of the numbers below 2^28 that the seed chooses: four rounds of a Feistel network
/// on halves of 14 bits.
std::uint32_t permuted(std::uint64_t seed, std::uint32_t n) {
  constexpr unsigned kHalf = 14;
  constexpr std::uint32_t kMask = (1U << kHalf) - 1;
  std::uint32_t left = n >> kHalf;
  std::uint32_t right = n & kMask;
  for (std::uint64_t round = 0; round < 4; ++round) {
    const std::uint64_t mixed = Random(seed, round << kHalf | right).next();
    const std::uint32_t next = left ^ (static_cast<std::uint32_t>(mixed >> 32) & kMask);
    left = right;
    right = next;
  }
  return left << kHalf | right;
}

/// Number `i` of all numbers below kMostPatients, in an order that the seed chooses: each once.
std::int32_t shuffled(std::uint64_t seed, std::uint64_t i) {
  auto n = static_cast<std::uint32_t>(i % kMostPatients);
  do {
    n = permuted(seed, n);
  } while (n >= kMostPatients);  // on the same cycle, which comes back below
  return static_cast<std::int32_t>(n);
}

/// Time that a document's id says, in seconds: 2026-01-01 and one a second from then on.
constexpr std::uint64_t kFirstId = 1'767'225'600;

/// The layout of an ObjectId: time, five bytes of the process, a counter; big-endian.
std::array<std::uint8_t, 12> object_id(std::uint64_t seed, std::uint64_t i) {
  std::array<std::uint8_t, 12> id{};
  const std::uint64_t process = Random(seed).next();
  for (std::size_t k = 0; k < 4; ++k)
    id[k] = static_cast<std::uint8_t>((kFirstId + i) >> (24 - 8 * k));
  for (std::size_t k = 0; k < 5; ++k) id[4 + k] = static_cast<std::uint8_t>(process >> (8 * k));
  for (std::size_t k = 0; k < 3; ++k) id[9 + k] = static_cast<std::uint8_t>(i >> (16 - 8 * k));
  return id;
}

void add_record(bson::Writer& out, Random& random, std::int64_t day, std::int32_t weight) {
  constexpr std::int64_t kDay = 86'400'000;
  const Diagnosis& diagnosis = random.one_of(std::span<const Diagnosis>(kDiagnoses));
  const std::int32_t systolic = random.between(100, 165);
  const std::int32_t diastolic = random.between(60, std::min(systolic - 25, 105));
  out.begin_document({})
      .add_date("date", day * kDay)
      .add_int32("weight", weight + random.between(-4, 4))
      .add_string("bloodPressure", std::to_string(systolic) + "/" + std::to_string(diastolic))
      .add_string("diagnosis", std::string(diagnosis.code) + " " + std::string(diagnosis.text))
      .add_string("note", random.one_of(std::span<const std::string_view>(kNotes)))
      .end();
}

}  // namespace

void add_patient(bson::Writer& out, std::uint64_t seed, std::uint64_t i) {
  Random random(seed, i);
  const std::string_view given = random.one_of(std::span<const std::string_view>(kGivenNames));
  const std::string_view family = random.one_of(std::span<const std::string_view>(kFamilyNames));
  constexpr std::int32_t kFirstSsn = 900'000'000;
  const auto id = object_id(seed, i);
  out.add(bson::Type::object_id, "_id", id)
      .add_string("name", std::string(given) + " " + std::string(family))
      .add_int32("ssn", kFirstSsn + shuffled(seed, i))
      .add_string("bloodType", blood_type(random))
      .begin_array("medicalRecords");
  std::int64_t day = 18'000 + random.between(0, 1500);  // of 2019 and later
  const std::int32_t weight = random.between(48, 118);
  for (std::uint32_t n = random.below(6); n != 0; --n) {
    add_record(out, random, day, weight);
    day += random.between(7, 400);
  }
  out.end()
      .begin_document("insurance")
      .add_int32("policyNumber", 100'000'000 + shuffled(seed + 1, i))
      .add_string("provider", random.one_of(std::span<const std::string_view>(kProviders)))
      .end();
}

}  // namespace fle::tools
