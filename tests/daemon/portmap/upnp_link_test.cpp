// miniupnpc against a gateway of the test's: what our calls make of real documents.
#include "daemon/portmap/upnp_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "proto/io/http_connection.h"
#include "proto/io/tcp_stream.h"

namespace aya::portmap {
namespace {

constexpr const char* kDescription =
    "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><deviceType>"
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device>"
    "<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1"
    "</serviceType><controlURL>/ppp</controlURL></service><service><serviceType>"
    "urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/ip</controlURL>"
    "</service></serviceList></device></deviceList></device></root>";

class HttpGateway final : public io::HttpConnection::Owner {
 public:
  explicit HttpGateway(io::Loop& loop) : loop_(loop) {
    auto listener = io::TcpListener::listen(
        loop, *Endpoint::parse("127.0.0.1:0"), [this](io::Connected accepted) {
          open_.push_back(
              std::make_unique<io::HttpConnection>(loop_, std::move(accepted.stream), *this));
        });
    listener_ = std::move(*listener);
  }

  UpnpTask task() const {
    UpnpTask out;
    out.id = 1;
    out.descriptions = {{listener_->local(), "/root.xml"}};
    out.internal = *Endpoint::parse("127.0.0.1:41641");
    return out;
  }

  bool silent = false;
  std::string every_page;  // if set
  std::vector<std::string> seen;
  std::string added;  // the request that mapped

 private:
  void on_request(io::HttpConnection& connection, http::Request request) override {
    const std::string body(as_text(request.body));
    seen.push_back(request.target + " " + action_of(request));
    if (silent) return;
    const std::string page = every_page.empty() ? page_for(seen.back(), body) : every_page;
    http::Response response;
    response.status = page.find("errorCode") == std::string::npos ? 200 : 500;
    response.headers.add("Connection", "close");
    response.body.assign(as_bytes(page).begin(), as_bytes(page).end());
    connection.respond(response);
  }
  void on_closed(io::HttpConnection& connection) override {
    std::erase_if(open_, [&](const auto& one) { return one.get() == &connection; });
  }

  static std::string action_of(const http::Request& request) {
    const std::string* header = request.headers.find("SOAPAction");  // "<service>#<action>"
    if (header == nullptr) return "";
    const auto hash = header->find('#');
    return header->substr(hash + 1, header->size() - hash - 2);
  }

  std::string page_for(const std::string& asked, const std::string& body) {
    const auto values = [](const std::string& inside) {
      return "<s:Envelope "
             "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:Answer>" +
             inside + "</u:Answer></s:Body></s:Envelope>";
    };
    if (asked == "/root.xml ") return kDescription;
    if (asked == "/ppp GetExternalIPAddress") {
      return values("<NewExternalIPAddress>10.9.9.9</NewExternalIPAddress>");
    }
    if (asked.ends_with("GetStatusInfo")) {
      return values(
          "<NewConnectionStatus>Connected</NewConnectionStatus><NewLastConnectionError>NONE"
          "</NewLastConnectionError><NewUptime>9</NewUptime>");
    }
    if (asked == "/ip GetExternalIPAddress") {
      return values("<NewExternalIPAddress>203.0.113.9</NewExternalIPAddress>");
    }
    if (asked == "/ip AddPortMapping") {
      if (std::exchange(conflict_, false)) return values("<errorCode>718</errorCode>");
      added = body;
      return values("");
    }
    if (asked == "/ip GetSpecificPortMappingEntry") {
      return values(
          "<NewInternalClient>127.0.0.1</NewInternalClient><NewInternalPort>41641"
          "</NewInternalPort>");
    }
    return values("");
  }

  io::Loop& loop_;
  std::unique_ptr<io::TcpListener> listener_;
  std::vector<std::unique_ptr<io::HttpConnection>> open_;
  bool conflict_ = true;  // the first port is somebody else's
};

struct Bench {
  std::optional<UpnpAnswer> ask() {
    std::optional<UpnpAnswer> got;
    link->map(gateway.task(), [&](const UpnpAnswer& answer) { got = answer; });
    loop.run_until([&] { return got.has_value(); }, 10s);
    return got;
  }

  io::Loop loop;
  HttpGateway gateway{loop};
  std::unique_ptr<UpnpLink> link = std::make_unique<UpnpLink>(loop, 0);
};

TEST(UpnpLink, MapsOnTheServiceThatIsPublicAndGivesBack) {
  Bench bench;
  const auto answer = bench.ask();
  ASSERT_TRUE(answer && answer->granted);
  EXPECT_EQ(answer->id, 1u);
  const UpnpHold& hold = answer->granted->hold;
  const std::string port = std::to_string(hold.external_port);
  EXPECT_EQ(answer->granted->external.to_text(), "203.0.113.9:" + port);
  EXPECT_EQ(hold.service_type, "urn:schemas-upnp-org:service:WANIPConnection:1");
  for (const std::string& part :
       {"<NewExternalPort>" + port + "<", std::string("<NewProtocol>UDP<"),
        std::string("<NewInternalPort>41641<"), std::string("<NewInternalClient>127.0.0.1<"),
        std::string("<NewLeaseDuration>7200<")}) {
    EXPECT_NE(bench.gateway.added.find(part), std::string::npos) << part;
  }

  bench.link->give_back(hold);
  EXPECT_TRUE(bench.loop.run_until(
      [&] { return bench.gateway.seen.back() == "/ip DeletePortMapping"; }, 5s));
}

TEST(UpnpLink, GrantsNothingByPagesThatSayNothing) {
  for (const std::string& page :
       {std::string("x"), std::string(100'000, '<'), std::string(kDescription).substr(0, 300),
        std::string("<root><errorCode>501</errorCode></root>")}) {
    Bench bench;
    bench.gateway.every_page = page;
    const auto answer = bench.ask();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->granted);
    EXPECT_FALSE(bench.gateway.seen.empty());
  }
}

TEST(UpnpLink, EndsInTimeThoughAGatewayIsSilent) {
  Bench bench;
  bench.gateway.silent = true;
  bool answered = false;
  bench.link->map(bench.gateway.task(), [&](const UpnpAnswer&) { answered = true; });
  bench.link->give_back({bench.gateway.task().descriptions[0].to_text(), "urn:x", 5000});
  bench.loop.run_until([&] { return bench.gateway.seen.size() == 2; }, 5s);
  EXPECT_EQ(bench.gateway.seen.size(), 2u);
  const TimePoint began = bench.loop.now();
  bench.link.reset();
  EXPECT_LT(bench.loop.now() - began, 3s);
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace aya::portmap
