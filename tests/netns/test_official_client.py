"""The official Go client of the hosted service works after changing the URL (interfaces 1)."""

from lab import INTERNET, Lab, stock
from mesh import Coordinator, Node
from verdict import Skip


def test_every_call_of_the_go_client():
    client = stock("official-client")
    if client is None:
        raise Skip("no official Go client in the cache; packaging/setup test builds it where Go is")
    with Lab() as lab:
        coordinator = Coordinator(lab)
        box = Node(lab.public_host("box", f"{INTERNET}.5"), coordinator)
        box.up(coordinator.add_key(), "--advertise-routes=192.168.77.0/24")
        desk = lab.public_host("desk", f"{INTERNET}.9")
        said = desk.run(client, coordinator.url, "box", env={
            "API_KEY": coordinator.token(), "SSL_CERT_FILE": str(coordinator.certificate)}).stdout
        print(f"            {said.count('ok ')} calls")
        assert said.rstrip().endswith("ok integrations"), said
        assert box.ip == "100.64.7.7"
