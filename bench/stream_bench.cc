// The fle command on a stream of patients, beside the batch engine alone with the same fields; its
// report on an archive of them, beside walking the same documents.
//
//   stream/op:encrypt|decrypt/impl:fle_command/format:bson|json/threads:T/documents:N
//   stream/op:encrypt|decrypt/impl:engine/threads:T/documents:N
//   stream/op:report/impl:fle_command|walk/of:plain|sealed/threads:T/documents:N
//
// `fle_command` is a whole run of `fle encrypt` or `fle decrypt`, from its start to its end: from a
// file, the result to where it costs nothing, on T threads, one or all that there are. `engine`
// seals or opens the same values on as many threads, in memory that is ready. An item is a document
// with four encrypted fields; what counts is wall time. `walk` goes through the documents of the
// archive, which are in memory, with find_ciphertexts(); a report also starts, reads the file,
// checks its checksum, and counts.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench_main.h"
#include "bytes/crc64.h"
#include "fle/batch.h"
#include "fle/bson/extended_json.h"
#include "fle/bson/little_endian.h"
#include "fle/bson_walk/walk.h"
#include "fle/schema/compile.h"
#include "fle/wiped.h"
#include "support/bson_values.h"
#include "support/local_keys.h"

namespace fle::bench {
namespace {

using test::Buf;
using test::LocalKeys;

constexpr std::size_t kPatients = 1000;  // that differ; the stream repeats them

/// A form of the stream, and how often it has the patients: 1 GiB of encrypted ones, as is promised
/// for, so that the start of a process hardly counts.
struct Form {
  const char* format;
  std::size_t repeats;
  bool on_one_thread;  // measured, too
};
constexpr Form kForms[] = {{"bson", 2000, true}, {"json", 1200, false}};
constexpr std::size_t kEngineRepeats = 1000;

std::vector<unsigned> thread_counts() {
  const unsigned all = std::max(1U, std::thread::hardware_concurrency());
  return all == 1 ? std::vector{1U} : std::vector{1U, all};
}

std::string schema_json(const std::string& uuid) {
  const std::string det = R"("algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic")";
  return R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" + uuid +
         R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}, "properties": {
      "ssn": {"encrypt": {"bsonType": "int", )" +
         det + R"(}},
      "bloodType": {"encrypt": {"bsonType": "string"}},
      "medicalRecords": {"encrypt": {"bsonType": "array"}},
      "insurance": {"bsonType": "object", "properties": {
        "policyNumber": {"encrypt": {"bsonType": "int", )" +
         det + "}}}}}}";
}

Buf patient(std::size_t i) {
  const std::string n = std::to_string(i);
  return test::bson_of(
      R"({"_id": {"$oid": "5d6ecdce70401f03b27448fc"}, "name": "Jon Doe )" + n + R"(", "ssn": )" +
      std::to_string(241'014'209 + i) +
      R"(, "bloodType": "AB+", "medicalRecords": [{"weight": 180, "bloodPressure": "120/80"}],
          "insurance": {"policyNumber": )" +
      std::to_string(123'142 + i) + R"(, "provider": "MaestCare"}})");
}

/// A folder that is gone with the process.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "fle_stream_bench_XXXXXX") {
    std::string name = path_.string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Runs fle with its standard output going to `out`.
void run_fle(std::vector<std::string> args, const std::string& out) {
  args.insert(args.begin(), FLE_COMMAND);
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, FLE_COMMAND, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  int status = 0;
  if (failed != 0 || ::waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error("fle " + args[1] + " failed");
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Subject {
 public:
  Subject() {
    run_fle({"keygen", "--out", master_}, "/dev/null");
    run_fle({"key", "create", "--vault", vault_, "--local-key", master_}, folder_ / "key.json");
    const std::string key = read(folder_ / "key.json");
    constexpr std::size_t kUuidLen = 36;
    const std::size_t before = key.find(R"("uuid")");
    const std::size_t at = key.find('"', key.find(':', before)) + 1;
    const std::string schema = schema_json(key.substr(at, kUuidLen));
    std::ofstream(schema_) << schema;
    for (std::size_t i = 0; i < kPatients; ++i) documents_.push_back(patient(i));
    for (const Form& form : kForms) make_stream(form);
    for (const bool sealed : {false, true}) make_archive(sealed);
    make_jobs(*LocalKeys::must(schema::compile_json(schema)));
  }

  void command(bool encrypts, const Form& form, unsigned threads) const {
    fle(encrypts ? "encrypt" : "decrypt", form, encrypts ? plain(form) : stored(form), "/dev/null",
        threads);
  }
  void report(bool sealed, unsigned threads) const {
    run_fle({"report", "--in", archive(sealed), "--threads", std::to_string(threads), "--quiet"},
            "/dev/null");
  }
  /// Goes through all documents of the archive.
  static void walk(const std::string& documents, unsigned n_threads) {
    const Bytes all(reinterpret_cast<const std::uint8_t*>(documents.data()), documents.size());
    // Where each thread begins: at a document.
    std::vector<std::size_t> from{0};
    for (std::size_t at = 0; from.size() < n_threads; at += bson::load32(all.data() + at))
      if (at >= all.size() / n_threads * from.size()) from.push_back(at);
    from.push_back(all.size());
    std::vector<std::thread> threads;
    std::atomic<bool> failed = false;
    for (unsigned t = 0; t < n_threads; ++t) {
      threads.emplace_back([&, t] {
        bson::Edits edits;
        for (std::size_t at = from[t]; at < from[t + 1];) {
          const Bytes document = all.subspan(at, bson::load32(all.data() + at));
          if (!bson::find_ciphertexts(document, edits)) failed = true;
          at += document.size();
        }
      });
    }
    for (std::thread& t : threads) t.join();
    if (failed) throw std::runtime_error("a document is malformed");
  }
  /// The documents that an archive has: 1 GiB, like the stream of encrypted ones.
  [[nodiscard]] std::string documents(bool sealed) const {
    const std::string stream = read(sealed ? stored(kForms[0]) : plain(kForms[0]));
    std::string all;
    for (std::size_t i = 0; i < streams_in_archive(sealed); ++i) all += stream;
    return all;
  }
  static constexpr std::size_t streams_in_archive(bool sealed) { return sealed ? 1 : 3; }
  void engine(bool encrypts, unsigned n_threads) {
    std::vector<std::thread> threads;
    for (Worker& w : std::span(workers_).first(n_threads)) {
      threads.emplace_back([&w, encrypts, n_threads] {
        for (std::size_t i = 0; i < kEngineRepeats / n_threads; ++i) {
          w.failed |=
              encrypts ? !seal_batch(w.seals).has_value() : !open_batch(w.opens).has_value();
        }
      });
    }
    for (std::thread& t : threads) t.join();
    for (const Worker& w : workers_)
      if (w.failed) throw std::runtime_error("the batch engine refused a value");
  }

 private:
  /// What one thread works on: every patient, and memory of its own.
  struct Worker {
    std::vector<Buf> payloads;
    std::vector<Buf> values;
    std::vector<SealJob> seals;
    std::vector<OpenJob> opens;
    bool failed = false;
  };

  [[nodiscard]] std::string plain(const Form& f) const {
    return folder_ / (std::string("plain.") + f.format).c_str();
  }
  [[nodiscard]] std::string stored(const Form& f) const {
    return folder_ / (std::string("stored.") + f.format).c_str();
  }
  void fle(const std::string& what, const Form& form, const std::string& in, const std::string& out,
           unsigned threads) const {
    std::vector<std::string> args = {
        what,       "--vault",   vault_,      "--local-key",           master_,  "--in", in,
        "--format", form.format, "--threads", std::to_string(threads), "--quiet"};
    if (what == "encrypt") args.insert(args.end(), {"--schema", schema_});
    run_fle(args, out);
  }
  void make_stream(const Form& form) const {
    WipedChars block;
    for (const Buf& d : documents_) {
      if (form.format == std::string_view("bson")) {
        const auto* const bytes = reinterpret_cast<const char*>(d.data());
        block.insert(block.end(), bytes, bytes + d.size());
      } else {
        LocalKeys::must(bson::write_extended_json(block, d, bson::JsonForm::canonical));
        block.push_back('\n');
      }
    }
    std::ofstream out(plain(form), std::ios::binary);
    for (std::size_t repeat = 0; repeat < form.repeats; ++repeat)
      out.write(block.data(), static_cast<std::streamsize>(block.size()));
    out.close();
    const std::string back = folder_ / "back";
    fle("encrypt", form, plain(form), stored(form), thread_counts().back());
    fle("decrypt", form, stored(form), back, thread_counts().back());
    if (read(plain(form)) != read(back)) throw std::runtime_error("fle decrypts to something else");
    std::filesystem::remove(back);
  }
  [[nodiscard]] std::string archive(bool sealed) const {
    return folder_ / (sealed ? "sealed.archive" : "plain.archive");
  }
  /// One of mongodump (mongo-tools, common/archive/spec.md): blocks of some MiB, as of one
  /// collection that is dumped alone.
  void make_archive(bool sealed) const {
    constexpr std::size_t kBlock = 8 * 1024 * 1024;
    const std::string all = documents(sealed);
    const std::string end(4, '\xff');
    const auto text = [](const Buf& b) { return std::string(b.begin(), b.end()); };
    const auto header = [&](bool eof, std::uint64_t checksum) {
      return text(test::bson_of(R"({"db": "clinic", "collection": "patients", "EOF": )" +
                                std::string(eof ? "true" : "false") +
                                R"(, "CRC": {"$numberLong": ")" +
                                std::to_string(static_cast<std::int64_t>(checksum)) + "\"}}"));
    };
    std::ofstream out(archive(sealed), std::ios::binary);
    out << "\x6d\xe2\x99\x81" << text(test::bson_of(R"({"version": "0.1"})"))
        << text(test::bson_of(R"({"db": "clinic", "collection": "patients", "metadata": "{}"})"))
        << end;
    tools::Crc64 sum;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(all.data());
    for (std::size_t from = 0, at = 0; from < all.size(); from = at) {
      while (at < all.size() && at - from < kBlock) at += bson::load32(bytes + at);
      sum.add({bytes + from, at - from});
      out << header(false, 0);
      out.write(all.data() + from, static_cast<std::streamsize>(at - from));
      out << end;
    }
    out << header(true, sum.value()) << end;
  }
  void make_jobs(const schema::Plan& plan) {
    const KeyId id{{1, 2, 3}};
    keys_.add(id, Buf(DataKey::kLen, 0x21));
    key_ = LocalKeys::must(keys_.ring()->by_id(id));
    workers_.resize(thread_counts().back());
    for (Worker& w : workers_) {
      for (const Buf& d : documents_) add_jobs(w, d, plan, id);
      if (!seal_batch(w.seals)) throw std::runtime_error("the batch engine refused a value");
      for (std::size_t i = 0; i < w.payloads.size(); ++i)
        w.opens.push_back({&key_->key, w.payloads[i], w.values[i]});
    }
  }
  void add_jobs(Worker& w, const Buf& document, const schema::Plan& plan, const KeyId& id) {
    bson::Edits edits;
    LocalKeys::must(bson::find_fields(document, plan, edits));
    for (const bson::Mark& m : edits.marks()) {
      const Bytes value = Bytes(document).subspan(m.value_offset, m.value_size);
      w.payloads.emplace_back(payload_len(value.size()));
      w.values.emplace_back(open_capacity(w.payloads.back().size()));
      w.seals.push_back({&key_->key, id, plan.leaf(m.leaf).algorithm,
                         static_cast<std::uint8_t>(m.type), value, w.payloads.back()});
    }
  }

  Folder folder_;
  std::string master_ = folder_ / "master.key";
  std::string vault_ = folder_ / "keys.vault";
  std::string schema_ = folder_ / "schema.json";
  std::vector<Buf> documents_;
  LocalKeys keys_{Buf(DataKey::kLen, 1)};
  kms::KeyHandle key_;
  std::vector<Worker> workers_;
};

template <class Work>
void add(const std::string& op, const std::string& impl, unsigned threads, std::size_t documents,
         Work work) {
  const std::string name = "stream/op:" + op + "/impl:" + impl +
                           "/threads:" + std::to_string(threads) +
                           "/documents:" + std::to_string(documents);
  benchmark::RegisterBenchmark(name.c_str(), [work, documents](benchmark::State& state) {
    for (auto _ : state) work();
    set_time_per_item(state, documents);
  })->UseRealTime();
}

void add_all() {
  const auto s = std::make_shared<Subject>();
  for (const bool sealed : {false, true}) {
    const auto documents = std::make_shared<const std::string>(s->documents(sealed));
    for (const unsigned threads : thread_counts()) {
      const std::string of = sealed ? "/of:sealed" : "/of:plain";
      const std::size_t n = kPatients * kForms[0].repeats * Subject::streams_in_archive(sealed);
      add("report", "fle_command" + of, threads, n, [=] { s->report(sealed, threads); });
      add("report", "walk" + of, threads, n, [=] { Subject::walk(*documents, threads); });
    }
  }
  for (const unsigned threads : thread_counts()) {
    for (const bool encrypts : {true, false}) {
      const std::string op = encrypts ? "encrypt" : "decrypt";
      for (const Form& form : kForms) {
        if (!form.on_one_thread && threads != thread_counts().back()) continue;
        add(op, std::string("fle_command/format:") + form.format, threads, kPatients * form.repeats,
            [=] { s->command(encrypts, form, threads); });
      }
      add(op, "engine", threads, kPatients * kEngineRepeats, [=] { s->engine(encrypts, threads); });
    }
  }
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
