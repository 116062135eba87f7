#include "proto/derp/frame.h"

#include <algorithm>

namespace aya::derp {
namespace {

// A reader's buffer beyond this is given back after use, so that a thousand connections that once
// carried a large frame do not each keep one.
constexpr std::size_t kKeptCapacity = 8192;

Bytes take_front(Bytes& input, std::size_t count) {
  const Bytes taken = input.first(std::min(count, input.size()));
  input = input.subspan(taken.size());
  return taken;
}

}  // namespace

void write_frame_header(FrameType type, std::size_t length, Buffer& out) {
  std::array<std::byte, kFrameHeaderSize> header;
  store_frame_header(header, type, length);
  append(out, header);
}

FrameReader::Step FrameReader::step(Bytes& input) {
  if (partial_lent_) {
    partial_.clear();
    if (partial_.capacity() > kKeptCapacity) Buffer().swap(partial_);
    partial_lent_ = false;
  }
  payload_ = {};
  switch (state_) {
    case State::InHeader:
      return step_header(input);
    case State::InPayload:
      return step_payload(input);
    case State::Skipping:
      return step_skip(input);
  }
  return Step::NeedMore;
}

FrameReader::Step FrameReader::step_header(Bytes& input) {
  const Bytes taken = take_front(input, kFrameHeaderSize - header_filled_);
  copy_bytes(MutableBytes(header_bytes_).subspan(header_filled_), taken);
  header_filled_ += taken.size();
  if (header_filled_ < kFrameHeaderSize) return Step::NeedMore;
  header_filled_ = 0;
  header_ = parse_frame_header(header_bytes_);
  skip_left_ = header_.length;
  state_ = State::InPayload;
  return Step::Header;
}

FrameReader::Step FrameReader::step_payload(Bytes& input) {
  const std::size_t missing = header_.length - partial_.size();
  if (partial_.empty() && input.size() >= missing) {
    payload_ = take_front(input, missing);
  } else {
    // Grows with what arrives, not with what the header claims.
    append(partial_, take_front(input, missing));
    if (partial_.size() < header_.length) return Step::NeedMore;
    payload_ = partial_;
    partial_lent_ = true;
  }
  state_ = State::InHeader;
  return Step::Frame;
}

FrameReader::Step FrameReader::step_skip(Bytes& input) {
  skip_left_ -= static_cast<std::uint32_t>(take_front(input, skip_left_).size());
  if (skip_left_ > 0) return Step::NeedMore;
  state_ = State::InHeader;
  return step_header(input);
}

}  // namespace aya::derp
