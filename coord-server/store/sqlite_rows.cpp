#include "coord-server/store/sqlite_rows.h"

#include <charconv>
#include <sstream>

#include "proto/base/hex.h"
#include "proto/base/parse_number.h"
#include "proto/base/words.h"

namespace aya::store {
namespace {

// "192.0.2.7:41641/2 10.0.0.5:41641/1": endpoint and how it was found.
std::optional<std::vector<KnownEndpoint>> parse_endpoints(std::string_view text) {
  std::vector<KnownEndpoint> endpoints;
  for (const std::string_view item : words_in(text)) {
    const std::size_t slash = item.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto at = Endpoint::parse(item.substr(0, slash));
    const std::string_view type = item.substr(slash + 1);
    int number = 0;
    const auto read = std::from_chars(type.data(), type.data() + type.size(), number);
    if (!at || read.ec != std::errc()) return std::nullopt;
    endpoints.push_back({*at, static_cast<control::EndpointType>(number)});
  }
  return endpoints;
}

// "10.77.0.0/24 0.0.0.0/0"
std::optional<std::vector<Prefix>> parse_prefixes(std::string_view text) {
  std::vector<Prefix> prefixes;
  for (const std::string_view word : words_in(text)) {
    const auto prefix = Prefix::parse(word);
    if (!prefix) return std::nullopt;
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

}  // namespace

WallTime RowReader::time() { return take(parse_rfc3339(row_.text(next_))); }

std::optional<WallTime> RowReader::optional_time() {
  if (!row_.is_null(next_)) return time();
  ++next_;
  return std::nullopt;
}

IpAddress RowReader::address() { return take(IpAddress::parse(row_.text(next_))); }

std::optional<IpAddress> RowReader::optional_address() {
  if (!row_.is_null(next_)) return address();
  ++next_;
  return std::nullopt;
}

double RowReader::number() {
  const std::string_view text = row_.text(next_);
  return take(parse_number<double>(text));
}

SecretHash RowReader::hash() {
  const Bytes blob = row_.blob(next_);
  SecretHash hash{};
  if (blob.size() != hash.size()) return take(std::optional<SecretHash>());
  copy_bytes(hash, blob);
  return take(std::optional(hash));
}

std::vector<SecretHash> RowReader::hashes() {
  std::vector<SecretHash> out;
  for (const std::string_view word : words_in(row_.text(next_++))) {
    failed_ = failed_ || !parse_hex_into(word, out.emplace_back());
  }
  return out;
}

std::vector<KnownEndpoint> RowReader::endpoints() {
  return take(parse_endpoints(row_.text(next_)));
}

control::Hostinfo RowReader::hostinfo() {
  auto decoded = control::decode<control::Hostinfo>(row_.text(next_));
  return take(decoded ? std::optional(std::move(*decoded)) : std::nullopt);
}

control::DnsConfig RowReader::dns() {
  auto decoded = control::decode<control::DnsConfig>(row_.text(next_));
  return take(decoded ? std::optional(std::move(*decoded)) : std::nullopt);
}

std::string dns_column(const control::DnsConfig& dns) { return control::encode(dns); }

std::vector<Prefix> RowReader::prefixes() { return take(parse_prefixes(row_.text(next_))); }

std::string prefixes_column(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const Prefix& prefix : prefixes) text += (text.empty() ? "" : " ") + prefix.to_text();
  return text;
}

std::vector<std::string> RowReader::words() {
  const std::string text = this->text();
  const auto words = words_in(text);
  return {words.begin(), words.end()};
}

std::map<std::string, std::string> RowReader::pairs() {
  std::map<std::string, std::string> out;
  std::istringstream lines{this->text()};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      failed_ = true;
      continue;
    }
    out.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return out;
}

std::string pairs_column(const std::map<std::string, std::string>& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) text += name + '\t' + value + '\n';
  return text;
}

std::string words_column(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string hostinfo_column(const control::Hostinfo& hostinfo) { return control::encode(hostinfo); }

std::string endpoints_column(const std::vector<KnownEndpoint>& endpoints) {
  std::string text;
  for (const KnownEndpoint& endpoint : endpoints) {
    if (!text.empty()) text += ' ';
    text += endpoint.at.to_text() + '/' + std::to_string(static_cast<int>(endpoint.type));
  }
  return text;
}

// In each of these the fields stand in the order of the columns; braces evaluate left to right.

Account read_account(RowReader& row) {
  return {
      row.id<AccountId>(),
      row.text(),
      row.text(),
      row.time(),
      row.dns(),
      {row.flag(), static_cast<int>(row.integer()), row.flag(), row.flag(), row.text(), row.text(),
       row.flag(), row.flag(), row.flag(), row.flag(), row.flag()},
      {row.text(), row.text(), row.text()},
      row.text()};
}

User read_user(RowReader& row) {
  return {row.id<UserId>(), row.id<AccountId>(), row.text(), row.text(),
          row.text(),       row.time(),          row.text()};
}

NodeRecord read_node(RowReader& row) {
  NodeRecord node;
  node.id = row.id<NodeId>();
  node.account = row.id<AccountId>();
  node.user = row.id<UserId>();
  node.stable_id = row.text();
  node.machine = row.key<MachinePublicKey>();
  node.node_key = row.key<NodePublicKey>();
  node.label = row.text();
  node.label_is_chosen = row.flag();
  node.ephemeral = row.flag();
  node.authorized = row.flag();
  node.created = row.time();
  node.key_expiry = row.optional_time();
  node.live.disco_key = row.key<DiscoPublicKey>();
  node.live.endpoints = row.endpoints();
  node.live.home_region = static_cast<RegionId>(row.integer());
  node.live.capver = static_cast<int>(row.integer());
  node.live.hostinfo = row.hostinfo();
  node.live.last_seen = row.optional_time();
  node.approved_routes = row.prefixes();
  node.answers_subdomains = row.flag();
  node.tags = row.words();
  node.never_owned = row.flag();
  node.live.primary_routes = row.prefixes();
  node.live.forwarding_off = row.flag();
  node.ipv4 = row.address();
  node.ipv6 = row.address();
  return node;
}

Quarantine read_quarantine(RowReader& row) {
  return {row.id<AccountId>(), row.address(), row.id<NodeId>(), row.time()};
}

AuthKey read_auth_key(RowReader& row) {
  AuthKey key;
  key.id = row.id<AuthKeyId>();
  key.public_id = row.text();
  key.account = row.id<AccountId>();
  key.user = row.id<UserId>();
  key.secret = row.hash();
  key.reusable = row.flag();
  key.ephemeral = row.flag();
  key.preauthorized = row.flag();
  key.description = row.text();
  key.created = row.time();
  key.expires = row.time();
  key.revoked = row.optional_time();
  key.uses = row.integer();
  key.tags = row.words();
  key.client = row.text();
  key.ipv4 = row.optional_address();
  return key;
}

ApiToken read_api_token(RowReader& row) {
  return {row.id<ApiTokenId>(), row.text(), row.id<AccountId>(), row.id<UserId>(),   row.hash(),
          row.text(),           row.time(), row.time(),          row.optional_time()};
}

AuditEntry read_audit(RowReader& row) {
  return {row.id<AccountId>(), row.time(), row.text(), row.text(), row.text(),
          row.text(),          row.text(), row.text(), row.text(), row.text(),
          row.text(),          row.text(), row.text(), row.text()};
}

namespace {

std::optional<Federation> read_federation(RowReader& row) {
  Federation federation{row.text(), row.text(), row.text(), row.pairs()};
  return federation.issuer.empty() ? std::nullopt : std::optional(std::move(federation));
}

}  // namespace

OAuthClient read_oauth_client(RowReader& row) {
  return {
      row.id<OAuthClientId>(),
      row.text(),
      row.id<AccountId>(),
      row.id<UserId>(),
      row.hash(),
      row.words(),
      row.words(),
      row.text(),
      row.time(),
      row.time(),
      row.optional_time(),
      read_federation(row)};
}

AccessToken read_access_token(RowReader& row) {
  return {row.text(), row.text(), row.hash(), row.words(), row.words(), row.time(), row.time()};
}

}  // namespace aya::store
