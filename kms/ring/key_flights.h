#ifndef FLE_KMS_SRC_KEY_FLIGHTS_H_
#define FLE_KMS_SRC_KEY_FLIGHTS_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "fle/kms/key_ring.h"
#include "fle/seeded_hash.h"
#include "fle/single_flight.h"

namespace fle::kms {

/// What became of the load of one key.
struct LoadResult {
  KeyHandle key;       // null: see `problem`
  KeyProblem problem;  // by_name and index are for the one who asked to fill in
  /// It failed because the time of the call that began it was over: for another call it may be
  /// otherwise.
  bool cut_short = false;
};

/// The load of one key, under way in one thread and waited for by any number of others.
class KeyFlight : public Flight<LoadResult> {
 public:
  /// @param owner  the load that it is of; only compared
  explicit KeyFlight(const void* owner) noexcept : owner_(owner) {}
  /// Whether it is of a load that was there before this flight was found.
  [[nodiscard]] bool is_of(const void* owner) const noexcept { return owner_ == owner; }

 private:
  const void* const owner_;
};
using FlightPtr = std::shared_ptr<KeyFlight>;

/// Flights by what was asked for. The owner guards it with a lock.
class KeyFlights {
 public:
  explicit KeyFlights(SeededHash hash) : by_id_(0, hash), by_name_(0, hash) {}

  [[nodiscard]] FlightPtr find(const KeyId& id) const { return find_in(by_id_, id); }
  [[nodiscard]] FlightPtr find(const std::string& name) const { return find_in(by_name_, name); }
  void add(const KeyId& id, FlightPtr flight) { by_id_.emplace(id, std::move(flight)); }
  void add(const std::string& name, FlightPtr flight) { by_name_.emplace(name, std::move(flight)); }
  /// Takes a flight out, if it is this one.
  template <class Name>
  void remove(const Name& name, const FlightPtr& flight) noexcept {
    auto& map = map_of(name);
    if (const auto it = map.find(name); it != map.end() && it->second == flight) map.erase(it);
  }
  void clear() noexcept {
    by_id_.clear();
    by_name_.clear();
  }
  /// Calls f(id or name, flight) for each.
  template <class F>
  void for_each(F f) const {
    for (const auto& [id, flight] : by_id_) f(id, flight);
    for (const auto& [name, flight] : by_name_) f(name, flight);
  }

 private:
  template <class Map, class Name>
  static FlightPtr find_in(const Map& map, const Name& name) {
    const auto it = map.find(name);
    return it == map.end() ? nullptr : it->second;
  }
  auto& map_of(const KeyId&) noexcept { return by_id_; }
  auto& map_of(const std::string&) noexcept { return by_name_; }

  // Ids and names come out of documents: the hash is seeded.
  std::unordered_map<KeyId, FlightPtr, SeededHash> by_id_;
  std::unordered_map<std::string, FlightPtr, SeededHash> by_name_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_FLIGHTS_H_
