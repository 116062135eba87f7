#include "coord-server/people/contacts.h"

#include <nlohmann/json.hpp>

#include "coord-server/enroll/credential_text.h"
#include "proto/crypto/sha256.h"

namespace aya::people {
namespace {

constexpr std::size_t kLinkTokenLength = 43;  // of 62 letters and digits each: 256 bits

std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

store::Stored<std::unique_ptr<Contacts>> Contacts::load(
    nodes::Registry& registry, store::Store& storage, Rng& rng) {
  std::unique_ptr<Contacts> out(new Contacts(registry, storage, rng));
  auto rows = storage.waiting_contacts();
  if (!rows) return rows.error();
  for (WaitingContact& row : *rows) {
    const Key key{row.account, row.kind};
    out->waiting_.emplace(key, std::move(row));
  }
  return out;
}

// The store forgets those of networks that are gone; they stand here until the next start, and
// nobody asks for them.
const WaitingContact* Contacts::waiting(store::AccountId account, ContactKind kind) const {
  const auto found = waiting_.find({account, kind});
  return found == waiting_.end() ? nullptr : &found->second;
}

const WaitingContact* Contacts::followed(std::string_view token, WallTime now) const {
  if (token.size() != kLinkTokenLength) return nullptr;
  const store::SecretHash hash = crypto::sha256(as_bytes(token));
  for (const auto& [key, contact] : waiting_) {
    if (contact.link != hash) continue;
    const bool stands =
        contact.link_expires > now && registry_.account(contact.account) != nullptr;
    return stands ? &contact : nullptr;
  }
  return nullptr;
}

store::Stored<void> Contacts::set(
    store::AccountId account, ContactKind kind, const std::string& email,
    const store::AuditEntry& audit) {
  if (auto set = registry_.set_contact(account, kind, email, audit); !set) return set;
  waiting_.erase({account, kind});
  return {};
}

store::Stored<void> Contacts::confirm(
    const WaitingContact& contact, std::string source, WallTime now) {
  const store::Account& account = *registry_.account(contact.account);
  const auto index = static_cast<std::size_t>(contact.kind);
  const std::string name(kContactNames[index]), email = contact.email;
  store::AuditEntry audit;
  audit.account = account.id;
  audit.time = now;
  audit.origin = "ADMIN_CONSOLE";
  audit.actor = json_text({{"type", "CONTACT"}, {"displayName", email}});
  audit.action = "VERIFY";
  audit.target_type = "TAILNET";
  audit.target_id = std::to_string(account.id.value);
  audit.target_name = account.name;
  audit.property = "CONTACT";
  audit.old_value = json_text({{name, account.contacts[index]}});
  audit.new_value = json_text({{name, email}});
  audit.source = std::move(source);
  return set(contact.account, contact.kind, email, audit);
}

store::Stored<Contacts::Link> Contacts::propose(
    store::AccountId account, ContactKind kind, const std::string& email, WallTime now,
    const store::AuditEntry& audit) {
  const Link link{enroll::random_text(kLinkTokenLength, rng_), now + kLinkLasts};
  const WaitingContact contact{
      account, kind, email, crypto::sha256(as_bytes(link.token)), link.until};
  if (auto put = storage_.put_waiting_contact(contact, audit); !put) return put.error();
  waiting_.insert_or_assign({account, kind}, contact);
  return link;
}

}  // namespace aya::people
