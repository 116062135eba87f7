#include "proto/http/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <unordered_map>
#include <utility>

#include "proto/base/check.h"
#include "proto/http/h2_stream.h"

namespace aya::http {
namespace {

using Stream = detail::H2StreamState;

// What a field costs beyond its letters (RFC 9113, section 6.5.2).
constexpr std::size_t kFieldOverhead = 32;

// Fields that belong to one HTTP/1.1 connection and must not appear here (RFC 9113, 8.2.2).
bool is_connection_field(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {
      "connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
  return std::ranges::any_of(kNames, [&](auto known) { return equal_ignoring_case(known, name); });
}

std::string_view as_view(const std::uint8_t* text, std::size_t size) {
  return {reinterpret_cast<const char*>(text), size};
}

// Owns the lower-cased text that nghttp2's name-value array points into.
class FieldList {
 public:
  void add(std::string_view name, std::string_view value) {
    std::string lower(name);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    fields_.emplace_back(std::move(lower), value);
  }
  void add_all(const Headers& headers) {
    for (const auto& [name, value] : headers) {
      if (!is_connection_field(name)) add(name, value);
    }
  }
  // Valid until the next add().
  const std::vector<nghttp2_nv>& array() {
    array_.clear();
    for (auto& [name, value] : fields_) {
      array_.push_back(
          {reinterpret_cast<std::uint8_t*>(name.data()),
           reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
           NGHTTP2_NV_FLAG_NONE});
    }
    return array_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<nghttp2_nv> array_;
};

}  // namespace

struct H2Session::Impl {
  Impl(Role as, const H2Options& with);
  ~Impl() { nghttp2_session_del(session); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Stream* find(H2Stream id) {
    const auto at = streams.find(id);
    return at == streams.end() ? nullptr : &at->second;
  }

  void open_session();
  void submit_settings();
  bool on_field(Stream& stream, std::string_view name, std::string_view value);
  void on_message_part(H2Stream id, std::uint8_t type, bool end_stream);
  void on_body(H2Stream id, Stream& stream, Bytes data);
  void deliver_request(H2Stream id, Stream& stream);
  void on_closed(H2Stream id, std::uint32_t error);
  ssize_t on_send(H2Stream id, std::uint8_t* to, std::size_t length, std::uint32_t* flags);
  void submit_response(H2Stream id, FieldList& fields, bool with_body);
  void refuse_body(H2Stream id, Stream& stream);
  nghttp2_data_provider body_source();
  static nghttp2_session_callbacks* make_callbacks();

  Role role;
  H2Options options;
  nghttp2_session* session = nullptr;
  std::unordered_map<H2Stream, Stream> streams;
  std::vector<H2Event> events;
  std::string diagnosis;  // what nghttp2 last said was wrong
  bool failed = false;
  std::uint64_t pongs = 0;
};

// The callbacks do no more than find their Impl, which nghttp2 keeps as user data.
nghttp2_session_callbacks* H2Session::Impl::make_callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  AYA_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          static_cast<Impl*>(self)->streams.try_emplace(frame->hd.stream_id);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
         std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
         void* self) -> int {
        auto* impl = static_cast<Impl*>(self);
        Stream* stream = impl->find(frame->hd.stream_id);
        if (!stream) return 0;
        return impl->on_field(*stream, as_view(name, name_size), as_view(value, value_size))
                   ? 0
                   : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets this stream only
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, std::uint8_t, H2Stream id, const std::uint8_t* data,
                    std::size_t size, void* self) {
        auto* impl = static_cast<Impl*>(self);
        Stream* stream = impl->find(id);
        if (stream && !stream->reset_by_us) {
          impl->on_body(id, *stream, as_bytes(as_view(data, size)));
        } else {
          nghttp2_session_consume(impl->session, id, size);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        auto* impl = static_cast<Impl*>(self);
        const bool flagged = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;  // 1: ACK of a PING
        if (frame->hd.type == NGHTTP2_PING && flagged) ++impl->pongs;
        impl->on_message_part(frame->hd.stream_id, frame->hd.type, flagged);
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, H2Stream id, std::uint32_t error, void* self) {
        static_cast<Impl*>(self)->on_closed(id, error);
        return 0;
      });
  nghttp2_session_callbacks_set_error_callback2(
      callbacks, [](nghttp2_session*, int, const char* text, std::size_t size, void* self) {
        static_cast<Impl*>(self)->diagnosis.assign(text, size);
        return 0;
      });
  return callbacks;
}

H2Session::Impl::Impl(Role as, const H2Options& with) : role(as), options(with) {
  open_session();
  submit_settings();
}

void H2Session::Impl::open_session() {
  nghttp2_option* option = nullptr;
  AYA_CHECK(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session_callbacks* callbacks = make_callbacks();
  const int made = role == Role::Client
                       ? nghttp2_session_client_new2(&session, callbacks, this, option)
                       : nghttp2_session_server_new2(&session, callbacks, this, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  AYA_CHECK(made == 0);
}

void H2Session::Impl::submit_settings() {
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options.max_head)}};
  if (role == Role::Client) {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_streams});
  }
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(
      session, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options.connection_window));
}

bool H2Session::Impl::on_field(Stream& stream, std::string_view name, std::string_view value) {
  stream.head_size += name.size() + value.size() + kFieldOverhead;
  if (stream.head_size > options.max_head) return false;
  if (role == Role::Client) {
    if (stream.head_seen) return true;  // a trailer
    if (name == ":status") {
      stream.response.status = 0;
      for (const char digit : value) {  // nghttp2 has checked that there are three
        stream.response.status = stream.response.status * 10 + (digit - '0');
      }
    } else if (!name.starts_with(':')) {
      stream.response.headers.add(name, value);
    }
    return true;
  }
  if (name == ":method") {
    stream.request.method = value;
  } else if (name == ":path") {
    stream.request.target = value;
  } else if (name == ":authority") {
    stream.request.headers.set("host", value);
  } else if (!name.starts_with(':')) {
    stream.request.headers.add(name, value);
  }
  return true;
}

void H2Session::Impl::on_message_part(H2Stream id, std::uint8_t type, bool end_stream) {
  Stream* stream = find(id);
  if (!stream || (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA)) return;
  if (role == Role::Server) {
    if (end_stream) deliver_request(id, *stream);
    return;
  }
  if (type != NGHTTP2_HEADERS || stream->head_seen) return;
  if (stream->response.status < 200) {  // 100-continue and its like
    stream->response = Response{};
    return;
  }
  stream->head_seen = true;
  events.push_back(H2ResponseStarted{id, std::exchange(stream->response, {})});
}

void H2Session::Impl::on_body(H2Stream id, Stream& stream, Bytes data) {
  if (role == Role::Client) {
    // The connection's window opens at once, so that one slow stream cannot stall the others.
    nghttp2_session_consume_connection(session, data.size());
    events.push_back(H2BodyArrived{id, Buffer(data.begin(), data.end())});
    return;
  }
  nghttp2_session_consume_stream(session, id, data.size());
  if (!stream.answered && stream.request.body.size() + data.size() > options.max_request_body) {
    refuse_body(id, stream);
  }
  if (stream.answered) {  // read past what nobody will look at
    nghttp2_session_consume_connection(session, data.size());
    return;
  }
  stream.body_held += data.size();
  append(stream.request.body, data);
}

void H2Session::Impl::refuse_body(H2Stream id, Stream& stream) {
  stream.answered = true;
  nghttp2_session_consume_connection(session, std::exchange(stream.body_held, 0));
  stream.request.body = Buffer();
  FieldList fields;
  fields.add(":status", "413");
  submit_response(id, fields, false);
}

void H2Session::Impl::deliver_request(H2Stream id, Stream& stream) {
  if (stream.delivered || stream.answered) return;
  stream.delivered = true;
  nghttp2_session_consume_connection(session, std::exchange(stream.body_held, 0));
  Request request = std::exchange(stream.request, {});
  stream.request.method = request.method;  // HEAD is answered without a body
  events.push_back(H2RequestArrived{id, std::move(request)});
}

void H2Session::Impl::on_closed(H2Stream id, std::uint32_t error) {
  const auto at = streams.find(id);
  if (at == streams.end()) return;
  const Stream& stream = at->second;
  if (stream.body_held > 0) nghttp2_session_consume_connection(session, stream.body_held);
  const bool known_to_owner = role == Role::Client || stream.delivered;
  if (known_to_owner && !stream.reset_by_us) events.push_back(H2StreamClosed{id, error});
  streams.erase(at);
}

ssize_t H2Session::Impl::on_send(
    H2Stream id, std::uint8_t* to, std::size_t length, std::uint32_t* flags) {
  Stream* stream = find(id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->queue.size() == 0 && !stream->finished) return NGHTTP2_ERR_DEFERRED;
  const std::size_t count = stream->queue.take(to, length);
  if (stream->queue.size() == 0 && stream->finished) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->refused_write && stream->queue.size() <= options.queue_limit / 2) {
    stream->refused_write = false;
    events.push_back(H2StreamDrained{id});
  }
  return static_cast<ssize_t>(count);
}

nghttp2_data_provider H2Session::Impl::body_source() {
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, H2Stream id, std::uint8_t* to, std::size_t length,
                              std::uint32_t* flags, nghttp2_data_source* source, void*) {
    return static_cast<Impl*>(source->ptr)->on_send(id, to, length, flags);
  };
  return provider;
}

void H2Session::Impl::submit_response(H2Stream id, FieldList& fields, bool with_body) {
  const auto& array = fields.array();
  const nghttp2_data_provider provider = body_source();
  nghttp2_submit_response(session, id, array.data(), array.size(), with_body ? &provider : nullptr);
}

H2Session::H2Session(Role role)
    : H2Session(role, role == Role::Client ? H2Options::client() : H2Options::server()) {}
H2Session::H2Session(Role role, const H2Options& options)
    : impl_(std::make_unique<Impl>(role, options)) {}
H2Session::~H2Session() = default;
H2Session::H2Session(H2Session&&) noexcept = default;
H2Session& H2Session::operator=(H2Session&&) noexcept = default;

Result<void, H2Error> H2Session::receive(Bytes bytes) {
  if (impl_->failed) return H2Error{"session has failed before"};
  const ssize_t used = nghttp2_session_mem_recv(impl_->session, uchars(bytes), bytes.size());
  if (used >= 0) return {};
  impl_->failed = true;
  std::string detail = nghttp2_strerror(static_cast<int>(used));
  if (!impl_->diagnosis.empty()) detail += ": " + impl_->diagnosis;
  return H2Error{std::move(detail)};
}

std::vector<H2Event> H2Session::take_events() { return std::exchange(impl_->events, {}); }

void H2Session::take_output(Buffer& out, std::size_t at_most) {
  const std::size_t before = out.size();
  while (out.size() - before < at_most) {
    const std::uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(impl_->session, &frame);
    if (size < 0) impl_->failed = true;
    if (size <= 0) return;
    append(out, as_bytes(as_view(frame, static_cast<std::size_t>(size))));
  }
}

bool H2Session::wants_output() const { return nghttp2_session_want_write(impl_->session) != 0; }

bool H2Session::closed() const {
  return impl_->failed || (nghttp2_session_want_read(impl_->session) == 0 &&
                           nghttp2_session_want_write(impl_->session) == 0);
}

std::optional<H2Stream> H2Session::request(const Request& request) {
  AYA_CHECK(impl_->role == Role::Client);
  // nghttp2 would take it all the same, and fail it when its turn to be sent comes.
  if (nghttp2_session_check_request_allowed(impl_->session) == 0) return std::nullopt;
  FieldList fields;
  const std::string_view host = request.headers.get("Host");
  fields.add(":method", request.method);
  fields.add(":scheme", "https");
  fields.add(":authority", host.empty() ? "unused" : host);
  fields.add(":path", request.target);
  fields.add_all(request.headers);
  const bool has_body = !request.body.empty();
  if (has_body && !request.headers.has("Content-Length")) {
    fields.add("content-length", std::to_string(request.body.size()));
  }
  const auto& array = fields.array();
  const nghttp2_data_provider provider = impl_->body_source();
  const H2Stream id = nghttp2_submit_request(
      impl_->session, nullptr, array.data(), array.size(), has_body ? &provider : nullptr, nullptr);
  if (id < 0) return std::nullopt;
  Stream& stream = impl_->streams[id];
  stream.queue.add(request.body);
  stream.finished = true;
  return id;
}

void H2Session::consumed(H2Stream stream, std::size_t bytes) {
  nghttp2_session_consume_stream(impl_->session, stream, bytes);
}

void H2Session::respond(H2Stream id, const Response& response) {
  Stream* stream = impl_->find(id);
  if (!stream || stream->answered) return;
  stream->answered = true;
  stream->finished = true;
  FieldList fields;
  fields.add(":status", std::to_string(response.status));
  fields.add_all(response.headers);
  const bool may_have_body = status_has_body(response.status);
  if (may_have_body && !response.headers.has("Content-Length")) {
    fields.add("content-length", std::to_string(response.body.size()));
  }
  const bool with_body =
      may_have_body && !response.body.empty() && stream->request.method != "HEAD";
  if (with_body) stream->queue.add(response.body);
  impl_->submit_response(id, fields, with_body);
}

void H2Session::start_response(H2Stream id, int status, const Headers& headers) {
  Stream* stream = impl_->find(id);
  if (!stream || stream->answered) return;
  stream->answered = true;
  FieldList fields;
  fields.add(":status", std::to_string(status));
  fields.add_all(headers);
  impl_->submit_response(id, fields, true);
}

bool H2Session::write(H2Stream id, Bytes data) {
  Stream* stream = impl_->find(id);
  if (!stream || stream->finished) return true;  // gone: there is nobody to hold back for
  if (stream->queue.size() >= impl_->options.queue_limit) {
    stream->refused_write = true;
    return false;
  }
  stream->queue.add(data);
  nghttp2_session_resume_data(impl_->session, id);
  return true;
}

void H2Session::finish(H2Stream id) {
  Stream* stream = impl_->find(id);
  if (!stream || stream->finished) return;
  stream->finished = true;
  nghttp2_session_resume_data(impl_->session, id);
}

std::size_t H2Session::queued(H2Stream id) const {
  const Stream* stream = impl_->find(id);
  return stream ? stream->queue.size() : 0;
}

void H2Session::reset(H2Stream id, std::uint32_t error) {
  Stream* stream = impl_->find(id);
  if (!stream) return;
  stream->reset_by_us = true;
  stream->finished = true;
  nghttp2_submit_rst_stream(impl_->session, NGHTTP2_FLAG_NONE, id, error);
}

bool H2Session::is_open(H2Stream id) const {
  const Stream* stream = impl_->find(id);
  return stream && !stream->reset_by_us;
}

std::size_t H2Session::open_streams() const { return impl_->streams.size(); }

void H2Session::go_away() {
  nghttp2_submit_goaway(
      impl_->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(impl_->session),
      NGHTTP2_NO_ERROR, nullptr, 0);
}

void H2Session::ping() { nghttp2_submit_ping(impl_->session, NGHTTP2_FLAG_NONE, nullptr); }

std::uint64_t H2Session::pongs() const { return impl_->pongs; }

}  // namespace aya::http
