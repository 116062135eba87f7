#include "daemon/state/state_store.h"

#include "proto/crypto/secret.h"

namespace aya::state {
namespace {

void wipe(std::string& text) {
  crypto::wipe({reinterpret_cast<std::byte*>(text.data()), text.size()});
}

}  // namespace

Result<StateStore, StateError> StateStore::open(std::string path, Rng& rng) {
  auto file = StateFile::open(std::move(path));
  if (!file) return file.error();
  auto text = file->load();
  if (!text) return text.error();
  if (!*text) {
    NodeState fresh;
    fresh.machine_key = MachinePrivateKey::generate(rng);
    StateStore store(*std::move(file), {});
    if (auto saved = store.replace(std::move(fresh)); !saved) return saved.error();
    return store;
  }
  auto state = decode_node_state(**text);
  wipe(**text);
  // An older program that starts by mistake must not cost the node its identity.
  if (!state && state.error().newer) {
    return StateError{StateError::Kind::Newer, file->path(), state.error().what, {}};
  }
  if (!state) {
    const auto aside = file->set_aside();
    if (!aside) return aside.error();
    return StateError{StateError::Kind::Corrupt, file->path(), state.error().what, *aside};
  }
  return StateStore(*std::move(file), *std::move(state));
}

Result<void, StateError> StateStore::replace(NodeState next) {
  std::string text = encode(next);
  const auto saved = file_.save(text);
  wipe(text);
  if (!saved) return saved.error();
  state_ = std::move(next);
  return {};
}

}  // namespace aya::state
