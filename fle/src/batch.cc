#include "fle/batch.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

#include "engine.h"
#include "fle/random.h"
#include "fle/secret.h"

namespace fle {
namespace {

constexpr std::uint8_t kLastBsonType = 0x13;  // decimal128; minKey and maxKey are never encrypted

std::optional<Errc> why_not_sealable(const SealJob& j) noexcept {
  if (j.key == nullptr || j.plaintext.empty() || j.plaintext.size() > kMaxPlaintextLen ||
      j.bson_type == 0 || j.bson_type > kLastBsonType) {
    return Errc::invalid_argument;
  }
  if (j.algorithm != Algorithm::deterministic && j.algorithm != Algorithm::random) {
    return Errc::invalid_argument;
  }
  if (j.out.size() != payload_len(j.plaintext.size())) return Errc::buffer_too_small;
  if (!engine::is_live(engine::use(*j.key))) return Errc::key_not_inherited;
  return std::nullopt;
}

std::optional<Errc> why_not_openable(const OpenJob& j) noexcept {
  if (j.key == nullptr) return Errc::invalid_argument;
  if (j.out.size() < open_capacity(j.payload.size())) return Errc::buffer_too_small;
  if (!engine::is_live(engine::use(*j.key))) return Errc::key_not_inherited;
  if (!parse_payload(j.payload)) return Errc::malformed_payload;
  return std::nullopt;
}

// The header is also the associated data.
void write_header(const SealJob& j) noexcept {
  j.out[0] = static_cast<std::uint8_t>(j.algorithm);
  std::copy(j.key_id.bytes.begin(), j.key_id.bytes.end(), j.out.begin() + 1);
  j.out[kPayloadHeaderLen - 1] = j.bson_type;
}

/// Room for kN objects that come to be only when they are needed: clearing all slots would cost a
/// small batch more than its own work on them.
template <class T, std::size_t kN>
class Slots {
 public:
  static_assert(std::is_trivially_destructible_v<T>);
  void put(std::size_t i, const T& value) noexcept { std::construct_at(at(i), value); }
  [[nodiscard]] T* data() noexcept { return at(0); }

 private:
  [[nodiscard]] T* at(std::size_t i) noexcept { return reinterpret_cast<T*>(bytes_) + i; }
  alignas(T) std::byte bytes_[kN * sizeof(T)];
};

/// Fields of one class share a chunk: beside a long one, short ones would be done long before it,
/// and each chunk would wait for a long one of its own.
enum class Class : std::uint8_t { brief, usual, lengthy, all };
constexpr Class kClasses[] = {Class::brief, Class::usual, Class::lengthy};

Class class_of(std::size_t plaintext_len) noexcept {
  constexpr std::size_t kBrief = 63;  // its tag, as its IV, is a hash of one block
  constexpr std::size_t kUsual = 512;
  if (plaintext_len <= kBrief) return Class::brief;
  return plaintext_len <= kUsual ? Class::usual : Class::lengthy;
}

std::size_t len_of(const SealJob& j) noexcept { return j.plaintext.size(); }
std::size_t len_of(const OpenJob& j) noexcept { return j.payload.size(); }

/// The classes that there are in a batch, each of which is gone through.
template <class Job>
class Classes {
 public:
  explicit Classes(std::span<Job> jobs) noexcept {
    for (const Job& j : jobs) ++count_[static_cast<std::size_t>(of(j))];
  }
  [[nodiscard]] bool has(Class c) const noexcept {
    return count_[static_cast<std::size_t>(c)] != 0;
  }
  static Class of(const SealJob& j) noexcept { return class_of(j.plaintext.size()); }
  // Of the longest plaintext that may be in it, less what a shorter padding would leave.
  static Class of(const OpenJob& j) noexcept {
    const std::size_t padded = open_capacity(j.payload.size());
    return class_of(padded == 0 ? 0 : padded - 1);
  }

 private:
  std::size_t count_[std::size(kClasses)] = {};
};

/// Longest first, so that no long one is left to run alone at the end.
template <class Job>
void sort_by_length(std::span<Job*> jobs) noexcept {
  const auto longer = [](const Job* a, const Job* b) noexcept { return len_of(*a) > len_of(*b); };
  if (!std::is_sorted(jobs.begin(), jobs.end(), longer))
    std::sort(jobs.begin(), jobs.end(), longer);
}

/// @tparam kMost  jobs there may be
template <std::size_t kMost>
Errc seal_chunk(std::span<const SealJob* const> jobs) noexcept {
  Slots<engine::SealItem, kMost> items;
  std::uint8_t ivs[kMost * kIvLen];
  std::size_t n_random = 0;
  for (const SealJob* j : jobs) n_random += j->algorithm == Algorithm::random ? 1 : 0;
  if (n_random != 0) {
    if (const Status s = random_bytes({ivs, n_random * kIvLen}); !s) return s.error().code;
  }

  std::size_t next_iv = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const SealJob& j = *jobs[i];
    write_header(j);
    const MutBytes sealed = j.out.subspan(kPayloadHeaderLen);
    const bool derived = j.algorithm == Algorithm::deterministic;
    if (!derived) std::memcpy(sealed.data(), ivs + kIvLen * next_iv++, kIvLen);
    items.put(i, {engine::use(*j.key), derived ? engine::Iv::derived : engine::Iv::given,
                  j.out.first(kPayloadHeaderLen), j.plaintext, sealed});
  }
  return engine::seal({items.data(), jobs.size()}) ? Errc{} : Errc::crypto_failed;
}

/// Takes jobs of class `c` from the front of `jobs`, at most kMost; moves `jobs` behind them.
template <std::size_t kMost, class Job, class Wanted>
std::span<Job*> take(Job* (&taken)[kMost], std::span<Job>& jobs, Class c, Wanted wanted) noexcept {
  std::size_t n = 0;
  std::size_t i = 0;
  for (; i < jobs.size() && n < kMost; ++i) {
    if (wanted(jobs[i]) && (c == Class::all || Classes<Job>::of(jobs[i]) == c))
      taken[n++] = &jobs[i];
  }
  jobs = jobs.subspan(i);
  if (c != Class::brief && n > 1) sort_by_length<Job>({taken, n});
  return {taken, n};
}

/// All jobs of a class.
std::optional<BatchError> seal_class(std::span<const SealJob> jobs, Class c) noexcept {
  const SealJob* taken[engine::kChunk];
  for (std::span<const SealJob> rest = jobs; !rest.empty();) {
    const auto chunk = take(taken, rest, c, [](const SealJob&) noexcept { return true; });
    if (chunk.empty()) break;
    const Errc code = seal_chunk<engine::kChunk>(chunk);
    if (code != Errc{}) return BatchError{code, static_cast<std::size_t>(chunk[0] - jobs.data())};
  }
  return std::nullopt;
}

/// Jobs on their way through the engine: as many as fit of those that are `opened` so far.
template <std::size_t kMost>
class OpenChunk {
 public:
  /// Takes jobs of a class from the front of `jobs`, which then is the rest.
  void load(std::span<OpenJob>& jobs, Class c) noexcept {
    n_ = take(from_, jobs, c, [](const OpenJob& j) noexcept { return j.opened; }).size();
    for (std::size_t i = 0; i < n_; ++i) {
      const OpenJob& j = *from_[i];
      items_.put(i, {engine::use(*j.key), j.payload.first(kPayloadHeaderLen),
                     j.payload.subspan(kPayloadHeaderLen), j.out, true, 0});
    }
  }
  [[nodiscard]] std::span<engine::OpenItem> items() noexcept { return {items_.data(), n_}; }
  void store() noexcept {
    for (std::size_t i = 0; i < n_; ++i) {
      const engine::OpenItem& it = items_.data()[i];
      from_[i]->opened = it.opened;
      from_[i]->plaintext_len = it.plaintext_len;
    }
  }

 private:
  Slots<engine::OpenItem, kMost> items_;
  OpenJob* from_[kMost];
  std::size_t n_;
};

/// All tags of all jobs before the first block of any: what fits in one chunk is loaded once.
template <std::size_t kMost>
bool open_in_chunks(std::span<OpenJob> jobs) noexcept {
  OpenChunk<kMost> chunk;
  if (jobs.size() <= kMost) {
    chunk.load(jobs, Class::all);
    const bool good = engine::check_tags(chunk.items()) && engine::decrypt(chunk.items());
    chunk.store();
    return good;
  }
  const Classes<OpenJob> classes(jobs);
  for (const auto phase : {engine::check_tags, engine::decrypt}) {
    for (const Class c : kClasses) {
      if (!classes.has(c)) continue;
      for (std::span<OpenJob> rest = jobs; !rest.empty();) {
        chunk.load(rest, c);
        if (!phase(chunk.items())) return false;
        chunk.store();
      }
    }
  }
  return true;
}

}  // namespace

BatchStatus seal_batch(std::span<const SealJob> jobs) noexcept {
  const auto give_up = [jobs](Errc code, std::size_t i) noexcept {
    for (const SealJob& j : jobs) wipe(j.out);
    return BatchError{code, i};
  };
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (const auto code = why_not_sealable(jobs[i])) return give_up(*code, i);
  }
  if (jobs.empty()) return ok;
  if (jobs.size() == 1) {
    const SealJob* const one = jobs.data();
    const Errc code = seal_chunk<1>({&one, 1});
    return code == Errc{} ? BatchStatus(ok) : give_up(code, 0);
  }
  if (jobs.size() <= engine::kChunk) {
    const auto rest = seal_class(jobs, Class::all);
    return rest ? give_up(rest->code, rest->index) : BatchStatus(ok);
  }
  const Classes<const SealJob> classes(jobs);
  for (const Class c : kClasses) {
    if (!classes.has(c)) continue;
    if (const auto failed = seal_class(jobs, c)) return give_up(failed->code, failed->index);
  }
  return ok;
}

BatchStatus open_batch(std::span<OpenJob> jobs) noexcept {
  std::optional<BatchError> first;
  const auto fail = [&first](Errc code, std::size_t i) noexcept {
    if (!first) first = BatchError{code, i};
  };
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto code = why_not_openable(jobs[i]);
    jobs[i].opened = !code;
    jobs[i].plaintext_len = 0;
    if (code) fail(*code, i);
  }
  const bool good =
      jobs.size() == 1 ? open_in_chunks<1>(jobs) : open_in_chunks<engine::kChunk>(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    OpenJob& j = jobs[i];
    if (good && j.opened) continue;
    if (!good) {
      fail(Errc::crypto_failed, i);
    } else if (!first || i < first->index) {
      first = BatchError{Errc::auth_failed, i};
    }
    j.opened = false;
    j.plaintext_len = 0;
    wipe(j.out);
  }
  if (first) return *first;
  return ok;
}

}  // namespace fle
