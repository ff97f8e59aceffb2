// Lines of Extended JSON, canonical: to BSON, from BSON, and the way of `fle encrypt --format json`
// and `fle decrypt --format json` by one thread, with libfle's reader and writer and with
// libbson's.
//
//   json/op:read|write|encrypt|decrypt/impl:fle|libbson/bytes:N
//
// An item is a document: a patient of a clinic with two deterministic and two random fields, in N
// bytes of JSON. Both sides use one cipher; only the codec differs.
#include <functional>
#include <random>

#include "bench_main.h"
#include "fle/bson/extended_json.h"
#include "fle/client/document_cipher.h"
#include "fle/schema/compile.h"
#include "support/bson_values.h"
#include "support/local_keys.h"

namespace fle::bench {
namespace {

using test::Buf;
using test::LocalKeys;

constexpr std::size_t kDocuments = 64;

std::string patient(std::mt19937_64& rng) {
  const auto digits = [&rng](std::size_t n) {
    std::string s = "1";
    while (s.size() < n) s += static_cast<char>('0' + rng() % 10);
    return s;
  };
  return R"({"_id": {"$oid": "5f1b0a00)" + digits(16) + R"("}, "name": "Ann Mustermann", "ssn": )" +
         digits(9) +
         R"(, "bloodType": "AB+", "medicalRecords": [{"weight": 180, "bloodPressure": )" +
         R"("120/80", "note": "nothing that would be out of the ordinary"}], "insurance": )" +
         R"({"policyNumber": )" + digits(8) + R"(, "provider": "MaestCare"}, "born": {"$date": )" +
         R"({"$numberLong": ")" + digits(12) + R"("}}, "balance": )" + digits(3) + "." + digits(2) +
         "}";
}

std::string schema_for(const KeyId& id) {
  const auto encrypted = [](const char* type, const char* algorithm) {
    return std::string(R"({"encrypt": {"bsonType": ")") + type +
           R"(", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)" + algorithm + R"("}})";
  };
  return R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" + id.to_string() +
         R"("}]}, "properties": {"ssn": )" + encrypted("int", "Deterministic") +
         R"(, "bloodType": )" + encrypted("string", "Random") + R"(, "medicalRecords": )" +
         encrypted("array", "Random") +
         R"(, "insurance": {"bsonType": "object", "properties": {"policyNumber": )" +
         encrypted("int", "Deterministic") + "}}}}";
}

/// Texts one behind the other, and where each ends.
struct Lines {
  WipedChars text;
  std::vector<std::size_t> ends;

  void clear() {
    text.clear();
    ends.clear();
  }
  void end_line() { ends.push_back(text.size()); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    const std::size_t from = i == 0 ? 0 : ends[i - 1];
    return {text.data() + from, ends[i] - from};
  }
};

struct Ours {
  static void read(WipedBytes& out, std::string_view line) {
    LocalKeys::must(bson::read_extended_json(out, line));
  }
  static void write(WipedChars& out, Bytes document) {
    LocalKeys::must(bson::write_extended_json(out, document, bson::JsonForm::canonical));
  }
};

/// As the fle command had it.
struct Libbson {
  static void read(WipedBytes& out, std::string_view line) {
    bson_json_reader_t* const reader = bson_json_data_reader_new(false, line.size() + 1);
    bson_json_data_reader_ingest(reader, reinterpret_cast<const std::uint8_t*>(line.data()),
                                 line.size());
    bson_t doc;
    bson_init(&doc);
    bson_error_t error;
    if (bson_json_reader_read(reader, &doc, &error) != 1) throw std::runtime_error(error.message);
    out.insert(out.end(), bson_get_data(&doc), bson_get_data(&doc) + doc.len);
    bson_destroy(&doc);
    bson_json_reader_destroy(reader);
  }
  static void write(WipedChars& out, Bytes document) {
    bson_t doc = test::bson_view(document);
    std::size_t n = 0;
    char* const text = bson_as_canonical_extended_json(&doc, &n);
    if (text == nullptr) throw std::runtime_error("libbson writes nothing");
    out.insert(out.end(), text, text + n);
    bson_free(text);
  }
};

class Subject {
 public:
  Subject() {
    std::mt19937_64 rng(11);
    const KeyId id{{1, 2, 3}};
    keys_.add(id, Buf(96, 0x21));
    cipher_ = std::make_unique<client::DocumentCipher>(
        LocalKeys::must(schema::compile_json(schema_for(id))), keys_.ring());
    for (std::size_t i = 0; i < kDocuments; ++i) {
      const Buf document = test::bson_of(patient(rng));
      documents_.push_back(document);
      Ours::write(plain_.text, document);
      plain_.end_line();
    }
    run<Ours>(stored_, plain_, &client::DocumentCipher::encrypt);
    check();
  }

  [[nodiscard]] const std::vector<Buf>& documents() const { return documents_; }
  [[nodiscard]] const Lines& plain() const { return plain_; }
  [[nodiscard]] const Lines& stored() const { return stored_; }

  /// Every line through the cipher.
  using Call = Done (client::DocumentCipher::*)(client::Batch&) const;
  template <class Codec>
  void run(Lines& out, const Lines& in, Call call) {
    bson_.clear();
    ends_.clear();
    batch_.clear();
    for (std::size_t i = 0; i < in.ends.size(); ++i) {
      Codec::read(bson_, in[i]);
      ends_.push_back(bson_.size());
    }
    std::size_t from = 0;
    for (const std::size_t end : ends_) {
      batch_.add(Bytes(bson_).subspan(from, end - from));
      from = end;
    }
    LocalKeys::must((cipher_.get()->*call)(batch_));
    out.clear();
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      Codec::write(out.text, batch_.output(i));
      out.end_line();
    }
  }

 private:
  void check() {
    Lines back;
    run<Ours>(back, stored_, &client::DocumentCipher::decrypt);
    if (back.text != plain_.text) throw std::runtime_error("decryption gives something else");
    for (std::size_t i = 0; i < kDocuments; ++i) {
      WipedBytes ours;
      WipedBytes theirs;
      Ours::read(ours, plain_[i]);
      Libbson::read(theirs, plain_[i]);
      if (ours != theirs) throw std::runtime_error("libbson reads something else");
    }
  }

  LocalKeys keys_{Buf(96, 1)};
  std::unique_ptr<client::DocumentCipher> cipher_;
  std::vector<Buf> documents_;
  Lines plain_;
  Lines stored_;
  WipedBytes bson_;
  std::vector<std::size_t> ends_;
  client::Batch batch_;
};

void add_one(const std::string& op, const std::string& impl, std::size_t bytes,
             const std::function<void()>& body) {
  benchmark::RegisterBenchmark(
      ("json/op:" + op + "/impl:" + impl + "/bytes:" + std::to_string(bytes)).c_str(),
      [body](benchmark::State& state) {
        for (auto _ : state) {
          body();
          benchmark::ClobberMemory();
        }
        set_time_per_item(state, kDocuments);
      });
}

template <class Codec>
void add(const std::string& impl, const std::shared_ptr<Subject>& s) {
  const std::size_t plain = s->plain().text.size() / kDocuments;
  const std::size_t stored = s->stored().text.size() / kDocuments;
  add_one("read", impl, plain, [s, out = WipedBytes()]() mutable {
    out.clear();
    for (std::size_t i = 0; i < kDocuments; ++i) Codec::read(out, s->plain()[i]);
  });
  add_one("write", impl, plain, [s, out = WipedChars()]() mutable {
    out.clear();
    for (const Buf& d : s->documents()) Codec::write(out, d);
  });
  add_one("encrypt", impl, plain, [s, out = Lines()]() mutable {
    s->run<Codec>(out, s->plain(), &client::DocumentCipher::encrypt);
  });
  add_one("decrypt", impl, stored, [s, out = Lines()]() mutable {
    s->run<Codec>(out, s->stored(), &client::DocumentCipher::decrypt);
  });
}

void register_all() {
  const auto subject = std::make_shared<Subject>();
  add<Ours>("fle", subject);
  add<Libbson>("libbson", subject);
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::register_all); }
