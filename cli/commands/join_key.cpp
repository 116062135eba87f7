#include "cli/commands/join_key.h"

#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/http/target.h"

namespace aya::cli {
namespace {

using Text = Result<std::string, Failure>;

bool is_client_secret(std::string_view key) {
  return key.starts_with("tskey-client-") || key.starts_with("aykey-client-");
}

struct Server {
  std::string url;
  std::string certificate_pin;
};

// What may follow a secret or an id.
struct KeyWish {
  std::string credential;
  bool ephemeral = true, preauthorized = false;
  std::string server;  // empty: the one to log in to
};

Result<KeyWish, Failure> read_wish(const std::string& text) {
  const std::size_t mark = std::min(text.find('?'), text.size());
  KeyWish wish;
  wish.credential = text.substr(0, mark);
  if (mark == text.size()) return wish;
  for (const auto& [name, value] : http::parse_query(std::string_view(text).substr(mark + 1))) {
    const auto flag = parse_boolean(value);
    if (name == "baseURL") {
      wish.server = value;
    } else if (name == "ephemeral" && flag) {
      wish.ephemeral = *flag;
    } else if (name == "preauthorized" && flag) {
      wish.preauthorized = *flag;
    } else {
      return Failure{
          Exit::BadArgument, "behind the \"?\" of a client may stand ephemeral=BOOL, "
                             "preauthorized=BOOL and baseURL=URL, not " + in_quotes(name)};
    }
  }
  while (wish.server.ends_with('/')) wish.server.pop_back();
  return wish;
}

std::string field(std::string_view name, std::string_view value) {
  return std::string(name) + '=' + http::percent_encode(value);
}

// The body of a good answer.
Text asked(Context& context, const WebRequest& request) {
  const auto answer = context.console.ask_web(request);
  if (!answer) return Failure{Exit::Failed, printable(answer.error().text)};
  const std::string body(as_text(answer->body));
  if (answer->ok()) return body;
  std::string why = text_field(body, "error_description");  // OAuth's form, then the API's own
  if (why.empty()) why = text_field(body, "message");
  if (why.empty()) why = "status " + std::to_string(answer->status);
  return Failure{Exit::Failed, printable(request.url + " refused: " + why)};
}

Text part_of(const std::string& body, const char* name, const std::string& whose) {
  std::string value = text_field(body, name);
  if (value.empty()) return Failure{Exit::Failed, printable(whose) + " gave no " + name};
  return value;
}

Text access_for(Context& context, const Server& server, const char* path, std::string form) {
  WebRequest request{"POST", server.url + path, {}, std::move(form), server.certificate_pin};
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  auto body = asked(context, request);
  return body ? part_of(*body, "access_token", request.url) : body;
}

Text access_of_client(Context& context, const Server& server, const KeyWish& wish) {
  return access_for(
      context, server, "/api/v2/oauth/token",
      "grant_type=client_credentials&" + field("client_secret", wish.credential));
}

Text make_key(
    Context& context, const Server& server, const std::string& access, const KeyWish& wish,
    const std::vector<std::string>& tags) {
  const auto word = [](bool flag) { return flag ? "true" : "false"; };
  std::string list;
  for (const std::string& tag : tags) list += (list.empty() ? "" : ",") + json_string(tag);
  WebRequest request{"POST", server.url + "/api/v2/tailnet/-/keys", {}, "", server.certificate_pin};
  request.headers.set("Authorization", "Bearer " + access);
  request.headers.set("Content-Type", "application/json");
  request.body = R"({"capabilities":{"devices":{"create":{"reusable":false,"ephemeral":)" +
                 std::string(word(wish.ephemeral)) + R"(,"preauthorized":)" +
                 word(wish.preauthorized) + R"(,"tags":[)" + list + "]}}}}";
  auto body = asked(context, request);
  return body ? part_of(*body, "key", request.url) : body;
}

// Of the surroundings that are known here, jobs of GitHub Actions.
Text token_of_surroundings(Context& context, const std::string& audience) {
  const auto url = context.console.env("ACTIONS_ID_TOKEN_REQUEST_URL");
  const auto access = context.console.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
  if (!url || !access) {
    return Failure{
        Exit::BadArgument, "nothing here gives out tokens for " + in_quotes(audience) +
                               " (only jobs of GitHub Actions are asked); name one by --id-token"};
  }
  WebRequest request;
  const char before = url->find('?') == std::string::npos ? '?' : '&';
  request.url = *url + before + field("audience", audience);
  request.headers.set("Authorization", "Bearer " + *access);
  request.headers.set("Accept", "application/json");
  auto body = asked(context, request);
  return body ? part_of(*body, "value", request.url) : body;
}

Text access_of_identity(
    Context& context, const JoinCredentials& credentials, const Server& server,
    const KeyWish& wish) {
  std::string token = credentials.id_token;
  if (token.empty() && credentials.audience.empty()) {
    return Failure{Exit::BadArgument, "--client-id needs --id-token or --audience"};
  }
  if (token.empty()) {
    auto got = token_of_surroundings(context, credentials.audience);
    if (!got) return got;
    token = std::move(*got);
  }
  return access_for(
      context, server, "/api/v2/oauth/token-exchange",
      field("client_id", wish.credential) + '&' + field("jwt", token));
}

}  // namespace

Text key_to_join_with(
    Context& context, const std::string& auth_key, const JoinCredentials& credentials,
    const local::Prefs& next) {
  const std::string& secret = auth_key.empty() ? credentials.client_secret : auth_key;
  const bool by_secret = is_client_secret(secret);
  if (!by_secret && !secret.empty()) return secret;
  if (!by_secret && credentials.client_id.empty()) return auth_key;
  if (next.advertise_tags.empty()) {
    return Failure{
        Exit::BadArgument,
        "a client joins machines for the network, not for a person: name --advertise-tags"};
  }
  auto wish = read_wish(by_secret ? secret : credentials.client_id);
  if (!wish) return wish.error();
  Server server{next.control_url, next.server_cert_pin};
  if (!wish->server.empty() && wish->server != server.url) server = {wish->server, ""};
  auto access = by_secret ? access_of_client(context, server, *wish)
                          : access_of_identity(context, credentials, server, *wish);
  if (!access) return access;
  return make_key(context, server, *access, *wish, next.advertise_tags);
}

}  // namespace aya::cli
