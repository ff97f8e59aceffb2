#ifndef FLE_KMS_BSON_BUILDER_H_
#define FLE_KMS_BSON_BUILDER_H_

#include <vector>

#include <bson/bson.h>

#include "fle/bytes.h"

namespace fle::kms {

/// A BSON document that is being written, freed at the end.
class BsonBuilder {
 public:
  BsonBuilder() noexcept { bson_init(&b_); }
  BsonBuilder(const BsonBuilder&) = delete;
  BsonBuilder& operator=(const BsonBuilder&) = delete;
  ~BsonBuilder() { bson_destroy(&b_); }

  [[nodiscard]] bson_t* get() noexcept { return &b_; }
  [[nodiscard]] Bytes bytes() const noexcept { return {bson_get_data(&b_), b_.len}; }
  [[nodiscard]] std::vector<std::uint8_t> copy() const {
    const Bytes b = bytes();
    return {b.begin(), b.end()};
  }

 private:
  bson_t b_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_BSON_BUILDER_H_
