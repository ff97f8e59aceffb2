#include "connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <sys/socket.h>

#include "scrape.h"

namespace fle::cryptd {
namespace {

constexpr std::size_t kFirstRoom = 4096;
// A handshake is shorter: a longer message need not be looked at twice.
constexpr std::size_t kAnswerAtOnce = 4096;
// What Asio writes at once by itself.
constexpr std::size_t kWriteAtOnce = 65536;

}  // namespace

Connection::Connection(Socket socket, std::uint64_t id, std::string client, ConnectionOwner& owner)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      owner_(owner),
      id_(id),
      client_(std::move(client)),
      since_(owner.now()) {}

void Connection::start() noexcept {
  handler(io_memory_, [](Connection& c) { c.await_message(); })();
}

void Connection::finish() noexcept {
  finishing_ = true;
  std::error_code ignored;
  if (reading_ && received_ == 0 && socket_.available(ignored) == 0) close();
}

void Connection::close() noexcept {
  if (std::exchange(closed_, true)) return;
  abandon();
  std::error_code ignored;
  socket_.close(ignored);
  try {
    timer_.cancel();
  } catch (const std::exception&) {  // declared to throw; then its handler runs later
  }
  owner_.connection_closed(id_);
}

std::optional<std::chrono::steady_clock::time_point> Connection::owes_since() const noexcept {
  // Whether an answer has been taken is known only later; so a client must have been seen to stall.
  const bool stalls = writing_ && moved_then_ == moved_;
  const bool owes = stalls || (reading_ && (received_ > 0 || !has_finished_one_));
  return owes && !closed_ ? std::optional(since_) : std::nullopt;
}

void Connection::await_message() {
  message_ = WipedBytes(kHeaderSize);  // an idle client keeps no more
  received_ = 0;
  read_more();
}

void Connection::read_more() {
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(message_.data() + received_, message_.size() - received_),
      handler(io_memory_, [](Connection& c, const std::error_code& ec, std::size_t n) {
        c.reading_ = false;
        if (c.closed_) return;
        if (ec) return c.close();
        c.received(n);
      }));
}

void Connection::received(std::size_t n) {
  if (received_ == 0) since_ = owner_.now();
  received_ += n;
  moved_ += n;
  if (received_ < kHeaderSize) {
    watch_progress();
    return read_more();
  }
  if (is_scraped()) return received_scrape();
  const Header header = read_header(std::span(message_).first<kHeaderSize>());
  if (received_ == kHeaderSize) {
    if (const auto sane = check_header(header); !sane) {
      return reply(owner_.responder().refuse(message(), sane.error()));
    }
  }
  const auto length = static_cast<std::size_t>(header.length);
  if (received_ == length) return dispatch();
  make_room(length);
  watch_progress();
  read_more();
}

/// Whether it is a scraper's. Decided by its first bytes, so a client that has sent a message of
/// MongoDB's protocol stays one.
bool Connection::is_scraped() const noexcept {
  return owner_.metrics() != nullptr && !has_finished_one_ && is_scrape(message());
}

void Connection::received_scrape() {
  if (auto text = answer_scrape(message(), *owner_.metrics())) {
    Answer answer;
    answer.frame.emplace().document = std::move(*text);
    answer.end_of_connection = true;
    return reply(std::move(answer));
  }
  make_room(kMaxScrape);
  watch_progress();
  read_more();
}

void Connection::make_room(std::size_t length) {
  if (received_ < message_.size()) return;
  message_.resize(std::min(length, std::max(kFirstRoom, 2 * received_)));
}

void Connection::dispatch() {
  began_ = std::chrono::steady_clock::now();
  if (received_ > kAnswerAtOnce) return answer_elsewhere();
  auto begun = owner_.responder().begin(message());
  if (auto* request = std::get_if<Request>(&begun)) {
    request_ = std::move(*request);
    return answer_elsewhere();
  }
  answer_ = std::move(std::get<Answer>(begun));
  owner_.command_began();
  answered();
}

void Connection::answer_elsewhere() {
  watch_client();
  // Nothing after this may throw: the job ends with answered().
  owner_.run_elsewhere(client_, received_, [self = shared_from_this()] { self->analyze(); });
  analyzing_ = true;
  owner_.command_began();
}

/// Nothing is read while a message is analyzed, so that the end of the connection is looked for: a
/// client that has gone, or will send no more, does not keep a thread. Where it has sent more
/// already the end cannot be seen behind that, and the analysis goes on.
void Connection::watch_client() {
  socket_.async_wait(
      Socket::wait_read, handler(watch_memory_, [](Connection& c, const std::error_code& ec) {
        if (c.closed_ || !c.analyzing_) return;
        std::uint8_t next = 0;
        const ssize_t n = ::recv(c.socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
        if (ec || n == 0 || (n < 0 && errno != EAGAIN)) c.abandon();
      }));
}

void Connection::abandon() noexcept {
  abandoned_.store(true);
  abandoned_.notify_all();
}

/// On another thread. Whatever happens there, the I/O thread hears of the end.
void Connection::analyze() noexcept {
  try {
    answer_ = request_ ? owner_.responder().respond(*request_, abandoned_)
                       : owner_.responder().respond(message(), abandoned_);
  } catch (...) {
    answer_ = {};
    answer_.end_of_connection = true;
  }
  // Of room that is reserved: it does not fail.
  asio::post(owner_.io(), handler(post_memory_, [](Connection& c) { c.answered(); }));
}

void Connection::answered() {
  if (std::exchange(analyzing_, false)) owner_.analysis_ended(client_, received_);
  owner_.command_ended({answer_.command, received_, answer_.frame ? answer_.frame->size() : 0,
                        std::chrono::steady_clock::now() - began_});
  has_finished_one_ = true;
  if (!closed_) reply(std::move(answer_));
}

void Connection::reply(Answer answer) {
  answer_ = std::move(answer);
  request_.reset();
  message_ = {};
  if (!answer_.frame) return replied();
  watch_progress();
  writing_ = true;
  const Frame& f = *answer_.frame;
  const std::array<asio::const_buffer, 3> parts{asio::buffer(f.head.data(), f.head_size),
                                                asio::buffer(f.document),
                                                asio::buffer(f.tail.data(), f.tail_size)};
  const auto go_on = [this](const std::error_code& ec, std::size_t written) -> std::size_t {
    if (written != 0) ++moved_;
    return ec ? 0 : kWriteAtOnce;
  };
  asio::async_write(socket_, parts, go_on,
                    handler(io_memory_, [](Connection& c, const std::error_code& ec, std::size_t) {
                      c.writing_ = false;
                      if (c.closed_) return;
                      if (ec) return c.close();
                      c.replied();
                    }));
}

void Connection::replied() {
  const bool end = answer_.end_of_connection;
  answer_ = {};
  if (end) return linger();
  if (finishing_) return close();
  await_message();
}

/// Closing with unread bytes resets the connection, and the client may lose the error that it was
/// sent before it has read it. So what still comes is read and thrown away, for a while.
void Connection::linger() {
  std::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  timer_.expires_after(owner_.linger_time());
  timer_.async_wait(handler(timer_memory_, [](Connection& c, const std::error_code& ec) {
    if (!ec) c.close();
  }));
  message_ = WipedBytes(kFirstRoom);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(
      asio::buffer(message_),
      handler(io_memory_, [](Connection& c, const std::error_code& ec, std::size_t) {
        if (c.closed_) return;
        if (ec) return c.close();
        c.discard();
      }));
}

/// Looks from time to time whether bytes move, as long as the client owes some. The bytes
/// themselves look at no clock.
void Connection::watch_progress() {
  if (std::exchange(watched_, true)) return;
  timer_.expires_after(owner_.stall_time());
  timer_.async_wait(handler(timer_memory_, [](Connection& c, const std::error_code& ec) {
    c.watched_ = false;
    if (!ec && !c.closed_) c.check_progress();
  }));
}

void Connection::check_progress() {
  if (!writing_ && (!reading_ || received_ == 0)) {
    moved_then_.reset();
    return;
  }
  const auto now = owner_.now();
  if (moved_then_ != moved_) {
    moved_then_ = moved_;
    looked_at_ = now;
  } else if (now - looked_at_ >= owner_.stall_time()) {
    return close();
  }
  watch_progress();
}

}  // namespace fle::cryptd
