// The configuration: is it a good one, and what follows from it?
#include "coord-server/app/installation.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

using Settings = std::vector<std::pair<const char*, std::string>>;

std::string with_commas(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out += (out.empty() ? "" : ", ") + item;
  return out;
}

// By the names they have in the file, defaults among them; what is not set is left out, and what is
// secret stays where it is.
Settings in_force(const Installation& installation) {
  const Config& config = installation.config;
  Settings out = {
      {"server_url", config.server_url},
      {"listen", config.listen.to_text()},
      {"stun_listen", config.stun_listen ? config.stun_listen->to_text() : "off"},
      {"derp_ip", relay_addresses_text(config)},
      {"tls_cert", installation.tls_files().certificate},
      {"tls_key", installation.tls_files().key},
      {"metrics_listen", config.metrics_listen ? config.metrics_listen->to_text() : ""},
      {"webhooks_private", config.webhooks_private ? "on" : "off"},
      {"flow_log_days", std::to_string(config.flow_logs.age.count())},
      {"flow_log_megabytes", std::to_string(config.flow_logs.bytes >> 20)}};
  if (const auto& smtp = config.smtp) {
    const bool starttls = smtp->server("", "").encryption == mail::Encryption::StartTls;
    const Settings more = {
        {"smtp_url", smtp->url()},
        {"smtp_from", smtp->from().to_text()},
        {"smtp_user", smtp->user()},
        {"smtp_password_file", smtp->password_file()},
        {"smtp_starttls", smtp->url().starts_with("smtps") ? "" : starttls ? "on" : "off"}};
    out.insert(out.end(), more.begin(), more.end());
  }
  if (const auto& oidc = config.oidc) {
    const Settings more = {
        {"oidc_issuer", oidc->issuer},
        {"oidc_client_id", oidc->client_id},
        {"oidc_client_secret", oidc->client_secret.empty() ? "" : "(secret)"},
        {"oidc_name", oidc->name},
        {"oidc_account", oidc->account},
        {"oidc_scopes", with_commas(oidc->scopes)},
        {"oidc_allowed_domains", with_commas(oidc->allowed_domains)},
        {"oidc_allowed_groups", with_commas(oidc->allowed_groups)},
        {"oidc_allowed_users", with_commas(oidc->allowed_users)},
        {"oidc_unverified_email", oidc->unverified_email ? "on" : ""}};
    out.insert(out.end(), more.begin(), more.end());
  }
  std::erase_if(out, [](const auto& setting) { return setting.second.empty(); });
  return out;
}

}  // namespace

Done config_check(const Invocation& call) {
  auto installation = open_installation(call.places);
  if (!installation) return Failure{Exit::Failed, installation.error().text};
  if (auto fits = check_certificate(installation->tls_files()); !fits)
    return Failure{Exit::Failed, fits.error().text};
  if (auto smtp = installation->smtp_server(); !smtp)
    return Failure{Exit::Failed, smtp.error().text};
  print(call.json ? json_text(Json::object()) : call.places.config + " is fine\n");
  return {};
}

Done config_show(const Invocation& call) {
  auto installation = open_installation(call.places);
  if (!installation) return Failure{Exit::Failed, installation.error().text};
  Json shown = Json::object();
  std::string text;
  for (const auto& [name, value] : in_force(*installation)) {
    shown[name] = value;
    text += std::string(name) + " = " + printable(value) + '\n';
  }
  print(call.json ? json_text(shown) : text);
  return {};
}

}  // namespace aya::coord
