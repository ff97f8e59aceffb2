#include "fle/batch.h"

#include <algorithm>
#include <cstring>
#include <optional>

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
    const auto put = [&](Job& j, Class c) noexcept {
      if (!wanted(j)) return;
      taken[n++] = &j;
      brief = brief && c == Class::brief;
    };
    if (one_) {
      for (; next_ != jobs_.size(); ++next_) put(jobs_[next_], class_of(jobs_[next_]));
    }
    while (!one_ && n < kMost && go_on()) {
      Job& j = jobs_[next_++];
      if (class_of(j) != class_) continue;
      --left_[static_cast<std::size_t>(class_)];
      put(j, class_);
    }
    if (!brief && n > 1) sort_by_length<Job>({taken, n});
    return {taken, n};
  }

 private:
  // False behind the last job.
  bool go_on() noexcept {
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

/// Puts jobs through `Engine`, as many at a time as have keys of one kernel: almost always all of
/// them. Calls add(engine, key, job) for each and done(engine, jobs) for what was run together;
/// false, and no more of that, when libcrypto failed.
template <class Engine, class Job, class Add, class Done>
bool run_on(std::span<Job* const> jobs, Add add, Done done) noexcept {
  Keys keys;
  while (!jobs.empty()) {
    Engine engine;
    const kernels::Kernel* const kernel = keys[jobs[0]->key].kernel;
    std::size_t n = 0;
    do {
      add(engine, *keys[jobs[n]->key].state, *jobs[n]);
    } while (++n < jobs.size() && keys[jobs[n]->key].kernel == kernel);
    if (!engine.run(*kernel)) return false;
    done(engine, jobs.first(n));
    jobs = jobs.subspan(n);
  }
  return true;
}

/// @param n_random  jobs of the random algorithm
Errc seal_chunk(std::span<const SealJob* const> jobs, std::size_t n_random) noexcept {
  std::uint8_t ivs[engine::kChunk * kIvLen];
  if (n_random != 0) {
    if (const Status s = random_bytes({ivs, n_random * kIvLen}); !s) return s.error().code;
  }
  const std::uint8_t* next_iv = ivs;
  const auto add = [&next_iv](engine::Sealing& sealing, const kernels::KeyState& key,
                              const SealJob& j) noexcept {
    write_header(j);
    const MutBytes sealed = j.out.subspan(kPayloadHeaderLen);
    const bool derived = j.algorithm == Algorithm::deterministic;
    if (!derived) {
      std::memcpy(sealed.data(), next_iv, kIvLen);
      next_iv += kIvLen;
    }
    sealing.add(key, derived ? engine::Iv::derived : engine::Iv::given,
                j.out.first(kPayloadHeaderLen), engine::kFieldAl, j.plaintext, sealed);
  };
  const auto done = [](const engine::Sealing&, std::span<const SealJob* const>) noexcept {};
  return run_on<engine::Sealing>(jobs, add, done) ? Errc{} : Errc::crypto_failed;
}

bool check_tags(std::span<OpenJob* const> jobs) noexcept {
  return run_on<engine::TagCheck>(
      jobs,
      [](engine::TagCheck& check, const kernels::KeyState& key, const OpenJob& j) noexcept {
        check.add(key, j.payload.first(kPayloadHeaderLen), engine::kFieldAl,
                  j.payload.subspan(kPayloadHeaderLen));
      },
      [](const engine::TagCheck& check, std::span<OpenJob* const> checked) noexcept {
        for (std::size_t i = 0; i < checked.size(); ++i) checked[i]->opened = check.verified(i);
      });
}

bool decrypt(std::span<OpenJob* const> jobs) noexcept {
  return run_on<engine::Decryption>(
      jobs,
      [](engine::Decryption& decryption, const kernels::KeyState& key, const OpenJob& j) noexcept {
        decryption.add(key, j.payload.subspan(kPayloadHeaderLen), j.out);
      },
      [](const engine::Decryption& decryption, std::span<OpenJob* const> decrypted) noexcept {
        for (std::size_t i = 0; i < decrypted.size(); ++i) {
          decrypted[i]->opened = decryption.opened(i);
          if (decryption.opened(i)) decrypted[i]->plaintext_len = decryption.plaintext_len(i);
        }
      });
}

/// All tags of all jobs before the first block of any, of those that are `opened` so far. What fits
/// in one chunk is taken once.
bool check_and_decrypt(std::span<OpenJob> jobs) noexcept {
  const auto opened = [](const OpenJob& j) noexcept { return j.opened; };
  OpenJob* taken[engine::kChunk];
  Chunks<OpenJob> to_check(jobs);
  Chunks<OpenJob> to_decrypt = to_check;
  if (jobs.size() <= engine::kChunk) {
    const auto chunk = to_check.take(taken, opened);
    if (!check_tags(chunk)) return false;
    const auto end = std::remove_if(chunk.begin(), chunk.end(),
                                    [](const OpenJob* j) noexcept { return !j->opened; });
    return decrypt({chunk.begin(), end});
  }
  for (auto chunk = to_check.take(taken, opened); !chunk.empty();
       chunk = to_check.take(taken, opened))
    if (!check_tags(chunk)) return false;
  for (auto chunk = to_decrypt.take(taken, opened); !chunk.empty();
       chunk = to_decrypt.take(taken, opened))
    if (!decrypt(chunk)) return false;
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
  const SealJob* taken[engine::kChunk];
  Chunks<const SealJob> chunks(jobs);
  for (;;) {
    std::size_t n_random = 0;
    const auto chunk = chunks.take(taken, [&n_random](const SealJob& j) noexcept {
      n_random += j.algorithm == Algorithm::random ? 1 : 0;
      return true;
    });
    if (chunk.empty()) return ok;
    const Errc code = seal_chunk(chunk, n_random);
    if (code != Errc{}) return give_up(code, static_cast<std::size_t>(chunk[0] - jobs.data()));
  }
}

BatchStatus open_batch(std::span<OpenJob> jobs) noexcept {
  constexpr std::size_t kLeast = kPayloadHeaderLen + engine::kLeastSealedLen;
  std::optional<BatchError> first;
  const auto fail = [&first](Errc code, std::size_t i) noexcept {
    if (!first) first = BatchError{code, i};
  };
  const DataKey* live = nullptr;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    OpenJob& j = jobs[i];
    const auto code = why_not_openable(j, live);
    j.opened = !code && j.payload.size() >= kLeast;
    j.plaintext_len = 0;
    if (code) {
      fail(*code, i);
    } else {
      live = j.key;
    }
  }
  const bool good = check_and_decrypt(jobs);
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
