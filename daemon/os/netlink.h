// rtnetlink as this room needs it: messages built and read in memory, one socket that asks the
// kernel and waits for its answer. Private to daemon/os.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/os/os_error.h"
#include "daemon/os/owned_fd.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/netaddr/prefix.h"

namespace aya::os {

// One request, grown attribute by attribute.
class NetlinkMessage {
 public:
  template <class Body>
  NetlinkMessage(std::uint16_t type, std::uint16_t flags, const Body& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    put(&header, sizeof header);
    put(&body, sizeof body);
  }

  NetlinkMessage& add(std::uint16_t attribute, Bytes value);
  NetlinkMessage& add_u32(std::uint16_t attribute, std::uint32_t value);
  NetlinkMessage& add_u8(std::uint16_t attribute, std::uint8_t value);
  NetlinkMessage& add(std::uint16_t attribute, const IpAddress& address) {
    return add(attribute, address.bytes());
  }

  // With length and sequence number filled in.
  Bytes finish(std::uint32_t sequence);

 private:
  void put(const void* data, std::size_t size);
  void align();

  Buffer bytes_;
};

// One message received; borrows.
class NetlinkView {
 public:
  explicit NetlinkView(Bytes message) : message_(message) {}

  std::uint16_t type() const { return header().nlmsg_type; }
  nlmsghdr header() const;
  // The fixed part behind the header; zeros where the message is too short.
  template <class Body>
  Body body() const {
    Body out{};
    const Bytes rest = message_.subspan(sizeof(nlmsghdr));
    if (rest.size() >= sizeof out) std::memcpy(&out, rest.data(), sizeof out);
    return out;
  }
  // The value of an attribute behind a fixed part of that size; empty if there is none.
  Bytes attribute(std::size_t body_size, std::uint16_t wanted) const;

 private:
  Bytes message_;
};

// Calls `each` for every whole message in a datagram; stops at a malformed one.
void for_each_message(Bytes datagram, const std::function<void(const NetlinkView&)>& each);

class NetlinkSocket {
 public:
  static constexpr std::size_t kInFlight = 256;

  static Result<NetlinkSocket, OsError> open();

  // Events that our own requests cause name it as their sender (nlmsg_pid).
  std::uint32_t port() const { return port_; }

  // Waits for the kernel's word. `doing` names the step in errors.
  Result<void, OsError> request(NetlinkMessage message, const std::string& doing);
  // Many requests in order, up to kInFlight of them before the first answer is read. Their errnos,
  // 0 for success, in the same order. An error of the whole: answers were lost, and what stands in
  // the kernel has to be read again. Messages carry NLM_F_ACK.
  Result<std::vector<int>, OsError> request_all(std::vector<NetlinkMessage> messages);
  // Every entry of a dump.
  Result<void, OsError> dump(
      NetlinkMessage message, const std::string& doing,
      const std::function<void(const NetlinkView&)>& each);

 private:
  NetlinkSocket(OwnedFd fd, std::uint32_t port) : fd_(std::move(fd)), port_(port) {}
  Result<void, OsError> exchange(
      NetlinkMessage message, const std::string& doing,
      const std::function<void(const NetlinkView&)>& each);

  OwnedFd fd_;
  std::uint32_t port_;
  std::uint32_t sequence_ = 0;
};

// Hears of changes in groups of RTNLGRP_*. Where the host has none of that to give (gVisor, seccomp
// profiles of containers), it says every 10 s that some may have been missed. Nonblocking.
class NetlinkEvents {
 public:
  static constexpr Duration kPollEvery = 10s;

  static Result<NetlinkEvents, OsError> open(std::span<const int> groups, const std::string& doing);

  int fd() const { return fd_.get(); }  // readable: call drain()
  bool polls() const { return polls_; }

  // Reads all that waits, calling `each` per message. False: some were lost, and the caller has to
  // look for itself; the receive buffer has grown then.
  bool drain(const std::function<void(const NetlinkView&)>& each);

 private:
  NetlinkEvents(OwnedFd fd, bool polls) : fd_(std::move(fd)), polls_(polls) {}

  OwnedFd fd_;  // a netlink socket, or a timer where it polls
  bool polls_;
};

std::optional<std::uint32_t> read_u32(Bytes value);
// An attribute that is a name.
std::string read_name(Bytes value);

// An address attribute as our type; nullopt for another family or length.
std::optional<IpAddress> read_address(std::uint8_t family, Bytes value);
std::uint8_t family_of(const IpAddress& address);

}  // namespace aya::os
