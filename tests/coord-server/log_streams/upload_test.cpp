// Requests as each receiver wants them, and what answers mean.
#include "coord-server/log_streams/upload.h"

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <nlohmann/json.hpp>

#include "coord-server/log_streams/aws_signature.h"
#include "proto/http/target.h"

namespace aya::log_streams {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:10Z");

store::AuditLine line(std::int64_t number) {
  store::AuditLine out;
  out.number = number;
  out.hash.fill(static_cast<std::byte>(number));
  out.entry.account = store::AccountId{1};
  out.entry.time = *parse_rfc3339("2026-02-01T09:00:00.25Z");
  out.entry.origin = "CONFIG_API";
  out.entry.actor = R"({"id":"1","type":"USER","loginName":"alice@example.com"})";
  out.entry.action = "UPDATE";
  out.entry.target_type = "NODE";
  out.entry.target_id = "n1CNTRL";
  out.entry.target_name = "web1.example";
  out.entry.property = "ADDRESS";
  out.entry.old_value = R"(["100.64.0.11"])";
  out.entry.new_value = R"(["100.80.0.1"])";
  return out;
}

LogDestination to(std::string type, std::string url, std::string user = "") {
  LogDestination out;
  out.type = std::move(type);
  out.url = std::move(url);
  out.user = std::move(user);
  out.token = "secret";
  return out;
}

LogDestination objects_at(std::string url = "") {
  LogDestination out;
  out.type = "s3";
  out.url = std::move(url);
  out.s3_bucket = "logs";
  out.s3_region = "eu-central-1";
  out.s3_key_prefix = "ts/a b/";
  out.s3_authentication = "accesskey";
  out.s3_access_key = "AK";
  out.s3_secret_key = "SK";
  return out;
}

Upload upload_of(const LogDestination& destination, std::span<const store::AuditLine> lines) {
  std::vector<LogLine> out;
  for (const store::AuditLine& each : lines) {
    out.push_back(line_of(each, longest_event(destination)));
  }
  return make_upload(destination, kConfiguration, "home", out, kNow);
}

Upload two_lines(const LogDestination& destination) {
  return upload_of(destination, std::vector{line(7), line(8)});
}

std::string text_in(const Upload& upload) { return std::string(as_text(upload.message.body)); }

std::vector<json> rows_of(const std::string& text) {
  std::vector<json> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

struct Receiver {
  LogDestination to;
  const char* url;
  const char* header;
  const char* credential;
  const char* type;
};

TEST(Uploads, HaveTheAddressAndTheProofTheirReceiverWants) {
  const Receiver receivers[] = {
      {to("splunk", "https://a.example:8088", "u"),
       "https://a.example:8088/services/collector/event", "Authorization", "Splunk secret",
       "application/json"},
      {to("splunk", "https://a.example/services/collector/event?auto=1"),
       "https://a.example/services/collector/event?auto=1", "Authorization", "Splunk secret",
       "application/json"},
      {to("elastic", "https://a.example", "elastic"),
       "https://a.example/ayatori-configuration/_bulk", "Authorization",
       "Basic ZWxhc3RpYzpzZWNyZXQ=", "application/x-ndjson"},
      {to("elastic", "https://a.example/logs-x/_bulk?pretty"),
       "https://a.example/logs-x/_bulk?pretty", "Authorization", "ApiKey secret",
       "application/x-ndjson"},
      {to("elastic", "https://a.example/logs-x?pretty"), "https://a.example/logs-x/_bulk?pretty",
       "Authorization", "ApiKey secret", "application/x-ndjson"},
      {to("panther", "https://logs.a.example/http/1-2"), "https://logs.a.example/http/1-2",
       "Authorization", "Bearer secret", "application/x-ndjson"},
      {to("panther", "https://logs.a.example/http/1-2", "me"), "https://logs.a.example/http/1-2",
       "Authorization", "Basic bWU6c2VjcmV0", "application/x-ndjson"},
      {to("cribl", "http://10.0.0.7:10080"), "http://10.0.0.7:10080/cribl/_bulk", "Authorization",
       "secret", "application/x-ndjson"},
      {to("cribl", "https://a.example/services/collector"), "https://a.example/services/collector",
       "Authorization", "Splunk secret", "application/x-ndjson"},
      {to("datadog", "https://http-intake.logs.datadoghq.eu"),
       "https://http-intake.logs.datadoghq.eu/api/v2/logs", "DD-API-KEY", "secret",
       "application/json"},
      {to("axiom", "https://api.axiom.co/v1/datasets/audit/ingest"),
       "https://api.axiom.co/v1/datasets/audit/ingest", "Authorization", "Bearer secret",
       "application/x-ndjson"}};
  for (const Receiver& r : receivers) {
    const delivery::Message message = two_lines(r.to).message;
    EXPECT_EQ(message.method, "POST");
    EXPECT_EQ(message.url, r.url);
    EXPECT_EQ(message.headers.get(r.header), r.credential) << r.url;
    EXPECT_EQ(message.headers.get("Content-Type"), r.type) << r.url;
    EXPECT_FALSE(message.headers.has("Content-Encoding"));
  }
}

TEST(Uploads, SayWhatHappenedInTheCommonForm) {
  for (const char* type : {"splunk", "panther", "cribl", "axiom"}) {
    const std::vector<json> rows = rows_of(text_in(two_lines(to(type, "https://a.example/x"))));
    ASSERT_EQ(rows.size(), 2u) << type;
    EXPECT_EQ(rows[0].at("time"), 1769936400.25);
    EXPECT_EQ(rows[0].at("fields").at("recorded"), 1769936410.0);
    const json& event = rows[0].at("event");
    EXPECT_EQ(event.at("eventTime"), "2026-02-01T09:00:00.25Z");
    EXPECT_EQ(event.at("type"), "CONFIG");
    EXPECT_EQ(event.at("actor").at("loginName"), "alice@example.com");
    EXPECT_EQ(event.at("target").at("property"), "ADDRESS");
    EXPECT_EQ(event.at("new"), json::array({"100.80.0.1"}));
    EXPECT_EQ(event.at("ayatori").at("line"), 7);
    EXPECT_THAT(event.at("ayatori").at("hash").get<std::string>(), StartsWith("070707"));
    EXPECT_EQ(rows[1].at("event").at("ayatori").at("line"), 8);
  }
  const auto first = [](const char* type) {
    return rows_of(text_in(two_lines(to(type, "https://a.example/x"))))[0];
  };
  EXPECT_EQ(first("cribl").at("_time"), 1769936400.25);
  EXPECT_EQ(first("axiom").at("_time"), "2026-02-01T09:00:00.25Z");
}

TEST(Uploads, ToElasticMakeEachEntryOnce) {
  const std::vector<json> rows = rows_of(text_in(two_lines(to("elastic", "https://a.example"))));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[0].at("create").at("_id").get<std::string>(), StartsWith("0707"));
  EXPECT_EQ(rows[1].at("@timestamp"), "2026-02-01T09:00:00.25Z");
  EXPECT_EQ(rows[1].at("event").at("ayatori").at("line"), 7);
  EXPECT_THAT(rows[2].at("create").at("_id").get<std::string>(), StartsWith("0808"));
}

TEST(Uploads, ToDatadogAreAList) {
  const json rows = json::parse(text_in(two_lines(to("datadog", "https://a.example"))));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("ddsource"), "ayatori");
  EXPECT_EQ(rows[0].at("ddtags"), "log:configuration,tailnet:home");
  EXPECT_EQ(rows[0].at("message"), "alice@example.com UPDATE NODE web1.example");
  EXPECT_EQ(rows[0].at("timestamp"), 1769936400250);
  EXPECT_EQ(rows[1].at("event").at("ayatori").at("line"), 8);
}

std::string inflated(Bytes body) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(100'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string unpacked(Bytes body) {
  std::string out(100'000, '\0');
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), body.data(), body.size());
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

TEST(Uploads, AreMadeSmallerAsWished) {
  LogDestination receiver = to("splunk", "https://a.example");
  const std::string plain = text_in(two_lines(receiver));
  receiver.compression = "none";
  EXPECT_EQ(text_in(two_lines(receiver)), plain);
  receiver.compression = "gzip";
  Upload upload = two_lines(receiver);
  EXPECT_EQ(upload.message.headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(inflated(upload.message.body), plain);
  receiver.compression = "zstd";
  upload = two_lines(receiver);
  EXPECT_EQ(upload.message.headers.get("Content-Encoding"), "zstd");
  EXPECT_EQ(unpacked(upload.message.body), plain);
}

TEST(Uploads, AreAsLongAsReceiversTake) {
  std::vector<store::AuditLine> lines;
  for (int i = 0; i < 5; ++i) {
    lines.push_back(line(i));
    lines.back().entry.new_value = '"' + std::string(400 << 10, 'a') + '"';
  }
  EXPECT_EQ(upload_of(to("splunk", "https://a.example"), lines).lines, 2u);
  // One that is too long by itself goes without the texts that make it so.
  lines[0].entry.new_value = '"' + std::string(2 << 20, 'a') + '"';
  const Upload upload = upload_of(to("splunk", "https://a.example"), {&lines[0], 1});
  EXPECT_EQ(upload.lines, 1u);
  const json event = rows_of(text_in(upload))[0].at("event");
  EXPECT_EQ(event.at("new"), nullptr);
  EXPECT_EQ(event.at("ayatori").at("leftOut"), json::array({"old", "new"}));
  EXPECT_GT(text_in(upload_of(objects_at(), {&lines[0], 1})).size(), 2u << 20);
}

TEST(Uploads, OfFlowsSayWhichLogTheyAreOf) {
  store::FlowRow row;
  row.number = 12;
  row.node = "n1CNTRL";
  row.logged = kNow;
  row.start = *parse_rfc3339("2026-02-01T09:00:00Z");
  row.window =
      R"({"start":"2026-02-01T09:00:00Z","end":"2026-02-01T09:00:05Z","exitTraffic":[{"txPkts":3}]})";
  const std::vector<LogLine> lines = {line_of(row)};
  const auto upload = [&](const LogDestination& destination) {
    return make_upload(destination, kNetwork, "home", lines, kNow);
  };
  const json splunk = rows_of(text_in(upload(to("splunk", "https://a.example"))))[0];
  EXPECT_EQ(splunk.at("time"), 1769936400);
  EXPECT_EQ(
      splunk.at("event"),
      json::parse(R"({"logged":"2026-02-01T09:00:10Z","nodeId":"n1CNTRL",
        "start":"2026-02-01T09:00:00Z","end":"2026-02-01T09:00:05Z","exitTraffic":[{"txPkts":3}],
        "ayatori":{"line":12}})"));
  const Upload elastic = upload(to("elastic", "https://a.example"));
  EXPECT_THAT(elastic.message.url, EndsWith("/ayatori-network/_bulk"));
  EXPECT_EQ(rows_of(text_in(elastic))[0].at("create").at("_id"), "n1CNTRL-12");
  const json datadog = json::parse(text_in(upload(to("datadog", "https://a.example"))))[0];
  EXPECT_EQ(datadog.at("ddtags"), "log:network,tailnet:home");
  EXPECT_EQ(datadog.at("message"), "flows of n1CNTRL");
  EXPECT_THAT(upload(objects_at()).message.url, HasSubstr("/network-home-000000000012.json"));
}

TEST(Objects, LieWhereTheirBucketIs) {
  struct Case {
    LogDestination to;
    const char* start;
  };
  LogDestination dotted = objects_at(), china = objects_at();
  dotted.s3_bucket = "logs.example.com";
  china.s3_region = "cn-north-1";
  const Case cases[] = {
      {objects_at(), "https://logs.s3.eu-central-1.amazonaws.com/ts/a%20b/2026/02/01/"},
      {dotted, "https://s3.eu-central-1.amazonaws.com/logs.example.com/ts/a%20b/2026/02/01/"},
      {china, "https://logs.s3.cn-north-1.amazonaws.com.cn/ts/a%20b/2026/02/01/"},
      {objects_at("http://10.0.0.7:9000"), "http://10.0.0.7:9000/logs/ts/a%20b/2026/02/01/"},
      {objects_at("https://a.example/minio/"), "https://a.example/minio/logs/ts/a%20b/2026/02/01/"}};
  for (const Case& c : cases) {
    const delivery::Message message = two_lines(c.to).message;
    EXPECT_EQ(message.method, "PUT");
    EXPECT_EQ(message.url, c.start + std::string("configuration-home-000000000007.json"));
  }
}

TEST(Objects, AreSignedAndNamedByWhatTheyHold) {
  for (const auto& [coding, end] :
       {std::pair{"", ".json"}, {"gzip", ".json.gz"}, {"zstd", ".json.zst"}}) {
    LogDestination destination = objects_at();
    destination.compression = coding;
    const delivery::Message message = two_lines(destination).message;
    EXPECT_THAT(message.url, EndsWith(end));
    EXPECT_FALSE(message.headers.has("Content-Encoding")) << "readers would undo it unasked";
    EXPECT_EQ(message.headers.get("X-Amz-Content-Sha256"), aws_hash(message.body));
    EXPECT_EQ(message.headers.get("X-Amz-Date"), "20260201T090010Z");
    const http::Url url = *http::Url::parse(message.url);
    AwsRequest request{"PUT", url.target, message.headers, aws_hash(message.body)};
    request.headers.remove("Authorization");
    request.headers.set("Host", url.authority());
    EXPECT_EQ(
        message.headers.get("Authorization"),
        aws_authorization(request, {"AK", "SK"}, "eu-central-1", "s3"));
  }
}

TEST(Answers, AreReadAsTheirSenderMeansThem) {
  struct Case {
    const char* type;
    delivery::Outcome outcome;
    const char* trouble;  // a part of it; empty: there is none
  };
  using delivery::Answered;
  const Case cases[] = {
      {"splunk", Answered{200, R"({"text":"Success","code":0})"}, ""},
      {"splunk", Answered{403, ""}, "403"},
      {"datadog", Answered{202, ""}, ""},
      {"panther", delivery::NoAnswer{"timed out"}, "timed out"},
      {"elastic", Answered{200, R"({"errors":false,"items":[]})"}, ""},
      {"elastic", Answered{200, "nothing that is JSON"}, ""},
      {"elastic", Answered{200, R"({"errors":true,"items":[{"create":{"status":201}},
        {"create":{"status":409,"error":{"reason":"there already"}}}]})"}, ""},
      {"elastic", Answered{200, R"({"errors":true,"items":[{"create":{"status":400,
        "error":{"type":"x","reason":"no such field"}}}]})"}, "no such field"},
      {"elastic", Answered{200, R"({"errors":true,"items":[{"create":7}, 8]})"}, "refused"},
      {"elastic", Answered{200, R"({"errors":"yes","items":{"a":[]}})"}, ""},
      {"axiom", Answered{200, R"({"ingested":2,"failed":0})"}, ""},
      {"axiom", Answered{200, R"({"ingested":1,"failed":1})"}, "1 entries"},
      {"axiom", Answered{200, R"({"failed":"some"})"}, ""},
      {"s3", Answered{503, "<Error/>"}, "503"}};
  for (const Case& c : cases) {
    const std::string trouble = refusal_in(to(c.type, "https://a.example"), c.outcome);
    if (*c.trouble == '\0') {
      EXPECT_EQ(trouble, "") << c.type;
    } else {
      EXPECT_THAT(trouble, HasSubstr(c.trouble)) << c.type;
    }
  }
}

}  // namespace
}  // namespace aya::log_streams
