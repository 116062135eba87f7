// Frames of the map stream in two pieces: the same comes out as of one piece, nothing exceeds the
// limits, and after an error nothing comes at all. What is left of the input goes out and comes
// back as frames of our own.
#include <algorithm>

#include "proto/base/check.h"
#include "proto/control/map_frame.h"

namespace {

using namespace aya::control;

constexpr MapFrameDecoder::Limits kLimits{.frame = 4096, .json = 65536};

struct Outcome {
  std::vector<std::string> texts;
  bool failed = false;
  bool at_boundary = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(Compression compression, aya::Bytes first, aya::Bytes second) {
  MapFrameDecoder decoder(compression, kLimits);
  Outcome out;
  for (const aya::Bytes piece : {first, second}) {
    decoder.feed(piece);
    for (;;) {
      auto text = decoder.next();
      AYA_CHECK(!out.failed || !text);
      out.failed = !text;
      if (!text || !*text) break;
      AYA_CHECK((*text)->size() <= kLimits.json);
      out.texts.push_back(**std::move(text));
    }
  }
  out.at_boundary = !out.failed && decoder.at_boundary();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const aya::Bytes input = std::as_bytes(std::span(data + 2, size - 2));
  const auto compression = (data[0] & 1) != 0 ? Compression::Zstd : Compression::None;
  const std::size_t cut = input.size() * data[1] / 256;
  AYA_CHECK(
      read(compression, input, {}) == read(compression, input.first(cut), input.subspan(cut)));

  if (input.size() > kLimits.frame / 2) return 0;
  MapFrameEncoder encoder;
  aya::Buffer wire;
  const std::vector<std::string> texts{
      std::string(aya::as_text(input.first(cut))), std::string(aya::as_text(input.subspan(cut)))};
  for (const std::string& text : texts) encoder.append(text, compression, wire);
  const Outcome ours = read(compression, wire, {});
  AYA_CHECK(ours.texts == texts && ours.at_boundary);
  return 0;
}
