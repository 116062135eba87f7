#include "proto/compression/compression.h"

#include <zlib.h>
#include <zstd.h>

namespace aya::compression {
namespace {

constexpr int kGzipLevel = 6;
constexpr int kZstdLevel = 3;

}  // namespace

std::optional<Buffer> gzip(Bytes from) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  Buffer out(deflateBound(&stream, from.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return end == Z_STREAM_END ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Buffer> zstd(Bytes from) {
  Buffer out(ZSTD_compressBound(from.size()));
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), from.data(), from.size(), kZstdLevel);
  if (ZSTD_isError(size)) return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace aya::compression
