#include "tests/netns/double/scripted_desk.h"

#include <nlohmann/json.hpp>

namespace aya::netns {
namespace {

using Json = nlohmann::json;

}  // namespace

void ScriptedDesk::take_line(const std::string& line) {
  const Json said = Json::parse(line);
  if (said.contains("answer")) {
    answers_[said["answer"]] = {said.value("status", 200), said["body"].dump()};
    return;
  }
  const mapper::StreamId stream{said.contains("to") ? said["to"] : said["end"]};
  const auto poll = polls_.find(stream);
  if (poll == polls_.end()) return;
  if (said.contains("end")) {
    coord::MapReader* reader = poll->second.reader;
    polls_.erase(poll);
    return reader->on_map_end(stream);
  }
  Buffer frame;
  encoder_.append(said["frame"].dump(), poll->second.compression, frame);
  poll->second.reader->on_map_frame(stream, frame);
}

coord::Desk::Answer ScriptedDesk::ask(
    const http::Request& request, const MachinePublicKey& machine, coord::MapReader& reader) {
  const std::string path(request.path());
  Json body = Json::parse(as_text(request.body), nullptr, false);
  if (body.is_discarded()) body = std::string(as_text(request.body));
  Json told = {{"path", path}, {"machine", machine.to_text()}, {"method", request.method}};
  Answer answer;
  if (path == "/machine/map" && body.value("Stream", false)) {
    const mapper::StreamId fresh{++last_stream_};
    const auto compression = control::parse_compression(body.value("Compress", ""));
    polls_[fresh] = {&reader, compression.value_or(control::Compression::None)};
    told["stream"] = fresh.value;
    answer.stream = fresh;
  } else if (path == "/machine/map") {
    answer.response = http::Response{};
  } else {
    const Canned& canned = answers_[path];
    answer.response = http::Response::json(canned.status, canned.body);
  }
  told["body"] = std::move(body);
  tell_(told.dump(-1, ' ', false, Json::error_handler_t::replace));
  return answer;
}

void ScriptedDesk::stream_closed(mapper::StreamId stream) {
  if (polls_.erase(stream) > 0) tell_(Json{{"closed", stream.value}}.dump());
}

}  // namespace aya::netns
