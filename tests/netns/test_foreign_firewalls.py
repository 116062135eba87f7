"""What the rules of other programs do to a node, and it to them (os-integration 1.7): Docker, ufw, OpenWrt,
firewalld, an administrator's own. Real nftables and real iptables throughout."""

import re

from lab import Lab, wait_until
from routed_site import (
    Site, accept_connections, chain, connects, health, legacy_rules_of, pings, reaches, rules_of)
from services import FIREWALLD, enter, require, start_bus, start_firewalld

DOCKER = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER-USER -j RETURN
-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
UFW = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -i eth0 -j ACCEPT
COMMIT
"""


def iptables(host, rules, *options):
    host.run("iptables-nft-restore", *options, input=rules)


def test_other_programs_rules_let_the_mesh_pass_and_are_given_back():
    with Lab() as lab:
        site = Site(lab)
        beta, host, alpha = site.beta, site.beta.host, site.alpha
        iptables(host, DOCKER)

        def foreign():
            return rules_of(host).split("table ip filter", 1)[1].split("\n}", 1)[0]

        untouched = foreign()
        site.offer(site.lan)
        reaches(alpha.host, site.nas.address)
        assert "ayatori" in host.run("iptables-nft", "-S", "DOCKER-USER").stdout

        # Docker starts anew and writes its chains again; an administrator flushes everything.
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)
        host.nft("flush ruleset\n")
        wait_until("our table comes back", lambda: "masquerade" in chain(host, "masq"))
        reaches(alpha.host, site.nas.address)
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)

        # ufw drops what comes in, too.
        iptables(host, UFW)
        wait_until("ufw lets peers in", lambda: alpha.ping(beta.ip, timeout=1), 15)
        reaches(alpha.host, site.nas.address)
        iptables(host, DOCKER)
        reaches(alpha.host, site.nas.address)

        # A killed daemon's rules go with the next one's end.
        beta.kill()
        assert "ayatori" in rules_of(host)
        beta.start()
        reaches(alpha.host, site.nas.address)
        beta.stop()
        assert foreign() == untouched
        assert "ayatori" not in rules_of(host)


def test_an_administrators_own_drop_is_told_with_the_command():
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        host.nft("""
            table inet mine {
              chain through { type filter hook forward priority filter; policy drop; }
            }
        """)
        wait_until("it is told", lambda: "nft insert rule inet mine through" in health(beta))
        wait_until("nothing passes", lambda: not pings(site.alpha.host, site.nas.address))
        for command in re.findall(r"`(nft insert rule [^`]*)`", health(beta)):
            host.run(*command.split())
        reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "inet mine" not in health(beta))

        # firewalld refuses rules in its chains: it is told of the interface, or a person is.
        host.nft("add table inet firewalld\nadd chain inet firewalld filter_INPUT\n")
        wait_until("firewalld is told of", lambda: "`firewall-cmd --zone=trusted --add-interface=ayatori0`"
                   in health(beta))
        host.nft("delete table inet firewalld\n")
        wait_until("and is gone", lambda: "firewalld" not in health(beta))


# As OpenWrt's fw4 writes it whole at every reload, and as Docker writes it that speaks nftables itself.
FW4 = """
table inet fw4 {
  chain forward {
    type filter hook forward priority filter; policy drop;
    %s
    ct state vmap { established : accept, related : accept }
    jump handle_reject
  }
  chain handle_reject { reject with icmpx type port-unreachable; }
}
"""
DOCKER_BRIDGES = """
table ip docker-bridges {
  chain filter-FORWARD {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    oifname "docker0" accept
  }
}
"""


def test_a_router_whose_firewall_is_written_anew():
    """A foreign table is not ours to change: a person is told of the way in, which then outlives reloads."""
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)

        def reload_fw4(included):
            host.nft("add table inet fw4\ndelete table inet fw4\n" + FW4 % included)

        reload_fw4("")
        wait_until("it is told", lambda: "`nft insert rule inet fw4 forward" in health(beta))
        wait_until("nothing passes", lambda: not pings(site.alpha.host, site.nas.address))
        # What a file below chain-pre/forward brings into every later version of the table.
        for _ in range(2):
            reload_fw4('iifname "ayatori0" accept\n oifname "ayatori0" accept\n')
            reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "fw4" not in health(beta))

        host.nft(DOCKER_BRIDGES)
        wait_until("it is told", lambda: "nft insert rule ip docker-bridges filter-FORWARD" in health(beta))
        for command in re.findall(r"`(nft insert rule [^`]*)`", health(beta)):
            host.run(*command.split())
        reaches(site.alpha.host, site.nas.address)
        wait_until("nothing more to tell", lambda: "docker-bridges" not in health(beta))


def test_firewalld_is_told_of_the_interface():
    """The real one: it refuses everybody's rules in its chains, and forgets at every reload what it was told
    for this run only."""
    require(FIREWALLD)
    with Lab() as lab:
        site = Site(lab)
        beta, host = site.beta, site.beta.host
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        beta.stop()
        enter(host, FIREWALLD)
        start_bus(host)
        start_firewalld(host)

        def zone():
            return host.run("firewall-cmd", "--get-zone-of-interface=ayatori0", check=False).stdout.strip()

        assert zone() == ""
        accept_connections(host)
        beta.start()
        wait_until("it is trusted", lambda: zone() == "trusted", 30)
        reaches(site.alpha.host, site.nas.address)
        wait_until("connections from peers", lambda: connects(site.alpha.host, beta.ip))
        assert "firewalld" not in health(beta)
        host.run("firewall-cmd", "--reload")
        wait_until("told again", lambda: zone() == "trusted", 30)
        reaches(site.alpha.host, site.nas.address)
        beta.stop()
        wait_until("taken back", lambda: zone() == "", 10)


def test_rules_of_iptables_legacy_are_joined():
    with Lab() as lab:
        site = Site(lab, kind="auto")
        beta, host = site.beta, site.beta.host
        beta.stop()
        host.run("iptables-legacy-restore", input=DOCKER)
        before = legacy_rules_of(host)
        beta.start()
        site.offer(site.lan)
        reaches(site.alpha.host, site.nas.address)
        assert "ayatori-transit" in legacy_rules_of(host)
        assert "ayatori" not in rules_of(host)
        beta.stop()
        after = legacy_rules_of(host)
        assert "ayatori" not in after
        assert before[before.index("*filter"):before.index("COMMIT", before.index("*filter"))] in after
