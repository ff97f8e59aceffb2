#include <mutex>
#include <utility>

#include "edge.h"
#include "fle/schema/compile.h"

using fle::client::AutoEncrypter;
using fle::client::Message;

namespace fle::c {

void Schemas::set(std::string ns, std::shared_ptr<const schema::Plan> plan) {
  const std::lock_guard lock(mutex_);
  plans_.insert_or_assign(std::move(ns), std::move(plan));
}

std::shared_ptr<const schema::Plan> Schemas::find(std::string_view ns) const {
  const std::shared_lock lock(mutex_);
  const auto it = plans_.find(ns);
  return it == plans_.end() ? nullptr : it->second;
}

}  // namespace fle::c

namespace {

Message& scratch(fle_buffer& out) { return out.message ? *out.message : out.message.emplace(); }

/// A refusal, with what to write instead.
Failure with_advice(Failure why, const Message& message) {
  for (const fle::query::Finding& finding : message.findings())
    if (finding.verdict == fle::query::Finding::Verdict::refused && !finding.advice.empty())
      why.message += ". " + finding.advice;
  return why;
}

}  // namespace

fle_commands* fle_commands_create(fle_keys* keys, unsigned flags, fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_commands>> {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(fle::c::check_flags(flags, FLE_ALLOW_WITHOUT_SCHEMA | FLE_KEEP_MISSING_KEYS));
    const auto schemas = std::make_shared<fle::c::Schemas>();
    AutoEncrypter::Options options;
    options.require_schema = (flags & FLE_ALLOW_WITHOUT_SCHEMA) == 0;
    if ((flags & FLE_KEEP_MISSING_KEYS) != 0) options.missing_keys = fle::client::MissingKeys::keep;
    options.local_schemas =
        [schemas](std::string_view ns) -> Outcome<std::shared_ptr<const fle::schema::Plan>> {
      return schemas->find(ns);
    };
    return std::unique_ptr<fle_commands>(
        new fle_commands{schemas, {std::move(options), keys->encryption.keys()}});
  });
}

void fle_commands_destroy(fle_commands* commands) { delete commands; }

int fle_commands_set_schema(fle_commands* commands, const char* ns, std::size_t ns_size,
                            const fle_schema* schema, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(commands, "commands"));
    FLE_TRY(const std::string_view name, path_of(ns, ns_size, "ns"));
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot >= name.size() - 1)
      return Failure(Errc::invalid_argument, "ns is not of the form database.collection");
    std::shared_ptr<const fle::schema::Plan> plan;
    if (schema != nullptr) {
      plan = schema->plan;
    } else {
      FLE_TRY(plan, fle::schema::compile_json(R"({"bsonType": "object"})"));
    }
    commands->schemas->set(std::string(name), std::move(plan));
    return ok;
  });
}

int fle_encrypt_command(const fle_commands* commands, fle_buffer* out, const char* db,
                        std::size_t db_size, const void* command, std::size_t size,
                        fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(commands, "commands"));
    FLE_TRY(const std::string_view database, path_of(db, db_size, "db"));
    FLE_TRY(const Bytes document, bytes_of(command, size, "command"));
    Message& message = scratch(*out);
    Done done = commands->encrypter.encrypt_command(database, document, message);
    if (!done) return with_advice(std::move(done.error()), message);
    fle::c::append(*out, message.output());
    out->fields = message.fields();
    message.drop_held();
    return ok;
  });
}

int fle_decrypt_reply(const fle_commands* commands, fle_buffer* out, const void* reply,
                      std::size_t size, fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(commands, "commands"));
    FLE_TRY(const Bytes document, bytes_of(reply, size, "reply"));
    Message& message = scratch(*out);
    FLE_CHECK(commands->encrypter.decrypt_reply(document, message));
    fle::c::append(*out, message.output());
    out->fields = message.fields();
    out->kept = message.kept().size();
    message.drop_held();
    return ok;
  });
}
