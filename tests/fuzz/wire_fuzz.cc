// Hostile messages for the daemon. What it takes is one well-formed command, which stays the same
// when it is sent without document sequences; every answer is a message of its own.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/commands.h"
#include "protocol/crc32c.h"
#include "protocol/wire.h"

namespace {

using namespace fle::cryptd;
using fle::Bytes;
using Buf = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

void store(std::uint8_t* p, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(v >> (8 * i));
}
std::uint32_t load(const std::uint8_t* p) {
  return p[0] | static_cast<std::uint32_t>(p[1]) << 8 | static_cast<std::uint32_t>(p[2]) << 16 |
         static_cast<std::uint32_t>(p[3]) << 24;
}

const Responder& responder() {
  static const Responder r(
      [](Bytes command, std::string_view db, const std::atomic<bool>&) {
        require(!db.empty());
        return Buf(command.begin(), command.end());
      },
      {"0"});
  return r;
}

void check_answer(Bytes message, const Answer& answer) {
  if (!answer.frame) return;
  const Frame& f = *answer.frame;
  require(load(f.head.data()) == f.size());
  require(load(f.head.data() + 8) == load(message.data() + 4));
  require(fle::bson::check_value(fle::bson::Type::object, f.document, kCommandLimits).has_value());
  if (f.tail_size != 0)
    require(crc32c(f.document, crc32c({f.head.data(), f.head_size})) == load(f.tail.data()));
}

/// The same command in a single section.
void send_again(const Request& request) {
  Buf m(kHeaderSize + 5 + request.command.size());
  store(m.data(), static_cast<std::uint32_t>(m.size()));
  store(m.data() + 12, kOpMsg);
  std::copy(request.command.begin(), request.command.end(), m.begin() + kHeaderSize + 5);
  const auto again = parse(m);
  require(again.has_value());
  require(again->folded.empty() && !again->checksum && !again->more_to_come);
  require(std::equal(again->command.begin(), again->command.end(), request.command.begin(),
                     request.command.end()));
}

void receive(Bytes input) {
  // Exactly as much memory, so that a read behind it is seen.
  const auto exact = std::make_unique<std::uint8_t[]>(input.size() + 1);
  std::copy(input.begin(), input.end(), exact.get());
  const Bytes message(exact.get(), input.size());

  const auto request = parse(message);
  if (request) {
    require(fle::bson::check_value(fle::bson::Type::object, request->command, kCommandLimits)
                .has_value());
    send_again(*request);
  }
  const Answer answer = responder().respond(message);
  require(answer.end_of_connection == !request.has_value());
  check_answer(message, answer);
  const auto begun = responder().begin(message);
  if (const auto* at_once = std::get_if<Answer>(&begun)) check_answer(message, *at_once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  receive({data, size});
  // As what follows a right header: OP_MSG, OP_MSG with a right checksum, OP_QUERY.
  Buf m(kHeaderSize);
  m.insert(m.end(), data, data + size);
  store(m.data(), static_cast<std::uint32_t>(m.size()));
  for (const std::int32_t op_code : {kOpMsg, kOpQuery}) {
    store(m.data() + 12, static_cast<std::uint32_t>(op_code));
    receive(m);
  }
  if (size < 4) return 0;
  m[kHeaderSize] |= 1;
  m.resize(m.size() + 4);
  store(m.data(), static_cast<std::uint32_t>(m.size()));
  store(m.data() + 12, kOpMsg);
  store(m.data() + m.size() - 4, crc32c(Bytes(m).first(m.size() - 4)));
  receive(m);
  return 0;
}
