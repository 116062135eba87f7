// One live connection to a relay: dials the nodes of its region in their order, asks for the
// upgrade and pumps a DerpSession over the stream (nat-traversal 3.2 - 3.4). It decides nothing
// else; which regions to be connected to is home_region's, and relay_links joins the two.
//
// Lives on the loop's thread. After Events::on_lost the link is dead: destroy it, from within the
// call if you like.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/relay/derp_session.h"
#include "proto/control/derp_map.h"
#include "proto/io/dial.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"
#include "proto/tls/tls_context.h"

namespace aya::relay {

// The kinds of trust a map's nodes ask for, each context made once (nat-traversal 3.1, CertName).
class RelayTrust {
 public:
  // `roots` verifies ordinary certificates; it outlives this.
  explicit RelayTrust(tls::TlsClientContext& roots) : roots_(roots) {}
  tls::TlsClientContext& context_for(const control::DerpNode& node);

 private:
  tls::TlsClientContext& roots_;
  std::map<tls::Sha256, std::unique_ptr<tls::TlsClientContext>> pinned_;
  std::unique_ptr<tls::TlsClientContext> insecure_;
};

// How to reach a node of the map over TLS: literal addresses, port, name and trust.
io::DialTarget dial_target(const control::DerpNode& node, RelayTrust& trust, std::uint32_t mark);

class DerpLink {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_ready(RegionId region) = 0;
    virtual void on_packet(RegionId region, const NodePublicKey& from, Packet packet) = 0;
    virtual void on_gone(RegionId region, const NodePublicKey& peer) = 0;
    virtual void on_heard(RegionId region) = 0;                               // any frame
    virtual void on_wrote(RegionId region) = 0;                               // a packet left
    virtual void on_health(RegionId region, const std::string& problem) = 0;  // empty: healthy
    // `wait`: the relay asked to come back after this long.
    virtual void on_lost(RegionId region, std::optional<Duration> wait, const std::string& why) = 0;
  };

  struct Options {
    NodePrivateKey self;
    control::DerpRegion region;
    std::uint32_t mark = 0;
  };

  // References outlive the link.
  DerpLink(
      io::Loop& loop, Options options, RelayTrust& trust, Rng& rng, PacketPool& pool, Logger& log,
      Events& events);
  ~DerpLink();
  DerpLink(const DerpLink&) = delete;
  DerpLink& operator=(const DerpLink&) = delete;

  void send(const NodePublicKey& to, Packet packet);
  void note_preferred(bool home);
  void probe();  // after a link change: a sign of life within seconds, or lost

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::relay
