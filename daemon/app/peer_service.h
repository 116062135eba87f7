// What this node offers its peers by PeerAPI, given the map and the settings. Lives on the loop's
// thread.
#pragma once

#include "daemon/app/name_service.h"
#include "daemon/netmap/fold.h"
#include "daemon/peerapi/peer_api_link.h"
#include "proto/local/prefs.h"

namespace aya::app {

class PeerService final : public peerapi::PeerApiLink::Owner {
 public:
  // References outlive the object.
  PeerService(io::Loop& loop, NameService& names, dataplane::Dataplane& plane);

  // True: services() are others than before. `state` outlives the object or the next call. With
  // shields up nothing is offered.
  bool apply(const netmap::State& state, const local::Prefs& prefs);

  // For Hostinfo: where peers find it, and that names are answered for those we are the exit of.
  std::vector<control::Service> services() const;

 private:
  using Reply = peerapi::PeerApiLink::Reply;

  std::optional<peerapi::Caller> who_is(const IpAddress& address) override;
  std::vector<std::string> filtered_names() override;
  void resolve(Bytes query, Reply reply) override;
  bool may_resolve(const control::Node& peer, const IpAddress& address) const;

  io::Loop& loop_;
  NameService& names_;
  dataplane::Dataplane& plane_;
  peerapi::PeerApiLink link_;
  const netmap::State* state_ = nullptr;
  bool offers_exit_ = false;
};

}  // namespace aya::app
