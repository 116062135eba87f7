// Both ends of TLS connections in memory: who is trusted, who is refused and in which words, and
// what passes. The other end is OpenSSL's own where it must not be ours.
#include "proto/tls/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/support/seeded_rng.h"

namespace aya::tls {
namespace {

using testing::HasSubstr;
using Kind = TlsError::Kind;

constexpr std::chrono::days kDay{1};

WallTime today() { return std::chrono::system_clock::now(); }

KeyedCertificate certificate_for(std::vector<std::string> names) {
  return *make_self_signed({.names = std::move(names), .not_before = today() - kDay});
}

std::unique_ptr<TlsServerContext> server_with(
    const KeyedCertificate& own, const std::string& behind = {}, const std::string& meta = {}) {
  auto made = TlsServerContext::make(
      {.chain_pem = own.certificate_pem + behind,
       .key_pem = own.private_key_pem,
       .relay_meta_pem = meta});
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail);
  return std::move(*made);
}

Buffer random_bytes(std::size_t size) {
  Buffer out(size);
  test::SeededRng(7).fill(out);
  return out;
}

// One session and what became of it.
struct End {
  explicit End(TlsSession made) : session(std::move(made)) {}
  void receive(Bytes bytes) {
    if (error) return;
    if (auto taken = session.receive(bytes, read); !taken) error = taken.error();
  }

  TlsSession session;
  Buffer read;
  std::optional<TlsError> error;
};

struct Pair {
  Pair(TlsClientContext& trust, TlsServerContext& identity, const TlsClientConfig& config)
      : client(*TlsSession::client(trust, config)), server(TlsSession::server(identity)) {}
  Pair(TlsTrust trust, TlsServerContext& identity, const std::string& name)
      : context(std::make_unique<TlsClientContext>(std::move(trust))),
        client(*TlsSession::client(*context, {.server_name = name})),
        server(TlsSession::server(identity)) {}

  // Carries bytes both ways, `piece` at a time, until both ends are silent.
  void exchange(std::size_t piece = SIZE_MAX) {
    for (bool carried = true; carried;) {
      carried = carry(client, server, piece);
      carried = carry(server, client, piece) || carried;
    }
  }
  bool carry(End& from, End& to, std::size_t piece) const {
    Buffer out;
    from.session.take_output(out);
    for (Bytes left = out; !left.empty(); left = left.subspan(std::min(piece, left.size()))) {
      to.receive(left.first(std::min(piece, left.size())));
    }
    return !out.empty();
  }
  bool established() const { return client.session.established() && server.session.established(); }

  std::unique_ptr<TlsClientContext> context;
  End client, server;
};

// ---- certificates that certificate.h has no use for: an authority, and what it issued

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test authority")
      : key_(EVP_EC_gen("P-256")), self_(make(name, key_.get())) {
    extend(self_.get(), NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(self_.get(), key_.get(), EVP_sha256());
  }
  std::string pem() const { return pem_of(self_.get()); }

  KeyedCertificate issue(const std::string& name) const {
    const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_EC_gen("P-256"));
    const auto leaf = make(name, key.get());
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(self_.get()));
    extend(leaf.get(), NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_sign(leaf.get(), key_.get(), EVP_sha256());
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {pem_of(leaf.get()), text_of(out)};
  }

 private:
  static std::unique_ptr<X509, FreeCertificate> make(const std::string& name, EVP_PKEY* key) {
    std::unique_ptr<X509, FreeCertificate> made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(
        subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
        0);
    X509_set_issuer_name(made.get(), subject);
    X509_set_pubkey(made.get(), key);
    return made;
  }
  static void extend(X509* certificate, int what, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string pem_of(X509* certificate) {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    return text_of(out);
  }
  static std::string text_of(BIO* out) {
    char* text = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &text));
    std::string copy(text, size);
    BIO_free(out);
    return copy;
  }

  std::unique_ptr<EVP_PKEY, FreeKey> key_;
  std::unique_ptr<X509, FreeCertificate> self_;
};

// ---- trust

TEST(TlsTrust, TakesACertificateThatIsItsOwnRoot) {
  const auto own = certificate_for({"coord.example", "192.0.2.7", "2001:db8::7"});
  const auto server = server_with(own);
  for (const auto name : {"coord.example", "COORD.example", "192.0.2.7", "2001:db8::7"}) {
    Pair pair(TlsTrust::extra_roots(own.certificate_pem), *server, name);
    pair.exchange();
    ASSERT_TRUE(pair.established()) << name << ": " << pair.client.error->detail;
    const TlsPeer& peer = pair.client.session.peer();
    EXPECT_EQ(peer.fingerprint, server->fingerprint());
    EXPECT_EQ(peer.issuer, "CN=coord.example");
    EXPECT_FALSE(peer.relay_meta.has_value());
    EXPECT_TRUE(peer.tls13);
    EXPECT_FALSE(pair.server.session.peer().fingerprint.has_value());
  }
}

TEST(TlsTrust, TakesAChainToAnExtraRoot) {
  const Authority authority;
  const auto own = authority.issue("coord.example");
  // Several roots in one text; that of the chain is not the first.
  const std::string roots = certificate_for({"other.example"}).certificate_pem + authority.pem();
  for (const std::string& sent_along : {std::string(), authority.pem()}) {
    const auto server = server_with(own, sent_along);
    Pair pair(TlsTrust::extra_roots(roots), *server, "coord.example");
    pair.exchange();
    EXPECT_TRUE(pair.established());
  }
}

TEST(TlsTrust, TakesAWildcardForOneLabel) {
  const auto own = certificate_for({"*.relays.example"});
  const auto server = server_with(own);
  Pair one(TlsTrust::extra_roots(own.certificate_pem), *server, "a.relays.example");
  one.exchange();
  EXPECT_TRUE(one.established());
  Pair two(TlsTrust::extra_roots(own.certificate_pem), *server, "b.a.relays.example");
  two.exchange();
  ASSERT_TRUE(two.client.error.has_value());
  EXPECT_EQ(two.client.error->kind, Kind::WrongName);
}

TEST(TlsTrust, TakesThePinnedCertificate) {
  const auto own = certificate_for({"relay.example", "192.0.2.7"});
  const auto server = server_with(own);
  for (const auto name : {"relay.example", "192.0.2.7", ""}) {
    Pair pair(TlsTrust::pinned(server->fingerprint()), *server, name);
    pair.exchange();
    EXPECT_TRUE(pair.established()) << name;
  }
}

TEST(TlsTrust, TakesAnythingWhenNotSecure) {
  const auto expired =
      *make_self_signed({.names = {"x"}, .not_before = today() - 9 * kDay, .lifetime = kDay});
  const auto server = server_with(expired);
  Pair pair(TlsTrust::insecure(), *server, "y");
  pair.exchange();
  EXPECT_TRUE(pair.established());
}

struct Refusal {
  const char* name;
  std::vector<std::string> names{"coord.example"};
  Duration age = kDay;
  std::chrono::days lifetime{30};
  const char* asked = "coord.example";
  Kind kind;
  const char* said;
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.name; }

KeyedCertificate certificate_of(const Refusal& refusal) {
  return *make_self_signed(
      {.names = refusal.names, .not_before = today() - refusal.age, .lifetime = refusal.lifetime});
}

// The client says why; the server learns that it was refused, by an alert.
void expect_refusal(Pair& pair, Kind kind, std::string_view said) {
  pair.exchange();
  ASSERT_TRUE(pair.client.error.has_value());
  EXPECT_EQ(pair.client.error->kind, kind) << pair.client.error->detail;
  EXPECT_THAT(pair.client.error->detail, HasSubstr(said));
  EXPECT_EQ(pair.client.error->detail.find('\n'), std::string::npos);
  ASSERT_TRUE(pair.server.error.has_value());
  EXPECT_EQ(pair.server.error->kind, Kind::PeerRefused) << pair.server.error->detail;
  EXPECT_FALSE(pair.client.session.established());
}

class RefusedWhateverTheTrust : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedWhateverTheTrust, ByRootsAndByPin) {
  const auto own = certificate_of(GetParam());
  const auto server = server_with(own);
  Pair by_roots(TlsTrust::extra_roots(own.certificate_pem), *server, GetParam().asked);
  expect_refusal(by_roots, GetParam().kind, GetParam().said);
  Pair by_pin(TlsTrust::pinned(server->fingerprint()), *server, GetParam().asked);
  expect_refusal(by_pin, GetParam().kind, GetParam().said);
}

INSTANTIATE_TEST_SUITE_P(
    TlsTrust, RefusedWhateverTheTrust,
    testing::Values(
        Refusal{
            .name = "OtherName",
            .asked = "other.example",
            .kind = Kind::WrongName,
            .said = "certificate is for coord.example, not for other.example"},
        Refusal{
            .name = "NameThatOnlyBeginsAlike",
            .asked = "coord.example.net",
            .kind = Kind::WrongName,
            .said = "not for coord.example.net"},
        Refusal{
            .name = "OtherAddress",
            .names = {"192.0.2.7", "2001:db8::7"},
            .asked = "192.0.2.8",
            .kind = Kind::WrongName,
            .said = "192.0.2.7"},
        Refusal{
            .name = "AddressThatIsOnlyANameThere",
            .names = {"x192.0.2.7"},
            .asked = "192.0.2.7",
            .kind = Kind::WrongName,
            .said = "not for 192.0.2.7"},
        Refusal{
            .name = "Expired",
            .age = 10 * kDay,
            .lifetime = std::chrono::days(9),
            .kind = Kind::Expired,
            .said = "certificate expired on "},
        Refusal{
            .name = "NotYetValid",
            .age = -kDay,
            .kind = Kind::Expired,
            .said = "not valid yet: check this machine's clock"}),
    [](const auto& made) { return std::string(made.param.name); });

TEST(TlsTrust, RefusesWhomNoRootVouchesFor) {
  const auto server = server_with(certificate_for({"coord.example"}));
  Pair self_signed(TlsTrust::roots(), *server, "coord.example");
  expect_refusal(self_signed, Kind::UnknownIssuer, "coord.example is self-signed and not pinned");

  const Authority authority, other("Other authority");
  const auto issued = server_with(authority.issue("coord.example"));
  Pair unknown(TlsTrust::extra_roots(other.pem()), *issued, "coord.example");
  expect_refusal(unknown, Kind::UnknownIssuer, "unknown issuer (CN=Test authority)");
}

TEST(TlsTrust, RefusesAnyOtherCertificateThanThePinnedOne) {
  const auto own = certificate_for({"relay.example"});
  const auto twin = server_with(certificate_for({"relay.example"}));
  const auto pin = *pem_fingerprint(own.certificate_pem);
  Pair other(TlsTrust::pinned(pin), *twin, "relay.example");
  expect_refusal(other, Kind::PinMismatch, pin_text(twin->fingerprint()));

  // The pinned one must be what the handshake proves the key of, not merely be sent along.
  const auto decoy = server_with(certificate_for({"relay.example"}), own.certificate_pem);
  Pair along(TlsTrust::pinned(pin), *decoy, "relay.example");
  expect_refusal(along, Kind::PinMismatch, "2 certificates");
  const auto more = server_with(own, certificate_for({"x"}).certificate_pem);
  Pair padded(TlsTrust::pinned(pin), *more, "relay.example");
  expect_refusal(padded, Kind::PinMismatch, "2 certificates");
}

// ---- the meta certificate of a relay

RelayMeta some_meta() {
  RelayMeta meta{.key = {}, .version = 2};
  test::SeededRng(3).fill(meta.key);
  return meta;
}

TEST(RelayMeta, ReachesTheClientHoweverItTrusts) {
  const auto own = certificate_for({"relay.example"});
  const auto server = server_with(own, {}, *make_relay_meta(some_meta(), today()));
  for (const TlsTrust& trust :
       {TlsTrust::extra_roots(own.certificate_pem), TlsTrust::pinned(server->fingerprint()),
        TlsTrust::insecure()}) {
    Pair pair(trust, *server, "relay.example");
    pair.exchange();
    ASSERT_TRUE(pair.established());
    const auto& meta = pair.client.session.peer().relay_meta;
    ASSERT_TRUE(meta.has_value());
    EXPECT_EQ(meta->key, some_meta().key);
    EXPECT_EQ(meta->version, 2);
    EXPECT_EQ(pair.client.session.peer().fingerprint, server->fingerprint());
  }
}

// A client that has never heard of our conventions.
class PlainClient {
 public:
  explicit PlainClient(const std::string& root_pem) : context_(SSL_CTX_new(TLS_client_method())) {
    BIO* in = BIO_new_mem_buf(root_pem.data(), static_cast<int>(root_pem.size()));
    X509* root = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), root);
    X509_free(root);
    BIO_free(in);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
  }
  ~PlainClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  SSL* ssl() { return ssl_; }
  bool shake_hands_with(End& server) {
    for (int round = 0; round < 4; ++round) {
      SSL_do_handshake(ssl_);
      std::array<std::byte, 16384> piece;
      for (int size; (size = BIO_read(SSL_get_wbio(ssl_), piece.data(), piece.size())) > 0;) {
        server.receive(Bytes(piece).first(static_cast<std::size_t>(size)));
      }
      Buffer out;
      server.session.take_output(out);
      if (!out.empty()) BIO_write(SSL_get_rbio(ssl_), out.data(), static_cast<int>(out.size()));
    }
    return SSL_is_init_finished(ssl_) && server.session.established();
  }
  std::string chosen_protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

TEST(RelayMeta, DoesNotDisturbAClientThatDoesNotKnowIt) {
  const auto own = certificate_for({"relay.example"});
  const auto identity = server_with(own, {}, *make_relay_meta(some_meta(), today()));
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    PlainClient client(own.certificate_pem);
    SSL_set_max_proto_version(client.ssl(), version);
    End server(TlsSession::server(*identity));
    ASSERT_TRUE(client.shake_hands_with(server));
    EXPECT_EQ(SSL_get_verify_result(client.ssl()), X509_V_OK);
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(client.ssl())), 2);
    EXPECT_EQ(server.session.peer().tls13, version == TLS1_3_VERSION);
  }
}

// ---- the handshake

TEST(TlsServer, ConfirmsHttp11AndTurnsNobodyAway) {
  const auto own = certificate_for({"relay.example"});
  const auto identity = server_with(own);
  const auto chosen = [&](std::string_view offer) {
    PlainClient client(own.certificate_pem);
    SSL_set_alpn_protos(
        client.ssl(), reinterpret_cast<const unsigned char*>(offer.data()),
        static_cast<unsigned int>(offer.size()));
    End server(TlsSession::server(*identity));
    EXPECT_TRUE(client.shake_hands_with(server));
    return client.chosen_protocol();
  };
  EXPECT_EQ(chosen("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(chosen("\x02h2"), "");
  EXPECT_EQ(chosen(""), "");
}

TEST(TlsServer, RefusesOldVersions) {
  const auto own = certificate_for({"relay.example"});
  const auto identity = server_with(own);
  PlainClient client(own.certificate_pem);
  SSL_set_security_level(client.ssl(), 0);
  SSL_set_min_proto_version(client.ssl(), TLS1_VERSION);
  SSL_set_max_proto_version(client.ssl(), TLS1_1_VERSION);
  End server(TlsSession::server(*identity));
  EXPECT_FALSE(client.shake_hands_with(server));
  ASSERT_TRUE(server.error.has_value());
  EXPECT_EQ(server.error->kind, Kind::Protocol);
}

class TlsPair : public testing::Test {
 protected:
  KeyedCertificate own_ = certificate_for({"coord.example"});
  std::unique_ptr<TlsServerContext> identity_ = server_with(own_);
  TlsClientContext trust_{TlsTrust::extra_roots(own_.certificate_pem)};

  Pair pair() {
    return {trust_, *identity_, {.server_name = "coord.example", .offer_http11 = true}};
  }
};

TEST_F(TlsPair, KeepsWhatIsSentBeforeTheHandshakeIsDone) {
  Pair ends = pair();
  ASSERT_TRUE(ends.client.session.send(as_bytes("hello ")));
  ASSERT_TRUE(ends.client.session.send(as_bytes("server")));
  ASSERT_TRUE(ends.server.session.send(as_bytes("hello client")));
  EXPECT_FALSE(ends.client.session.established());
  ends.exchange();
  EXPECT_TRUE(ends.established());
  EXPECT_EQ(as_text(ends.server.read), "hello server");
  EXPECT_EQ(as_text(ends.client.read), "hello client");
}

TEST_F(TlsPair, CarriesLargeDataBothWaysInAnyPieces) {
  const Buffer large = random_bytes(1'000'000);
  for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{1000}, std::size_t{17}}) {
    Pair ends = pair();
    ends.exchange(1);
    ASSERT_TRUE(ends.established());
    ASSERT_TRUE(ends.client.session.send(large));
    ASSERT_TRUE(ends.server.session.send(large));
    ASSERT_TRUE(ends.client.session.send({}));
    ends.exchange(piece);
    EXPECT_EQ(ends.server.read, large);
    EXPECT_EQ(ends.client.read, large);
  }
}

TEST_F(TlsPair, MayMoveAtAnyTime) {
  Pair ends = pair();
  ends.carry(ends.client, ends.server, SIZE_MAX);
  TlsSession moved = std::move(ends.client.session);
  ends.client.session = std::move(moved);
  ends.exchange();
  EXPECT_TRUE(ends.established());
}

TEST_F(TlsPair, TellsAnEndFromACut) {
  Pair ends = pair();
  ends.exchange();
  ASSERT_TRUE(ends.client.session.send(as_bytes("last words")));
  ends.client.session.shutdown();
  EXPECT_FALSE(ends.server.session.peer_said_goodbye());
  ends.exchange();
  EXPECT_EQ(as_text(ends.server.read), "last words");
  EXPECT_TRUE(ends.server.session.peer_said_goodbye());
  EXPECT_FALSE(ends.client.session.peer_said_goodbye());
  // The other direction is still open.
  ASSERT_TRUE(ends.server.session.send(as_bytes("good night")));
  ends.exchange();
  EXPECT_EQ(as_text(ends.client.read), "good night");
}

TEST_F(TlsPair, RefusesARecordThatWasChangedUnderway) {
  Pair ends = pair();
  ends.exchange();
  ASSERT_TRUE(ends.client.session.send(as_bytes("pay 10")));
  Buffer record;
  ends.client.session.take_output(record);
  record.back() ^= std::byte{1};
  ends.server.receive(record);
  ASSERT_TRUE(ends.server.error.has_value());
  EXPECT_EQ(ends.server.error->kind, Kind::Protocol);
  EXPECT_EQ(as_text(ends.server.read), "");
}

TEST_F(TlsPair, RefusesWhatIsNotTls) {
  for (const auto said : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    End server(TlsSession::server(*identity_));
    server.receive(as_bytes(std::string_view(said)));
    ASSERT_TRUE(server.error.has_value());
    EXPECT_EQ(server.error->kind, Kind::Protocol);
    Pair ends = pair();
    ends.client.receive(as_bytes(std::string_view(said)));
    ASSERT_TRUE(ends.client.error.has_value());
    EXPECT_EQ(ends.client.error->kind, Kind::Protocol);
  }
}

// Whatever one byte of the server's answer becomes: an error or a handshake, never a crash.
TEST_F(TlsPair, SurvivesADamagedHandshake) {
  for (std::size_t at = 0; at < 1200; at += 7) {
    Pair ends = pair();
    ends.carry(ends.client, ends.server, SIZE_MAX);
    Buffer answer;
    ends.server.session.take_output(answer);
    answer[at % answer.size()] ^= std::byte{0x55};
    ends.client.receive(answer);
    ends.exchange();
    EXPECT_FALSE(ends.established());
  }
}

TEST(TlsContext, RefusesIdentitiesThatDoNotFit) {
  const auto own = certificate_for({"a.example"}), other = certificate_for({"b.example"});
  const TlsServerConfig unusable[] = {
      {"", own.private_key_pem, ""},
      {own.certificate_pem, "", ""},
      {own.certificate_pem, other.private_key_pem, ""},
      {own.private_key_pem, own.certificate_pem, ""},
      {own.certificate_pem, own.private_key_pem, "no certificate"}};
  for (const TlsServerConfig& config : unusable) {
    const auto made = TlsServerContext::make(config);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().kind, Kind::BadConfig);
    EXPECT_FALSE(made.error().detail.empty());
  }
  // A failure leaves nothing behind in OpenSSL's error queue that would spoil the next attempt.
  EXPECT_NE(server_with(own), nullptr);
}

TEST(TlsContext, RefusesRootsThatAreNone) {
  TlsClientContext context(TlsTrust::extra_roots("no certificates here"));
  const auto session = TlsSession::client(context, {.server_name = "a.example"});
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().kind, Kind::BadConfig);
}

}  // namespace
}  // namespace aya::tls
