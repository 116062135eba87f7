#include "coord-server/serve/coordinator.h"

#include <algorithm>

#include "coord-server/resources/route_table.h"
#include "proto/base/hex.h"
#include "proto/control/json_text.h"

namespace aya::serve {
namespace {

store::AuditEntry worker_entry(store::AccountId account, std::string action, WallTime now) {
  store::AuditEntry entry;
  entry.account = account;
  entry.time = now;
  entry.origin = "CONTROL";
  entry.actor = R"({"type":"AUTOMATED_WORKER"})";
  entry.action = std::move(action);
  return entry;
}

// Is it too early to try again what failed?
bool rests(std::optional<WallTime>& until, WallTime now) {
  if (until && *until > now) return true;
  until.reset();
  return false;
}

// Made once; kept, because it makes the links that machines hold valid after a restart.
store::Stored<crypto::Key32> login_secret(store::Store& storage, Rng& rng) {
  constexpr std::string_view kName = "login_secret";
  auto kept = storage.server_value(kName);
  if (!kept) return kept.error();
  std::array<std::byte, 32> bytes = rng.array<32>();
  if (!*kept) {
    if (auto stored = storage.set_server_value(kName, to_hex(bytes)); !stored)
      return stored.error();
  } else if (!parse_hex_into(**kept, bytes)) {
    return store::StoreError{store::StoreError::Kind::Damaged, "unreadable login_secret"};
  }
  return crypto::Key32(bytes);
}

}  // namespace

store::Stored<std::unique_ptr<Coordinator>> Coordinator::make(
    store::Store& storage, Rng& rng, Setup setup, TimePoint now, WallTime wall) {
  auto loaded = load(storage, rng, setup.relay, wall);
  if (!loaded) return loaded.error();
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(storage, std::move(*loaded), rng, std::move(setup)));
  coordinator->expect_back(now);
  return coordinator;
}

store::Stored<Coordinator::Loaded> Coordinator::load(
    store::Store& storage, Rng& rng, const relays::OwnRelay& relay, WallTime wall) {
  auto registry = nodes::Registry::load(storage, wall);
  if (!registry) return registry.error();
  auto sharing = sharing::Sharing::load(**registry, storage, rng);
  if (!sharing) return sharing.error();
  auto relays = relays::RelayDirectory::load(**registry, storage, relay);
  if (!relays) return relays.error();
  auto webhooks = webhooks::Webhooks::load(**registry, storage, rng, wall);
  if (!webhooks) return webhooks.error();
  auto log_streams = log_streams::LogStreams::load(**registry, storage);
  if (!log_streams) return log_streams.error();
  auto posture = device_posture::Integrations::load(**registry, storage, rng);
  if (!posture) return posture.error();
  auto invitations = people::Invitations::load(**registry, storage, rng);
  if (!invitations) return invitations.error();
  auto contacts = people::Contacts::load(**registry, storage, rng);
  if (!contacts) return contacts.error();
  auto secret = login_secret(storage, rng);
  if (!secret) return secret.error();
  return Loaded{std::move(*registry), std::move(*sharing),     std::move(*relays),
                std::move(*webhooks), std::move(*log_streams), std::move(*posture),
                std::move(*invitations), std::move(*contacts), *secret};
}

Coordinator::Coordinator(store::Store& storage, Loaded loaded, Rng& rng, Setup setup)
    : storage_(storage),
      setup_(std::move(setup)),
      registry_(std::move(loaded.registry)),
      sharing_(std::move(loaded.sharing)),
      policy_(*registry_, *sharing_, setup_.clock),
      relays_(std::move(loaded.relays)),
      webhooks_(std::move(loaded.webhooks)),
      log_streams_(std::move(loaded.log_streams)),
      posture_(std::move(loaded.posture)),
      invitations_(std::move(loaded.invitations)),
      contacts_(std::move(loaded.contacts)),
      outbox_(setup_.mail_from, rng),
      builder_(*registry_, policy_, *sharing_, *relays_),
      streams_(builder_, *registry_, presence_, rng),
      calls_(*registry_, streams_, rng),
      health_(*registry_, presence_, calls_),
      api_calls_(calls_),
      feed_(*registry_, storage),
      exchanges_(storage, *registry_, rng),
      identities_(*registry_, streams_, calls_),
      services_(*registry_, calls_),
      logins_(setup_.facts.server_url + "/a/", loaded.login_secret),
      enrollment_(*registry_, storage, policy_, logins_, rng),
      checks_(*registry_, policy_, rng, setup_.facts.server_url + "/ssh/"),
      issuer_(*registry_, storage, rng, setup_.facts.server_url),
      flow_reports_(*registry_, storage),
      flow_retention_(storage, setup_.flow_logs),
      machine_routes_(
          *registry_, enrollment_, logins_, checks_, issuer_, presence_, streams_, calls_,
          flow_reports_),
      admin_routes_(
          resources::route_table(),
          {*registry_, storage, enrollment_, *sharing_, *relays_, *webhooks_, *log_streams_,
           *posture_, *invitations_, *contacts_, outbox_, mail_trials_, policy_, api_calls_, feed_,
           exchanges_},
          rng, setup_.facts),
      pages_(
          *registry_, storage, enrollment_, *sharing_, *invitations_, *contacts_, checks_, rng,
          {setup_.facts.server_url, loaded.login_secret, setup_.oidc}) {
  enrollment_.addresses().set_pools(policy_);
}

// Those known from before a restart get as long to come back as those that have just left.
void Coordinator::expect_back(TimePoint now) {
  for (const auto& [id, account] : registry_->accounts()) {
    for (const store::NodeId node : registry_->nodes_of(id)) {
      if (registry_->find(node)->record.wireguard) continue;
      presence_.expect_back(node, now);
      if (registry_->find(node)->record.ephemeral) presence_.expect_ephemeral(node, now);
    }
  }
}

MachineAnswer Coordinator::on_machine(
    const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
    TimePoint now, WallTime wall, Effects& out) {
  return machine_routes_.answer(request, machine, fresh, now, wall, out.maps);
}

Coordinator::ApiAnswer Coordinator::on_api(
    const http::Request& request, const Entrance& entrance, mapper::StreamId fresh,
    bool takes_feed, TimePoint now, WallTime wall, Effects& out) {
  api_calls_.begin(now, out.maps);
  feed_.begin(takes_feed);
  exchanges_.begin();
  mail_trials_.begin();
  http::Response response = on_api(request, entrance, wall);
  const bool feed = feed_.end(fresh, now);
  const bool exchanging = exchanges_.end(federation::WaiterId{fresh.value}, response);
  const bool waits_for_mail = mail_trials_.end(fresh, response);
  if (api_calls_.end(fresh, response) || exchanging || waits_for_mail) return {};
  return {std::move(response), feed};
}

http::Response Coordinator::on_api(
    const http::Request& request, const Entrance& entrance, WallTime wall) {
  setup_.facts.gauges.map_streams = streams_.size();
  return admin_routes_.answer(request, entrance, wall);
}

void Coordinator::advance(TimePoint now, WallTime wall, Effects& out) {
  note_edits(now);
  note_answers(now, wall, out);
  note_presence(now, wall, out);
  registry_->note_expiries(wall);
  end_graces(wall, out);
  end_attributes(wall, out);
  keep_up_with_shares(wall, out);
  let_go_of_removed(out);
  answer_logins(now, wall, out);
  answer_checks(wall, out);
  answer_exchanges(out);
  if (auto kept = services_.advance(now, out.maps); !kept) {
    out.trouble.push_back(kept.error().to_text());
  }
  approve_by_policy(wall, out);
  for (std::string& url : relays_->take_due(wall)) out.fetches.push_back(std::move(url));
  tell_webhooks(wall, out);
  send_logs(wall, out);
  posture_->take_due(wall, out.posts);
  prune_flows(wall, out);
  send_mails(wall, out);
  if (auto told = feed_.advance(now, out.feeds); !told) {
    out.trouble.push_back(told.error().to_text());
  }
  streams_.advance(now, wall, out.maps);
  note_edits_told(now);
  health_.advance(now, out.maps);
  identities_.advance(now, out.maps);
  save_when_due(now, out);
}

void Coordinator::note_edits(TimePoint now) {
  const nodes::Version changed = registry_->addresses_changed();
  const nodes::Version noted = edits_.empty() ? edits_told_ : edits_.back().version;
  if (changed > noted) edits_.push_back({changed, now});
}

void Coordinator::note_edits_told(TimePoint now) {
  const auto untold = std::ranges::find_if(
      edits_, [this](const AddressEdit& edit) { return edit.version > streams_.told(); });
  for (auto edit = edits_.begin(); edit != untold; ++edit) {
    edit_times_.add(now - edit->at);
    edits_told_ = edit->version;
  }
  edits_.erase(edits_.begin(), untold);
}

std::string Coordinator::metrics(const OutsideFigures& outside, WallTime wall) const {
  return metrics_page(
      {*registry_, streams_, policy_, admin_routes_.tally(), machine_routes_.registrations(),
       flow_reports_, edit_times_, feed_.size(), outbox_, storage_.figures(), outside,
       setup_.facts.version},
      wall);
}

mail::Outbox::Outcome Coordinator::take_mail_result(
    mail::MailId id, const mail::Attempt& attempt, WallTime wall, Effects& out) {
  if (auto waited = mail_trials_.take(id, attempt)) {
    out.answers.push_back({waited->waiter, std::move(waited->response)});
  }
  const mail::Outbox::Outcome outcome = outbox_.take_result(id, attempt, wall);
  if (outcome.fate != mail::Outbox::Outcome::Fate::Sent) return outcome;
  store::Stored<void> noted;
  if (const auto* user = std::get_if<store::UserInviteId>(&outcome.purpose)) {
    noted = invitations_->note_mailed(*user, wall);
  } else if (const auto* device = std::get_if<store::InviteId>(&outcome.purpose)) {
    noted = sharing_->note_mailed(*device, wall);
  }
  if (!noted) out.trouble.push_back(noted.error().to_text());
  return outcome;
}

void Coordinator::note_answers(TimePoint now, WallTime wall, Effects& out) {
  for (const NodeCalls::Answer& answer : calls_.take_answers(now)) {
    if (auto waited = api_calls_.take(answer)) {
      out.answers.push_back({waited->waiter, std::move(waited->response)});
      continue;
    }
    if (registry_->find(answer.node) == nullptr) continue;
    health_.note(answer, now, wall);
    identities_.note(answer, now);
    if (auto kept = posture_->match_again(answer.node, wall); !kept) {
      out.trouble.push_back(kept.error().to_text());
    }
    if (auto kept = services_.note(answer, now); !kept) {
      out.trouble.push_back(kept.error().to_text());
    }
  }
}

void Coordinator::note_presence(TimePoint now, WallTime wall, Effects& out) {
  presence_effects_.clear();
  presence_.advance(now, presence_effects_);
  for (const store::NodeId id : presence_effects_.away) {
    if (registry_->find(id) != nullptr) registry_->set_present(id, false);
  }
  for (const store::NodeId id : presence_effects_.offline) {
    if (registry_->find(id) != nullptr) registry_->set_online(id, false, wall);
  }
  for (const store::NodeId id : presence_effects_.forgotten) {
    const nodes::Node* node = registry_->find(id);
    if (node == nullptr || !node->record.ephemeral) continue;
    store::AuditEntry entry = entry_about(*node, "DELETE", wall);
    entry.details = "ephemeral and away";
    if (auto removed = registry_->remove(id, wall, entry); !removed) {
      out.trouble.push_back(removed.error().to_text());
      presence_.expect_ephemeral(id, now);
    }
  }
}

store::AuditEntry Coordinator::entry_about(
    const nodes::Node& node, std::string action, WallTime wall) const {
  store::AuditEntry entry = worker_entry(node.account(), std::move(action), wall);
  entry.target_type = "NODE";
  entry.target_id = node.record.stable_id;
  entry.target_name = registry_->full_name(node);
  return entry;
}

void Coordinator::end_graces(WallTime wall, Effects& out) {
  if (rests(end_graces_at_, wall)) return;
  while (const auto overdue = registry_->overdue_former(wall)) {
    const nodes::Node& node = *registry_->find(overdue->node);
    store::AuditEntry entry = entry_about(node, "UPDATE", wall);
    entry.property = "ADDRESS";
    entry.old_value = "[\"" + overdue->former.to_text() + "\"]";
    entry.details = "end of its grace";
    if (auto ended = registry_->end_former(*overdue, wall, entry); !ended) {
      out.trouble.push_back(ended.error().to_text());
      end_graces_at_ = wall + kRetrySaveAfter;
      return;
    }
  }
}

// A posture has no clock: what is over is taken away.
void Coordinator::end_attributes(WallTime wall, Effects& out) {
  if (rests(end_attributes_at_, wall)) return;
  while (const auto overdue = registry_->overdue_attribute(wall)) {
    const nodes::Node& node = *registry_->find(overdue->node);
    store::AuditEntry entry = entry_about(node, "UPDATE", wall);
    entry.property = "POSTURE_ATTRIBUTES";
    const std::string& value = node.record.attributes.at(overdue->name).value;
    entry.old_value = "{\"" + overdue->name + "\":" + value + "}";
    entry.new_value = "{}";
    entry.details = "its time is over";
    auto ended = registry_->set_attributes(overdue->node, {{overdue->name, std::nullopt}}, entry);
    if (!ended) {
      out.trouble.push_back(ended.error().to_text());
      end_attributes_at_ = wall + kRetrySaveAfter;
      return;
    }
  }
}

// Before anybody is told of a stranger: both sides must have an address for the other.
void Coordinator::keep_up_with_shares(WallTime wall, Effects& out) {
  if (rests(share_again_at_, wall)) return;
  if (auto kept = sharing_->keep_up(wall); !kept) {
    out.trouble.push_back(kept.error());
    share_again_at_ = wall + kRetrySaveAfter;
  }
}

// After what comes about by itself: that is in the log, too.
void Coordinator::tell_webhooks(WallTime wall, Effects& out) {
  if (rests(tell_again_at_, wall)) return;
  auto due = webhooks_->take_due(wall);
  if (!due) {
    out.trouble.push_back(due.error().to_text());
    tell_again_at_ = wall + kRetrySaveAfter;
    return;
  }
  std::ranges::move(*due, std::back_inserter(out.posts));
}

void Coordinator::send_logs(WallTime wall, Effects& out) {
  if (rests(send_again_at_, wall)) return;
  if (auto due = log_streams_->take_due(wall, out.posts); !due) {
    out.trouble.push_back(due.error().to_text());
    send_again_at_ = wall + kRetrySaveAfter;
  }
}

void Coordinator::prune_flows(WallTime wall, Effects& out) {
  if (auto pruned = flow_retention_.advance(wall); !pruned) {
    out.trouble.push_back(pruned.error().to_text());
  }
}

store::Stored<void> Coordinator::take_post_result(
    const delivery::Sender& from, const delivery::Outcome& outcome, WallTime wall) {
  if (const auto* webhook = std::get_if<store::WebhookId>(&from)) {
    return webhooks_->take_result(*webhook, outcome, wall);
  }
  if (const auto* integration = std::get_if<store::PostureIntegrationId>(&from)) {
    return posture_->take_result(*integration, outcome, wall);
  }
  return log_streams_->take_result(std::get<store::LogStreamId>(from), outcome, wall);
}

// Invitations may be used or taken back, and addresses proven, while a mail about them waits.
void Coordinator::send_mails(WallTime wall, Effects& out) {
  outbox_.keep_only([&](const mail::Purpose& purpose) {
    if (const auto* user = std::get_if<store::UserInviteId>(&purpose)) {
      return invitations_->find(*user, wall) != nullptr;
    }
    if (const auto* device = std::get_if<store::InviteId>(&purpose)) {
      return sharing_->invite(*device) != nullptr;
    }
    const auto* contact = std::get_if<mail::OfContact>(&purpose);
    return contact == nullptr || contacts_->waiting(contact->account, contact->kind) != nullptr;
  });
  if (auto mail = outbox_.take_due(wall)) out.mails.push_back(std::move(*mail));
}

void Coordinator::let_go_of_removed(Effects& out) {
  for (const nodes::NodeRecord& record : registry_->take_removed()) {
    presence_.forget(record.id);
    out.revoked.push_back(record.node_key);
  }
}

// Routes and services that the policy approves by itself, when a machine offers them and when the
// policy says so. What was approved stays: a person may have meant it too.
void Coordinator::approve_by_policy(WallTime wall, Effects& out) {
  if (approved_up_to_ == registry_->version()) return;
  const nodes::Version since = std::exchange(approved_up_to_, registry_->version());
  // Collected first: an approval is an update, and moves the node in what we would be walking.
  std::vector<store::NodeId> due;
  for (const auto& [id, account] : registry_->accounts()) {
    if (registry_->policy_changed(id) > since) {
      const auto& all = registry_->nodes_of(id);
      due.insert(due.end(), all.begin(), all.end());
      continue;
    }
    for (const nodes::Node* node : registry_->changes_since(id, since).changed) {
      due.push_back(node->id());
    }
  }
  for (const store::NodeId node : due) {
    for (const auto approve :
         {&Coordinator::approve_routes_of, &Coordinator::approve_services_of}) {
      if (auto approved = (this->*approve)(*registry_->find(node), wall); !approved) {
        out.trouble.push_back(approved.error().to_text());
      }
    }
  }
}

store::Stored<void> Coordinator::approve_routes_of(const nodes::Node& node, WallTime wall) {
  if (node.record.live.hostinfo.routable_ips.empty()) return {};
  nodes::NodeRecord record = node.record;
  for (const Prefix& route : policy_.auto_approved(node)) {
    if (std::ranges::count(record.approved_routes, route) == 0) {
      record.approved_routes.push_back(route);
    }
  }
  if (record.approved_routes.size() == node.record.approved_routes.size()) return {};
  std::ranges::sort(record.approved_routes);
  store::AuditEntry entry = worker_entry(node.account(), "UPDATE", wall);
  entry.target_type = "NODE";
  entry.target_id = node.record.stable_id;
  entry.target_name = registry_->full_name(node);
  entry.property = "ALLOWED_IPS";
  entry.details = "approved by the policy";
  return registry_->update(record, {}, entry);
}

store::Stored<void> Coordinator::approve_services_of(const nodes::Node& node, WallTime wall) {
  const nodes::Hosting hosting = node.hosting;  // as it is before
  for (const auto& [name, host] : hosting) {
    if (!host.offers || host.approval != store::HostApproval::Undecided) continue;
    const nodes::Service* service = registry_->find_service(node.account(), name);
    if (service == nullptr || !policy_.auto_approved(node, service->record)) continue;
    store::AuditEntry entry = worker_entry(node.account(), "UPDATE", wall);
    entry.target_type = "SERVICE";
    entry.target_id = entry.target_name = name;
    entry.property = "HOST";
    entry.new_value = "{\"" + node.record.stable_id + "\":true}";
    entry.details = "approved by the policy";
    auto approved =
        registry_->approve_host(node.id(), name, store::HostApproval::ByPolicy, entry);
    if (!approved) return approved;
  }
  return {};
}

void Coordinator::answer_logins(TimePoint now, WallTime wall, Effects& out) {
  for (const store::NodeId id : enrollment_.take_ephemeral()) {
    if (registry_->find(id) != nullptr) presence_.expect_ephemeral(id, now);
  }
  for (const enroll::Logins::Answered& answered : logins_.take_answers(wall)) {
    machine_routes_.note_late(answered.response);
    out.answers.push_back(
        {mapper::StreamId{answered.waiter.value},
         http::Response::json(200, control::encode(answered.response))});
  }
}

void Coordinator::answer_checks(WallTime wall, Effects& out) {
  for (const ssh_check::SshChecks::Answered& answered : checks_.take_answers(wall)) {
    out.answers.push_back(
        {mapper::StreamId{answered.waiter.value},
         http::Response::json(200, control::encode(answered.action))});
  }
}

void Coordinator::answer_exchanges(Effects& out) {
  for (federation::Exchanges::Answered& answered : exchanges_.take_answers()) {
    out.answers.push_back({mapper::StreamId{answered.waiter.value}, std::move(answered.response)});
  }
  std::ranges::move(exchanges_.take_fetches(), std::back_inserter(out.documents));
}

void Coordinator::save_when_due(TimePoint now, Effects& out) {
  if (!registry_->has_unsaved()) return save_at_.reset();
  if (!save_at_) save_at_ = now + kSaveEvery;
  if (!take_if_due(save_at_, now)) return;
  if (auto saved = registry_->flush(); !saved) {
    out.trouble.push_back(saved.error().to_text());
    save_at_ = now + kRetrySaveAfter;
  }
}

std::optional<TimePoint> Coordinator::next_deadline(TimePoint now, WallTime wall) const {
  auto next = earlier(presence_.next_deadline(), streams_.next_deadline());
  next = earlier(earlier(next, save_at_), earlier(calls_.next_deadline(), health_.next_deadline()));
  next = earlier(earlier(next, identities_.next_deadline()), feed_.next_deadline());
  next = earlier(next, services_.next_deadline());
  const auto grace_end = end_graces_at_ ? end_graces_at_ : registry_->next_former_end();
  const auto attribute_end =
      end_attributes_at_ ? end_attributes_at_ : registry_->next_attribute_end();
  for (const auto& expiry :
       {registry_->next_expiry(), logins_.next_end(), checks_.next_end(), grace_end, attribute_end,
        share_again_at_, relays_->next_due(), outbox_.next_due(), posture_->next_due(),
        flow_retention_.next_due(),
        tell_again_at_ ? tell_again_at_ : webhooks_->next_due(),
        send_again_at_ ? send_again_at_ : log_streams_->next_due()}) {
    if (!expiry) continue;
    // The calendar may be set while we wait: look again within the hour.
    const Duration wait = std::min<Duration>(*expiry - wall, std::chrono::hours(1));
    next = earlier(next, now + std::max<Duration>(wait, 0ns));
  }
  return next;
}

store::Stored<void> create_first_account(
    store::Store& storage, const std::string& account, const std::string& base_domain,
    const std::string& owner, WallTime now) {
  auto existing = storage.accounts();
  if (!existing) return existing.error();
  if (!existing->empty()) return {};
  store::Account first;
  first.name = account;
  first.domain = account + '.' + base_domain;
  first.created = now;
  auto created = storage.create_account(std::move(first));
  if (!created) return created.error();
  store::User user;
  user.account = created->id;
  user.login = owner;
  user.display_name = owner;
  user.role = "owner";
  user.created = now;
  store::AuditEntry entry = worker_entry(created->id, "CREATE", now);
  entry.target_type = "USER";
  entry.target_name = owner;
  auto made = storage.create_user(std::move(user), std::move(entry));
  if (!made) return made.error();
  return {};
}

}  // namespace aya::serve
