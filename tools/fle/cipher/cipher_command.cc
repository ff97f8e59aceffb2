// fle encrypt, fle decrypt and fle reencrypt: a stream of documents through DocumentCipher.
#include <algorithm>

#include "cipher_options.h"
#include "cipher_run.h"
#include "command_line/cli.h"
#include "fle/client/document_cipher.h"
#include "fle/did_you_mean.h"
#include "usage.h"

namespace fle::tools {
namespace {

using client::DocumentCipher;

constexpr std::uint64_t kLargestCheckpoint = std::uint64_t{1} << 62;

/// A number of bytes with a unit or without.
CLI::Validator begins_with_whole_number() {
  return {[](std::string& text) {
            constexpr std::string_view kDigits = "0123456789";
            const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
            std::string unit = text.substr(digits);
            const bool one = digits != 0 && unit.find_first_of(kDigits) == std::string::npos;
            std::string number = one ? text.substr(0, digits) : text;
            std::string fault = whole_number_fault(number, 0, UINT64_MAX);
            text = number + (one ? unit : "");
            return fault;
          },
          ""};
}

DocumentCipher::Options cipher_options(const CipherOptions& o,
                                       const std::shared_ptr<Observer>& trace) {
  DocumentCipher::Options options;
  options.observer = trace;
  options.budget = o.schema.budget;
  options.encrypted_already = client::EncryptedAlready::keep;
  // What encryption has made larger must still come back.
  if (o.task != Task::encrypt) options.limits.max_bytes += 16 * 1024;
  if (o.keep_missing) options.missing_keys = client::MissingKeys::keep;
  options.limits.nulls = o.nulls;
  options.on_faulty =
      o.on_error == OnError::stop ? client::OnFaulty::explain : client::OnFaulty::leave_out;
  options.verify = o.verify;
  return options;
}

/// Puts results and what was left out where they belong, and says what was done.
Ending finish(const CipherOptions& o, const CipherRun& all, RunFiles& files) {
  FLE_CHECK(files.commit(all.left_some_out(), all.counts()));
  all.tell_left_out();
  Summary summary = all.summary();
  if (const DumpFolder* const folder = files.reader().folder(); folder != nullptr)
    for (const std::string& file : folder->strangers)
      summary.warnings.push_back(file + ": not a file of mongodump's: copied as it is");
  tell(std::move(summary), o.stream);
  return all.left_some_out() ? kRefused : kDone;
}

Ending run_cipher(const CipherOptions& o) {
  FLE_TRY(const std::shared_ptr<Observer> trace, o.keys.trace());
  FLE_TRY(std::shared_ptr<kms::KeyRing> ring, o.keys.key_ring(trace));
  DocumentCipher::Reencryption how{{}, o.may_decrypt};
  if (o.task == Task::reencrypt && o.old_keys.given()) {
    FLE_TRY(how.old_keys, o.old_keys.key_ring(o.keys, trace));
  }
  FLE_TRY(const std::unique_ptr<RunFiles> files, RunFiles::open(o));
  FLE_TRY(Lanes lanes,
          Lanes::open({o.task, cipher_options(o, trace), o.keys.vault_namespace},
                      o.by_schema() ? &o.schema : nullptr, ring, files->reader().announced()));
  // Before anything is written to a pipe.
  if (o.require_fields && lanes.encrypts_nothing()) return nothing_to_encrypt();
  FLE_CHECK(files->open_results());
  CipherRun all(o, std::move(lanes), std::move(how), *files);
  Ending end = all.all();
  if (end.status == kDone) end = finish(o, all, *files);
  if (end.status != kDone && !files->journal_path().empty())
    complain("'" + files->journal_path() +
             "' keeps what was done: the same command with --resume goes on from there");
  return end;
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

/// What --on-error was given.
void take_on_error(CipherOptions& o, const std::vector<std::string>& words) {
  static constexpr std::string_view kNames[] = {"stop", "skip", "quarantine"};
  static constexpr OnError kValues[] = {OnError::stop, OnError::skip, OnError::quarantine};
  const auto* const name = std::ranges::find(kNames, words.front());
  if (name == std::end(kNames))
    throw CLI::ValidationError("--on-error", "expected stop, skip or quarantine FILE, not '" +
                                                 words.front() + "'." +
                                                 did_you_mean(words.front(), kNames));
  o.on_error = kValues[name - std::begin(kNames)];
  const bool takes_file = o.on_error == OnError::quarantine;
  if (words.size() != (takes_file ? 2U : 1U))
    throw CLI::ValidationError(
        "--on-error", takes_file ? "quarantine takes a FILE" : words.front() + " takes no FILE");
  o.quarantine = takes_file ? words.back() : std::string();
}

void add_fault_options(CLI::App& cmd, const std::shared_ptr<CipherOptions>& o) {
  cmd.add_option_function<std::vector<std::string>>(
         "--on-error", [o](const std::vector<std::string>& words) { take_on_error(*o, words); },
         "What becomes of a document that cannot be done. stop: the run ends, and tells every "
         "fault of it (the default); skip: it is left out and told; quarantine FILE: it is put "
         "into the new FILE, as it came. If some were left out, the exit status is 1 and the "
         "output is there")
      ->expected(1, 2)
      ->type_name("stop|skip|quarantine FILE");
  cmd.add_flag("--verify", o->verify,
               "Open what was made before it is written, and compare it with what it was made of: "
               "a difference ends the run");
}

void add_run_options(CLI::App& cmd, const std::shared_ptr<CipherOptions>& o) {
  cmd.add_option_function<std::string>(
         "--part", [o](const std::string& text) { o->part = PartOption::of(text); },
         "Only the documents that begin in the K-th of N equal parts of the file --in: the outputs "
         "of all parts, one after the other, are the output of the whole")
      ->check(PartOption::check)
      ->type_name("K/N");
  CLI::Option* const resume = cmd.add_flag(
      "--resume", o->resume,
      "Keep a journal beside the output, OUT.journal, and go on where an earlier run of "
      "the same command ended, whatever ended it. Until all is done the output stands as "
      "OUT.partial (mode 0600)");
  cmd.add_option("--checkpoint", o->checkpoint_bytes,
                 "With --resume: bytes of input after which the journal is brought up to date; 32M "
                 "if not given")
      // The last one is the first to look.
      ->transform(is_whole_number(1, kLargestCheckpoint))
      ->transform(CLI::AsSizeValue(false))
      ->transform(begins_with_whole_number())
      ->needs(resume)
      ->type_name("BYTES");
}

void add_nulls(CLI::App& cmd, const std::shared_ptr<CipherOptions>& o) {
  cmd.add_option_function<std::string>(
         "--null",
         [o](const std::string& v) {
           o->nulls = v == "keep"   ? bson::Nulls::keep
                      : v == "omit" ? bson::Nulls::omit
                                    : bson::Nulls::refuse;
         },
         "A null where the schema encrypts, which cannot be encrypted. refuse: it is a fault of "
         "its document (the default); keep: it stays null, for all to see; omit: the field is "
         "left out")
      ->check(CLI::IsMember({"refuse", "keep", "omit"}))
      ->type_name("refuse|keep|omit");
}

void check_usage(const CipherOptions& o) {
  if (const std::string fault = usage_fault(o); !fault.empty()) throw CLI::ValidationError(fault);
}

void add(CLI::App& app, Action& chosen, Task task) {
  const Help& help = *std::ranges::find(kHelp, task, &Help::task);
  CLI::App* cmd = app.add_subcommand(help.name, help.what);
  auto o = std::make_shared<CipherOptions>();
  o->task = task;
  if (o->by_schema()) add_schema_options(*cmd, *o, help.schema);
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->keys.add_trace(*cmd);
  if (task == Task::reencrypt) o->old_keys.add(*cmd);
  o->stream.add_input(*cmd);
  o->stream.add_output(*cmd);
  o->stream.add_summary(*cmd);
  add_fault_options(*cmd, o);
  add_run_options(*cmd, o);
  if (o->by_schema()) {
    add_nulls(*cmd, o);
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
  choose(*cmd, chosen, o, run_cipher, check_usage);
}

}  // namespace

void add_encrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::encrypt); }
void add_decrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::decrypt); }
void add_reencrypt(CLI::App& app, Action& chosen) { add(app, chosen, Task::reencrypt); }

}  // namespace fle::tools
