// The member lists of registration (control 2.1, 3.5, 6.1, 6.2). Private to this room.
#pragma once

#include "proto/control/register.h"
#include "proto/control/schema_node.h"

namespace aya::control {

template <class Io>
void fields(Io& io, Of<OverTlsKeys> auto& k) {
  io.always("legacyPublicKey", k.legacy_key);
  io.always("publicKey", k.public_key);
}

template <class Io>
void fields(Io& io, Of<EarlyPayload> auto& p) {
  io.always("nodeKeyChallenge", p.node_key_challenge);
}

template <class Io>
void fields(Io& io, Of<RegisterAuth> auto& a) {
  io.omit("AuthKey", a.auth_key);
}

template <class Io>
void fields(Io& io, Of<RegisterRequest> auto& r) {
  io.always("Version", r.version);
  io.always("NodeKey", r.node_key);
  io.always("OldNodeKey", r.old_node_key);
  io.always("NLKey", r.network_lock_key);
  io.omit("Auth", r.auth);
  io.always("Expiry", r.expiry);
  io.always("Followup", r.followup);
  io.always("Hostinfo", r.hostinfo);
  io.omit("Ephemeral", r.ephemeral);
  io.always("NodeKeySignature", r.node_key_signature);
  io.omit("SignatureType", r.signature_type);
  io.omit("Timestamp", r.timestamp);
  io.omit("DeviceCert", r.device_cert);
  io.omit("Signature", r.signature);
  io.omit("Tailnet", r.tailnet);
}

template <class Io>
void fields(Io& io, Of<User> auto& u) {
  io.always("ID", u.id);
  io.always("DisplayName", u.display_name);
  io.omit("ProfilePicURL", u.profile_pic_url);
  io.omit("Created", u.created);
}

template <class Io>
void fields(Io& io, Of<Login> auto& l) {
  io.always("ID", l.id);
  io.always("Provider", l.provider);
  io.always("LoginName", l.login_name);
  io.always("DisplayName", l.display_name);
  io.omit("ProfilePicURL", l.profile_pic_url);
}

template <class Io>
void fields(Io& io, Of<RegisterResponse> auto& r) {
  io.always("User", r.user);
  io.always("Login", r.login);
  io.always("NodeKeyExpired", r.node_key_expired);
  io.always("MachineAuthorized", r.machine_authorized);
  io.always("AuthURL", r.auth_url);
  io.always("NodeKeySignature", r.node_key_signature);
  io.always("Error", r.error);
}

}  // namespace aya::control
