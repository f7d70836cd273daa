#pragma once

/// What the system alone costs: sends `count` datagrams of `size` bytes over the loopback interface with sendmmsg(2) in bursts
/// of `burst` (at most 64), and takes each burst with epoll_wait(2) and recvmmsg(2) before the next is sent. Returns how many came, or -1.
long glyphone_raw_datagrams(long count, int burst, int size);
