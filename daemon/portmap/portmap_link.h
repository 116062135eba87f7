// Runs a PortMapper: a socket towards the gateway, outside the tunnel, and the way to UPnP.
// Whatever fails is quiet: a mapping is a help where there is one. Lives on the loop's thread.
#pragma once

#include <memory>
#include <optional>

#include "daemon/portmap/port_mapper.h"
#include "daemon/portmap/upnp_link.h"
#include "proto/io/timer.h"
#include "proto/io/udp_socket.h"
#include "proto/log/logger.h"

namespace aya::portmap {

class PortmapLink final : public io::UdpSocket::Handler {
 public:
  // Calls may come from within the link's own functions.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_port_mapping_changed() = 0;
    virtual void on_port_services_known() = 0;  // the end of a probe
  };

  struct Parts {
    io::Loop& loop;
    Rng& rng;
    PacketPool& pool;
    Logger& log;
    UpnpLink& upnp;
    std::uint32_t mark = 0;  // of the socket's packets
  };

  PortmapLink(const Parts& parts, Owner& owner);
  ~PortmapLink() override;  // gives the mapping back

  void set_network(const std::optional<PortMapper::Network>& network);
  void set_local_port(std::uint16_t port);
  void want();   // cheap, to be called often
  void probe();  // for a network check
  bool probing() const { return probing_; }

  std::optional<Endpoint> external() const { return mapper_.external(loop_.now()); }
  // Of the socket that asks the gateway; nullopt: there is none.
  std::optional<std::uint16_t> socket_port() const;
  // What the gateway speaks; nullopt: not known, or there is no gateway that could map.
  std::optional<PortMapper::Services> services() const;

 private:
  void on_datagrams(std::span<io::UdpReceived> batch) override;
  void on_broken(const io::IoError& why) override;

  void open_socket();
  void carry_out();
  void send(const PortMapper::Datagram& datagram);
  void ask_upnp(UpnpTask task);
  void tell_of_change();

  io::Loop& loop_;
  PacketPool& pool_;
  Logger& log_;
  UpnpLink& upnp_;
  Owner& owner_;
  const std::uint32_t mark_;
  PortMapper mapper_;
  PortMapper::Effects effects_;
  std::optional<PortMapper::Network> network_;
  std::unique_ptr<io::UdpSocket> socket_;
  bool probing_ = false;
  bool probed_ = false;  // on this network
  bool carrying_out_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells answers that this is gone
  io::Timer timer_;
};

}  // namespace aya::portmap
