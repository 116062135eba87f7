#include "proto/control/map_frame.h"

#include <zstd.h>

#include <algorithm>

#include "proto/base/endian.h"
#include "proto/base/writer.h"

namespace aya::control {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr int kLevel = 1;  // maps are sent once and read once: speed over size

}  // namespace

std::optional<Compression> parse_compression(std::string_view text) {
  if (text.empty()) return Compression::None;
  if (text == "zstd") return Compression::Zstd;
  return std::nullopt;
}

// ---- writing --------------------------------------------------------------------------------

struct MapFrameEncoder::Zstd {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  Zstd() { AYA_CHECK(context != nullptr); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() { ZSTD_freeCCtx(context); }
};

MapFrameEncoder::MapFrameEncoder() = default;
MapFrameEncoder::~MapFrameEncoder() = default;
MapFrameEncoder::MapFrameEncoder(MapFrameEncoder&&) noexcept = default;
MapFrameEncoder& MapFrameEncoder::operator=(MapFrameEncoder&&) noexcept = default;

void MapFrameEncoder::append(std::string_view json, Compression compression, Buffer& out) {
  const std::size_t at = out.size();
  Writer(out).zeros(kLengthSize);
  if (compression == Compression::None) {
    aya::append(out, as_bytes(json));
  } else {
    if (!zstd_) zstd_ = std::make_unique<Zstd>();
    const std::size_t room = ZSTD_compressBound(json.size());
    out.resize(at + kLengthSize + room);
    const std::size_t size = ZSTD_compressCCtx(
        zstd_->context, out.data() + at + kLengthSize, room, json.data(), json.size(), kLevel);
    AYA_CHECK(!ZSTD_isError(size));  // it had room for the worst case
    out.resize(at + kLengthSize + size);
  }
  const std::size_t length = out.size() - at - kLengthSize;
  store_le(out.data() + at, static_cast<std::uint32_t>(length));
}

// ---- reading --------------------------------------------------------------------------------

struct MapFrameDecoder::Zstd {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Zstd() { AYA_CHECK(context != nullptr); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() { ZSTD_freeDCtx(context); }
};

MapFrameDecoder::MapFrameDecoder(Compression compression)
    : MapFrameDecoder(compression, Limits{}) {}
MapFrameDecoder::MapFrameDecoder(Compression compression, Limits limits)
    : compression_(compression), limits_(limits) {}
MapFrameDecoder::~MapFrameDecoder() = default;
MapFrameDecoder::MapFrameDecoder(MapFrameDecoder&&) noexcept = default;
MapFrameDecoder& MapFrameDecoder::operator=(MapFrameDecoder&&) noexcept = default;

bool MapFrameDecoder::at_boundary() const { return taken_ == pending_.size(); }

void MapFrameDecoder::feed(Bytes more) {
  if (taken_ > 0) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  append(pending_, more);
}

Result<std::optional<std::string>, ParseError> MapFrameDecoder::next() {
  if (failed_) return *failed_;
  const Bytes rest = Bytes(pending_).subspan(taken_);
  if (rest.size() < kLengthSize) return std::optional<std::string>();
  const std::size_t length = load_le<std::uint32_t>(rest.data());
  if (length > limits_.frame) {
    failed_ = ParseError::TooLarge;
    return *failed_;
  }
  if (rest.size() - kLengthSize < length) return std::optional<std::string>();
  const Bytes frame = rest.subspan(kLengthSize, length);
  taken_ += kLengthSize + length;
  if (compression_ == Compression::None) return std::optional(std::string(as_text(frame)));
  auto json = decompress(frame);
  if (!json) {
    failed_ = json.error();
    return *failed_;
  }
  return std::optional(std::move(*json));
}

// Streams the frame into growing memory: the content size a frame declares is a stranger's claim,
// and need not be there at all. Several zstd frames in a row are read as one text.
Result<std::string, ParseError> MapFrameDecoder::decompress(Bytes frame) {
  if (!zstd_) zstd_ = std::make_unique<Zstd>();
  ZSTD_DCtx_reset(zstd_->context, ZSTD_reset_session_only);
  std::string out;
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::size_t still_open = 0;
  while (in.pos < in.size || still_open != 0) {
    const std::size_t used = out.size();
    if (used > limits_.json) return ParseError::TooLarge;
    out.resize(used + std::max<std::size_t>(ZSTD_DStreamOutSize(), used));
    ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
    const std::size_t consumed_before = in.pos;
    still_open = ZSTD_decompressStream(zstd_->context, &to, &in);
    out.resize(used + to.pos);
    if (ZSTD_isError(still_open)) return ParseError::BadEncoding;
    const bool stuck = to.pos == 0 && in.pos == consumed_before;
    if (stuck || (in.pos == in.size && still_open != 0 && to.pos < to.size)) {
      return ParseError::Truncated;
    }
  }
  if (out.size() > limits_.json) return ParseError::TooLarge;
  return out;
}

}  // namespace aya::control
