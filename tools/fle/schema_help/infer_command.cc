// fle schema infer: a schema from sample documents and a list of what to encrypt.
#include <algorithm>
#include <array>

#include "command_line/cli.h"
#include "command_line/files.h"
#include "fle/did_you_mean.h"
#include "fle/schema/compile.h"
#include "keys/key_commands.h"
#include "options/stream_options.h"
#include "pretty_json.h"
#include "samples.h"
#include "schema_commands.h"
#include "streams/documents.h"
#include "terminal/list.h"
#include "terminal/progress.h"

namespace fle::tools {
namespace {

struct InferOptions {
  StreamOptions stream;
  KeyOptions keys;
  std::vector<std::string> paths;  // PATH[=ALGORITHM]
  std::string paths_file;
  std::string algorithm = "random";
  std::string key;
};

constexpr std::string_view kAlgorithms[] = {"random", "deterministic"};

/// As an option says it.
std::optional<Algorithm> parse_algorithm(std::string_view text) {
  if (text == kAlgorithms[0]) return Algorithm::random;
  if (text == kAlgorithms[1]) return Algorithm::deterministic;
  return std::nullopt;
}

// --- what to encrypt ---

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> names;
  for (std::size_t dot = 0; dot != std::string_view::npos; path.remove_prefix(dot + 1)) {
    dot = path.find('.');
    names.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) break;
  }
  return names;
}

Outcome<SamplePath> parse_path(const std::string& text, Algorithm otherwise) {
  SamplePath p;
  p.path = text;
  p.algorithm = otherwise;
  if (const std::size_t equals = text.rfind('='); equals != std::string::npos) {
    const std::string name = text.substr(equals + 1);
    const auto algorithm = parse_algorithm(name);
    if (!algorithm) {
      return Failure(Errc::invalid_argument, "'" + text + "': expected PATH=random or " +
                                                 "PATH=deterministic, not '" + name + "'." +
                                                 did_you_mean(name, kAlgorithms));
    }
    p.algorithm = *algorithm;
    p.path.erase(equals);
  }
  p.names = split(p.path);
  if (std::ranges::count(p.names, "") != 0)
    return Failure(Errc::invalid_argument, "'" + text + "' is not a path: a name in it is empty");
  return p;
}

/// The lines of --paths, without empty ones and those that begin with '#'.
Outcome<std::vector<std::string>> read_paths(const std::string& file) {
  constexpr std::size_t kMost = 1024 * 1024;
  FLE_TRY(const std::string text, read_file(file, kMost, files::FileKind::schema));
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') lines.emplace_back(line);
  }
  return lines;
}

Outcome<std::vector<SamplePath>> wanted(const InferOptions& o) {
  std::vector<std::string> texts = o.paths;
  if (!o.paths_file.empty()) {
    FLE_TRY(const std::vector<std::string> more, read_paths(o.paths_file));
    texts.insert(texts.end(), more.begin(), more.end());
  }
  if (texts.empty())
    return Failure(Errc::invalid_argument, "no path is given, so nothing is to be encrypted");
  std::vector<SamplePath> paths;
  for (const std::string& text : texts) {
    FLE_TRY(SamplePath p, parse_path(text, *parse_algorithm(o.algorithm)));
    paths.push_back(std::move(p));
  }
  return paths;
}

/// RFC 6901. What is wrong with a pointer is told by the compiler.
std::vector<std::string> tokens_of(std::string_view pointer) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      tokens.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      tokens.back() += pointer[i];
    }
  }
  return tokens;
}

Outcome<schema::KeySelector> key_of(const InferOptions& o) {
  if (o.key.starts_with('/'))
    return schema::KeySelector(schema::KeyPointer{o.key, tokens_of(o.key)});
  if (!o.keys.vault.empty()) {
    FLE_TRY(const std::shared_ptr<kms::KeyVault> vault, o.keys.open_vault(false));
    FLE_TRY(const std::vector<kms::KeyDocument> found, find_keys(*vault, {&o.key, 1}));
    return schema::KeySelector(found.front().id);
  }
  if (const auto id = KeyId::parse(o.key)) return schema::KeySelector(*id);
  return Failure(Errc::invalid_argument,
                 "--key '" + o.key +
                     "' is neither a UUID nor base64: give --vault where it is an alternate name");
}

// --- what is wrong with it ---

std::string in_documents(std::uint64_t n) {
  return " in " + std::to_string(n) + (n == 1 ? " document" : " documents");
}

std::string type_counts(const SamplePath& p) {
  std::string s;
  for (const auto& [type, n] : p.types)
    s += (s.empty() ? "" : ", ") + std::string(bson::alias(type)) + in_documents(n);
  return s;
}

class Judge {
 public:
  explicit Judge(const Samples& samples) : samples_(samples) {}

  void all(bool by_pointer) {
    const std::vector<SamplePath>& paths = samples_.paths();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      judge(paths[i]);
      compare(paths, i);
      if (paths[i].path == "_id" && paths[i].algorithm == Algorithm::random)
        refuse(paths[i],
               "documents are found by it, so it takes the deterministic algorithm alone: "
               "_id=deterministic");
      if (by_pointer && paths[i].algorithm == Algorithm::deterministic)
        refuse(paths[i],
               "the deterministic algorithm needs a key by UUID, not one that the "
               "document names");
    }
  }
  [[nodiscard]] const std::vector<Failure>& refusals() const noexcept { return refusals_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  void refuse(const SamplePath& p, const std::string& why) {
    refusals_.emplace_back(Errc::invalid_argument, why, p.path);
  }
  void warn(const SamplePath& p, const std::string& what) {
    warnings_.push_back("field '" + p.path + "': " + what);
  }

  void judge(const SamplePath& p) {
    if (p.n_arrays != 0) {
      return refuse(p, "'" + p.array + "' is an array" + in_documents(p.n_arrays) +
                           ": what is in an array cannot be encrypted alone. Encrypt '" + p.array +
                           "' as a whole, with the random algorithm");
    }
    if (p.n_scalars != 0) {
      return refuse(p, "'" + p.scalar + "' is no object" + in_documents(p.n_scalars) +
                           ": encryption would refuse them");
    }
    if (p.n_foreign != 0) {
      return refuse(
          p, "binary data of subtype 6 that is no ciphertext of ours" + in_documents(p.n_foreign));
    }
    if (p.n_values == 0) return judge_absent(p);
    judge_types(p);
    if (p.n_null != 0) warn(p, "null" + in_documents(p.n_null) + ", which cannot be encrypted");
    if (p.n_ciphertexts != 0) warn(p, "ciphertext already" + in_documents(p.n_ciphertexts));
    judge_values(p);
  }

  void judge_absent(const SamplePath& p) {
    if (p.n_null != 0)
      return refuse(p, "nothing but null" + in_documents(p.n_null) + ": its type is not known");
    const std::set<std::string>& known = samples_.known();
    const std::uint64_t n = samples_.documents();
    refuse(p, "it occurs in none of " + std::to_string(n) +
                  (n == 1 ? " document." : " documents.") +
                  did_you_mean(p.path, std::vector<std::string_view>(known.begin(), known.end())));
  }

  /// An advice to take the random algorithm, which _id does not have.
  static std::string unless_id(const SamplePath& p, const char* advice) {
    return p.path == "_id" ? "" : advice;
  }

  void judge_types(const SamplePath& p) {
    for (const auto& [type, n] : p.types) {
      if (bson::encryptable(type, p.algorithm)) continue;
      const bool other = bson::encryptable(type, Algorithm::random);
      refuse(p, std::string(bson::alias(type)) + in_documents(n) + ", which " +
                    (other ? "the deterministic algorithm does not encrypt" +
                                 unless_id(p, ": take random")
                           : "cannot be encrypted"));
    }
    if (p.types.size() == 1) return;
    if (p.algorithm == Algorithm::deterministic) {
      refuse(p, "the types differ: " + type_counts(p) +
                    ". The deterministic algorithm needs one: convert the others" +
                    unless_id(p, ", or take random"));
    } else {
      warn(p, "the types differ: " + type_counts(p));
    }
  }

  // Where a value is expected more than once, its count can be told from its ciphertext.
  void judge_values(const SamplePath& p) {
    constexpr std::uint64_t kEnough = 20;
    constexpr std::uint64_t kRepeats = 5;
    if (p.algorithm != Algorithm::deterministic || p.many_values || p.n_values < kEnough ||
        p.values.size() * kRepeats > p.n_values)
      return;
    std::uint64_t most = 0;
    for (const auto& [value, n] : p.values) most = std::max(most, n);
    warn(p, std::to_string(p.values.size()) + " values" + in_documents(p.n_values) +
                ", the commonest in " + std::to_string(most * 100 / p.n_values) +
                " % of them: the deterministic algorithm shows how often each occurs");
  }

  void compare(const std::vector<SamplePath>& paths, std::size_t i) {
    for (std::size_t k = 0; k < paths.size(); ++k) {
      if (k < i && paths[k].path == paths[i].path) return refuse(paths[i], "it is given twice");
      if (paths[i].path.starts_with(paths[k].path + "."))
        return refuse(paths[i], "'" + paths[k].path + "' is encrypted as a whole");
    }
  }

  const Samples& samples_;
  std::vector<Failure> refusals_;
  std::vector<std::string> warnings_;
};

// --- the schema ---

/// The fields of an object, in the order in which they were given.
struct Object {
  std::vector<std::pair<std::string, Object>> fields{};
  std::string encrypt{};  // JSON; of a field that is encrypted

  Object& field(const std::string& name) {
    const auto it = std::ranges::find(fields, name, &std::pair<std::string, Object>::first);
    if (it != fields.end()) return it->second;
    return fields.emplace_back(name, Object()).second;
  }
  /// @param more  members in front of 'properties'.
  [[nodiscard]] std::string json(const std::string& more = {}) const {
    if (!encrypt.empty()) return "{\"encrypt\": " + encrypt + "}";
    JsonLine properties;
    for (const auto& [name, object] : fields) properties.add_value(name, object.json());
    return "{\"bsonType\": \"object\", " + more + "\"properties\": " + properties.object() + "}";
  }
};

/// What most fields have stands in encryptMetadata, once.
std::string schema_of(const Samples& samples, const schema::KeySelector& key) {
  const auto deterministic = [](const SamplePath& p) {
    return p.algorithm == Algorithm::deterministic;
  };
  const std::vector<SamplePath>& paths = samples.paths();
  const Algorithm shared =
      std::ranges::all_of(paths, deterministic) ? Algorithm::deterministic : Algorithm::random;
  Object root;
  for (const SamplePath& p : paths) {
    Object* at = &root;
    for (const std::string& name : p.names) at = &at->field(name);
    bson::TypeSet types;
    for (const auto& [type, n] : p.types) types.add(type);
    JsonLine encrypt;
    encrypt.add_value("bsonType", types_json(types));
    if (p.algorithm != shared) encrypt.add_value("algorithm", algorithm_json(p.algorithm));
    at->encrypt = encrypt.object();
  }
  const std::string metadata = JsonLine()
                                   .add_value("keyId", key_json(key))
                                   .add_value("algorithm", algorithm_json(shared))
                                   .object();
  return pretty_json(root.json("\"encryptMetadata\": " + metadata + ", "));
}

// --- the run ---

Done read_all(DocumentReader& reader, Progress& progress, Samples& samples) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  WipedBytes converted;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.empty()) return ok;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      converted.clear();
      FLE_TRY(const Bytes document, reader.as_bson(chunk, i, converted));
      Done done = samples.add(document);
      if (!done) {
        done.error().document = samples.documents() + 1;
        return done;
      }
    }
    progress.add(chunk.input_bytes, chunk.size());
  }
}

/// Where documents name their keys, those that do not would be refused.
Done check_names_of_keys(const Samples& samples, const InferOptions& o) {
  if (samples.nameless() == 0) return ok;
  const std::string what = "--key '" + o.key + "' leads to no string" +
                           in_documents(samples.nameless()) +
                           " with values to encrypt: encryption would refuse them";
  if (samples.nameless() == samples.with_values()) return Failure(Errc::invalid_argument, what);
  if (!o.stream.quiet) complain("warning: " + what);
  return ok;
}

Done infer(const InferOptions& o) {
  FLE_TRY(std::vector<SamplePath> paths, wanted(o));
  FLE_TRY(const schema::KeySelector key, key_of(o));
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.stream.format));
  FLE_CHECK(reader.check_one_collection());
  reader.extract_long_texts();
  const auto* pointer = std::get_if<schema::KeyPointer>(&key);
  Samples samples(std::move(paths), pointer != nullptr ? std::optional(*pointer) : std::nullopt);
  {
    Progress progress(reader.input_bytes(), o.stream.quiet);
    FLE_CHECK(read_all(reader, progress, samples));
  }
  if (samples.documents() == 0)
    return Failure(Errc::invalid_argument, "the input has no document to look at");
  Judge judge(samples);
  judge.all(pointer != nullptr);
  if (!o.stream.quiet)
    for (const std::string& w : judge.warnings()) complain("warning: " + w);
  if (judge.refusals().size() == 1) return judge.refusals().front();
  if (!judge.refusals().empty()) {
    for (const Failure& f : judge.refusals()) complain(f.to_string());
    return Failure(Errc::invalid_argument,
                   std::to_string(judge.refusals().size()) + " faults: no schema was written");
  }
  const std::string text = schema_of(samples, key);
  // Places in a text that nobody has seen say nothing.
  if (const auto plan = schema::compile_json(text); !plan) {
    const Failure& f = plan.error();
    const std::string what = f.code == Errc::schema_bad_pointer ? "--key '" + o.key + "': " : "";
    return Failure(f.code, what + f.message);
  }
  FLE_CHECK(check_names_of_keys(samples, o));
  return print(text);
}

void check_usage(const InferOptions& o) {
  if (o.paths.empty() && o.paths_file.empty()) throw CLI::RequiredError("PATH or --paths");
}

}  // namespace

void add_schema_infer(CLI::App& schema, Action& chosen) {
  CLI::App* cmd = schema.add_subcommand(
      "infer", "Write a schema for fields to encrypt, with the types that sample documents have");
  auto o = std::make_shared<InferOptions>();
  cmd->add_option("PATH", o->paths,
                  "A field to encrypt: insurance.policyNumber; behind a '=' its algorithm")
      ->type_name("PATH[=random|deterministic]");
  cmd->add_option("--paths", o->paths_file, "A file with further ones, one a line")
      ->type_name("FILE");
  cmd->add_option("--algorithm", o->algorithm, "Of fields that do not name one")
      ->check(CLI::IsMember({"random", "deterministic"}))
      ->type_name("random|deterministic")
      ->capture_default_str();
  cmd->add_option("--key", o->key,
                  "UUID or base64 id of the data key; its alternate name, with --vault; or /FIELD "
                  "of each document that names it")
      ->required();
  o->keys.add_vault(*cmd, false);
  o->stream.add_input(*cmd);
  cmd->footer(
      "Refused, with all reasons in one run: fields that do not occur, lie in an array, or have a\n"
      "type or several that their algorithm does not encrypt; and a /FIELD that names a key in no\n"
      "document. Warnings are on standard error.\n"
      "Example: fle schema infer ssn=deterministic bloodType --key patients --vault keys.db \\\n"
      "           --in patients.bson > patients.schema.json");
  choose(*cmd, chosen, o, infer, check_usage);
}

}  // namespace fle::tools
