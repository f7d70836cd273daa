#define _GNU_SOURCE
#include "CDatagrams.h"

#include <string.h>
#include <sys/socket.h>

int datagrams_receive(int descriptor, uint8_t *slots, size_t slot_size, struct datagram_header *headers) {
  struct mmsghdr messages[datagrams_in_a_batch];
  struct iovec pieces[datagrams_in_a_batch];
  memset(messages, 0, sizeof messages);
  for (unsigned i = 0; i < datagrams_in_a_batch; i++) {
    pieces[i].iov_base = slots + i * slot_size;
    pieces[i].iov_len = slot_size;
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &headers[i].address;
    messages[i].msg_hdr.msg_namelen = sizeof headers[i].address;
  }
  int count = recvmmsg(descriptor, messages, datagrams_in_a_batch, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    headers[i].length = messages[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : messages[i].msg_len;
  }
  return count;
}

int datagrams_send(
    int descriptor, const uint8_t *slots, size_t slot_size, const struct datagram_header *headers, unsigned count) {
  struct mmsghdr messages[datagrams_in_a_batch];
  struct iovec pieces[datagrams_in_a_batch];
  if (count > datagrams_in_a_batch) count = datagrams_in_a_batch;
  memset(messages, 0, count * sizeof messages[0]);
  for (unsigned i = 0; i < count; i++) {
    pieces[i].iov_base = (void *)(slots + i * slot_size);
    pieces[i].iov_len = headers[i].length;
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = (void *)&headers[i].address;
    messages[i].msg_hdr.msg_namelen =
        headers[i].address.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  }
  return sendmmsg(descriptor, messages, count, MSG_DONTWAIT);
}
