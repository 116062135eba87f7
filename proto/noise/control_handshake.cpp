#include "proto/noise/control_handshake.h"

#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::noise {
namespace {

constexpr std::uint8_t kInitiation = 1, kResponse = 2, kError = 3;
constexpr std::size_t kHeaderSize = 1 + 2;

Buffer error_frame(std::string_view text) {
  Buffer out;
  Writer frame(out);
  frame.u8(kError);
  frame.u16be(static_cast<std::uint16_t>(text.size()));
  frame.text(text);
  return out;
}

// Refused for its shape: the client is told, since nothing was spent on it and nothing is revealed.
ControlRefusal malformed(ParseError reason, std::string_view told) {
  return {reason, error_frame(told)};
}

// Refused by the cryptography: close in silence.
ControlRefusal rejected(ParseError reason) { return {reason, {}}; }

}  // namespace

std::string control_prologue(std::uint16_t version) {
  return "Tailscale Control Protocol v" + std::to_string(version);
}

ControlClient::ControlClient(
    const MachinePrivateKey& self, const MachinePublicKey& server, std::uint16_t version, Rng& rng)
    : ik_(self, server, as_bytes(control_prologue(version)), rng) {
  const auto message = ik_.write_message_1();
  if (!message) return;
  Writer frame(initiation_);
  frame.u16be(version);
  frame.u8(kInitiation);
  frame.u16be(kIkMessage1Size);
  frame.bytes(*message);
}

std::variant<
    ControlClient::NeedMore, ControlClient::Established, ControlClient::Refused, ParseError>
ControlClient::read_response(Bytes received) {
  if (received.size() < kHeaderSize) return NeedMore{};
  Reader in(received);
  const std::uint8_t type = in.u8();
  const std::size_t length = in.u16be();
  if (type != kResponse && type != kError) return ParseError::BadType;
  if (type == kResponse && length != kIkMessage2Size) return ParseError::BadLength;
  if (in.remaining() < length) return NeedMore{};
  const Bytes body = in.bytes(length);
  if (type == kError) return Refused{std::string(as_text(body))};
  auto result = ik_.read_message_2(body);
  if (!result) return result.error();
  return Established{*std::move(result), kResponseFrameSize};
}

Result<ControlServerSession, ControlRefusal> answer_initiation(
    const MachinePrivateKey& server, Bytes initiation, Rng& rng) {
  if (initiation.size() != kInitiationFrameSize) {
    return malformed(ParseError::BadLength, "wrong handshake initiation size");
  }
  Reader in(initiation);
  ControlServerSession session;
  session.version = in.u16be();
  if (in.u8() != kInitiation) {
    return malformed(ParseError::BadType, "unexpected handshake message type");
  }
  if (in.u16be() != kIkMessage1Size) {
    return malformed(ParseError::BadLength, "wrong handshake initiation length");
  }
  IkResponder ik(server, as_bytes(control_prologue(session.version)));
  const auto machine = ik.read_message_1(in.rest());
  if (!machine) return rejected(machine.error());
  auto answer = ik.write_message_2(rng);
  if (!answer) return rejected(answer.error());

  session.machine = *machine;
  session.result = answer->result;
  Writer frame(session.response);
  frame.u8(kResponse);
  frame.u16be(kIkMessage2Size);
  frame.bytes(answer->message);
  return session;
}

}  // namespace aya::noise
