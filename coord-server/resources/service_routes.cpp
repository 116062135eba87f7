// Services (interfaces 1.13): names with addresses of their own, and the devices that answer for
// them.
//
//   GET               …/services
//   GET, PUT, DELETE  …/services/{svc:name}                          PUT makes it, too
//   GET               …/services/{svc:name}/devices
//   GET, POST         …/services/{svc:name}/device/{id}/approved     {"approved"}
//
// Older clients say vip-services. No recording shows the forms of the last two (unverified); what
// is ours alone stands under "ayatori".
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/enroll/node_label.h"
#include "coord-server/nodes/address_plan.h"
#include "coord-server/policy_file/ports.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/wished_address.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

using store::HostApproval;

constexpr std::size_t kMostServices = 500;  // of one account
constexpr std::size_t kMostPorts = 100, kMostAnnotations = 100;
constexpr std::size_t kLongestComment = 1000, kLongestAnnotation = 4000;

Json service_json(const store::Service& service) {
  return {
      {"name", service.name},
      {"addrs", {service.ipv4.to_text(), service.ipv6.to_text()}},
      {"comment", service.comment},
      {"annotations", Json::parse(service.annotations, nullptr, false)},
      {"ports", service.ports},
      {"tags", service.tags}};
}

Answer<const nodes::Service*> service_in_path(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const nodes::Service* service = c.registry.find_service((*account)->id, c.path[1]);
  if (service == nullptr) return ApiError::not_found("service");
  return service;
}

store::AuditEntry about(
    const AdminContext& c, const store::Service& service, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "SERVICE");
  entry.account = service.account;
  entry.target_id = entry.target_name = service.name;
  return entry;
}

// What the path calls it; the body may say the same.
Answer<std::string> name_from(const AdminContext& c, const Json& body) {
  const std::string& name = c.path[1];
  if (!enroll::is_label(nodes::label_of_service(name))) {
    return ApiError::bad_request(
        in_quotes(name) + ": want svc: and 1 to 63 small letters, digits and inner hyphens");
  }
  auto said = text_field(body, "name", name);
  if (!said) return said.error();
  if (*said != name) {
    return ApiError::bad_request(
        "name: " + in_quotes(*said) + " is not the " + name + " of the path");
  }
  return name;
}

// "tcp:443", or the word by which programs let their hosts serve any port.
bool is_port(const std::string& text) {
  if (text == "do-not-validate") return true;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(',') != std::string::npos) return false;
  const auto service = policy_file::parse_service(text);
  return service && !service->protocols.empty() &&
         std::ranges::all_of(service->protocols, policy_file::has_ports);
}

Answer<std::vector<std::string>> ports_from(const Json& body) {
  auto ports = texts_field(body, "ports");
  if (!ports) return ports.error();
  if (ports->size() > kMostPorts) {
    return ApiError::bad_request("ports: at most " + std::to_string(kMostPorts));
  }
  const auto wrong = std::ranges::find_if_not(*ports, is_port);
  if (wrong == ports->end()) return ports;
  return ApiError::bad_request(
      "ports: " + in_quotes(*wrong) + " is not like tcp:443 or do-not-validate");
}

Answer<std::string> annotations_from(const Json& body) {
  auto annotations = object_field(body, "annotations");
  if (!annotations) return annotations.error();
  if (annotations->size() > kMostAnnotations) {
    return ApiError::bad_request("annotations: at most " + std::to_string(kMostAnnotations));
  }
  for (const auto& [name, value] : annotations->items()) {
    const bool fits = value.is_string() && name.size() <= kLongestAnnotation &&
                      value.get_ref<const std::string&>().size() <= kLongestAnnotation;
    if (!fits) return ApiError::bad_request("annotations." + name + ": want a short string");
  }
  return text_of(*annotations);
}

Answer<std::string> comment_from(const Json& body) {
  auto comment = text_field(body, "comment");
  if (comment && comment->size() > kLongestComment) {
    return ApiError::bad_request(
        "comment: at most " + std::to_string(kLongestComment) + " bytes");
  }
  return comment;
}

// Tags that it has already need nobody's leave.
Answer<std::vector<std::string>> tags_from(
    const AdminContext& c, const Json& body, const store::Service& before) {
  auto tags = texts_field(body, "tags");
  if (!tags || *tags == before.tags) return tags;
  if (auto may = c.may_give(before.account, *tags); !may) return may.error();
  return tags;
}

// Those of the families that `addrs` names: free ones, or those it has.
Answer<void> take_addresses(const AdminContext& c, const Json& body, store::Service& service) {
  auto texts = texts_field(body, "addrs");
  if (!texts) return texts.error();
  auto options = plan_options(c, service.account);
  if (!options) return options.error();
  bool has_v4 = false, has_v6 = false;
  for (const std::string& text : *texts) {
    const auto address = IpAddress::parse(text);
    if (!address) return ApiError::bad_request("addrs: " + in_quotes(text) + ": invalid address");
    if (std::exchange(address->is_v4() ? has_v4 : has_v6, true)) {
      return ApiError::bad_request("addrs: want one IPv4 and one IPv6 address");
    }
    IpAddress& held = address->is_v4() ? service.ipv4 : service.ipv6;
    if (held == *address) continue;
    auto no = nodes::refuse_reservation(c.registry, service.account, *address, *options);
    if (no) return ApiError{no->is_taken ? 409 : 400, std::move(no->text)};
    held = *address;
  }
  return {};
}

Answer<void> allocate_addresses(const AdminContext& c, store::Service& service) {
  if (service.ipv4 == IpAddress()) {
    auto free = c.enrollment.addresses().ipv4_in(service.account, c.now);
    if (!free) return ApiError::conflict(free.error());
    service.ipv4 = *free;
  }
  if (service.ipv6 == IpAddress()) service.ipv6 = c.enrollment.addresses().ipv6();
  return {};
}

Answer<void> may_be_made(const AdminContext& c, const store::Service& service) {
  if (c.registry.services(service.account).size() >= kMostServices) {
    return ApiError::conflict(
        "a network has at most " + std::to_string(kMostServices) + " services");
  }
  const std::string label(nodes::label_of_service(service.name));
  if (const nodes::Node* holder = c.registry.find_label(service.account, label)) {
    return ApiError::conflict(
        "name \"" + label + "\" is already used by " + c.registry.full_name(*holder));
  }
  return {};
}

Answer<http::Response> store_service(
    const AdminContext& c, const store::Service& service, const nodes::Service* before) {
  store::AuditEntry entry = about(c, service, before == nullptr ? "CREATE" : "UPDATE");
  if (before != nullptr) entry.old_value = text_of(service_json(before->record));
  entry.new_value = text_of(service_json(service));
  auto stored = c.registry.put_service(service, c.now, entry);
  if (!stored && stored.error().kind == store::StoreError::Kind::Taken) {
    return ApiError::conflict("an address or the name is already taken: " + stored.error().detail);
  }
  if (!stored) return ApiError::of(stored.error());
  return http::Response::json(200, text_of(service_json(service)));
}

const char* approval_text(HostApproval approval) {
  switch (approval) {
    case HostApproval::ByPolicy:
      return "approved:auto";
    case HostApproval::ByPerson:
      return "approved:manual";
    default:
      return "not-approved";
  }
}

// Whether the device in the path may answer for a service; both are of one account.
struct Host {
  const nodes::Service& service;
  const nodes::Node& node;
  store::ServiceHost state;
};

Answer<Host> host_in_path(const AdminContext& c) {
  auto service = service_in_path(c);
  if (!service) return service.error();
  auto node = c.device(c.path[2]);
  if (!node) return node.error();
  if ((*node)->account() != (*service)->record.account) return ApiError::not_found("device");
  const auto known = (*node)->hosting.find((*service)->record.name);
  const bool is_known = known != (*node)->hosting.end();
  return Host{**service, **node, is_known ? known->second : store::ServiceHost{}};
}

http::Response approval_response(HostApproval approval) {
  const store::ServiceHost host{false, approval};
  return http::Response::json(
      200, text_of(
               {{"approved", host.approved()},
                {"autoApproved", approval == HostApproval::ByPolicy}}));
}

}  // namespace

Answer<http::Response> list_services(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::array();
  for (const auto& [name, service] : c.registry.services((*account)->id)) {
    out.push_back(service_json(service.record));
  }
  return http::Response::json(200, text_of({{"vipServices", std::move(out)}}));
}

Answer<http::Response> get_service(const AdminContext& c) {
  auto service = service_in_path(c);
  if (!service) return service.error();
  return http::Response::json(200, text_of(service_json((*service)->record)));
}

Answer<http::Response> put_service(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto name = name_from(c, *body);
  if (!name) return name.error();
  const nodes::Service* before = c.registry.find_service((*account)->id, *name);
  store::Service service = before == nullptr ? store::Service{} : before->record;
  service.account = (*account)->id;
  service.name = *name;
  if (before == nullptr) {
    if (auto may = may_be_made(c, service); !may) return may.error();
  }
  auto comment = comment_from(*body);
  if (!comment) return comment.error();
  auto annotations = annotations_from(*body);
  if (!annotations) return annotations.error();
  auto ports = ports_from(*body);
  if (!ports) return ports.error();
  auto tags = tags_from(c, *body, service);
  if (!tags) return tags.error();
  service.comment = std::move(*comment);
  service.annotations = std::move(*annotations);
  service.ports = std::move(*ports);
  service.tags = std::move(*tags);
  if (auto taken = take_addresses(c, *body, service); !taken) return taken.error();
  if (auto allocated = allocate_addresses(c, service); !allocated) return allocated.error();
  if (before != nullptr && before->record == service) {
    return http::Response::json(200, text_of(service_json(service)));
  }
  return store_service(c, service, before);
}

Answer<http::Response> delete_service(const AdminContext& c) {
  auto service = service_in_path(c);
  if (!service) return service.error();
  const store::Service record = (*service)->record;
  store::AuditEntry entry = about(c, record, "DELETE");
  entry.old_value = text_of(service_json(record));
  if (auto gone = c.registry.remove_service(record.account, record.name, c.now, entry); !gone) {
    return ApiError::of(gone.error());
  }
  return http::Response::json(200, "{}");
}

Answer<http::Response> list_service_hosts(const AdminContext& c) {
  auto service = service_in_path(c);
  if (!service) return service.error();
  const store::Service& record = (*service)->record;
  Json out = Json::array();
  for (const store::NodeId id : c.registry.nodes_of(record.account)) {
    const nodes::Node& node = *c.registry.find(id);
    const auto host = node.hosting.find(record.name);
    if (host == node.hosting.end()) continue;
    out.push_back(
        {{"stableNodeID", node.record.stable_id},
         {"approvalLevel", approval_text(host->second.approval)},
         {"configured", host->second.offers ? "ready" : "not-configured"},
         {"ayatori",
          {{"name", c.registry.full_name(node)},
           {"refused", host->second.approval == HostApproval::Refused},
           {"online", node.online},
           {"inUse", (*service)->carrier == id}}}});
  }
  return http::Response::json(200, text_of({{"hosts", std::move(out)}}));
}

Answer<http::Response> get_service_approval(const AdminContext& c) {
  auto host = host_in_path(c);
  if (!host) return host.error();
  return approval_response(host->state.approval);
}

// A refusal stands against the policy, too.
Answer<http::Response> set_service_approval(const AdminContext& c) {
  auto host = host_in_path(c);
  if (!host) return host.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  if (!body->contains("approved")) return ApiError::bad_request("approved: want true or false");
  auto approved = flag_field(*body, "approved");
  if (!approved) return approved.error();
  const HostApproval wanted = *approved ? HostApproval::ByPerson : HostApproval::Refused;
  if (wanted == host->state.approval) return approval_response(wanted);
  const store::Service& service = host->service.record;
  store::AuditEntry entry = about(c, service, "UPDATE");
  entry.property = "HOST";
  entry.old_value = text_of({{host->node.record.stable_id, host->state.approved()}});
  entry.new_value = text_of({{host->node.record.stable_id, *approved}});
  auto stored = c.registry.approve_host(host->node.id(), service.name, wanted, entry);
  if (!stored) return ApiError::of(stored.error());
  return approval_response(wanted);
}

}  // namespace aya::resources
