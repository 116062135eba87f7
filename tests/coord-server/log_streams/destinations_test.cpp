#include "coord-server/log_streams/destinations.h"

#include <gtest/gtest.h>

namespace aya::log_streams {
namespace {

LogDestination receiver(std::string type, std::string url, std::string token) {
  LogDestination out;
  out.type = std::move(type);
  out.url = std::move(url);
  out.token = std::move(token);
  return out;
}

LogDestination bucket(std::string authentication) {
  LogDestination out;
  out.type = "s3";
  out.s3_bucket = "logs";
  out.s3_region = "eu-central-1";
  out.s3_authentication = std::move(authentication);
  return out;
}

LogDestination with(LogDestination to, std::string LogDestination::* field, std::string value) {
  to.*field = std::move(value);
  return to;
}

const LogDestination kSplunk = receiver("splunk", "https://a.example", "t");
const LogDestination kKey = with(
    with(bucket("accesskey"), &LogDestination::s3_access_key, "AK"),
    &LogDestination::s3_secret_key, "SK");
const LogDestination kRole =
    with(bucket("rolearn"), &LogDestination::s3_role, "arn:aws:iam::1:role/x");

LogDestination gcs(std::string credentials) {
  LogDestination out;
  out.type = "gcs";
  out.gcs_bucket = "logs";
  out.gcs_credentials = std::move(credentials);
  return out;
}

struct Case {
  LogDestination to;
  std::string fault;  // how it begins; empty: there is none
};

TEST(Destinations, AreWellFormedOrSayWhatIsNot) {
  LogDestination too_seldom = kSplunk, scopes = gcs("{}");
  too_seldom.upload_minutes = 1441;
  scopes.gcs_scopes = {"a b"};
  const Case cases[] = {
      {kSplunk, ""},
      {receiver("panther", "https://a.example", ""), ""},
      {receiver("cribl", "http://10.0.0.7:10080/cribl/_bulk", ""), ""},
      {receiver("elastic", "https://a.example", "t"), ""},
      {receiver("axiom", "https://a.example", ""), "token"},
      {receiver("datadog", "https://a.example", ""), "token"},
      {receiver("splunk", "", "t"), "url"},
      {receiver("splunk", "ftp://a.example", "t"), "url"},
      {receiver("splunk", "https://me:secret@a.example", "t"), "url"},
      {receiver("splunk", "https://a.example", "t\r\nX: y"), "token"},
      {receiver("syslog", "https://a.example", "t"), "destinationType"},
      {receiver("", "https://a.example", "t"), "destinationType"},
      {with(kSplunk, &LogDestination::compression, "zstd"), ""},
      {with(kSplunk, &LogDestination::compression, "lz4"), "compressionFormat"},
      {too_seldom, "uploadPeriodMinutes"},
      {kKey, ""},
      {with(kKey, &LogDestination::url, "http://127.0.0.1:9000/minio"), ""},
      {with(kKey, &LogDestination::url, "minio"), "url"},
      {with(kKey, &LogDestination::s3_bucket, "a/b"), "s3Bucket"},
      {with(kKey, &LogDestination::s3_region, ""), "s3Region"},
      {with(kKey, &LogDestination::s3_region, "eu.evil.example/"), "s3Region"},
      {with(kKey, &LogDestination::s3_access_key, ""), "s3AccessKeyId"},
      {with(kKey, &LogDestination::s3_secret_key, ""), "s3SecretAccessKey"},
      {bucket(""), "s3AuthenticationType"},
      {bucket("rolearn"), "s3RoleArn"},
      {kRole, ""},
      {gcs("{}"), ""},
      {gcs(""), "gcsCredentials"},
      {gcs(R"({"private_key":"x"})"), "gcsCredentials"},
      {scopes, "gcsScopes"}};
  for (const Case& c : cases) {
    const std::string fault = fault_in(c.to);
    EXPECT_EQ(fault.substr(0, fault.find(':')), c.fault) << c.to.type << ' ' << c.to.url;
  }
}

TEST(Destinations, SayWhatCannotBeSigned) {
  for (const LogDestination& to : {kSplunk, kKey}) EXPECT_EQ(undeliverable(to), "");
  for (const LogDestination& to : {kRole, gcs("{}")}) EXPECT_NE(undeliverable(to), "");
}

TEST(Destinations, AreSentToInTheirTime) {
  EXPECT_EQ(upload_period(kSplunk), std::chrono::minutes(0));
  EXPECT_EQ(upload_period(kKey), std::chrono::minutes(1));
  LogDestination seldom = kKey;
  seldom.upload_minutes = 30;
  EXPECT_EQ(upload_period(seldom), std::chrono::minutes(30));
}

}  // namespace
}  // namespace aya::log_streams
