// A report for programs. docs/report.md documents each name; names stay.
#include "report.h"
#include "schema_help/pretty_json.h"
#include "schema_help/schema_commands.h"

namespace fle::tools {
namespace {

std::string number(double x) {
  std::string s = std::to_string(x);
  s.erase(s.find_last_not_of('0') + 1);
  return s.ends_with('.') ? s + "0" : s;
}

/// Writes as it goes: there may be as many keys as a report counts.
class Json {
 public:
  Json(const Report& r, PrettyJson& out) : r_(r), out_(out) {}

  void all() {
    out_.open_object();
    out_.add("version", std::uint64_t{1});
    out_.add("documents", r_.documents);
    out_.add("bytes", r_.bytes);
    out_.add("encrypted", r_.encrypted);
    out_.add("foreign", r_.foreign);
    out_.add("addedBytesLeast", r_.added_least);
    out_.add("addedBytesMost", r_.added_most);
    out_.add("hasSchema", r_.has_schema);
    out_.add("hasVault", r_.has_vault);
    out_.add("plaintext", r_.count(Weight::plain));
    out_.add("problems", r_.count(Weight::problem));
    out_.add("uncountedKeys", r_.uncounted_keys);
    out_.add("uncountedValues", r_.uncounted_values);
    array("collections", r_.collections, [this](const CollectionReport& c) { collection(c); });
    array("keys", r_.keys, [this](const KeyReport& k) { key(k); });
    out_.close();
  }

 private:
  template <class Items, class Write>
  void array(const char* name, const Items& items, const Write& write) {
    out_.open_array(name);
    for (const auto& item : items) write(item);
    out_.close();
  }
  void texts(const char* name, const std::vector<std::string>& items) {
    array(name, items, [this](const std::string& s) { out_.add({}, s); });
  }

  void collection(const CollectionReport& c) {
    out_.open_object();
    out_.add("ns", c.ns);
    out_.add("documents", c.documents);
    out_.add("bytes", c.bytes);
    out_.add("hasSchema", c.has_schema);
    array("paths", c.paths, [this](const PathReport& p) { path(p); });
    texts("plaintextPaths", c.plain_paths);
    out_.close();
  }

  void path(const PathReport& p) {
    out_.open_object();
    out_.add("path", p.path);
    out_.add("folded", p.is_folded);
    out_.add("documents", p.documents);
    out_.add("encrypted", p.encrypted);
    out_.add("plaintext", p.plaintext);
    out_.add("objects", p.objects);
    out_.add("null", p.null);
    out_.add("damaged", p.damaged);
    out_.add("foreign", p.foreign);
    array("ciphers", p.ciphers, [this](const CipherCount& c) {
      out_.open_object();
      out_.add("algorithm", algorithm_name(c.algorithm));
      out_.add("bsonType", bson::alias(c.type));
      out_.add("values", c.values);
      out_.close();
    });
    array("keys", p.keys, [this](const KeyCount& k) {
      out_.open_object();
      out_.add("keyId", k.key.to_string());
      out_.add("values", k.values);
      out_.close();
    });
    out_.add("uncountedKeys", p.uncounted_keys);
    out_.add("storedBytes", p.stored_bytes);
    out_.add("addedBytesLeast", p.added_least);
    out_.add("addedBytesMost", p.added_most);
    if (p.leaf != nullptr) out_.add_json("schema", encrypt_json(*p.leaf));
    if (p.frequency) frequency(*p.frequency);
    array("findings", p.findings, [this](const Finding& f) { finding(f); });
    out_.close();
  }

  void frequency(const Frequency& f) {
    out_.open_object("frequency");
    out_.add("values", f.values);
    out_.add("exact", f.exact());
    out_.add("distinct", f.distinct);
    out_.add_json("distinctError", number(f.distinct_error));
    out_.add("commonestLeast", f.commonest_least);
    out_.add("commonestMost", f.commonest_most);
    if (f.exact()) array("counts", f.counts, [this](std::uint64_t n) { out_.add({}, n); });
    out_.close();
  }

  void finding(const Finding& f) {
    out_.open_object();
    out_.add("rule", f.rule);
    out_.add("severity", word_of(f.weight));
    out_.add("text", f.text);
    out_.add("values", f.values);
    if (f.first_document != 0) out_.add("firstDocument", f.first_document);
    out_.close();
  }

  void key(const KeyReport& k) {
    out_.open_object();
    out_.add("keyId", k.id.to_string());
    out_.add("values", k.values);
    out_.add("state", word_of(k.state));
    if (k.state == KeyReport::State::known) {
      out_.add("provider", k.known->provider);
      texts("keyAltNames", k.known->alt_names);
    }
    array("paths", r_.uses_of(k), [this](const KeyUse& use) {
      const CollectionReport& c = r_.collections[use.collection];
      out_.open_object();
      out_.add("ns", c.ns);
      out_.add("path", c.paths[use.path].path);
      out_.add("values", use.values);
      out_.close();
    });
    out_.close();
  }

  const Report& r_;
  PrettyJson& out_;
};

}  // namespace

Done write_json(const Report& r, const Sink& sink) {
  PrettyJson out(sink);
  Json(r, out).all();
  return out.finish();
}

}  // namespace fle::tools
