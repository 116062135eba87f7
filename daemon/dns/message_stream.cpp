#include "daemon/dns/message_stream.h"

#include "proto/base/endian.h"
#include "proto/base/writer.h"

namespace aya::dns {
namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kLongest = 0xffff;

}  // namespace

std::optional<Buffer> MessageStream::take() {
  if (waiting_.size() < kLengthSize) return std::nullopt;
  const std::size_t end = kLengthSize + load_be<std::uint16_t>(waiting_.data());
  if (waiting_.size() < end) return std::nullopt;
  const auto behind = waiting_.begin() + static_cast<std::ptrdiff_t>(end);
  Buffer message(waiting_.begin() + kLengthSize, behind);
  waiting_.erase(waiting_.begin(), behind);
  return message;
}

bool write_stream_message(Bytes message, Buffer& out) {
  if (message.size() > kLongest) return false;
  Writer to(out);
  to.u16be(static_cast<std::uint16_t>(message.size()));
  append(out, message);
  return true;
}

}  // namespace aya::dns
