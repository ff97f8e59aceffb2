#ifndef FLE_TESTS_DROP_IN_DRIVER_H_
#define FLE_TESTS_DROP_IN_DRIVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fle/types.h"

namespace fle::test {

/// What a driver is given, as the documents that its own options are made of: Extended JSON.
struct DriverOptions {
  std::string uri;
  std::string db;
  std::string key_vault_namespace;
  std::string kms_providers;
  std::string schema_map;
  std::string extra_options;  ///< Where the analyzer is.
};

/// Clinic's master key, 96 times 0x5a, as {"local": ...}.
std::string clinic_kms_providers();
/// Clinic's deployment, without an analyzer.
DriverOptions clinic_options(const std::string& uri, const std::string& db, const KeyId& key);
/// What our programs on drivers take.
std::string to_json(const DriverOptions& options);

/// What one bulk write does: a model of each kind.
struct Bulk {
  struct Change {
    std::string filter;
    std::string to;
  };
  std::string insert;
  Change update;
  Change replace;
  std::string remove;
};
struct BulkCounts {
  std::int64_t inserted;
  std::int64_t modified;
  std::int64_t deleted;
  bool operator==(const BulkCounts&) const = default;
};

/// A driver that encrypts automatically by itself, with a collection `patients`. All arguments and
/// results are Extended JSON; what the driver refuses is an exception with its text.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual void insert_one(const std::string& document) = 0;
  /// All in one call.
  virtual void insert_many(const std::vector<std::string>& documents) = 0;
  /// @param batch_size  documents in one answer of the server; 0: as it likes.
  virtual std::vector<std::string> find(const std::string& filter, int batch_size = 0) = 0;
  /// @return the values, as an array
  virtual std::string distinct(const std::string& field, const std::string& filter) = 0;
  /// @return documents changed
  virtual std::int64_t update_one(const std::string& filter, const std::string& change) = 0;
  /// @return documents changed
  virtual std::int64_t replace_one(const std::string& filter, const std::string& document) = 0;
  virtual BulkCounts bulk_write(const Bulk& bulk) = 0;
  /// @return the document as it is after
  virtual std::string find_one_and_update(const std::string& filter, const std::string& change) = 0;
  virtual std::vector<std::string> aggregate(const std::string& pipeline) = 0;
  virtual std::int64_t count_documents(const std::string& filter) = 0;
  /// @return documents deleted
  virtual std::int64_t delete_one(const std::string& filter) = 0;
  /// The memory map of the process that the driver is in, as /proc has it.
  virtual std::string memory_map() = 0;
};

/// Debian's libmongoc with the libmongocrypt that it is linked to.
std::unique_ptr<Driver> make_libmongoc_driver(const DriverOptions& options);
/// npm's mongodb and mongodb-client-encryption: 6.x.
std::unique_ptr<Driver> make_node_driver(const DriverOptions& options);
[[nodiscard]] bool have_node_driver();
/// The same: 7.x.
std::unique_ptr<Driver> make_node7_driver(const DriverOptions& options);
[[nodiscard]] bool have_node7_driver();
/// Debian's golang-mongodb-mongo-driver-dev: 1.8.4.
std::unique_ptr<Driver> make_go_driver(const DriverOptions& options);
[[nodiscard]] bool have_go_driver();

}  // namespace fle::test

#endif  // FLE_TESTS_DROP_IN_DRIVER_H_
