#include "daemon/app/internet_check.h"

#include <algorithm>

#include "daemon/dns/dns_message.h"
#include "proto/base/hex.h"
#include "proto/base/writer.h"

namespace aya::app {
namespace {

using Outcome = local::InternetTest::Outcome;

constexpr Duration kTryAgainAfter = 400ms;
constexpr Duration kOneTry = 2s;  // a lost packet must not use up the whole time
constexpr std::size_t kEgressLimit = 256;

// A question for a resolver that looks further where it must.
Buffer dns_query(std::uint16_t id, std::string_view name, dns::Type type) {
  Buffer out;
  Writer to(out);
  to.u16be(id);
  to.u16be(dns::Header::kRecursionDesired);
  to.u16be(1);
  to.zeros(6);
  while (!name.empty() && name != ".") {
    const std::string_view label = name.substr(0, name.find('.'));
    to.u8(static_cast<std::uint8_t>(label.size()));
    to.text(label);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  to.u8(0);
  to.u16be(static_cast<std::uint16_t>(type));
  to.u16be(dns::kClassIn);
  return out;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

// One question, asked again until it is answered.
class InternetCheck::Test {
 public:
  Test(InternetCheck& check, std::string name)
      : check_(check), again_(check.loop_, [this] { try_once(); }) {
    result_.name = std::move(name);
    result_.detail = "no answer";
  }
  virtual ~Test() = default;

  virtual void try_once() = 0;
  const local::InternetTest& result() const { return result_; }
  bool ended() const { return ended_; }
  void skip(std::string why) { end(Outcome::Skipped, std::move(why)); }

 protected:
  void pass(std::string what) { end(Outcome::Passed, std::move(what)); }
  void fail(std::string why) {
    result_.detail = std::move(why);
    again_.arm_in(kTryAgainAfter);
  }
  io::Loop& loop() { return check_.loop_; }
  InternetCheck& check_;

 private:
  void end(Outcome outcome, std::string detail) {
    result_.outcome = outcome;
    result_.detail = std::move(detail);
    ended_ = true;
    // A callback of this very test may be on the stack: the check ends in a step of its own.
    for (const auto& test : check_.tests_) {
      if (!test->ended()) return;
    }
    check_.deadline_.arm(loop().now());
  }

  local::InternetTest result_;
  bool ended_ = false;
  io::Timer again_;
};

class InternetCheck::ServerTest final : public Test {
 public:
  ServerTest(InternetCheck& check, std::string url, tls::TlsClientContext* tls)
      : Test(check, "server"), url_(std::move(url)), tls_(tls) {}

  void try_once() override {
    if (url_.empty()) return skip("no server outside of private networks is known");
    io::HttpFetch fetch;
    fetch.url = url_ + "/whatismyip";
    fetch.tls = tls_;
    fetch.timeout = kOneTry;
    fetch.body_limit = kEgressLimit;
    client_.emplace(loop(), std::move(fetch), [this](Result<http::Response, io::IoError> answer) {
      if (!answer) return fail(answer.error().detail);
      // Servers of others may not know the question; that they answer is enough.
      const std::string text = trimmed(as_text(answer->body));
      if (answer->status == 200 && IpAddress::parse(text)) check_.egress_ = text;
      pass(url_);
    });
  }

 private:
  std::string url_;
  tls::TlsClientContext* tls_;
  std::optional<io::HttpClient> client_;
};

// Asks the host's own resolver, as its programs do. A name that nobody has asked for yet cannot
// come out of a cache; that it does not exist is an answer.
class InternetCheck::NameTest final : public Test, private io::UdpSocket::Handler {
 public:
  NameTest(
      InternetCheck& check, PacketPool& pool, Rng& rng, std::vector<Endpoint> servers,
      std::string name)
      : Test(check, "dns"),
        pool_(pool),
        rng_(rng),
        servers_(std::move(servers)),
        name_(std::move(name)),
        lost_(check.loop_, [this] {
          fail(
              "the resolver at " + servers_[asked_ % servers_.size()].to_text() +
              " does not answer");
          ++asked_;
        }) {}

  void try_once() override {
    if (servers_.empty()) return skip("this host has no resolver");
    if (!socket_) {
      io::UdpOptions options;
      options.socket_buffer = 64 * 1024;
      auto opened = io::UdpSocket::open(loop(), pool_, options, *this);
      if (!opened) return fail(opened.error().detail);
      socket_ = std::move(*opened);
    }
    const Buffer query = next_query();
    const io::UdpSend one{query, servers_[asked_ % servers_.size()], {}};
    socket_->send({&one, 1});
    lost_.arm_in(kTryAgainAfter);
  }

 private:
  Buffer next_query() {
    id_ = static_cast<std::uint16_t>(rng_.u32());
    if (name_ == ".") return dns_query(id_, name_, dns::Type::Ns);
    return dns_query(id_, "ayatori-" + to_hex(rng_.array<6>()) + "." + name_, dns::Type::A);
  }

  void on_datagrams(std::span<io::UdpReceived> batch) override {
    for (const io::UdpReceived& received : batch) {
      const auto answer = dns::Header::parse(received.packet.bytes());
      if (ended() || !answer || !answer->is_response() || answer->id != id_) continue;
      const auto code = answer->rcode();
      if (code == dns::Rcode::Ok || code == dns::Rcode::NxDomain) {
        lost_.disarm();
        pass(received.from.to_text());
      } else {
        lost_.disarm();
        fail("the resolver at " + received.from.to_text() + " cannot answer");
        ++asked_;
      }
    }
  }

  PacketPool& pool_;
  Rng& rng_;
  std::vector<Endpoint> servers_;
  std::string name_;
  std::size_t asked_ = 0;
  std::uint16_t id_ = 0;
  std::unique_ptr<io::UdpSocket> socket_;
  io::Timer lost_;
};

class InternetCheck::TcpTest final : public Test {
 public:
  TcpTest(InternetCheck& check, std::optional<io::DialTarget> target)
      : Test(check, "tcp"), target_(std::move(target)) {}

  void try_once() override {
    if (!target_) return skip("no other host is known to try");
    io::DialTarget target = *target_;
    target.timeout = kOneTry;
    dial_.emplace(loop(), std::move(target), [this](Result<io::Dialled, io::IoError> result) {
      if (!result) return fail(result.error().detail);
      pass(result->remote.to_text());
    });
  }

 private:
  std::optional<io::DialTarget> target_;
  std::optional<io::Dial> dial_;
};

InternetCheck::InternetCheck(
    io::Loop& loop, PacketPool& pool, Rng& rng, InternetTargets targets, Duration timeout,
    Done done)
    : loop_(loop), done_(std::move(done)), deadline_(loop, [this] { finish(); }) {
  deadline_.arm_in(timeout);
  tests_.push_back(std::make_unique<ServerTest>(*this, targets.server_url, targets.tls));
  tests_.push_back(std::make_unique<NameTest>(
      *this, pool, rng, std::move(targets.resolvers), std::move(targets.name)));
  tests_.push_back(std::make_unique<TcpTest>(*this, std::move(targets.tcp)));
  const std::string without = "," + targets.without + ",";
  for (const auto& test : tests_) {
    if (without.find("," + test->result().name + ",") != std::string::npos) {
      test->skip("not wanted");
    } else {
      test->try_once();
    }
  }
}

InternetCheck::~InternetCheck() = default;

void InternetCheck::finish() {
  if (!done_) return;
  local::InternetCheck result;
  for (const auto& test : tests_) result.tests.push_back(test->result());
  result.egress = egress_;
  const Done call = std::exchange(done_, nullptr);
  call(std::move(result));
}

}  // namespace aya::app
