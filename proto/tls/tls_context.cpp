#include "proto/tls/tls_context.h"

#include <openssl/pem.h>

#include "proto/base/check.h"
#include "proto/tls/context_impl.h"
#include "proto/tls/x509_view.h"

namespace aya::tls {
namespace {

TlsError bad_config(std::string_view what) {
  return {
      TlsError::Kind::BadConfig,
      std::string(what) + ": " + take_openssl_reason("nothing usable in the PEM text")};
}

void apply_common_settings(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  // Thousands of idle connections must not each hold 32 KB of record buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
}

bool add_roots(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (const X509Ptr root{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store, root.get());
    ++count;
  }
  ERR_clear_error();  // reading ends with "no more certificates"
  return count > 0;
}

// The leaf, then whatever follows it in the text.
bool use_chain(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  const X509Ptr leaf(PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  while (const X509Ptr next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return false;
  }
  ERR_clear_error();
  return true;
}

bool use_key(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

bool add_to_chain(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  const X509Ptr extra(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  return extra && SSL_CTX_add1_chain_cert(context, extra.get()) == 1;
}

// Clients that offer http/1.1 get it confirmed; nobody is turned away for what else they offer.
int choose_protocol(
    SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
    unsigned int offered_size, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned int at = 0; at + 1 < offered_size; at += offered[at] + 1u) {
    const unsigned char size = offered[at];
    if (at + 1u + size > offered_size) break;
    if (std::string_view(reinterpret_cast<const char*>(offered + at + 1), size) != kHttp11) {
      continue;
    }
    *out = offered + at + 1;
    *out_size = size;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<SSL_CTX*, TlsError> TlsClientContext::Impl::get() {
  if (made) return made.get();
  SslCtxPtr fresh(SSL_CTX_new(TLS_client_method()));
  AYA_CHECK(fresh != nullptr);
  apply_common_settings(fresh.get());
  if (trust.mode == TlsTrust::Mode::Roots) {
    SSL_CTX_set_default_verify_paths(fresh.get());
    ERR_clear_error();
    if (!trust.extra_roots_pem.empty() && !add_roots(fresh.get(), trust.extra_roots_pem)) {
      return bad_config("extra roots cannot be used");
    }
  }
  made = std::move(fresh);
  return made.get();
}

TlsClientContext::TlsClientContext(TlsTrust trust) : impl_(std::make_unique<Impl>()) {
  impl_->trust = std::move(trust);
}
TlsClientContext::~TlsClientContext() = default;

Result<std::unique_ptr<TlsServerContext>, TlsError> TlsServerContext::make(
    const TlsServerConfig& config) {
  auto impl = std::make_unique<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = impl->context.get();
  AYA_CHECK(context != nullptr);
  apply_common_settings(context);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (!use_chain(context, config.chain_pem)) return bad_config("certificate cannot be used");
  if (!use_key(context, config.key_pem)) return bad_config("private key cannot be used");
  if (SSL_CTX_check_private_key(context) != 1) {
    return bad_config("private key does not belong to the certificate");
  }
  if (!config.relay_meta_pem.empty() && !add_to_chain(context, config.relay_meta_pem)) {
    return bad_config("relay meta certificate cannot be used");
  }
  impl->fingerprint = fingerprint_of(SSL_CTX_get0_certificate(context));
  return std::unique_ptr<TlsServerContext>(new TlsServerContext(std::move(impl)));
}

TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::~TlsServerContext() = default;

const Sha256& TlsServerContext::fingerprint() const { return impl_->fingerprint; }

}  // namespace aya::tls
