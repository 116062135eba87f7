// The sockets of the resolver around the dataplane, which holds the resolver itself: questions that
// do not come as packets go in, and what it asks of servers goes out. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "daemon/dataplane/dataplane.h"
#include "daemon/dns_net/question_link.h"
#include "daemon/dns_net/upstream_link.h"

namespace aya::app {

class NameService final : public dns_net::UpstreamLink::Owner {
 public:
  using Reply = std::function<void(Bytes response)>;

  // `plane_called` is called after every call into the dataplane, whose deadlines may have changed.
  // All references outlive the object.
  NameService(
      const dns_net::UpstreamLink::Parts& parts, dataplane::Dataplane& plane,
      std::function<void()> plane_called);
  ~NameService() override;

  // The host has these overlay addresses now.
  void set_own_addresses(const std::vector<IpAddress>& own);

  // `reply` is called from the loop, once, unless this is destroyed before.
  void ask(Bytes query, dns::Forwarder::For whom, Reply reply);

  // From dataplane::Dataplane::Ports.
  void to_server(const dns::Forwarder::Send& query) { upstream_.send(query); }
  void on_answer(dns::QuestionId question, Bytes response);

 private:
  void on_upstream_response(const Endpoint& from, Bytes response) override;
  void on_upstream_stream(const dns::Forwarder::Ticket& ticket, Bytes response) override;
  void on_upstream_failure(const dns::Forwarder::Ticket& ticket) override;

  io::Loop& loop_;
  dataplane::Dataplane& plane_;
  std::function<void()> plane_called_;
  dns_net::UpstreamLink upstream_;
  dns_net::QuestionLink by_tcp_;
  std::map<dns::QuestionId, Reply> waiting_;
  std::uint64_t last_question_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
};

}  // namespace aya::app
