#include "coord-server/store/migrations.h"

#include <iterator>

#include "coord-server/store/audit_chain.h"

namespace aya::store {
namespace {

// Times are RFC 3339 text in UTC, addresses their canonical text, public keys their usual text: a
// person with the sqlite3 shell can read every row. AUTOINCREMENT keeps numbers from coming back.
constexpr const char* kFirst = R"sql(
CREATE TABLE server_values (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
  domain  TEXT NOT NULL UNIQUE COLLATE NOCASE,
  created TEXT NOT NULL
);

CREATE TABLE users (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id   INTEGER NOT NULL REFERENCES accounts(id),
  login        TEXT NOT NULL COLLATE NOCASE,
  display_name TEXT NOT NULL,
  role         TEXT NOT NULL,
  created      TEXT NOT NULL,
  UNIQUE (account_id, login)
);

CREATE TABLE nodes (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id      INTEGER NOT NULL REFERENCES accounts(id),
  user_id         INTEGER NOT NULL REFERENCES users(id),
  stable_id       TEXT NOT NULL UNIQUE,
  machine_key     TEXT NOT NULL,
  node_key        TEXT NOT NULL UNIQUE,
  label           TEXT NOT NULL,
  label_is_chosen INTEGER NOT NULL,
  ephemeral       INTEGER NOT NULL,
  authorized      INTEGER NOT NULL,
  created         TEXT NOT NULL,
  key_expiry      TEXT,
  disco_key       TEXT NOT NULL,
  endpoints       TEXT NOT NULL,
  home_region     INTEGER NOT NULL,
  capver          INTEGER NOT NULL,
  hostinfo        TEXT NOT NULL,
  last_seen       TEXT,
  UNIQUE (account_id, machine_key),
  UNIQUE (account_id, label)
);

-- Apart from nodes, because an address edit is a change of this row and nothing else.
CREATE TABLE node_addresses (
  node_id    INTEGER PRIMARY KEY REFERENCES nodes(id) ON DELETE CASCADE,
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  ipv4       TEXT NOT NULL,
  ipv6       TEXT NOT NULL UNIQUE,
  UNIQUE (account_id, ipv4)
);

CREATE TABLE quarantine (
  account_id  INTEGER NOT NULL REFERENCES accounts(id),
  ipv4        TEXT NOT NULL,
  former_node INTEGER NOT NULL,
  until       TEXT NOT NULL,
  PRIMARY KEY (account_id, ipv4)
) WITHOUT ROWID;

CREATE TABLE auth_keys (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id     TEXT NOT NULL UNIQUE,
  account_id    INTEGER NOT NULL REFERENCES accounts(id),
  user_id       INTEGER NOT NULL REFERENCES users(id),
  secret_sha256 BLOB NOT NULL,
  reusable      INTEGER NOT NULL,
  ephemeral     INTEGER NOT NULL,
  preauthorized INTEGER NOT NULL,
  description   TEXT NOT NULL,
  created       TEXT NOT NULL,
  expires       TEXT NOT NULL,
  revoked       TEXT,
  uses          INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE api_tokens (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id     TEXT NOT NULL UNIQUE,
  account_id    INTEGER NOT NULL REFERENCES accounts(id),
  user_id       INTEGER NOT NULL REFERENCES users(id),
  secret_sha256 BLOB NOT NULL,
  description   TEXT NOT NULL,
  created       TEXT NOT NULL,
  expires       TEXT NOT NULL,
  revoked       TEXT
);

CREATE TABLE audit_log (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id  INTEGER NOT NULL REFERENCES accounts(id),
  time        TEXT NOT NULL,
  origin      TEXT NOT NULL,
  actor       TEXT NOT NULL,
  action      TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id   TEXT NOT NULL,
  target_name TEXT NOT NULL,
  property    TEXT NOT NULL,
  old_value   TEXT NOT NULL,
  new_value   TEXT NOT NULL,
  details     TEXT NOT NULL
);
CREATE INDEX audit_by_account ON audit_log (account_id, id);

-- What was logged stays as it was logged.
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
)sql";

// Prefixes with blanks between them. The second is the choice among several routers.
constexpr const char* kRoutes = R"sql(
ALTER TABLE nodes ADD COLUMN approved_routes TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN primary_routes  TEXT NOT NULL DEFAULT '';
)sql";

// The configuration is JSON as nodes get it (control 6.8).
constexpr const char* kNames = R"sql(
ALTER TABLE accounts ADD COLUMN dns TEXT NOT NULL DEFAULT '{"Proxied":true}';
ALTER TABLE nodes    ADD COLUMN answers_subdomains INTEGER NOT NULL DEFAULT 0;
)sql";

// Tags with blanks between them.
constexpr const char* kTags = R"sql(
ALTER TABLE nodes     ADD COLUMN tags        TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes     ADD COLUMN never_owned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE auth_keys ADD COLUMN tags        TEXT NOT NULL DEFAULT '';
ALTER TABLE auth_keys ADD COLUMN client      TEXT NOT NULL DEFAULT '';
)sql";

constexpr const char* kSettings = R"sql(
ALTER TABLE accounts ADD COLUMN devices_approval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN devices_key_days INTEGER NOT NULL DEFAULT 180;
ALTER TABLE accounts ADD COLUMN users_approval   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN policy_elsewhere INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN policy_link      TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN users_may_join   TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE accounts ADD COLUMN auto_updates     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN flow_logging     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN regional_routing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN posture_identity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN https            INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr const char* kAutomation = R"sql(
CREATE TABLE oauth_clients (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id     TEXT NOT NULL UNIQUE,
  account_id    INTEGER NOT NULL REFERENCES accounts(id),
  user_id       INTEGER NOT NULL,
  secret_sha256 BLOB NOT NULL,
  scopes        TEXT NOT NULL,
  tags          TEXT NOT NULL,
  description   TEXT NOT NULL,
  created       TEXT NOT NULL,
  updated       TEXT NOT NULL,
  revoked       TEXT
);

CREATE TABLE access_tokens (
  public_id     TEXT PRIMARY KEY,
  client        TEXT NOT NULL,
  secret_sha256 BLOB NOT NULL,
  scopes        TEXT NOT NULL,
  tags          TEXT NOT NULL,
  created       TEXT NOT NULL,
  expires       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE node_attributes (
  node_id INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  value   TEXT NOT NULL,
  expiry  TEXT,
  comment TEXT NOT NULL,
  PRIMARY KEY (node_id, name)
) WITHOUT ROWID;

ALTER TABLE accounts ADD COLUMN contact_account  TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN contact_support  TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN contact_security TEXT NOT NULL DEFAULT '';

ALTER TABLE audit_log ADD COLUMN event_group TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN source      TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_time ON audit_log (account_id, time);
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
)sql";

// The text in force stands with its account, and here with all before it.
constexpr const char* kPolicies = R"sql(
ALTER TABLE accounts ADD COLUMN policy TEXT NOT NULL DEFAULT '';
CREATE TABLE policies (
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  version    INTEGER NOT NULL,
  text       TEXT NOT NULL,
  author     TEXT NOT NULL,
  created    TEXT NOT NULL,
  PRIMARY KEY (account_id, version)
);
)sql";

// Moves and former addresses outlive nothing but what they are about: a removed node cannot be
// moved back. The triggers do for former addresses what UNIQUE does within one table.
constexpr const char* kAddresses = R"sql(
ALTER TABLE quarantine RENAME COLUMN ipv4 TO address;

CREATE TABLE former_addresses (
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  address    TEXT NOT NULL,
  node_id    INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  until      TEXT NOT NULL,
  PRIMARY KEY (account_id, address)
) WITHOUT ROWID;

CREATE TRIGGER address_is_free_on_insert BEFORE INSERT ON node_addresses
WHEN EXISTS (SELECT 1 FROM former_addresses WHERE address IN (NEW.ipv4, NEW.ipv6)
             AND (account_id = NEW.account_id OR address = NEW.ipv6))
BEGIN SELECT RAISE(ABORT, 'another node still answers at this address'); END;

CREATE TRIGGER address_is_free_on_update BEFORE UPDATE OF ipv4, ipv6 ON node_addresses
WHEN EXISTS (SELECT 1 FROM former_addresses WHERE address IN (NEW.ipv4, NEW.ipv6)
             AND (account_id = NEW.account_id OR address = NEW.ipv6))
BEGIN SELECT RAISE(ABORT, 'another node still answers at this address'); END;

CREATE TRIGGER former_is_free BEFORE INSERT ON former_addresses
WHEN EXISTS (SELECT 1 FROM node_addresses
             WHERE (account_id = NEW.account_id AND ipv4 = NEW.address) OR ipv6 = NEW.address)
BEGIN SELECT RAISE(ABORT, 'another node has this address'); END;

CREATE TABLE address_changes (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  time       TEXT NOT NULL
);

CREATE TABLE address_moves (
  change_id   INTEGER NOT NULL REFERENCES address_changes(id) ON DELETE CASCADE,
  node_id     INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  old_address TEXT NOT NULL,
  new_address TEXT NOT NULL,
  PRIMARY KEY (change_id, node_id, new_address)
) WITHOUT ROWID;
CREATE INDEX address_moves_of_node ON address_moves (node_id, change_id);

CREATE TABLE address_reservations (
  auth_key_id INTEGER PRIMARY KEY REFERENCES auth_keys(id) ON DELETE CASCADE,
  ipv4        TEXT NOT NULL
);
)sql";

// People sign in. A removed account keeps its row, which its log refers to.
constexpr const char* kPeople = R"sql(
ALTER TABLE users    ADD COLUMN status  TEXT NOT NULL DEFAULT 'active';
ALTER TABLE accounts ADD COLUMN removed TEXT;

CREATE TABLE credentials (
  user_id   INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  password  TEXT NOT NULL,
  totp      TEXT NOT NULL,
  totp_step INTEGER NOT NULL,
  recovery  TEXT NOT NULL
);

CREATE TABLE browser_sessions (
  sha256  BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created TEXT NOT NULL,
  used    TEXT NOT NULL,
  place   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON browser_sessions (user_id);

CREATE TABLE one_time_links (
  sha256  BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  expires TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE identities (
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  PRIMARY KEY (account_id, issuer, subject)
) WITHOUT ROWID;
)sql";

// A link is a nonce and a secret of the server; the secret stands elsewhere. Aliases name no node
// of `nodes`: they end with a quarantine, which a removed node cannot begin.
constexpr const char* kSharing = R"sql(
CREATE TABLE device_invites (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id      INTEGER NOT NULL REFERENCES accounts(id),
  device_id       INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  sharer_id       INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  nonce           BLOB NOT NULL UNIQUE,
  multi_use       INTEGER NOT NULL,
  allow_exit_node INTEGER NOT NULL,
  email           TEXT NOT NULL,
  created         TEXT NOT NULL,
  expires         TEXT NOT NULL
);

CREATE TABLE shares (
  invite_id       INTEGER NOT NULL REFERENCES device_invites(id) ON DELETE CASCADE,
  device_id       INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  account_id      INTEGER NOT NULL REFERENCES accounts(id),
  accepted_by     INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  allow_exit_node INTEGER NOT NULL,
  accepted        TEXT NOT NULL,
  PRIMARY KEY (device_id, account_id)
) WITHOUT ROWID;
CREATE INDEX shares_of_invite ON shares (invite_id);

CREATE TABLE aliases (
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  node_id    INTEGER NOT NULL,
  ipv4       TEXT NOT NULL,
  PRIMARY KEY (account_id, node_id),
  UNIQUE (account_id, ipv4)
) WITHOUT ROWID;

CREATE TRIGGER alias_is_free BEFORE INSERT ON aliases
WHEN EXISTS (SELECT 1 FROM node_addresses
             WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
  OR EXISTS (SELECT 1 FROM former_addresses
             WHERE account_id = NEW.account_id AND address = NEW.ipv4)
BEGIN SELECT RAISE(ABORT, 'a node has this address'); END;

CREATE TRIGGER address_is_no_alias_on_insert BEFORE INSERT ON node_addresses
WHEN EXISTS (SELECT 1 FROM aliases WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
BEGIN SELECT RAISE(ABORT, 'a shared device has this address here'); END;

CREATE TRIGGER address_is_no_alias_on_update BEFORE UPDATE OF ipv4 ON node_addresses
WHEN EXISTS (SELECT 1 FROM aliases WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
BEGIN SELECT RAISE(ABORT, 'a shared device has this address here'); END;
)sql";

// What an administrator says about relays, and what other servers' maps said last.
constexpr const char* kRelays = R"sql(
CREATE TABLE relay_sources (
  url     TEXT PRIMARY KEY,
  fetched TEXT,
  trouble TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE relay_regions (
  region_id  INTEGER NOT NULL,
  source     TEXT NOT NULL,
  definition TEXT NOT NULL,
  PRIMARY KEY (source, region_id)
) WITHOUT ROWID;

CREATE TABLE relay_choices (
  region_id INTEGER PRIMARY KEY,
  off       INTEGER NOT NULL,
  score     TEXT NOT NULL
);
)sql";

// Where changes are told, and how far each place has got.
constexpr const char* kWebhooks = R"sql(
CREATE TABLE webhooks (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id     TEXT NOT NULL UNIQUE,
  account_id    INTEGER NOT NULL REFERENCES accounts(id),
  url           TEXT NOT NULL,
  provider      TEXT NOT NULL,
  subscriptions TEXT NOT NULL,
  secret        TEXT NOT NULL,
  creator       TEXT NOT NULL,
  created       TEXT NOT NULL,
  modified      TEXT NOT NULL,
  told_line     INTEGER NOT NULL,
  told_time     TEXT NOT NULL
);
)sql";

// The code of a link is a nonce and a secret of the server; the secret stands elsewhere.
constexpr const char* kInvitations = R"sql(
CREATE TABLE user_invites (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  inviter_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  role       TEXT NOT NULL,
  email      TEXT NOT NULL,
  nonce      BLOB NOT NULL UNIQUE,
  created    TEXT NOT NULL,
  expires    TEXT NOT NULL
);
)sql";

// Nodes that are plain WireGuard devices, and the nodes those know.
constexpr const char* kWireguard = R"sql(
CREATE TABLE wireguard_devices (
  node_id      INTEGER PRIMARY KEY REFERENCES nodes(id) ON DELETE CASCADE,
  account_id   INTEGER NOT NULL REFERENCES accounts(id),
  public_key   TEXT NOT NULL,
  resolvers    TEXT NOT NULL,
  clients_only INTEGER NOT NULL,
  UNIQUE (account_id, public_key)
);

CREATE TABLE wireguard_clients (
  node_id    INTEGER NOT NULL REFERENCES wireguard_devices(node_id) ON DELETE CASCADE,
  client_id  INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  public_key TEXT NOT NULL,
  ipv4       TEXT,
  ipv6       TEXT,
  PRIMARY KEY (node_id, client_id)
) WITHOUT ROWID;
CREATE INDEX wireguard_clients_of_node ON wireguard_clients (client_id);
)sql";

// What a router says of its own system.
constexpr const char* kForwarding = R"sql(
ALTER TABLE nodes ADD COLUMN forwarding_off INTEGER NOT NULL DEFAULT 0;
)sql";

// From here on every line of the log is bound to the one before it (audit_chain.h). The newest hash
// of each log stands apart: so it shows when the last lines are gone.
constexpr const char* kAuditChain = R"sql(
ALTER TABLE audit_log ADD COLUMN prev_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE audit_log ADD COLUMN hash      BLOB NOT NULL DEFAULT x'';
CREATE TABLE audit_heads (
  account_id INTEGER PRIMARY KEY REFERENCES accounts(id),
  hash       BLOB NOT NULL
);
DROP TRIGGER audit_is_append_only;
)sql";

// Where logs are sent. Columns of a destination are empty where its type has no use for them.
constexpr const char* kLogStreams = R"sql(
CREATE TABLE log_streams (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id        INTEGER NOT NULL REFERENCES accounts(id),
  log               TEXT NOT NULL,
  type              TEXT NOT NULL DEFAULT '',
  url               TEXT NOT NULL DEFAULT '',
  user              TEXT NOT NULL DEFAULT '',
  token             TEXT NOT NULL DEFAULT '',
  upload_minutes    INTEGER NOT NULL DEFAULT 0,
  compression       TEXT NOT NULL DEFAULT '',
  s3_bucket         TEXT NOT NULL DEFAULT '',
  s3_region         TEXT NOT NULL DEFAULT '',
  s3_key_prefix     TEXT NOT NULL DEFAULT '',
  s3_authentication TEXT NOT NULL DEFAULT '',
  s3_access_key     TEXT NOT NULL DEFAULT '',
  s3_secret_key     TEXT NOT NULL DEFAULT '',
  s3_role           TEXT NOT NULL DEFAULT '',
  s3_external_id    TEXT NOT NULL DEFAULT '',
  gcs_bucket        TEXT NOT NULL DEFAULT '',
  gcs_key_prefix    TEXT NOT NULL DEFAULT '',
  gcs_credentials   TEXT NOT NULL DEFAULT '',
  gcs_scopes        TEXT NOT NULL DEFAULT '',
  told_line         INTEGER NOT NULL,
  last_sent         TEXT,
  entries           INTEGER NOT NULL DEFAULT 0,
  bytes             INTEGER NOT NULL DEFAULT 0,
  requests          INTEGER NOT NULL DEFAULT 0,
  failed_requests   INTEGER NOT NULL DEFAULT 0,
  longest_body      INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account_id, log)
);
)sql";

// Clients that prove themselves by the tokens of another issuer; "claims" has a line for each rule.
constexpr const char* kFederation = R"sql(
ALTER TABLE oauth_clients ADD COLUMN issuer   TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_clients ADD COLUMN subject  TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_clients ADD COLUMN audience TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_clients ADD COLUMN claims   TEXT NOT NULL DEFAULT '';
)sql";

// Names with addresses of their own, and who answers for them. Nodes may offer what is not there
// yet, so their rows name no row of `services`. The triggers do over tables what UNIQUE does within
// one: an address has one owner, and so has a name.
constexpr const char* kServices = R"sql(
CREATE TABLE services (
  account_id  INTEGER NOT NULL REFERENCES accounts(id),
  name        TEXT NOT NULL,
  ipv4        TEXT NOT NULL,
  ipv6        TEXT NOT NULL UNIQUE,
  comment     TEXT NOT NULL,
  annotations TEXT NOT NULL,
  ports       TEXT NOT NULL,
  tags        TEXT NOT NULL,
  carrier     INTEGER REFERENCES nodes(id) ON DELETE SET NULL,
  PRIMARY KEY (account_id, name),
  UNIQUE (account_id, ipv4)
);

CREATE TABLE service_hosts (
  node_id  INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE,
  service  TEXT NOT NULL,
  offers   INTEGER NOT NULL,
  approval TEXT NOT NULL,
  PRIMARY KEY (node_id, service)
) WITHOUT ROWID;

CREATE TRIGGER service_is_free_on_insert BEFORE INSERT ON services
WHEN EXISTS (SELECT 1 FROM node_addresses
             WHERE (account_id = NEW.account_id AND ipv4 = NEW.ipv4) OR ipv6 = NEW.ipv6)
  OR EXISTS (SELECT 1 FROM former_addresses WHERE address IN (NEW.ipv4, NEW.ipv6)
             AND (account_id = NEW.account_id OR address = NEW.ipv6))
  OR EXISTS (SELECT 1 FROM aliases WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
  OR EXISTS (SELECT 1 FROM nodes
             WHERE account_id = NEW.account_id AND 'svc:' || label = NEW.name)
BEGIN SELECT RAISE(ABORT, 'a device has this address or name'); END;

CREATE TRIGGER service_is_free_on_update BEFORE UPDATE OF ipv4, ipv6 ON services
WHEN EXISTS (SELECT 1 FROM node_addresses
             WHERE (account_id = NEW.account_id AND ipv4 = NEW.ipv4) OR ipv6 = NEW.ipv6)
  OR EXISTS (SELECT 1 FROM former_addresses WHERE address IN (NEW.ipv4, NEW.ipv6)
             AND (account_id = NEW.account_id OR address = NEW.ipv6))
  OR EXISTS (SELECT 1 FROM aliases WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
BEGIN SELECT RAISE(ABORT, 'a device has this address'); END;

CREATE TRIGGER address_is_no_service_on_insert BEFORE INSERT ON node_addresses
WHEN EXISTS (SELECT 1 FROM services
             WHERE (account_id = NEW.account_id AND ipv4 = NEW.ipv4) OR ipv6 = NEW.ipv6)
BEGIN SELECT RAISE(ABORT, 'a service has this address'); END;

CREATE TRIGGER address_is_no_service_on_update BEFORE UPDATE OF ipv4, ipv6 ON node_addresses
WHEN EXISTS (SELECT 1 FROM services
             WHERE (account_id = NEW.account_id AND ipv4 = NEW.ipv4) OR ipv6 = NEW.ipv6)
BEGIN SELECT RAISE(ABORT, 'a service has this address'); END;

CREATE TRIGGER alias_is_no_service BEFORE INSERT ON aliases
WHEN EXISTS (SELECT 1 FROM services WHERE account_id = NEW.account_id AND ipv4 = NEW.ipv4)
BEGIN SELECT RAISE(ABORT, 'a service has this address'); END;

CREATE TRIGGER label_is_no_service_on_insert BEFORE INSERT ON nodes
WHEN EXISTS (SELECT 1 FROM services
             WHERE account_id = NEW.account_id AND name = 'svc:' || NEW.label)
BEGIN SELECT RAISE(ABORT, 'a service has this name'); END;

CREATE TRIGGER label_is_no_service_on_update BEFORE UPDATE OF label ON nodes
WHEN NEW.label <> OLD.label AND EXISTS (SELECT 1 FROM services
             WHERE account_id = NEW.account_id AND name = 'svc:' || NEW.label)
BEGIN SELECT RAISE(ABORT, 'a service has this name'); END;
)sql";

// What has been mailed, and addresses that wait for being proven.
constexpr const char* kMails = R"sql(
ALTER TABLE user_invites ADD COLUMN mailed TEXT;
ALTER TABLE device_invites ADD COLUMN mailed TEXT;

CREATE TABLE waiting_contacts (
  account_id   INTEGER NOT NULL REFERENCES accounts(id),
  kind         INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
  email        TEXT NOT NULL,
  sha256       BLOB NOT NULL UNIQUE,
  link_expires TEXT NOT NULL,
  PRIMARY KEY (account_id, kind)
) WITHOUT ROWID;
)sql";

// Services that are asked about the state of machines.
constexpr const char* kPostureIntegrations = R"sql(
CREATE TABLE posture_integrations (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id  TEXT NOT NULL UNIQUE,
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  provider   TEXT NOT NULL,
  cloud      TEXT NOT NULL,
  client     TEXT NOT NULL,
  tenant     TEXT NOT NULL,
  secret     TEXT NOT NULL,
  changed    TEXT NOT NULL,
  synced     TEXT,
  trouble    TEXT NOT NULL DEFAULT '',
  hosts      INTEGER NOT NULL DEFAULT 0,
  matched    INTEGER NOT NULL DEFAULT 0,
  possible   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account_id, provider)
);
)sql";

// Times are microseconds since 1970, as ranges of them are asked for; what a person wants to read
// is in the JSON of `traffic`. It stands last: what is looked for is found without it. A stream of
// flow logs had nothing to send so far, and begins with the first row.
constexpr const char* kFlowLogs = R"sql(
CREATE TABLE flow_logs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts(id),
  node       TEXT NOT NULL,
  logged     INTEGER NOT NULL,
  start      INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  traffic    TEXT NOT NULL
);
CREATE INDEX flow_logs_by_account ON flow_logs (account_id);
CREATE INDEX flow_logs_by_start ON flow_logs (account_id, start);

CREATE TABLE flow_log_sizes (
  account_id INTEGER PRIMARY KEY REFERENCES accounts(id),
  bytes      INTEGER NOT NULL
);

CREATE TABLE flow_reporters (
  node_id INTEGER PRIMARY KEY REFERENCES nodes(id) ON DELETE CASCADE,
  run     TEXT NOT NULL,
  next    INTEGER NOT NULL
);

UPDATE log_streams SET told_line = 0 WHERE log = 'network';
)sql";

struct Step {
  constexpr Step(const char* sql, Stored<void> (*more)(SqliteDatabase&) = nullptr)
      : script(sql), then(more) {}

  const char* script;
  Stored<void> (*then)(SqliteDatabase&);  // what takes more than SQL, in the same transaction
};

Stored<void> chain_what_was_logged(SqliteDatabase& database) {
  if (auto chained = chain_old_lines(database); !chained) return chained;
  return database.script(
      "CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit_log "
      "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;");
}

constexpr Step kSteps[] = {kFirst,   kRoutes,   kNames,       kTags,     kSettings,
                           kAutomation, kPolicies, kAddresses, kPeople,   kSharing,
                           kRelays,  kWebhooks, kInvitations, kWireguard, kForwarding,
                           {kAuditChain, chain_what_was_logged}, kLogStreams,
                           kFederation, kServices, kMails, kPostureIntegrations, kFlowLogs};

}  // namespace

int newest_schema() { return static_cast<int>(std::size(kSteps)); }

Stored<void> migrate(SqliteDatabase& database) {
  std::int64_t reached = 0;
  auto read = database.rows(
      "PRAGMA user_version", {}, [&](const SqlRow& row) { reached = row.integer(0); });
  if (!read) return read;
  if (reached > static_cast<std::int64_t>(std::size(kSteps))) {
    return StoreError{
        StoreError::Kind::Damaged, "the database was written by a newer version of ayatori-coord"};
  }
  for (auto step = static_cast<std::size_t>(reached); step < std::size(kSteps); ++step) {
    auto done = database.transaction<void>([&]() -> Stored<void> {
      if (auto ran = database.script(kSteps[step].script); !ran) return ran;
      if (kSteps[step].then != nullptr) {
        if (auto ran = kSteps[step].then(database); !ran) return ran;
      }
      return database.script(("PRAGMA user_version = " + std::to_string(step + 1)).c_str());
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace aya::store
