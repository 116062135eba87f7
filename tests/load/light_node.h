// A node that speaks the whole machine protocol to a real server - TCP, TLS, Noise, HTTP/2,
// register and map - and has nothing behind it: no tunnel, no netmap, no retries. Hundreds of them
// fit into one process and one thread, as load for a coordinator or as an audience for changes.
//
//   LightNode node(swarm, {.host_name = "n1", .auth_key = key}, owner);
//   node.connect();                    ... owner.on_map(node, message) for every message of the map
//   node.announce(endpoints);          a lite update, over the same connection
//   node.drop();  node.connect();      as a laptop that was closed: same keys, a new connection
//
// What a message means is the owner's business: with N nodes in one process, a map in each would be
// N * N peers.
#pragma once

#include <memory>

#include "daemon/coord/coord_session.h"
#include "proto/control/register.h"
#include "proto/io/dial.h"

namespace aya::load {

// What all nodes of a process share.
struct Swarm {
  Swarm(io::Loop& loop_, Rng& rng_, std::string host_, std::uint16_t port_, bool tls_)
      : loop(loop_), rng(rng_), host(std::move(host_)), port(port_) {
    // The server proves itself inside, by its Noise key.
    if (tls_) tls = std::make_unique<tls::TlsClientContext>(tls::TlsTrust::insecure());
  }

  io::Loop& loop;
  Rng& rng;
  std::string host;  // of the server
  std::uint16_t port;
  std::unique_ptr<tls::TlsClientContext> tls;
  std::optional<MachinePublicKey> server_key;  // learned by the first node that connects
};

class LightNode {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_registered(LightNode&, const control::RegisterResponse&) {}
    virtual void on_map(LightNode&, const control::MapResponse& /*message*/) {}
    virtual void on_map_text(LightNode&, std::string_view /*json*/) {}  // with Options::as_text
    // The connection or the map stream is over; nothing is tried by itself.
    virtual void on_ended(LightNode&, const std::string& /*why*/) {}
  };

  struct Options {
    std::string host_name;
    std::string auth_key;  // of the first registration
    RegionId home_region = 900;
    int version = 116;  // of the capabilities it claims to have
    std::string compress = "zstd";
    bool as_text = false;   // messages are not decoded: of N nodes each is told of N others
    std::size_t index = 0;  // for the owner
  };

  // All outlive the node.
  LightNode(Swarm& swarm, Options options, Owner& owner);
  ~LightNode();
  LightNode(const LightNode&) = delete;
  LightNode& operator=(const LightNode&) = delete;

  // Dials, registers if it never did, and asks for the map.
  void connect();
  void drop();
  // Nothing is said until there is a connection.
  void announce(const std::vector<Endpoint>& endpoints);

  const Options& options() const { return options_; }
  std::size_t index() const { return options_.index; }
  const NodePublicKey& key() const { return key_; }
  bool is_in_poll() const { return map_.has_value() && session_ && session_->established(); }

 private:
  class Wire;  // the stream underneath
  void on_dialled(Result<io::Dialled, io::IoError> dialled);
  void on_bytes(Bytes bytes);
  void end(const std::string& why);
  void carry_on();
  void act(coord::SessionEvent& event);
  void on_answer(const coord::Answered& answer);
  void ask_to_register();
  void ask_for_map();
  control::MapRequest map_request() const;

  Swarm& swarm_;
  Options options_;
  Owner& owner_;
  MachinePrivateKey machine_;
  NodePublicKey key_;
  DiscoPublicKey disco_;
  std::vector<Endpoint> endpoints_;
  bool registered_ = false;
  std::unique_ptr<io::Dial> dial_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<coord::CoordSession> session_;
  std::optional<coord::Stream> registration_, map_;
};

}  // namespace aya::load
