#ifndef FLE_MONGOC_WRITE_ERROR_H_
#define FLE_MONGOC_WRITE_ERROR_H_

#include "command_runner.h"
#include "fle/failure.h"
#include "fle/mongoc/write.h"

namespace fle::mongoc {

/// What the document {code, errmsg} at `it` says about the write `index`.
[[nodiscard]] WriteError write_error(std::size_t index, const bson_iter_t& it);
[[nodiscard]] Failure write_failure(const WriteError& error);
/// A write that was done, but on too few servers, is a Failure.
[[nodiscard]] Done check_write_concern(const Answer& answer);

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_WRITE_ERROR_H_
