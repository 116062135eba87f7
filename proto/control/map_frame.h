// Frames of the map stream (control 4.4): u32 little-endian length, then JSON, compressed as one
// complete zstd frame where the request asked for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/parse_error.h"
#include "proto/base/result.h"

namespace aya::control {

enum class Compression { None, Zstd };

// Values of MapRequest::compress. nullopt for anything else.
std::optional<Compression> parse_compression(std::string_view text);

// Writes frames. Keeps zstd's working memory between calls; one thread.
class MapFrameEncoder {
 public:
  MapFrameEncoder();
  ~MapFrameEncoder();
  MapFrameEncoder(MapFrameEncoder&&) noexcept;
  MapFrameEncoder& operator=(MapFrameEncoder&&) noexcept;

  void append(std::string_view json, Compression compression, Buffer& out);

 private:
  struct Zstd;
  std::unique_ptr<Zstd> zstd_;
};

// Reads frames from bytes as they arrive.
//
//   decoder.feed(body);
//   while (auto json = decoder.next()) {        // Result
//     if (!*json) break;                        // more bytes needed
//     ... **json
//   }                                           // an error is final
class MapFrameDecoder {
 public:
  struct Limits {
    std::size_t frame = 256u << 20;  // as it lies on the wire
    std::size_t json = 1u << 30;     // decompressed
  };
  explicit MapFrameDecoder(Compression compression);
  MapFrameDecoder(Compression compression, Limits limits);
  ~MapFrameDecoder();
  MapFrameDecoder(MapFrameDecoder&&) noexcept;
  MapFrameDecoder& operator=(MapFrameDecoder&&) noexcept;

  void feed(Bytes more);
  Result<std::optional<std::string>, ParseError> next();
  // True when no part of a frame is waiting: a stream that ends elsewhere was cut.
  bool at_boundary() const;

 private:
  struct Zstd;
  Result<std::string, ParseError> decompress(Bytes frame);

  Compression compression_;
  Limits limits_;
  Buffer pending_;
  std::size_t taken_ = 0;  // of pending_, by frames already returned
  std::optional<ParseError> failed_;
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace aya::control
