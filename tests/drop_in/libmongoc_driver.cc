#include <fstream>
#include <iterator>
#include <stdexcept>

#include <mongoc/mongoc.h>

#include "drop_in/driver.h"
#include "mongoc/clinic.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using Client = std::unique_ptr<mongoc_client_t, FreeWith<mongoc_client_destroy>>;
using Collection = std::unique_ptr<mongoc_collection_t, FreeWith<mongoc_collection_destroy>>;
using Cursor = std::unique_ptr<mongoc_cursor_t, FreeWith<mongoc_cursor_destroy>>;
using Options =
    std::unique_ptr<mongoc_auto_encryption_opts_t, FreeWith<mongoc_auto_encryption_opts_destroy>>;
using BulkOperation =
    std::unique_ptr<mongoc_bulk_operation_t, FreeWith<mongoc_bulk_operation_destroy>>;
using FindAndModify =
    std::unique_ptr<mongoc_find_and_modify_opts_t, FreeWith<mongoc_find_and_modify_opts_destroy>>;

/// A bson_t made of Extended JSON.
class Json {
 public:
  explicit Json(const std::string& text) : bytes_(bson_of(text)), view_(bson_view(bytes_)) {}
  operator const bson_t*() const noexcept { return &view_; }  // NOLINT(google-explicit-constructor)

 private:
  Buf bytes_;
  bson_t view_;
};

/// A reply, freed at the end.
class Reply {
 public:
  Reply() { bson_init(&b_); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { bson_destroy(&b_); }
  bson_t* out() {
    bson_destroy(&b_);
    return &b_;
  }
  [[nodiscard]] std::int64_t number(const char* field) const {
    bson_iter_t it;
    if (!bson_iter_init_find(&it, &b_, field)) throw std::runtime_error("no field in a reply");
    return bson_iter_as_int64(&it);
  }
  [[nodiscard]] Bytes bytes() const { return {bson_get_data(&b_), b_.len}; }

 private:
  bson_t b_;
};

class LibmongocDriver : public Driver {
 public:
  explicit LibmongocDriver(const DriverOptions& o) {
    mongoc_init();
    client_.reset(mongoc_client_new(o.uri.c_str()));
    if (client_ == nullptr) throw std::runtime_error("no connection string");
    mongoc_client_set_error_api(client_.get(), MONGOC_ERROR_API_VERSION_2);
    const std::size_t dot = o.key_vault_namespace.find('.');
    const Options options(mongoc_auto_encryption_opts_new());
    mongoc_auto_encryption_opts_set_keyvault_namespace(
        options.get(), o.key_vault_namespace.substr(0, dot).c_str(),
        o.key_vault_namespace.substr(dot + 1).c_str());
    mongoc_auto_encryption_opts_set_kms_providers(options.get(), Json(o.kms_providers));
    mongoc_auto_encryption_opts_set_schema_map(options.get(), Json(o.schema_map));
    mongoc_auto_encryption_opts_set_extra(options.get(), Json(o.extra_options));
    must(mongoc_client_enable_auto_encryption(client_.get(), options.get(), &error_));
    patients_.reset(mongoc_client_get_collection(client_.get(), o.db.c_str(), "patients"));
  }

  void insert_one(const std::string& document) override {
    must(mongoc_collection_insert_one(patients_.get(), Json(document), nullptr, nullptr, &error_));
  }
  void insert_many(const std::vector<std::string>& documents) override {
    const BulkOperation bulk(
        mongoc_collection_create_bulk_operation_with_opts(patients_.get(), nullptr));
    for (const std::string& document : documents)
      must(mongoc_bulk_operation_insert_with_opts(bulk.get(), Json(document), nullptr, &error_));
    must(mongoc_bulk_operation_execute(bulk.get(), nullptr, &error_) != 0);
  }
  std::vector<std::string> find(const std::string& filter, int batch_size) override {
    const Json options(batch_size == 0 ? "{}"
                                       : "{\"batchSize\": " + std::to_string(batch_size) + "}");
    return drain(
        Cursor(mongoc_collection_find_with_opts(patients_.get(), Json(filter), options, nullptr)));
  }
  std::string distinct(const std::string& field, const std::string& filter) override {
    Reply reply;
    must(mongoc_collection_read_command_with_opts(
        patients_.get(),
        Json(R"({"distinct": "patients", "key": ")" + field + R"(", "query": )" + filter + "}"),
        nullptr, nullptr, reply.out(), &error_));
    return json(Bytes(find_value(reply.bytes(), {"values"}).value().bytes));
  }
  std::int64_t update_one(const std::string& filter, const std::string& change) override {
    Reply reply;
    must(mongoc_collection_update_one(patients_.get(), Json(filter), Json(change), nullptr,
                                      reply.out(), &error_));
    return reply.number("modifiedCount");
  }
  std::int64_t replace_one(const std::string& filter, const std::string& document) override {
    Reply reply;
    must(mongoc_collection_replace_one(patients_.get(), Json(filter), Json(document), nullptr,
                                       reply.out(), &error_));
    return reply.number("modifiedCount");
  }
  BulkCounts bulk_write(const Bulk& b) override {
    const BulkOperation bulk(
        mongoc_collection_create_bulk_operation_with_opts(patients_.get(), nullptr));
    must(mongoc_bulk_operation_insert_with_opts(bulk.get(), Json(b.insert), nullptr, &error_));
    must(mongoc_bulk_operation_update_one_with_opts(bulk.get(), Json(b.update.filter),
                                                    Json(b.update.to), nullptr, &error_));
    must(mongoc_bulk_operation_replace_one_with_opts(bulk.get(), Json(b.replace.filter),
                                                     Json(b.replace.to), nullptr, &error_));
    must(mongoc_bulk_operation_remove_one_with_opts(bulk.get(), Json(b.remove), nullptr, &error_));
    Reply reply;
    must(mongoc_bulk_operation_execute(bulk.get(), reply.out(), &error_) != 0);
    return {reply.number("nInserted"), reply.number("nModified"), reply.number("nRemoved")};
  }
  std::string find_one_and_update(const std::string& filter, const std::string& change) override {
    const FindAndModify options(mongoc_find_and_modify_opts_new());
    mongoc_find_and_modify_opts_set_update(options.get(), Json(change));
    mongoc_find_and_modify_opts_set_flags(options.get(), MONGOC_FIND_AND_MODIFY_RETURN_NEW);
    Reply reply;
    must(mongoc_collection_find_and_modify_with_opts(patients_.get(), Json(filter), options.get(),
                                                     reply.out(), &error_));
    return json(Bytes(find_value(reply.bytes(), {"value"}).value().bytes));
  }
  std::vector<std::string> aggregate(const std::string& pipeline) override {
    return drain(Cursor(mongoc_collection_aggregate(patients_.get(), MONGOC_QUERY_NONE,
                                                    Json("{\"pipeline\": " + pipeline + "}"),
                                                    nullptr, nullptr)));
  }
  std::int64_t count_documents(const std::string& filter) override {
    const std::int64_t n = mongoc_collection_count_documents(patients_.get(), Json(filter), nullptr,
                                                             nullptr, nullptr, &error_);
    must(n >= 0);
    return n;
  }
  std::int64_t delete_one(const std::string& filter) override {
    Reply reply;
    must(
        mongoc_collection_delete_one(patients_.get(), Json(filter), nullptr, reply.out(), &error_));
    return reply.number("deletedCount");
  }

  std::string memory_map() override {
    std::ifstream maps("/proc/self/maps");
    return {std::istreambuf_iterator<char>(maps), {}};
  }

 private:
  void must(bool done) const {
    if (!done) throw std::runtime_error(error_.message);
  }
  std::vector<std::string> drain(const Cursor& cursor) {
    std::vector<std::string> out;
    const bson_t* document = nullptr;
    while (mongoc_cursor_next(cursor.get(), &document))
      out.push_back(json(Bytes(bson_get_data(document), document->len)));
    must(!mongoc_cursor_error(cursor.get(), &error_));
    return out;
  }

  bson_error_t error_{};
  Client client_;
  Collection patients_;
};

}  // namespace

std::unique_ptr<Driver> make_libmongoc_driver(const DriverOptions& options) {
  return std::make_unique<LibmongocDriver>(options);
}

}  // namespace fle::test
