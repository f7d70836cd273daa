#pragma once
#include <stddef.h>
#include <termios.h>

// Signal handlers that leave a terminal as it was found. What runs in them must be safe at any instant: C without locks or
// allocation.

/// A pipe that never blocks: the reading end first. 0 on success.
int glyphone_guard_pipe(int ends[2]);

/// Takes the signals over (`on`: requests to leave, to stop and to change the size are written to `wake` as a byte, crashes restore
/// the terminal), or gives them back.
void glyphone_guard_switch(int on, int wake);

/// From now on a crash writes `restore` to the terminal and sets it as `saved` says.
void glyphone_guard_arm(int terminal, const unsigned char *restore, size_t length, const struct termios *saved);

/// A crash leaves the terminal alone.
void glyphone_guard_disarm(void);

/// Stops the process as Ctrl-Z would; returns when it is continued.
void glyphone_guard_suspend(void);
