#include "proto/tls/x509_view.h"

#include <array>
#include <limits>

#include "proto/base/hex.h"
#include "proto/tls/openssl_ptr.h"

namespace aya::tls {
namespace {

std::string_view ia5_text(const ASN1_STRING* string) {
  return {
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
      static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// Certificates come from strangers and end up in one-line messages.
void append_printable(std::string_view text, std::string& out) {
  for (const char c : text) out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
}

void append_address(const ASN1_STRING* octets, std::string& out) {
  std::array<char, 64> text;
  const unsigned char* at = ASN1_STRING_get0_data(octets);
  const int size = ASN1_STRING_length(octets);
  if (size == 4) {
    const int length =
        BIO_snprintf(text.data(), text.size(), "%d.%d.%d.%d", at[0], at[1], at[2], at[3]);
    out.append(text.data(), static_cast<std::size_t>(length));
    return;
  }
  for (int i = 0; i + 1 < size; i += 2) {
    const int length =
        BIO_snprintf(text.data(), text.size(), i == 0 ? "%x" : ":%x", at[i] << 8 | at[i + 1]);
    out.append(text.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

std::string common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

Sha256 fingerprint_of(const X509* certificate) {
  Sha256 out{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), uchars(MutableBytes(out)), &size);
  return out;
}

bool is_relay_meta(const X509* certificate) {
  return common_name_of(certificate).starts_with(kMetaNamePrefix);
}

std::optional<RelayMeta> relay_meta_of(const X509* certificate) {
  const std::string name = common_name_of(certificate);
  if (!name.starts_with(kMetaNamePrefix)) return std::nullopt;
  RelayMeta meta{};
  if (!parse_hex_into(std::string_view(name).substr(kMetaNamePrefix.size()), meta.key)) {
    return std::nullopt;
  }
  std::int64_t serial = 0;
  if (ASN1_INTEGER_get_int64(&serial, X509_get0_serialNumber(certificate)) != 1 || serial < 0 ||
      serial > std::numeric_limits<int>::max()) {
    ERR_clear_error();
    return std::nullopt;
  }
  meta.version = static_cast<int>(serial);
  return meta;
}

std::string issuer_text(const X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  // RFC 2253 escapes control characters, so this is always one line.
  X509_NAME_print_ex(out.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
  return text_in(out.get());
}

std::string names_text(const X509* certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  constexpr int kEnough = 6;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && i < kEnough; ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    if (!out.empty()) out += ", ";
    const auto* string = static_cast<const ASN1_STRING*>(value);
    if (type == GEN_DNS) {
      append_printable(ia5_text(string), out);
    } else {
      append_address(string, out);
    }
  }
  if (count > kEnough) out += ", ...";
  if (out.empty()) append_printable(common_name_of(certificate), out);
  return out.empty() ? "nobody" : out;
}

std::string expiry_text(const X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  ASN1_TIME_print_ex(out.get(), X509_get0_notAfter(certificate), ASN1_DTFLGS_ISO8601);
  return text_in(out.get());
}

bool covers_name(X509* certificate, const std::string& name) {
  if (ip_literal(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  return X509_check_host(
             certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
             nullptr) == 1;
}

}  // namespace aya::tls
