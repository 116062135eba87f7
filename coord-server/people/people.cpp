#include "coord-server/people/people.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "coord-server/enroll/credential_text.h"
#include "proto/crypto/sha256.h"

namespace aya::people {
namespace {

constexpr std::size_t kTokenLength = 43;  // of 62 symbols: 256 bits
constexpr std::size_t kCodeLength = 12;
// A session's time of use is written this often at most.
constexpr auto kTouchEvery = std::chrono::minutes(5);

store::SecretHash hash_of(std::string_view token) { return crypto::sha256(as_bytes(token)); }

// Recovery codes as people type them: without case, blanks and hyphens.
std::string plain_code(std::string_view typed) {
  std::string out;
  for (const unsigned char c : typed) {
    if (std::isalnum(c)) out += static_cast<char>(std::tolower(c));
  }
  return out;
}

}  // namespace

std::string actor_of(const store::User& user) {
  const nlohmann::json actor = {
      {"id", store::to_text(user.id)},
      {"type", "USER"},
      {"loginName", user.login},
      {"displayName", user.display_name}};
  return actor.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const store::User* People::find(std::string_view network, std::string_view login) const {
  if (network.empty()) {
    for (const auto& [id, account] : registry_.accounts()) {
      if (const store::User* user = registry_.user_named(id, login)) return user;
    }
    return nullptr;
  }
  const store::Account* account = registry_.account_named(network);
  return account == nullptr ? nullptr : registry_.user_named(account->id, login);
}

store::Stored<std::optional<People::Visit>> People::visit(std::string_view token, WallTime now) {
  using Found = std::optional<Visit>;
  if (token.size() != kTokenLength) return Found();
  const store::SecretHash id = hash_of(token);
  auto found = storage_.session(id);
  if (!found) return found.error();
  if (!*found) return Found();
  store::BrowserSession& session = **found;
  const store::User* user = registry_.user(session.user);
  const bool over = session.used + kIdle <= now || session.created + kLongest <= now;
  if (over || user == nullptr || user->status == "suspended") {
    if (auto gone = storage_.delete_session(id); !gone) return gone.error();
    return Found();
  }
  if (session.used + kTouchEvery <= now) {
    if (auto touched = storage_.touch_session(id, now); !touched) return touched.error();
  }
  return Found(Visit{user->id, std::move(session)});
}

store::Stored<std::string> People::begin_session(
    const store::User& user, std::string where, std::string how, WallTime now) {
  std::string token = enroll::random_text(kTokenLength, rng_);
  store::BrowserSession session;
  session.id = hash_of(token);
  session.user = user.id;
  session.created = session.used = now;
  session.where = std::move(where);
  store::AuditEntry audit = entry(user, "LOGIN", now);
  audit.details = std::move(how);
  auto stored = storage_.create_session(session, audit);
  if (!stored) return stored.error();
  return token;
}

store::Stored<std::string> People::make_link(
    const store::User& user, WallTime now, const store::AuditEntry& audit) {
  std::string token = enroll::random_text(kTokenLength, rng_);
  auto stored = storage_.create_link({hash_of(token), user.id, now + kLinkLasts}, audit);
  if (!stored) return stored.error();
  return token;
}

store::Stored<const store::User*> People::link_owner(std::string_view token, WallTime now) {
  const store::User* nobody = nullptr;
  if (token.size() != kTokenLength) return nobody;
  auto link = storage_.link(hash_of(token));
  if (!link) return link.error();
  if (!*link || (*link)->expires <= now) return nobody;
  const store::User* user = registry_.user((*link)->user);
  return user != nullptr && user->status == "suspended" ? nobody : user;
}

store::Stored<void> People::redeem_link(std::string_view token) {
  return storage_.redeem_link(hash_of(token));
}

store::Stored<bool> People::prove(const store::User& user, std::string_view code, WallTime now) {
  auto kept = storage_.credentials(user.id);
  if (!kept) return kept.error();
  const auto secret = parse_totp_text(kept->totp);
  if (!secret) return false;
  std::optional<store::AuditEntry> audit;
  if (const auto step = match_totp(*secret, code, now, kept->totp_step)) {
    kept->totp_step = *step;
  } else {
    const auto used = std::ranges::find(kept->recovery, hash_of(plain_code(code)));
    if (used == kept->recovery.end()) return false;
    kept->recovery.erase(used);
    audit = entry(user, "UPDATE", now);
    audit->property = "SECOND_FACTOR";
    audit->details = "a recovery code was used";
  }
  if (auto stored = storage_.set_credentials(*kept, audit); !stored) return stored.error();
  return true;
}

store::Stored<std::vector<std::string>> People::set_totp(
    const store::User& user, const TotpSecret& secret, std::int64_t step, WallTime now) {
  auto kept = storage_.credentials(user.id);
  if (!kept) return kept.error();
  kept->totp = totp_text(secret);
  kept->totp_step = step;
  kept->recovery.clear();
  std::vector<std::string> codes;
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    std::string code = plain_code(enroll::random_text(kCodeLength, rng_));
    kept->recovery.push_back(hash_of(code));
    code.insert(code.size() / 2, "-");
    codes.push_back(std::move(code));
  }
  store::AuditEntry audit = entry(user, "ENABLE", now);
  audit.property = "SECOND_FACTOR";
  if (auto stored = storage_.set_credentials(*kept, audit); !stored) return stored.error();
  return codes;
}

store::Stored<void> People::clear_totp(const store::User& user, const store::AuditEntry& audit) {
  auto kept = storage_.credentials(user.id);
  if (!kept) return kept.error();
  kept->totp.clear();
  kept->totp_step = 0;
  kept->recovery.clear();
  return storage_.set_credentials(*kept, audit);
}

store::Stored<void> People::set_password(
    const store::User& user, std::string hash, const std::optional<store::SecretHash>& session,
    const store::AuditEntry& audit) {
  auto kept = storage_.credentials(user.id);
  if (!kept) return kept.error();
  kept->password = std::move(hash);
  return storage_.set_credentials(*kept, audit, store::PeopleStore::EndSessions{session});
}

store::AuditEntry People::entry(const store::User& user, std::string action, WallTime now) const {
  store::AuditEntry entry;
  entry.account = user.account;
  entry.time = now;
  entry.origin = "ADMIN_CONSOLE";
  entry.actor = actor_of(user);
  entry.action = std::move(action);
  entry.target_type = "USER";
  entry.target_id = store::to_text(user.id);
  entry.target_name = user.login;
  return entry;
}

}  // namespace aya::people
