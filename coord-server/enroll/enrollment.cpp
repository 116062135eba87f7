#include "coord-server/enroll/enrollment.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coord-server/enroll/node_label.h"
#include "proto/control/capability_version.h"
#include "proto/http/headers.h"

namespace aya::enroll {
namespace {

using Outcome = Enrollment::Outcome;

Outcome told(std::string error) {
  Outcome outcome;
  outcome.response.error = std::move(error);
  return outcome;
}

Outcome key_expired() {
  Outcome outcome;
  outcome.response.node_key_expired = true;
  return outcome;
}

// What the machine did by itself stands in the log under its own name.
store::AuditEntry entry_of(
    const nodes::NodeRecord& node, std::string action, std::string details, WallTime now) {
  const nlohmann::json actor = {{"id", node.stable_id}, {"type", "NODE"}};
  store::AuditEntry entry;
  entry.account = node.account;
  entry.time = now;
  entry.origin = "CONTROL";
  entry.actor = actor.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  entry.action = std::move(action);
  entry.target_type = "NODE";
  entry.target_id = node.stable_id;
  entry.target_name = node.label;
  entry.details = std::move(details);
  return entry;
}

// The same for what a person did with it, where one did.
store::AuditEntry entry_of(
    const nodes::NodeRecord& node, std::string action, const Admission& admission, WallTime now) {
  store::AuditEntry entry = entry_of(node, std::move(action), admission.how, now);
  if (!admission.by) return entry;
  entry.actor = admission.by->actor;
  entry.origin = admission.by->origin;
  return entry;
}

// What was known of the network stays until the node says otherwise (T-07).
void take_hostinfo(nodes::NodeRecord& node, const std::optional<control::Hostinfo>& sent) {
  if (!sent) return;
  auto known = std::move(node.live.hostinfo.net_info);
  node.live.hostinfo = *sent;
  if (!sent->net_info) node.live.hostinfo.net_info = std::move(known);
  const auto& net = node.live.hostinfo.net_info;
  if (net && net->preferred_derp != 0) node.live.home_region = net->preferred_derp;
}

// "required:NAME" in a request means that network and no other (control 6.1).
bool wants_another(const control::RegisterRequest& request, const store::Account& account) {
  constexpr std::string_view kRequired = "required:";
  std::string_view wanted = request.tailnet;
  if (!wanted.starts_with(kRequired)) return false;
  wanted.remove_prefix(kRequired.size());
  return !http::equal_ignoring_case(wanted, account.name) &&
         !http::equal_ignoring_case(wanted, account.domain);
}

std::string not_stored(const store::StoreError& error) {
  if (error.kind == store::StoreError::Kind::Spent) {
    return "the auth key has been used already; ask for a new or a reusable one";
  }
  return "the server could not store this machine: " + error.to_text();
}

}  // namespace

Admission Admission::by_key(const store::AuthKey& key) {
  Admission admission;
  admission.account = key.account;
  admission.user = key.user;
  admission.ephemeral = key.ephemeral;
  admission.preauthorized = key.preauthorized;
  admission.tags = key.tags;
  admission.by_program = !key.client.empty() || !key.tags.empty();
  admission.key = key.id;
  admission.kept_ipv4 = key.ipv4;
  admission.how = "auth key " + key.public_id;
  return admission;
}

Result<Outcome, RegisterRefusal> Enrollment::register_node(
    const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now) {
  if (request.version < control::kOldestAcceptedVersion) {
    return RegisterRefusal{400, "this client is too old for the server; please update it"};
  }
  if (request.node_key.is_zero()) return RegisterRefusal{400, "NodeKey is missing"};
  const Node* known = registry_.find(request.node_key);
  if (known != nullptr && known->record.machine != machine) {
    return told("this node key is registered to another machine");
  }
  // Before the auth key: a log-out may carry one (T-13).
  if (request.expiry && *request.expiry <= now) return log_out(known, now);
  // A restart sends a spent key again: a node in good standing needs none (T-11).
  if (known != nullptr && !known->key_expired(now)) return welcome_back(*known, request, now);
  if (request.auth && !request.auth->auth_key.empty()) return admit_by_key(request, machine, now);
  if (known != nullptr) return key_expired();  // it will come back with a new node key
  return wait_for_person(request, machine, now);
}

Result<Outcome, RegisterRefusal> Enrollment::log_out(const Node* node, WallTime now) {
  if (node == nullptr || node->key_expired(now)) return key_expired();  // done already
  const NodeId id = node->id();
  if (node->record.ephemeral) {
    auto removed =
        registry_.remove(id, now, entry_of(node->record, "LOGOUT", "ephemeral: deleted", now));
    if (!removed) return told(not_stored(removed.error()));
    Outcome outcome = key_expired();
    outcome.deleted = id;
    return outcome;
  }
  nodes::NodeRecord record = node->record;
  record.key_expiry = now;  // not the instant it asked for, which lies in 1970 (T-14)
  auto updated = registry_.update(record, {}, entry_of(record, "LOGOUT", "", now));
  if (!updated) return told(not_stored(updated.error()));
  return key_expired();
}

Result<Outcome, RegisterRefusal> Enrollment::welcome_back(
    const Node& node, const control::RegisterRequest& request, WallTime now) {
  nodes::NodeRecord record = node.record;
  take_hostinfo(record, request.hostinfo);
  record.live.capver = request.version;
  record.label = label_for(record.live.hostinfo, record);
  // A wish may shorten the key's life. An absent one says nothing about it (T-12).
  const bool sooner =
      request.expiry && (!record.key_expiry || *request.expiry < *record.key_expiry);
  if (sooner) record.key_expiry = request.expiry;
  if (sooner || record.label != node.record.label) {
    auto updated = registry_.update(
        record, {}, entry_of(record, "UPDATE", sooner ? "shorter key life" : "new name", now));
    if (!updated) return told(not_stored(updated.error()));
  } else {
    registry_.set_live(node.id(), std::move(record.live));
  }
  return accepted(node);
}

Result<Outcome, RegisterRefusal> Enrollment::admit_by_key(
    const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now) {
  auto key = keys_.check(request.auth->auth_key, now);
  if (!key) return told(key.error().reason);
  auto node = admit(request, machine, Admission::by_key(*key), now);
  if (!node) return told(node.error());
  return accepted(**node);
}

// The first time it is told where a person has to go; then it waits for that person.
Outcome Enrollment::wait_for_person(
    const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now) {
  Outcome outcome;
  const PendingLogin* login =
      request.followup.empty() ? nullptr : logins_.follow(request, machine, now);
  if (login != nullptr && login->rejected) {
    outcome.response = rejection();
  } else if (login != nullptr) {
    outcome.waits_on = login->id;
  } else {
    outcome.response.auth_url = logins_.url(logins_.begin(request, machine, now));
  }
  return outcome;
}

Result<const Node*, std::string> Enrollment::approve(
    const PendingLogin& login, const Admission& admission, WallTime now) {
  const std::string id = login.id;
  auto node = admit(login.request, login.machine, admission, now);
  if (!node) return node.error();
  if ((*node)->record.ephemeral) ephemeral_.push_back((*node)->id());
  logins_.settle(id, accepted(**node).response);
  return *node;
}

Result<const Node*, std::string> Enrollment::admit(
    const control::RegisterRequest& request, const MachinePublicKey& machine,
    const Admission& admission, WallTime now) {
  const store::Account* account = registry_.account(admission.account);
  AYA_CHECK(account != nullptr);
  if (wants_another(request, *account)) {
    return "this machine wants to join " + request.tailnet.substr(request.tailnet.find(':') + 1) +
           " and no other network";
  }
  const Node* node = registry_.find(admission.account, machine);
  const Node* holder = registry_.find(request.node_key);
  if (holder != nullptr && holder != node) {
    return std::string("this node key belongs to another network; log out there first");
  }
  if (registry_.find_wireguard(admission.account, request.node_key) != nullptr) {
    return std::string("this node key belongs to a plain WireGuard device of the network");
  }
  const nodes::TagGiver giver{
      admission.account, admission.by_program ? nullptr : registry_.user(admission.user),
      admission.tags};
  auto tags = tags_for(request, giver);
  if (!tags) return "requested tags are invalid or not permitted: " + tags.error().to_text();
  auto stored = node != nullptr ? renew(*node, request, admission, std::move(*tags), now)
                                : create(request, machine, admission, std::move(*tags), now);
  if (!stored) return not_stored(stored.error());
  return *stored;
}

store::Stored<const Node*> Enrollment::renew(
    const Node& node, const control::RegisterRequest& request, const Admission& admission,
    std::vector<std::string> tags, WallTime now) {
  nodes::NodeRecord record = node.record;
  if (admission.tags.empty()) record.user = admission.user;  // else it stays its former owner's
  record.tags = std::move(tags);
  record.never_owned = record.never_owned && !admission.tags.empty();
  record.node_key = request.node_key;
  record.key_expiry = key_expiry(record, now);
  record.ephemeral = admission.ephemeral || request.ephemeral;
  take_hostinfo(record, request.hostinfo);
  record.live.capver = request.version;
  record.label = label_for(record.live.hostinfo, record);
  auto updated = registry_.update(record, admission.key, entry_of(record, "LOGIN", admission, now));
  if (!updated) return updated.error();
  return &node;
}

store::Stored<const Node*> Enrollment::create(
    const control::RegisterRequest& request, const MachinePublicKey& machine,
    const Admission& admission, std::vector<std::string> tags, WallTime now) {
  nodes::NodeRecord record;
  record.account = admission.account;
  record.user = admission.user;
  record.tags = std::move(tags);
  record.never_owned = !admission.tags.empty();
  record.authorized =
      admission.preauthorized || !registry_.account(admission.account)->settings.devices_approval;
  record.stable_id = "n" + random_text(11, rng_) + "CNTRL";
  record.machine = machine;
  record.node_key = request.node_key;
  record.ephemeral = admission.ephemeral || request.ephemeral;
  record.created = now;
  record.key_expiry = key_expiry(record, now);
  take_hostinfo(record, request.hostinfo);
  record.live.capver = request.version;
  record.label = label_for(record.live.hostinfo, record);
  auto ipv4 = ipv4_for(record, admission, now);
  if (!ipv4) return ipv4.error();
  record.ipv4 = *ipv4;
  record.ipv6 = addresses_.ipv6();
  return registry_.admit(record, admission.key, entry_of(record, "CREATE", admission, now));
}

// Its keys here are nobody's: whoever has the device's own could otherwise come as this node.
store::Stored<const Node*> Enrollment::admit_plain(
    nodes::NodeRecord record, const std::optional<IpAddress>& kept, store::AuditEntry audit,
    WallTime now) {
  AYA_CHECK(record.wireguard.has_value());
  record.stable_id = "n" + random_text(11, rng_) + "CNTRL";
  record.machine = MachinePublicKey(rng_.array<MachinePublicKey::kSize>());
  record.node_key = NodePublicKey(rng_.array<NodePublicKey::kSize>());
  record.created = now;
  Admission admission;
  admission.kept_ipv4 = kept;
  auto ipv4 = ipv4_for(record, admission, now);
  if (!ipv4) return ipv4.error();
  record.ipv4 = *ipv4;
  record.ipv6 = addresses_.ipv6();
  return registry_.admit(std::move(record), {}, std::move(audit));
}

Result<std::vector<std::string>, nodes::TagRefusal> Enrollment::tags_for(
    const control::RegisterRequest& request, const nodes::TagGiver& giver) const {
  const std::vector<std::string> held(giver.held.begin(), giver.held.end());
  if (!request.hostinfo || request.hostinfo->request_tags.empty()) return held;
  const std::vector<std::string>& wanted = request.hostinfo->request_tags;
  if (auto refused = nodes::refused_tag(tag_owners_, giver, wanted)) return std::move(*refused);
  return nodes::in_order(wanted);
}

// What belongs to nobody has nobody to log in again (T-36).
std::optional<WallTime> Enrollment::key_expiry(const nodes::NodeRecord& node, WallTime now) const {
  if (!node.tags.empty()) return std::nullopt;
  return now + key_lifetime(node.account);
}

std::chrono::hours Enrollment::key_lifetime(store::AccountId id) const {
  const store::Account* account = registry_.account(id);
  AYA_CHECK(account != nullptr);
  return std::chrono::days(account->settings.devices_key_days);
}

// A machine that is known keeps the address it has, whatever its new key reserves.
store::Stored<IpAddress> Enrollment::ipv4_for(
    const nodes::NodeRecord& node, const Admission& admission, WallTime now) {
  using Kind = store::StoreError::Kind;
  if (const auto& kept = admission.kept_ipv4) {
    if (!registry_.is_taken(node.account, *kept)) return *kept;
    return store::StoreError{
        Kind::Failed,
        "the address " + kept->to_text() +
            " of this auth key belongs to another device by now; ask for another key"};
  }
  auto free = addresses_.ipv4_for(node, now);
  if (!free) return store::StoreError{Kind::Failed, free.error()};
  return *free;
}

std::string Enrollment::label_for(
    const control::Hostinfo& hostinfo, const nodes::NodeRecord& node) const {
  if (node.label_is_chosen) return node.label;
  const std::string wanted = label_from_host_name(hostinfo.hostname);
  // A node that had to take "web-1" keeps it while it is called "web", whoever leaves.
  if (is_label_for(wanted, node.label)) return node.label;
  return unused_label(wanted, [&](std::string_view label) {
    const Node* holder = registry_.find_label(node.account, label);
    const bool by_device = holder != nullptr && holder->id() != node.id;
    return by_device || registry_.is_service_label(node.account, label);
  });
}

Outcome Enrollment::accepted(const Node& node) const {
  const store::User* owner = registry_.user(node.record.user);
  AYA_CHECK(owner != nullptr);
  static const store::User kNobody{nodes::kTaggedDevices, {}, "tagged-devices",
                                   "Tagged Devices",      "", {}};
  if (!node.record.tags.empty()) owner = &kNobody;
  Outcome outcome;
  outcome.node = node.id();
  control::RegisterResponse& response = outcome.response;
  response.machine_authorized = node.record.authorized;
  response.user.id = owner->id;
  response.user.display_name = owner->display_name;
  response.user.created = owner->created;
  response.login.id = owner->id.value;
  response.login.provider = "ayatori";
  response.login.login_name = owner->login;
  response.login.display_name = owner->display_name;
  return outcome;
}

}  // namespace aya::enroll
