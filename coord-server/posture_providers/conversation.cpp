#include "coord-server/posture_providers/conversation.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "coord-server/posture_providers/host_list.h"
#include "proto/base/base64.h"
#include "proto/base/check.h"
#include "proto/http/target.h"

namespace aya::posture_providers {
namespace {

using Json = nlohmann::json;

constexpr int kNotFound = 404;
constexpr std::size_t kLongestToken = 16 * 1024;

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char ch) { return ch > 0x20 && ch < 0x7f; });
}

std::string host_of(const std::string& url) {
  const auto parsed = http::Url::parse(url);
  return parsed ? parsed->host : std::string();
}

// The word by which OAuth says what is wrong (RFC 6749, 5.2); nothing else of such an answer is
// shown, because it may repeat what it was sent.
std::string error_word(std::string_view body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return {};
  const auto found = answer.find("error");
  if (found == answer.end() || !found->is_string()) return {};
  const auto& word = found->get_ref<const std::string&>();
  const bool good = word.size() <= 40 && std::ranges::all_of(word, [](char ch) {
                      return (ch >= 'a' && ch <= 'z') || ch == '_';
                    });
  return good ? word : std::string();
}

}  // namespace

class Conversation::Impl {
 public:
  Impl(const Provider& provider, PostureAccess access)
      : provider_(provider), access_(std::move(access)) {
    const auto cloud = std::ranges::find(provider.clouds, access_.cloud, &Cloud::name);
    if (!provider.fixed_api.empty()) {
      api_ = login_ = provider.fixed_api;
    } else if (cloud != provider.clouds.end()) {
      api_ = cloud->api;
      login_ = cloud->login.empty() ? cloud->api : cloud->login;
    } else {
      api_ = login_ = place_of(access_.cloud);
    }
    wants_token_ = provider.proof == Proof::Token;
    if (!wants_token_) begin_listing(0);
  }

  delivery::Message question() const {
    delivery::Message out;
    out.longest_answer = kLongestAnswer;
    out.headers.set("Accept", "application/json");
    if (wants_token_) {
      out.url = login_ + with_tenant(provider_.token_path);
      out.headers.set("Content-Type", "application/x-www-form-urlencoded");
      append(out.body, as_bytes(token_form()));
      return out;
    }
    out.method = "GET";
    out.url = url_;
    out.headers.set("Authorization", authorization());
    if (!provider_.version_header.empty()) {
      out.headers.set(provider_.version_header, provider_.version);
    }
    return out;
  }

  Result<Progress, std::string> take(const delivery::Outcome& outcome) {
    if (!outcome) return host_of(question().url) + ": " + outcome.error().why;
    if (++questions_ > kMostQuestions) return std::string("it has more pages than anybody reads");
    if (wants_token_) return take_token(*outcome);
    // Of those it was asked about it may know none.
    const bool none = listing().paging == Paging::Keys && outcome->status == kNotFound;
    if (none) return next_keys();
    if (!is_good(*outcome)) return refusal(*outcome);
    auto page = hosts_.read(listing(), outcome->body);
    if (!page) return host_of(url_) + ": " + page.error();
    return turn(*page);
  }

  Report report() && { return std::move(hosts_).report(); }

 private:
  static bool is_good(const delivery::Answered& answer) {
    return answer.status >= 200 && answer.status < 300;
  }
  const Listing& listing() const { return provider_.listings[listing_]; }

  std::string with_tenant(std::string_view path) const {
    constexpr std::string_view kTenant = "{tenant}";
    std::string out(path);
    const std::size_t at = out.find(kTenant);
    if (at != std::string::npos) out.replace(at, kTenant.size(), access_.tenant);
    return out;
  }

  std::string token_form() const {
    std::string out = "grant_type=client_credentials&client_id=" +
                      http::percent_encode(access_.client) +
                      "&client_secret=" + http::percent_encode(access_.secret);
    if (!provider_.token_scope.empty()) {
      out += "&scope=" + http::percent_encode(api_ + std::string(provider_.token_scope));
    }
    return out;
  }

  std::string authorization() const {
    switch (provider_.proof) {
      case Proof::Bearer:
        return "Bearer " + access_.secret;
      case Proof::ApiToken:
        return "ApiToken " + access_.secret;
      case Proof::Basic:
        return "Basic " + to_base64(as_bytes(access_.client + ':' + access_.secret));
      case Proof::Token:
        break;
    }
    return "Bearer " + token_;
  }

  std::string refusal(const delivery::Answered& answer) const {
    std::string out = host_of(question().url) + " answered " + std::to_string(answer.status);
    if (const std::string word = error_word(answer.body); !word.empty()) out += " (" + word + ')';
    const bool in_doubt = answer.status == 401 || (wants_token_ && answer.status / 100 == 4);
    if (in_doubt) return out + ": is the secret right, and still good?";
    if (answer.status == 403) {
      out += ": the credential lacks a permission: " + std::string(provider_.permission);
    }
    return out;
  }

  Result<Progress, std::string> take_token(const delivery::Answered& answer) {
    if (!is_good(answer)) return refusal(answer);
    const Json said = Json::parse(answer.body, nullptr, false);
    const auto found = said.is_object() ? said.find("access_token") : said.end();
    const bool good = said.is_object() && found != said.end() && found->is_string();
    if (good) token_ = found->get<std::string>();
    if (!good || token_.empty() || token_.size() > kLongestToken || !is_visible(token_)) {
      return host_of(login_) + ": no token in its answer";
    }
    wants_token_ = false;
    begin_listing(0);
    return Progress::GoesOn;
  }

  void begin_listing(std::size_t number) {
    listing_ = number;
    page_ = 0;
    cursor_.clear();
    if (listing().paging == Paging::Keys) return;
    if (listing().paging == Paging::Number) {
      url_ = page_url("0");
    } else {
      url_ = first_url();
    }
  }

  std::string first_url() const {
    std::string out = api_ + with_tenant(listing().path);
    if (!provider_.tenant_parameter.empty() && !access_.tenant.empty()) {
      out += '&' + std::string(provider_.tenant_parameter) + '=' + access_.tenant;
    }
    return out;
  }
  std::string page_url(const std::string& value) const {
    return first_url() + '&' + std::string(listing().parameter) + '=' +
           http::percent_encode(value);
  }

  Result<Progress, std::string> turn(const HostList::Page& page) {
    switch (listing().paging) {
      case Paging::Link:
        return page.next.empty() ? next_listing() : follow(page.next);
      case Paging::Cursor:
        if (page.next.empty()) return next_listing();
        if (page.next == cursor_) return host_of(url_) + ": it sends the same page for ever";
        cursor_ = page.next;
        url_ = page_url(cursor_);
        return Progress::GoesOn;
      case Paging::Number:
        if (page.hosts < listing().size) return next_listing();
        url_ = page_url(std::to_string(++page_));
        return Progress::GoesOn;
      case Paging::Keys:
        break;
    }
    return next_keys();
  }

  // The token goes along: nobody may lead it elsewhere.
  Result<Progress, std::string> follow(const std::string& link) {
    const auto here = http::Url::parse(url_), there = http::Url::parse(link);
    const bool same = there && there->tls && there->host == here->host && there->port == here->port;
    if (!same || !is_visible(link)) return host_of(url_) + ": its next page is at another place";
    url_ = link;
    return Progress::GoesOn;
  }

  Result<Progress, std::string> next_listing() {
    if (listing_ + 1 == provider_.listings.size()) return Progress::Over;
    begin_listing(listing_ + 1);
    return listing().paging == Paging::Keys ? next_keys() : Progress::GoesOn;
  }

  Result<Progress, std::string> next_keys() {
    while (page_ * listing().size < hosts_.size()) {
      const auto keys = hosts_.keys(page_++ * listing().size, listing().size);
      if (keys.empty()) continue;
      url_ = first_url();
      for (const std::string& key : keys) {
        url_ += (&key == &keys.front() ? '?' : '&') + std::string(listing().parameter) + '=' +
                http::percent_encode(key);
      }
      return Progress::GoesOn;
    }
    return next_listing();
  }

  const Provider& provider_;
  PostureAccess access_;
  std::string api_, login_;
  bool wants_token_ = false;
  std::string token_;
  std::size_t questions_ = 0;
  std::size_t listing_ = 0;
  std::string url_;     // of the next question
  std::string cursor_;  // of Paging::Cursor, as it was sent
  std::size_t page_ = 0;
  HostList hosts_;
};

Conversation::Conversation(std::string_view name, PostureAccess access) {
  const Provider* provider = find_provider(name);
  AYA_CHECK(provider != nullptr);
  impl_ = std::make_unique<Impl>(*provider, std::move(access));
}

Conversation::~Conversation() = default;
Conversation::Conversation(Conversation&&) noexcept = default;
Conversation& Conversation::operator=(Conversation&&) noexcept = default;

delivery::Message Conversation::question() const { return impl_->question(); }

Result<Conversation::Progress, std::string> Conversation::take(const delivery::Outcome& outcome) {
  return impl_->take(outcome);
}

Report Conversation::report() && { return std::move(*impl_).report(); }

}  // namespace aya::posture_providers
