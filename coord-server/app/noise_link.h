// One machine's control connection after its upgrade (control 3, 4.1): Noise records carry HTTP/2,
// whose requests the coordinator answers and whose long polls it feeds.
//
// A machine that reads slowly costs a bounded amount: at most one high-water mark of bytes in the
// stream and, per long poll, one queue in the HTTP/2 session; beyond that its polls are marked
// blocked and get a combined difference later.
#pragma once

#include <functional>

#include "coord-server/app/desk.h"
#include "proto/control/noise_frame.h"
#include "proto/http/h2_session.h"
#include "proto/io/byte_stream.h"
#include "proto/noise/control_handshake.h"

namespace aya::coord {

class NoiseLink final : private io::ByteStream::Handler, private MapReader {
 public:
  // The connection is over: destroy the link, from within the call if you like.
  using Done = std::function<void(NoiseLink&)>;

  // `stream` has been upgraded; the answer to the upgrade, `switching`, is sent together with what
  // the handshake has to say. `core` outlives this.
  NoiseLink(
      std::unique_ptr<io::ByteStream> stream, const noise::ControlServerSession& session,
      Buffer switching, Rng& rng, Desk& core, Done done);
  ~NoiseLink() override;

  // Once, after construction: reads `leftover`, then the stream. May call `done`.
  void begin(Bytes leftover);

 private:
  struct Poll {  // or a request that waits for its answer
    mapper::StreamId map;
    http::H2Stream stream;
    bool blocked = false;
  };

  void on_bytes(Bytes bytes) override;
  void on_closed(const io::IoError& why) override;
  void on_drained() override;
  void on_map_frame(mapper::StreamId map, Bytes frame) override;
  void on_map_end(mapper::StreamId map) override;
  void on_answer(mapper::StreamId waiting, const http::Response& response) override;

  void pump();
  void handle_events();
  void answer(http::H2Stream stream, const http::Request& request);
  void forget(http::H2Stream stream);
  bool send_waiting();
  void unblock();
  Poll* find(mapper::StreamId map);

  std::unique_ptr<io::ByteStream> stream_;
  MachinePublicKey machine_;
  control::RecordOpener opener_;
  control::RecordSealer sealer_;
  http::H2Session h2_;
  Desk& core_;
  Done done_;
  std::vector<Poll> polls_;
  bool exhausted_ = false;  // the record counter; never seen in a lifetime
};

}  // namespace aya::coord
