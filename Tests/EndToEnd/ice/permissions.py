#!/usr/bin/env python3
"""Asks a TURN server over UDP for permissions for peers, all in one allocation, and prints its answers: error codes by peer,
0 where it permits. (coturn's own turnutils_uclient leaves an allocation behind for each peer, which soon meets a quota.)

    permissions.py SERVER USERNAME PASSWORD PEER...
"""

import hashlib
import hmac
import ipaddress
import json
import os
import socket
import struct
import sys

COOKIE = 0x2112A442
ALLOCATE, REFRESH, CREATE_PERMISSION = 0x003, 0x004, 0x008
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000D
XOR_PEER_ADDRESS, REALM, NONCE, REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT = 0x0012, 0x0014, 0x0015, 0x0017, 0x0019


class Allocation:
    """Of one address family, until it is closed."""

    def __init__(self, server, username, password, version):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0.5)
        self.socket.connect((server, 3478))
        self.username, self.password, self.realm, self.nonce = username.encode(), password, b"", b""
        family = (REQUESTED_ADDRESS_FAMILY, bytes([{4: 1, 6: 2}[version], 0, 0, 0]))
        code = self.request(ALLOCATE, (REQUESTED_TRANSPORT, bytes([17, 0, 0, 0])), family)
        if code:
            sys.exit(f"no allocation: error {code}")

    def permission(self, peer):
        transaction = os.urandom(12)
        mask = int.from_bytes(struct.pack(">I", COOKIE) + transaction[:peer.max_prefixlen // 8 - 4], "big")
        address = (int(peer) ^ mask).to_bytes(peer.max_prefixlen // 8, "big")
        value = struct.pack(">BBH", 0, {4: 1, 6: 2}[peer.version], COOKIE >> 16) + address
        return self.request(CREATE_PERMISSION, (XOR_PEER_ADDRESS, value), transaction=transaction)

    def close(self):
        self.request(REFRESH, (LIFETIME, bytes(4)))
        self.socket.close()

    def request(self, method, *attributes, transaction=None):
        """Returns the error code, 0 for success. The first refusal brings the realm and the nonce."""
        code, answer = self.exchange(method, attributes, transaction)
        if code in (401, 438) and NONCE in answer and answer[NONCE] != self.nonce:
            self.realm, self.nonce = answer[REALM], answer[NONCE]
            code, _ = self.exchange(method, attributes, transaction)
        return code

    def exchange(self, method, attributes, transaction):
        transaction = transaction or os.urandom(12)
        message = self.message(method, attributes, transaction)
        for _ in range(10):
            self.socket.send(message)
            try:
                answer = self.socket.recv(2048)
            except TimeoutError:
                continue
            if answer[8:20] == transaction:
                values = dict(parse(answer))
                error = values.get(ERROR_CODE)
                return (error[2] * 100 + error[3] if error else 0), values
        sys.exit("no answer")

    def message(self, method, attributes, transaction):
        if self.realm:
            attributes = (*attributes, (USERNAME, self.username), (REALM, self.realm), (NONCE, self.nonce))
        body = b"".join(encode(*attribute) for attribute in attributes)
        header = struct.pack(">HHI", method, len(body) + (24 if self.realm else 0), COOKIE) + transaction
        if not self.realm:
            return header + body
        key = hashlib.md5(b":".join([self.username, self.realm, self.password.encode()])).digest()
        return header + body + encode(MESSAGE_INTEGRITY, hmac.digest(key, header + body, "sha1"))


def encode(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def parse(message):
    offset = 20
    while offset + 4 <= len(message):
        kind, length = struct.unpack_from(">HH", message, offset)
        yield kind, message[offset + 4:offset + 4 + length]
        offset += 4 + length + -length % 4


def main():
    server, username, password, *peers = sys.argv[1:]
    peers = [ipaddress.ip_address(peer) for peer in peers]
    codes = {}
    for version in {peer.version for peer in peers}:
        allocation = Allocation(server, username, password, version)
        codes.update({str(peer): allocation.permission(peer) for peer in peers if peer.version == version})
        allocation.close()
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
