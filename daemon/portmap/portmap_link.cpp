#include "daemon/portmap/portmap_link.h"

#include <utility>

namespace aya::portmap {
namespace {

constexpr std::size_t kSocketBuffer = 64 * 1024;  // a handful of answers

std::string_view name_of(PortMapper::Protocol protocol) {
  switch (protocol) {
    case PortMapper::Protocol::Pmp:
      return "NAT-PMP";
    case PortMapper::Protocol::Pcp:
      return "PCP";
    case PortMapper::Protocol::Upnp:
      return "UPnP";
  }
  return "";
}

}  // namespace

PortmapLink::PortmapLink(const Parts& parts, Owner& owner)
    : loop_(parts.loop),
      pool_(parts.pool),
      log_(parts.log),
      upnp_(parts.upnp),
      owner_(owner),
      mark_(parts.mark),
      mapper_(parts.rng),
      timer_(parts.loop, [this] {
        mapper_.advance(loop_.now(), effects_);
        carry_out();
      }) {}

PortmapLink::~PortmapLink() {
  PortMapper::Effects last;
  mapper_.release(loop_.now(), last);
  for (const auto& datagram : last.send) send(datagram);
  for (UpnpHold& hold : last.give_back) upnp_.give_back(std::move(hold));
}

void PortmapLink::set_network(const std::optional<PortMapper::Network>& network) {
  if (network == network_) return;
  mapper_.set_network(network, loop_.now(), effects_);
  carry_out();  // through the old socket
  network_ = network;
  probed_ = false;
  open_socket();
}

void PortmapLink::set_local_port(std::uint16_t port) {
  mapper_.set_local_port(port, loop_.now(), effects_);
  carry_out();
}

void PortmapLink::want() {
  mapper_.want(loop_.now(), effects_);
  carry_out();
}

void PortmapLink::probe() {
  probing_ = true;
  mapper_.probe(loop_.now(), effects_);
  carry_out();
}

std::optional<PortMapper::Services> PortmapLink::services() const {
  if (!probed_ || !network_) return std::nullopt;
  PortMapper::Services services = mapper_.services(loop_.now());
  // What grants us a mapping is spoken, however long ago it was heard.
  if (mapper_.mapping()) {
    const PortMapper::Protocol by = mapper_.mapping()->protocol;
    services.pmp |= by == PortMapper::Protocol::Pmp;
    services.pcp |= by == PortMapper::Protocol::Pcp;
    services.upnp |= by == PortMapper::Protocol::Upnp;
  }
  return services;
}

std::optional<std::uint16_t> PortmapLink::socket_port() const {
  if (!socket_) return std::nullopt;
  return socket_->port();
}

void PortmapLink::open_socket() {
  socket_.reset();
  if (!network_) return;
  io::UdpOptions options;
  options.address = network_->self;
  options.socket.mark = mark_;
  options.socket_buffer = kSocketBuffer;
  auto socket = io::UdpSocket::open(loop_, pool_, options, *this);
  if (socket) {
    socket_ = std::move(*socket);
  } else {
    log_.debug("no socket for port mapping", {{"why", socket.error().detail}});
  }
}

void PortmapLink::on_datagrams(std::span<io::UdpReceived> batch) {
  for (const auto& received : batch) {
    mapper_.receive(received.from, received.packet.bytes(), loop_.now(), effects_);
  }
  carry_out();
}

// Until the network changes there is nothing to be had: what cannot be sent is lost.
void PortmapLink::on_broken(const io::IoError& why) {
  log_.debug("the socket for port mapping is broken", {{"why", why.detail}});
}

// The owner's calls may lead back here: what they add is taken by the loop that is already running.
void PortmapLink::carry_out() {
  if (carrying_out_) return;
  carrying_out_ = true;
  bool more = true;
  while (more) {
    PortMapper::Effects effects = std::exchange(effects_, {});
    for (const auto& datagram : effects.send) send(datagram);
    for (UpnpHold& hold : effects.give_back) upnp_.give_back(std::move(hold));
    if (effects.ask_upnp) ask_upnp(*std::move(effects.ask_upnp));
    if (effects.changed) tell_of_change();
    if (effects.probed) {
      probing_ = false;
      probed_ = true;
      owner_.on_port_services_known();
    }
    more = !effects_.send.empty() || !effects_.give_back.empty() || effects_.ask_upnp ||
           effects_.changed || effects_.probed;
  }
  carrying_out_ = false;
  timer_.arm(mapper_.next_deadline());
}

void PortmapLink::send(const PortMapper::Datagram& datagram) {
  if (!socket_) return;
  const io::UdpSend one{datagram.bytes, datagram.to, {}};
  socket_->send({&one, 1});
}

void PortmapLink::ask_upnp(UpnpTask task) {
  const auto done = [this, &upnp = upnp_,
                     alive = std::weak_ptr<int>(alive_)](const UpnpAnswer& answer) {
    if (alive.expired()) {  // nobody wants the mapping any more
      if (answer.granted) upnp.give_back(answer.granted->hold);
      return;
    }
    mapper_.on_upnp(answer, loop_.now(), effects_);
    carry_out();
  };
  upnp_.map(std::move(task), done);
}

void PortmapLink::tell_of_change() {
  if (const auto& mapping = mapper_.mapping()) {
    log_.debug(
        "port mapping", {{"by", name_of(mapping->protocol)},
                         {"external", mapping->external.to_text()},
                         {"second_nat", mapper_.behind_second_nat()}});
  } else {
    log_.debug("port mapping is gone");
  }
  owner_.on_port_mapping_changed();
}

}  // namespace aya::portmap
