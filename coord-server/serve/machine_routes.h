// What a machine may ask over its Noise connection (control 4.2 - 4.4). Every question carries the
// machine key that the connection has proven; node keys in bodies are claims to be checked.
//
// Pure: a request and its time in, an answer out. A long poll is answered by opening a map stream
// under the number the caller gave; its messages come out of MapStreams.
#pragma once

#include "coord-server/enroll/enrollment.h"
#include "coord-server/issuer/issuer.h"
#include "coord-server/mapper/map_streams.h"
#include "coord-server/serve/flow_reports.h"
#include "coord-server/serve/node_calls.h"
#include "coord-server/serve/registrations.h"
#include "coord-server/ssh_check/ssh_checks.h"
#include "proto/control/map_request.h"
#include "proto/control/register.h"
#include "proto/http/message.h"

namespace aya::serve {

struct MachineAnswer {
  http::Response response;
  // The response is a stream without an end: send its head, then what MapStreams says.
  bool streaming = false;
  // There is no response yet: it comes out of Coordinator::advance(), under the number given.
  bool waiting = false;
};

class MachineRoutes {
 public:
  // All outlive this.
  MachineRoutes(
      nodes::Registry& registry, enroll::Enrollment& enrollment, enroll::Logins& logins,
      ssh_check::SshChecks& checks, issuer::Issuer& issuer, nodes::Presence& presence,
      mapper::MapStreams& streams, NodeCalls& calls, FlowReports& flow_reports)
      : registry_(registry),
        enrollment_(enrollment),
        logins_(logins),
        checks_(checks),
        issuer_(issuer),
        presence_(presence),
        streams_(streams),
        calls_(calls),
        flow_reports_(flow_reports) {}

  // `fresh` is a number no request has had, for one that stays open to be known under.
  MachineAnswer answer(
      const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
      TimePoint now, WallTime wall, mapper::MapStreams::Effects& out);

  // One that waited for a person has been answered.
  void note_late(const control::RegisterResponse& response) {
    registrations_.count("web", end_of(response));
  }
  const Registrations& registrations() const { return registrations_; }

 private:
  static std::string_view end_of(const control::RegisterResponse& response);
  MachineAnswer on_register(
      const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
      TimePoint now, WallTime wall);
  MachineAnswer on_ssh(
      const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
      WallTime wall);
  MachineAnswer on_map(
      const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
      TimePoint now, WallTime wall, mapper::MapStreams::Effects& out);
  // Takes what the request says about its node. nullopt: done; otherwise what went wrong.
  std::optional<http::Response> take_update(
      const nodes::Node& node, const control::MapRequest& request, WallTime wall);

  nodes::Registry& registry_;
  enroll::Enrollment& enrollment_;
  enroll::Logins& logins_;
  ssh_check::SshChecks& checks_;
  issuer::Issuer& issuer_;
  nodes::Presence& presence_;
  mapper::MapStreams& streams_;
  NodeCalls& calls_;
  FlowReports& flow_reports_;
  Registrations registrations_;
};

}  // namespace aya::serve
