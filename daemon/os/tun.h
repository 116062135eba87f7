// Tun is the virtual interface through which the host sends into the overlay (dataplane 2.4, 2.8).
//
// Packets are whole IP packets, IPv4 or IPv6. read() and write() never block: the owner waits until
// poll_fd() is readable. Nothing allocates after open(). The interface, its addresses and its
// routes vanish with the object, also when the process is killed.
//
// One thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/packet/packet_pool.h"

namespace aya::os {

struct TunConfig {
  std::string name = "ayatori0";  // at most 15 bytes; a "%d" in it lets the kernel number it
  unsigned mtu = 1280;            // bytes of an inner packet (dataplane 2.7)
};

class Tun {
 public:
  // Needs CAP_NET_ADMIN, or a device made before for our user. The error says what is missing.
  static Result<std::unique_ptr<Tun>, OsError> open(const TunConfig& wanted);
  virtual ~Tun() = default;

  // Fills packets from the front of `batch` (each must have room for one MTU; an empty one is first
  // taken from `pool`) and says how many; 0 when nothing waits.
  virtual Result<std::size_t, OsError> read(std::span<Packet> batch, PacketPool& pool) = 0;

  // Hands packets to the host. Those it does not take (not IP, queue full) are dropped and counted.
  virtual Result<void, OsError> write(std::span<const Packet> batch) = 0;

  virtual const std::string& name() const = 0;  // as the kernel gave it
  virtual unsigned index() const = 0;           // interface index
  virtual unsigned mtu() const = 0;
  virtual int poll_fd() const = 0;

  struct Counters {
    std::uint64_t read = 0, written = 0, refused_by_host = 0;
  };
  virtual Counters counters() const = 0;
};

}  // namespace aya::os
