#include "fle/mongoc/cursor.h"

#include <new>

#include "cursor_state.h"

namespace fle::mongoc {

Outcome<Cursor> Cursor::State::open(std::shared_ptr<const CommandRunner> runner, std::string db,
                                    std::string collection, Bytes command, Mode mode,
                                    std::optional<std::int64_t> batch_size) {
  auto state = std::make_unique<State>();
  state->runner = std::move(runner);
  state->db = std::move(db);
  state->collection = std::move(collection);
  state->batch_size = batch_size.value_or(0);
  FLE_CHECK(state->runner->encrypt(state->db, command, state->answer));
  FLE_TRY(Connection connection, state->runner->connect());
  state->connection.emplace(std::move(connection));
  FLE_CHECK(state->connection->hold(mode));
  FLE_CHECK(state->runner->send(*state->connection, state->db, mode, state->answer));
  FLE_CHECK(state->take_batch("firstBatch"));
  return Cursor(std::move(state));
}

Cursor::State::~State() { kill(); }

Done Cursor::State::take_batch(const char* batch) {
  bson_iter_t cursor;
  bson_iter_t it;
  if (!answer.find("cursor", cursor) || !BSON_ITER_HOLDS_DOCUMENT(&cursor))
    return bad_answer("has no cursor");
  if (!bson_iter_recurse(&cursor, &it) || !bson_iter_find(&it, "id") || !BSON_ITER_HOLDS_INT(&it))
    return bad_answer("has a cursor without an id");
  id = bson_iter_as_int64(&it);
  if (!bson_iter_recurse(&cursor, &it) || !bson_iter_find(&it, batch) ||
      !BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &documents))
    return bad_answer("has a cursor without documents");
  if (id == 0) connection.reset();
  return ok;
}

Done Cursor::State::get_more() {
  bson::Writer command;
  command.add_int64("getMore", id);
  command.add_string("collection", collection);
  if (batch_size > 0) command.add_int64("batchSize", batch_size);
  // Without read concern, which is the cursor's already; the server is held.
  FLE_CHECK(runner->run(*connection, db, command.finish(), Mode::raw, answer));
  return take_batch("nextBatch");
}

Outcome<std::optional<Bytes>> Cursor::State::next() {
  while (!failed) {
    if (bson_iter_next(&documents)) {
      if (BSON_ITER_HOLDS_DOCUMENT(&documents)) return std::optional(container_of(documents));
      failed = bad_answer("has something that is not a document among its documents");
    } else if (id == 0) {
      return std::optional<Bytes>();
    } else if (Done done = get_more(); !done) {
      failed = done.error();
    }
  }
  return *failed;
}

void Cursor::State::kill() noexcept {
  if (id == 0 || !connection) return;
  // A server that did not answer would be waited for once more.
  if (failed && failed->code == Errc::server_unreachable) return;
  // Where this fails the server forgets the cursor after a while.
  try {
    bson::Writer command;
    command.add_string("killCursors", collection);
    command.begin_array("cursors").add_int64({}, id).end();
    static_cast<void>(runner->run(*connection, db, command.finish(), Mode::raw, answer));
  } catch (const std::bad_alloc&) {
  }
}

Cursor::Cursor(std::unique_ptr<State> state) noexcept : s_(std::move(state)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;

Outcome<std::optional<Bytes>> Cursor::next() { return s_->next(); }

std::span<const client::KeptField> Cursor::kept() const noexcept { return s_->answer.kept(); }

}  // namespace fle::mongoc
