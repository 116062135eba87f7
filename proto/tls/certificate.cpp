#include "proto/tls/certificate.h"

#include <openssl/pem.h>
#include <openssl/sha.h>

#include "proto/base/hex.h"
#include "proto/tls/openssl_ptr.h"
#include "proto/tls/x509_view.h"

namespace aya::tls {
namespace {

constexpr std::string_view kPinPrefix = "sha256-raw:";
constexpr std::chrono::days kMetaHalfLife{30};

TlsError cannot(std::string_view doing) {
  return {
      TlsError::Kind::BadConfig,
      "cannot " + std::string(doing) + ": " + take_openssl_reason("no reason given")};
}

std::string certificate_to_pem(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_in(out.get());
}

std::string key_to_pem(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_in(out.get());
}

bool set_validity(X509* certificate, WallTime from, WallTime until) {
  return ASN1_TIME_set(
             X509_getm_notBefore(certificate),
             std::chrono::system_clock::to_time_t(
                 std::chrono::time_point_cast<std::chrono::system_clock::duration>(from))) &&
         ASN1_TIME_set(
             X509_getm_notAfter(certificate),
             std::chrono::system_clock::to_time_t(
                 std::chrono::time_point_cast<std::chrono::system_clock::duration>(until)));
}

// Subject and issuer alike: self-signed.
bool set_common_name(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  // V_ASN1_UTF8STRING, because the MBSTRING_* types refuse more than 64 characters and a relay's
  // name has 71.
  return X509_NAME_add_entry_by_NID(
             subject, NID_commonName, V_ASN1_UTF8STRING,
             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
             0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_alternative_names(X509* certificate, const std::vector<std::string>& names) {
  const NamesPtr all(sk_GENERAL_NAME_new_null());
  for (const std::string& name : names) {
    GENERAL_NAME* entry = GENERAL_NAME_new();
    if (OctetsPtr address = ip_literal(name)) {
      GENERAL_NAME_set0_value(entry, GEN_IPADD, address.release());
    } else {
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
      GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    }
    sk_GENERAL_NAME_push(all.get(), entry);
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1;
}

bool set_random_serial(X509* certificate) {
  BIGNUM* number = BN_new();
  const bool done = BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
}

X509Ptr first_certificate(std::string_view pem) {
  const BioPtr in = bio_over(pem);
  X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

}  // namespace

Sha256 sha256(Bytes bytes) {
  Sha256 out;
  SHA256(uchars(bytes), bytes.size(), uchars(MutableBytes(out)));
  return out;
}

std::optional<Sha256> parse_pin(std::string_view text) {
  Sha256 out;
  if (!text.starts_with(kPinPrefix)) return std::nullopt;
  if (!parse_hex_into(text.substr(kPinPrefix.size()), out)) return std::nullopt;
  return out;
}

std::string pin_text(const Sha256& fingerprint) {
  return std::string(kPinPrefix) + to_hex(fingerprint);
}

Result<Sha256, TlsError> pem_fingerprint(std::string_view certificate_pem) {
  const X509Ptr certificate = first_certificate(certificate_pem);
  if (!certificate) {
    return TlsError{TlsError::Kind::BadConfig, "there is no certificate in the PEM text"};
  }
  return fingerprint_of(certificate.get());
}

Result<KeyedCertificate, TlsError> make_self_signed(const SelfSigned& wanted) {
  if (wanted.names.empty()) {
    return TlsError{TlsError::Kind::BadConfig, "a certificate needs at least one name"};
  }
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  // A common name is for people; 64 characters is all that X.509 has room for.
  const std::string common_name = wanted.names.front().substr(0, 64);
  const bool made =
      key && certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      set_random_serial(certificate.get()) && set_common_name(certificate.get(), common_name) &&
      set_validity(certificate.get(), wanted.not_before, wanted.not_before + wanted.lifetime) &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 &&
      add_alternative_names(certificate.get(), wanted.names) &&
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") &&
      X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!made) return cannot("make a certificate");
  return KeyedCertificate{certificate_to_pem(certificate.get()), key_to_pem(key.get())};
}

Result<std::string, TlsError> make_relay_meta(const RelayMeta& meta, WallTime now) {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const X509Ptr certificate(X509_new());
  const bool made =
      key && certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), meta.version) == 1 &&
      set_common_name(certificate.get(), std::string(kMetaNamePrefix) + to_hex(meta.key)) &&
      set_validity(certificate.get(), now - kMetaHalfLife, now + kMetaHalfLife) &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 &&
      X509_sign(certificate.get(), key.get(), nullptr) > 0;
  if (!made) return cannot("make a relay meta certificate");
  return certificate_to_pem(certificate.get());
}

std::optional<RelayMeta> read_relay_meta(std::string_view certificate_pem) {
  const X509Ptr certificate = first_certificate(certificate_pem);
  return certificate ? relay_meta_of(certificate.get()) : std::nullopt;
}

}  // namespace aya::tls
