# The two commands of the README, and what they are made of. Details live in packaging/ and tests/.
.PHONY: demo test build package fuzz soak bench clean

# Bring up a coordinator and three nodes behind NATs, in network namespaces, and show them working.
demo:
	packaging/setup demo
	$(MAKE) build
	tests/netns/demo

# Everything: unit tests under sanitizers, vectors, fuzzing for 20 s a parser, namespaces, real peers.
test:
	packaging/setup test
	tests/run

build:
	cmake --preset release >/dev/null
	cmake --build --preset release

# Debian packages of the release build, for machines with the same release of Debian.
package:
	packaging/setup build
	$(MAKE) build
	cd build/release && cpack

# Fuzz for longer: make fuzz SECONDS_EACH=600
SECONDS_EACH ?= 120
fuzz:
	packaging/setup test
	tests/fuzz/run $(SECONDS_EACH)

# What needs real minutes: rekeys with wireguard-go in both roles, a coordinator away for long, TSan.
soak:
	packaging/setup test
	$(MAKE) build
	tests/netns/run --soak
	tests/run tsan

# Figures of the release build: memory at rest, time to join, a coordinator with hundreds of nodes.
bench:
	packaging/setup test
	$(MAKE) build
	cmake --build --preset release --target coord-load
	tests/netns/run --bench

clean:
	rm -rf build
