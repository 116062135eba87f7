#include "daemon/coord/coord_link.h"

#include <utility>

namespace aya::coord {

class CoordLink::Stream final : public io::ByteStream::Handler {
 public:
  Stream(CoordLink& owner, LinkId link, io::DialTarget target) : owner_(owner), link_(link) {
    const bool by_known_address = !target.addresses.empty();
    dial_ = std::make_unique<io::Dial>(
        owner_.loop_, std::move(target),
        [this, by_known_address](Result<io::Dialled, io::IoError> result) {
          if (!result) return owner_.on_dial_failed(link_, by_known_address, result.error());
          stream_ = std::move(result->stream);
          stream_->start(*this);
          owner_.on_dialled(link_, result->remote);
        });
  }

  void write(Bytes bytes) {
    if (stream_) stream_->write(bytes);
  }

 private:
  void on_bytes(Bytes bytes) override { owner_.on_bytes(link_, bytes); }
  void on_closed(const io::IoError& why) override { owner_.on_closed(link_, why); }

  CoordLink& owner_;
  LinkId link_;
  std::unique_ptr<io::Dial> dial_;
  std::unique_ptr<io::ByteStream> stream_;
};

Result<std::unique_ptr<CoordLink>, std::string> CoordLink::open(
    const Parts& parts, Config config, Owner& owner) {
  const auto server = http::Url::parse(config.url);
  if (!server) {
    return "\"" + config.url +
           "\" is not an http:// or https:// URL; give another to "
           "`ayatori up --login-server`";
  }
  std::optional<tls::Sha256> pin;
  if (!config.certificate_pin.empty()) {
    pin = tls::parse_pin(config.certificate_pin);
    if (!pin) {
      return "\"" + config.certificate_pin +
             "\" is not a certificate pin; it is written "
             "sha256-raw: and 64 hexadecimal digits";
    }
    if (!server->tls) {
      return config.url +
             " has no certificate that --server-cert could pin; use its https:// URL, "
             "or give up the pin with --server-cert=";
    }
  }
  return std::unique_ptr<CoordLink>(new CoordLink(parts, *server, pin, std::move(config), owner));
}

CoordLink::CoordLink(
    const Parts& parts, const http::Url& server, std::optional<tls::Sha256> pin, Config config,
    Owner& owner)
    : loop_(parts.loop),
      owner_(owner),
      mark_(config.mark),
      roots_(parts.roots),
      coord_(
          CoordConfig{
              server, std::move(config.machine_key), std::move(config.identity), config.server_key,
              pin.has_value()},
          parts.rng),
      timer_(
          parts.loop,
          [this] {
            coord_.advance(now(), effects_);
            carry_out();
          }),
      tell_timer_(parts.loop, [this] { tell_owner(); }) {
  if (pin) pinned_ = std::make_unique<tls::TlsClientContext>(tls::TlsTrust::pinned(*pin));
}

CoordLink::~CoordLink() = default;

void CoordLink::set_host(const HostState& host) {
  coord_.set_host(host, now(), effects_);
  carry_out();
}

void CoordLink::login(const LoginWish& wish) {
  coord_.login(wish, now(), effects_);
  carry_out();
}

void CoordLink::logout() {
  coord_.logout(now(), effects_);
  carry_out();
}

void CoordLink::network_changed() {
  coord_.network_changed(now(), effects_);
  carry_out();
}

bool CoordLink::send_flow_report(control::FlowReport report) {
  const bool sent = coord_.send_flow_report(std::move(report), now(), effects_);
  if (sent) carry_out();
  return sent;
}

void CoordLink::open_stream(LinkId link, const DialAttempt& to) {
  io::DialTarget target;
  target.host = to.host;
  target.port = to.port;
  target.socket.mark = mark_;
  target.offer_http11 = true;
  target.timeout = kDialTimeout;
  if (try_known_address_ && known_address_) target.addresses = {*known_address_};
  if (to.tls && pinned_) {
    target.tls = pinned_.get();
  } else if (to.tls && to.must_verify) {
    target.tls = &roots_;
  } else if (to.tls) {
    // The server proves itself inside, by its Noise key.
    if (!unverified_) {
      unverified_ = std::make_unique<tls::TlsClientContext>(tls::TlsTrust::insecure());
    }
    target.tls = unverified_.get();
  }
  streams_[link] = std::make_unique<Stream>(*this, link, std::move(target));
}

void CoordLink::on_dialled(LinkId link, const Endpoint& remote) {
  known_address_ = remote.address;
  try_known_address_ = false;
  coord_.on_connected(link, now(), effects_);
  carry_out();
}

void CoordLink::on_dial_failed(LinkId link, bool by_known_address, const io::IoError& why) {
  try_known_address_ = !by_known_address;
  on_closed(link, why);
}

void CoordLink::on_bytes(LinkId link, Bytes bytes) {
  coord_.on_bytes(link, bytes, now(), effects_);
  carry_out();
}

void CoordLink::on_closed(LinkId link, const io::IoError& why) {
  coord_.on_closed(link, advice(why), now(), effects_);
  carry_out();
}

std::string CoordLink::advice(const io::IoError& why) const {
  using Kind = io::IoError::Kind;
  switch (why.kind) {
    case Kind::Tls:
      if (pinned_) {
        return why.detail +
               "; the server's certificate is not the one of --server-cert: ask its "
               "administrator for the present `ayatori up` line (`ayatori-coord key add`)";
      }
      return why.detail +
             "; if the server made its own certificate, use the whole `ayatori up` line "
             "that `ayatori-coord key add` prints (it holds --server-cert), or start ayatorid with "
             "SSL_CERT_FILE naming a copy of the server's cert.pem";
    case Kind::NotFound:
      return why.detail + "; check the name in --login-server and this machine's DNS";
    case Kind::Refused:
      return why.detail + "; check --login-server, and that ayatori-coord runs there";
    case Kind::TimedOut:
    case Kind::Unreachable:
      return why.detail +
             "; check --login-server, this machine's network and the server's firewall";
    default:
      return why.detail;
  }
}

// ---- effects

void CoordLink::carry_out() {
  // Sending calls nobody back; closing destroys streams, perhaps the one whose callback this is.
  Effects now_due = std::exchange(effects_, {});
  for (const auto& [link, bytes] : now_due.send) {
    if (const auto stream = streams_.find(link); stream != streams_.end()) {
      stream->second->write(bytes);
    }
  }
  for (const LinkId link : now_due.close) streams_.erase(link);
  for (const auto& [link, to] : now_due.open) open_stream(link, to);
  timer_.arm(coord_.next_deadline());

  now_due.send.clear();
  now_due.close.clear();
  now_due.open.clear();
  untold_.push_back(std::move(now_due));
  tell_timer_.arm(loop_.now());
}

void CoordLink::tell_owner() {
  for (Effects& news : std::exchange(untold_, {})) {
    if (news.server_key) owner_.on_server_key(*news.server_key);
    if (news.identity_changed) owner_.on_identity_changed();
    if (news.logged_in) owner_.on_logged_in(news.logged_in->user, news.logged_in->login);
    for (const auto& delta : news.netmap) owner_.on_netmap(delta);
    for (const auto& problem : news.problems) owner_.on_problem(problem);
    if (news.phase_changed) owner_.on_phase_changed();
    if (news.open_url) owner_.on_open_url(*news.open_url);
    if (news.logged_out) owner_.on_logged_out();
    for (const auto& question : news.questions) {
      coord_.answer_question(question.url, owner_.on_question(question.request), effects_);
    }
    if (!news.questions.empty()) carry_out();
    if (news.flow_report_answer) owner_.on_flow_report_answer(*news.flow_report_answer);
    for (const auto& url : news.head_requests) {
      io::HttpFetch fetch;
      fetch.url = url;
      fetch.method = "HEAD";
      fetch.tls = &roots_;
      fetch.socket.mark = mark_;
      fetch.timeout = std::chrono::seconds(15);
      heads_.clear();  // one at a time is all a server asks
      heads_.push_back(std::make_unique<io::HttpClient>(
          loop_, std::move(fetch), [](Result<http::Response, io::IoError>) {}));
    }
  }
}

}  // namespace aya::coord
