#ifndef FLE_CLIENT_SRC_FIELD_BATCH_H_
#define FLE_CLIENT_SRC_FIELD_BATCH_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "binary.h"
#include "count_fields.h"
#include "fle/batch.h"
#include "fle/bson_walk/walk.h"
#include "fle/client/document_cipher.h"
#include "fle/payload_header.h"
#include "fle/secret.h"
#include "key_table.h"

namespace fle::client {

/// What stopped a batch, and the number of the field that did, where it was one.
struct FieldFailure {
  FieldFailure(Failure f, std::optional<std::size_t> number) : why(std::move(f)), field(number) {}
  explicit FieldFailure(const Error& error) : why(error) {}

  Failure why;
  std::optional<std::size_t> field{};
};
using FieldsDone = Result<std::monostate, FieldFailure>;

/// Fields on their way through the engine, of whatever documents or commands: the one way in which
/// the client seals and opens. Fields are numbered from 0 in the order in which they are added.
/// The owner finds them, lays out what comes of them, and knows what their numbers stand for.
/// Keeps its memory for the next batch. Not for concurrent use.
class FieldBatch {
 public:
  FieldBatch() = default;
  FieldBatch(const FieldBatch&) = delete;
  FieldBatch& operator=(const FieldBatch&) = delete;
  ~FieldBatch() = default;  // plaintext wipes itself

  /// Forgets all fields; lets go of keys and wipes plaintext.
  void clear() noexcept;
  /// Forgets all fields but what was sealed and opened, and gives their memory back.
  void forget_fields();
  /// Lets go of keys and wipes plaintext; the jobs may no longer be used.
  void release() noexcept;

  // ---- Keys. Each distinct one is looked up once.

  /// Adds a field under the data key with this id.
  void add(const KeyId& id) { field_keys_.push_back(keys_.add(id)); }
  /// Adds a field under the data key with this alternate name.
  /// @param alt_name  must stay where it is until clear().
  /// @return the key, for add_under
  KeyTable::Index add(std::string_view alt_name) {
    return field_keys_.emplace_back(keys_.add(alt_name));
  }
  /// Adds a field under a key that another field has.
  void add_under(KeyTable::Index key) { field_keys_.push_back(key); }
  /// Adds a field to be opened: the payload of an encrypted value, which must stay until clear().
  /// @return false where it has not the layout of one
  bool add_payload(Bytes payload) {
    if (!has_payload_header(payload)) return false;
    add(key_id_of(payload));
    payloads_.push_back(payload);
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return field_keys_.size(); }

  /// See KeyTable::hold().
  void hold(const HeldKeys* held) noexcept { keys_.hold(held); }
  /// Adds to `wanted` the keys that no vault had, once a resolve() has failed.
  void list_wanted(WantedKeys& wanted) const;

  /// One look-up for all keys.
  /// @return the first field whose key is missing, if any is
  FieldsDone resolve(kms::KeyRing* ring);
  /// Null when the key is missing. Good until clear().
  [[nodiscard]] const kms::ResolvedKey* key(std::size_t field) const noexcept {
    return keys_[field_keys_[field]];
  }
  /// Why a key is missing; null when it is not.
  [[nodiscard]] const kms::KeyProblem* missing(std::size_t field) const noexcept {
    return keys_.missing(field_keys_[field]);
  }

  // ---- Sealing: a job for every field, in order, then all at once.

  /// @param value    must stay until seal().
  /// @param payload  exactly payload_len(value.size()) bytes.
  void add_job(const kms::ResolvedKey& key, Algorithm algorithm, bson::Type type, Bytes value,
               MutBytes payload) {
    // Member by member: a copy of the whole job would have to wait for its own stores.
    SealJob& job = seal_jobs_.emplace_back();
    job.key = &key.key;
    job.key_id = key.id;
    job.algorithm = algorithm;
    job.bson_type = static_cast<std::uint8_t>(type);
    job.plaintext = value;
    job.out = payload;
  }
  /// Writes the header of a binary; its payload is the job, under the key of `field`.
  void add_binary(std::size_t field, Algorithm algorithm, bson::Type type, Bytes value,
                  MutBytes binary) {
    write_binary_header(binary, binary.size() - kBinaryHeaderLen);
    add_job(*key(field), algorithm, type, value, binary.subspan(kBinaryHeaderLen));
  }
  /// The next field has no job: its value stands already.
  void leave_out(std::size_t field) {
    if (!left_out_.empty() && field == left_out_.back().end()) {
      ++left_out_.back().n;
    } else {
      left_out_.push_back({field, 1, left_out_.empty() ? 0 : left_out_.back().up_to_here()});
    }
  }
  /// Makes room for a job of every field, and no more.
  void expect_jobs() { seal_jobs_.reserve(size()); }
  FieldsDone seal();
  /// Seals the jobs that there are once they are many, and forgets them: for documents of so many
  /// fields that their jobs take as much memory as they. seal() does the rest.
  FieldsDone seal_if_many() { return seal_jobs_.size() < kMany ? FieldsDone(ok) : seal_slice(); }

  // ---- Opening.

  /// Opens every field whose key is there; what it opens to is one value of its type.
  FieldsDone open(const bson::Limits& limits);

  struct Opened {
    bson::Type type;
    Bytes value;  ///< Until release().
  };
  /// The same, into memory of the caller's, who wipes it; some fields at a time, and what they have
  /// opened to is told once.
  /// @param room  gives, for a field, open_capacity() of its payload in bytes, or more
  /// @param took  gets a field and its Opened
  template <class Room, class Took>
  FieldsDone open_into(const bson::Limits& limits, Room room, Took took) {
    std::vector<std::size_t> fields;  // of the jobs
    for (std::size_t next = 0; next < size();) {
      fields.clear();
      for (; next < size() && fields.size() < kMany; ++next)
        if (add_open_job(next, room(next))) fields.push_back(next);
      FLE_CHECK(open_jobs(limits));
      for (std::size_t job = 0; job < fields.size(); ++job)
        took(fields[job], opened_by(open_jobs_[job]));
      forget_open_jobs();
    }
    return ok;
  }
  /// What a field has opened to; none where its key is missing.
  [[nodiscard]] std::optional<Opened> opened(std::size_t field) const noexcept {
    const std::size_t job = left_out_.empty() ? field : job_of(field);
    if (job == kNoJob) return std::nullopt;
    return opened_by(open_jobs_[job]);
  }
  [[nodiscard]] Bytes payload(std::size_t field) const noexcept { return payloads_[field]; }

  /// All that is open now.
  [[nodiscard]] Bytes plaintext() const noexcept { return plaintext_.bytes(); }

  /// Adds what was sealed and opened to field_counters(): once, when all has succeeded.
  void count() const noexcept;
  // What that is, until clear(): also after release(), when their keys and plaintext are gone.
  [[nodiscard]] FieldCounts sealed() const noexcept;
  [[nodiscard]] FieldCounts opened() const noexcept;

 private:
  static constexpr std::size_t kMany = 4096;
  static constexpr auto kNoJob = static_cast<std::size_t>(-1);
  /// Fields in a row that have no job.
  struct LeftOut {
    std::size_t first = 0;
    std::size_t n = 0;
    std::size_t before = 0;  // fields without one that come before them
    [[nodiscard]] std::size_t end() const noexcept { return first + n; }
    [[nodiscard]] std::size_t up_to_here() const noexcept { return before + n; }
  };
  /// The next field is opened into `room`; false: its key is missing, and it is not.
  bool add_open_job(std::size_t field, MutBytes room) {
    const kms::ResolvedKey* with = key(field);
    if (with == nullptr) {
      leave_out(field);
      return false;
    }
    // Member by member: a copy of the whole job would have to wait for its own stores.
    OpenJob& job = open_jobs_.emplace_back();
    job.key = &with->key;
    job.payload = payloads_[field];
    job.out = room;
    return true;
  }
  FieldsDone open_jobs(const bson::Limits& limits);
  FieldsDone seal_slice();
  void forget_open_jobs() noexcept;
  static bson::Type type_of(const OpenJob& job) noexcept {
    return static_cast<bson::Type>(job.payload[kPayloadHeaderLen - 1]);
  }
  static Opened opened_by(const OpenJob& job) noexcept {
    return {type_of(job), job.out.first(job.plaintext_len)};
  }
  [[nodiscard]] std::size_t job_of(std::size_t field) const noexcept;
  /// The field of a job: fields without a key have none.
  [[nodiscard]] std::size_t field_of(std::size_t job) const noexcept;

  KeyTable keys_;
  std::vector<KeyTable::Index> field_keys_;
  std::vector<Bytes> payloads_;
  std::vector<LeftOut> left_out_;  // in order; none follows the one before it without a gap
  std::vector<SealJob> seal_jobs_;
  std::vector<OpenJob> open_jobs_;
  // Of jobs that are forgotten.
  std::size_t n_sealed_ = 0;
  std::size_t n_opened_ = 0;
  FieldCounts sealed_{};
  FieldCounts opened_{};
  WipedBuffer plaintext_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_FIELD_BATCH_H_
