// Coord's registrations and log-outs: the requests, and what their answers lead to.

#include "daemon/coord/coord.h"
#include "proto/control/capability_version.h"
#include "proto/control/json_text.h"

namespace aya::coord {
namespace {

constexpr std::string_view kRegisterPath = "/machine/register";
constexpr std::size_t kShownText = 200;

std::string refusal_text(const http::Response& response) {
  if (response.status == 0) return "the connection broke before the server answered";
  std::string out = "the server answered with status " + std::to_string(response.status);
  if (!response.body.empty()) {
    out += ": " + std::string(as_text(response.body).substr(0, kShownText));
  }
  return out;
}

}  // namespace

void Coord::send_register(Moment now, Effects& out) {
  control::RegisterRequest request = login_.request();
  request.version = control::kOurCapabilityVersion;
  request.hostinfo = host_.hostinfo;
  const auto stream = session()->post_json(kRegisterPath, control::encode(request));
  if (!stream) return drop_connection("the connection takes no more requests", now, out);
  // With a followup the server answers when the person has come, however long that takes.
  const Duration patience = request.followup.empty() ? kRequestTimeout : kWaitProbe;
  registering_ = Request{*stream, now.steady + patience};
}

void Coord::on_register_answer(const http::Response& response, Moment now, Effects& out) {
  registering_.reset();
  if (response.status == 429) {
    register_at_ = now.steady + retry_after(response.headers.get("Retry-After"), rng_);
    return;
  }
  const auto answer = control::decode<control::RegisterResponse>(as_text(response.body));
  if (response.status != 200 || !answer) {
    out.problems.push_back(
        response.status == 200 ? "the server's answer to the registration cannot be read"
                               : refusal_text(response));
    register_at_ = now.steady + register_backoff_.next();
    return;
  }
  const NodePublicKey before = login_.identity().node_key.public_key();
  switch (login_.on_answer(*answer)) {
    case Login::Verdict::Registered: {
      register_backoff_.reset();
      told_.reset();  // the server may know nothing of a node it has just let in
      out.identity_changed = true;
      out.logged_in = Effects::LoggedIn{answer->user, answer->login};
      // A poll of the old key would only tell that the key has expired.
      if (login_.identity().node_key.public_key() != before || state_.netmap.self.id.value != 0) {
        close_poll();
      }
      break;
    }
    case Login::Verdict::AskNow:
      break;
    case Login::Verdict::AskLater:
      register_at_ = now.steady + register_backoff_.next();
      break;
    case Login::Verdict::Refused:
      // Who is in stays in: what was refused is only what was asked on top.
      refused_ = !in_poll();
      out.problems.push_back(login_.reason());
      break;
  }
}

// A question that is still open would be answered as if it were the next one.
void Coord::cancel_registration() {
  if (registering_) session()->cancel(registering_->stream);
  registering_.reset();
}

void Coord::logout(Moment now, Effects& out) {
  wish_ = Wish::LogOut;
  cancel_registration();
  login_.abandon();
  work(now, out);
  flush(out);
}

void Coord::send_logout(Moment now, Effects& out) {
  control::RegisterRequest request = login_.logout_request();
  request.version = control::kOurCapabilityVersion;
  request.hostinfo = host_.hostinfo;
  const auto stream = session()->post_json(kRegisterPath, control::encode(request));
  if (!stream) return drop_connection("the connection takes no more requests", now, out);
  logging_out_ = Request{*stream, now.steady + kRequestTimeout};
}

void Coord::on_logout_answer(const http::Response& response, Effects& out, Moment now) {
  logging_out_.reset();
  const auto answer = control::decode<control::RegisterResponse>(as_text(response.body));
  if (response.status != 200 || !answer || !answer->error.empty()) {
    wish_ = Wish::Join;
    const std::string why =
        answer && !answer->error.empty() ? answer->error : refusal_text(response);
    out.problems.push_back("not logged out: " + why);
    return;
  }
  login_.forget();
  wish_ = Wish::Nothing;
  state_ = {};
  told_.reset();
  close_all(out);
  out.identity_changed = true;
  out.logged_out = true;
  set_phase(out, now);
}

}  // namespace aya::coord
