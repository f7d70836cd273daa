// A libnice agent on lines of JSON: see README.md.
//   cc $(pkg-config --cflags --libs nice json-glib-1.0) -o libnice-peer libnice.c
#include <json-glib/json-glib.h>
#include <nice/agent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static GMainLoop *loop;
static NiceAgent *agent;
static guint stream;
static gboolean has_remote, restarting;
static guint received;
static GHashTable *back;
static double last_back, gap, gap_at;

struct sending {
  guint count, next, size;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// tell(kind, name, text, ..., NULL)
static void tell(const char *kind, ...) {
  JsonBuilder *builder = json_builder_new();
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "is");
  json_builder_add_string_value(builder, kind);
  json_builder_set_member_name(builder, "at");
  json_builder_add_double_value(builder, now());
  va_list more;
  va_start(more, kind);
  for (const char *name; (name = va_arg(more, const char *));) {
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, va_arg(more, const char *));
  }
  va_end(more);
  json_builder_end_object(builder);
  JsonNode *root = json_builder_get_root(builder);
  char *line = json_to_string(root, FALSE);
  puts(line);
  fflush(stdout);
  g_free(line);
  json_node_free(root);
  g_object_unref(builder);
}

static const char *text(JsonObject *command, const char *name) {
  return json_object_get_string_member_with_default(command, name, "");
}

static void tell_credentials(void) {
  gchar *ufrag, *pwd;
  if (!nice_agent_get_local_credentials(agent, stream, &ufrag, &pwd)) return;
  tell("credentials", "ufrag", ufrag, "pwd", pwd, NULL);
  g_free(ufrag);
  g_free(pwd);
}

static void tell_candidate(NiceCandidate *candidate) {
  gchar *ufrag, *pwd;
  nice_agent_get_local_credentials(agent, stream, &ufrag, &pwd);
  gchar *line = candidate ? nice_agent_generate_local_candidate_sdp(agent, candidate) : g_strdup("");
  tell("candidate", "candidate", g_str_has_prefix(line, "a=") ? line + 2 : line, "ufrag", ufrag, NULL);
  g_free(line);
  g_free(ufrag);
  g_free(pwd);
}

static void tell_all_candidates(void) {
  GSList *candidates = nice_agent_get_local_candidates(agent, stream, 1);
  for (GSList *item = candidates; item; item = item->next) tell_candidate(item->data);
  tell_candidate(NULL);
  g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
}

static void candidate_found(NiceAgent *a, NiceCandidate *candidate, gpointer data) {
  if (candidate->type != NICE_CANDIDATE_TYPE_PEER_REFLEXIVE) tell_candidate(candidate);
}

static void gathered(NiceAgent *a, guint s, gpointer data) { tell_candidate(NULL); }

static void state_changed(NiceAgent *a, guint s, guint component, guint state, gpointer data) {
  static const char *const words[] = {"disconnected", "new", "checking", "connected", "completed", "failed"};
  if (state < G_N_ELEMENTS(words)) tell("state", "state", words[state], NULL);
}

static char *describe(NiceCandidate *candidate) {
  static const char *const types[] = {"host", "srflx", "prflx", "relay"};
  char ip[NICE_ADDRESS_STRING_LEN];
  nice_address_to_string(&candidate->addr, ip);
  return g_strdup_printf("%s %s:%u %s", types[candidate->type], ip, nice_address_get_port(&candidate->addr),
                         candidate->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp");
}

static void pair_selected(NiceAgent *a, guint s, guint component, NiceCandidate *local, NiceCandidate *remote,
                          gpointer data) {
  char *ours = describe(local), *theirs = describe(remote);
  tell("pair", "local", ours, "remote", theirs, NULL);
  g_free(ours);
  g_free(theirs);
}

static void take(NiceAgent *a, guint s, guint component, guint length, gchar *data, gpointer user) {
  if (length < 8) return;
  if ((guchar)data[0] == 0x80) {
    received++;
    data[0] = (gchar)0x81;
    nice_agent_send(agent, stream, 1, length, data);
  } else if ((guchar)data[0] == 0x81) {
    double time = now();
    if (last_back && time - last_back > gap) {
      gap = time - last_back;
      gap_at = time;
    }
    last_back = time;
    guint32 number;
    memcpy(&number, data + 4, 4);
    g_hash_table_add(back, GUINT_TO_POINTER(GUINT32_FROM_BE(number) + 1));
  }
}

static void add_server(JsonArray *servers, guint index, JsonNode *node, gpointer user) {
  JsonObject *server = json_node_get_object(node);
  gchar **url = g_strsplit_set(text(server, "url"), ":?", 4);
  guint port = (guint)g_ascii_strtoull(url[2], NULL, 10);
  if (!strcmp(url[0], "stun")) {
    g_object_set(agent, "stun-server", url[1], "stun-server-port", port, NULL);
  } else {
    NiceRelayType type = !strcmp(url[0], "turns") ? NICE_RELAY_TYPE_TURN_TLS
                         : url[3] && !strcmp(url[3], "transport=tcp") ? NICE_RELAY_TYPE_TURN_TCP
                                                                      : NICE_RELAY_TYPE_TURN_UDP;
    nice_agent_set_relay_info(agent, stream, 1, url[1], port, text(server, "username"), text(server, "credential"),
                              type);
  }
  g_strfreev(url);
}

static void start(JsonObject *command) {
  agent = nice_agent_new_full(
      g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245,
      NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set(agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode",
               !strcmp(text(command, "role"), "controlling"), "force-relay", !strcmp(text(command, "policy"), "relay"),
               NULL);
  stream = nice_agent_add_stream(agent, 1);
  if (json_object_has_member(command, "servers"))
    json_array_foreach_element(json_object_get_array_member(command, "servers"), add_server, NULL);
  g_signal_connect(agent, "new-candidate-full", G_CALLBACK(candidate_found), NULL);
  g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(gathered), NULL);
  g_signal_connect(agent, "component-state-changed", G_CALLBACK(state_changed), NULL);
  g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(pair_selected), NULL);
  nice_agent_attach_recv(agent, stream, 1, g_main_loop_get_context(loop), take, NULL);
  tell_credentials();
  if (!nice_agent_gather_candidates(agent, stream)) tell("problem", "text", "cannot gather candidates", NULL);
}

static void restart(void) {
  nice_agent_restart(agent);
  tell_credentials();
  tell_all_candidates();
}

static void set_credentials(JsonObject *command) {
  if (has_remote && !restarting) restart();  // The other has restarted, so we do.
  restarting = FALSE;
  has_remote = TRUE;
  nice_agent_set_remote_credentials(agent, stream, text(command, "ufrag"), text(command, "pwd"));
}

static void add_candidate(JsonObject *command) {
  const char *line = text(command, "candidate");
  if (!*line) {
    nice_agent_peer_candidate_gathering_done(agent, stream);
    return;
  }
  gchar *attribute = g_strconcat("a=", line, NULL);
  NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, attribute);
  g_free(attribute);
  if (!candidate) {
    tell("problem", "text", "candidate not taken", NULL);
    return;
  }
  GSList *list = g_slist_append(NULL, candidate);
  nice_agent_set_remote_candidates(agent, stream, 1, list);
  g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

static gboolean report(gpointer data) {
  struct sending *sending = data;
  printf("{\"is\":\"echoed\",\"at\":%.6f,\"sent\":%u,\"back\":%u,\"received\":%u,\"gap\":%.0f,\"gapAt\":%.6f}\n", now(),
         sending->count, g_hash_table_size(back), received, gap * 1000, gap_at);
  fflush(stdout);
  g_free(sending);
  return G_SOURCE_REMOVE;
}

static gboolean send_next(gpointer data) {
  struct sending *sending = data;
  if (sending->next == sending->count) {
    g_timeout_add(1000, report, sending);
    return G_SOURCE_REMOVE;
  }
  gchar datagram[1500] = {(gchar)0x80};
  guint32 number = GUINT32_TO_BE(sending->next);
  memcpy(datagram + 4, &number, 4);
  nice_agent_send(agent, stream, 1, sending->size, datagram);
  sending->next++;
  return G_SOURCE_CONTINUE;
}

static void send_datagrams(JsonObject *command) {
  struct sending *sending = g_new0(struct sending, 1);
  sending->count = (guint)json_object_get_int_member(command, "count");
  sending->size = (guint)json_object_get_int_member_with_default(command, "size", 100);
  g_hash_table_remove_all(back);
  gap = gap_at = 0;
  last_back = now();
  g_timeout_add((guint)json_object_get_double_member(command, "interval"), send_next, sending);
}

static void obey(JsonObject *command) {
  const char *what = text(command, "do");
  if (!strcmp(what, "start")) start(command);
  if (!strcmp(what, "credentials")) set_credentials(command);
  if (!strcmp(what, "candidate")) add_candidate(command);
  if (!strcmp(what, "send")) send_datagrams(command);
  if (!strcmp(what, "quit")) g_main_loop_quit(loop);
  if (!strcmp(what, "restart")) {
    restarting = TRUE;
    restart();
  }
}

static gboolean line_came(GIOChannel *channel, GIOCondition condition, gpointer data) {
  gchar *line = NULL;
  if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
  }
  JsonParser *parser = json_parser_new();
  if (json_parser_load_from_data(parser, line, -1, NULL)) obey(json_node_get_object(json_parser_get_root(parser)));
  g_object_unref(parser);
  g_free(line);
  return G_SOURCE_CONTINUE;
}

int main(void) {
  loop = g_main_loop_new(NULL, FALSE);
  back = g_hash_table_new(NULL, NULL);
  g_io_add_watch(g_io_channel_unix_new(0), G_IO_IN | G_IO_HUP, line_came, NULL);
  tell("ready", NULL);
  g_main_loop_run(loop);
  if (agent) g_object_unref(agent);
  return 0;
}
