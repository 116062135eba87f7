// A bench whose coordinator sends mail, and somebody who reads it and follows the links.
#pragma once

#include "tests/coord-server/serve/bench.h"
#include "tests/support/mail_text.h"

namespace aya::serve {

class MailBench : public Bench {
 protected:
  MailBench() {
    mail_from = mail::Mailbox{"家のネット", "net@mail.example"};
    start();
  }
  test::MailText last_mail() {
    EXPECT_FALSE(mails.empty());
    const auto read = mails.empty() ? std::nullopt : test::MailText::read(mails.back().message);
    EXPECT_TRUE(read);
    return read.value_or(test::MailText{});
  }
  // The link in the last mail, without the server's name.
  std::string link() {
    const std::string text = last_mail().text;
    constexpr std::string_view kOrigin = "\nhttps://coord.test";
    const std::size_t at = text.find(kOrigin) + kOrigin.size();
    return text.substr(at, text.find('\n', at) - at);
  }
  http::Response page(
      const std::string& method, const std::string& path, const std::string& form = "") {
    http::Request request = http_request(method, path, form);
    request.headers.set("Cookie", cookie);
    request.headers.set("Origin", "https://coord.test");
    auto answer = coordinator->on_page(request, *IpAddress::parse("192.0.2.1"), wall);
    EXPECT_FALSE(answer.errand);
    const std::string set(answer.page.headers.get("Set-Cookie"));
    if (!set.empty()) cookie = set.substr(0, set.find(';'));
    pump();
    return answer.page;
  }
  http::Response press_button(const std::string& path) {
    const std::string shown(as_text(page("GET", path).body));
    const std::size_t at = shown.find("name=\"form\" value=\"") + 19;
    return page("POST", path, "form=" + shown.substr(at, shown.find('"', at) - at));
  }

  std::string cookie;
};

}  // namespace aya::serve
