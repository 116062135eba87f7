#include "coord-server/pages/pages.h"

#include "coord-server/enroll/credential_text.h"

namespace aya::pages {
namespace {

constexpr std::size_t kLongestForm = 16 * 1024;
constexpr std::size_t kVisitorToken = 22;

http::Response refused(const Tongue& say) {
  return page(
      403, say, say("This form is too old", "フォームの期限切れ"),
      paragraph(say(
          "It was not sent from a page of this server, or cookies are off. Go back, reload the "
          "page and try again.",
          "このサーバーのページから送信されていないか、Cookie が無効です。前のページを再読み込み"
          "してからやり直してください。")));
}

}  // namespace

http::Response trouble_page(const Tongue& say, const store::StoreError& why) {
  return page(
      503, say, say("Not now", "処理できません"),
      paragraph(say("The server could not store this:", "サーバーが保存できませんでした：")) +
          paragraph(why.to_text()));
}

struct Pages::Route {
  std::string_view method, path;  // a path that ends in "/" has one more part
  PageAnswer (Pages::*answer)(Visit&, std::string_view);
};

const std::vector<Pages::Route>& Pages::routes() {
  static const std::vector<Route> kRoutes = {
      {"GET", "/a/", &Pages::show_device},
      {"POST", "/a/", &Pages::add_device},
      {"GET", "/admin/invite/", &Pages::show_invite},
      {"POST", "/admin/invite/", &Pages::accept_invite},
      {"GET", "/join/", &Pages::show_join},
      {"POST", "/join/", &Pages::join},
      {"GET", "/contact/", &Pages::show_contact},
      {"POST", "/contact/", &Pages::confirm_contact},
      {"GET", "/ssh/", &Pages::show_ssh},
      {"POST", "/ssh/", &Pages::decide_ssh},
      {"GET", "/login", &Pages::show_login},
      {"POST", "/login", &Pages::check_login},
      {"POST", "/login/code", &Pages::check_code},
      {"POST", "/logout", &Pages::log_out},
      {"GET", "/link/", &Pages::show_link},
      {"POST", "/link/", &Pages::use_link},
      {"GET", "/oidc/login", &Pages::begin_oidc},
      {"GET", "/oidc/callback", &Pages::end_oidc},
      {"GET", "/account", &Pages::show_account},
      {"POST", "/account/password", &Pages::change_password},
      {"POST", "/account/sessions", &Pages::end_other_sessions},
      {"GET", "/account/second-factor", &Pages::show_second_factor},
      {"POST", "/account/second-factor", &Pages::set_second_factor},
      {"POST", "/account/second-factor/end", &Pages::end_second_factor},
  };
  return kRoutes;
}

Pages::Pages(
    nodes::Registry& registry, store::Store& storage, enroll::Enrollment& enrollment,
    sharing::Sharing& sharing, people::Invitations& invitations, people::Contacts& contacts,
    ssh_check::SshChecks& checks, Rng& rng, Site site)
    : registry_(registry),
      storage_(storage),
      enrollment_(enrollment),
      sharing_(sharing),
      invitations_(invitations),
      contacts_(contacts),
      checks_(checks),
      rng_(rng),
      browser_(std::move(site.origin), site.secret),
      people_(registry, storage, rng),
      by_name_(std::chrono::seconds(30)),  // short: anybody can be wrong in somebody's name
      by_source_(std::chrono::minutes(15)) {
  oidc_.config = std::move(site.oidc);
}

bool Pages::owns(std::string_view path) {
  constexpr std::string_view kOurs[] = {"/a",    "/admin/invite", "/ssh",  "/login",   "/logout",
                                        "/link", "/oidc",         "/join", "/contact", "/account"};
  if (path == "/style.css") return true;
  for (const std::string_view ours : kOurs) {
    if (path.starts_with(ours) && (path.size() == ours.size() || path[ours.size()] == '/'))
      return true;
  }
  return false;
}

PageAnswer Pages::answer(const http::Request& request, const IpAddress& from, WallTime now) {
  if (request.path() == "/style.css") return style_sheet();
  Visit visit = visit_of(request, from, now);
  PageAnswer answer = dispatch(visit, visit.request.path());
  if (!answer.errand && !visit.new_visitor.empty()) {
    answer.page.headers.add(
        "Set-Cookie", browser_.set_cookie(browser_.visitor_cookie(), visit.new_visitor));
  }
  return answer;
}

Visit Pages::visit_of(const http::Request& request, const IpAddress& from, WallTime now) {
  Visit visit;
  visit.request = request;
  visit.from = from;
  visit.now = now;
  visit.say = Tongue::of(request);
  if (request.method == "POST" && request.body.size() <= kLongestForm) {
    visit.form = http::parse_query(as_text(request.body));
  }
  std::string cookie = cookie_of(request, browser_.session_cookie());
  if (auto known = people_.visit(cookie, now); known && *known) visit.session = **known;
  if (!visit.session) cookie = cookie_of(request, browser_.visitor_cookie());
  if (cookie.empty()) cookie = visit.new_visitor = enroll::random_text(kVisitorToken, rng_);
  visit.token = browser_.form_token(cookie);
  return visit;
}

PageAnswer Pages::dispatch(Visit& visit, std::string_view path) {
  const std::string method = visit.request.method == "HEAD" ? "GET" : visit.request.method;
  bool known = false;
  for (const Route& route : routes()) {
    const bool open = route.path.ends_with('/');
    if (open ? !path.starts_with(route.path) : path != route.path) continue;
    known = true;
    if (route.method != method) continue;
    const bool unsafe = method != "GET";
    const bool ours =
        browser_.is_from_here(visit.request) &&
        crypto::equal_in_constant_time(as_bytes(visit.field("form")), as_bytes(visit.token));
    if (unsafe && !ours) return refused(visit.say);
    return (this->*route.answer)(visit, path.substr(open ? route.path.size() : path.size()));
  }
  const Tongue& say = visit.say;
  return page(
      known ? 405 : 404, say, say("Not found", "ページがありません"),
      paragraph(say("There is no such page here.", "このページは存在しません。")));
}

const store::User* Pages::user_of(const Visit& visit) const {
  return visit.session ? registry_.user(visit.session->user) : nullptr;
}

PageAnswer Pages::to_login(const Visit& visit) const {
  return redirect("/login?next=" + http::percent_encode(safe_next(visit.request.path())));
}

}  // namespace aya::pages
