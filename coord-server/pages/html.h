// HTML for people, without scripts and without anything from elsewhere: it must work in whatever
// browser a device has, and show nothing that a device's name could smuggle in.
#pragma once

#include <string>
#include <string_view>

#include "proto/http/message.h"

namespace aya::pages {

// What a reader reads: English, or Japanese where the browser prefers it.
class Tongue {
 public:
  static Tongue of(const http::Request& request);
  std::string_view operator()(std::string_view english, std::string_view japanese) const {
    return japanese_ ? japanese : english;
  }
  std::string_view code() const { return japanese_ ? "ja" : "en"; }

 private:
  bool japanese_ = false;
};

// Text as content or as a quoted attribute. Bytes that are not UTF-8 and control characters become
// "?".
std::string escaped(std::string_view text);

std::string paragraph(std::string_view text);  // escapes
// A row of a list of facts; nothing at all for an empty value.
std::string fact(std::string_view name, std::string_view value);

// A whole page; `body` is HTML already. The headers allow it nothing but its own style and forms.
http::Response page(int status, const Tongue& say, std::string_view title, std::string_view body);
http::Response redirect(std::string_view to);
http::Response style_sheet();

}  // namespace aya::pages
