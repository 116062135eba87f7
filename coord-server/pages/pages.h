// The pages that a login needs, on the server's own port: what a device shows a person is the
// address of one of them. No scripts, nothing from elsewhere.
//
//   /a/<id>        a device waits: who it is, and a button for whoever is signed in
//   /login         name and password, then a code where there is a second factor
//   /link/<token>  signs in once: for the first time, or when a password is lost
//   /oidc/…        the way to another provider, and back
//   /join/<code>   an invitation: becomes a user
//   /contact/<token>  a mail asked whether the address it went to is right
//   /admin/invite/<code>  a machine of another account, shared by a link
//   /ssh/<id>      an SSH session that its person has to confirm
//   /account       the own password, second factor, sessions
//
// Pure: a request and its time in, a page or an errand (page_answer.h) out. One thread.
#pragma once

#include <functional>
#include <map>

#include "coord-server/enroll/enrollment.h"
#include "coord-server/oidc/provider.h"
#include "coord-server/pages/page_answer.h"
#include "coord-server/pages/visit.h"
#include "coord-server/people/contacts.h"
#include "coord-server/people/invitations.h"
#include "coord-server/people/throttle.h"
#include "coord-server/sharing/sharing.h"
#include "coord-server/ssh_check/ssh_checks.h"

namespace aya::pages {

class Pages {
 public:
  static constexpr auto kCodeWithin = std::chrono::minutes(5);
  static constexpr std::size_t kMostHalfways = 1024;
  // After a one-time link a new password needs no old one for so long.
  static constexpr auto kFreshLink = std::chrono::minutes(15);

  struct Site {
    std::string origin;  // "https://coord.example"
    crypto::Key32 secret;
    std::optional<oidc::Config> oidc;
  };
  // All outlive this.
  Pages(
      nodes::Registry& registry, store::Store& storage, enroll::Enrollment& enrollment,
      sharing::Sharing& sharing, people::Invitations& invitations, people::Contacts& contacts,
      ssh_check::SshChecks& checks, Rng& rng, Site site);

  static bool owns(std::string_view path);
  PageAnswer answer(const http::Request& request, const IpAddress& from, WallTime now);

 private:
  // Right so far, but the code of the second factor is missing.
  struct Halfway {
    store::UserId user;
    std::string next, how;
    WallTime until{};
    unsigned wrong = 0;
  };
  // On the way to the provider.
  struct OidcAttempt {
    oidc::Attempt attempt;
    std::string browser;  // the form token of who began it
    std::string next;
    WallTime until{};
  };
  struct OidcState {
    std::optional<oidc::Config> config;
    std::optional<oidc::Discovery> at;
    WallTime discovery_until{};
    oidc::KeySet keys;
    WallTime keys_from{};
    std::map<std::string, OidcAttempt> attempts;  // by state
  };
  struct Route;
  static const std::vector<Route>& routes();

  Visit visit_of(const http::Request& request, const IpAddress& from, WallTime now);
  PageAnswer dispatch(Visit& visit, std::string_view path);
  const store::User* user_of(const Visit& visit) const;
  PageAnswer to_login(const Visit& visit) const;

  // device_page.cpp
  PageAnswer show_device(Visit& visit, std::string_view id);
  PageAnswer add_device(Visit& visit, std::string_view id);
  // invite_page.cpp
  // What `then` says to somebody who may accept; otherwise a page that tells why not.
  using Invited = std::function<PageAnswer(const store::User& guest, const sharing::Offer& offer)>;
  PageAnswer to_invited(const Visit& visit, std::string_view code, const Invited& then);
  PageAnswer show_invite(Visit& visit, std::string_view code);
  PageAnswer accept_invite(Visit& visit, std::string_view code);
  // join_page.cpp
  PageAnswer show_join(Visit& visit, std::string_view code);
  PageAnswer join(Visit& visit, std::string_view code);
  http::Response join_page(
      const Visit& visit, const people::UserInvite& invite, int status, std::string_view trouble);
  // The invitation that a login is to end at, if it is one and of this network.
  const people::UserInvite* invite_at(
      std::string_view next, store::AccountId account, WallTime now) const;
  // contact_page.cpp
  PageAnswer show_contact(Visit& visit, std::string_view token);
  PageAnswer confirm_contact(Visit& visit, std::string_view token);
  // ssh_page.cpp
  // What `then` says to the owner of the machine a session comes from; nobody else gets that far.
  using Checked =
      std::function<PageAnswer(const store::User& owner, const ssh_check::Check& check)>;
  PageAnswer to_owner(Visit& visit, std::string_view id, const Checked& then);
  PageAnswer show_ssh(Visit& visit, std::string_view id);
  PageAnswer decide_ssh(Visit& visit, std::string_view id);
  PageAnswer sign_in_again(Visit& visit);
  // sign_in.cpp
  PageAnswer show_login(Visit& visit, std::string_view);
  PageAnswer check_login(Visit& visit, std::string_view);
  PageAnswer after_password(Visit& visit, const store::User* user, const Done& done);
  PageAnswer check_code(Visit& visit, std::string_view);
  PageAnswer log_out(Visit& visit, std::string_view);
  PageAnswer sign_in(
      Visit& visit, const store::User& user, const std::string& next, const std::string& how);
  PageAnswer proven(
      Visit& visit, const store::User& user, const std::string& next, const std::string& how);
  PageAnswer ask_code(Visit& visit, const std::string& ticket, std::string_view trouble);
  std::string provider_button(const Tongue& say, const std::string& next) const;
  http::Response login_page(const Visit& visit, int status, std::string_view trouble) const;
  PageAnswer show_link(Visit& visit, std::string_view token);
  PageAnswer use_link(Visit& visit, std::string_view token);
  // oidc_pages.cpp
  PageAnswer begin_oidc(Visit& visit, std::string_view);
  PageAnswer to_provider(Visit& visit);
  PageAnswer end_oidc(Visit& visit, std::string_view);
  PageAnswer with_tokens(
      Visit& visit, const OidcAttempt& begun, const oidc::Tokens& tokens, bool looked);
  PageAnswer with_claims(Visit& visit, const OidcAttempt& begun, const oidc::Claims& claims);
  Result<const store::User*, std::string> make_user(
      const Visit& visit, const store::Account& account, const oidc::Claims& claims,
      const people::UserInvite* invite);
  std::string back_to() const;
  // account_page.cpp
  PageAnswer show_account(Visit& visit, std::string_view);
  PageAnswer change_password(Visit& visit, std::string_view);
  PageAnswer store_password(Visit& visit, const std::string& password);
  PageAnswer end_other_sessions(Visit& visit, std::string_view);
  PageAnswer show_second_factor(Visit& visit, std::string_view);
  PageAnswer set_second_factor(Visit& visit, std::string_view);
  PageAnswer end_second_factor(Visit& visit, std::string_view);
  bool came_by_link(const Visit& visit) const;
  http::Response account_page(const Visit& visit, int status, std::string_view note);

  nodes::Registry& registry_;
  store::Store& storage_;
  enroll::Enrollment& enrollment_;
  sharing::Sharing& sharing_;
  people::Invitations& invitations_;
  people::Contacts& contacts_;
  ssh_check::SshChecks& checks_;
  Rng& rng_;
  BrowserRules browser_;
  people::People people_;
  people::Throttle by_name_, by_source_;
  OidcState oidc_;
  std::map<std::string, Halfway> halfways_;
  std::map<store::SecretHash, WallTime> by_link_;  // sessions that a link began
};

http::Response trouble_page(const Tongue& say, const store::StoreError& why);

}  // namespace aya::pages
