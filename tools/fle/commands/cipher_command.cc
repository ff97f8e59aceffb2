// fle encrypt, fle decrypt and fle reencrypt: a stream of documents through DocumentCipher.
#include <algorithm>

#include "collections.h"
#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/progress.h"
#include "command_line/stream_options.h"
#include "fle/client/document_cipher.h"
#include "schema_file.h"
#include "streams/pipeline.h"

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
  std::vector<Bytes> results;    // of them
  Lane* lane = nullptr;          // of their collection
  WipedBytes bson;               // of JSON input
  WipedChars json;               // of the results
};

/// Reports fields that stayed encrypted: the first ones each, then a count.
class KeptReport {
 public:
  void add(const client::KeptField& f, std::uint64_t first_document, const std::string& ns) {
    constexpr std::uint64_t kMost = 20;
    if (count_++ >= kMost) return;
    complain("document " + std::to_string(first_document + f.document + 1) + ": field '" + f.path +
             "': left encrypted: " + name(f.reason) + ": " + f.message +
             (ns.empty() ? "" : " (in " + ns + ")"));
  }
  void finish() const {
    if (count_ != 0) complain(std::to_string(count_) + " fields were left encrypted");
  }

 private:
  std::uint64_t count_ = 0;
};

class CipherRun {
 public:
  CipherRun(const CipherOptions& o, Lanes lanes, DocumentCipher::Reencryption how,
            const DocumentReader& reader, DocumentWriter& out)
      : o_(o),
        reader_(reader),
        lanes_(std::move(lanes)),
        how_(std::move(how)),
        out_(out),
        progress_(reader.input_bytes(), o.stream.quiet || out.is_terminal()) {}

  Done all(DocumentReader& reader) {
    Steps steps;
    steps.make = [] { return std::make_unique<CipherWork>(); };
    steps.process = [this](Work& w) { return process(static_cast<CipherWork&>(w)); };
    steps.write = [this](Work& w) { return write(static_cast<CipherWork&>(w)); };
    FLE_CHECK(run_pipeline(reader, steps, o_.stream.thread_count()));
    progress_.hide();
    kept_.finish();
    return o_.require_fields ? lanes_.require_fields() : Done(ok);
  }
  [[nodiscard]] Summary summary() const { return lanes_.summary(); }

 private:
  Done process(CipherWork& w) {
    w.documents.clear();
    w.results.clear();
    FLE_TRY(w.lane, lanes_.of(*w.chunk.collection));
    FLE_CHECK(find_documents(w));
    FLE_CHECK(w.lane->copied != nullptr ? copy(w) : transform(w));
    if (!out_.is_text()) return ok;
    w.json.clear();
    for (std::size_t i = 0; i < w.results.size(); ++i) {
      Done written = out_.append_text(w.results[i], w.json);
      if (!written) return at_document(std::move(written.error()), w, i);
    }
    return ok;
  }

  static Done copy(CipherWork& w) {
    w.results = w.documents;
    return ok;
  }

  Done transform(CipherWork& w) {
    w.batch.clear();
    for (const Bytes d : w.documents) w.batch.add(d);
    Done done = run(w.lane->cipher, w.batch);
    if (!done) {
      Failure f = std::move(done.error());
      if (f.document != 0)
        f = at_document(std::move(f), w, static_cast<std::size_t>(f.document) - 1);
      return reader_.is_text() ? with_json_advice(std::move(f)) : std::move(f);
    }
    w.tally.take(w.batch, o_.task);
    for (std::size_t i = 0; i < w.batch.size(); ++i) w.results.push_back(w.batch.output(i));
    return ok;
  }

  Done run(const DocumentCipher& cipher, client::Batch& batch) const {
    switch (o_.task) {
      case Task::encrypt:
        return cipher.encrypt(batch);
      case Task::decrypt:
        return cipher.decrypt(batch);
      case Task::reencrypt:
        break;
    }
    return cipher.reencrypt(batch, how_);
  }

  static Failure at_document(Failure f, const CipherWork& w, std::size_t i) {
    f.document = w.chunk.first_document + i + 1;
    return in_collection(std::move(f), *w.chunk.collection);
  }

  Done find_documents(CipherWork& w) {
    const Bytes raw = w.chunk.raw;
    std::vector<std::size_t> ends = w.chunk.ends;
    if (reader_.is_text()) {
      w.bson.clear();
      for (std::size_t i = 0; i < ends.size(); ++i) {
        FLE_CHECK(reader_.as_bson(w.chunk, i, w.bson, w.lane->integers.get()));
        ends[i] = w.bson.size();
      }
    }
    const Bytes documents = reader_.is_text() ? Bytes(w.bson) : raw;
    std::size_t from = 0;
    for (const std::size_t end : ends) {
      w.documents.push_back(documents.subspan(from, end - from));
      from = end;
    }
    return ok;
  }

  Done write(CipherWork& w) {
    if (out_.is_text()) {
      FLE_CHECK(out_.write_text(w.chunk, w.json));
    } else {
      FLE_CHECK(out_.write(w.chunk, w.results));
    }
    if (w.lane->copied != nullptr) {
      w.lane->n_copied += w.documents.size();
    } else {
      count(w);
    }
    progress_.add(w.chunk.input_bytes, w.chunk.size());
    return ok;
  }

  void count(CipherWork& w) {
    w.lane->counts.add(w.tally, w.documents);
    if (!w.batch.kept().empty()) progress_.hide();
    for (const client::KeptField& f : w.batch.kept())
      kept_.add(f, w.chunk.first_document, w.lane->ns);
  }

  const CipherOptions& o_;
  const DocumentReader& reader_;
  Lanes lanes_;
  DocumentCipher::Reencryption how_;
  DocumentWriter& out_;
  Progress progress_;
  KeptReport kept_;
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

/// @param files  what appears once all is done: a file or a folder
template <class Files>
Done run_through(const CipherOptions& o, Lanes lanes, DocumentCipher::Reencryption how,
                 DocumentReader& reader, DocumentWriter& out, Files& files) {
  CipherRun all(o, std::move(lanes), std::move(how), reader, out);
  FLE_CHECK(all.all(reader));
  FLE_CHECK(out.finish(reader.rest()));
  FLE_CHECK(files.commit());
  Summary summary = all.summary();
  if (reader.folder() != nullptr)
    for (const std::string& file : reader.folder()->strangers)
      summary.warnings.push_back(file + ": not a file of mongodump's: copied as it is");
  tell(std::move(summary), o.stream);
  return ok;
}

Done run_cipher(const CipherOptions& o) {
  FLE_TRY(std::shared_ptr<kms::KeyRing> ring, o.keys.key_ring());
  DocumentCipher::Reencryption how{{}, o.may_decrypt};
  if (o.task == Task::reencrypt && o.old_keys.given()) {
    FLE_TRY(how.old_keys, o.old_keys.key_ring(o.keys));
  }
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.stream.format));
  FLE_TRY(Lanes lanes, Lanes::open({o.task, cipher_options(o), o.keys.vault_namespace},
                                   o.by_schema() ? &o.schema : nullptr, ring, reader.announced()));
  // Before anything is written to a pipe.
  if (o.require_fields && lanes.encrypts_nothing()) return nothing_to_encrypt();
  const files::Privacy privacy =
      o.gives_plaintext() ? files::Privacy::secret : files::Privacy::ordinary;
  FLE_TRY(const OutputForm form, o.stream.output_form(reader.form()));
  if (const DumpFolder* const folder = reader.folder(); folder != nullptr) {
    FLE_TRY(FolderOutput into, FolderOutput::create(o.stream.out, privacy));
    FLE_TRY(DocumentWriter out, DocumentWriter::into(into, *folder));
    return run_through(o, std::move(lanes), std::move(how), reader, out, into);
  }
  FLE_TRY(Output file, Output::open(o.stream.out, privacy));
  FLE_TRY(DocumentWriter out, DocumentWriter::into(file, form));
  return run_through(o, std::move(lanes), std::move(how), reader, out, file);
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
