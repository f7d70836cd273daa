// Draws a Y4M film with other people's renderers and measures it as `glyphone play --benchmark` does: CPU time from
// I420 to bytes, their fastest conversion included, and a stream with one synchronized update for each picture.
//
//   peers chafa-half|-block|-best|-sextant|-octant|-ascii|-quad|-sixel COLORS COLSxROWS IN.y4m OUT
//   peers sixel COLORS COLSxROWS IN.y4m OUT         libsixel, a palette for each picture, no diffusion
//   peers notcurses-half|-quad|-sextant|-octant truecolor COLSxROWS IN.y4m OUT
//   peers read - - IN.y4m OUT                       reads the samples of every picture once, writes nothing
//
// notcurses, which not every system has, is built in with -DWITH_NOTCURSES; it needs no terminal. Only its stream is of
// changes, as ours is; the others draw every picture anew.
//
// COLORS: truecolor, 256, 16, 8, mono. Prints "MEDIAN_MS BYTES_A_PICTURE PICTURES".
#define _GNU_SOURCE
#include <chafa.h>
#include <libyuv.h>
#include <sixel.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef WITH_NOTCURSES
#include <fcntl.h>
#include <notcurses/notcurses.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

enum { MOST_PICTURES = 4096 };

typedef struct {
  int width, height;
  uint8_t *samples;
  size_t size;
} Picture;

// A picture scaled and converted for a peer.
typedef struct {
  int width, height;
  uint8_t *rgba, *rgb, *scaled;
} Canvas;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static bool next_picture(FILE *file, Picture *picture) {
  char line[256];
  if (!fgets(line, sizeof line, file) || strncmp(line, "FRAME", 5)) return false;
  return fread(picture->samples, 1, picture->size, file) == picture->size;
}

static bool open_film(FILE *file, Picture *picture) {
  char line[1024];
  if (!fgets(line, sizeof line, file) || strncmp(line, "YUV4MPEG2", 9)) return false;
  char *width = strstr(line, " W"), *height = strstr(line, " H");
  if (!width || !height) return false;
  picture->width = atoi(width + 2);
  picture->height = atoi(height + 2);
  picture->size = (size_t)picture->width * picture->height * 3 / 2;
  picture->samples = malloc(picture->size);
  return picture->width > 0 && picture->height > 0 && picture->samples;
}

static Canvas make_canvas(int width, int height) {
  size_t pixels = (size_t)width * height;
  return (Canvas){width, height, malloc(pixels * 4), malloc(pixels * 3), malloc(pixels * 2)};
}

// I420 to RGBA of another size, by libyuv.
static void convert(const Picture *picture, Canvas *canvas) {
  const uint8_t *y = picture->samples, *u = y + picture->width * picture->height,
                *v = u + picture->width * picture->height / 4;
  int width = canvas->width, height = canvas->height;
  uint8_t *ty = canvas->scaled, *tu = ty + width * height, *tv = tu + ((width + 1) / 2) * ((height + 1) / 2);
  I420Scale(y, picture->width, u, picture->width / 2, v, picture->width / 2, picture->width, picture->height, ty, width,
            tu, (width + 1) / 2, tv, (width + 1) / 2, width, height, kFilterBox);
  I420ToABGR(ty, width, tu, (width + 1) / 2, tv, (width + 1) / 2, canvas->rgba, width * 4, width, height);
}

// MARK: chafa

#ifdef CHAFA_VERSION_1_16
enum { OCTANTS = CHAFA_SYMBOL_TAG_OCTANT };
#else
// The nearest to them that it has.
enum { OCTANTS = CHAFA_SYMBOL_TAG_SEXTANT };
#endif

static ChafaCanvas *open_chafa(const char *name, const char *colors, int columns, int rows) {
  // Ours has one, too; with more, its sixels depend on how many.
  chafa_set_n_threads(1);
  ChafaCanvasConfig *config = chafa_canvas_config_new();
  ChafaSymbolMap *map = chafa_symbol_map_new();
  int tags = CHAFA_SYMBOL_TAG_SPACE;
  if (!strcmp(name, "half")) tags |= CHAFA_SYMBOL_TAG_VHALF;
  if (!strcmp(name, "quad")) tags |= CHAFA_SYMBOL_TAG_QUAD | CHAFA_SYMBOL_TAG_HALF;
  if (!strcmp(name, "block") || !strcmp(name, "best")) tags |= CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_BORDER;
  if (!strcmp(name, "sextant")) tags |= CHAFA_SYMBOL_TAG_SEXTANT | CHAFA_SYMBOL_TAG_HALF;
  if (!strcmp(name, "octant")) tags |= OCTANTS | CHAFA_SYMBOL_TAG_HALF;
  if (!strcmp(name, "ascii")) tags |= CHAFA_SYMBOL_TAG_ASCII;
  chafa_symbol_map_add_by_tags(map, tags);
  chafa_canvas_config_set_symbol_map(config, map);
  chafa_canvas_config_set_geometry(config, columns, rows);
  chafa_canvas_config_set_cell_geometry(config, 8, 16);
  if (!strcmp(name, "sixel")) chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SIXELS);
  chafa_canvas_config_set_work_factor(config, strcmp(name, "best") ? 0.5f : 1.0f);
  chafa_canvas_config_set_canvas_mode(
      config, !strcmp(colors, "256")   ? CHAFA_CANVAS_MODE_INDEXED_256
              : !strcmp(colors, "16")  ? CHAFA_CANVAS_MODE_INDEXED_16
              : !strcmp(colors, "8")   ? CHAFA_CANVAS_MODE_INDEXED_8
              : !strcmp(colors, "mono") ? CHAFA_CANVAS_MODE_FGBG
                                       : CHAFA_CANVAS_MODE_TRUECOLOR);
  return chafa_canvas_new(config);
}

static GString *draw_chafa(ChafaCanvas *canvas, ChafaTermInfo *terminal, const Canvas *pixels) {
  chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, pixels->rgba, pixels->width, pixels->height,
                               pixels->width * 4);
  return chafa_canvas_print(canvas, terminal);
}

static ChafaTermInfo *all_capabilities(void) {
  ChafaTermDb *database = chafa_term_db_new();
  char *environment[] = {"TERM=xterm-256color", "COLORTERM=truecolor", NULL};
  ChafaTermInfo *terminal = chafa_term_db_detect(database, environment);
  ChafaTermInfo *fallback = chafa_term_db_get_fallback_info(database);
  chafa_term_info_supplement(terminal, fallback);
  return terminal;
}

// MARK: libsixel

typedef struct {
  char *bytes;
  size_t count, room;
} Buffer;

static int append(char *data, int size, void *context) {
  Buffer *buffer = context;
  if (buffer->count + size > buffer->room) {
    buffer->room = 2 * (buffer->count + size);
    buffer->bytes = realloc(buffer->bytes, buffer->room);
  }
  memcpy(buffer->bytes + buffer->count, data, size);
  buffer->count += size;
  return size;
}

static void draw_sixel(const Canvas *canvas, Buffer *buffer) {
  sixel_output_t *output = NULL;
  sixel_dither_t *dither = NULL;
  for (size_t pixel = 0, count = (size_t)canvas->width * canvas->height; pixel < count; pixel++)
    memcpy(canvas->rgb + 3 * pixel, canvas->rgba + 4 * pixel, 3);
  sixel_output_new(&output, append, buffer, NULL);
  sixel_dither_new(&dither, 256, NULL);
  sixel_dither_initialize(dither, canvas->rgb, canvas->width, canvas->height, SIXEL_PIXELFORMAT_RGB888,
                          SIXEL_LARGE_AUTO, SIXEL_REP_AUTO, SIXEL_QUALITY_LOW);
  sixel_dither_set_diffusion_type(dither, SIXEL_DIFFUSE_NONE);
  sixel_encode(canvas->rgb, canvas->width, canvas->height, 3, dither, output);
  sixel_dither_unref(dither);
  sixel_output_unref(output);
}

// MARK: notcurses

#ifdef WITH_NOTCURSES
typedef struct {
  struct notcurses *context;
  struct ncvisual_options options;
  // In memory, in its terminal's place: only what it writes there is what changed. To write costs it a hundredth.
  int file;
} Notcurses;

static void set_number(const char *name, int value) {
  char text[16];
  snprintf(text, sizeof text, "%d", value);
  setenv(name, text, 1);
}

// Nobody's terminal is asked for its size and abilities: the environment says them, wherever this runs.
static void leave_terminal(int columns, int rows) {
  signal(SIGHUP, SIG_IGN);
  int terminal = open("/dev/tty", O_RDWR);
  if (terminal >= 0) {
    ioctl(terminal, TIOCNOTTY);
    close(terminal);
  }
  if (!freopen("/dev/null", "r", stdin)) exit(3);
  set_number("COLUMNS", columns);
  set_number("LINES", rows);
  setenv("COLORTERM", "truecolor", 1);
}

// The canvas is of as many pixels as its cells have parts.
static Notcurses open_notcurses(const char *name, int columns, int rows, Canvas *canvas) {
  static const struct {
    const char *name;
    ncblitter_e blitter;
    int columns, rows;
  } modes[] = {{"half", NCBLIT_2x1, 1, 2}, {"quad", NCBLIT_2x2, 2, 2}, {"sextant", NCBLIT_3x2, 2, 3},
               {"octant", NCBLIT_4x2, 2, 4}};
  struct notcurses_options options = {.termtype = "xterm-256color",
                                      .flags = NCOPTION_SUPPRESS_BANNERS | NCOPTION_NO_ALTERNATE_SCREEN |
                                               NCOPTION_NO_WINCH_SIGHANDLER | NCOPTION_NO_QUIT_SIGHANDLERS};
  leave_terminal(columns, rows);
  Notcurses made = {.file = memfd_create("terminal", 0)};
  made.context = notcurses_core_init(&options, fdopen(made.file, "w"));
  if (!made.context || !notcurses_cantruecolor(made.context)) exit(3);
  // A terminal would have said that it has these; to others it draws half blocks.
  nccapabilities *abilities = (nccapabilities *)notcurses_capabilities(made.context);
  abilities->quadrants = abilities->sextants = abilities->octants = true;
  made.options.n = notcurses_stdplane(made.context);
  for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
    if (strcmp(name, modes[mode].name)) continue;
    made.options.blitter = modes[mode].blitter;
    *canvas = make_canvas(columns * modes[mode].columns, rows * modes[mode].rows);
    return made;
  }
  exit(2);
}

static void draw_notcurses(Notcurses *peer, const Canvas *canvas) {
  struct ncvisual *visual =
      ncvisual_from_rgba(canvas->rgba, canvas->height, canvas->width * 4, canvas->width);
  if (!visual || !ncvisual_blit(peer->context, visual, &peer->options)) exit(4);
  ncvisual_destroy(visual);
  if (notcurses_render(peer->context)) exit(5);
}

// Takes what was written since the last time.
static void take(Notcurses *peer, Buffer *buffer) {
  off_t size = lseek(peer->file, 0, SEEK_CUR);
  if (size > (off_t)buffer->room) buffer->bytes = realloc(buffer->bytes, buffer->room = size);
  if (pread(peer->file, buffer->bytes, size, 0) != size) exit(5);
  buffer->count = size;
  lseek(peer->file, 0, SEEK_SET);
}
#endif

// MARK: the run

static double read_all(const Picture *picture) {
  uint64_t sum = 0;
  const uint64_t *words = (const uint64_t *)picture->samples;
  double began = now();
  for (size_t index = 0; index < picture->size / 8; index++) sum += words[index];
  double time = now() - began;
  return sum == 1 ? 0 : time;
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  char *name = arguments[1], *colors = arguments[2];
  int columns = 80, rows = 24;
  sscanf(arguments[3], "%dx%d", &columns, &rows);
  FILE *film = fopen(arguments[4], "rb"), *stream = fopen(arguments[5], "wb");
  Picture picture;
  if (!film || !open_film(film, &picture)) return 1;
  bool is_chafa = !strncmp(name, "chafa-", 6), is_notcurses = !strncmp(name, "notcurses-", 10);
  bool has_pixels = !strcmp(name, "sixel") || !strcmp(name, "chafa-sixel");
  if (!strcmp(name, "read")) {
    // Many pictures in turn, so that none is still in the cache.
    enum { MANY = 300 };
    static double times[MANY];
    Picture held[MANY];
    int pictures = 0;
    while (pictures < MANY && next_picture(film, &picture)) {
      held[pictures] = picture;
      held[pictures].samples = malloc(picture.size);
      memcpy(held[pictures++].samples, picture.samples, picture.size);
    }
    for (int index = 0; index < pictures; index++) times[index] = read_all(&held[index]);
    qsort(times, pictures, sizeof *times, by_value);
    printf("%.4f 0 %d\n", pictures ? times[pictures / 2] : 0, pictures);
    return 0;
  }
  Canvas canvas = make_canvas(columns * 8, rows * (has_pixels ? 16 : 8));
  ChafaCanvas *chafa = is_chafa ? open_chafa(name + 6, colors, columns, rows) : NULL;
  ChafaTermInfo *terminal = is_chafa ? all_capabilities() : NULL;
  Buffer buffer = {0};
#ifdef WITH_NOTCURSES
  Notcurses notcurses = {0};
  if (is_notcurses) {
    notcurses = open_notcurses(name + 10, columns, rows, &canvas);
    take(&notcurses, &buffer);
    fwrite(buffer.bytes, 1, buffer.count, stream);
  }
#else
  if (is_notcurses) return 6;
#endif
  static double times[MOST_PICTURES];
  int pictures = 0;
  long total = 0;
  while (pictures < MOST_PICTURES && next_picture(film, &picture)) {
    GString *text = NULL;
    buffer.count = 0;
    double began = now();
    convert(&picture, &canvas);
    if (is_chafa) text = draw_chafa(chafa, terminal, &canvas);
    if (!strcmp(name, "sixel")) draw_sixel(&canvas, &buffer);
#ifdef WITH_NOTCURSES
    if (is_notcurses) draw_notcurses(&notcurses, &canvas);
#endif
    times[pictures++] = now() - began;
#ifdef WITH_NOTCURSES
    if (is_notcurses) take(&notcurses, &buffer);
#endif
    long before = ftell(stream);
    fputs("\033[?2026h", stream);
    // notcurses knows where it left the cursor.
    if (!is_notcurses) fputs("\033[H", stream);
    if (text) {
      // Rows end with a line feed, which a raw terminal takes for no more than that.
      for (size_t index = 0; index < text->len; index++) {
        if (text->str[index] == '\n' && !has_pixels) fputc('\r', stream);
        fputc(text->str[index], stream);
      }
      g_string_free(text, TRUE);
    }
    if (buffer.count) fwrite(buffer.bytes, 1, buffer.count, stream);
    fputs("\033[?2026l", stream);
    total += ftell(stream) - before;
  }
  fclose(stream);
  qsort(times, pictures, sizeof *times, by_value);
  printf("%.4f %ld %d\n", pictures ? times[pictures / 2] : 0, pictures ? total / pictures : 0, pictures);
  return 0;
}
