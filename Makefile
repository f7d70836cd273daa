# Everything a person or CI does with this tree. `make` alone lists the targets.

SWIFT  ?= swift
PREFIX ?= /usr/local
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What the libraries in Sources/CSystem need, and what builds them.
PACKAGES      := pkg-config libncurses-dev libv4l-dev libasound2-dev libvpx-dev libopus-dev libsrtp2-dev libssl-dev libyuv-dev zlib1g-dev
# What the end-to-end tests drive: a terminal multiplexer, browsers, X terminals, other implementations of ICE, a TURN
# server, NATs, a virtual machine.
TEST_PACKAGES := golang-go golang-github-pion-webrtc.v3-dev golang-github-gorilla-websocket-dev libnice-dev \
                 libjson-glib-dev gcc coturn nftables tcpdump openssl python3-gi gir1.2-gst-plugins-bad-1.0 \
                 gstreamer1.0-nice gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
                 python3-websockets python3-venv tmux python3 iproute2 xvfb xterm xdotool imagemagick chromium \
                 firefox-esr fonts-dejavu-core qemu-system-x86 busybox-static cpio kmod xz-utils v4l-utils alsa-utils \
                 pulseaudio libasound2-plugins

.DEFAULT_GOAL := help
.PHONY: help deps test-deps build demo test end-to-end lint format fuzz bench install clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Installs the packages named in $(1) of which one is missing; silent and quick when all are there.
define install_packages
@missing=; for package in $(1); do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
done; \
[ -z "$$missing" ] || { echo "Installing:$$missing"; \
	$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }
endef

deps: ## Install the Debian packages that are missing
	$(call install_packages,$(PACKAGES))

test-deps: deps ## Install what the end-to-end tests drive (browsers, terminals, a virtual machine)
	$(call install_packages,$(TEST_PACKAGES))

build: deps ## Build client and server (release)
	$(SWIFT) build -c release --product glyphone
	$(SWIFT) build -c release --product glyphone-server

demo: build ## Open the client on an embedded server with somebody to call
	@$$($(SWIFT) build -c release --show-bin-path)/glyphone demo

test: deps ## Run every unit test
	$(SWIFT) test

end-to-end: test-deps build ## Run the tests with real terminals, browsers and devices
	Tests/EndToEnd/run

lint: ## Check the formatting
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks

format: ## Format the code
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

fuzz: deps ## Run libFuzzer on what reads from the network (SECONDS for each target)
	Tests/Fuzz/run $(SECONDS)

bench: build ## Measure what a call costs
	cd Benchmarks && $(SWIFT) run -c release bench $(ARGS)

install: build ## Install into PREFIX (/usr/local)
	@bin=$$($(SWIFT) build -c release --show-bin-path); \
	install -Dm755 -t $(DESTDIR)$(PREFIX)/bin $$bin/glyphone $$bin/glyphone-server
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man1 Resources/man/*.1

clean: ## Remove what was built
	$(SWIFT) package clean
