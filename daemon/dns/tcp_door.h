// TcpDoor leads TCP connections of the host to a service address to a listening socket of ours on
// the node's own overlay address, and the kernel's answers back, by rewriting packets. The kernel
// keeps both ends' TCP that way and there is no stack of our own.
//
//   host  own:p  -> service:53     becomes   service:p  -> own:door      and goes back to the host
//   host  own:door -> service:p    becomes   service:53 -> own:p         likewise
//
// Addresses swap places, which leaves every checksum as it was; one port changes, which the TCP
// checksum follows. It needs no memory of connections: only packets whose source is the
// listener's own address go through. Everything else, and port 53 while nobody listens, stays shut.
#pragma once

#include <optional>
#include <vector>

#include "daemon/filter/packet_view.h"

namespace aya::dns {

class TcpDoor {
 public:
  // Where we listen: at most one socket of each family, on own overlay addresses.
  void set_listeners(std::vector<Endpoint> listeners) { listeners_ = std::move(listeners); }

  // `packet` of the host to a service address, `view` of the same bytes. True: it was rewritten and
  // is to be given to the host. False: untouched.
  bool pass(MutableBytes packet, const filter::PacketView& view) const;

 private:
  std::vector<Endpoint> listeners_;
};

}  // namespace aya::dns
