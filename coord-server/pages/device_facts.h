// What a page says about a machine that waits: enough to tell it from any other, and what it asks
// for besides being let in.
#pragma once

#include "coord-server/enroll/logins.h"
#include "coord-server/pages/html.h"

namespace aya::pages {

std::string device_facts(const Tongue& say, const enroll::PendingLogin& login);
// Why this person adds no devices; empty: no reason.
std::string_view hindrance(const Tongue& say, const store::User& user);

}  // namespace aya::pages
