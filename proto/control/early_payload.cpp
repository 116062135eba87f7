#include "proto/control/early_payload.h"

#include <algorithm>
#include <array>

#include "proto/base/endian.h"
#include "proto/base/writer.h"
#include "proto/control/json_document.h"
#include "proto/control/json_text.h"

namespace aya::control {
namespace {

// An HTTP/2 frame of this length could not exist, which is what makes the two tell apart.
constexpr std::array kMagic = {
    std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{'T'}, std::byte{'S'}};
constexpr std::size_t kHeaderSize = kMagic.size() + 4;

}  // namespace

void append_early_payload(const EarlyPayload& payload, Buffer& out) {
  const std::string json = encode(payload);
  Writer writer(out);
  writer.bytes(kMagic);
  writer.u32be(static_cast<std::uint32_t>(json.size()));
  writer.text(json);
}

Result<void, ParseError> EarlyPayloadSplitter::read_payload(std::string_view json) {
  const auto document = JsonDocument::parse(json);
  if (!document) return document.error();
  if (document->root().is_null()) return {};  // sent, and says there is none
  auto payload = decode<EarlyPayload>(json);
  if (!payload) return payload.error();
  payload_ = *payload;
  return {};
}

Result<void, ParseError> EarlyPayloadSplitter::feed(Bytes plain, Buffer& http2) {
  if (done_) {
    append(http2, plain);
    return {};
  }
  append(pending_, plain);
  const Bytes so_far = pending_;
  const Bytes front = so_far.first(std::min(so_far.size(), kMagic.size()));
  if (!equal_bytes(front, Bytes(kMagic).first(front.size()))) {
    done_ = true;
    append(http2, so_far);
    pending_ = {};
    return {};
  }
  if (so_far.size() < kHeaderSize) return {};
  const std::size_t length = load_be<std::uint32_t>(so_far.data() + kMagic.size());
  if (length > kMaxJson) return ParseError::TooLarge;
  if (so_far.size() - kHeaderSize < length) return {};
  if (auto read = read_payload(as_text(so_far.subspan(kHeaderSize, length))); !read) return read;
  done_ = true;
  append(http2, so_far.subspan(kHeaderSize + length));
  pending_ = {};
  return {};
}

}  // namespace aya::control
