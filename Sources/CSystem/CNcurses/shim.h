#pragma once
#ifndef _XOPEN_SOURCE_EXTENDED
#define _XOPEN_SOURCE_EXTENDED 1
#endif
#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#include <locale.h>
#include <ncurses.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <term.h>
#include <wchar.h>

// What Swift cannot import of ncurses and the system: macros, variadic functions, wide characters.

static const int glyphone_bold = 1, glyphone_dim = 2, glyphone_underline = 4, glyphone_reverse = 8;

/// Columns that a terminal gives to a character; -1 when it cannot be printed. Wants a UTF-8 locale.
static inline int glyphone_width(uint32_t scalar) {
  extern int wcwidth(wchar_t);
  return wcwidth((wchar_t)scalar);
}

/// Puts one cell: a spacing character and what combines with it, 0-terminated.
static inline void glyphone_put(int row, int column, const uint32_t *text, int attributes, int pair) {
  attr_t bits = A_NORMAL;
  if (attributes & glyphone_bold) bits |= A_BOLD;
  if (attributes & glyphone_dim) bits |= A_DIM;
  if (attributes & glyphone_underline) bits |= A_UNDERLINE;
  if (attributes & glyphone_reverse) bits |= A_REVERSE;
  cchar_t cell;
  if (setcchar(&cell, (const wchar_t *)text, bits, (short)pair, NULL) == OK) mvadd_wch(row, column, &cell);
}

/// Size of the terminal behind a file descriptor in cells and, where the terminal sets it, in pixels.
static inline struct winsize glyphone_terminal_size(int descriptor) {
  struct winsize size = {0};
  ioctl(descriptor, TIOCGWINSZ, &size);
  return size;
}

/// A file in memory for what ncurses writes; NULL when there is no memory.
static inline FILE *glyphone_screen_file(void) {
  extern int memfd_create(const char *, unsigned);
  int descriptor = memfd_create("screen", 1 /* MFD_CLOEXEC */);
  return descriptor < 0 ? NULL : fdopen(descriptor, "r+");
}

/// Begins a screen whose updates go to a file; 0 when terminfo does not know the terminal's name.
static inline int glyphone_screen_open(const char *name, FILE *file) {
  // The size is told, not found in variables that may be stale.
  use_env(FALSE);
  if (newterm(name, file, stdin) == NULL) return 0;
  nonl();
  // Input is read elsewhere: ncurses must not look at it to cut an update short.
  typeahead(-1);
  idcok(stdscr, FALSE);
  if (has_colors()) {
    start_color();
    use_default_colors();
  }
  return 1;
}

static inline int glyphone_screen_colors(void) { return has_colors() ? COLORS : 0; }

static inline void glyphone_screen_clear_on_update(void) { clearok(curscr, TRUE); }
static inline void glyphone_screen_move(int row, int column) { move(row, column); }
static inline void glyphone_screen_update(void) {
  wnoutrefresh(stdscr);
  doupdate();
}

/// A string capability of this terminal ("rmcup"), or NULL.
static inline const char *glyphone_terminfo(const char *name) {
  const char *value = tigetstr((char *)name);
  return value == (const char *)-1 ? NULL : value;
}
static inline int glyphone_terminfo_number(const char *name) { return tigetnum((char *)name); }
