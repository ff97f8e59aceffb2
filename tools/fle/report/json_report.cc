// A report for programs. docs/report.md documents each name; names stay.
#include "command_line/list.h"
#include "report.h"
#include "schema_help/pretty_json.h"
#include "schema_help/schema_commands.h"

namespace fle::tools {
namespace {

/// The JSON of each item, in brackets.
template <class Items, class ToJson>
std::string array(const Items& items, const ToJson& to_json) {
  std::string s;
  for (const auto& item : items) s += (s.empty() ? "" : ", ") + to_json(item);
  return "[" + s + "]";
}

std::string boolean(bool b) { return b ? "true" : "false"; }

std::string number(double x) {
  std::string s = std::to_string(x);
  s.erase(s.find_last_not_of('0') + 1);
  return s.ends_with('.') ? s + "0" : s;
}

std::string cipher(const CipherCount& c) {
  return JsonLine()
      .add("algorithm", algorithm_name(c.algorithm))
      .add("bsonType", bson::alias(c.type))
      .add("values", c.values)
      .object();
}

std::string key_count(const KeyCount& k) {
  return JsonLine().add("keyId", to_uuid_string(k.key)).add("values", k.values).object();
}

std::string finding(const Finding& f) {
  JsonLine line;
  line.add("rule", f.rule).add("severity", word_of(f.weight)).add("text", f.text);
  line.add("values", f.values);
  if (f.first_document != 0) line.add("firstDocument", f.first_document);
  return line.object();
}

std::string frequency(const Frequency& f) {
  JsonLine line;
  line.add("values", f.values).add_value("exact", boolean(f.exact()));
  line.add("distinct", f.distinct).add_value("distinctError", number(f.distinct_error));
  line.add("commonestLeast", f.commonest_least).add("commonestMost", f.commonest_most);
  if (f.exact())
    line.add_value("counts", array(f.counts, [](std::uint64_t n) { return std::to_string(n); }));
  return line.object();
}

std::string path(const PathReport& p) {
  JsonLine line;
  line.add("path", p.path).add_value("folded", boolean(p.is_folded));
  line.add("documents", p.documents);
  line.add("encrypted", p.encrypted).add("plaintext", p.plaintext).add("objects", p.objects);
  line.add("null", p.null);
  line.add("damaged", p.damaged).add("foreign", p.foreign);
  line.add_value("ciphers", array(p.ciphers, cipher));
  line.add_value("keys", array(p.keys, key_count)).add("uncountedKeys", p.uncounted_keys);
  line.add("storedBytes", p.stored_bytes);
  line.add("addedBytesLeast", p.added_least).add("addedBytesMost", p.added_most);
  if (p.leaf != nullptr) line.add_value("schema", encrypt_json(*p.leaf));
  if (p.frequency) line.add_value("frequency", frequency(*p.frequency));
  line.add_value("findings", array(p.findings, finding));
  return line.object();
}

std::string collection(const CollectionReport& c) {
  JsonLine line;
  line.add("ns", c.ns).add("documents", c.documents).add("bytes", c.bytes);
  line.add_value("hasSchema", boolean(c.has_schema)).add_value("paths", array(c.paths, path));
  line.add_value("plaintextPaths",
                 array(c.plain_paths, [](const std::string& s) { return json_string(s); }));
  return line.object();
}

}  // namespace

std::string report_json(const Report& r) {
  const auto key = [&](const KeyReport& k) {
    JsonLine line;
    line.add("keyId", to_uuid_string(k.id)).add("values", k.values);
    line.add("state", word_of(k.state));
    if (k.state == KeyReport::State::known) {
      line.add("provider", k.provider);
      line.add_value("keyAltNames",
                     array(k.alt_names, [](const std::string& s) { return json_string(s); }));
    }
    line.add_value("paths", array(k.paths, [&](const auto& where) {
                     const CollectionReport& c = r.collections[where.first.first];
                     return JsonLine()
                         .add("ns", c.ns)
                         .add("path", c.paths[where.first.second].path)
                         .add("values", where.second)
                         .object();
                   }));
    return line.object();
  };
  JsonLine line;
  line.add("version", std::uint64_t{1});
  line.add("documents", r.documents).add("bytes", r.bytes).add("encrypted", r.encrypted);
  line.add("addedBytesLeast", r.added_least).add("addedBytesMost", r.added_most);
  line.add_value("hasSchema", boolean(r.has_schema)).add_value("hasVault", boolean(r.has_vault));
  line.add("plaintext", r.count(Weight::plain)).add("problems", r.count(Weight::problem));
  line.add("uncountedKeys", r.uncounted_keys).add("uncountedValues", r.uncounted_values);
  line.add_value("collections", array(r.collections, collection));
  line.add_value("keys", array(r.keys, key));
  return pretty_json(line.object());
}

}  // namespace fle::tools
