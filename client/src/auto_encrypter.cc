#include "fle/client/auto_encrypter.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include "binary.h"
#include "collection_schemas.h"
#include "count_fields.h"
#include "fle/batch.h"
#include "fle/query/form.h"
#include "key_table.h"

namespace fle::client {

struct Message::State {
  Bytes result;
  std::size_t fields = 0;

  // Encryption.
  query::Target target;
  query::Analysis analysis;
  std::vector<query::CollectionSchema> schemas;
  std::string scratch;
  std::vector<std::uint8_t> rolled;  // stands for the command while a key is changed
  KeyTable keys;
  std::vector<KeyTable::Index> rewrite_keys;  // of every rewrite; unused for plain ones
  std::vector<SealJob> seal_jobs;
  std::vector<std::uint8_t> output;  // grows only: `result` is its start, or elsewhere

  // Decryption.
  Batch batch;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { wipe(output); }

  void forget_rolled() noexcept {
    wipe(rolled);
    rolled.clear();
  }

  /// Room for a result. What is left of an earlier one goes when it is overwritten or given back.
  MutBytes make_room(std::size_t size) {
    if (output.size() < size) {
      wipe(output);
      output.resize(size);
    }
    return {output.data(), size};
  }

  /// Takes back the last result: nothing of an earlier or a failed call may be read.
  void abandon() noexcept {
    forget_rolled();
    result = {};
    fields = 0;
    keys.clear();
    rewrite_keys.clear();
    seal_jobs.clear();
    analysis.clear();
    schemas.clear();
    batch.clear();
  }
};

namespace {

using query::Form;
using query::Rewrite;

/// A failure at rewrite `i` of the command.
Failure at_rewrite(Failure f, Bytes command, const Message::State& s, std::size_t i) {
  f.path = bson::path_of(command, s.analysis.edits.marks()[i].type_offset);
  return f;
}

Done find_keys(Message::State& s, Bytes command, kms::KeyRing* ring) {
  for (const Rewrite& r : s.analysis.rewrites) {
    KeyTable::Index key = 0;
    if (r.form != Form::eq_plain)
      key = r.alt_name.data() != nullptr ? s.keys.add(r.alt_name) : s.keys.add(query::key_id(r));
    s.rewrite_keys.push_back(key);
  }
  Done resolved = s.keys.resolve(ring);
  if (resolved) return ok;
  for (std::size_t i = 0; i < s.rewrite_keys.size(); ++i) {
    if (s.analysis.rewrites[i].form == Form::eq_plain) continue;
    const kms::KeyProblem* missing = s.keys.missing(s.rewrite_keys[i]);
    if (missing != nullptr) return at_rewrite(missing->why, command, s, i);
  }
  return resolved;
}

/// The command as it will be, but for the values.
Outcome<MutBytes> lay_out(Message::State& s, Bytes command) {
  const std::span<bson::Mark> marks = s.analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size(); ++i)
    query::set_new(marks[i], s.analysis.rewrites[i],
                   [&marks, i] { return kBinaryHeaderLen + payload_len(marks[i].value_size); });
  FLE_TRY(const std::size_t size, s.analysis.edits.layout(command, query::kCommandLimits));
  const MutBytes out = s.make_room(size);
  s.analysis.edits.write(out, command);
  return out;
}

/// Writes what stands around each value, plain values too; encrypted ones become jobs.
void make_jobs(Message::State& s, Bytes command, MutBytes out) {
  const std::span<const bson::Mark> marks = s.analysis.edits.marks();
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bson::Mark& m = marks[i];
    const Rewrite& r = s.analysis.rewrites[i];
    const MutBytes room = query::write_form(out, m, r);
    const Bytes value = command.subspan(m.value_offset, m.value_size);
    if (r.form == Form::eq_plain) {
      if (!value.empty()) std::memcpy(room.data(), value.data(), value.size());
      continue;
    }
    write_binary_header(room, room.size() - kBinaryHeaderLen);
    const kms::ResolvedKey& key = *s.keys[s.rewrite_keys[i]];
    // Field by field: a copy of the whole job would have to wait for its own stores.
    SealJob& job = s.seal_jobs.emplace_back();
    job.key = &key.key;
    job.key_id = key.id;
    job.algorithm = r.leaf->algorithm;
    job.bson_type = static_cast<std::uint8_t>(m.type);
    job.plaintext = value;
    job.out = room.subspan(kBinaryHeaderLen);
  }
}

/// The failure of a job, which skip the plain rewrites.
Failure not_sealed(const BatchError& error, Bytes command, const Message::State& s) {
  std::size_t job = 0;
  for (std::size_t i = 0; i < s.analysis.rewrites.size(); ++i) {
    if (s.analysis.rewrites[i].form == Form::eq_plain || job++ != error.index) continue;
    return at_rewrite({error.code, "the value could not be encrypted"}, command, s, i);
  }
  return {error.code, "a value could not be encrypted"};
}

Done seal_analysis(Message::State& s, Bytes command, kms::KeyRing* ring) {
  FLE_CHECK(find_keys(s, command, ring));
  FLE_TRY(const MutBytes out, lay_out(s, command));
  make_jobs(s, command, out);
  if (const BatchStatus sealed = seal_batch(s.seal_jobs); !sealed)
    return not_sealed(sealed.error(), command, s);
  count_sealed(s.seal_jobs);
  s.fields = s.seal_jobs.size();
  s.result = out;
  return ok;
}

/// Runs `work` on a clean message; takes everything back when it fails, findings excepted.
template <class Work>
Done run(Message& message, Work work) {
  Message::State& s = message.state();
  s.abandon();
  Done done = ok;
  try {
    done = work(s);
  } catch (const std::bad_alloc&) {
    done = Failure(Errc::no_memory, {});
  } catch (...) {  // the application's list_collections
    s.abandon();
    wipe(s.output);
    throw;
  }
  if (done) {
    s.keys.clear();
    s.forget_rolled();
    return done;
  }
  auto findings = std::move(s.analysis.findings);
  s.abandon();
  wipe(s.output);
  s.analysis.findings = std::move(findings);
  return done;
}

Outcome<std::vector<std::uint8_t>> copy_of(const Done& done, const Message& message) {
  if (!done) return done.error();
  const Bytes out = message.output();
  return std::vector<std::uint8_t>(out.begin(), out.end());
}

/// Commands after which a collection may have another schema, or none.
bool changes_schemas(std::string_view command) noexcept {
  constexpr std::string_view kCommands[] = {"create", "collMod", "drop", "dropDatabase",
                                            "renameCollection"};
  return std::ranges::find(kCommands, command) != std::end(kCommands);
}

/// Replies hold whole batches of documents.
constexpr bson::Limits kReplyLimits = query::kCommandLimits;

}  // namespace

Message::Message() : s_(std::make_unique<State>()) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;
Bytes Message::output() const noexcept { return s_->result; }
std::size_t Message::fields() const noexcept { return s_->fields; }
std::vector<const schema::Leaf*> Message::leaves() const {
  std::vector<const schema::Leaf*> leaves;
  for (const Rewrite& r : s_->analysis.rewrites)
    if (r.form != Form::eq_plain) leaves.push_back(r.leaf);
  return leaves;
}
std::span<const query::Finding> Message::findings() const noexcept { return s_->analysis.findings; }
std::span<const KeptField> Message::kept() const noexcept { return s_->batch.kept(); }

struct AutoEncrypter::Impl {
  Impl(Options o, std::shared_ptr<kms::KeyRing> k)
      : options(std::move(o)),
        keys(std::move(k)),
        schemas(options),
        decrypter(nullptr, keys, {kReplyLimits, options.missing_keys}) {}

  Done encrypt(std::string_view db, Bytes command, Message::State& s) {
    s.result = command;
    FLE_CHECK(query::read_target(command, s.target));
    if (changes_schemas(s.target.name)) schemas.forget();
    if (s.target.command_class == query::CommandClass::bypassed) return ok;
    FLE_CHECK(schemas.find(db, s.target, s.schemas, s.scratch));
    s.analysis.explain = options.explain;
    s.analysis.budget = options.budget;
    s.analysis.previous_keys = options.previous_keys.empty() ? nullptr : &options.previous_keys;
    FLE_CHECK(query::analyze(command, db, s.schemas, s.analysis));
    if (s.analysis.previous_keys != nullptr) {
      FLE_TRY(s.rolled, query::roll_over(command, db, s.schemas, s.analysis));
      if (!s.rolled.empty()) command = s.rolled;
    }
    return s.analysis.edits.empty() ? Done(ok) : seal_analysis(s, command, keys.get());
  }

  const Options options;
  const std::shared_ptr<kms::KeyRing> keys;
  CollectionSchemas schemas;
  const DocumentCipher decrypter;
};

AutoEncrypter::AutoEncrypter(Options options, std::shared_ptr<kms::KeyRing> keys)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(keys))) {}
AutoEncrypter::~AutoEncrypter() = default;

Done AutoEncrypter::encrypt_command(std::string_view db, Bytes command, Message& message) const {
  return run(message, [&](Message::State& s) -> Done {
    if (impl_->options.bypass_auto_encryption || impl_->options.bypass_query_analysis) {
      s.result = command;
      return ok;
    }
    return impl_->encrypt(db, command, s);
  });
}

Done AutoEncrypter::decrypt_reply(Bytes reply, Message& message) const {
  return run(message, [&](Message::State& s) -> Done {
    s.batch.add(reply);
    Done done = impl_->decrypter.decrypt(s.batch);
    if (!done) {
      done.error().document = 0;  // there is one only
      return done;
    }
    s.result = s.batch.output(0);
    s.fields = s.batch.fields();
    return ok;
  });
}

Outcome<std::vector<std::uint8_t>> AutoEncrypter::encrypt_command(std::string_view db,
                                                                  Bytes command) const {
  Message message;
  const Done done = encrypt_command(db, command, message);
  return copy_of(done, message);
}

Outcome<std::vector<std::uint8_t>> AutoEncrypter::decrypt_reply(Bytes reply) const {
  Message message;
  const Done done = decrypt_reply(reply, message);
  return copy_of(done, message);
}

}  // namespace fle::client
