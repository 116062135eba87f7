// The Store of one SQLite file: one class over many files, each noun with its statements in a file
// of its own, sqlite_<noun>.cpp. Private to the room.
#pragma once

#include <algorithm>

#include "coord-server/store/sqlite_rows.h"

namespace aya::store {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)), db_(*database_) {}

  Stored<std::vector<Account>> accounts() override {
    return all(read_account, kAccountColumns, "accounts WHERE removed IS NULL ORDER BY id", {});
  }
  Stored<std::vector<User>> users() override {
    return all(read_user, kUserColumns, "users ORDER BY id", {});
  }
  Stored<std::vector<NodeRecord>> nodes() override;
  Stored<std::vector<Quarantine>> quarantines(WallTime now) override;

  Stored<std::optional<std::string>> server_value(std::string_view name) override;
  Stored<void> set_server_value(std::string_view name, std::string_view value) override;

  Stored<Account> create_account(Account account) override;
  Stored<void> update_dns(
      AccountId account, const control::DnsConfig& dns, const AuditEntry& audit) override;
  Stored<void> update_settings(
      AccountId account, const AccountSettings& settings, const AuditEntry& audit) override;
  Stored<std::vector<WaitingContact>> waiting_contacts() override;
  Stored<void> put_waiting_contact(
      const WaitingContact& contact, const AuditEntry& audit) override;
  Stored<void> set_contact(
      AccountId account, ContactKind kind, const std::string& email,
      const AuditEntry& audit) override;
  Stored<void> remove_account(AccountId account, const AuditEntry& audit) override;
  Stored<User> create_user(User user, AuditEntry audit, const FirstLogin& how) override;

  Stored<void> update_user(const User& user, const AuditEntry& audit) override;
  Stored<void> delete_user(UserId user, const AuditEntry& audit) override;
  Stored<Credentials> credentials(UserId user) override;
  Stored<void> set_credentials(
      const Credentials& credentials, const std::optional<AuditEntry>& audit,
      const std::optional<EndSessions>& end) override;
  Stored<void> create_session(const BrowserSession& session, const AuditEntry& audit) override;
  Stored<std::optional<BrowserSession>> session(const SecretHash& id) override;
  Stored<std::vector<BrowserSession>> sessions(UserId user) override;
  Stored<void> touch_session(const SecretHash& id, WallTime used) override;
  Stored<void> delete_session(const SecretHash& id) override;
  Stored<void> delete_sessions(UserId user, const std::optional<SecretHash>& but) override;
  Stored<void> create_link(const OneTimeLink& link, const AuditEntry& audit) override;
  Stored<std::optional<OneTimeLink>> link(const SecretHash& id) override;
  Stored<void> redeem_link(const SecretHash& id) override;
  Stored<std::vector<UserInvite>> user_invites() override;
  Stored<std::vector<UserInvite>> create_user_invites(
      std::vector<UserInvite> invites, const std::vector<AuditEntry>& audit) override;
  Stored<void> delete_user_invite(UserInviteId invite, const AuditEntry& audit) override;
  Stored<void> note_user_invite_mailed(UserInviteId invite, WallTime when) override;
  Stored<std::optional<Identity>> identity(
      AccountId account, std::string_view issuer, std::string_view subject) override;

  Stored<PolicyVersion> set_policy(PolicyVersion policy, const AuditEntry& audit) override;
  Stored<std::vector<PolicyVersion>> policy_versions(AccountId account) override;

  Stored<NodeRecord> create_node(
      NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit) override;
  Stored<void> update_node(
      const NodeRecord& node, std::optional<AuthKeyId> redeemed,
      const std::optional<AuditEntry>& audit) override;
  Stored<void> delete_node(NodeId node, WallTime free_again, const AuditEntry& audit) override;
  Stored<void> save_live(std::span<const std::pair<NodeId, const NodeLive*>> nodes) override;

  Stored<void> set_attributes(
      NodeId node, const std::map<std::string, std::optional<NodeAttribute>>& changes,
      const AuditEntry& audit) override;

  Stored<void> change_addresses(
      const AddressChange& change, const std::vector<AuditEntry>& audit) override;
  Stored<std::optional<AddressChange>> last_address_change(NodeId node, WallTime now) override;
  Stored<std::vector<FormerAddressRow>> former_addresses() override;
  Stored<void> end_former_address(
      NodeId node, const IpAddress& former, WallTime free_again, const AuditEntry& audit) override;
  Stored<std::vector<Reservation>> reservations(AccountId account, WallTime now) override;

  Stored<std::vector<RelayRegion>> relay_regions() override;
  Stored<std::vector<RelayChoice>> relay_choices() override;
  Stored<std::vector<RelaySource>> relay_sources() override;
  Stored<void> put_relay_regions(
      const std::vector<RelayRegion>& regions, const AuditEntry& audit) override;
  Stored<void> remove_relay_region(RegionId id, const AuditEntry& audit) override;
  Stored<void> set_relay_choice(const RelayChoice& choice, const AuditEntry& audit) override;
  Stored<void> add_relay_source(const RelaySource& source, const AuditEntry& audit) override;
  Stored<void> remove_relay_source(const std::string& url, const AuditEntry& audit) override;
  Stored<void> note_relay_source(
      const RelaySource& source, const std::optional<std::vector<RelayRegion>>& regions) override;

  Stored<std::vector<Webhook>> webhooks() override;
  Stored<Webhook> create_webhook(Webhook webhook, const AuditEntry& audit) override;
  Stored<void> update_webhook(const Webhook& webhook, const AuditEntry& audit) override;
  Stored<void> remove_webhook(WebhookId id, const AuditEntry& audit) override;
  Stored<void> note_told(const Webhook& webhook) override;

  Stored<std::vector<LogStream>> log_streams() override;
  Stored<LogStream> create_log_stream(LogStream stream, const AuditEntry& audit) override;
  Stored<void> update_log_stream(const LogStream& stream, const AuditEntry& audit) override;
  Stored<void> remove_log_stream(LogStreamId id, const AuditEntry& audit) override;
  Stored<void> note_streamed(const LogStream& stream) override;

  Stored<std::vector<PostureIntegration>> posture_integrations() override;
  Stored<PostureIntegration> create_posture_integration(
      PostureIntegration integration, const AuditEntry& audit) override;
  Stored<void> update_posture_integration(
      const PostureIntegration& integration, const AuditEntry& audit) override;
  Stored<void> remove_posture_integration(
      PostureIntegrationId id, const AuditEntry& audit) override;
  Stored<void> note_posture_sync(const PostureIntegration& integration) override;

  Stored<std::size_t> add_flows(AccountId account, const FlowBatch& batch) override;
  Stored<void> each_flow(
      AccountId account, const FlowQuery& wanted,
      const std::function<void(const FlowRow&)>& each) override;
  Stored<FlowSize> size_of_flows(AccountId account, const FlowQuery& wanted) override;
  Stored<std::vector<FlowRow>> flows_after(
      AccountId account, std::int64_t number, std::size_t most_rows,
      std::size_t most_bytes) override;
  std::int64_t newest_flow() override;
  Stored<bool> prune_flows(WallTime before, std::uint64_t most_bytes) override;

  Stored<std::vector<Service>> services() override;
  Stored<std::vector<ServiceHostRow>> service_hosts() override;
  Stored<std::vector<ServiceCarrier>> service_carriers() override;
  Stored<void> create_service(const Service& service, const AuditEntry& audit) override;
  Stored<void> update_service(
      const Service& service, WallTime free_again, const AuditEntry& audit) override;
  Stored<void> remove_service(
      const Service& service, WallTime free_again, const AuditEntry& audit) override;
  Stored<void> put_service_hosts(
      const std::vector<ServiceHostRow>& hosts, const std::optional<AuditEntry>& audit) override;
  Stored<void> save_service_carriers(const std::vector<ServiceCarrier>& carriers) override;

  Stored<std::vector<DeviceInvite>> device_invites() override;
  Stored<std::vector<Share>> shares() override;
  Stored<std::vector<Alias>> aliases() override;
  Stored<std::vector<DeviceInvite>> create_device_invites(
      std::vector<DeviceInvite> invites, const std::vector<AuditEntry>& audit) override;
  Stored<void> accept_device_invite(
      const Share& share, const std::vector<AuditEntry>& audit) override;
  Stored<void> delete_device_invite(InviteId invite, const std::vector<AuditEntry>& audit) override;
  Stored<void> note_device_invite_mailed(InviteId invite, WallTime when) override;
  Stored<void> leave_share(const Share& share, const std::vector<AuditEntry>& audit) override;
  Stored<void> change_aliases(
      const std::vector<Alias>& begin, const std::vector<Alias>& end, WallTime free_again) override;

  Stored<AuthKey> create_auth_key(AuthKey key, AuditEntry audit) override;
  Stored<std::optional<AuthKey>> auth_key(std::string_view public_id) override {
    return first(all(read_auth_key, kAuthKeyColumns, "auth_keys WHERE public_id = ?", {public_id}));
  }
  Stored<std::vector<AuthKey>> auth_keys(AccountId account) override {
    return all(
        read_auth_key, kAuthKeyColumns, "auth_keys WHERE account_id = ? ORDER BY id", {account});
  }
  Stored<void> revoke_auth_key(AuthKeyId key, WallTime now, const AuditEntry& audit) override {
    return revoke(
        "UPDATE auth_keys SET revoked = ? WHERE id = ? AND revoked IS NULL", key.value, now, audit);
  }

  Stored<ApiToken> create_api_token(ApiToken token, AuditEntry audit) override;
  Stored<std::optional<ApiToken>> api_token(std::string_view public_id) override {
    return first(
        all(read_api_token, kApiTokenColumns, "api_tokens WHERE public_id = ?", {public_id}));
  }
  Stored<std::vector<ApiToken>> api_tokens(AccountId account) override {
    return all(
        read_api_token, kApiTokenColumns, "api_tokens WHERE account_id = ? ORDER BY id", {account});
  }
  Stored<void> revoke_api_token(ApiTokenId token, WallTime now, const AuditEntry& audit) override {
    return revoke(
        "UPDATE api_tokens SET revoked = ? WHERE id = ? AND revoked IS NULL", token.value, now,
        audit);
  }

  Stored<void> add_audit_entry(const AuditEntry& audit) override;
  Stored<std::vector<AuditEntry>> audit_log(
      AccountId account, const AuditQuery& wanted, std::size_t limit) override;
  Stored<std::vector<AuditLine>> audit_after(std::int64_t line, std::size_t limit) override;
  Stored<std::vector<AuditLine>> audit_of_after(
      AccountId account, std::int64_t line, std::size_t limit) override;
  std::int64_t newest_audit_line() override;
  Stored<AuditWalk> check_audit(
      AccountId account, std::int64_t after, std::size_t limit) override;
  Stored<void> probe_write() override {
    return set_server_value("probe", "written to see whether the disk takes it");
  }

  StoreFigures figures() override;

  Stored<OAuthClient> create_oauth_client(OAuthClient client, AuditEntry audit) override;
  Stored<std::optional<OAuthClient>> oauth_client(std::string_view public_id) override {
    return first(all(
        read_oauth_client, kOAuthClientColumns, "oauth_clients WHERE public_id = ?", {public_id}));
  }
  Stored<std::vector<OAuthClient>> oauth_clients(AccountId account) override {
    return all(
        read_oauth_client, kOAuthClientColumns, "oauth_clients WHERE account_id = ? ORDER BY id",
        {account});
  }
  Stored<void> update_oauth_client(const OAuthClient& client, const AuditEntry& audit) override;
  Stored<void> revoke_oauth_client(
      const OAuthClient& client, WallTime now, const AuditEntry& audit) override;
  Stored<void> create_access_token(const AccessToken& token) override;
  Stored<std::optional<AccessToken>> access_token(std::string_view public_id) override {
    return first(all(
        read_access_token, kAccessTokenColumns, "access_tokens WHERE public_id = ?", {public_id}));
  }

 private:
  // Every row of `from` (a table and what follows it), read by `read`.
  template <class T>
  Stored<std::vector<T>> all(
      T (*read)(RowReader&), const char* columns, const std::string& from,
      SqliteDatabase::Values values) {
    std::vector<T> rows;
    bool damaged = false;
    const std::string query = "SELECT " + std::string(columns) + " FROM " + from;
    auto walked = db_.rows(query.c_str(), values, [&](const SqlRow& row) {
      RowReader reader(row);
      rows.push_back(read(reader));
      damaged = damaged || reader.failed();
    });
    if (!walked) return walked.error();
    if (damaged) return StoreError{StoreError::Kind::Damaged, "unreadable row in " + from};
    return rows;
  }

  template <class T>
  static Stored<std::optional<T>> first(Stored<std::vector<T>> rows) {
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<T>();
    return std::optional<T>(std::move(rows->front()));
  }

  // In the transaction of the change.
  Stored<void> log(const AuditEntry& audit);
  Stored<void> chain(const AuditEntry& audit);
  Stored<bool> prune_flows_of(
      AccountId account, std::int64_t bytes, std::int64_t before, std::int64_t most_bytes);
  Stored<void> write_destination(LogStreamId stream, const LogDestination& to);
  Stored<void> log_all(const std::vector<AuditEntry>& audit);
  Stored<void> insert_relay_regions(const std::vector<RelayRegion>& regions);
  Stored<void> write_credentials(const Credentials& credentials);
  Stored<void> let_in(UserId user, const FirstLogin& how);
  Stored<void> redeem(std::optional<AuthKeyId> key);
  Stored<void> read_wireguard(const std::map<NodeId, NodeRecord*>& into);
  Stored<void> write_wireguard(const NodeRecord& node);
  Stored<void> quarantine_addresses_of(NodeId node, WallTime until);
  Stored<void> quarantine(const AddressChange& change, const AddressMove& left);
  Stored<void> begin_rest(const Service& service, WallTime free_again);
  Stored<void> end_rest(const Service& service);
  Stored<void> vacate(const AddressChange& change);
  Stored<void> occupy(const AddressChange& change);
  Stored<void> leave_behind(const AddressChange& change);
  Stored<void> remember(const AddressChange& change);
  Stored<void> revoke(
      const char* statement, std::int64_t id, WallTime now, const AuditEntry& audit);
  Stored<void> change_one(const char* statement, SqliteDatabase::Values values);

  std::unique_ptr<SqliteDatabase> database_;
  SqliteDatabase& db_;
  std::int64_t newest_audit_line_ = 0;
  bool audit_moved_ = true;  // since that was read
  std::uint64_t audit_failed_ = 0;
  std::optional<std::int64_t> newest_flow_;  // nullopt: not read yet
};

}  // namespace aya::store
