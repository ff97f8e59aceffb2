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
  n_sealed_ = 0;
  n_opened_ = 0;
  sealed_ = {};
  opened_ = {};
}

void FieldBatch::forget_fields() {
  const FieldCounts was_sealed = sealed();
  const FieldCounts was_opened = opened();
  const std::size_t n_sealed = n_sealed_ + seal_jobs_.size();
  const std::size_t n_opened = n_opened_ + open_jobs_.size();
  clear();
  sealed_ = was_sealed;
  opened_ = was_opened;
  n_sealed_ = n_sealed;
  n_opened_ = n_opened;
  std::vector<KeyTable::Index>().swap(field_keys_);
  std::vector<Bytes>().swap(payloads_);
  std::vector<SealJob>().swap(seal_jobs_);
  std::vector<OpenJob>().swap(open_jobs_);
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
  return FieldFailure(not_sealed(sealed.error().code), field_of(n_sealed_ + sealed.error().index));
}

FieldsDone FieldBatch::seal_slice() {
  FLE_CHECK(seal());
  add_counts(sealed_, counts_of(seal_jobs_));
  n_sealed_ += seal_jobs_.size();
  seal_jobs_.clear();
  return ok;
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

void FieldBatch::forget_open_jobs() noexcept {
  add_counts(opened_, counts_of(open_jobs_));
  n_opened_ += open_jobs_.size();
  open_jobs_.clear();
}

FieldsDone FieldBatch::open_jobs(const bson::Limits& limits) {
  if (const BatchStatus opened = open_batch(open_jobs_); !opened)
    return FieldFailure(does_not_open(opened.error().code),
                        field_of(n_opened_ + opened.error().index));
  for (std::size_t job = 0; job < open_jobs_.size(); ++job) {
    // What a reader would refuse is no result, and gets no new key's blessing.
    const OpenJob& j = open_jobs_[job];
    if (!bson::check_value(type_of(j), j.out.first(j.plaintext_len), limits))
      return FieldFailure(malformed_plaintext(), field_of(n_opened_ + job));
  }
  return ok;
}

std::size_t FieldBatch::job_of(std::size_t field) const noexcept {
  const auto next = std::ranges::upper_bound(left_out_, field, {}, &LeftOut::first);
  if (next == left_out_.begin()) return field;
  const LeftOut& run = *std::prev(next);
  return field < run.end() ? kNoJob : field - run.up_to_here();
}

std::size_t FieldBatch::field_of(std::size_t job) const noexcept {
  for (const LeftOut& run : left_out_) {
    if (run.first > job) break;
    job += run.n;
  }
  return job;
}

FieldCounts FieldBatch::sealed() const noexcept {
  FieldCounts all = sealed_;
  add_counts(all, counts_of(seal_jobs_));
  return all;
}

FieldCounts FieldBatch::opened() const noexcept {
  FieldCounts all = opened_;
  add_counts(all, counts_of(open_jobs_));
  return all;
}

void FieldBatch::count() const noexcept {
  if (!seal_jobs_.empty() || n_sealed_ != 0) count_sealed(sealed());
  if (!open_jobs_.empty() || n_opened_ != 0) count_opened(opened());
}

}  // namespace fle::client
