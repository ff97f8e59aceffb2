#include <stdexcept>

#include "drop_in/driver.h"
#include "kms/kmip/child_process.h"
#include "mongoc/clinic.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

class NodeDriver : public Driver {
 public:
  explicit NodeDriver(const DriverOptions& o) {
    ask("{\"uri\": \"" + o.uri + "\", \"db\": \"" + o.db + "\", \"keyVaultNamespace\": \"" +
        o.key_vault_namespace + "\", \"kmsProviders\": " + o.kms_providers +
        ", \"schemaMap\": " + o.schema_map + ", \"extraOptions\": " + o.extra_options + "}");
  }

  void insert_one(const std::string& document) override { call("insertOne", document); }
  void insert_many(const std::vector<std::string>& documents) override {
    std::string all;
    for (const std::string& document : documents) all += (all.empty() ? "" : ", ") + document;
    call("insertMany", "[" + all + "]");
  }
  std::vector<std::string> find(const std::string& filter, int batch_size) override {
    const std::string options = ", {\"batchSize\": " + std::to_string(batch_size) + "}";
    return documents(call("find", batch_size == 0 ? filter : filter + options));
  }
  std::string distinct(const std::string& field, const std::string& filter) override {
    return json(Bytes(call("distinct", "\"" + field + "\", " + filter)));
  }
  std::int64_t update_one(const std::string& filter, const std::string& change) override {
    return number(call("updateOne", filter + ", " + change), "modifiedCount");
  }
  std::int64_t replace_one(const std::string& filter, const std::string& document) override {
    return number(call("replaceOne", filter + ", " + document), "modifiedCount");
  }
  BulkCounts bulk_write(const Bulk& b) override {
    const Buf counts =
        call("bulkWrite",
             R"([{"insertOne": {"document": )" + b.insert + R"(}}, {"updateOne": {"filter": )" +
                 b.update.filter + R"(, "update": )" + b.update.to +
                 R"(}}, {"replaceOne": {"filter": )" + b.replace.filter + R"(, "replacement": )" +
                 b.replace.to + R"(}}, {"deleteOne": {"filter": )" + b.remove + "}}]");
    return {number(counts, "insertedCount"), number(counts, "modifiedCount"),
            number(counts, "deletedCount")};
  }
  std::string find_one_and_update(const std::string& filter, const std::string& change) override {
    const Buf after =
        call("findOneAndUpdate", filter + ", " + change + ", {\"returnDocument\": \"after\"}");
    return json(Bytes(after));
  }
  std::vector<std::string> aggregate(const std::string& pipeline) override {
    return documents(call("aggregate", pipeline));
  }
  std::int64_t count_documents(const std::string& filter) override {
    return number(call("countDocuments", filter), "n");
  }
  std::int64_t delete_one(const std::string& filter) override {
    return number(call("deleteOne", filter), "deletedCount");
  }

  std::string memory_map() override {
    return text_of(find_value(ask("{\"memoryMap\": true}"), {"memoryMap"}).value());
  }

 private:
  Buf call(const std::string& name, const std::string& args) {
    return ask("{\"call\": \"" + name + "\", \"args\": [" + args + "]}");
  }
  Buf ask(const std::string& request) {
    node_.write_line(request);
    const Buf answer = bson_of(node_.read_line());
    if (const auto error = find_value(answer, {"error"})) throw std::runtime_error(text_of(*error));
    return find_value(answer, {"result"}).value().bytes;
  }
  static std::vector<std::string> documents(const Buf& result) {
    std::vector<std::string> out;
    for (const auto& [i, document] : fields_of(find_value(result, {"documents"}).value().bytes))
      out.push_back(json(Bytes(document.bytes)));
    return out;
  }
  static std::int64_t number(const Buf& result, const char* field) {
    return find_value(result, {field}).value().bytes.at(0);
  }

  kms::test::ChildProcess node_{{FLE_NODE, FLE_NODE_DRIVER}};
};

}  // namespace

std::unique_ptr<Driver> make_node_driver(const DriverOptions& options) {
  return std::make_unique<NodeDriver>(options);
}

bool have_node_driver() { return FLE_NODE_DRIVER_READY != 0; }

}  // namespace fle::test
