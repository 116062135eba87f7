#include "proto/tls/verify.h"

#include "proto/tls/openssl_ptr.h"
#include "proto/tls/x509_view.h"

namespace aya::tls {
namespace {

using Kind = TlsError::Kind;

TlsError wrong_name(const X509* leaf, const std::string& server_name) {
  return {Kind::WrongName, "certificate is for " + names_text(leaf) + ", not for " + server_name};
}

TlsError not_valid_now(const X509* certificate, bool expired) {
  return {
      Kind::Expired, expired ? "certificate expired on " + expiry_text(certificate)
                             : "certificate is not valid yet: check this machine's clock"};
}

TlsError explain(X509_STORE_CTX* chain, const std::string& server_name) {
  X509* at_fault = X509_STORE_CTX_get_current_cert(chain);
  X509* leaf = X509_STORE_CTX_get0_cert(chain);
  if (!at_fault) at_fault = leaf;
  const int code = X509_STORE_CTX_get_error(chain);
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return wrong_name(leaf, server_name);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return not_valid_now(at_fault, code == X509_V_ERR_CERT_HAS_EXPIRED);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {
          Kind::UnknownIssuer, "certificate of " + server_name + " is self-signed and not pinned"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return {
          Kind::UnknownIssuer, "certificate of " + server_name + " is from an unknown issuer (" +
                                   issuer_text(at_fault) + ")"};
    default:
      return {
          Kind::BadCertificate,
          "certificate of " + server_name + " was refused: " + X509_verify_cert_error_string(code)};
  }
}

std::optional<TlsError> verify_chain(X509_STORE_CTX* chain, const std::string& server_name) {
  X509_VERIFY_PARAM* wanted = X509_STORE_CTX_get0_param(chain);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A root list may name a server's own certificate instead of an authority.
  X509_VERIFY_PARAM_set_flags(wanted, X509_V_FLAG_PARTIAL_CHAIN);
  if (ip_literal(server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, server_name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(wanted, server_name.data(), server_name.size());
  }
  const bool trusted = X509_verify_cert(chain) == 1;
  ERR_clear_error();
  if (trusted) return std::nullopt;
  return explain(chain, server_name);
}

// Exactly one certificate besides meta certificates, and it is the pinned one (3.3).
std::optional<TlsError> verify_pin(
    X509_STORE_CTX* chain, const Sha256& pin, const std::string& server_name) {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(chain);
  X509* only = nullptr;
  int count = 0;
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* certificate = sk_X509_value(sent, i);
    if (is_relay_meta(certificate)) continue;
    only = certificate;
    ++count;
  }
  // The leaf carries the key that the handshake proves, so it must be the one that is looked at.
  if (count != 1 || only != X509_STORE_CTX_get0_cert(chain)) {
    return TlsError{
        Kind::PinMismatch, "server sent " + std::to_string(count) +
                               " certificates where exactly the pinned one was expected"};
  }
  if (const Sha256 seen = fingerprint_of(only); seen != pin) {
    return TlsError{
        Kind::PinMismatch, "server has another certificate than the pinned one: " + pin_text(seen)};
  }
  if (!server_name.empty() && !covers_name(only, server_name)) {
    return wrong_name(only, server_name);
  }
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(only)) <= 0;
  if (expired || X509_cmp_current_time(X509_get0_notBefore(only)) > 0) {
    return not_valid_now(only, expired);
  }
  return std::nullopt;
}

int alert_for(const TlsError& refusal) {
  switch (refusal.kind) {
    case Kind::Expired:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case Kind::UnknownIssuer:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    default:
      return X509_V_ERR_CERT_REJECTED;
  }
}

}  // namespace

std::optional<TlsError> refusal_of(
    X509_STORE_CTX* chain, const TlsTrust& trust, const std::string& server_name) {
  std::optional<TlsError> refusal;
  switch (trust.mode) {
    case TlsTrust::Mode::Roots:
      refusal = verify_chain(chain, server_name);
      break;
    case TlsTrust::Mode::Pinned:
      refusal = verify_pin(chain, trust.pin, server_name);
      break;
    case TlsTrust::Mode::Insecure:
      break;
  }
  X509_STORE_CTX_set_error(chain, refusal ? alert_for(*refusal) : X509_V_OK);
  return refusal;
}

}  // namespace aya::tls
