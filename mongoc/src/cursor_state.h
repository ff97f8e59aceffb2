#ifndef FLE_MONGOC_CURSOR_STATE_H_
#define FLE_MONGOC_CURSOR_STATE_H_

#include <memory>
#include <optional>
#include <string>

#include "command_runner.h"
#include "fle/mongoc/cursor.h"

namespace fle::mongoc {

struct Cursor::State {
  /// Runs `command`, whose answer has a cursor.
  [[nodiscard]] static Outcome<Cursor> open(std::shared_ptr<const CommandRunner> runner,
                                            std::string db, std::string collection, Bytes command,
                                            Mode mode, std::optional<std::int64_t> batch_size);
  ~State();

  [[nodiscard]] Outcome<std::optional<Bytes>> next();
  /// Takes `batch` and the cursor's id out of the answer; a cursor without more lets go of its
  /// connection.
  [[nodiscard]] Done take_batch(const char* batch);
  [[nodiscard]] Done get_more();
  void kill() noexcept;

  bson_iter_t documents{};  // of the batch at hand
  std::shared_ptr<const CommandRunner> runner;
  std::string db;
  std::string collection;
  std::int64_t batch_size = 0;  // of getMore; 0: the server's own
  Answer answer{};
  std::optional<Connection> connection{};
  std::int64_t id = 0;  // 0: the server has no more
  std::optional<Failure> failed{};
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_CURSOR_STATE_H_
