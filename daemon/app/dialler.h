// Connects to nodes of the network, and to what lies behind their routes, for clients of the local
// interface (interfaces 4.2, dial). Whatever lies elsewhere is only looked up: the client connects
// to it with rights of its own. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/localapi/local_host.h"
#include "daemon/netmap/netmap.h"
#include "daemon/routing/routing.h"
#include "proto/io/name_lookup.h"
#include "proto/io/tcp_stream.h"

namespace aya::app {

class Dialler {
 public:
  // As they are at the moment; either may be null.
  struct Network {
    const netmap::Netmap* map = nullptr;
    const routing::Decision* routing = nullptr;
  };
  using Look = std::function<Network()>;
  // The stream is there where the outcome is Connected. Called from the loop.
  using Done = std::function<void(
      localapi::ExchangeId, const localapi::DialOutcome&, std::unique_ptr<io::ByteStream>)>;

  Dialler(io::Loop& loop, Look look, Done done);
  ~Dialler();

  void dial(localapi::ExchangeId exchange, const localapi::DialRequest& request);

 private:
  struct Attempt {
    localapi::DialRequest request;
    std::unique_ptr<io::NameLookup> lookup;
    std::unique_ptr<io::TcpConnect> connect;
  };

  void on_addresses(localapi::ExchangeId exchange, std::vector<IpAddress> addresses);
  void on_connected(localapi::ExchangeId exchange, Result<io::Connected, io::IoError> outcome);
  void finish(
      localapi::ExchangeId exchange, const localapi::DialOutcome& outcome,
      std::unique_ptr<io::ByteStream> stream = nullptr);

  io::Loop& loop_;
  Look look_;
  Done done_;
  std::map<localapi::ExchangeId, Attempt> attempts_;
};

// The addresses of the node that `name` means: its whole name, or the first label of it, in any
// case. Empty: none does.
std::vector<IpAddress> addresses_of_name(const netmap::Netmap& map, std::string_view name);

// Whether packets to it go to a node of the network. What only an exit node would carry does not.
bool lies_in_network(const Dialler::Network& network, const IpAddress& address);

}  // namespace aya::app
