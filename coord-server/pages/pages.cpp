#include "coord-server/pages/pages.h"

#include "coord-server/pages/device_facts.h"

namespace aya::pages {
namespace {

constexpr std::string_view kDevice = "/a/";

http::Response over(const Tongue& say) {
  return page(
      404, say, say("This link is over", "このリンクは無効です"),
      paragraph(say(
          "The device no longer waits under this address, or the link was not copied whole. "
          "Start the login on the device again; it shows a new link.",
          "端末がこのリンクで待機していないか、リンクが途中で切れています。端末でもう一度ログイン"
          "を始めると、新しいリンクが表示されます。")));
}

}  // namespace

bool Pages::owns(std::string_view path) {
  return path == "/style.css" || path.starts_with(kDevice);
}

http::Response Pages::answer(const http::Request& request, WallTime now) {
  const std::string_view path = request.path();
  if (path == "/style.css") return style_sheet();
  return device_page(request, path.substr(kDevice.size()), now);
}

http::Response Pages::device_page(const http::Request& request, std::string_view id, WallTime now) {
  const Tongue say = Tongue::of(request);
  const enroll::PendingLogin* login = logins_.find(id, now);
  if (login == nullptr || login->rejected) return over(say);
  std::string body = device_facts(say, *login);
  body += paragraph(say(
      "Compare the code with the one on the device. An administrator lets the device in with:",
      "コードが端末の表示と同じか確かめてください。管理者は次のコマンドで端末を承認できます。"));
  body += "<pre>ayatori-coord node approve " + escaped(login->code) + "</pre>\n";
  return page(200, say, say("Add a device", "端末を追加"), body);
}

}  // namespace aya::pages
