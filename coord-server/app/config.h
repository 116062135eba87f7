// What an installation is told by its administrator: one short file of "name = value" lines,
// written by `init` and read at start. Everything else a server owns (keys, accounts, nodes) is in
// its database. Pure: text in, values out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/flow_logs/retention.h"
#include "coord-server/mail/smtp_server.h"
#include "coord-server/oidc/provider.h"
#include "proto/base/result.h"
#include "proto/http/target.h"
#include "proto/netaddr/endpoint.h"

namespace aya::coord {

// Why the program cannot go on: one line that says what to do.
struct StartError {
  std::string text;
};

// ":443" (every address of both families), "192.0.2.1:443", "[2001:db8::1]:443".
struct ListenAt {
  std::optional<IpAddress> address;
  std::uint16_t port = 0;

  static std::optional<ListenAt> parse(std::string_view text);
  std::string to_text() const;
  // The sockets this asks for; with no address one of each family.
  std::vector<Endpoint> endpoints() const;

  friend bool operator==(const ListenAt&, const ListenAt&) = default;
};

struct Config {
  std::string server_url;  // "https://coord.example:8443", without a slash at the end
  http::Url url;           // the same, taken apart
  ListenAt listen;
  std::optional<ListenAt> stun_listen;  // nullopt: no STUN
  std::optional<ListenAt> metrics_listen;  // nullopt: no metrics
  // Where nodes dial the built-in relay; for a family without one they ask DNS.
  std::optional<IpAddress> relay_ipv4, relay_ipv6;
  // Both empty: the certificate made by `init`. Relative to the installation's folder.
  std::string tls_cert, tls_key;

  // Webhooks and log streams may lead to addresses of local networks, and issuers of federated
  // identities be there.
  bool webhooks_private = false;

  std::optional<oidc::Config> oidc;  // nullopt: people have passwords here

  flow_logs::Retention::Limits flow_logs;

  std::optional<mail::SmtpSettings> smtp;  // nullopt: no mail is sent

  bool own_certificate() const { return tls_cert.empty(); }
};

inline constexpr std::string_view kDefaultStunListen = ":3478";

// A URL that nodes can be given: http or https, a host, no path. Fills server_url and url.
Result<void, StartError> set_server_url(std::string_view text, Config& config);
// "192.0.2.1", or two of different families with a comma between them; empty: none.
Result<void, StartError> set_relay_addresses(std::string_view text, Config& config);
std::string relay_addresses_text(const Config& config);  // as the former reads it
Result<void, StartError> set_stun_listen(std::string_view text, Config& config);  // or "off"

// `file` stands in front of what is wrong.
Result<Config, StartError> parse_config(std::string_view text, const std::string& file);
// The file as `init` writes it.
std::string config_text(const Config& config);

}  // namespace aya::coord
