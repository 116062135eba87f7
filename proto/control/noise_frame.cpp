#include "proto/control/noise_frame.h"

#include <algorithm>
#include <limits>

#include "proto/base/endian.h"
#include "proto/base/writer.h"
#include "proto/crypto/aead.h"

namespace aya::control {
namespace {

// The last counter value is never used: a connection that gets there ends.
constexpr std::uint64_t kCounterEnd = std::numeric_limits<std::uint64_t>::max();

void append_header(FrameType type, std::size_t length, Buffer& out) {
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u16be(static_cast<std::uint16_t>(length));
}

}  // namespace

void append_error_frame(std::string_view reason, Buffer& out) {
  reason = reason.substr(0, kMaxSealedSize);
  append_header(FrameType::Error, reason.size(), out);
  append(out, as_bytes(reason));
}

RecordSealer::RecordSealer(const crypto::Key32& key, std::uint64_t counter)
    : key_(key), counter_(counter) {}

bool RecordSealer::seal(Bytes plain, Buffer& out) {
  while (!plain.empty()) {
    if (counter_ == kCounterEnd) return false;
    const Bytes piece = plain.first(std::min(plain.size(), kMaxRecordPlaintext));
    append_header(FrameType::Record, piece.size() + crypto::kTagSize, out);
    crypto::seal(key_, crypto::nonce_be(counter_++), {}, piece, out);
    plain = plain.subspan(piece.size());
  }
  return true;
}

RecordOpener::RecordOpener(const crypto::Key32& key, std::uint64_t counter)
    : key_(key), counter_(counter) {}

Result<void, ParseError> RecordOpener::fail(ParseError why) {
  failed_ = why;
  pending_.clear();
  return why;
}

Result<void, ParseError> RecordOpener::open_record(Bytes sealed, Buffer& plain) {
  if (counter_ == kCounterEnd) return fail(ParseError::TooLarge);
  if (!crypto::open(key_, crypto::nonce_be(counter_++), {}, sealed, plain)) {
    return fail(ParseError::BadSeal);
  }
  return {};
}

// Whole records are opened where they lie in `wire`; only a cut one is copied.
Result<void, ParseError> RecordOpener::feed(Bytes wire, Buffer& plain) {
  if (failed_) return *failed_;
  Buffer joined;
  if (!pending_.empty()) {
    joined = std::move(pending_);
    pending_.clear();
    append(joined, wire);
    wire = joined;
  }
  while (wire.size() >= kFrameHeaderSize) {
    const std::size_t length = load_be<std::uint16_t>(wire.data() + 1);
    if (length > kMaxSealedSize) return fail(ParseError::TooLarge);
    if (wire[0] != static_cast<std::byte>(FrameType::Record)) return fail(ParseError::BadType);
    if (wire.size() < kFrameHeaderSize + length) break;
    const auto opened = open_record(wire.subspan(kFrameHeaderSize, length), plain);
    if (!opened) return opened;
    wire = wire.subspan(kFrameHeaderSize + length);
  }
  append(pending_, wire);
  return {};
}

}  // namespace aya::control
