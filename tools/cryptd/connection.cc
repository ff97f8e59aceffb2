#include "connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <sys/socket.h>

namespace fle::cryptd {
namespace {

constexpr std::size_t kFirstRoom = 4096;
// A handshake is shorter: a longer message need not be looked at twice.
constexpr std::size_t kAnswerAtOnce = 4096;

}  // namespace

Connection::Connection(Socket socket, std::uint64_t id, std::string client, ConnectionOwner& owner)
    : socket_(std::move(socket)),
      linger_timer_(socket_.get_executor()),
      owner_(owner),
      id_(id),
      client_(std::move(client)) {}

void Connection::finish() {
  finishing_ = true;
  std::error_code ignored;
  if (reading_ && received_ == 0 && socket_.available(ignored) == 0) close();
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  abandon();
  linger_timer_.cancel();
  std::error_code ignored;
  socket_.close(ignored);
  owner_.connection_closed(id_);
}

void Connection::await_message() {
  message_ = std::vector<std::uint8_t>(kHeaderSize);  // an idle client keeps no more
  received_ = 0;
  read_more();
}

void Connection::read_more() {
  reading_ = true;
  socket_.async_read_some(asio::buffer(message_.data() + received_, message_.size() - received_),
                          [self = shared_from_this()](const std::error_code& ec, std::size_t n) {
                            self->reading_ = false;
                            if (self->closed_) return;
                            if (ec) return self->close();
                            try {
                              self->received(n);
                            } catch (const std::bad_alloc&) {
                              self->close();  // others may still have room
                            }
                          });
}

void Connection::received(std::size_t n) {
  received_ += n;
  if (received_ < kHeaderSize) return read_more();
  const Header header = read_header(std::span(message_).first<kHeaderSize>());
  if (received_ == kHeaderSize) {
    if (const auto sane = check_header(header); !sane) {
      return reply(owner_.responder().refuse(message(), sane.error()));
    }
  }
  const auto length = static_cast<std::size_t>(header.length);
  if (received_ == length) return dispatch();
  make_room(length);
  read_more();
}

void Connection::make_room(std::size_t length) {
  if (received_ < message_.size()) return;
  message_.resize(std::min(length, std::max(kFirstRoom, 2 * received_)));
}

void Connection::dispatch() {
  began_ = std::chrono::steady_clock::now();
  owner_.command_began();
  std::optional<Answer> answer;
  if (received_ <= kAnswerAtOnce) answer = owner_.responder().respond_at_once(message());
  if (answer) {
    answered(std::move(*answer));
  } else {
    answer_elsewhere();
  }
}

void Connection::answer_elsewhere() {
  analysing_ = true;
  watch_client();
  owner_.run_elsewhere(client_, received_, [self = shared_from_this()] {
    Answer answer = self->owner_.responder().respond(self->message(), self->abandoned_);
    asio::post(self->socket_.get_executor(),
               [self, answer = std::move(answer)]() mutable { self->answered(std::move(answer)); });
  });
}

/// Nothing is read while a message is analysed, so that the end of the connection is looked for: a
/// client that has gone, or will send no more, does not keep a thread. Where it has sent more
/// already the end cannot be seen behind that, and the analysis goes on.
void Connection::watch_client() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const std::error_code& ec) {
    if (self->closed_ || !self->analysing_) return;
    std::uint8_t next = 0;
    const ssize_t n = ::recv(self->socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    if (ec || n == 0 || (n < 0 && errno != EAGAIN)) self->abandon();
  });
}

void Connection::abandon() {
  abandoned_.store(true);
  abandoned_.notify_all();
}

void Connection::answered(Answer answer) {
  analysing_ = false;
  owner_.command_ended({answer.command, received_, answer.frame ? answer.frame->size() : 0,
                        std::chrono::steady_clock::now() - began_});
  if (!closed_) reply(std::move(answer));
}

void Connection::reply(Answer answer) {
  answer_ = std::move(answer);
  message_ = {};
  if (!answer_.frame) return replied();
  const Frame& f = *answer_.frame;
  const std::array<asio::const_buffer, 3> parts{asio::buffer(f.head.data(), f.head_size),
                                                asio::buffer(f.document),
                                                asio::buffer(f.tail.data(), f.tail_size)};
  asio::async_write(socket_, parts,
                    [self = shared_from_this()](const std::error_code& ec, std::size_t) {
                      if (self->closed_) return;
                      if (ec) return self->close();
                      self->replied();
                    });
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
  linger_timer_.expires_after(owner_.linger_time());
  linger_timer_.async_wait([self = shared_from_this()](const std::error_code& ec) {
    if (!ec) self->close();
  });
  message_ = std::vector<std::uint8_t>(kFirstRoom);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(asio::buffer(message_),
                          [self = shared_from_this()](const std::error_code& ec, std::size_t) {
                            if (self->closed_) return;
                            if (ec) return self->close();
                            self->discard();
                          });
}

}  // namespace fle::cryptd
