#pragma once
#include <alsa/asoundlib.h>

// libasound prints its errors on stderr, over whatever the terminal shows, unless it has a handler; the handler's type
// is variadic, which Swift cannot express.
static inline void snd_lib_discard_message(const char *file, int line, const char *function, int error,
                                           const char *format, ...) {
  (void)file, (void)line, (void)function, (void)error, (void)format;
}
static inline void snd_lib_be_quiet(void) { snd_lib_error_set_handler(snd_lib_discard_message); }
