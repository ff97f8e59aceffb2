#include "commands.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include <bson/bson.h>

#include "fle/bson/writer.h"
#include "fle/query/analysis.h"
#include "reply.h"

namespace fle::cryptd {
namespace {

// 26 is MongoDB 8.1, the first whose analyzer takes schemas of several collections at once
// (csfleEncryptionSchemas), and libmongocrypt asks for no less before it sends them. 27 (8.2) would
// add encryptionInformation beside them, that is Queryable Encryption, which is not done here:
// with 26 libmongocrypt refuses that itself, and names both collections.
constexpr std::int32_t kMaxWireVersion = 26;
// The release that belongs to it, for clients that look at versions.
constexpr std::string_view kActsAsVersion = "8.1.0";
constexpr std::int32_t kActsAsVersionArray[] = {8, 1, 0, 0};
constexpr std::int32_t kMaxBsonObjectSize = 16 * 1024 * 1024;

constexpr WireError kNoSuchCommand{
    59, "CommandNotFound", "no such command: fle-cryptd analyses commands and keeps no data"};
constexpr WireError kNoDatabase{40571, "Location40571", "OP_MSG requests require a $db argument"};
constexpr WireError kBadDatabase{73, "InvalidNamespace", "$db is not the name of a database"};
constexpr WireError kNotForQuery{352, "UnsupportedOpQueryCommand",
                                 "OP_QUERY is understood for a handshake only; use OP_MSG"};
constexpr WireError kReplyTooLarge{10334, "BSONObjectTooLarge",
                                   "the marked command would not fit into a message"};
constexpr WireError kNoMemory{146, "ExceededMemoryLimit", "out of memory"};
constexpr WireError kFailed{1, "InternalError", "the analysis ended unexpectedly"};

using Document = std::vector<std::uint8_t>;
using bson::Writer;

/// With {ok: 1.0} at the end.
Document finish(Writer& reply) { return std::move(reply.add_double("ok", 1.0)).take(); }

/// The first field of that name, at the top level.
bool find(Bytes command, const char* key, bson_iter_t& it) {
  return bson_iter_init_from_data(&it, command.data(), command.size()) && bson_iter_find(&it, key);
}

Document hello(Bytes command, const char* primary) {
  Writer r;
  r.add_bool(primary, true);
  bson_iter_t it;
  if (find(command, "helloOk", it) && bson_iter_as_bool(&it)) r.add_bool("helloOk", true);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  // No setName, hosts, msg, topologyVersion: a standalone without streaming monitoring. No
  // logicalSessionTimeoutMinutes: without sessions and retries.
  r.add_bool("iscryptd", true)
      .add_int32("maxBsonObjectSize", kMaxBsonObjectSize)
      .add_int32("maxMessageSizeBytes", kMaxMessageSize)
      .add_date("localTime", std::chrono::duration_cast<std::chrono::milliseconds>(now).count())
      .add_int32("minWireVersion", 0)
      .add_int32("maxWireVersion", kMaxWireVersion)
      .add_bool("readOnly", false);
  return finish(r);
}
Document run_hello(Bytes command, const Facts&) { return hello(command, "isWritablePrimary"); }
Document run_is_master(Bytes command, const Facts&) { return hello(command, "ismaster"); }

Document run_ping(Bytes, const Facts&) {
  Writer r;
  return finish(r);
}

Document run_build_info(Bytes, const Facts& facts) {
  Writer r;
  r.add_string("version", kActsAsVersion).add_string("gitVersion", "fle-cryptd " + facts.version);
  r.begin_array("modules").add_string({}, "libfle").end();
  r.begin_array("versionArray");
  for (const std::int32_t part : kActsAsVersionArray) r.add_int32({}, part);
  r.end().add_int32("bits", 64).add_bool("debug", false);
  r.add_int32("maxBsonObjectSize", kMaxBsonObjectSize);
  return finish(r);
}

/// There are no cursors: none of those named is found.
Document run_kill_cursors(Bytes command, const Facts&) {
  Writer r;
  r.begin_array("cursorsKilled").end().begin_array("cursorsNotFound");
  bson_iter_t it;
  bson_iter_t item;
  if (find(command, "cursors", it) && BSON_ITER_HOLDS_ARRAY(&it) && bson_iter_recurse(&it, &item)) {
    while (bson_iter_next(&item)) r.add_int64({}, bson_iter_as_int64(&item));
  }
  r.end().begin_array("cursorsAlive").end().begin_array("cursorsUnknown").end();
  return finish(r);
}

struct Command {
  Word name;
  Document (*run)(Bytes command, const Facts& facts);  // null: the analyzer answers it
  bool any_case = false;
  bool in_op_query = false;
};

// What is answered here; what the analyzer answers stands in its own table.
constexpr Command kCommands[] = {
    {"hello", run_hello, false, true},
    {"isMaster", run_is_master, true, true},
    {"ping", run_ping},
    {"buildInfo", run_build_info, true},
    {"endSessions", run_ping},
    {"killCursors", run_kill_cursors},
};

bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

std::optional<Command> command_of(Bytes command) {
  bson_iter_t it;
  if (!bson_iter_init_from_data(&it, command.data(), command.size()) || !bson_iter_next(&it))
    return std::nullopt;
  const std::string_view name = bson_iter_key(&it);
  for (const Command& c : kCommands) {
    if (c.any_case ? same_but_for_case(c.name.view(), name) : c.name == name) return c;
  }
  const Word analyzed = query::analyzed_command(name);
  if (analyzed.empty()) return std::nullopt;
  return Command{analyzed, nullptr};
}

/// The value of $db. Twice is as bad as never: this one and the analyzer might take different ones.
Result<std::string_view, WireError> database_of(Bytes command) {
  bson_iter_t it;
  if (!find(command, "$db", it)) return kNoDatabase;
  if (!BSON_ITER_HOLDS_UTF8(&it)) return kBadDatabase;
  std::uint32_t size = 0;
  const char* data = bson_iter_utf8(&it, &size);
  const std::string_view db(data, size);
  constexpr std::string_view kForbidden("/\\. \"$\0", 7);
  constexpr std::size_t kLongest = 63;
  if (db.empty() || db.size() > kLongest || db.find_first_of(kForbidden) != db.npos)
    return kBadDatabase;
  while (bson_iter_next(&it)) {
    if (std::string_view(bson_iter_key(&it)) == "$db") return kBadDatabase;
  }
  return db;
}

Result<Request, WireError> parse_or_refuse(Bytes message) {
  try {
    return parse(message);
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  }
}

}  // namespace

Responder::Responder(Analyze analyze, Facts facts)
    : analyze_(std::move(analyze)), facts_(std::move(facts)) {}

Answer Responder::respond(Bytes message, const std::atomic<bool>& abandoned) const {
  const auto request = parse_or_refuse(message);
  return request ? respond(*request, abandoned) : refuse(message, request.error());
}

std::variant<Answer, Request> Responder::begin(Bytes message) const {
  auto request = parse_or_refuse(message);
  if (!request) return refuse(message, request.error());
  const auto command = command_of(request->command);
  if (command && command->run == nullptr && !request->more_to_come) return *std::move(request);
  return respond(*request, kNever);
}

Answer Responder::refuse(Bytes message, const WireError& refusal) const {
  Answer a;
  a.end_of_connection = true;
  if (!may_be_answered(message)) return a;
  const Header header = read_header(message.first<kHeaderSize>());
  a.frame = make_frame(header, false, next_id(), error_reply(refusal));
  return a;
}

Answer Responder::respond(const Request& request, const std::atomic<bool>& abandoned) const {
  Answer a;
  // Commands change nothing here: one that wants no answer need not be run.
  if (request.more_to_come) return a;
  Document reply;
  try {
    reply = run(request, a.command, abandoned);
  } catch (const std::bad_alloc&) {
    reply = error_reply(kNoMemory);
  } catch (const std::exception&) {
    reply = error_reply(kFailed);
  }
  if (reply.size() > kMaxMessageSize - sizeof(Frame::head) - sizeof(Frame::tail))
    reply = error_reply(kReplyTooLarge);
  a.frame = make_frame(request.header, request.checksum, next_id(), std::move(reply));
  return a;
}

Document Responder::run(const Request& request, Word& logged_name,
                        const std::atomic<bool>& abandoned) const {
  const auto command = command_of(request.command);
  if (!command) return error_reply(kNoSuchCommand);
  logged_name = command->name;
  if (request.header.op_code == kOpQuery)
    return command->in_op_query ? command->run(request.command, facts_) : error_reply(kNotForQuery);
  const auto db = database_of(request.command);
  if (!db) return error_reply(db.error());
  return command->run != nullptr ? command->run(request.command, facts_)
                                 : analyze_(request.command, *db, abandoned);
}

std::int32_t Responder::next_id() const noexcept {
  return static_cast<std::int32_t>(last_id_.fetch_add(1, std::memory_order_relaxed) & 0x7fffffff);
}

}  // namespace fle::cryptd
