#define _GNU_SOURCE
#include "CRawDatagrams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { maximum_burst = 64, slot = 2048 };

static int bound(struct sockaddr_in *address) {
  socklen_t length = sizeof *address;
  int room = 1 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (bind(fd, (struct sockaddr *)address, length) || getsockname(fd, (struct sockaddr *)address, &length)) return -1;
  return fd;
}

long glyphone_raw_datagrams(long count, int burst, int size) {
  static unsigned char out[slot], in[maximum_burst][slot];
  struct mmsghdr sent[maximum_burst] = {0}, taken[maximum_burst] = {0};
  struct iovec from = {out, size}, to[maximum_burst];
  struct sockaddr_in here, there, sources[maximum_burst];
  int sender = bound(&here), receiver = bound(&there), poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  if (sender < 0 || receiver < 0 || poll < 0 || burst > maximum_burst || size > slot) return -1;
  epoll_ctl(poll, EPOLL_CTL_ADD, receiver, &event);
  for (int i = 0; i < maximum_burst; i++) {
    to[i] = (struct iovec){in[i], slot};
    sent[i].msg_hdr = (struct msghdr){.msg_iov = &from, .msg_iovlen = 1, .msg_name = &there, .msg_namelen = sizeof there};
    taken[i].msg_hdr = (struct msghdr){.msg_iov = &to[i], .msg_iovlen = 1, .msg_name = &sources[i]};
  }
  long received = 0;
  while (received < count) {
    int waiting = sendmmsg(sender, sent, burst, 0);
    if (waiting < 1) break;
    while (waiting > 0 && epoll_wait(poll, &event, 1, 1000) == 1) {
      for (int i = 0; i < maximum_burst; i++) taken[i].msg_hdr.msg_namelen = sizeof sources[i];
      int got = recvmmsg(receiver, taken, maximum_burst, MSG_DONTWAIT, NULL);
      if (got < 1) break;
      received += got;
      waiting -= got;
    }
    if (waiting > 0) break;
  }
  close(sender);
  close(receiver);
  close(poll);
  return received;
}
