#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using SqliteStore = StoreFixture;
using Kind = StoreError::Kind;

TEST_F(SqliteStore, ReturnsEveryFieldOfANodeAfterReopening) {
  make_account();
  NodeRecord wanted = node("web1", "100.64.0.11");
  wanted.label_is_chosen = true;
  wanted.ephemeral = true;
  wanted.authorized = false;
  wanted.live.disco_key = DiscoPrivateKey::generate(rng).public_key();
  wanted.live.endpoints = {
      {*Endpoint::parse("192.0.2.7:41641"), control::EndpointType::Stun},
      {*Endpoint::parse("[2001:db8::1]:41641"), control::EndpointType::Local}};
  wanted.live.home_region = 900;
  wanted.live.capver = 142;
  wanted.live.hostinfo.hostname = "リビングの箱";
  wanted.live.hostinfo.os = "linux";
  wanted.live.last_seen = kNow;
  wanted.answers_subdomains = true;
  wanted.approved_routes = {*Prefix::parse("10.77.0.0/24"), *Prefix::parse("::/0")};
  wanted.live.primary_routes = {*Prefix::parse("10.77.0.0/24")};
  ASSERT_TRUE(store->create_node(wanted, {}, audit()));
  open();
  auto nodes = store->nodes();
  ASSERT_TRUE(nodes) << nodes.error().to_text();
  ASSERT_EQ(nodes->size(), 1u);
  const NodeRecord& got = nodes->front();
  EXPECT_EQ(got.machine, wanted.machine);
  EXPECT_EQ(got.node_key, wanted.node_key);
  EXPECT_EQ(got.stable_id, wanted.stable_id);
  EXPECT_EQ(got.label, "web1");
  EXPECT_TRUE(got.label_is_chosen);
  EXPECT_TRUE(got.ephemeral);
  EXPECT_FALSE(got.authorized);
  EXPECT_EQ(got.ipv4, wanted.ipv4);
  EXPECT_EQ(got.ipv6, wanted.ipv6);
  EXPECT_EQ(got.key_expiry, wanted.key_expiry);
  EXPECT_EQ(got.approved_routes, wanted.approved_routes);
  EXPECT_TRUE(got.answers_subdomains);
  EXPECT_EQ(got.live, wanted.live);
}

TEST_F(SqliteStore, GivesAnIpv4AddressOnceInAnAccount) {
  make_account();
  ASSERT_TRUE(store->create_node(node("a", "100.64.0.1"), {}, audit()));
  auto second = store->create_node(node("b", "100.64.0.1"), {}, audit());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::Taken);
  EXPECT_EQ(store->nodes()->size(), 1u) << "a refused node must leave nothing behind";
  make_account("other");
  EXPECT_TRUE(store->create_node(node("a", "100.64.0.1"), {}, audit()));
}

TEST_F(SqliteStore, GivesAnIpv6AddressOnceOverAllAccounts) {
  make_account();
  NodeRecord first = node("a", "100.64.0.1");
  ASSERT_TRUE(store->create_node(first, {}, audit()));
  make_account("other");
  NodeRecord second = node("a", "100.64.0.1");
  second.ipv6 = first.ipv6;
  auto refused = store->create_node(second, {}, audit());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::Taken);
}

TEST_F(SqliteStore, NeverUsesANodeNumberAgain) {
  make_account();
  auto first = store->create_node(node("a", "100.64.0.1"), {}, audit());
  ASSERT_TRUE(first);
  ASSERT_TRUE(store->delete_node(first->id, kNow, audit("DELETE")));
  open();
  auto second = store->create_node(node("b", "100.64.0.2"), {}, audit());
  ASSERT_TRUE(second);
  EXPECT_GT(second->id, first->id);
}

TEST_F(SqliteStore, MovesAnAddressAndKeepsTheOldOneInQuarantine) {
  make_account();
  auto made = store->create_node(node("a", "100.64.0.1"), {}, audit());
  const IpAddress wanted = *IpAddress::parse("100.80.0.1");
  AuditEntry entry = audit("UPDATE");
  entry.property = "ADDRESS";
  entry.old_value = R"(["100.64.0.1"])";
  ASSERT_TRUE(store->change_addresses(move(*made, "100.80.0.1"), {entry}));
  open();
  EXPECT_EQ(store->nodes()->front().ipv4, wanted);
  auto kept = store->quarantines(kNow);
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front().address.to_text(), "100.64.0.1");
  EXPECT_EQ(kept->front().former, made->id);
  EXPECT_EQ(store->audit_log(account.id, {}, 10)->back().property, "ADDRESS");
  EXPECT_TRUE(store->quarantines(kNow + std::chrono::hours(25))->empty());
}

TEST_F(SqliteStore, RefusesToMoveOntoATakenAddressAndChangesNothing) {
  make_account();
  auto a = store->create_node(node("a", "100.64.0.1"), {}, audit());
  ASSERT_TRUE(store->create_node(node("b", "100.64.0.2"), {}, audit()));
  const std::size_t lines = store->audit_log(account.id, {}, 100)->size();
  auto moved = store->change_addresses(move(*a, "100.64.0.2"), {audit("UPDATE")});
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().kind, Kind::Taken);
  EXPECT_EQ(store->nodes()->front().ipv4.to_text(), "100.64.0.1");
  EXPECT_TRUE(store->quarantines(kNow)->empty());
  EXPECT_EQ(store->audit_log(account.id, {}, 100)->size(), lines);
}

TEST_F(SqliteStore, LetsAOneOffKeyInOnce) {
  make_account();
  const AuthKey key = auth_key("kOnce", false);
  ASSERT_TRUE(store->create_node(node("a", "100.64.0.1"), key.id, audit()));
  auto second = store->create_node(node("b", "100.64.0.2"), key.id, audit());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::Spent);
  EXPECT_EQ(store->nodes()->size(), 1u);
  EXPECT_TRUE((*store->auth_key("kOnce"))->spent());
}

TEST_F(SqliteStore, CountsTheUsesOfAReusableKeyAndRefusesARevokedOne) {
  make_account();
  const AuthKey key = auth_key("kMany", true);
  ASSERT_TRUE(store->create_node(node("a", "100.64.0.1"), key.id, audit()));
  ASSERT_TRUE(store->create_node(node("b", "100.64.0.2"), key.id, audit()));
  EXPECT_EQ((*store->auth_key("kMany"))->uses, 2);
  ASSERT_TRUE(store->revoke_auth_key(key.id, kNow, audit("REVOKE")));
  EXPECT_FALSE(store->create_node(node("c", "100.64.0.3"), key.id, audit()));
  auto again = store->revoke_auth_key(key.id, kNow, audit("REVOKE"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Kind::NotFound);
}

TEST_F(SqliteStore, SavesTheLivePartOfManyNodesAtOnce) {
  make_account();
  auto a = store->create_node(node("a", "100.64.0.1"), {}, audit());
  NodeLive live;
  live.home_region = 900;
  const std::vector<std::pair<NodeId, const NodeLive*>> batch = {
      {a->id, &live}, {NodeId{4711}, &live}};
  ASSERT_TRUE(store->save_live(batch));
  EXPECT_EQ(store->nodes()->front().live.home_region, 900);
}

TEST_F(SqliteStore, KeepsTheDnsConfigurationOfAnAccount) {
  make_account();
  EXPECT_EQ(store->accounts()->front().dns, first_dns());
  control::DnsConfig dns;
  dns.routes["corp.example"] = {{"10.0.0.53", {}, true}};
  dns.extra_records = {{"nas.corp.example", "A", "10.0.0.7"}};
  ASSERT_TRUE(store->update_dns(account.id, dns, audit("UPDATE")));
  const std::size_t lines = store->audit_log(account.id, {}, 100)->size();
  EXPECT_FALSE(store->update_dns(AccountId{4711}, dns, audit("UPDATE")));
  open();
  EXPECT_EQ(store->accounts()->front().dns, dns);
  EXPECT_EQ(store->audit_log(account.id, {}, 100)->size(), lines) << "no line for a failure";
}

TEST_F(SqliteStore, BringsAFileOfTheFirstVersionUpToDate) {
  make_account();
  ASSERT_TRUE(store->create_node(node("a", "100.64.0.1"), {}, audit()));
  store.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(dir.file("coord.db").c_str(), &raw), SQLITE_OK);
  // What later steps of the schema have added.
  const std::map<std::string, std::vector<std::string>> added = {
      {"nodes",
       {"approved_routes", "primary_routes", "answers_subdomains", "tags", "never_owned",
        "forwarding_off"}},
      {"auth_keys", {"tags", "client"}},
      {"accounts",
       {"dns", "devices_approval", "devices_key_days", "users_approval", "policy_elsewhere",
        "policy_link", "users_may_join", "auto_updates", "flow_logging", "regional_routing",
        "posture_identity", "https", "contact_account", "contact_support", "contact_security",
        "policy", "removed"}},
      {"users", {"status"}},
      {"audit_log", {"event_group", "source", "prev_hash", "hash"}}};
  std::string undo =
      "PRAGMA user_version = 1; DROP TRIGGER service_is_free_on_insert; DROP TRIGGER "
      "service_is_free_on_update; DROP TRIGGER address_is_no_service_on_insert; DROP TRIGGER "
      "address_is_no_service_on_update; DROP TRIGGER alias_is_no_service; DROP TRIGGER "
      "label_is_no_service_on_insert; DROP TRIGGER label_is_no_service_on_update;"
      "DROP TABLE service_hosts; DROP TABLE services;"
      "DROP TABLE oauth_clients; DROP TABLE access_tokens;"
      "DROP TABLE node_attributes; DROP TABLE policies; DROP INDEX audit_by_time; DROP TRIGGER "
      "audit_is_kept;"
      "DROP TRIGGER address_is_no_alias_on_insert; DROP TRIGGER address_is_no_alias_on_update;"
      "DROP TABLE aliases; DROP TABLE shares; DROP TABLE device_invites;"
      "DROP TRIGGER address_is_free_on_insert; DROP TRIGGER address_is_free_on_update;"
      "DROP TABLE credentials; DROP TABLE browser_sessions; DROP TABLE one_time_links; DROP TABLE "
      "identities;"
      "DROP TABLE waiting_contacts; DROP TABLE posture_integrations;"
      "DROP TABLE flow_logs; DROP TABLE flow_log_sizes; DROP TABLE flow_reporters;"
      "DROP TABLE wireguard_clients; DROP TABLE wireguard_devices;"
      "DROP TABLE user_invites; DROP TABLE webhooks; DROP TABLE audit_heads; DROP TABLE "
      "log_streams;"
      "DROP TABLE relay_sources; DROP TABLE relay_regions; DROP TABLE relay_choices;"
      "DROP TABLE former_addresses; DROP TABLE address_moves; DROP TABLE address_changes;"
      "DROP TABLE address_reservations; ALTER TABLE quarantine RENAME COLUMN address TO ipv4;";
  for (const auto& [table, columns] : added) {
    for (const std::string& column : columns) {
      undo += "ALTER TABLE " + table + " DROP COLUMN " + column + ';';
    }
  }
  ASSERT_EQ(sqlite3_exec(raw, undo.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  open();
  EXPECT_TRUE(store->accounts()->front().dns.proxied);
  EXPECT_TRUE(store->nodes()->front().approved_routes.empty());
  const auto walk = store->check_audit(account.id, 0, 100);  // what was logged by then, too
  EXPECT_EQ(walk->lines, 2u);
  EXPECT_TRUE(walk->at_end && walk->faults.empty());
}

TEST_F(SqliteStore, KeepsHowServicesAreAskedAboutMachines) {
  make_account();
  PostureIntegration wish;
  wish.public_id = "p1";
  wish.account = account.id;
  wish.provider = "intune";
  wish.access = {"global", "client", "tenant", "secret"};
  wish.changed = kNow;
  PostureIntegration kept = *store->create_posture_integration(wish, audit());
  wish.public_id = "p2";
  EXPECT_EQ(
      store->create_posture_integration(wish, audit()).error().kind, StoreError::Kind::Taken);
  kept.access.secret = "another";
  kept.changed = kNow + std::chrono::seconds(1);
  ASSERT_TRUE(store->update_posture_integration(kept, audit()));
  kept.synced = kNow;
  kept.trouble = "away";
  kept.hosts = 7;
  kept.matched = 2;
  kept.possible = 3;
  ASSERT_TRUE(store->note_posture_sync(kept));
  store.reset();
  open();
  EXPECT_EQ(*store->posture_integrations(), std::vector<PostureIntegration>{kept});
  ASSERT_TRUE(store->remove_posture_integration(kept.id, audit()));
  EXPECT_TRUE(store->posture_integrations()->empty());
  EXPECT_EQ(
      store->remove_posture_integration(kept.id, audit()).error().kind,
      StoreError::Kind::NotFound);
}

TEST_F(SqliteStore, KeepsPlainWireguardDevicesAndWhomTheyKnow) {
  make_account();
  const NodeRecord laptop = *store->create_node(node("laptop", "100.64.0.1"), {}, audit());
  NodeRecord exit = node("exit", "100.64.0.2");
  exit.wireguard = WireguardDevice{
      NodePrivateKey::generate(rng).public_key(), {*IpAddress::parse("10.64.0.1")}, true, {}};
  exit.wireguard->clients[laptop.id] = {laptop.node_key, *IpAddress::parse("10.66.3.4"), {}};
  exit = *store->create_node(exit, {}, audit());
  open();
  EXPECT_EQ(store->nodes()->at(1).wireguard, exit.wireguard);
  EXPECT_FALSE(store->nodes()->at(0).wireguard);

  NodeRecord same_key = node("again", "100.64.0.3");
  same_key.wireguard = exit.wireguard;
  EXPECT_EQ(store->create_node(same_key, {}, audit()).error().kind, StoreError::Kind::Taken);
  EXPECT_EQ(store->nodes()->size(), 2u);  // nothing of it is left

  exit.wireguard->resolvers.clear();
  exit.wireguard->clients[laptop.id].ipv6 = *IpAddress::parse("fc00:bbbb::3");
  ASSERT_TRUE(store->update_node(exit, {}, audit("UPDATE")));
  EXPECT_EQ(store->nodes()->at(1).wireguard, exit.wireguard);
  ASSERT_TRUE(store->delete_node(laptop.id, kNow, audit("DELETE")));
  EXPECT_TRUE(store->nodes()->front().wireguard->clients.empty());
  ASSERT_TRUE(store->delete_node(exit.id, kNow, audit("DELETE")));

  make_account("other");  // may have the same company's server
  same_key = node("exit", "100.64.0.2");
  same_key.wireguard = exit.wireguard;
  same_key.wireguard->clients.clear();
  EXPECT_TRUE(store->create_node(same_key, {}, audit()));
}

TEST_F(SqliteStore, KeepsWhereLogsAreSentAndHowFarThatHasGot) {
  make_account();
  LogStream stream;
  stream.account = account.id;
  stream.log = "configuration";
  stream.told_line = 1;
  // Each field another text: none ends up in the place of another one.
  LogDestination& to = stream.to;
  int number = 0;
  for (std::string* field :
       {&to.type, &to.url, &to.user, &to.token, &to.compression, &to.s3_bucket, &to.s3_region,
        &to.s3_key_prefix, &to.s3_authentication, &to.s3_access_key, &to.s3_secret_key,
        &to.s3_role, &to.s3_external_id, &to.gcs_bucket, &to.gcs_key_prefix,
        &to.gcs_credentials}) {
    *field = "text" + std::to_string(++number);
  }
  to.upload_minutes = 7;
  to.gcs_scopes = {"a", "b"};
  stream = *store->create_log_stream(stream, audit());
  EXPECT_EQ(store->create_log_stream(stream, audit()).error().kind, StoreError::Kind::Taken);
  open();
  ASSERT_EQ(*store->log_streams(), std::vector{stream});

  stream.to = {};
  stream.to.type = "splunk";
  ASSERT_TRUE(store->update_log_stream(stream, audit("UPDATE")));
  stream.told_line = 9;
  stream.last_sent = kNow;
  stream.entries = 1, stream.bytes = 2, stream.requests = 3, stream.failed_requests = 4;
  stream.longest_body = 5;
  ASSERT_TRUE(store->note_streamed(stream));
  open();
  EXPECT_EQ(*store->log_streams(), std::vector{stream});
  ASSERT_TRUE(store->remove_log_stream(stream.id, audit("DELETE")));
  EXPECT_TRUE(store->log_streams()->empty());
  EXPECT_FALSE(store->note_streamed(stream));

  ASSERT_TRUE(store->create_log_stream(stream, audit()));
  ASSERT_TRUE(store->remove_account(account.id, audit("DELETE")));
  EXPECT_TRUE(store->log_streams()->empty());
}

TEST_F(SqliteStore, KeepsWhatIsSaidOfRelays) {
  make_account();
  const std::string url = "https://maps.example/";
  const std::vector<RelayRegion> by_hand = {{7, {}, "{\"a\":1}"}},
                                 theirs = {{7, url, "{}"}, {8, url, "{}"}};
  const std::vector<RelayChoice> choices = {{7, true, 0.1}};
  ASSERT_TRUE(store->put_relay_regions(by_hand, audit()));
  ASSERT_TRUE(store->set_relay_choice({7, false, 2}, audit()));
  ASSERT_TRUE(store->set_relay_choice(choices[0], audit()));
  ASSERT_TRUE(store->add_relay_source({url, {}, {}}, audit()));
  EXPECT_EQ(store->add_relay_source({url, {}, {}}, audit()).error().kind, StoreError::Kind::Taken);
  ASSERT_TRUE(store->note_relay_source({url, kNow, {}}, theirs));
  ASSERT_TRUE(store->note_relay_source({url, kNow, "refused"}, std::nullopt));
  open();
  EXPECT_EQ(*store->relay_choices(), choices);
  EXPECT_EQ(*store->relay_sources(), (std::vector<RelaySource>{{url, kNow, "refused"}}));
  EXPECT_EQ(*store->relay_regions(), (std::vector<RelayRegion>{by_hand[0], theirs[0], theirs[1]}));
  ASSERT_TRUE(store->remove_relay_source(url, audit()));
  EXPECT_EQ(*store->relay_regions(), by_hand);
  ASSERT_TRUE(store->remove_relay_region(7, audit()));
  EXPECT_EQ(store->remove_relay_region(7, audit()).error().kind, StoreError::Kind::NotFound);
}

TEST_F(SqliteStore, KeepsContactsAndThoseThatWait) {
  make_account();
  const WaitingContact first{
      account.id, ContactKind::Security, "first@example.com", rng.array<32>(), kNow};
  ASSERT_TRUE(store->put_waiting_contact(first, audit()));
  const WaitingContact second{
      account.id, ContactKind::Security, "second@example.com", rng.array<32>(), kNow};
  ASSERT_TRUE(store->put_waiting_contact(second, audit()));
  ASSERT_TRUE(store->set_contact(account.id, ContactKind::Support, "help@example.com", audit()));
  open();
  ASSERT_EQ(store->waiting_contacts()->size(), 1u);
  const WaitingContact kept = store->waiting_contacts()->front();
  EXPECT_EQ(kept.kind, ContactKind::Security);
  EXPECT_EQ(kept.email, "second@example.com");
  EXPECT_EQ(kept.link, second.link);
  EXPECT_EQ(kept.link_expires, kNow);
  ASSERT_TRUE(store->set_contact(account.id, ContactKind::Security, kept.email, audit()));
  EXPECT_TRUE(store->waiting_contacts()->empty());
  EXPECT_EQ(
      store->accounts()->front().contacts,
      (std::array<std::string, 3>{"", "help@example.com", "second@example.com"}));
}

TEST_F(SqliteStore, KeepsWhenInvitationsWereMailed) {
  make_account();
  UserInvite person;
  person.account = account.id;
  person.inviter = user.id;
  person.nonce = rng.array<32>();
  const UserInvite made = store->create_user_invites({person}, {audit()})->front();
  DeviceInvite shared;
  shared.account = account.id;
  shared.device = store->create_node(node("nas", "100.64.0.1"), {}, audit())->id;
  shared.sharer = user.id;
  shared.nonce = rng.array<32>();
  const DeviceInvite link = store->create_device_invites({shared}, {audit()})->front();
  EXPECT_FALSE(store->user_invites()->front().mailed);
  EXPECT_FALSE(store->device_invites()->front().mailed);
  ASSERT_TRUE(store->note_user_invite_mailed(made.id, kNow));
  ASSERT_TRUE(store->note_device_invite_mailed(link.id, kNow));
  open();
  EXPECT_EQ(store->user_invites()->front().mailed, kNow);
  EXPECT_EQ(store->device_invites()->front().mailed, kNow);
}

TEST_F(SqliteStore, KeepsServerValues) {
  EXPECT_FALSE(store->server_value("noise-key")->has_value());
  ASSERT_TRUE(store->set_server_value("noise-key", "privkey:1"));
  ASSERT_TRUE(store->set_server_value("noise-key", "privkey:2"));
  open();
  EXPECT_EQ(**store->server_value("noise-key"), "privkey:2");
}

TEST_F(SqliteStore, WritesItsFileForItsOwnerOnly) {
  make_account();
  for (const char* name : {"coord.db", "coord.db-wal"}) {
    struct stat info {};
    ASSERT_EQ(::stat(dir.file(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(SqliteStore, DoesNotLetTheAuditLogBeRewritten) {
  make_account();
  store.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(dir.file("coord.db").c_str(), &raw), SQLITE_OK);
  EXPECT_NE(
      sqlite3_exec(raw, "UPDATE audit_log SET action = 'X'", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
}

TEST_F(SqliteStore, RefusesAFileOfANewerVersion) {
  store.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(dir.file("coord.db").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version = 999", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  auto opened = open_sqlite_store(dir.file("coord.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Kind::Damaged);
}

TEST_F(SqliteStore, SaysThatAFileIsNoDatabase) {
  std::ofstream(dir.file("junk.db")) << std::string(5000, 'x');
  auto opened = open_sqlite_store(dir.file("junk.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Kind::Damaged);
}

TEST_F(SqliteStore, SaysThatTheFolderIsMissing) {
  auto opened = open_sqlite_store(dir.file("no/such/coord.db"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Kind::NotFound);
}

}  // namespace
}  // namespace aya::store
