// daemon/coord keeps this node joined: it connects to the coordination server, registers, follows
// the map stream, reports changes of its own, and begins again when any of it breaks. The network
// itself is a shell's (coord_link): it opens and closes streams and carries bytes.
//
//   Coord coord(config, rng);
//   coord.set_host(host_state, now, effects);    // what we say about ourselves
//   coord.login({.auth_key = key}, now, effects);
//   ... carry out effects; call on_connected / on_bytes / on_closed / advance with new ones.
//
// Reconnecting goes straight to the map; registration happens at login alone. One connection
// carries everything. At a login it takes, after the transport is up: one round trip for the key
// where it is unknown, one for Noise, one for the registration, one for the first map. Pure; one
// thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coord/backoff.h"
#include "daemon/coord/coord_session.h"
#include "daemon/coord/dial_plan.h"
#include "daemon/coord/login.h"
#include "daemon/netmap/fold.h"
#include "proto/control/flow_report.h"

namespace aya::coord {

inline constexpr Duration kDialTimeout = 10s;     // until Noise is up
inline constexpr Duration kRequestTimeout = 30s;  // register, lite updates; not followups
inline constexpr Duration kMapSilence = 120s;     // control 4.4: the watchdog
inline constexpr Duration kProbeTimeout = 5s;     // for a ping that asks whether anybody is there
inline constexpr Duration kWaitProbe = 60s;  // between such pings, while a person is waited for

using LinkId = StrongId<struct LinkIdTag>;  // one transport connection, attempted or up

struct Moment {
  TimePoint steady;
  WallTime wall;
};

struct CoordConfig {
  http::Url server;
  MachinePrivateKey machine_key;
  Identity identity;
  std::optional<MachinePublicKey> server_key;  // known from earlier; absent: asked for
  bool tls_only = false;
};

// What a node tells about itself. Sent when it changed, newest state only.
struct HostState {
  control::Hostinfo hostinfo;
  DiscoPublicKey disco_key;
  std::vector<Endpoint> endpoints;
  std::vector<control::EndpointType> endpoint_types;
  bool forwarding_off = false;  // it offers routes, and the system forwards nothing
  friend bool operator==(const HostState&, const HostState&) = default;
};

struct LoginWish {
  std::optional<std::string> auth_key;
  bool ephemeral = false;
  bool renew = false;  // a new key although the present one is good, which it is until then
};

enum class Phase {
  Stopped,     // nothing wanted, or no key and nobody logging in
  Connecting,  // under way to the first map
  NeedsLogin,  // the key expired, or registration was refused; or auth_url() waits for a person
               // and there is no good key meanwhile
  NeedsMachineAuth,  // an administrator has to approve this node
  Running,           // a map is there; the stream may be down at the moment, see in_poll()
};

// To send_flow_report().
struct FlowReportAnswer {
  int status = 0;  // 0: there was none
  std::optional<Duration> retry_after;
};

struct Effects {
  struct Open {
    LinkId link;
    DialAttempt to;
  };
  struct Send {
    LinkId link;
    Buffer bytes;
  };
  struct LoggedIn {
    control::User user;
    control::Login login;
  };

  // Transport, in this order: send what is there, then close, then open.
  std::vector<Send> send;
  std::vector<LinkId> close;
  std::vector<Open> open;

  // One per message folded; netmap() is already the last. A peer named may be gone again.
  std::vector<netmap::NetmapDelta> netmap;

  bool identity_changed = false;               // store identity() before anything else is done
  std::optional<MachinePublicKey> server_key;  // store; differs from the known one: warn
  std::optional<LoggedIn> logged_in;
  bool logged_out = false;
  bool phase_changed = false;                    // phase(), auth_url() or in_poll()
  std::vector<std::string> problems;             // for the log and for status, newest last
  std::optional<std::string> open_url;           // the server wants a browser to see this
  std::vector<std::string> head_requests;        // URLs to HEAD over the ordinary web
  std::vector<control::PingRequest> peer_pings;  // see answer_ping()
  // Of the server about this node; see answer_question().
  struct Question {
    std::string url;
    http::Request request;
  };
  std::vector<Question> questions;
  std::optional<control::ClientVersion> client_version;
  std::optional<FlowReportAnswer> flow_report_answer;

  void clear() { *this = Effects{}; }
};

class Coord {
 public:
  Coord(CoordConfig config, Rng& rng);  // rng outlives this

  void set_host(const HostState& host, Moment now, Effects& out);
  // Joins with the key we have, or registers. Again for another try after a refusal or an expiry.
  void login(const LoginWish& wish, Moment now, Effects& out);
  // Tells the server, then forgets the node key: logged_out, or a problem and all stays as it was.
  void logout(Moment now, Effects& out);
  // Down: closes everything, keeps the key. login() starts again.
  void stop(Effects& out);
  // The machine's network changed: the connection is probed, and a pending wait is cut short.
  void network_changed(Moment now, Effects& out);

  // From the shell.
  void on_connected(LinkId link, Moment now, Effects& out);
  void on_bytes(LinkId link, Bytes bytes, Moment now, Effects& out);
  void on_closed(LinkId link, std::string_view why, Moment now, Effects& out);
  void advance(Moment now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  void answer_ping(
      const control::PingRequest& request, const control::PingResponse& answer, Effects& out);

  void answer_question(const std::string& url, const http::Response& answer, Effects& out);

  // One at a time, with our node key put in. False: not now, as we hear nothing of the server.
  bool send_flow_report(control::FlowReport report, Moment now, Effects& out);

  Phase phase() const { return phase_; }
  bool in_poll() const { return poll_.has_value() && poll_->heard; }
  const std::string& auth_url() const { return login_.auth_url(); }
  const Identity& identity() const { return login_.identity(); }
  const netmap::State& state() const { return state_; }
  const netmap::Netmap& netmap() const { return state_.netmap; }

 private:
  enum class Wish { Nothing, Join, LogOut };

  struct Link {  // one attempt of a dial, or the connection that won it
    DialAttempt to;
    std::optional<MachinePublicKey> server_key;  // the dial's, or learned on this connection
    std::optional<CoordSession> session;         // once the transport is connected
    TimePoint deadline{};                        // for being established
  };
  struct Dial {
    std::vector<DialAttempt> waiting;  // in order
    // As the plan was made for: an attempt that does not verify its peer must not ask for a key,
    // not even where an earlier one found the known key wrong. That is for the next dial.
    std::optional<MachinePublicKey> server_key;
    TimePoint began;
  };
  struct Poll {
    Stream stream;
    TimePoint deadline;
    bool heard = false;  // the first message was folded
  };
  struct Request {
    Stream stream;
    TimePoint deadline;
  };
  struct Update {  // a lite update under way
    Request request;
    HostState sent;
  };

  // dialling.cpp
  void dial(Moment now, Effects& out);
  void open_attempt(DialAttempt to, Moment now, Effects& out);
  void open_due_attempts(Moment now, Effects& out);
  void probe(Moment now);
  void on_link_lost(LinkId link, const std::string& why, Moment now, Effects& out);
  void on_established(LinkId link, Moment now, Effects& out);
  void drop_connection(const std::string& why, Moment now, Effects& out);
  void close_all(Effects& out);

  // coord.cpp
  CoordSession* session();
  void pump(LinkId link, Moment now, Effects& out);
  void flush(Effects& out);
  void work(Moment now, Effects& out);  // sends whatever the present state calls for
  void retry_later(Duration wait, Moment now);
  void on_event(LinkId link, SessionEvent event, Moment now, Effects& out);
  void on_answered(const Answered& answer, Moment now, Effects& out);
  void set_phase(Effects& out, Moment now);

  // registering.cpp
  void send_register(Moment now, Effects& out);
  void on_register_answer(const http::Response& response, Moment now, Effects& out);
  void cancel_registration();
  void send_logout(Moment now, Effects& out);
  void on_logout_answer(const http::Response& response, Effects& out, Moment now);

  // mapping.cpp
  void open_poll(Moment now, Effects& out);
  void close_poll();
  void send_update(Moment now);
  control::MapRequest map_request() const;
  void on_map(control::MapResponse message, Moment now, Effects& out);
  void on_map_ended(const MapEnded& end, Moment now, Effects& out);
  void on_update_answer(const http::Response& response, Moment now, Effects& out);
  void act_on(netmap::Events events, Effects& out);
  void post_c2n(const std::string& url, Buffer answer);
  void answer_server_ping(const control::PingRequest& ping, Effects& out);

  // reporting.cpp
  void on_flow_report_answer(const http::Response& response, Effects& out);
  void give_up_report(Effects& out);  // there will be no answer

  CoordConfig config_;
  Rng& rng_;
  Login login_;
  netmap::State state_;
  Wish wish_ = Wish::Nothing;
  Phase phase_ = Phase::Stopped;
  bool refused_ = false;
  bool renewing_ = false;  // the key on offer takes the place of one that is good
  std::string shown_url_;
  bool shown_poll_ = false;

  std::map<LinkId, Link> links_;
  std::uint32_t last_link_ = 0;
  std::optional<Dial> dial_;
  std::optional<LinkId> current_;  // the link whose session is established
  bool tls_won_last_ = false;

  std::optional<Request> registering_;
  std::optional<Request> logging_out_;
  std::optional<Request> reporting_;
  std::optional<Poll> poll_;
  std::optional<Update> update_;
  HostState host_;
  std::optional<HostState> told_;  // what the server last acknowledged

  Backoff connect_backoff_, register_backoff_, poll_backoff_, update_backoff_;
  std::optional<TimePoint> connect_at_, register_at_, poll_at_, update_at_;
  std::optional<TimePoint> probe_deadline_;
  std::uint64_t pongs_before_ = 0;
  std::optional<TimePoint> expiry_at_;
};

}  // namespace aya::coord
