// The control connection's handshake with its frames (control 3.1, 3.2): 101 bytes from the client,
// 51 from the server, or an error frame in their place. Records that follow are proto/control's.
//
//   ControlClient client(machine_key, server_key, version, rng);
//   send(client.initiation());                    // also, as base64, X-Tailscale-Handshake
//   auto answer = client.read_response(received); // `consumed` bytes were the response's
#pragma once

#include <string>
#include <variant>

#include "proto/noise/ik.h"

namespace aya::noise {

inline constexpr std::size_t kInitiationFrameSize = 2 + 1 + 2 + kIkMessage1Size;  // 101
inline constexpr std::size_t kResponseFrameSize = 1 + 2 + kIkMessage2Size;        // 51

// "Tailscale Control Protocol v116"
std::string control_prologue(std::uint16_t version);

class ControlClient {
 public:
  ControlClient(
      const MachinePrivateKey& self, const MachinePublicKey& server, std::uint16_t version,
      Rng& rng);

  // The 101 bytes, made once and kept. Empty where the server's key is no usable key.
  Bytes initiation() const { return initiation_; }

  struct Established {
    IkResult result;
    std::size_t consumed;  // bytes of the response frame; records may follow
  };
  struct NeedMore {};
  struct Refused {  // the server's words, unauthenticated: a hint for people only
    std::string reason;
  };
  // `received`: everything since the connection was upgraded. ParseError: give up.
  std::variant<NeedMore, Established, Refused, ParseError> read_response(Bytes received);

 private:
  IkInitiator ik_;
  Buffer initiation_;
};

// The server's whole part: it answers one initiation.
struct ControlServerSession {
  MachinePublicKey machine;  // the client
  std::uint16_t version;     // the client's capability version
  Buffer response;           // 51 bytes, to be sent before any record
  IkResult result;
};

struct ControlRefusal {
  ParseError reason;
  Buffer reply;  // an error frame to send before closing, or empty: close in silence
};

// `initiation`: exactly what the client sent as its first message.
Result<ControlServerSession, ControlRefusal> answer_initiation(
    const MachinePrivateKey& server, Bytes initiation, Rng& rng);

}  // namespace aya::noise
