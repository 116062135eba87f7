#include "daemon/localapi/local_link.h"

#include "proto/http/http1_writer.h"

namespace aya::localapi {
namespace {
// Everyone may connect; what a caller may do is decided by its credentials (interfaces 4.1).
constexpr mode_t kSocketMode = 0666;
}  // namespace

Result<std::unique_ptr<LocalLink>, io::IoError> LocalLink::open(
    io::Loop& loop, LocalHost& host, Rng& rng, const std::string& path, LocalApiOptions options) {
  std::unique_ptr<LocalLink> link(new LocalLink(loop, host, rng, std::move(options)));
  auto listener = io::UnixListener::listen(
      loop, path, kSocketMode,
      [raw = link.get()](
          std::unique_ptr<io::ByteStream> stream, std::optional<io::PeerCredentials> who) {
        raw->on_connection(std::move(stream), who);
      });
  if (!listener) return listener.error();
  link->listener_ = std::move(*listener);
  return link;
}

LocalLink::LocalLink(io::Loop& loop, LocalHost& host, Rng& rng, LocalApiOptions options)
    : loop_(loop), api_(host, rng, std::move(options)), timer_(loop, [this] {
        api_.advance(loop_.now(), effects_);
        carry_out();
      }) {}

LocalLink::~LocalLink() = default;

void LocalLink::ping_done(ExchangeId exchange, const local::PingResult& result) {
  api_.ping_done(exchange, result, effects_);
  carry_out();
}

void LocalLink::netcheck_done(ExchangeId exchange, const local::RawJson& report) {
  api_.netcheck_done(exchange, report, effects_);
  carry_out();
}

void LocalLink::dns_query_done(
    ExchangeId exchange, const Result<local::DnsAnswer, DnsFailure>& outcome) {
  api_.dns_query_done(exchange, outcome, effects_);
  carry_out();
}

void LocalLink::dial_done(
    ExchangeId exchange, const DialOutcome& outcome, std::unique_ptr<io::ByteStream> stream) {
  dialled_ = std::move(stream);
  api_.dial_done(exchange, outcome, effects_);
  carry_out();
  dialled_.reset();  // where the client has left
}

void LocalLink::later_done(ExchangeId exchange, const std::string& json) {
  api_.later_done(exchange, json, effects_);
  carry_out();
}

void LocalLink::announce(const local::Notify& change) {
  api_.announce(change, effects_);
  carry_out();
}

void LocalLink::net_map_changed() {
  api_.net_map_changed(loop_.now(), effects_);
  carry_out();
}

void LocalLink::on_connection(
    std::unique_ptr<io::ByteStream> stream, std::optional<io::PeerCredentials> who) {
  auto connection = std::make_unique<io::HttpConnection>(loop_, std::move(stream), *this);
  Client client;
  if (who) client.caller.uid = who->uid;
  const io::HttpConnection* key = connection.get();
  client.connection = std::move(connection);
  clients_.emplace(key, std::move(client));
}

void LocalLink::on_request(io::HttpConnection& connection, http::Request request) {
  const auto client = clients_.find(&connection);
  if (client == clients_.end()) return;
  const ExchangeId exchange{++last_exchange_};
  client->second.exchange = exchange;
  exchanges_[exchange] = &connection;
  const Caller caller = client->second.caller;
  api_.handle(exchange, request, caller, loop_.now(), effects_);
  carry_out();
}

void LocalLink::on_closed(io::HttpConnection& connection) { drop(connection); }

void LocalLink::drop(const io::HttpConnection& connection) {
  const auto client = clients_.find(&connection);
  if (client == clients_.end()) return;
  if (client->second.exchange) {
    api_.closed(*client->second.exchange);
    exchanges_.erase(*client->second.exchange);
  }
  clients_.erase(client);
}

LocalLink::Client* LocalLink::client_of(ExchangeId exchange) {
  const auto found = exchanges_.find(exchange);
  if (found == exchanges_.end()) return nullptr;
  const auto client = clients_.find(found->second);
  return client == clients_.end() ? nullptr : &client->second;
}

void LocalLink::join(const LocalEffects::Pipe& pipe) {
  const auto found = exchanges_.find(pipe.to);
  if (found == exchanges_.end()) return;
  const auto client = clients_.find(found->second);
  exchanges_.erase(found);
  io::HttpConnection::Upgraded upgraded = client->second.connection->upgrade();
  clients_.erase(client);
  Buffer head;
  http::write_response(pipe.head, head);
  upgraded.stream->write(head);
  dialled_->write(upgraded.leftover);
  pipes_[pipe.to] = std::make_unique<io::Splice>(
      loop_, std::move(upgraded.stream), std::move(dialled_),
      [this, exchange = pipe.to] { pipes_.erase(exchange); });
}

void LocalLink::carry_out() {
  LocalEffects effects = std::exchange(effects_, {});
  for (const auto& [exchange, response] : effects.answers) {
    Client* client = client_of(exchange);
    if (client == nullptr) continue;
    exchanges_.erase(exchange);
    client->exchange.reset();
    client->connection->respond(response);
  }
  for (const auto& pipe : effects.pipes) join(pipe);
  for (const auto& [exchange, head] : effects.streams) {
    if (Client* client = client_of(exchange)) {
      client->streaming = true;
      client->connection->start_stream(head.status, head.headers);
    }
  }
  for (const auto& [exchange, json] : effects.lines) {
    Client* client = client_of(exchange);
    if (client == nullptr || !client->streaming) continue;
    client->connection->write(as_bytes(json));
    if (client->connection->queued() > kSlowClient) drop(*client->connection);
  }
  timer_.arm(api_.next_deadline());
}

}  // namespace aya::localapi
