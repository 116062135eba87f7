// The node's connection to its coordination server: streams, TLS and timers for Coord, which
// decides everything else. Lives on the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/coord/coord.h"
#include "proto/io/dial.h"
#include "proto/io/http_client.h"
#include "proto/io/timer.h"
#include "proto/tls/tls_context.h"

namespace aya::coord {

class CoordLink {
 public:
  // What the daemon is told. Calls come from the loop, one after the other, never from within a
  // call of the owner; none may destroy the link.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_identity_changed() = 0;  // store identity() before anything else
    virtual void on_server_key(const MachinePublicKey& key) = 0;
    virtual void on_netmap(const netmap::NetmapDelta& delta) = 0;  // netmap_state() is new
    virtual void on_logged_in(const control::User& user, const control::Login& login) = 0;
    virtual void on_logged_out() = 0;
    virtual void on_phase_changed() = 0;                   // phase(), auth_url() or in_poll()
    virtual void on_problem(const std::string& text) = 0;  // for a person; with what to do about it
    virtual void on_open_url(const std::string& url) = 0;
    // The server wants to know something about this node. Answered at once.
    virtual http::Response on_question(const http::Request& question) = 0;
    // To send_flow_report().
    virtual void on_flow_report_answer(const FlowReportAnswer& answer) = 0;
  };

  struct Config {
    std::string url;              // http:// or https://
    std::string certificate_pin;  // "sha256-raw:<64 hex>", or empty for the usual roots
    MachinePrivateKey machine_key;
    Identity identity;
    std::optional<MachinePublicKey> server_key;  // as it was proven earlier
    std::uint32_t mark = 0;                      // of its sockets
  };
  struct Parts {
    io::Loop& loop;
    Rng& rng;
    tls::TlsClientContext& roots;
  };

  // The error is one line for a person.
  static Result<std::unique_ptr<CoordLink>, std::string> open(
      const Parts& parts, Config config, Owner& owner);
  ~CoordLink();

  void set_host(const HostState& host);
  void login(const LoginWish& wish);
  void logout();
  void network_changed();
  bool send_flow_report(control::FlowReport report);  // as Coord has it

  Phase phase() const { return coord_.phase(); }
  bool in_poll() const { return coord_.in_poll(); }
  const std::string& auth_url() const { return coord_.auth_url(); }
  const Identity& identity() const { return coord_.identity(); }
  const netmap::State& netmap_state() const { return coord_.state(); }

 private:
  class Stream;  // one LinkId: being dialled, or connected

  CoordLink(
      const Parts& parts, const http::Url& server, std::optional<tls::Sha256> pin, Config config,
      Owner& owner);

  Moment now() const { return {loop_.now(), loop_.wall_now()}; }
  void open_stream(LinkId link, const DialAttempt& to);
  void on_dialled(LinkId link, const Endpoint& remote);
  void on_dial_failed(LinkId link, bool by_known_address, const io::IoError& why);
  void on_bytes(LinkId link, Bytes bytes);
  void on_closed(LinkId link, const io::IoError& why);
  void carry_out();
  void tell_owner();
  std::string advice(const io::IoError& why) const;

  io::Loop& loop_;
  Owner& owner_;
  std::uint32_t mark_;
  tls::TlsClientContext& roots_;
  std::unique_ptr<tls::TlsClientContext> pinned_;
  std::unique_ptr<tls::TlsClientContext> unverified_;  // made when first needed
  Coord coord_;
  Effects effects_;
  std::vector<Effects> untold_;  // for the owner, from the loop
  std::map<LinkId, std::unique_ptr<Stream>> streams_;
  // Where the server answered last, and whether to try there next instead of asking for its name:
  // names may be unknowable without it, as while an exit node is chosen that is not there.
  std::optional<IpAddress> known_address_;
  bool try_known_address_ = false;
  std::vector<std::unique_ptr<io::HttpClient>> heads_;
  io::Timer timer_;
  io::Timer tell_timer_;
};

}  // namespace aya::coord
