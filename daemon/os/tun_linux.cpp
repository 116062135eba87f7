#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/os/netlink.h"
#include "daemon/os/tun.h"

namespace aya::os {
namespace {

constexpr std::uint32_t kQueueLength = 500;
constexpr std::uint8_t kAddrGenModeNone = 1;  // no link-local address, hence no noise from it

std::string advice_for(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "run ayatorid as root or with the capability CAP_NET_ADMIN";
    case ENOENT:
    case ENODEV:
      return "load the kernel's tun module (modprobe tun); in a container pass the device "
             "/dev/net/tun through";
    case EBUSY:
      return "another program has an interface of this name: stop it, or choose another with --tun";
    case EINVAL:
      return "an interface of another kind has this name, or the kernel does not take it as one: "
             "choose another with --tun";
    default:
      return {};
  }
}

class TunLinux final : public Tun {
 public:
  TunLinux(OwnedFd fd, std::string name, unsigned index, unsigned mtu)
      : fd_(std::move(fd)), name_(std::move(name)), index_(index), mtu_(mtu) {}

  Result<std::size_t, OsError> read(std::span<Packet> batch, PacketPool& pool) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!batch[i]) batch[i] = pool.take();
      const MutableBytes room = batch[i].writable();
      const std::size_t size = std::min(room.size(), pool.max_data());
      const ssize_t got = ::read(fd_.get(), room.data(), size);
      if (got < 0) {
        if (errno == EINTR) {
          --i;
          continue;
        }
        // EIO: the interface is down, which is nobody's fault.
        if (errno == EAGAIN || errno == EIO) return i;
        return last_error("read from " + name_);
      }
      batch[i].resize(static_cast<std::size_t>(got));
      ++counters_.read;
    }
    return batch.size();
  }

  Result<void, OsError> write(std::span<const Packet> batch) override {
    for (const Packet& packet : batch) {
      const ssize_t put = ::write(fd_.get(), packet.bytes().data(), packet.size());
      if (put >= 0) {
        ++counters_.written;
        continue;
      }
      ++counters_.refused_by_host;
      const bool ordinary =
          errno == EIO || errno == EINVAL || errno == EAGAIN || errno == ENOBUFS || errno == EINTR;
      if (!ordinary) return last_error("write to " + name_);
    }
    return {};
  }

  const std::string& name() const override { return name_; }
  unsigned index() const override { return index_; }
  unsigned mtu() const override { return mtu_; }
  int poll_fd() const override { return fd_.get(); }
  Counters counters() const override { return counters_; }

 private:
  OwnedFd fd_;
  std::string name_;
  unsigned index_;
  unsigned mtu_;
  Counters counters_;
};

Result<unsigned, OsError> index_of(const OwnedFd& control, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(control.get(), SIOCGIFINDEX, &request) != 0) {
    return last_error("find the interface " + name);
  }
  return static_cast<unsigned>(request.ifr_ifindex);
}

// MTU and queue in one request; the address mode in another, as kernels without IPv6 refuse it.
Result<void, OsError> set_link(unsigned index, const TunConfig& wanted) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(index);
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK, body);
  message.add_u32(IFLA_MTU, wanted.mtu).add_u32(IFLA_TXQLEN, kQueueLength);
  if (auto done = netlink->request(std::move(message), "set the MTU of " + wanted.name); !done) {
    return done.error();
  }
  Buffer mode;
  const rtattr mode_header{static_cast<unsigned short>(RTA_LENGTH(1)), IFLA_INET6_ADDR_GEN_MODE};
  append(mode, {reinterpret_cast<const std::byte*>(&mode_header), sizeof mode_header});
  mode.push_back(std::byte{kAddrGenModeNone});
  mode.resize(RTA_ALIGN(mode.size()));
  Buffer family;
  const rtattr family_header{static_cast<unsigned short>(RTA_LENGTH(mode.size())), AF_INET6};
  append(family, {reinterpret_cast<const std::byte*>(&family_header), sizeof family_header});
  append(family, mode);
  NetlinkMessage quiet(RTM_NEWLINK, NLM_F_ACK, body);
  quiet.add(IFLA_AF_SPEC, family);
  (void)netlink->request(std::move(quiet), "quieten " + wanted.name);  // only noise if it fails
  return {};
}

}  // namespace

Result<std::unique_ptr<Tun>, OsError> Tun::open(const TunConfig& wanted) {
  OwnedFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return last_error("cannot open /dev/net/tun", advice_for(errno));
  ifreq request{};
  wanted.name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return last_error("cannot make the interface " + wanted.name, advice_for(errno));
  }
  const std::string name = request.ifr_name;
  const OwnedFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control) return last_error("open a socket");
  const auto index = index_of(control, name);
  if (!index) return index.error();
  if (auto set = set_link(*index, {name, wanted.mtu}); !set) return set.error();
  return std::unique_ptr<Tun>(std::make_unique<TunLinux>(std::move(fd), name, *index, wanted.mtu));
}

}  // namespace aya::os
