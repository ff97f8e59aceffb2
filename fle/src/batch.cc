#include "fle/batch.h"

#include <algorithm>
#include <cstring>
#include <optional>

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
  if (!engine::is_live(*j.key)) return Errc::key_not_inherited;
  return std::nullopt;
}

std::optional<Errc> why_not_openable(const OpenJob& j) noexcept {
  if (j.key == nullptr) return Errc::invalid_argument;
  if (j.out.size() < open_capacity(j.payload.size())) return Errc::buffer_too_small;
  if (!engine::is_live(*j.key)) return Errc::key_not_inherited;
  if (!parse_payload(j.payload)) return Errc::malformed_payload;
  return std::nullopt;
}

// The header is also the associated data.
void write_header(const SealJob& j) noexcept {
  j.out[0] = static_cast<std::uint8_t>(j.algorithm);
  std::copy(j.key_id.bytes.begin(), j.key_id.bytes.end(), j.out.begin() + 1);
  j.out[kPayloadHeaderLen - 1] = j.bson_type;
}

/// @tparam kMost  jobs there may be. A lone field does not pay for clearing the slots of 64.
template <std::size_t kMost>
Errc seal_chunk(std::span<const SealJob> jobs) noexcept {
  engine::SealItem items[kMost];
  std::uint8_t ivs[kMost * kIvLen];
  std::size_t n_random = 0;
  for (const SealJob& j : jobs) n_random += j.algorithm == Algorithm::random ? 1 : 0;
  if (const Status s = random_bytes({ivs, n_random * kIvLen}); !s) return s.error().code;

  std::size_t next_iv = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const SealJob& j = jobs[i];
    write_header(j);
    const MutBytes sealed = j.out.subspan(kPayloadHeaderLen);
    const bool derived = j.algorithm == Algorithm::deterministic;
    if (!derived) std::memcpy(sealed.data(), ivs + kIvLen * next_iv++, kIvLen);
    items[i] = {j.key, derived ? engine::Iv::derived : engine::Iv::given,
                j.out.first(kPayloadHeaderLen), j.plaintext, sealed};
  }
  return engine::seal({items, jobs.size()}) ? Errc{} : Errc::crypto_failed;
}

/// Runs `phase` over the jobs in chunks, those with `opened` set; carries `opened` from phase to
/// phase.
template <std::size_t kMost, class Phase>
bool for_open_chunks(std::span<OpenJob> jobs, Phase phase) noexcept {
  engine::OpenItem items[kMost];
  OpenJob* from[kMost];
  for (std::size_t i = 0; i < jobs.size();) {
    std::size_t n = 0;
    for (; i < jobs.size() && n < kMost; ++i) {
      OpenJob& j = jobs[i];
      if (!j.opened) continue;
      items[n] = {j.key, j.payload.first(kPayloadHeaderLen), j.payload.subspan(kPayloadHeaderLen),
                  j.out, true, 0};
      from[n++] = &j;
    }
    if (!phase(std::span{items, n})) return false;
    for (std::size_t k = 0; k < n; ++k) {
      from[k]->opened = items[k].opened;
      from[k]->plaintext_len = items[k].plaintext_len;
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
  for (std::size_t i = 0; i < jobs.size(); i += engine::kChunk) {
    const auto chunk = jobs.subspan(i, std::min(engine::kChunk, jobs.size() - i));
    const Errc code = chunk.size() == 1 ? seal_chunk<1>(chunk) : seal_chunk<engine::kChunk>(chunk);
    if (code != Errc{}) return give_up(code, i);
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
  const auto run = [jobs](auto phase) noexcept {
    return jobs.size() == 1 ? for_open_chunks<1>(jobs, phase)
                            : for_open_chunks<engine::kChunk>(jobs, phase);
  };
  const bool good = run(engine::check_tags) && run(engine::decrypt);
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
