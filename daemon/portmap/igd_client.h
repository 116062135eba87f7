// Gets a port mapping out of a UPnP gateway, one HTTP request after the other (nat-traversal 6.6).
// Pure: it says what to fetch and is told what came; the caller keeps the time and gives up.
//
//   Idle --begin--> Describe --services--> Status, Address of each --best--> Add --> Verify -->
//   Idle
//        --renew------------------------------> Address ----------------------^
//
// Verify asks the gateway what it has really mapped, because some put down another port than they
// were asked for; such a mapping is removed and asked for once more under another port.
#pragma once

#include <optional>
#include <vector>

#include "daemon/portmap/igd_messages.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"

namespace aya::portmap {

// A GET of a description, or the POST of a SOAP call. No redirects, no names, answers of at most
// kMaxIgdDocument bytes.
struct IgdRequest {
  std::uint64_t id = 0;
  GatewayUrl url;
  std::optional<SoapCall> call;
  Duration timeout{};
};
struct IgdReply {
  int status = 0;
  std::string_view body;
};

class IgdClient {
 public:
  struct Want {
    Endpoint internal;                     // our address and port
    std::uint16_t preferred_external = 0;  // 0: any
  };
  struct Grant {
    Endpoint external;
    bool permanent = false;  // the gateway knows no leases: delete it when it is not needed
  };
  struct Effects {
    std::vector<IgdRequest> fetch;
    std::optional<Grant> granted;
    bool failed = false;
    bool unusable = false;  // failed, and will again: leave this gateway alone for a while
    void clear() { *this = {}; }
  };

  static constexpr std::chrono::duration<std::uint32_t> kLease{7200};
  static constexpr Duration kDescriptionTimeout = 1s;
  static constexpr Duration kCallTimeout = 3s;

  explicit IgdClient(Rng& rng) : rng_(rng) {}  // rng outlives this

  // Tries the descriptions in their order until one names a service.
  void begin(std::vector<GatewayUrl> descriptions, const Want& want, Effects& out);
  // Again from the service that granted last. begin() must have succeeded before.
  void renew(const Want& want, Effects& out);
  bool can_renew() const { return service_.has_value(); }
  // nullopt: no answer in time. Answers to requests given up are ignored.
  void on_reply(std::uint64_t id, std::optional<IgdReply> reply, Effects& out);
  // Forgets the attempt in progress.
  void abandon();
  // Deletes what was granted last, without waiting for the answer, and forgets the gateway.
  void release(Effects& out);

 private:
  enum class Step { Idle, Describe, Status, Address, Add, Verify, Remove };

  void describe_next(Effects& out);
  void on_description(const std::optional<IgdReply>& reply, Effects& out);
  void survey_next(Effects& out);
  void on_surveyed(Effects& out);
  void on_address(const SoapAnswer& answer, Effects& out);
  void add(Effects& out);
  void on_added(const SoapAnswer& answer, Effects& out);
  void on_found(const SoapAnswer& answer, Effects& out);
  void ask(Step step, SoapCall call, Effects& out);
  void request(const GatewayUrl& url, std::optional<SoapCall> call, Duration timeout, Effects& out);
  void delete_unwatched(const IgdService& service, std::uint16_t port, Effects& out);
  void grant(Effects& out);
  void fail(bool unusable, Effects& out);
  std::uint16_t random_port();

  Rng& rng_;
  std::uint64_t next_id_ = 1;
  std::uint64_t waits_for_ = 0;  // the request in flight
  Step step_ = Step::Idle;
  Want want_;

  std::vector<GatewayUrl> descriptions_;  // not yet tried
  std::vector<IgdService> services_;      // not yet surveyed
  struct Surveyed {
    IgdService service;
    std::optional<IpAddress> address;
    int score = 0;
  };
  std::optional<Surveyed> surveying_;
  std::optional<Surveyed> best_;

  std::optional<IgdService> service_;  // that we map with
  std::optional<IpAddress> address_;
  std::uint16_t port_ = 0;
  bool permanent_ = false;
  int conflicts_ = 0;
  bool mapped_wrong_ = false;

  struct Held {
    IgdService service;
    std::uint16_t port = 0;
  };
  std::optional<Held> held_;  // the mapping granted last
};

// Whether hosts on the Internet can send to this address: not private, not a carrier's NAT.
bool is_public(const IpAddress& address);

}  // namespace aya::portmap
