#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/http/http1_parser.h"

namespace aya::http::detail {
namespace {

// Room for a chunk's size and the extensions nobody uses.
constexpr std::size_t kMaxChunkLine = 1024;

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <int kBase>
bool parse_number(std::string_view text, std::uint64_t& out) {
  // Fifteen digits keep every later sum far from overflow.
  if (text.empty() || text.size() > 15) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, kBase);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Result<bool, HttpError> MessageReader::take_line(Bytes& input, std::string& out) {
  const auto newline = std::ranges::find(input, std::byte{'\n'});
  const bool ends = newline != input.end();
  const auto count = static_cast<std::size_t>(newline - input.begin()) + (ends ? 1 : 0);
  head_bytes_ += count;
  if (head_bytes_ > limits_.head) return HttpError::HeadTooLarge;
  out += as_text(input.first(count));
  input = input.subspan(count);
  if (!ends) return false;
  if (!out.ends_with("\r\n")) return HttpError::BadHeader;
  out.resize(out.size() - 2);
  return true;
}

Result<bool, HttpError> MessageReader::feed_head(Bytes& input) {
  while (!input.empty()) {
    auto whole = take_line(input, line_);
    if (!whole) return whole.error();
    if (!*whole) return false;
    const std::string line = std::exchange(line_, {});
    if (head_.start_line.empty()) {
      head_.start_line = line;  // an empty line before it is skipped (RFC 9112, section 2.2)
    } else if (line.empty()) {
      head_done_ = true;
      return true;
    } else if (auto taken = on_field(line); !taken) {
      return taken.error();
    }
  }
  return false;
}

Result<void, HttpError> MessageReader::on_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return HttpError::BadHeader;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_token(name) || !is_field_value(value)) return HttpError::BadHeader;
  if (head_.headers.size() >= limits_.fields) return HttpError::HeadTooLarge;
  head_.headers.add(name, value);
  return {};
}

Result<void, HttpError> MessageReader::choose_framing(bool may_have_body, Framing without_length) {
  const Headers& headers = head_.headers;
  const bool has_length = headers.has("Content-Length");
  framing_ = without_length;
  if (const std::string* encoding = headers.find("Transfer-Encoding")) {
    if (has_length) return HttpError::BadLength;
    if (headers.count("Transfer-Encoding") > 1 || !equal_ignoring_case(*encoding, "chunked")) {
      return HttpError::UnknownEncoding;
    }
    framing_ = Framing::Chunked;
  } else if (has_length) {
    framing_ = Framing::Length;
    const std::string& first = *headers.find("Content-Length");
    if (!parse_number<10>(first, left_)) return HttpError::BadLength;
    for (const auto& [name, value] : headers) {
      if (equal_ignoring_case(name, "Content-Length") && value != first) {
        return HttpError::BadLength;
      }
    }
  }
  if (!may_have_body) framing_ = Framing::None;
  body_done_ = framing_ == Framing::None || (framing_ == Framing::Length && left_ == 0);
  return {};
}

Result<void, HttpError> MessageReader::feed_body(Bytes& input) {
  while (!body_done_ && !input.empty()) {
    const bool in_data = framing_ != Framing::Chunked || chunk_ == Chunk::Data;
    if (in_data) {
      if (auto taken = take_data(input); !taken) return taken;
      continue;
    }
    // Chunk lines and trailers are counted anew each; none may grow without end.
    if (line_.empty() && chunk_ != Chunk::Trailer) head_bytes_ = 0;
    auto whole = take_line(input, line_);
    if (!whole) return whole.error() == HttpError::BadHeader ? HttpError::BadChunk : whole.error();
    if (line_.size() > kMaxChunkLine) return HttpError::BadChunk;
    if (!*whole) return {};
    if (auto done = on_chunk_line(std::exchange(line_, {})); !done) return done;
  }
  return {};
}

Result<void, HttpError> MessageReader::take_data(Bytes& input) {
  std::size_t count = input.size();
  if (framing_ != Framing::ToEnd) count = std::min<std::uint64_t>(count, left_);
  if (count > limits_.body - std::min(limits_.body, body_.size())) return HttpError::BodyTooLarge;
  append(body_, input.first(count));
  input = input.subspan(count);
  if (framing_ == Framing::ToEnd) return {};
  left_ -= count;
  if (left_ > 0) return {};
  if (framing_ == Framing::Length) body_done_ = true;
  chunk_ = Chunk::DataEnd;
  return {};
}

Result<void, HttpError> MessageReader::on_chunk_line(std::string_view line) {
  switch (chunk_) {
    case Chunk::Size: {
      const std::string_view digits = trim(line.substr(0, line.find(';')));
      if (!parse_number<16>(digits, left_)) return HttpError::BadChunk;
      chunk_ = left_ == 0 ? Chunk::Trailer : Chunk::Data;
      return {};
    }
    case Chunk::DataEnd:
      if (!line.empty()) return HttpError::BadChunk;
      chunk_ = Chunk::Size;
      return {};
    case Chunk::Trailer:  // fields behind the body: read past, nobody here wants them
      body_done_ = line.empty();
      return {};
    case Chunk::Data:
      break;
  }
  return HttpError::BadChunk;
}

Result<void, HttpError> MessageReader::end_of_input() {
  if (!started() || body_done_) return {};
  if (!head_done_ || framing_ != Framing::ToEnd) return HttpError::Truncated;
  body_done_ = true;
  return {};
}

Buffer MessageReader::take_body() { return std::exchange(body_, {}); }

void MessageReader::reset() { *this = MessageReader(limits_); }

}  // namespace aya::http::detail
