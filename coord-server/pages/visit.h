// One request for a page, taken apart: who asks, with which form, in which language. Forms carry a
// token that only a page of ours can have put there for this very browser, and browsers say where a
// request comes from; both are checked before anything is changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/pages/html.h"
#include "coord-server/people/people.h"
#include "proto/crypto/secret.h"
#include "proto/http/target.h"
#include "proto/netaddr/ip_address.h"

namespace aya::pages {

// What cookies and forms have to do with the server's URL.
class BrowserRules {
 public:
  BrowserRules(std::string origin, const crypto::Key32& secret);

  std::string_view session_cookie() const { return session_name_; }
  std::string_view visitor_cookie() const { return visitor_name_; }
  // A whole Set-Cookie; an empty value removes it.
  std::string set_cookie(std::string_view name, std::string_view value) const;
  std::string form_token(std::string_view cookie) const;
  // By what the browser says about the page a form was on. Old browsers say nothing.
  bool is_from_here(const http::Request& request) const;
  const std::string& origin() const { return origin_; }

 private:
  std::string origin_;  // "https://coord.example"
  crypto::Key32 secret_;
  bool secure_;
  std::string session_name_, visitor_name_;
};

// The value of a cookie of the request; empty if there is none.
std::string cookie_of(const http::Request& request, std::string_view name);

struct Visit {
  http::Request request;
  IpAddress from;
  WallTime now{};
  Tongue say;
  std::vector<http::QueryField> form;  // of a POST
  std::optional<people::People::Visit> session;
  std::string token;        // for forms of the page
  std::string new_visitor;  // a cookie to be set, because there was none

  std::string field(std::string_view name) const;
  std::string query(std::string_view name) const {
    return http::query_value(request.query(), name).value_or("");
  }
  // "192.0.2.0/24": who shares a fate when somebody there guesses.
  std::string source() const;
  std::string where() const;  // for the person to recognize a session by
};

// A form that posts to `action`; `fields` is HTML.
std::string form(
    const Visit& visit, std::string_view action, std::string_view fields, std::string_view button,
    bool quiet = false);
std::string input(
    std::string_view label, std::string_view name, std::string_view type,
    std::string_view autocomplete, std::string_view value = "");
std::string hidden(std::string_view name, std::string_view value);

// Only paths of ours that a login may lead to; otherwise "/account".
std::string safe_next(std::string_view next);

}  // namespace aya::pages
