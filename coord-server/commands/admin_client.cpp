#include "coord-server/commands/admin_client.h"

#include <optional>

#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "proto/http/target.h"
#include "proto/io/http_client.h"

namespace aya::coord {
namespace {

using Answered = Result<http::Response, io::IoError>;

Failure refusal(const http::Response& response) {
  std::string text = printable(text_at(parse_json(as_text(response.body)), "message"));
  if (text.empty()) text = "the server answered with status " + std::to_string(response.status);
  // Some refusals are about several things, each with its reason (interfaces 1.1).
  for (const Json& item : list_at(parse_json(as_text(response.body)), "data")) {
    for (const Json& error : list_at(item, "errors")) {
      if (error.is_string()) {
        text +=
            "\n  " + printable(text_at(item, "user")) + ": " + printable(error.get<std::string>());
      }
    }
  }
  if (response.status == 412) return {Exit::Changed, text, response.status};
  if (response.status == 401 || response.status == 403) {
    return {Exit::Denied, text, response.status};
  }
  return {Exit::Failed, text, response.status};
}

}  // namespace

Failure AdminClient::no_answer(const io::IoError& why) const {
  if (!server_.url.empty()) {
    const bool certificate = why.kind == io::IoError::Kind::Tls && !server_.pin;
    return {
        Exit::NoServer,
        why.detail + (certificate ? "; where the server has a certificate of its own, name that by "
                                    "--server-cert as `key add` prints it"
                                  : "")};
  }
  switch (why.kind) {
    case io::IoError::Kind::NotFound:
    case io::IoError::Kind::Refused:
      return {
          Exit::NoServer, "no server answers at " + server_.socket +
                              "; start it with: ayatori-coord serve --dir DIR (and give the same "
                              "--dir here)"};
    case io::IoError::Kind::Permission:
      return {Exit::Denied, "no permission to use " + server_.socket + "; run this as root"};
    case io::IoError::Kind::TimedOut:
      return {Exit::TimedOut, "the server at " + server_.socket + " does not answer"};
    default:
      return {Exit::Failed, "the server at " + server_.socket + ": " + why.detail};
  }
}

Result<AdminClient::Reply, Failure> AdminClient::call(
    std::string_view method, std::string_view target, std::string_view body, std::string_view query,
    const Terms& terms) const {
  io::HttpFetch fetch;
  const bool from_afar = !server_.url.empty();
  fetch.url = (from_afar ? server_.url : "http://coord") + "/api/v2" + std::string(target);
  std::string all = account_.empty() ? "" : "account=" + http::percent_encode(account_);
  if (!query.empty()) all += (all.empty() ? "" : "&") + std::string(query);
  if (!all.empty()) fetch.url += '?' + all;
  fetch.method = method;
  tls::TlsClientContext tls(
      server_.pin ? tls::TlsTrust::pinned(*server_.pin) : tls::TlsTrust::roots());
  if (from_afar) {
    fetch.tls = &tls;
    fetch.headers.set("Authorization", "Bearer " + server_.token);
  } else {
    fetch.unix_socket = server_.socket;
  }
  fetch.timeout = terms.timeout;
  if (!terms.if_match.empty()) fetch.headers.set("If-Match", terms.if_match);
  if (!body.empty()) {
    fetch.headers.set("Content-Type", terms.body_type);
    append(fetch.body, as_bytes(body));
  }
  io::Loop loop;
  std::optional<Answered> answered;
  io::HttpClient client(
      loop, std::move(fetch), [&](Answered answer) { answered.emplace(std::move(answer)); });
  loop.run_until([&] { return answered.has_value(); }, terms.timeout + 1s);
  if (!answered) return Failure{Exit::TimedOut, "the server at " + place() + " does not answer"};
  if (!*answered) return no_answer(answered->error());
  const http::Response& response = **answered;
  if (!response.ok()) return refusal(response);
  return Reply{
      std::string(as_text(response.body)), printable(response.headers.get("Warning")),
      std::string(response.headers.get("ETag"))};
}

}  // namespace aya::coord
