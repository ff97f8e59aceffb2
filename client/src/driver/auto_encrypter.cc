#include "fle/client/auto_encrypter.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <optional>
#include <utility>

#include "collection_schemas.h"
#include "documents/batch_state.h"
#include "fields/call_report.h"
#include "fields/field_batch.h"
#include "fle/query/form.h"

namespace fle::client {

struct MessageState {
  Bytes result;
  std::size_t fields = 0;

  // Encryption.
  query::Target target;
  query::Analysis analysis;
  std::vector<query::CollectionSchema> schemas;  // stays: see query::name_schemas()
  std::string scratch;
  std::vector<std::uint8_t> rolled;  // stands for the command while a key is changed
  FieldBatch values;                 // of every rewrite but plain ones, in order
  std::vector<std::uint8_t> output;  // grows only: `result` is its start, or elsewhere

  bool changes_schemas = false;  // what was encrypted last: its reply says that it is done

  // Decryption.
  Batch batch;

  // Of a caller with a network of its own.
  HeldKeys held;
  ListCollections list;  // may be empty
  bool together = true;
  std::optional<std::uint64_t> asking_since;  // of the first attempt; see CollectionSchemas::Asking
  WantedKeys wanted;

  MessageState() {
    values.hold(&held);
    BatchState::of(batch).fields.hold(&held);
  }
  MessageState(const MessageState&) = delete;
  MessageState& operator=(const MessageState&) = delete;
  ~MessageState() { wipe(output); }

  [[nodiscard]] static MessageState& of(Message& message) noexcept { return *message.s_; }

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
    values.clear();
    analysis.clear();
    batch.clear();
  }
};

namespace {

using query::Rewrite;

/// What stopped the values of the command, and at which of its paths.
Failure at_value(const FieldFailure& f, Bytes command, const MessageState& s) {
  Failure why = f.why;
  std::size_t value = 0;
  for (std::size_t i = 0; i < s.analysis.rewrites.size() && f.field; ++i) {
    if (!s.analysis.rewrites[i].encrypts() || value++ != *f.field) continue;
    why.path = bson::path_of(command, s.analysis.edits.marks()[i].type_offset);
    break;
  }
  return why;
}

FieldsDone find_keys(MessageState& s, kms::KeyRing* ring) {
  for (const Rewrite& r : s.analysis.rewrites) {
    if (!r.encrypts()) continue;
    if (r.alt_name.data() != nullptr)
      s.values.add(r.alt_name);
    else
      s.values.add(query::key_id(r));
  }
  return s.values.resolve(ring);
}

Done seal_analysis(MessageState& s, Bytes command, kms::KeyRing* ring) {
  if (const FieldsDone found = find_keys(s, ring); !found)
    return at_value(found.error(), command, s);
  FLE_TRY(const std::size_t size,
          query::lay_out(command, s.analysis, [](const Rewrite&, const bson::Mark& m) {
            return kBinaryHeaderLen + payload_len(m.value_size);
          }));
  const MutBytes out = s.make_room(size);
  std::size_t value = 0;
  query::write_out(out, command, s.analysis,
                   [&](const Rewrite& r, const bson::Mark& m, Bytes plain, MutBytes room) {
                     s.values.add_binary(value++, r.leaf->algorithm, m.type, plain, room);
                   });
  if (const FieldsDone sealed = s.values.seal(); !sealed)
    return at_value(sealed.error(), command, s);
  s.values.count();
  s.fields = s.values.size();
  s.result = out;
  return ok;
}

/// Runs `work` on a clean message; takes everything back when it fails, findings excepted.
template <class Work>
Done run(Message& message, Work work) {
  MessageState& s = MessageState::of(message);
  s.abandon();
  s.wanted.clear();
  BatchState::of(s.batch).wanted.clear();
  Done done = ok;
  try {
    done = work(s);
    if (!done && done.error().code == Errc::key_not_found) {
      s.values.list_wanted(s.wanted);
      if (s.wanted.empty()) s.wanted = BatchState::of(s.batch).wanted;
    }
  } catch (const std::bad_alloc&) {
    done = Failure(Errc::no_memory, {});
  } catch (...) {  // the application's list_collections
    s.abandon();
    wipe(s.output);
    throw;
  }
  if (done) {
    s.values.release();
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

Message::Message() : s_(std::make_unique<MessageState>()) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;
Bytes Message::output() const noexcept { return s_->result; }
std::size_t Message::fields() const noexcept { return s_->fields; }
std::vector<const schema::Leaf*> Message::leaves() const {
  std::vector<const schema::Leaf*> leaves;
  for (const Rewrite& r : s_->analysis.rewrites)
    if (r.encrypts()) leaves.push_back(r.leaf);
  return leaves;
}
std::span<const query::Finding> Message::findings() const noexcept { return s_->analysis.findings; }
std::span<const KeptField> Message::kept() const noexcept { return s_->batch.kept(); }
LeftAlone Message::left_alone() const { return s_->batch.left_alone(); }
const WantedKeys& Message::wanted_keys() const noexcept { return s_->wanted; }
void Message::hold_key(kms::KeyHandle key, std::span<const std::string> alt_names) {
  s_->held.add(std::move(key), alt_names);
}
void Message::use_list_collections(ListCollections list, bool together) {
  s_->list = std::move(list);
  s_->asking_since.reset();
  s_->together = together;
}
void Message::drop_held() noexcept {
  if (!s_->result.empty() && s_->result.data() == s_->output.data())
    wipe({s_->output.data(), s_->result.size()});
  s_->abandon();  // which may point to keys that are held
  s_->held.clear();
  s_->list = nullptr;
  s_->asking_since.reset();
  s_->changes_schemas = false;
}

struct AutoEncrypter::Impl {
  Impl(Options o, std::shared_ptr<kms::KeyRing> k)
      : options(std::move(o)),
        keys(std::move(k)),
        schemas(options),
        decrypter(nullptr, keys,
                  {.limits = kReplyLimits,
                   .missing_keys = options.missing_keys,
                   .observer = options.observer}) {}

  /// encrypt(), and tells the observer.
  Done encrypt_observed(std::string_view db, Bytes command, MessageState& s) {
    CallReport report(options.observer.get(), options.now);
    Done done = encrypt(db, command, s);
    if (done) report.add_fields(s.values);
    report.end_command(query::analyzed_command(s.target.name), s.analysis.refused_by, done);
    return done;
  }

  Done encrypt(std::string_view db, Bytes command, MessageState& s) {
    s.result = command;
    FLE_CHECK(query::read_target(command, s.target));
    // A command that is made again, with what it lacked, has said so before.
    const bool is_first = !s.list || !s.asking_since;
    s.changes_schemas = changes_schemas(s.target.name);
    if (is_first && s.changes_schemas) schemas.forget();
    if (is_first) s.asking_since = schemas.times_forgotten();
    if (s.target.command_class == query::CommandClass::bypassed) return ok;
    FLE_CHECK(schemas.find(db, s.target, s.schemas, s.scratch,
                           {s.list ? &s.list : nullptr, s.together, *s.asking_since}));
    const query::AnalysisOptions how{
        options.explain, options.budget,
        options.previous_keys.empty() ? nullptr : &options.previous_keys, &s.target};
    FLE_CHECK(query::analyze(command, db, s.schemas, s.analysis, how));
    if (how.previous_keys != nullptr) {
      FLE_TRY(s.rolled, query::roll_over(command, db, s.schemas, s.analysis, how));
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

Done AutoEncrypter::encrypt_command(std::string_view db, BorrowedBytes command,
                                    Message& message) const {
  return run(message, [&](MessageState& s) -> Done {
    s.changes_schemas = false;
    if (impl_->options.bypass_auto_encryption || impl_->options.bypass_query_analysis) {
      s.result = command;
      return ok;
    }
    if (impl_->options.observer == nullptr) return impl_->encrypt(db, command, s);
    return impl_->encrypt_observed(db, command, s);
  });
}

Done AutoEncrypter::decrypt_reply(BorrowedBytes reply, Message& message) const {
  return run(message, [&](MessageState& s) -> Done {
    // What others have asked for while the server was at it may be of before.
    if (std::exchange(s.changes_schemas, false)) impl_->schemas.forget();
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
