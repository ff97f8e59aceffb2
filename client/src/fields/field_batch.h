#ifndef FLE_CLIENT_SRC_FIELD_BATCH_H_
#define FLE_CLIENT_SRC_FIELD_BATCH_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "binary.h"
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
  void leave_out(std::size_t field) { left_out_.push_back(field); }
  /// Makes room for a job of every field, and no more.
  void expect_jobs() { seal_jobs_.reserve(size()); }
  FieldsDone seal();

  // ---- Opening.

  /// Opens every field whose key is there; what it opens to is one value of its type.
  FieldsDone open(const bson::Limits& limits);
  /// The same, into memory of the caller's, who wipes it.
  /// @param rooms  of each field: open_capacity() of its payload, or more.
  FieldsDone open_into(std::span<const MutBytes> rooms, const bson::Limits& limits);

  struct Opened {
    bson::Type type;
    Bytes value;  ///< Until release().
  };
  /// What a field has opened to; none where its key is missing.
  [[nodiscard]] std::optional<Opened> opened(std::size_t field) const noexcept {
    const std::size_t job = left_out_.empty() ? field : job_of(field);
    if (job == kNoJob) return std::nullopt;
    const OpenJob& j = open_jobs_[job];
    return Opened{type_of(j), j.out.first(j.plaintext_len)};
  }
  [[nodiscard]] Bytes payload(std::size_t field) const noexcept { return payloads_[field]; }

  /// All that is open now.
  [[nodiscard]] Bytes plaintext() const noexcept { return plaintext_.bytes(); }

  /// Adds what was sealed and opened to field_counters(): once, when all has succeeded.
  void count() const noexcept;
  // What that is, until clear(): also after release(), when their keys and plaintext are gone.
  [[nodiscard]] std::span<const SealJob> sealed() const noexcept { return seal_jobs_; }
  [[nodiscard]] std::span<const OpenJob> opened() const noexcept { return open_jobs_; }

 private:
  static constexpr auto kNoJob = static_cast<std::size_t>(-1);
  /// The next field is opened into `room`, or not at all where its key is missing.
  void add_open_job(std::size_t field, MutBytes room);
  FieldsDone open_jobs(const bson::Limits& limits);
  static bson::Type type_of(const OpenJob& job) noexcept {
    return static_cast<bson::Type>(job.payload[kPayloadHeaderLen - 1]);
  }
  [[nodiscard]] std::size_t job_of(std::size_t field) const noexcept;
  /// The field of a job: fields without a key have none.
  [[nodiscard]] std::size_t field_of(std::size_t job) const noexcept;

  KeyTable keys_;
  std::vector<KeyTable::Index> field_keys_;
  std::vector<Bytes> payloads_;
  std::vector<std::size_t> left_out_;  // fields that are not opened, in order
  std::vector<SealJob> seal_jobs_;
  std::vector<OpenJob> open_jobs_;
  WipedBuffer plaintext_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_FIELD_BATCH_H_
