#include "field_batch.h"

#include <algorithm>

#include "count_fields.h"
#include "field_failures.h"

namespace fle::client {

void FieldBatch::release() noexcept {
  keys_.clear();
  plaintext_.clear();
}

void FieldBatch::clear() noexcept {
  release();
  field_keys_.clear();
  payloads_.clear();
  left_out_.clear();
  seal_jobs_.clear();
  open_jobs_.clear();
}

void FieldBatch::list_wanted(WantedKeys& wanted) const {
  for (const kms::KeyProblem& problem : keys_.problems()) {
    if (problem.why.code != Errc::key_not_found) continue;
    if (problem.by_name) {
      wanted.alt_names.emplace_back(keys_.name(problem.index));
    } else {
      wanted.ids.push_back(keys_.id(problem.index));
    }
  }
}

FieldsDone FieldBatch::resolve(kms::KeyRing* ring) {
  const Done resolved = keys_.resolve(ring);
  if (resolved) return ok;
  for (std::size_t i = 0; i < size(); ++i)
    if (const kms::KeyProblem* problem = missing(i)) return FieldFailure(problem->why, i);
  return FieldFailure(resolved.error(), std::nullopt);
}

FieldsDone FieldBatch::seal() {
  const BatchStatus sealed = seal_batch(seal_jobs_);
  if (sealed) return ok;
  return FieldFailure(not_sealed(sealed.error().code), field_of(sealed.error().index));
}

inline void FieldBatch::add_open_job(std::size_t field, MutBytes room) {
  const kms::ResolvedKey* with = key(field);
  if (with == nullptr) {
    left_out_.push_back(field);
    return;
  }
  // Member by member: a copy of the whole job would have to wait for its own stores.
  OpenJob& job = open_jobs_.emplace_back();
  job.key = &with->key;
  job.payload = payloads_[field];
  job.out = room;
}

FieldsDone FieldBatch::open(const bson::Limits& limits) {
  std::size_t scratch = 0;
  for (const Bytes payload : payloads_) scratch += open_capacity(payload.size());
  FLE_CHECK(plaintext_.reset(scratch));
  open_jobs_.reserve(size());
  MutBytes room = plaintext_.bytes();
  for (std::size_t i = 0; i < size(); ++i) {
    const std::size_t n = open_capacity(payloads_[i].size());
    add_open_job(i, room.first(n));
    room = room.subspan(n);
  }
  return open_jobs(limits);
}

FieldsDone FieldBatch::open_into(std::span<const MutBytes> rooms, const bson::Limits& limits) {
  open_jobs_.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) add_open_job(i, rooms[i]);
  return open_jobs(limits);
}

FieldsDone FieldBatch::open_jobs(const bson::Limits& limits) {
  if (const BatchStatus opened = open_batch(open_jobs_); !opened)
    return FieldFailure(does_not_open(opened.error().code), field_of(opened.error().index));
  for (std::size_t job = 0; job < open_jobs_.size(); ++job) {
    // What a reader would refuse is no result, and gets no new key's blessing.
    const OpenJob& j = open_jobs_[job];
    if (!bson::check_value(type_of(j), j.out.first(j.plaintext_len), limits))
      return FieldFailure(malformed_plaintext(), field_of(job));
  }
  return ok;
}

std::size_t FieldBatch::job_of(std::size_t field) const noexcept {
  const auto next = std::ranges::lower_bound(left_out_, field);
  if (next != left_out_.end() && *next == field) return kNoJob;
  return field - static_cast<std::size_t>(next - left_out_.begin());
}

std::size_t FieldBatch::field_of(std::size_t job) const noexcept {
  for (const std::size_t without : left_out_) {
    if (without > job) break;
    ++job;
  }
  return job;
}

void FieldBatch::count() const noexcept {
  if (!seal_jobs_.empty()) count_sealed(seal_jobs_);
  if (!open_jobs_.empty()) count_opened(open_jobs_);
}

}  // namespace fle::client
