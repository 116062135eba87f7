#include "proto/derp/relay_key.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <memory>

#include "proto/base/hex.h"
#include "proto/derp/hello.h"
#include "tests/support/test_vectors.h"

namespace aya::derp {
namespace {

using test::hex;
using test::Json;

constexpr std::string_view kName =
    "derpkey7b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14";

TEST(DerpVectors, AMetaCertificateNamesTheRelay) {
  for (const Json& c : test::vector_cases("wire", "derp.json", "meta_certificate")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer der = hex(c.at("der"));
    const unsigned char* at = uchars(Bytes(der));
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
    ASSERT_TRUE(certificate);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    ASSERT_GE(index, 0);
    const ASN1_STRING* cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
    const std::string_view name(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(cn)),
        static_cast<std::size_t>(ASN1_STRING_length(cn)));
    std::uint64_t serial = 0;
    ASSERT_EQ(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(certificate.get())), 1);

    const auto meta = parse_meta_certificate(name, serial);
    ASSERT_TRUE(meta);
    EXPECT_EQ(to_hex(meta->relay.bytes()), c.at("server_public"));
    EXPECT_EQ(meta->protocol_version, c.at("protocol_version"));
    EXPECT_EQ(meta->relay.to_text(), name);
  }
}

TEST(MetaCertificate, IsRefusedWhereItsPartsCannotBe) {
  EXPECT_TRUE(parse_meta_certificate(kName, 2));
  EXPECT_TRUE(parse_meta_certificate(kName, 255));
  EXPECT_EQ(parse_meta_certificate(kName, 256).error(), ParseError::BadValue);
  EXPECT_EQ(parse_meta_certificate(kName, 0).error(), ParseError::BadValue);
  EXPECT_EQ(parse_meta_certificate("relay.example.com", 2).error(), ParseError::BadMagic);
  EXPECT_EQ(parse_meta_certificate(kName.substr(0, 70), 2).error(), ParseError::BadEncoding);
  EXPECT_EQ(
      parse_meta_certificate("derpkey" + std::string(64, '0'), 2).error(), ParseError::BadValue);
  EXPECT_TRUE(is_meta_certificate_name(kName.substr(0, 70)));
  EXPECT_FALSE(is_meta_certificate_name("DERPKEY"));
}

TEST(MeshKeyVectors, AreReadFromConfiguration) {
  for (const Json& c : test::vector_cases("wire", "keys.json", "parse")) {
    if (c.at("type") != "derp_mesh") continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto key = MeshKey::parse(c.at("text").get<std::string>());
    ASSERT_EQ(key.has_value(), c.at("ok").get<bool>());
    EXPECT_EQ(key ? key->to_text_for_seal() : "", c.value("raw", ""));
  }
}

TEST(MeshKeyVectors, AreReadFromAClientInfo) {
  for (const Json& c : test::vector_cases("wire", "keys.json", "parse_json")) {
    if (c.at("type") != "derp_mesh") continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto info =
        client_info_from_json("{\"meshKey\":" + c.at("json").get<std::string>() + "}");
    ASSERT_EQ(info.has_value(), c.at("ok").get<bool>());
    if (!info) continue;
    ASSERT_TRUE(info->mesh_key);
    EXPECT_EQ(info->mesh_key->to_text_for_seal(), c.at("raw"));
  }
}

TEST(MeshKey, MatchesOnlyItself) {
  const auto key = MeshKey::parse(" " + std::string(64, 'a') + "\n");
  const auto other = MeshKey::parse(std::string(64, 'b'));
  ASSERT_TRUE(key && other);
  EXPECT_TRUE(key->matches(*key));
  EXPECT_FALSE(key->matches(*other));
  EXPECT_FALSE(MeshKey().matches(MeshKey()));
  EXPECT_FALSE(MeshKey::parse(""));
  EXPECT_FALSE(MeshKey::parse(std::string(63, 'a')));
  EXPECT_FALSE(MeshKey::parse(std::string(64, 'g')));
}

}  // namespace
}  // namespace aya::derp
