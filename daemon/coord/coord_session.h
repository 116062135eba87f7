// One connection to a coordination server: HTTP/1.1 upgrade, Noise, HTTP/2 and the requests on it
// (control 2.3, 3, 4). Pure: bytes in, bytes out, over a stream that is already connected, plain or
// TLS. Retries, timeouts and meaning are coord.h's.
//
//   CoordSession session(options, rng);           // output is there at once
//   session.take_output(out);                     // after every call that is not const
//   session.receive(bytes);
//   for (auto& event : session.take_events()) ...
//
// Without a server key the session asks for it first, on the same connection, which saves a whole
// connection set-up. The caller then must have verified the peer (DialAttempt::must_verify).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/rng.h"
#include "proto/control/early_payload.h"
#include "proto/control/map_frame.h"
#include "proto/control/map_request.h"
#include "proto/control/map_response.h"
#include "proto/control/noise_frame.h"
#include "proto/http/h2_session.h"
#include "proto/http/http1_parser.h"
#include "proto/keys/private_key.h"
#include "proto/noise/control_handshake.h"

namespace aya::coord {

using Stream = http::H2Stream;

struct KeyLearned {  // the server named its key; the upgrade is under way with it
  MachinePublicKey key;
};
struct Established {};  // Noise is up; what was requested before has been sent
struct Answered {       // status 0: the stream broke before the answer was whole
  Stream stream;
  http::Response response;
};
struct MapArrived {
  Stream stream;
  control::MapResponse message;
};
struct MapTextArrived {  // in place of MapArrived, where Options ask for it
  Stream stream;
  std::string json;
};
struct MapEnded {
  Stream stream;
  int status;          // 200: the server ended it; 0: it broke
  std::string detail;  // for the log
};
struct SessionFailed {  // last event; close the transport after the last output
  std::string reason;
  bool key_refused;  // the handshake failed: the server may have another key now
};
using SessionEvent = std::variant<
    KeyLearned, Established, Answered, MapArrived, MapTextArrived, MapEnded, SessionFailed>;

class CoordSession {
 public:
  static constexpr std::size_t kMaxAnswer = 1u << 20;

  struct Options {
    std::string authority;  // for the Host field
    MachinePrivateKey machine_key;
    std::optional<MachinePublicKey> server_key;
    bool maps_as_text = false;  // for those who count messages and do not live by them
  };
  CoordSession(Options options, Rng& rng);  // rng outlives the session

  void receive(Bytes bytes);
  // The transport ended. Yields what had not been said yet: broken streams, SessionFailed.
  void on_closed(std::string_view why);
  void take_output(Buffer& out);
  std::vector<SessionEvent> take_events();

  bool established() const { return std::holds_alternative<Open>(state_); }
  bool failed() const { return std::holds_alternative<Failed>(state_); }

  // Established only. nullopt: the server takes no more streams on this connection.
  std::optional<Stream> send(const http::Request& request);
  std::optional<Stream> post_json(std::string_view path, std::string_view json);
  std::optional<Stream> open_map(const control::MapRequest& request);
  // No event follows for a cancelled stream.
  void cancel(Stream stream);

  void ping();
  std::uint64_t pongs() const;

 private:
  struct AskingKey {
    http::ResponseParser parser;
  };
  struct Upgrading {
    std::unique_ptr<noise::ControlClient> handshake;
    http::ResponseParser parser;
  };
  struct Handshaking {
    std::unique_ptr<noise::ControlClient> handshake;
    Buffer received;
  };
  struct Open {
    control::RecordSealer seal;
    control::RecordOpener open;
    control::EarlyPayloadSplitter early;
    http::H2Session h2;
  };
  struct Failed {};
  //   AskingKey --key--> Upgrading --101--> Handshaking --response--> Open;  any --> Failed

  struct Exchange {  // one stream, until its end
    http::Response response;
    std::optional<control::MapFrameDecoder> map;
    bool head_seen = false;
  };

  void ask_for_key();
  void upgrade(const MachinePublicKey& server);
  void on_key_answer(Bytes bytes);
  void on_upgrade_answer(Bytes bytes);
  void on_handshake_bytes(Bytes bytes);
  void on_records(Bytes bytes);
  void on_http2(http::H2Event event);
  void on_body(Stream stream, const Buffer& bytes);
  void read_map_frames(Stream stream, Exchange& exchange);
  void on_stream_end(Stream stream, std::uint32_t error);
  void pump();  // HTTP/2 output into records, its events into ours, until both are dry
  void drop(Stream stream);
  void fail(std::string reason, bool key_refused = false);
  std::optional<Stream> start(const http::Request& request, Exchange exchange);

  Options options_;
  Rng& rng_;
  std::variant<AskingKey, Upgrading, Handshaking, Open, Failed> state_;
  std::map<Stream, Exchange> exchanges_;
  Buffer output_;
  std::vector<SessionEvent> events_;
};

}  // namespace aya::coord
