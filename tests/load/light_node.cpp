#include "tests/load/light_node.h"

#include "proto/control/json_text.h"

namespace aya::load {

class LightNode::Wire final : public io::ByteStream::Handler {
 public:
  Wire(LightNode& owner, std::unique_ptr<io::ByteStream> stream)
      : owner_(owner), stream_(std::move(stream)) {}
  void start() { stream_->start(*this); }
  void write(Bytes bytes) { stream_->write(bytes); }

 private:
  void on_bytes(Bytes bytes) override { owner_.on_bytes(bytes); }
  void on_closed(const io::IoError& why) override { owner_.end(why.detail); }

  LightNode& owner_;
  std::unique_ptr<io::ByteStream> stream_;
};

LightNode::LightNode(Swarm& swarm, Options options, Owner& owner)
    : swarm_(swarm),
      options_(std::move(options)),
      owner_(owner),
      machine_(MachinePrivateKey::generate(swarm.rng)),
      key_(NodePrivateKey::generate(swarm.rng).public_key()),
      disco_(DiscoPrivateKey::generate(swarm.rng).public_key()) {
  // Nobody sends anything there; every node has one of its own.
  const auto last = static_cast<std::uint16_t>(1024 + options_.index % 60'000);
  endpoints_ = {Endpoint{*IpAddress::parse("192.0.2.7"), last}};
}

LightNode::~LightNode() = default;

void LightNode::connect() {
  drop();
  io::DialTarget target;
  target.host = swarm_.host;
  target.port = swarm_.port;
  target.tls = swarm_.tls.get();
  target.offer_http11 = true;
  target.timeout = 60s;
  dial_ = std::make_unique<io::Dial>(
      swarm_.loop, std::move(target),
      [this](Result<io::Dialled, io::IoError> dialled) { on_dialled(std::move(dialled)); });
}

void LightNode::drop() {
  dial_.reset();
  session_.reset();
  wire_.reset();
  registration_.reset();
  map_.reset();
}

void LightNode::on_dialled(Result<io::Dialled, io::IoError> dialled) {
  if (!dialled) return end(dialled.error().detail);
  wire_ = std::make_unique<Wire>(*this, std::move(dialled->stream));
  session_ = std::make_unique<coord::CoordSession>(
      coord::CoordSession::Options{
          swarm_.host + ':' + std::to_string(swarm_.port), machine_, swarm_.server_key,
          options_.as_text},
      swarm_.rng);
  wire_->start();
  carry_on();
}

void LightNode::on_bytes(Bytes bytes) {
  session_->receive(bytes);
  carry_on();
}

void LightNode::end(const std::string& why) {
  drop();
  owner_.on_ended(*this, why);
}

// An owner may drop us from within a call, and the session is gone.
void LightNode::carry_on() {
  for (;;) {
    if (!session_) return;
    Buffer out;
    session_->take_output(out);
    if (!out.empty()) wire_->write(out);
    auto events = session_->take_events();
    if (events.empty()) return;
    for (coord::SessionEvent& event : events) {
      if (!session_) return;
      act(event);
    }
  }
}

void LightNode::act(coord::SessionEvent& event) {
  if (const auto* learned = std::get_if<coord::KeyLearned>(&event)) {
    swarm_.server_key = learned->key;
  } else if (std::holds_alternative<coord::Established>(event)) {
    registered_ ? ask_for_map() : ask_to_register();
  } else if (const auto* answer = std::get_if<coord::Answered>(&event)) {
    on_answer(*answer);
  } else if (const auto* map = std::get_if<coord::MapArrived>(&event)) {
    owner_.on_map(*this, map->message);
  } else if (const auto* text = std::get_if<coord::MapTextArrived>(&event)) {
    owner_.on_map_text(*this, text->json);
  } else if (const auto* ended = std::get_if<coord::MapEnded>(&event)) {
    end("map ended with " + std::to_string(ended->status) + ' ' + ended->detail);
  } else if (const auto* failed = std::get_if<coord::SessionFailed>(&event)) {
    end(failed->reason);
  }
}

void LightNode::on_answer(const coord::Answered& answer) {
  if (registration_ != answer.stream) return;  // of a lite update
  registration_.reset();
  const auto response = control::decode<control::RegisterResponse>(as_text(answer.response.body));
  if (answer.response.status != 200 || !response) {
    return end("register: status " + std::to_string(answer.response.status));
  }
  if (!response->error.empty()) return end("register: " + response->error);
  registered_ = response->auth_url.empty();
  owner_.on_registered(*this, *response);
  if (registered_ && session_) ask_for_map();
}

void LightNode::ask_to_register() {
  control::RegisterRequest request;
  request.version = options_.version;
  request.node_key = key_;
  request.hostinfo.emplace().hostname = options_.host_name;
  request.hostinfo->os = "linux";
  if (!options_.auth_key.empty()) request.auth = control::RegisterAuth{options_.auth_key};
  registration_ = session_->post_json("/machine/register", control::encode(request));
}

void LightNode::ask_for_map() {
  control::MapRequest request = map_request();
  request.compress = options_.compress;
  request.keep_alive = true;
  request.stream = true;
  map_ = session_->open_map(request);
}

void LightNode::announce(const std::vector<Endpoint>& endpoints) {
  endpoints_ = endpoints;
  if (!session_ || !session_->established()) return;
  control::MapRequest request = map_request();
  request.omit_peers = true;
  session_->post_json("/machine/map", control::encode(request));
  carry_on();
}

control::MapRequest LightNode::map_request() const {
  control::MapRequest request;
  request.version = options_.version;
  request.node_key = key_;
  request.disco_key = disco_;
  request.hostinfo.emplace().hostname = options_.host_name;
  request.hostinfo->os = "linux";
  request.hostinfo->net_info.emplace().preferred_derp = options_.home_region;
  request.endpoints = endpoints_;
  request.endpoint_types.assign(endpoints_.size(), control::EndpointType::Stun);
  return request;
}

}  // namespace aya::load
