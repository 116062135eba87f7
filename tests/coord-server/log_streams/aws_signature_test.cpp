// Signatures that Amazon has published: the examples of its S3 manual and of its test suite for
// Signature Version 4.
#include "coord-server/log_streams/aws_signature.h"

#include <gtest/gtest.h>

namespace aya::log_streams {
namespace {

const AwsKey kSuiteKey = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const AwsKey kManualKey = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

struct Published {
  const char* name;
  std::string method, target;
  http::Headers headers;
  std::string body, signed_headers, signature;
  bool of_manual = false;  // whose requests are to S3, and say their hash in a header
};

class AwsSignature : public testing::TestWithParam<Published> {};

TEST_P(AwsSignature, IsAsPublished) {
  const Published& p = GetParam();
  AwsRequest request{p.method, p.target, p.headers, aws_hash(as_bytes(p.body))};
  request.headers.set("X-Amz-Date", p.of_manual ? "20130524T000000Z" : "20150830T123600Z");
  if (p.of_manual) request.headers.set("X-Amz-Content-Sha256", request.body_hash);
  const std::string scope = p.of_manual ? "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3"
                                        : "AKIDEXAMPLE/20150830/us-east-1/service";
  EXPECT_EQ(
      aws_authorization(
          request, p.of_manual ? kManualKey : kSuiteKey, "us-east-1",
          p.of_manual ? "s3" : "service"),
      "AWS4-HMAC-SHA256 Credential=" + scope + "/aws4_request, SignedHeaders=" + p.signed_headers +
          ", Signature=" + p.signature);
}

const http::Headers kSuiteHost = {{"Host", "example.amazonaws.com"}};
const http::Headers kBucketHost = {{"Host", "examplebucket.s3.amazonaws.com"}};

INSTANTIATE_TEST_SUITE_P(
    Requests, AwsSignature,
    testing::Values(
        Published{"Vanilla", "GET", "/", kSuiteHost, "", "host;x-amz-date",
                  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Published{"QueryInOrder", "GET", "/?Param2=value2&Param1=value1", kSuiteHost, "",
                  "host;x-amz-date",
                  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Published{"Form", "POST", "/",
                  {{"Content-Type", "application/x-www-form-urlencoded"},
                   {"Host", "example.amazonaws.com"}},
                  "Param1=value1", "content-type;host;x-amz-date",
                  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        Published{"HeaderTrimmed", "GET", "/",
                  {{"Host", "example.amazonaws.com"},
                   {"My-Header1", " value1"},
                   {"My-Header2", " \"a   b   c\""}},
                  "", "host;my-header1;my-header2;x-amz-date",
                  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Published{"GetObject", "GET", "/test.txt",
                  {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}}, "",
                  "host;range;x-amz-content-sha256;x-amz-date",
                  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", true},
        Published{"PutObject", "PUT", "/test%24file.text",
                  {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                   {"Host", "examplebucket.s3.amazonaws.com"},
                   {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                  "Welcome to Amazon S3.",
                  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", true},
        Published{"BucketLifecycle", "GET", "/?lifecycle", kBucketHost, "",
                  "host;x-amz-content-sha256;x-amz-date",
                  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", true},
        Published{"ListObjects", "GET", "/?max-keys=2&prefix=J", kBucketHost, "",
                  "host;x-amz-content-sha256;x-amz-date",
                  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", true}),
    [](const auto& param) { return param.param.name; });

TEST(AwsDate, IsWithoutPunctuationAndFractions) {
  EXPECT_EQ(aws_date(*parse_rfc3339("2013-05-24T00:00:00.5Z")), "20130524T000000Z");
}

}  // namespace
}  // namespace aya::log_streams
