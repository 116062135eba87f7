// What this server writes to people: who wants what of them, in which network, until when. In
// English and in Japanese, because nothing is known of who reads it. Pure.
#pragma once

#include <string>
#include <variant>

#include "coord-server/store/people.h"
#include "coord-server/store/sharing.h"
#include "proto/base/time.h"

namespace aya::mail {

// Which address of a network is to be proven.
struct OfContact {
  store::AccountId account;
  store::ContactKind kind{};
  friend auto operator<=>(const OfContact&, const OfContact&) = default;
};
struct Trial {
  friend auto operator<=>(const Trial&, const Trial&) = default;
};
using Purpose = std::variant<Trial, store::UserInviteId, store::InviteId, OfContact>;

struct Letter {
  Purpose purpose;
  std::string to;  // an address
  std::string subject;
  std::string text;
  store::AccountId account = {};  // on whose behalf; of a trial: nobody's
};

// What a link in a letter is good for. Names come from people: they may be anything.
struct Link {
  std::string url;
  WallTime until{};
};
struct Person {
  std::string login, name;
};

Letter user_invite(
    store::UserInviteId id, store::AccountId account, std::string to, const Person& inviter,
    std::string_view network, std::string_view role, const Link& link);
Letter device_invite(
    store::InviteId id, store::AccountId account, std::string to, const Person& sharer,
    std::string_view device, bool exit_node, const Link& link);
Letter contact_proof(
    const OfContact& contact, std::string to, std::string_view network, const Link& link);
Letter trial(std::string to, std::string_view server);

}  // namespace aya::mail
