#include "drop_in/driver.h"
#include "drop_in/led_program.h"
#include "mongoc/clinic.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

/// A driver that is used by a program of ours in its language.
class LedDriver : public Driver {
 public:
  LedDriver(const std::vector<std::string>& command, const DriverOptions& options)
      : program_(command) {
    program_.ask(to_json(options));
  }

  void insert_one(const std::string& document) override { program_.call("insertOne", document); }
  void insert_many(const std::vector<std::string>& documents) override {
    std::string all;
    for (const std::string& document : documents) all += (all.empty() ? "" : ", ") + document;
    program_.call("insertMany", "[" + all + "]");
  }
  std::vector<std::string> find(const std::string& filter, int batch_size) override {
    const std::string options = ", {\"batchSize\": " + std::to_string(batch_size) + "}";
    return documents(program_.call("find", batch_size == 0 ? filter : filter + options));
  }
  std::string distinct(const std::string& field, const std::string& filter) override {
    return json(Bytes(program_.call("distinct", "\"" + field + "\", " + filter)));
  }
  std::int64_t update_one(const std::string& filter, const std::string& change) override {
    return number(program_.call("updateOne", filter + ", " + change), "modifiedCount");
  }
  std::int64_t replace_one(const std::string& filter, const std::string& document) override {
    return number(program_.call("replaceOne", filter + ", " + document), "modifiedCount");
  }
  BulkCounts bulk_write(const Bulk& b) override {
    const Buf counts = program_.call(
        "bulkWrite", R"([{"insertOne": {"document": )" + b.insert +
                         R"(}}, {"updateOne": {"filter": )" + b.update.filter + R"(, "update": )" +
                         b.update.to + R"(}}, {"replaceOne": {"filter": )" + b.replace.filter +
                         R"(, "replacement": )" + b.replace.to +
                         R"(}}, {"deleteOne": {"filter": )" + b.remove + "}}]");
    return {number(counts, "insertedCount"), number(counts, "modifiedCount"),
            number(counts, "deletedCount")};
  }
  std::string find_one_and_update(const std::string& filter, const std::string& change) override {
    const Buf after = program_.call("findOneAndUpdate",
                                    filter + ", " + change + ", {\"returnDocument\": \"after\"}");
    return json(Bytes(after));
  }
  std::vector<std::string> aggregate(const std::string& pipeline) override {
    return documents(program_.call("aggregate", pipeline));
  }
  std::int64_t count_documents(const std::string& filter) override {
    return number(program_.call("countDocuments", filter), "n");
  }
  std::int64_t delete_one(const std::string& filter) override {
    return number(program_.call("deleteOne", filter), "deletedCount");
  }

  std::string memory_map() override {
    return text_of(find_value(program_.ask("{\"memoryMap\": true}"), {"memoryMap"}).value());
  }

 private:
  static std::vector<std::string> documents(const Buf& result) {
    std::vector<std::string> out;
    for (const auto& [i, document] : fields_of(find_value(result, {"documents"}).value().bytes))
      out.push_back(json(Bytes(document.bytes)));
    return out;
  }
  static std::int64_t number(const Buf& result, const char* field) {
    return find_value(result, {field}).value().bytes.at(0);
  }

  LedProgram program_;
};

}  // namespace

std::unique_ptr<Driver> make_node_driver(const DriverOptions& options) {
  return std::make_unique<LedDriver>(std::vector<std::string>{FLE_NODE, FLE_NODE_DRIVER}, options);
}
std::unique_ptr<Driver> make_node7_driver(const DriverOptions& options) {
  return std::make_unique<LedDriver>(std::vector<std::string>{FLE_NODE, FLE_NODE7_DRIVER}, options);
}
std::unique_ptr<Driver> make_go_driver(const DriverOptions& options) {
  return std::make_unique<LedDriver>(std::vector<std::string>{FLE_GO_DRIVER}, options);
}

bool have_node_driver() { return FLE_NODE_DRIVER_READY != 0; }
bool have_node7_driver() { return FLE_NODE7_DRIVER_READY != 0; }
bool have_go_driver() { return FLE_GO_DRIVER_READY != 0; }

}  // namespace fle::test
