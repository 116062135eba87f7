// The first plaintext bytes of a server: an optional early payload, then HTTP/2 (control 3.5).
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/control/register.h"

namespace aya::control {

// Server: "FF FF FF T S", a length, and the JSON. Before the HTTP/2 SETTINGS, for clients since
// kEarlyPayload.
void append_early_payload(const EarlyPayload& payload, Buffer& out);

// Client: fed the opened bytes from the start, it passes on those of HTTP/2.
class EarlyPayloadSplitter {
 public:
  static constexpr std::size_t kMaxJson = 10u << 20;

  // Appends what belongs to HTTP/2 to `http2`. An error is final.
  Result<void, ParseError> feed(Bytes plain, Buffer& http2);
  bool done() const { return done_; }  // from here on all bytes are HTTP/2
  const std::optional<EarlyPayload>& payload() const { return payload_; }

 private:
  Result<void, ParseError> read_payload(std::string_view json);

  Buffer pending_;
  bool done_ = false;
  std::optional<EarlyPayload> payload_;
};

}  // namespace aya::control
