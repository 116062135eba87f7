// The text that `wg` speaks with a userspace WireGuard (https://www.wireguard.com/xplatform/):
// lines "key=value", a request ends with an empty line. Pure; parsing and printing only.
//
//   get=1                          set=1
//                                  private_key=…
//   private_key=…                  replace_peers=true
//   listen_port=51820              public_key=…        begins a peer
//   …                              allowed_ip=10.0.0.0/8
//   errno=0                        errno=0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/keys/private_key.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"

namespace aya::plain {

struct AllowedIpEdit {
  Prefix prefix;
  bool remove = false;  // written "-10.0.0.0/8"

  friend bool operator==(const AllowedIpEdit&, const AllowedIpEdit&) = default;
};

struct PeerEdit {
  NodePublicKey public_key;
  bool remove = false;
  bool update_only = false;                    // do nothing if there is no such peer
  std::optional<crypto::Key32> preshared_key;  // zero: none
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> keepalive_seconds;  // 0: off
  bool replace_allowed_ips = false;
  std::vector<AllowedIpEdit> allowed_ips;
};

struct DeviceEdit {
  std::optional<NodePrivateKey> private_key;  // zero: none
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> fwmark;  // 0: none
  bool replace_peers = false;
  std::vector<PeerEdit> peers;
};

struct PeerView {
  NodePublicKey public_key;
  crypto::Key32 preshared_key;
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;
  std::uint64_t tx_bytes = 0, rx_bytes = 0;
  std::uint16_t keepalive_seconds = 0;
  std::vector<Prefix> allowed_ips;
};

struct DeviceView {
  std::optional<NodePrivateKey> private_key;
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::vector<PeerView> peers;
};

enum class Operation { Get, Set };
// By the first line; nullopt: neither.
std::optional<Operation> operation_of(std::string_view request);

// The lines behind "set=1". The error is an errno value: EINVAL for a bad value, EPROTO for a line
// that is no line or a peer's field outside a peer.
Result<DeviceEdit, int> parse_set(std::string_view request);

std::string print(const DeviceView& device);  // without the closing errno line
std::string print_errno(int error);           // "errno=0\n\n"

}  // namespace aya::plain
