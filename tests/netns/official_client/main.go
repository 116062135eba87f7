// Everything a program can do with the official Go client of the hosted service, done to a server of
// ours: only the URL is another one. Prints a line for each call that did what it should, and ends
// at the first that did not.
//
//	official-client URL DEVICE     with a token in API_KEY, and SSL_CERT_FILE
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"tailscale.com/client/tailscale/v2"
)

var ctx = context.Background()

func must(what string, err error) {
	if err != nil {
		fmt.Printf("%s: %v %v\n", what, err, tailscale.ErrorData(err))
		os.Exit(1)
	}
	fmt.Println("ok", what)
}

func same(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		must(what, fmt.Errorf("got %v, want %v", got, want))
	}
}

func get[T any](what string, call func(context.Context) (T, error)) T {
	value, err := call(ctx)
	must(what, err)
	return value
}

func main() {
	base, err := url.Parse(os.Args[1])
	must("url", err)
	client := &tailscale.Client{BaseURL: base, APIKey: os.Getenv("API_KEY")}
	devices(client, os.Args[2])
	policy(client)
	names(client)
	keys(client, base)
	people(client)
	webhooks(client)
	settings(client)
}

func devices(client *tailscale.Client, name string) {
	all := client.Devices()
	found, err := all.List(ctx, tailscale.WithFilter("hostname", []string{name}))
	must("list devices by host name", err)
	same("devices of that name", len(found), 1)
	id := found[0].NodeID
	must("name a device", all.SetName(ctx, id, "renamed"))
	must("give it an address", all.SetIPv4Address(ctx, id, "100.64.7.7"))
	must("keep its key", all.SetKey(ctx, id, tailscale.DeviceKey{KeyExpiryDisabled: true}))
	must("approve it", all.SetAuthorized(ctx, id, true))
	must("approve its routes", all.SetSubnetRoutes(ctx, id, []string{"192.168.77.0/24"}))
	routes, err := all.SubnetRoutes(ctx, id)
	must("look at its routes", err)
	same("enabled routes", routes.Enabled, []string{"192.168.77.0/24"})
	must("say something of it", all.SetPostureAttribute(ctx, id, "custom:team", tailscale.DevicePostureAttributeRequest{Value: "ops"}))
	said, err := all.GetPostureAttributes(ctx, id)
	must("look at what is said", err)
	same("attribute", said.Attributes["custom:team"], any("ops"))
	must("take it back", all.DeletePostureAttribute(ctx, id, "custom:team"))
	device, err := all.GetWithAllFields(ctx, id)
	must("look at all of it", err)
	same("address", device.Addresses[0], "100.64.7.7")
	same("key expiry", device.KeyExpiryDisabled, true)
	same("routes", device.EnabledRoutes, []string{"192.168.77.0/24"})
	_, err = all.Get(ctx, "nNoSuchCNTRL")
	same("an unknown device is not found", tailscale.IsNotFound(err), true)
	err = all.SetIPv4Address(ctx, id, "192.0.2.1")
	same("a foreign address is refused", err != nil && !tailscale.IsNotFound(err), true)
}

func policy(client *tailscale.Client) {
	file := client.PolicyFile()
	before, err := file.Raw(ctx)
	must("read the policy as it was written", err)
	const text = `{
	// who may what
	"tagOwners": {"tag:ci": []},
	"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
}`
	must("check a policy", file.Validate(ctx, text))
	must("put it in force", file.Set(ctx, text, before.ETag))
	after, err := file.Raw(ctx)
	must("read it again", err)
	same("policy", after.HuJSON, text)
	same("a policy that changed meanwhile is not replaced", file.Set(ctx, text+"\n", before.ETag) != nil, true)
	parsed, err := file.Get(ctx)
	must("read what it means", err)
	same("rules", len(parsed.ACLs), 1)
	failing := tailscale.ACL{
		ACLs:  parsed.ACLs,
		Tests: []tailscale.ACLTest{{Source: "owner@", Deny: []string{"100.64.7.7:22"}}}}
	err = file.Validate(ctx, failing)
	same("a policy whose tests fail is told so", err != nil && strings.Contains(err.Error(), "want: Drop"), true)
}

func names(client *tailscale.Client) {
	dns := client.DNS()
	must("set name servers", dns.SetNameservers(ctx, []string{"192.0.2.53"}))
	same("name servers", get("name servers", dns.Nameservers), []string{"192.0.2.53"})
	must("set search paths", dns.SetSearchPaths(ctx, []string{"corp.example"}))
	same("search paths", get("search paths", dns.SearchPaths), []string{"corp.example"})
	must("set preferences", dns.SetPreferences(ctx, tailscale.DNSPreferences{MagicDNS: true}))
	same("preferences", get("preferences", dns.Preferences).MagicDNS, true)
	must("split", dns.SetSplitDNS(ctx, tailscale.SplitDNSRequest{"corp.example": {"192.0.2.54"}}))
	split, err := dns.UpdateSplitDNS(ctx, tailscale.SplitDNSRequest{"lab.example": {"192.0.2.55"}})
	must("split more", err)
	same("split", split, tailscale.SplitDNSResponse{"corp.example": {"192.0.2.54"}, "lab.example": {"192.0.2.55"}})
	whole := get("the whole configuration", dns.Configuration)
	whole.Nameservers[0].UseWithExitNode = true
	must("replace it", dns.SetConfiguration(ctx, *whole))
	same("configuration", get("the whole again", dns.Configuration), whole)
}

func keys(client *tailscale.Client, base *url.URL) {
	all := client.Keys()
	wish := tailscale.CreateKeyRequest{ExpirySeconds: 3600, Description: "for a test"}
	wish.Capabilities.Devices.Create.Reusable = true
	wish.Capabilities.Devices.Create.Tags = []string{"tag:ci"}
	key, err := all.CreateAuthKey(ctx, wish)
	must("make an auth key", err)
	same("description", key.Description, "for a test")
	same("life", key.Expires.Sub(key.Created).Round(time.Second), time.Hour)
	program, err := all.CreateOAuthClient(ctx, tailscale.CreateOAuthClientRequest{
		Scopes: []string{"devices:core", "auth_keys"}, Tags: []string{"tag:ci"}, Description: "robot"})
	must("make a client that is no person", err)
	robot := &tailscale.Client{BaseURL: base, Auth: &tailscale.OAuth{ClientID: program.ID, ClientSecret: program.Key}}
	_, err = robot.Devices().List(ctx)
	must("let it look at devices", err)
	_, err = robot.Users().List(ctx, nil, nil)
	same("and at nothing else", err != nil, true)
	_, err = all.SetOAuthClient(ctx, program.ID, tailscale.SetOAuthClientRequest{
		Scopes: []string{"devices:core:read"}, Tags: []string{"tag:ci"}, Description: "robot"})
	must("narrow what it may", err)
	list, err := all.List(ctx, true)
	must("list keys", err)
	same("keys", len(list) >= 3, true)
	must("revoke the auth key", all.Delete(ctx, key.ID))
	gone, err := all.Get(ctx, key.ID)
	must("look at it", err)
	same("invalid", gone.Invalid, true)
}

func people(client *tailscale.Client) {
	users, err := client.Users().List(ctx, nil, nil)
	must("list users", err)
	_, err = client.Users().Get(ctx, users[0].ID)
	must("look at one", err)
	role := tailscale.UserRoleOwner
	owners, err := client.Users().List(ctx, nil, &role)
	must("list owners", err)
	same("owners", len(owners), 1)
	email := "help@example.com"
	must("say whom to write to", client.Contacts().Update(ctx, tailscale.ContactSupport, tailscale.UpdateContactRequest{Email: &email}))
	same("contact", get("contacts", client.Contacts().Get).Support.Email, email)
}

func webhooks(client *tailscale.Client) {
	all := client.Webhooks()
	hook, err := all.Create(ctx, tailscale.CreateWebhookRequest{
		EndpointURL: "https://198.51.100.250/hook", ProviderType: tailscale.WebhookSlackProviderType,
		Subscriptions: []tailscale.WebhookSubscriptionType{tailscale.WebhookNodeCreated, tailscale.WebhookPolicyUpdate}})
	must("make a webhook", err)
	same("its secret is told", hook.Secret != nil, true)
	_, err = all.Update(ctx, hook.EndpointID, []tailscale.WebhookSubscriptionType{tailscale.WebhookNodeDeleted})
	must("subscribe to something else", err)
	must("try it out", all.Test(ctx, hook.EndpointID))
	_, err = all.RotateSecret(ctx, hook.EndpointID)
	must("change its secret", err)
	same("webhooks", len(get("list webhooks", all.List)), 1)
	must("remove it", all.Delete(ctx, hook.EndpointID))
	_, err = all.Get(ctx, hook.EndpointID)
	same("gone", tailscale.IsNotFound(err), true)
}

func settings(client *tailscale.Client) {
	days, approval := 30, true
	must("change settings", client.TailnetSettings().Update(ctx, tailscale.UpdateTailnetSettingsRequest{
		DevicesKeyDurationDays: &days, DevicesApprovalOn: &approval}))
	now := get("settings", client.TailnetSettings().Get)
	same("key duration", now.DevicesKeyDurationDays, 30)
	same("approval", now.DevicesApprovalOn, true)
	same("services", len(get("services", client.Services().List)), 0)
	same("integrations", len(get("integrations", client.DevicePosture().ListIntegrations)), 0)
}
