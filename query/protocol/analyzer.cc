#include "fle/query/analyzer.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>

#include <string.h>

#include "analyzer_request.h"
#include "analyzer_schema_cache.h"
#include "fle/bson/writer.h"
#include "fle/query/analysis.h"
#include "fle/report.h"

namespace fle::query {
namespace {

using internal::Request;
using internal::SchemaCache;
using internal::SentSchema;

/// Commands hold the plaintext that this library is about: our copies do not stay in freed memory.
class Wiped {
 public:
  explicit Wiped(std::vector<std::uint8_t>& bytes) noexcept : bytes_(bytes) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

 private:
  std::vector<std::uint8_t>& bytes_;
};

std::vector<std::uint8_t> reply(bool has_placeholders, bool schema_encrypts, Bytes result) {
  bson::Writer w(result.size() + 128);
  w.add_bool("hasEncryptionPlaceholders", has_placeholders);
  w.add_bool("schemaRequiresEncryption", schema_encrypts);
  w.add_document("result", result);
  w.add_double("ok", 1.0);
  return std::move(w).take();
}

/// A validator's own schema decides what its collection encrypts from now on: a client that sends
/// another one for it has not understood the command.
Done check_own_schema(const Target& target, const SentSchema& sent) {
  if (target.own_schema.empty() || std::equal(target.own_schema.begin(), target.own_schema.end(),
                                              sent.document.begin(), sent.document.end())) {
    return ok;
  }
  return Failure(Errc::command_malformed,
                 "validator with $jsonSchema must be identical to FLE 1 jsonSchema parameter",
                 "validator.$jsonSchema");
}

Outcome<SentSchema> schema_for(const Request& request, const Target& target, std::string_view db,
                               const CollectionName& name) {
  const std::string_view collection = name.collection;
  if (request.own) {
    if (name.db == db && collection == target.collection) return *request.own;
    return Failure(Errc::schema_missing,
                   "Pipeline over an encrypted collection cannot reference additional collections; "
                   "'" +
                       std::string(collection) + "' needs csfleEncryptionSchemas");
  }
  const std::string ns = std::string(name.db) + "." + std::string(collection);
  if (const SentSchema* sent = request.find(ns)) return *sent;
  return Failure(Errc::schema_missing, "Missing encryption schema for namespace: " + ns);
}

/// A client that sends schemas of a database that the command does not name means another command.
Done check_databases(const std::vector<Request::Named>& named, const Target& target,
                     std::string_view db) {
  const auto is_named = [&target, db](std::string_view other) {
    return other == db || std::ranges::find(target.elsewhere, other, &CollectionName::db) !=
                              target.elsewhere.end();
  };
  for (const Request::Named& n : named) {
    // A database's name has no dot, a collection's may have.
    const std::size_t dot = n.ns.find('.');
    const char* wrong = dot == std::string_view::npos || dot == 0 || dot + 1 == n.ns.size()
                            ? "is not a namespace, database.collection"
                        : !is_named(n.ns.substr(0, dot))
                            ? "is of another database than the command's"
                            : nullptr;
    if (wrong != nullptr) {
      return Failure(Errc::command_malformed, wrong, "csfleEncryptionSchemas." + std::string(n.ns));
    }
  }
  return ok;
}

Outcome<std::vector<CollectionSchema>> schemas_of(const Request& request, const Target& target,
                                                  SchemaCache& cache, const Budget& budget) {
  std::vector<CollectionSchema> schemas;
  list_schemas(target, schemas);
  if (!request.own && !request.named) {
    if (!request.says_no_schema) {
      return Failure(Errc::command_malformed, "jsonSchema is a required command field",
                     "jsonSchema");
    }
    return schemas;
  }
  const std::string_view db = target.db.empty() ? request.db : target.db;
  if (request.named) FLE_CHECK(check_databases(*request.named, target, db));
  for (CollectionSchema& s : schemas) {
    const CollectionName name = full_name(target, request.db, s);
    FLE_TRY(const SentSchema sent, schema_for(request, target, db, name));
    if (name.db == db && name.collection == target.collection)
      FLE_CHECK(check_own_schema(target, sent));
    FLE_TRY(s.plan, cache.get(sent.document, sent.origin, budget));
  }
  return schemas;
}

/// What an observer is told of a command, as far as it comes.
struct About {
  Word command;
  Word refused_by;
};

Outcome<std::vector<std::uint8_t>> run(Bytes sent, std::string_view db, SchemaCache& cache,
                                       const Budget& budget, About* about) {
  FLE_TRY(Request request, internal::read_request(sent, db));
  const Wiped command(request.command);
  FLE_TRY(const Target target, read_target(request.command));
  if (target.command_class == CommandClass::bypassed) return reply(false, false, request.command);
  if (about != nullptr) about->command = analyzed_command(target.name);

  FLE_TRY(const std::vector<CollectionSchema> schemas, schemas_of(request, target, cache, budget));
  Analysis analysis;
  AnalysisOptions options;
  options.budget = budget;
  options.target = &target;
  const Done analyzed = query::analyze(request.command, request.db, schemas, analysis, options);
  if (about != nullptr) about->refused_by = analysis.refused_by;
  FLE_CHECK(analyzed);
  if (analysis.edits.empty()) return reply(false, analysis.schema_encrypts, request.command);
  FLE_TRY(std::vector<std::uint8_t> marked, write_marked(request.command, analysis));
  const Wiped result(marked);
  return reply(analysis.n_encrypted != 0, analysis.schema_encrypts, marked);
}

}  // namespace

struct Analyzer::State {
  explicit State(const Options& options)
      : schemas(options.max_schemas), budget(options.budget), observer(options.observer) {}
  SchemaCache schemas;
  const Budget budget;
  const std::shared_ptr<Observer> observer;
};

Analyzer::Analyzer() : Analyzer(Options{}) {}
Analyzer::Analyzer(Options options) : s_(std::make_unique<State>(options)) {}
Analyzer::~Analyzer() = default;

Outcome<std::vector<std::uint8_t>> Analyzer::analyze(Bytes command, std::string_view db,
                                                     const std::atomic<bool>* abandoned) const {
  try {
    Budget budget = s_->budget;
    if (abandoned != nullptr) budget.abandoned = abandoned;
    if (s_->observer == nullptr) return run(command, db, s_->schemas, budget, nullptr);
    const auto began = std::chrono::steady_clock::now();
    About about;
    auto result = run(command, db, s_->schemas, budget, &about);
    Events<2> events;
    events.add_command(about.command, about.refused_by, result,
                       nanoseconds(std::chrono::steady_clock::now() - began));
    events.tell(s_->observer.get());
    return result;
  } catch (const std::bad_alloc&) {
    return Failure(Error{Errc::no_memory, "query::Analyzer::analyze"});
  }
}

}  // namespace fle::query
