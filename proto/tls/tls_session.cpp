#include "proto/tls/tls_session.h"

#include <array>
#include <utility>

#include "proto/base/check.h"
#include "proto/tls/context_impl.h"
#include "proto/tls/verify.h"
#include "proto/tls/x509_view.h"

namespace aya::tls {

struct TlsSession::Impl {
  static constexpr std::size_t kKeptOutput = 16 * 1024;

  explicit Impl(SSL_CTX* context);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void, TlsError> shake_hands();
  Result<void, TlsError> write_now(Bytes plaintext);
  Result<void, TlsError> read_all(Buffer& plaintext);
  TlsError failure(int returned);
  void learn_peer();
  void give_back_output();

  // Called inside the handshake with the session's Impl as application data.
  static int verify_server(X509_STORE_CTX* chain, void*);

  SslPtr ssl;
  BIO* incoming;  // both owned by `ssl`
  BIO* outgoing;
  Buffer waiting;  // plaintext sent before the handshake was done
  TlsPeer peer;
  std::optional<TlsError> refusal;
  const TlsTrust* trust = nullptr;  // client; the context's, which outlives the session
  std::string server_name;
  bool established = false;
  bool goodbye = false;
};

TlsSession::Impl::Impl(SSL_CTX* context)
    : ssl(SSL_new(context)), incoming(BIO_new(BIO_s_mem())), outgoing(BIO_new(BIO_s_mem())) {
  AYA_CHECK(ssl && incoming && outgoing);
  SSL_set_bio(ssl.get(), incoming, outgoing);
  SSL_set_app_data(ssl.get(), this);
}

// A BIO in memory never shrinks by itself, and one large message would stay with each of many idle
// connections.
void TlsSession::Impl::give_back_output() {
  BUF_MEM* memory = nullptr;
  BIO_get_mem_ptr(outgoing, &memory);
  if (memory == nullptr || memory->max <= kKeptOutput || BIO_ctrl_pending(outgoing) > 0) return;
  BIO_set_mem_buf(outgoing, BUF_MEM_new(), BIO_CLOSE);
}

int TlsSession::Impl::verify_server(X509_STORE_CTX* chain, void*) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<Impl*>(SSL_get_app_data(ssl));
  self->refusal = refusal_of(chain, *self->trust, self->server_name);
  return self->refusal ? 0 : 1;
}

TlsError TlsSession::Impl::failure(int returned) {
  if (refusal) {
    ERR_clear_error();
    return *refusal;
  }
  const int kind = SSL_get_error(ssl.get(), returned);
  const unsigned long code = ERR_peek_last_error();
  std::string reason = take_openssl_reason("the peer does not speak TLS");
  if (kind == SSL_ERROR_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
    return {TlsError::Kind::PeerRefused, "the peer refused: " + reason};
  }
  return {TlsError::Kind::Protocol, "TLS failed: " + reason};
}

Result<void, TlsError> TlsSession::Impl::shake_hands() {
  if (established) return {};
  const int returned = SSL_do_handshake(ssl.get());
  if (returned != 1) {
    const int kind = SSL_get_error(ssl.get(), returned);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return {};
    return failure(returned);
  }
  established = true;
  learn_peer();
  const Buffer early = std::exchange(waiting, {});
  return early.empty() ? Result<void, TlsError>() : write_now(early);
}

void TlsSession::Impl::learn_peer() {
  peer.tls13 = SSL_version(ssl.get()) >= TLS1_3_VERSION;
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
  peer.h2 = std::string_view(reinterpret_cast<const char*>(chosen), size) == "h2";
  if (const X509* leaf = SSL_get0_peer_certificate(ssl.get())) {
    peer.fingerprint = fingerprint_of(leaf);
    peer.issuer = issuer_text(leaf);
  }
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; i < sk_X509_num(chain) && !peer.relay_meta; ++i) {
    peer.relay_meta = relay_meta_of(sk_X509_value(chain, i));
  }
}

Result<void, TlsError> TlsSession::Impl::write_now(Bytes plaintext) {
  std::size_t written = 0;
  // The outgoing BIO grows, so a write is never partial.
  const int returned = SSL_write_ex(ssl.get(), plaintext.data(), plaintext.size(), &written);
  if (returned != 1) return failure(returned);
  return {};
}

Result<void, TlsError> TlsSession::Impl::read_all(Buffer& plaintext) {
  std::array<std::byte, 16 * 1024> piece;
  for (;;) {
    std::size_t size = 0;
    const int returned = SSL_read_ex(ssl.get(), piece.data(), piece.size(), &size);
    if (returned == 1) {
      append(plaintext, Bytes(piece).first(size));
      continue;
    }
    switch (SSL_get_error(ssl.get(), returned)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return {};
      case SSL_ERROR_ZERO_RETURN:
        goodbye = true;
        return {};
      default:
        return failure(returned);
    }
  }
}

Result<TlsSession, TlsError> TlsSession::client(
    TlsClientContext& context, const TlsClientConfig& config) {
  auto shared = context.impl_->get();
  if (!shared) return shared.error();
  // Verification runs through our own function, which knows the session it is for.
  SSL_CTX_set_cert_verify_callback(*shared, &Impl::verify_server, nullptr);
  auto impl = std::make_unique<Impl>(*shared);
  SSL* ssl = impl->ssl.get();
  impl->trust = &context.impl_->trust;
  impl->server_name = config.server_name;
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (!config.server_name.empty() && !ip_literal(config.server_name)) {
    SSL_set_tlsext_host_name(ssl, config.server_name.c_str());
  }
  std::string offer;
  if (config.offer_h2) offer += "\x02h2";
  if (config.offer_http11) offer += "\x08http/1.1";
  if (!offer.empty()) {
    SSL_set_alpn_protos(
        ssl, reinterpret_cast<const unsigned char*>(offer.data()),
        static_cast<unsigned int>(offer.size()));
  }
  SSL_set_connect_state(ssl);
  if (auto begun = impl->shake_hands(); !begun) return begun.error();
  return TlsSession(std::move(impl));
}

TlsSession TlsSession::server(TlsServerContext& context) {
  auto impl = std::make_unique<Impl>(context.impl_->context.get());
  SSL_set_accept_state(impl->ssl.get());
  return TlsSession(std::move(impl));
}

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;

Result<void, TlsError> TlsSession::receive(Bytes ciphertext, Buffer& plaintext) {
  ERR_clear_error();
  std::size_t taken = 0;
  if (!ciphertext.empty()) {
    AYA_CHECK(BIO_write_ex(impl_->incoming, ciphertext.data(), ciphertext.size(), &taken) == 1);
  }
  if (auto shaken = impl_->shake_hands(); !shaken) return shaken;
  if (!impl_->established) return {};
  return impl_->read_all(plaintext);
}

Result<void, TlsError> TlsSession::send(Bytes plaintext) {
  if (plaintext.empty()) return {};
  if (!impl_->established) {
    append(impl_->waiting, plaintext);
    return {};
  }
  ERR_clear_error();
  return impl_->write_now(plaintext);
}

void TlsSession::take_output(Buffer& ciphertext) {
  const std::size_t pending = BIO_ctrl_pending(impl_->outgoing);
  if (pending == 0) return;
  const std::size_t before = ciphertext.size();
  ciphertext.resize(before + pending);
  std::size_t taken = 0;
  BIO_read_ex(impl_->outgoing, ciphertext.data() + before, pending, &taken);
  ciphertext.resize(before + taken);
  impl_->give_back_output();
}

void TlsSession::shutdown() {
  ERR_clear_error();
  if (impl_->established) SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

bool TlsSession::established() const { return impl_->established; }
bool TlsSession::peer_said_goodbye() const { return impl_->goodbye; }

const TlsPeer& TlsSession::peer() const {
  AYA_CHECK(impl_->established);
  return impl_->peer;
}

}  // namespace aya::tls
