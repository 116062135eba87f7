// DNS messages on a stream, each behind its length in two bytes (RFC 1035, 4.2.2). Pure.
#pragma once

#include <optional>

#include "proto/base/bytes.h"

namespace aya::dns {

class MessageStream {
 public:
  // Adds what arrived. Take everything out before adding more: what waits is then never more than
  // one message and the piece that was added.
  void add(Bytes bytes) { append(waiting_, bytes); }
  // The next whole message, which may be empty; nullopt: more has to arrive.
  std::optional<Buffer> take();
  bool is_empty() const { return waiting_.empty(); }

 private:
  Buffer waiting_;
};

// False, and nothing is written, for a message that is too long for a stream.
bool write_stream_message(Bytes message, Buffer& out);

}  // namespace aya::dns
