// /api/v2/openapi.json: the API as a document that tools read (interfaces 1.14), made from the very
// table that serves it.
#include <map>

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"
#include "proto/base/words.h"

namespace aya::resources {
namespace {

constexpr const char* kAbout =
    "Every GET of a list takes limit and cursor, too, and then says nextCursor while more follows.";

// What stands behind these words is called so.
std::string parameter_after(std::string_view word) {
  static const std::map<std::string_view, const char*> kNames = {
      {"tailnet", "tailnet"},     {"device", "deviceId"},      {"keys", "keyId"},
      {"users", "userId"},        {"attributes", "attribute"}, {"device-invites", "deviceInviteId"},
      {"contacts", "contactType"}, {"logging", "logType"}, {"wireguard-peers", "deviceId"},
      {"services", "serviceName"}, {"vip-services", "serviceName"},
      {"integrations", "integrationId"}};
  const auto found = kNames.find(word);
  return found == kNames.end() ? "id" : found->second;
}

Json parameter(std::string name, const char* in, bool required) {
  return {
      {"name", std::move(name)},
      {"in", in},
      {"required", required},
      {"schema", {{"type", "string"}}}};
}

struct Path {
  std::string text = "/api/v2";
  std::string words;  // for a name: "TailnetDevices"
  Json parameters = Json::array();
};

Path path_of(std::string_view pattern) {
  Path out;
  std::string_view before;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view word = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    if (word == "*") {
      const std::string name = parameter_after(before);
      out.text += "/{" + name + '}';
      out.parameters.push_back(parameter(name, "path", true));
    } else {
      out.text += '/' + std::string(word);
      bool starts = true;
      for (const char ch : word) {
        const bool plain = std::isalnum(static_cast<unsigned char>(ch)) != 0;
        if (plain) out.words += starts ? static_cast<char>(std::toupper(ch)) : ch;
        starts = !plain;
      }
    }
    before = word;
  }
  return out;
}

void add_queries(std::string_view words, Json& parameters) {
  for (std::string_view word : words_in(words)) {
    const bool required = word.ends_with('!');
    if (required) word.remove_suffix(1);
    parameters.push_back(parameter(std::string(word), "query", required));
  }
}

// Which members a body has the endpoint says itself when one is wrong.
Json body_of(const Route& route) {
  Json content = Json::object();
  for (const std::string_view form : words_in(route.form.body)) {
    content[std::string(form)] = {{"schema", Json::object()}};
  }
  return {{"content", std::move(content)}};
}

Json answer_schema(const char* what, const char* form, const char* schema) {
  return {
      {"description", what},
      {"content",
       {{form, {{"schema", {{"$ref", std::string("#/components/schemas/") + schema}}}}}}}};
}

}  // namespace

Answer<http::Response> openapi(const AdminContext& c) {
  Json paths = Json::object();
  for (const Route& route : c.table) {
    Path path = path_of(route.pattern);
    add_queries(route.form.query, path.parameters);
    std::string method = route.method;
    for (char& ch : method) ch = static_cast<char>(std::tolower(ch));
    // Kept apart where two patterns differ in their parameters alone.
    Json operation = {
        {"operationId", method + path.words + (path.text.ends_with('}') ? "One" : "")},
        {"parameters", path.parameters},
        {"responses",
         {{"200", answer_schema("done", route.form.answer, "Answer")},
          {"default", answer_schema("refused", api::Form().answer, route.form.refusal)}}}};
    if (route.method[0] == 'P') operation["requestBody"] = body_of(route);
    if (route.scope == kOpenToAll) {
      operation["security"] = Json::array();
    } else if (*route.scope != '\0') {
      operation["x-required-scope"] = route.scope;
    }
    paths[path.text][method] = std::move(operation);
  }
  const Json error = {
      {"type", "object"},
      {"required", {"message"}},
      {"properties",
       {{"message", {{"type", "string"}}},
        {"status", {{"type", "integer"}}},
        {"data", {{"type", "array"}}}}}};
  const Json oauth_error = {
      {"type", "object"},
      {"required", {"error"}},
      {"properties",
       {{"error", {{"type", "string"}}}, {"error_description", {{"type", "string"}}}}}};
  return http::Response::json(
      200, text_of(
               {{"openapi", "3.1.0"},
                {"info",
                 {{"title", "Ayatori"},
                  {"version", c.facts.version},
                  {"description", kAbout}}},
                {"servers", {{{"url", c.facts.server_url}}}},
                {"security", {{{"bearer", Json::array()}}, {{"basic", Json::array()}}}},
                {"paths", std::move(paths)},
                {"components",
                 {{"schemas",
                   {{"Answer", Json::object()}, {"Error", error}, {"OAuthError", oauth_error}}},
                  {"securitySchemes",
                   {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
                    {"basic", {{"type", "http"}, {"scheme", "basic"}}}}}}}}));
}

}  // namespace aya::resources
