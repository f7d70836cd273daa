#pragma once
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// Signal handlers: what runs in them must be safe at any instant, so it is C without locks or allocation. To be used from
// one source file only: the state below exists once for each.

struct glyphone_guard {
  volatile sig_atomic_t armed;
  volatile sig_atomic_t terminations;
  int wake;
  int terminal;
  size_t length;
  char restore[1024];
  struct termios saved;
  struct sigaction before[65];
};

/// The one state. It lives inside of a function because Swift emits no variables of a header.
static inline struct glyphone_guard *glyphone_guard_state(void) {
  static struct glyphone_guard state;
  return &state;
}

static inline void glyphone_guard_write_restore(void) {
  struct glyphone_guard *guard = glyphone_guard_state();
  if (!guard->armed) return;
  guard->armed = 0;
  size_t done = 0;
  for (int tries = 0; done < guard->length && tries < 20; tries++) {
    ssize_t count = write(guard->terminal, guard->restore + done, guard->length - done);
    if (count > 0) {
      done += (size_t)count;
    } else if (count < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = guard->terminal, .events = POLLOUT};
      poll(&wait, 1, 20);
    } else if (!(count < 0 && errno == EINTR)) {
      break;
    }
  }
  tcsetattr(guard->terminal, TCSANOW, &guard->saved);
}

static inline void glyphone_guard_crashed(int number) {
  glyphone_guard_write_restore();
  // Whoever was there before us (a backtracer, or the default) gets it when this handler returns.
  sigaction(number, &glyphone_guard_state()->before[number], NULL);
  raise(number);
}

static inline void glyphone_guard_requested(int number) {
  struct glyphone_guard *guard = glyphone_guard_state();
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t ignored = write(guard->wake, &byte, 1);
  (void)ignored;
  // Somebody who insists is not kept waiting for an orderly leave.
  if (number != SIGWINCH && ++guard->terminations >= 3) glyphone_guard_crashed(number);
  errno = saved;
}

/// Installs a handler, or without one puts back what was there before.
static inline void glyphone_guard_handle(const int *signals, size_t count, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags;
  action.sa_handler = handler;
  for (size_t i = 0; i < count; i++) {
    struct sigaction *before = &glyphone_guard_state()->before[signals[i]];
    if (handler) {
      sigaction(signals[i], &action, before);
    } else {
      sigaction(signals[i], before, NULL);
    }
  }
}

/// Takes the signals over (`on`: requests to leave and changes of size are written to `wake`, crashes restore the
/// terminal), or gives them back.
static inline void glyphone_guard_switch(int on, int wake) {
  const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
  const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP, SIGFPE};
  if (on) {
    glyphone_guard_state()->wake = wake;
    glyphone_guard_state()->terminations = 0;
  }
  glyphone_guard_handle(requests, sizeof requests / sizeof(int), on ? glyphone_guard_requested : NULL, SA_RESTART);
  glyphone_guard_handle(crashes, sizeof crashes / sizeof(int), on ? glyphone_guard_crashed : NULL, SA_ONSTACK);
}

/// A pipe that never blocks: the reading end first. 0 on success.
static inline int glyphone_guard_pipe(int ends[2]) {
  if (pipe(ends) != 0) return -1;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  }
  return 0;
}

/// From now on a crash writes `restore` to the terminal and sets it as `saved` says.
static inline void glyphone_guard_arm(
    int terminal, const unsigned char *restore, size_t length, const struct termios *saved) {
  struct glyphone_guard *guard = glyphone_guard_state();
  guard->armed = 0;
  guard->terminal = terminal;
  guard->length = length < sizeof guard->restore ? length : sizeof guard->restore;
  memcpy(guard->restore, restore, guard->length);
  guard->saved = *saved;
  guard->armed = 1;
}

static inline void glyphone_guard_disarm(void) { glyphone_guard_state()->armed = 0; }

/// Stops the process as Ctrl-Z would; returns when it is continued.
static inline void glyphone_guard_suspend(void) {
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_DFL;
  sigaction(SIGTSTP, &action, &before);
  raise(SIGTSTP);
  sigaction(SIGTSTP, &before, NULL);
}
