// The record layer of the control connection, once the Noise handshake is over (control 3.1, 3.3):
// a byte stream cut into sealed records. Each direction has its own key and counter. Pure.
//
//   RecordSealer out(keys.client_to_server);    RecordOpener in(keys.server_to_client);
//   out.seal(http2_bytes, to_wire);             in.feed(from_wire, http2_bytes)
//
// Any failure ends the direction for good, and with it the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/crypto/secret.h"

namespace aya::control {

enum class FrameType : std::uint8_t { Initiation = 1, Response = 2, Error = 3, Record = 4 };

inline constexpr std::size_t kFrameHeaderSize = 3;  // type, u16 big-endian length
inline constexpr std::size_t kMaxFrameSize = 4096;
inline constexpr std::size_t kMaxSealedSize = kMaxFrameSize - kFrameHeaderSize;
inline constexpr std::size_t kMaxRecordPlaintext = kMaxSealedSize - 16;

// A server's refusal, in place of its handshake response: the reason in plain text.
void append_error_frame(std::string_view reason, Buffer& out);

class RecordSealer {
 public:
  explicit RecordSealer(const crypto::Key32& key, std::uint64_t counter = 0);
  // Appends as many records as `plain` needs (none for nothing) to `out`. false: the counter is
  // used up; the connection has to end.
  [[nodiscard]] bool seal(Bytes plain, Buffer& out);

 private:
  crypto::Key32 key_;
  std::uint64_t counter_;
};

class RecordOpener {
 public:
  explicit RecordOpener(const crypto::Key32& key, std::uint64_t counter = 0);
  // Takes bytes as they arrive, in any pieces, and appends what they open to. After an error the
  // opener stays failed; what was opened before it is in `plain`.
  Result<void, ParseError> feed(Bytes wire, Buffer& plain);
  // True between records: the stream may end here without having been cut.
  bool at_boundary() const { return pending_.empty(); }

 private:
  Result<void, ParseError> open_record(Bytes sealed, Buffer& plain);
  Result<void, ParseError> fail(ParseError why);

  crypto::Key32 key_;
  std::uint64_t counter_;
  Buffer pending_;  // one incomplete record, header included
  std::optional<ParseError> failed_;
};

}  // namespace aya::control
