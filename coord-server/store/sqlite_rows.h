// Rows to records and values to columns. Private to the room.
//
// Reading is strict: a column that does not parse makes the database a damaged one, which the
// server refuses to start with; a silent default would hand a node somebody else's identity.
#pragma once

#include "coord-server/store/sqlite_database.h"

namespace aya::store {

// Collects the first column that did not parse; reads go on with defaults until the row is done.
class RowReader {
 public:
  explicit RowReader(const SqlRow& row) : row_(row) {}

  template <class Id>
  Id id() {
    return Id{row_.integer(next_++)};
  }
  std::int64_t integer() { return row_.integer(next_++); }
  bool flag() { return row_.flag(next_++); }
  std::string text() { return std::string(row_.text(next_++)); }
  WallTime time();
  std::optional<WallTime> optional_time();
  IpAddress address();
  std::optional<IpAddress> optional_address();
  SecretHash hash();
  std::vector<SecretHash> hashes();  // hexadecimal, with blanks between them
  std::vector<KnownEndpoint> endpoints();
  control::Hostinfo hostinfo();
  std::vector<Prefix> prefixes();
  double number();  // kept as text
  std::vector<std::string> words();
  std::map<std::string, std::string> pairs();
  control::DnsConfig dns();
  template <class Key>
  Key key() {
    return take(Key::parse(row_.text(next_)));
  }

  bool failed() const { return failed_; }

 private:
  template <class T>
  T take(std::optional<T> parsed) {
    ++next_;
    if (parsed) return *parsed;
    failed_ = true;
    return T{};
  }

  const SqlRow& row_;
  int next_ = 0;
  bool failed_ = false;
};

// The column lists these read, in order; each belongs to the function below it.
inline constexpr const char* kAccountColumns =
    "id, name, domain, created, dns, devices_approval, devices_key_days, users_approval, "
    "policy_elsewhere, policy_link, users_may_join, auto_updates, flow_logging, regional_routing, "
    "posture_identity, https, contact_account, contact_support, contact_security, policy";
Account read_account(RowReader& row);
inline constexpr const char* kUserColumns =
    "id, account_id, login, display_name, role, created, status";
User read_user(RowReader& row);
// Over `nodes JOIN node_addresses ON node_id = id`.
inline constexpr const char* kNodeColumns =
    "id, nodes.account_id, user_id, stable_id, machine_key, node_key, label, label_is_chosen, "
    "ephemeral, authorized, created, key_expiry, disco_key, endpoints, home_region, capver, "
    "hostinfo, last_seen, approved_routes, answers_subdomains, tags, "
    "never_owned, primary_routes, forwarding_off, ipv4, ipv6";
NodeRecord read_node(RowReader& row);
inline constexpr const char* kQuarantineColumns = "account_id, address, former_node, until";
Quarantine read_quarantine(RowReader& row);
inline constexpr const char* kAuthKeyColumns =
    "id, public_id, account_id, user_id, secret_sha256, reusable, ephemeral, preauthorized, "
    "description, created, expires, revoked, uses, tags, client, "
    "(SELECT ipv4 FROM address_reservations WHERE auth_key_id = id)";
AuthKey read_auth_key(RowReader& row);
inline constexpr const char* kApiTokenColumns =
    "id, public_id, account_id, user_id, secret_sha256, description, created, expires, revoked";
ApiToken read_api_token(RowReader& row);
inline constexpr const char* kAuditColumns =
    "account_id, time, origin, actor, action, target_type, target_id, target_name, property, "
    "old_value, new_value, details, event_group, source";
inline constexpr int kAuditTexts = 13;  // of those: all but the account
AuditEntry read_audit(RowReader& row);

inline constexpr const char* kOAuthClientColumns =
    "id, public_id, account_id, user_id, secret_sha256, scopes, tags, description, created, "
    "updated, revoked, issuer, subject, audience, claims";
OAuthClient read_oauth_client(RowReader& row);
inline constexpr const char* kAccessTokenColumns =
    "public_id, client, secret_sha256, scopes, tags, created, expires";
AccessToken read_access_token(RowReader& row);
std::string endpoints_column(const std::vector<KnownEndpoint>& endpoints);
std::string dns_column(const control::DnsConfig& dns);
// Texts without blanks, such as tags.
std::string words_column(const std::vector<std::string>& words);
// A line for each, name and value with a tab between them: texts without control characters.
std::string pairs_column(const std::map<std::string, std::string>& pairs);
std::string prefixes_column(const std::vector<Prefix>& prefixes);
std::string hostinfo_column(const control::Hostinfo& hostinfo);

// A time that may be absent, as NULL or text. Owns the text a SqlValue borrows.
class TimeColumn {
 public:
  explicit TimeColumn(const std::optional<WallTime>& time) {
    if (time) text_ = to_rfc3339(*time);
  }
  SqlValue value() const { return text_ ? SqlValue(*text_) : SqlValue(nullptr); }

 private:
  std::optional<std::string> text_;
};

}  // namespace aya::store
