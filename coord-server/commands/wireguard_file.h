// The file that companies give their customers, and that wg-quick reads: [Interface] is the
// customer, [Peer] the server. Pure.
//
// The file's private key is good for nothing here, as nodes keep to their own: it only shows
// whether the company was given a node's key. It does not leave this program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/keys/private_key.h"
#include "proto/netaddr/prefix.h"

namespace aya::coord {

struct WireguardFile {
  std::optional<NodePrivateKey> own_key;  // absent, too, where something else stands in its place
  std::vector<IpAddress> own_addresses;   // of the customer
  std::vector<IpAddress> resolvers;
  NodePublicKey peer;
  std::string endpoint;  // "host:port", as written
  std::vector<Prefix> allowed_ips;
};

// The error is a sentence that names the line.
Result<WireguardFile, std::string> parse_wireguard_file(std::string_view text);

// Words between commas, without blanks around them.
std::vector<std::string> comma_list(std::string_view text);

}  // namespace aya::coord
