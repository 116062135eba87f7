#include "daemon/portmap/igd_client.h"

#include <algorithm>
#include <utility>

namespace aya::portmap {
namespace {

constexpr int kMaxConflicts = 3;
constexpr std::uint16_t kLowestPort = 1024;  // below it gateways keep their own services

// What nobody can have as an address on the outside.
std::optional<IpAddress> external_address_of(const SoapAnswer& answer) {
  const auto address = IpAddress::parse(answer.external_address);
  if (!address || address->is_unspecified() || address->is_loopback()) return std::nullopt;
  return address;
}

}  // namespace

bool is_public(const IpAddress& address) {
  if (address.is_unspecified() || address.is_loopback() || address.is_private() ||
      address.is_multicast() || address.is_link_local_unicast()) {
    return false;
  }
  const bool carrier = address.is_v4() && address.v4_host_order() >> 22 == 0x6440'0000u >> 22;
  return !carrier;  // 100.64.0.0/10
}

void IgdClient::begin(std::vector<GatewayUrl> descriptions, const Want& want, Effects& out) {
  abandon();
  service_.reset();
  want_ = want;
  descriptions_ = std::move(descriptions);
  describe_next(out);
}

void IgdClient::renew(const Want& want, Effects& out) {
  abandon();
  want_ = want;
  ask(Step::Address, soap_external_address(*service_), out);
}

void IgdClient::abandon() {
  step_ = Step::Idle;
  waits_for_ = 0;
  descriptions_.clear();
  services_.clear();
  surveying_.reset();
  best_.reset();
  conflicts_ = 0;
  mapped_wrong_ = false;
}

void IgdClient::release(Effects& out) {
  abandon();
  service_.reset();
  if (const auto held = std::exchange(held_, std::nullopt)) {
    delete_unwatched(held->service, held->port, out);
  }
}

void IgdClient::on_reply(std::uint64_t id, std::optional<IgdReply> reply, Effects& out) {
  if (id != waits_for_ || waits_for_ == 0) return;
  waits_for_ = 0;
  if (step_ == Step::Describe) return on_description(reply, out);
  const SoapAnswer answer =
      reply ? parse_soap(reply->status, reply->body) : SoapAnswer{.error = SoapError::NoAnswer};
  switch (step_) {
    case Step::Status: {
      const bool up = answer.connection_status == "Connected" || answer.connection_status == "Up";
      if (up) surveying_->score = 1;
      return ask(Step::Address, soap_external_address(surveying_->service), out);
    }
    case Step::Address:
      return on_address(answer, out);
    case Step::Add:
      return on_added(answer, out);
    case Step::Verify:
      return on_found(answer, out);
    case Step::Remove:
      return add(out);  // whatever it said
    case Step::Describe:
    case Step::Idle:
      return;
  }
}

// ---- finding the service

void IgdClient::describe_next(Effects& out) {
  if (descriptions_.empty()) return fail(false, out);
  step_ = Step::Describe;
  request(descriptions_.front(), std::nullopt, kDescriptionTimeout, out);
}

void IgdClient::on_description(const std::optional<IgdReply>& reply, Effects& out) {
  if (reply && reply->status == 200) {
    services_ = parse_igd_description(reply->body, descriptions_.front());
  }
  descriptions_.erase(descriptions_.begin());
  if (services_.empty()) return describe_next(out);
  survey_next(out);
}

void IgdClient::survey_next(Effects& out) {
  if (services_.empty()) return on_surveyed(out);
  surveying_ = Surveyed{std::move(services_.front()), {}, 0};
  services_.erase(services_.begin());
  ask(Step::Status, soap_status(surveying_->service), out);
}

// A connection that is up and has a public address is the one; of others the best is taken.
void IgdClient::on_address(const SoapAnswer& answer, Effects& out) {
  const auto address = external_address_of(answer);
  if (!surveying_) {  // a renewal
    if (!address) return fail(false, out);
    address_ = address;
    port_ = want_.preferred_external;
    return add(out);
  }
  constexpr int kPrivate = 2, kPublic = 3;
  surveying_->address = address;
  if (surveying_->score > 0 && address) {
    surveying_->score = is_public(*address) ? kPublic : kPrivate;
  }
  const bool perfect = surveying_->score == kPublic;
  if (!best_ || surveying_->score > best_->score) best_ = std::move(surveying_);
  surveying_.reset();
  if (perfect) services_.clear();
  survey_next(out);
}

void IgdClient::on_surveyed(Effects& out) {
  service_ = best_->service;
  address_ = best_->address;
  best_.reset();
  if (!address_) return fail(false, out);
  permanent_ = false;
  port_ = want_.preferred_external;
  add(out);
}

// ---- mapping

std::uint16_t IgdClient::random_port() {
  return static_cast<std::uint16_t>(kLowestPort + rng_.below(65536 - kLowestPort));
}

void IgdClient::add(Effects& out) {
  // Port 0 would mean every port, so one is chosen here.
  if (port_ < kLowestPort) port_ = random_port();
  const auto lease = permanent_ ? decltype(kLease)(0) : kLease;
  ask(Step::Add, soap_add_mapping(*service_, {port_, want_.internal, lease}), out);
}

void IgdClient::on_added(const SoapAnswer& answer, Effects& out) {
  switch (answer.error) {
    case SoapError::None:
      break;
    case SoapError::OnlyPermanentLeases:
    case SoapError::InvalidArguments:
      if (std::exchange(permanent_, true)) return fail(false, out);
      return add(out);
    case SoapError::Conflict:
      if (++conflicts_ > kMaxConflicts) return fail(false, out);
      port_ = 0;
      return add(out);
    case SoapError::InvalidAction:
    case SoapError::ActionFailed:
    case SoapError::NotAuthorized:
      return fail(true, out);
    default:
      return fail(false, out);
  }
  if (service_->gives_any_port()) {
    if (answer.reserved_port == 0) return fail(false, out);
    port_ = answer.reserved_port;
  }
  ask(Step::Verify, soap_find_mapping(*service_, port_), out);
}

void IgdClient::on_found(const SoapAnswer& answer, Effects& out) {
  if (answer.error == SoapError::NoSuchEntry) return fail(false, out);
  if (answer.error != SoapError::None) return grant(out);  // it cannot say: believe it
  const bool ours = answer.internal_client == want_.internal.address.to_text();
  if (ours && answer.internal_port == want_.internal.port) return grant(out);
  if (std::exchange(mapped_wrong_, true)) return fail(false, out);
  const std::uint16_t wrong = std::exchange(port_, std::uint16_t{0});
  if (!ours) return add(out);  // another host's: not ours to remove
  ask(Step::Remove, soap_delete_mapping(*service_, wrong), out);
}

// ---- talking

void IgdClient::ask(Step step, SoapCall call, Effects& out) {
  step_ = step;
  const IgdService& with = surveying_ ? surveying_->service : *service_;
  request(with.control, std::move(call), kCallTimeout, out);
}

void IgdClient::request(
    const GatewayUrl& url, std::optional<SoapCall> call, Duration timeout, Effects& out) {
  waits_for_ = next_id_++;
  out.fetch.push_back({waits_for_, url, std::move(call), timeout});
}

void IgdClient::delete_unwatched(const IgdService& service, std::uint16_t port, Effects& out) {
  request(service.control, soap_delete_mapping(service, port), kCallTimeout, out);
  waits_for_ = 0;
}

void IgdClient::grant(Effects& out) {
  abandon();
  if (held_ && held_->port != port_) delete_unwatched(held_->service, held_->port, out);
  held_ = Held{*service_, port_};
  out.granted = Grant{{*address_, port_}, permanent_};
}

void IgdClient::fail(bool unusable, Effects& out) {
  abandon();
  service_.reset();
  out.failed = true;
  out.unusable = unusable;
}

}  // namespace aya::portmap
