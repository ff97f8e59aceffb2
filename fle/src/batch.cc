#include "fle/batch.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

#include "engine.h"
#include "fle/payload_header.h"
#include "fle/random.h"
#include "fle/secret.h"

namespace fle {
namespace {

constexpr std::uint8_t kLastBsonType = 0x13;  // decimal128; minKey and maxKey are never encrypted

/// @param checked  the key of the job before, which was live
std::optional<Errc> why_not_sealable(const SealJob& j, const DataKey* checked) noexcept {
  if (j.key == nullptr || j.plaintext.empty() || j.plaintext.size() > kMaxPlaintextLen ||
      j.bson_type == 0 || j.bson_type > kLastBsonType) {
    return Errc::invalid_argument;
  }
  if (j.algorithm != Algorithm::deterministic && j.algorithm != Algorithm::random) {
    return Errc::invalid_argument;
  }
  if (j.out.size() != payload_len(j.plaintext.size())) return Errc::buffer_too_small;
  if (j.key != checked && !engine::is_live(engine::use(*j.key))) return Errc::key_not_inherited;
  return std::nullopt;
}

/// @param checked  the key of the job before, which was live
std::optional<Errc> why_not_openable(const OpenJob& j, const DataKey* checked) noexcept {
  if (j.key == nullptr) return Errc::invalid_argument;
  if (j.out.size() < open_capacity(j.payload.size())) return Errc::buffer_too_small;
  if (j.key != checked && !engine::is_live(engine::use(*j.key))) return Errc::key_not_inherited;
  if (!has_payload_header(j.payload)) return Errc::malformed_payload;
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

/// Fields share a chunk with others of their class: beside a long one, short ones would be done
/// long before it, and each chunk would wait for a long one of its own. Only what is left of a
/// class, too little for a chunk, has fields of the next one beside it, which fill lanes that would
/// be idle.
enum class Class : std::uint8_t { lengthy, usual, brief };
constexpr std::size_t kClasses = 3;

Class class_of(std::size_t plaintext_len) noexcept {
  constexpr std::size_t kBrief = 63;  // its tag, as its IV, is a hash of one block
  constexpr std::size_t kUsual = 512;
  if (plaintext_len <= kBrief) return Class::brief;
  return plaintext_len <= kUsual ? Class::usual : Class::lengthy;
}
Class class_of(const SealJob& j) noexcept { return class_of(j.plaintext.size()); }
// Of the longest plaintext that may be in it, less what a shorter padding would leave.
Class class_of(const OpenJob& j) noexcept {
  const std::size_t padded = open_capacity(j.payload.size());
  return class_of(padded == 0 ? 0 : padded - 1);
}

std::size_t len_of(const SealJob& j) noexcept { return j.plaintext.size(); }
std::size_t len_of(const OpenJob& j) noexcept { return j.payload.size(); }

/// Longest first, so that no long one is left to run alone at the end.
template <class Job>
void sort_by_length(std::span<Job*> jobs) noexcept {
  const auto longer = [](const Job* a, const Job* b) noexcept { return len_of(*a) > len_of(*b); };
  if (!std::is_sorted(jobs.begin(), jobs.end(), longer))
    std::sort(jobs.begin(), jobs.end(), longer);
}

/// Goes through a batch, chunk by chunk, class by class.
template <class Job>
class Chunks {
 public:
  explicit Chunks(std::span<Job> jobs) noexcept : jobs_(jobs), one_(jobs.size() <= engine::kChunk) {
    if (one_) return;  // whatever is in it
    for (const Job& j : jobs) ++left_[static_cast<std::size_t>(class_of(j))];
  }

  /// The next jobs, at most kMost, of those that are `wanted`; none when the batch is through.
  template <std::size_t kMost, class Wanted>
  std::span<Job*> take(Job* (&taken)[kMost], Wanted wanted) noexcept {
    std::size_t n = 0;
    bool brief = true;
    while (n < kMost && go_on()) {
      Job& j = jobs_[next_++];
      if (!one_ && class_of(j) != class_) continue;
      --left_[static_cast<std::size_t>(class_)];
      if (!wanted(j)) continue;
      taken[n++] = &j;
      brief = brief && class_ == Class::brief;
    }
    if (!brief && n > 1) sort_by_length<Job>({taken, n});
    return {taken, n};
  }

 private:
  // False behind the last job.
  bool go_on() noexcept {
    if (one_) return next_ < jobs_.size();
    while (left_[static_cast<std::size_t>(class_)] == 0) {
      if (class_ == Class::brief) return false;
      class_ = static_cast<Class>(static_cast<std::uint8_t>(class_) + 1);
      next_ = 0;
    }
    return true;
  }

  std::span<Job> jobs_;
  bool one_;
  Class class_ = Class::lengthy;
  std::size_t next_ = 0;
  std::size_t left_[kClasses] = {};
};

/// What the engine needs of a key, looked up once for all jobs in a row that have it.
class Keys {
 public:
  const engine::KeyUse& operator[](const DataKey* key) noexcept {
    if (key != last_) use_ = engine::use(*(last_ = key));
    return use_;
  }

 private:
  const DataKey* last_ = nullptr;
  engine::KeyUse use_{};
};

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
  Keys keys;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const SealJob& j = *jobs[i];
    write_header(j);
    const MutBytes sealed = j.out.subspan(kPayloadHeaderLen);
    const bool derived = j.algorithm == Algorithm::deterministic;
    if (!derived) std::memcpy(sealed.data(), ivs + kIvLen * next_iv++, kIvLen);
    items.put(i, {keys[j.key], derived ? engine::Iv::derived : engine::Iv::given,
                  j.out.first(kPayloadHeaderLen), j.plaintext, sealed});
  }
  return engine::seal({items.data(), jobs.size()}) ? Errc{} : Errc::crypto_failed;
}

/// Jobs on their way through the engine: as many as fit of those that are `opened` so far.
template <std::size_t kMost>
class OpenChunk {
 public:
  /// Takes the next jobs of a batch. False when it is through.
  bool load(Chunks<OpenJob>& jobs) noexcept {
    n_ = jobs.take(from_, [](const OpenJob& j) noexcept { return j.opened; }).size();
    Keys keys;
    for (std::size_t i = 0; i < n_; ++i) {
      const OpenJob& j = *from_[i];
      items_.put(i, {keys[j.key], j.payload.first(kPayloadHeaderLen),
                     j.payload.subspan(kPayloadHeaderLen), j.out, true, 0});
    }
    return n_ != 0;
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
    Chunks<OpenJob> all(jobs);
    if (!chunk.load(all)) return true;
    const bool good = engine::check_tags(chunk.items()) && engine::decrypt(chunk.items());
    chunk.store();
    return good;
  }
  for (const auto phase : {engine::check_tags, engine::decrypt}) {
    for (Chunks<OpenJob> chunks(jobs); chunk.load(chunks);) {
      if (!phase(chunk.items())) return false;
      chunk.store();
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
  const DataKey* live = nullptr;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (const auto code = why_not_sealable(jobs[i], live)) return give_up(*code, i);
    live = jobs[i].key;
  }
  if (jobs.empty()) return ok;
  if (jobs.size() == 1) {
    const SealJob* const one = jobs.data();
    const Errc code = seal_chunk<1>({&one, 1});
    return code == Errc{} ? BatchStatus(ok) : give_up(code, 0);
  }
  const SealJob* taken[engine::kChunk];
  Chunks<const SealJob> chunks(jobs);
  for (;;) {
    const auto chunk = chunks.take(taken, [](const SealJob&) noexcept { return true; });
    if (chunk.empty()) return ok;
    const Errc code = seal_chunk<engine::kChunk>(chunk);
    if (code != Errc{}) return give_up(code, static_cast<std::size_t>(chunk[0] - jobs.data()));
  }
}

BatchStatus open_batch(std::span<OpenJob> jobs) noexcept {
  std::optional<BatchError> first;
  const auto fail = [&first](Errc code, std::size_t i) noexcept {
    if (!first) first = BatchError{code, i};
  };
  const DataKey* live = nullptr;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto code = why_not_openable(jobs[i], live);
    jobs[i].opened = !code;
    jobs[i].plaintext_len = 0;
    if (code) {
      fail(*code, i);
    } else {
      live = jobs[i].key;
    }
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
