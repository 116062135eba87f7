#include "daemon/app/name_service.h"

#include <utility>

namespace aya::app {

NameService::NameService(
    const dns_net::UpstreamLink::Parts& parts, dataplane::Dataplane& plane,
    std::function<void()> plane_called)
    : loop_(parts.loop),
      plane_(plane),
      plane_called_(std::move(plane_called)),
      upstream_(parts, *this),
      by_tcp_(parts.loop, parts.log, [this](Bytes query, Reply reply) {
        ask(query, dns::Forwarder::For::Host, std::move(reply));
      }) {}

NameService::~NameService() = default;

void NameService::set_own_addresses(const std::vector<IpAddress>& own) {
  by_tcp_.listen_on(own);
  plane_.names().set_tcp_listeners(by_tcp_.listeners());
}

void NameService::ask(Bytes query, dns::Forwarder::For whom, Reply reply) {
  const dns::QuestionId question{++last_question_};
  waiting_.emplace(question, std::move(reply));
  plane_.ask_names(question, query, whom, loop_.wall_now(), loop_.now());
  plane_called_();
}

// The dataplane is in the middle of a call, and the reply may lead to the next question.
void NameService::on_answer(dns::QuestionId question, Bytes response) {
  auto waiting = waiting_.extract(question);
  if (!waiting) return;
  loop_.post([reply = std::move(waiting.mapped()),
              answer = Buffer(response.begin(), response.end()),
              alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) reply(answer);
  });
}

void NameService::on_upstream_response(const Endpoint& from, Bytes response) {
  plane_.from_dns_server(from, response, loop_.now());
  plane_called_();
}

void NameService::on_upstream_stream(const dns::Forwarder::Ticket& ticket, Bytes response) {
  plane_.from_dns_stream(ticket, response, loop_.now());
  plane_called_();
}

void NameService::on_upstream_failure(const dns::Forwarder::Ticket& ticket) {
  plane_.dns_stream_failed(ticket, loop_.now());
  plane_called_();
}

}  // namespace aya::app
