#include "coord-server/app/server_keys.h"

namespace aya::coord {
namespace {

template <class Key>
store::Stored<Key> load_or_make(store::Store& storage, std::string_view name, Rng& rng) {
  auto known = storage.server_value(name);
  if (!known) return known.error();
  if (*known) {
    auto key = Key::parse_for_storage(**known);
    if (key) return std::move(*key);
    return store::StoreError{
        store::StoreError::Kind::Damaged, std::string(name) + " in the database is not a key"};
  }
  Key made = Key::generate(rng);
  auto kept = storage.set_server_value(name, made.to_text_for_storage());
  if (!kept) return kept.error();
  return made;
}

}  // namespace

store::Stored<ServerKeys> load_server_keys(store::Store& storage, Rng& rng) {
  auto noise = load_or_make<MachinePrivateKey>(storage, "noise_key", rng);
  if (!noise) return noise.error();
  auto relay = load_or_make<derp::RelayPrivateKey>(storage, "relay_key", rng);
  if (!relay) return relay.error();
  return ServerKeys{std::move(*noise), std::move(*relay)};
}

}  // namespace aya::coord
