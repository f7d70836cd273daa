#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

// recvmmsg(2) and sendmmsg(2), whose types Swift does not import, on datagrams that lie in slots of equal size.

enum { datagrams_in_a_batch = 16 };

// Where a datagram comes from or goes to, and how long it is.
struct datagram_header {
  union {
    sa_family_t family;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  uint32_t length;
};

// Takes up to datagrams_in_a_batch waiting datagrams without waiting for more. One that is larger than its slot has
// length 0. Returns how many were taken, or -1 with errno set.
int datagrams_receive(int descriptor, uint8_t *slots, size_t slot_size, struct datagram_header *headers);

// Sends the first `count` (at most datagrams_in_a_batch) datagrams without waiting. Returns how many the system took, or
// -1 with errno set if the first was refused.
int datagrams_send(
    int descriptor, const uint8_t *slots, size_t slot_size, const struct datagram_header *headers, unsigned count);
