#define _GNU_SOURCE
#include "CTerminalGuard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct {
  volatile sig_atomic_t armed;
  volatile sig_atomic_t terminations;
  int wake;
  int terminal;
  size_t length;
  char restore[1024];
  struct termios saved;
  struct sigaction before[65];
} guard;

static void write_restore(void) {
  if (!guard.armed) return;
  guard.armed = 0;
  // Other threads go on until the end: what they still draw goes nowhere.
  int terminal = dup(guard.terminal);
  int nowhere = open("/dev/null", O_RDWR);
  dup2(nowhere, guard.terminal);
  dup2(nowhere, STDOUT_FILENO);
  size_t done = 0;
  for (int tries = 0; done < guard.length && tries < 20; tries++) {
    ssize_t count = write(terminal, guard.restore + done, guard.length - done);
    if (count > 0) {
      done += (size_t)count;
    } else if (count < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = terminal, .events = POLLOUT};
      poll(&wait, 1, 20);
    } else if (!(count < 0 && errno == EINTR)) {
      break;
    }
  }
  // The terminal's answers to what was asked last must not reach the shell.
  poll(NULL, 0, 60);
  tcflush(terminal, TCIFLUSH);
  tcsetattr(terminal, TCSANOW, &guard.saved);
}

static void crashed(int number) {
  write_restore();
  // Whoever was there before us (a backtracer, or the default) gets it when this handler returns.
  sigaction(number, &guard.before[number], NULL);
  raise(number);
}

static void requested(int number) {
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t ignored = write(guard.wake, &byte, 1);
  (void)ignored;
  // Somebody who insists is not kept waiting for an orderly leave.
  int leaves = number == SIGINT || number == SIGTERM || number == SIGHUP;
  if (leaves && ++guard.terminations >= 3) crashed(number);
  errno = saved;
}

// Installs a handler, or without one puts back what was there before.
static void handle(const int *signals, size_t count, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags;
  action.sa_handler = handler;
  for (size_t i = 0; i < count; i++) {
    struct sigaction *before = &guard.before[signals[i]];
    if (handler) {
      sigaction(signals[i], &action, before);
    } else {
      sigaction(signals[i], before, NULL);
    }
  }
}

void glyphone_guard_switch(int on, int wake) {
  const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};
  const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP, SIGFPE};
  if (on) {
    guard.wake = wake;
    guard.terminations = 0;
  }
  handle(requests, sizeof requests / sizeof(int), on ? requested : NULL, SA_RESTART);
  handle(crashes, sizeof crashes / sizeof(int), on ? crashed : NULL, SA_ONSTACK);
}

int glyphone_guard_pipe(int ends[2]) {
  if (pipe(ends) != 0) return -1;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  }
  return 0;
}

void glyphone_guard_arm(
    int terminal, const unsigned char *restore, size_t length, const struct termios *saved) {
  guard.armed = 0;
  guard.terminal = terminal;
  guard.length = length < sizeof guard.restore ? length : sizeof guard.restore;
  memcpy(guard.restore, restore, guard.length);
  guard.saved = *saved;
  guard.armed = 1;
}

void glyphone_guard_disarm(void) { guard.armed = 0; }

void glyphone_guard_suspend(void) {
  const int stop[] = {SIGTSTP};
  handle(stop, 1, NULL, 0);
  raise(SIGTSTP);
  handle(stop, 1, requested, SA_RESTART);
}
