// fle encrypt, fle decrypt and fle reencrypt: a stream of documents through DocumentCipher.
#include <algorithm>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/progress.h"
#include "command_line/stream_options.h"
#include "fle/client/document_cipher.h"
#include "schema_file.h"
#include "streams/integer_hints.h"
#include "streams/pipeline.h"
#include "streams/stream_counts.h"

namespace fle::tools {
namespace {

using client::DocumentCipher;

struct CipherOptions {
  Task task = Task::encrypt;
  KeyOptions keys;
  OldKeyOptions old_keys;
  SchemaFile schema;
  StreamOptions stream;
  bool keep_missing = false;
  bool require_fields = false;
  bool may_decrypt = false;

  [[nodiscard]] bool by_schema() const noexcept { return task != Task::decrypt; }
  /// Whether plaintext of encrypted fields is in the results.
  [[nodiscard]] bool gives_plaintext() const noexcept {
    return task == Task::decrypt || may_decrypt;
  }
};

struct CipherWork : Work {
  client::Batch batch;
  Tally tally;
  std::vector<Bytes> documents;  // of the batch
  WipedBytes bson;               // of JSON input
  WipedChars json;               // of the results
};

/// Reports fields that stayed encrypted: the first ones each, then a count.
class KeptReport {
 public:
  void add(const client::KeptField& f, std::uint64_t first_document) {
    constexpr std::uint64_t kMost = 20;
    if (count_++ >= kMost) return;
    complain("document " + std::to_string(first_document + f.document + 1) + ": field '" + f.path +
             "': left encrypted: " + name(f.reason) + ": " + f.message);
  }
  void finish() const {
    if (count_ != 0) complain(std::to_string(count_) + " fields were left encrypted");
  }

 private:
  std::uint64_t count_ = 0;
};

class CipherRun {
 public:
  CipherRun(const CipherOptions& o, std::shared_ptr<const schema::Plan> plan, DocumentCipher cipher,
            DocumentCipher::Reencryption how, Output& out, std::uint64_t size)
      : o_(o),
        cipher_(std::move(cipher)),
        how_(std::move(how)),
        out_(out),
        progress_(size, o.stream.quiet || out.is_terminal()),
        integers_(plan, IntegerHints::In::documents),
        counts_(o.task, std::move(plan)) {}

  Done all(DocumentReader& reader) {
    Steps steps;
    steps.make = [] { return std::make_unique<CipherWork>(); };
    steps.process = [this](Work& w) { return process(static_cast<CipherWork&>(w)); };
    steps.write = [this](Work& w) { return write(static_cast<CipherWork&>(w)); };
    FLE_CHECK(run_pipeline(reader, steps, o_.stream.thread_count()));
    progress_.hide();
    kept_.finish();
    return o_.require_fields ? counts_.require_fields() : Done(ok);
  }
  [[nodiscard]] Summary summary() const { return counts_.summary(); }

 private:
  [[nodiscard]] bool json() const noexcept { return o_.stream.format == Format::json; }

  Done process(CipherWork& w) {
    w.batch.clear();
    w.documents.clear();
    FLE_CHECK(add_documents(w));
    Done done = transform(w.batch);
    if (!done) {
      if (done.error().document != 0) done.error().document += w.chunk.first_document;
      if (json()) return with_json_advice(std::move(done.error()));
      return done;
    }
    w.tally.take(w.batch, o_.task);
    if (!json()) return ok;
    w.json.clear();
    for (std::size_t i = 0; i < w.batch.size(); ++i) {
      Done written = bson_to_json(w.batch.output(i), !o_.stream.relaxed, w.json);
      if (!written) return at_document(std::move(written.error()), w, i);
    }
    return ok;
  }

  Done transform(client::Batch& batch) {
    switch (o_.task) {
      case Task::encrypt:
        return cipher_.encrypt(batch);
      case Task::decrypt:
        return cipher_.decrypt(batch);
      case Task::reencrypt:
        break;
    }
    return cipher_.reencrypt(batch, how_);
  }

  static Failure at_document(Failure f, const CipherWork& w, std::size_t i) {
    f.document = w.chunk.first_document + i + 1;
    return f;
  }

  Done add_documents(CipherWork& w) {
    const Bytes raw = w.chunk.raw;
    std::vector<std::size_t> ends = w.chunk.ends;
    if (json()) {
      w.bson.clear();
      for (std::size_t i = 0; i < ends.size(); ++i) {
        FLE_CHECK(line_to_bson(w.chunk, i, w.bson, integers_.get()));
        ends[i] = w.bson.size();
      }
    }
    const Bytes documents = json() ? Bytes(w.bson) : raw;
    std::size_t from = 0;
    for (const std::size_t end : ends) {
      w.documents.push_back(documents.subspan(from, end - from));
      w.batch.add(w.documents.back());
      from = end;
    }
    return ok;
  }

  Done write(CipherWork& w) {
    if (json()) {
      FLE_CHECK(out_.write({reinterpret_cast<const std::uint8_t*>(w.json.data()), w.json.size()}));
    } else {
      for (std::size_t i = 0; i < w.batch.size(); ++i) FLE_CHECK(out_.write(w.batch.output(i)));
    }
    counts_.add(w.tally, w.documents);
    if (!w.batch.kept().empty()) progress_.hide();
    for (const client::KeptField& f : w.batch.kept()) kept_.add(f, w.chunk.first_document);
    progress_.add(w.chunk.raw.size(), w.chunk.ends.size());
    return ok;
  }

  const CipherOptions& o_;
  DocumentCipher cipher_;
  DocumentCipher::Reencryption how_;
  Output& out_;
  Progress progress_;
  KeptReport kept_;
  IntegerHints integers_;
  StreamCounts counts_;
};

DocumentCipher::Options cipher_options(const CipherOptions& o) {
  DocumentCipher::Options options;
  options.budget = o.schema.budget;
  options.encrypted_already = client::EncryptedAlready::keep;
  // What encryption has made larger must still come back.
  if (o.task != Task::encrypt) options.limits.max_bytes += 16 * 1024;
  if (o.keep_missing) options.missing_keys = client::MissingKeys::keep;
  return options;
}

Done run_cipher(const CipherOptions& o) {
  std::shared_ptr<const schema::Plan> plan;
  if (o.by_schema()) {
    FLE_TRY(plan, o.schema.compile());
    // Before anything is read, or written to a pipe.
    if (o.require_fields && plan->leaves().empty()) return nothing_to_encrypt();
  }
  FLE_TRY(std::shared_ptr<kms::KeyRing> ring, o.keys.key_ring());
  DocumentCipher::Reencryption how{{}, o.may_decrypt};
  if (o.task == Task::reencrypt && o.old_keys.given()) {
    FLE_TRY(how.old_keys, o.old_keys.key_ring(o.keys));
  }
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(Output out, Output::open(o.stream.out, o.gives_plaintext() ? files::Privacy::secret
                                                                     : files::Privacy::ordinary));
  FLE_CHECK(check_terminal(out, o.stream.format));
  DocumentReader reader(in, o.stream.format);
  CipherRun all(o, plan, DocumentCipher(plan, std::move(ring), cipher_options(o)), std::move(how),
                out, in.size());
  FLE_CHECK(all.all(reader));
  FLE_CHECK(out.commit());
  tell(all.summary(), o.stream);
  return ok;
}

/// What --help says of each.
struct Help {
  Task task;
  const char* name;
  const char* what;
  const char* schema;
  const char* example;
};
constexpr Help kHelp[] = {
    {Task::encrypt, "encrypt", "Encrypt a stream of documents as a schema says",
     "JSON Schema with encrypt keywords, as Extended JSON",
     "What the schema would have made already (its key, its algorithm) is verified and kept; what "
     "is encrypted otherwise is refused: see 'fle reencrypt'.\n"
     "Example: fle encrypt --schema patients.json --vault keys.db --local-key master.key "
     "< patients.bson > encrypted.bson"},
    {Task::decrypt, "decrypt", "Decrypt every encrypted field of a stream of documents", nullptr,
     "Example: fle decrypt --vault keys.db --local-key master.key < encrypted.bson > "
     "patients.bson"},
    {Task::reencrypt, "reencrypt",
     "Bring a stream of documents under a new schema, other keys or other algorithms, in one pass",
     "The new JSON Schema, as for encrypt",
     "Values under the new schema already are verified and kept, byte for byte; others are opened "
     "and sealed anew; plaintext is sealed. No plaintext is written anywhere.\n"
     "Example: fle reencrypt --schema new.json --vault keys.db --local-key master.key --in "
     "old.bson "
     "--out new.bson"},
};

void add_schema_options(CLI::App& cmd, CipherOptions& o, const char* help) {
  cmd.add_option("--schema", o.schema.path, help)->required()->type_name("FILE");
  o.schema.add_origin(cmd);
  o.schema.add_ns(cmd);
  o.schema.add_budget(cmd);
}

void add(CLI::App& app, Action& chosen, Task task) {
  const Help& help = *std::ranges::find(kHelp, task, &Help::task);
  CLI::App* cmd = app.add_subcommand(help.name, help.what);
  auto o = std::make_shared<CipherOptions>();
  o->task = task;
  if (o->by_schema()) add_schema_options(*cmd, *o, help.schema);
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  if (task == Task::reencrypt) o->old_keys.add(*cmd);
  o->stream.add_input(*cmd);
  o->stream.add_output(*cmd);
  o->stream.add_summary(*cmd);
  if (o->by_schema()) {
    cmd->add_flag("--require-fields", o->require_fields,
                  "Fail, and leave no --out file, if no document has a field that the schema "
                  "encrypts");
  }
  if (task == Task::reencrypt) {
    cmd->add_flag("--allow-decrypt", o->may_decrypt,
                  "Decrypt what the new schema does not encrypt; it is refused without this");
  }
  if (task == Task::decrypt) {
    cmd->add_option_function<std::string>(
           "--missing-keys", [o](const std::string& v) { o->keep_missing = v == "keep"; },
           "fail: stop at a field whose key cannot be had (the default); keep: leave it encrypted "
           "and report it")
        ->check(CLI::IsMember({"fail", "keep"}))
        ->type_name("fail|keep");
  }
  cmd->footer(std::string("Ends with a count of documents and of fields by path, on standard "
                          "error.\n") +
              help.example);
  choose(*cmd, chosen, o, run_cipher);
}

}  // namespace

void add_encrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::encrypt); }
void add_decrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::decrypt); }
void add_reencrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::reencrypt); }

}  // namespace fle::tools
