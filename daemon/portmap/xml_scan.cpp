#include "daemon/portmap/xml_scan.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace aya::portmap {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::optional<char> character_of(std::string_view entity) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kNamed = {
      {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [name, character] : kNamed) {
    if (entity == name) return character;
  }
  if (!entity.starts_with('#')) return std::nullopt;
  entity.remove_prefix(1);
  const bool hex = entity.starts_with('x');
  if (hex) entity.remove_prefix(1);
  unsigned value = 0;
  const auto* end = entity.data() + entity.size();
  const auto read = std::from_chars(entity.data(), end, value, hex ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != end || value == 0 || value > 127) return std::nullopt;
  return static_cast<char>(value);
}

}  // namespace

XmlScan::Event XmlScan::next() {
  if (std::exchange(close_follows_, false)) return Event::Close;
  if (rest_.empty()) return Event::End;
  if (rest_.front() == '<') return take_markup();
  const auto end = std::min(rest_.find('<'), rest_.size());
  text_ = rest_.substr(0, end);
  literal_ = false;
  rest_.remove_prefix(end);
  return Event::Text;
}

XmlScan::Event XmlScan::take_markup() {
  constexpr std::string_view kComment = "<!--", kCdata = "<![CDATA[";
  if (rest_.starts_with(kComment)) {
    rest_.remove_prefix(kComment.size());
    return skip_past("-->") ? next() : Event::Bad;
  }
  if (rest_.starts_with("<?")) return skip_past("?>") ? next() : Event::Bad;
  if (rest_.starts_with(kCdata)) {
    rest_.remove_prefix(kCdata.size());
    text_ = rest_.substr(0, rest_.find("]]>"));
    literal_ = true;
    return skip_past("]]>") ? Event::Text : Event::Bad;
  }
  if (rest_.starts_with("<!")) return Event::Bad;
  return take_tag();
}

XmlScan::Event XmlScan::take_tag() {
  const auto end = rest_.find('>');
  if (end == std::string_view::npos) return Event::Bad;
  std::string_view tag = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  const bool closes = tag.starts_with('/');
  if (closes) tag.remove_prefix(1);
  close_follows_ = !closes && tag.ends_with('/');
  if (close_follows_) tag.remove_suffix(1);
  tag = tag.substr(0, tag.find_first_of(kBlank));
  if (const auto colon = tag.find(':'); colon != std::string_view::npos) {
    tag.remove_prefix(colon + 1);
  }
  if (tag.empty()) return Event::Bad;
  name_ = tag;
  return closes ? Event::Close : Event::Open;
}

bool XmlScan::skip_past(std::string_view end) {
  const auto at = rest_.find(end);
  if (at == std::string_view::npos) return false;
  rest_.remove_prefix(at + end.size());
  return true;
}

std::string XmlScan::plain() const {
  if (literal_) return std::string(text_);
  std::string out;
  for (std::string_view rest = text_; !rest.empty();) {
    const auto and_sign = rest.find('&');
    out += rest.substr(0, and_sign);
    if (and_sign == std::string_view::npos) break;
    rest.remove_prefix(and_sign + 1);
    const auto end = rest.find(';');
    const auto character =
        end == std::string_view::npos ? std::nullopt : character_of(rest.substr(0, end));
    if (character) {
      out += *character;
      rest.remove_prefix(end + 1);
    } else {
      out += '&';  // somebody forgot to escape it
    }
  }
  return out;
}

}  // namespace aya::portmap
