#include "coord-server/app/config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "proto/base/parse_number.h"

namespace aya::coord {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// A DNS name or an address: it goes into certificates, maps and command lines.
bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == '.' || c == '-' || c == '_';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

Result<void, StartError> set_listen(std::string_view text, Config& config) {
  const auto at = ListenAt::parse(text);
  if (!at) {
    return StartError{
        "listen: \"" + std::string(text) +
        "\" is not an address and port; write 192.0.2.1:443, or "
        ":443 for every address"};
  }
  config.listen = *at;
  return {};
}

Result<void, StartError> set_tls_cert(std::string_view text, Config& config) {
  config.tls_cert = text;
  return {};
}

Result<void, StartError> set_tls_key(std::string_view text, Config& config) {
  config.tls_key = text;
  return {};
}

Result<void, StartError> set_metrics_listen(std::string_view text, Config& config) {
  config.metrics_listen = text == "off" ? std::nullopt : ListenAt::parse(text);
  if (config.metrics_listen || text == "off") return {};
  return StartError{
      "metrics_listen: \"" + std::string(text) +
      "\" is not an address and port; write 127.0.0.1:9090, or off"};
}

oidc::Config& oidc_of(Config& config) { return config.oidc ? *config.oidc : config.oidc.emplace(); }

// "a, b": without blanks around, without empty ones.
std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

Result<void, StartError> set_oidc_issuer(std::string_view text, Config& config) {
  const auto url = http::Url::parse(text);
  const bool local = url && (url->host == "127.0.0.1" || url->host == "localhost");
  if (!url || !(url->tls || local)) {
    return StartError{"oidc_issuer: \"" + std::string(text) + "\" is not an https URL"};
  }
  oidc_of(config).issuer = text;
  return {};
}

template <std::string oidc::Config::*Field>
Result<void, StartError> set_oidc_text(std::string_view text, Config& config) {
  oidc_of(config).*Field = text;
  return {};
}

template <std::vector<std::string> oidc::Config::*Field>
Result<void, StartError> set_oidc_list(std::string_view text, Config& config) {
  oidc_of(config).*Field = listed(text);
  return {};
}

Result<bool, StartError> on_or_off(std::string_view name, std::string_view text) {
  if (text == "on" || text == "off") return text == "on";
  return StartError{
      std::string(name) + ": \"" + std::string(text) + "\" is neither on nor off"};
}

Result<void, StartError> set_webhooks_private(std::string_view text, Config& config) {
  const auto on = on_or_off("webhooks_private", text);
  if (!on) return on.error();
  config.webhooks_private = *on;
  return {};
}

// From 1 on.
Result<std::int64_t, StartError> whole_number(
    std::string_view name, std::string_view text, std::int64_t most) {
  const auto number = parse_number<std::int64_t>(text);
  if (number && *number >= 1 && *number <= most) return *number;
  return StartError{
      std::string(name) + ": \"" + std::string(text) + "\" is not a number from 1 to " +
      std::to_string(most)};
}

Result<void, StartError> set_flow_log_days(std::string_view text, Config& config) {
  const auto days = whole_number("flow_log_days", text, 3650);
  if (!days) return days.error();
  config.flow_logs.age = std::chrono::days(*days);
  return {};
}

Result<void, StartError> set_flow_log_megabytes(std::string_view text, Config& config) {
  const auto megabytes = whole_number("flow_log_megabytes", text, 1'000'000);
  if (!megabytes) return megabytes.error();
  config.flow_logs.bytes = static_cast<std::uint64_t>(*megabytes) << 20;
  return {};
}

Result<void, StartError> set_unverified_email(std::string_view text, Config& config) {
  const auto on = on_or_off("oidc_unverified_email", text);
  if (!on) return on.error();
  oidc_of(config).unverified_email = *on;
  return {};
}

template <std::string (mail::SmtpSettings::*Set)(std::string_view)>
Result<void, StartError> set_smtp(std::string_view text, Config& config) {
  mail::SmtpSettings& settings = config.smtp ? *config.smtp : config.smtp.emplace();
  const std::string wrong = (settings.*Set)(text);
  if (wrong.empty()) return {};
  return StartError{wrong};
}

struct Setting {
  std::string_view name;
  Result<void, StartError> (*set)(std::string_view, Config&);
};
constexpr std::array kSettings = {
    Setting{"server_url", set_server_url},
    Setting{"listen", set_listen},
    Setting{"stun_listen", set_stun_listen},
    Setting{"metrics_listen", set_metrics_listen},
    Setting{"derp_ip", set_relay_addresses},
    Setting{"tls_cert", set_tls_cert},
    Setting{"tls_key", set_tls_key},
    Setting{"webhooks_private", set_webhooks_private},
    Setting{"flow_log_days", set_flow_log_days},
    Setting{"flow_log_megabytes", set_flow_log_megabytes},
    Setting{"smtp_url", set_smtp<&mail::SmtpSettings::set_url>},
    Setting{"smtp_from", set_smtp<&mail::SmtpSettings::set_from>},
    Setting{"smtp_user", set_smtp<&mail::SmtpSettings::set_user>},
    Setting{"smtp_password_file", set_smtp<&mail::SmtpSettings::set_password_file>},
    Setting{"smtp_starttls", set_smtp<&mail::SmtpSettings::set_starttls>},
    Setting{"oidc_issuer", set_oidc_issuer},
    Setting{"oidc_client_id", set_oidc_text<&oidc::Config::client_id>},
    Setting{"oidc_client_secret", set_oidc_text<&oidc::Config::client_secret>},
    Setting{"oidc_name", set_oidc_text<&oidc::Config::name>},
    Setting{"oidc_account", set_oidc_text<&oidc::Config::account>},
    Setting{"oidc_scopes", set_oidc_list<&oidc::Config::scopes>},
    Setting{"oidc_allowed_domains", set_oidc_list<&oidc::Config::allowed_domains>},
    Setting{"oidc_allowed_groups", set_oidc_list<&oidc::Config::allowed_groups>},
    Setting{"oidc_allowed_users", set_oidc_list<&oidc::Config::allowed_users>},
    Setting{"oidc_unverified_email", set_unverified_email},
};

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

Result<void, StartError> apply_line(
    std::string_view line, std::set<std::string_view>& seen, Config& config) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) {
    return StartError{"\"" + std::string(line) + "\" is not of the form name = value"};
  }
  const std::string_view name = trim(line.substr(0, equals));
  const Setting* setting = find_setting(name);
  if (setting == nullptr) return StartError{"unknown setting \"" + std::string(name) + "\""};
  if (!seen.insert(name).second) return StartError{std::string(name) + " is set twice"};
  return setting->set(trim(line.substr(equals + 1)), config);
}

}  // namespace

std::string relay_addresses_text(const Config& config) {
  std::string text = config.relay_ipv4 ? config.relay_ipv4->to_text() : "";
  if (config.relay_ipv6) text += (text.empty() ? "" : ", ") + config.relay_ipv6->to_text();
  return text;
}

std::optional<ListenAt> ListenAt::parse(std::string_view text) {
  if (text.starts_with(':') || text.starts_with("*:")) {
    const auto port = parse_port(text.substr(text.find(':') + 1));
    if (!port) return std::nullopt;
    return ListenAt{std::nullopt, *port};
  }
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint || endpoint->port == 0) return std::nullopt;
  return ListenAt{endpoint->address, endpoint->port};
}

std::string ListenAt::to_text() const {
  if (!address) return ':' + std::to_string(port);
  return Endpoint{*address, port}.to_text();
}

std::vector<Endpoint> ListenAt::endpoints() const {
  if (address) return {{*address, port}};
  return {{IpAddress(), port}, {IpAddress::v6(std::array<std::byte, 16>{}), port}};
}

Result<void, StartError> set_server_url(std::string_view text, Config& config) {
  while (text.ends_with('/')) text.remove_suffix(1);
  auto url = http::Url::parse(text);
  // Neither a path nor a fragment, a query or a user name.
  const bool bare = text.find_first_of("/#?@", text.find("://") + 3) == std::string_view::npos;
  if (!url || !is_host(url->host) || !bare) {
    return StartError{
        "server_url: \"" + std::string(text) +
        "\" is not a URL for nodes to use; write https://NAME or https://ADDRESS:PORT"};
  }
  config.server_url = text;
  config.url = std::move(*url);
  return {};
}

Result<void, StartError> set_relay_addresses(std::string_view text, Config& config) {
  config.relay_ipv4.reset();
  config.relay_ipv6.reset();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto address = IpAddress::parse(part);
    if (!address || address->is_unspecified()) {
      return StartError{"derp_ip: \"" + std::string(part) + "\" is not an IP address"};
    }
    auto& slot = address->is_v4() ? config.relay_ipv4 : config.relay_ipv6;
    if (slot) return StartError{"derp_ip: at most one IPv4 and one IPv6 address"};
    slot = *address;
  }
  return {};
}

Result<void, StartError> set_stun_listen(std::string_view text, Config& config) {
  if (text == "off") {
    config.stun_listen.reset();
    return {};
  }
  config.stun_listen = ListenAt::parse(text);
  if (config.stun_listen) return {};
  return StartError{
      "stun_listen: \"" + std::string(text) +
      "\" is not an address and port; write :3478 for every address, or off"};
}

Result<Config, StartError> parse_config(std::string_view text, const std::string& file) {
  Config config;
  config.stun_listen = ListenAt::parse(kDefaultStunListen);
  std::set<std::string_view> seen;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    if (auto applied = apply_line(line, seen, config); !applied) {
      return StartError{file + ", line " + std::to_string(number) + ": " + applied.error().text};
    }
  }
  if (config.server_url.empty()) return StartError{file + ": server_url is missing"};
  if (config.listen.port == 0) config.listen.port = config.url.port;
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    return StartError{file + ": tls_cert and tls_key belong together; set both or neither"};
  }
  if (config.oidc && (config.oidc->issuer.empty() || config.oidc->client_id.empty())) {
    return StartError{file + ": a login by OIDC needs oidc_issuer and oidc_client_id"};
  }
  if (config.oidc &&
      std::ranges::find(config.oidc->scopes, "openid") == config.oidc->scopes.end()) {
    return StartError{file + ": oidc_scopes must hold openid"};
  }
  if (config.smtp) {
    if (const std::string lacks = config.smtp->lacks(); !lacks.empty()) {
      return StartError{file + ": " + lacks};
    }
  }
  return config;
}

std::string config_text(const Config& config) {
  std::string out;
  const auto setting = [&](std::string_view comment, std::string_view name, std::string_view value,
                           bool shown) {
    out += comment;
    if (!shown) out += "# ";
    out.append(name).append(" = ").append(value).append("\n\n");
  };
  out += "# Configuration of ayatori-coord. Read at start: restart the server after a change.\n\n";
  setting(
      "# Where nodes find this server. They keep it: choose one that can stay.\n", "server_url",
      config.server_url, true);
  setting(
      "# TCP: one port for everything, with and without TLS. :443 means every address.\n", "listen",
      config.listen.to_text(), true);
  setting(
      "# UDP: tells nodes what their address looks like from outside. \"off\" for none.\n",
      "stun_listen", config.stun_listen ? config.stun_listen->to_text() : "off", true);
  setting(
      "# TCP: /metrics for Prometheus, without TLS and for whoever can connect: keep it local.\n",
      "metrics_listen",
      config.metrics_listen ? config.metrics_listen->to_text() : "127.0.0.1:9090",
      config.metrics_listen.has_value());
  const std::string relay = relay_addresses_text(config);
  setting(
      "# Addresses of the built-in relay, so that nodes reach it without DNS: IPv4, IPv6.\n",
      "derp_ip", relay.empty() ? "192.0.2.1, 2001:db8::1" : relay, !relay.empty());
  setting(
      "# A certificate from an authority, leaf first, and its key; read again every few hours.\n"
      "# Without these the server uses its own: cert.pem and key.pem in this folder.\n",
      "tls_cert", config.own_certificate() ? "/etc/ssl/coord.pem" : config.tls_cert,
      !config.own_certificate());
  out.pop_back();
  setting(
      "", "tls_key", config.own_certificate() ? "/etc/ssl/coord.key" : config.tls_key,
      !config.own_certificate());
  setting(
      "# Webhooks and log streams may lead to addresses of local networks, such as a home server,\n"
      "# and issuers of federated identities be there: whoever can make one reaches those from\n"
      "# here then.\n",
      "webhooks_private", "on", config.webhooks_private);
  const flow_logs::Retention::Limits usual;
  const bool other = config.flow_logs != usual;
  setting(
      "# How long flow logs are kept, and how much of them in each network. Nodes send any only\n"
      "# while a network's setting networkFlowLoggingOn is on.\n",
      "flow_log_days", std::to_string(config.flow_logs.age.count()), other);
  out.pop_back();
  setting("", "flow_log_megabytes", std::to_string(config.flow_logs.bytes >> 20), other);
  setting(
      "# A mail server that takes mails of ours: invitations, and addresses to be confirmed. On\n"
      "# port 587 it must offer STARTTLS, unless it is on this machine or smtp_starttls is off.\n"
      "# The first line of smtp_password_file is the password.\n",
      "smtp_url", "smtps://mail.example:465", false);
  out.pop_back();
  setting("", "smtp_from", "Our network <net@mail.example>", false);
  out.pop_back();
  setting("", "smtp_user", "net@mail.example", false);
  out.pop_back();
  setting("", "smtp_password_file", "/etc/ayatori-smtp-password", false);
  out.pop_back();
  setting("", "smtp_starttls", "off", false);
  setting(
      "# People may sign in by another server that knows them (OpenID Connect). Tell it that the\n"
      "# way back is server_url with /oidc/callback behind it. Lists have commas; each that is "
      "set\n"
      "# must let a person through: oidc_allowed_domains, oidc_allowed_groups, "
      "oidc_allowed_users.\n"
      "# An e-mail address counts once that server has verified it; oidc_unverified_email = on\n"
      "# takes its word for all of them.\n",
      "oidc_issuer", "https://id.example", false);
  out.pop_back();
  setting("", "oidc_client_id", "ayatori", false);
  out.pop_back();
  setting("", "oidc_client_secret", "from that server", false);
  out.pop_back();
  return out;
}

}  // namespace aya::coord
