// The inside of an HTTP/2 session: one stream's state and its queue. For h2_session.cpp alone.
#pragma once

#include <algorithm>
#include <cstring>

#include "proto/base/bytes.h"
#include "proto/http/message.h"

namespace aya::http::detail {

// Bytes waiting for the peer's window, taken from the front.
class SendQueue {
 public:
  std::size_t size() const { return bytes_.size() - front_; }

  void add(Bytes more) { append(bytes_, more); }

  std::size_t take(std::uint8_t* to, std::size_t at_most) {
    const std::size_t count = std::min(at_most, size());
    if (count > 0) std::memcpy(to, bytes_.data() + front_, count);
    front_ += count;
    if (front_ == bytes_.size()) {
      bytes_ = Buffer();  // an idle stream keeps no buffer
      front_ = 0;
    } else if (front_ > bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(front_));
      front_ = 0;
    }
    return count;
  }

 private:
  Buffer bytes_;
  std::size_t front_ = 0;
};

struct H2StreamState {
  Request request;            // server: being received
  Response response;          // client: being received
  std::size_t head_size = 0;  // of the fields so far
  std::size_t body_held = 0;  // server: counted against the connection window until delivered
  bool delivered = false;     // server: the owner has the request
  bool head_seen = false;     // client: the owner has the response's head
  bool answered = false;      // server

  SendQueue queue;
  bool finished = false;       // nothing more will be added to the queue
  bool refused_write = false;  // the owner is owed an H2StreamDrained
  bool reset_by_us = false;
};

}  // namespace aya::http::detail
