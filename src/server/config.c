/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: `--name=value`, `--name value`, `--name`, `--skip-name`, `--loose-name`; the same
 * without dashes in [mysqld], [server] and [quelld] of the file named by --defaults-file. The
 * command line comes after the file, so it wins. Runs on the main thread before anything else
 * exists.
 */
#include "server/config.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/diag.h"
#include "instance/permissions.h"

#define FILE_MAX ((size_t)1 << 20)

typedef struct reader {
    ql_ctx *cx;
    ql_sysvars *sv;
    ql_config *out;
} reader;

/* ---- options that are no system variables ---- */

typedef enum special {
    SP_HELP,
    SP_VERSION,
    SP_INIT,
    SP_INIT_INSECURE,
    SP_SSL,
    SP_SALVAGE,
    SP_CHECK,
    SP_IGNORED
} special;

static const struct {
    const char *name;
    special what;
} specials[] = {
    {"help", SP_HELP},
    {"version", SP_VERSION},
    {"initialize", SP_INIT},
    {"initialize_insecure", SP_INIT_INSECURE},
    {"ssl", SP_SSL},
    {"redo_salvage", SP_SALVAGE},
    {"check_data", SP_CHECK},
    {"defaults_file", SP_IGNORED}, /* has been looked at before */
    {"no_defaults", SP_IGNORED},
    {"verbose", SP_IGNORED},
    {"console", SP_IGNORED},
};

static const struct {
    char letter;
    const char *name;
} letters[] = {{'?', "help"}, {'V', "version"}, {'P', "port"}, {'h', "datadir"}, {'b', "basedir"}};

/* No value = on. */
static bool
parse_switch(ql_str v, bool *on)
{
    *on = v.n == 0 || ql_str_eq_nocase(v, QL_STR("1")) || ql_str_eq_nocase(v, QL_STR("ON")) ||
          ql_str_eq_nocase(v, QL_STR("TRUE"));
    return *on || ql_str_eq_nocase(v, QL_STR("0")) || ql_str_eq_nocase(v, QL_STR("OFF")) ||
           ql_str_eq_nocase(v, QL_STR("FALSE"));
}

static ql_status
take_special(ql_ctx *cx, ql_config *c, const char *name, special what, ql_str value)
{
    bool on = true;
    if (what != SP_IGNORED && !parse_switch(value, &on)) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "option '--%s' is ON or OFF, not '%.*s'", name,
                            (int)value.n, value.p);
    }
    if (what != SP_SSL && !on) {
        return QL_OK;
    }
    switch (what) {
    case SP_HELP:
        c->mode = QL_MODE_HELP;
        break;
    case SP_VERSION:
        c->mode = QL_MODE_VERSION;
        break;
    case SP_INIT:
        c->mode = QL_MODE_INITIALIZE;
        break;
    case SP_INIT_INSECURE:
        c->mode = QL_MODE_INITIALIZE_INSECURE;
        break;
    case SP_SSL:
        c->tls = on;
        break;
    case SP_SALVAGE:
        c->redo_salvage = on;
        break;
    case SP_CHECK:
        c->mode = QL_MODE_CHECK_DATA;
        break;
    default:
        break;
    }
    return QL_OK;
}

/* ---- one option ---- */

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein distance of short names; 99 when one is too long. */
static unsigned
edit_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(a), m = strlen(b);
    if (n >= 64 || m >= 64) {
        return 99;
    }
    for (unsigned j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned up = row[j];
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(up, row[j - 1]) + 1);
            diagonal = up;
        }
    }
    return row[m];
}

static const char *
nearest(const char *name)
{
    const char *best = ql_sysvars_nearest((ql_str){name, strlen(name)});
    unsigned distance = best != NULL ? edit_distance(name, best) : 99;
    for (size_t i = 0; i < QL_ARRAY_LEN(specials); i++) {
        unsigned d = edit_distance(name, specials[i].name);
        if (d < distance && d <= 3) {
            distance = d;
            best = specials[i].name;
        }
    }
    return best;
}

static char *
with_dashes(ql_ctx *cx, const char *name)
{
    char *p = ql_arena_strndup(cx, cx->arena, name, strlen(name));
    for (char *q = p; q != NULL && *q != '\0'; q++) {
        if (*q == '_') {
            *q = '-';
        }
    }
    return p;
}

static ql_status
unknown_option(ql_ctx *cx, const char *name)
{
    const char *best = nearest(name);
    char *shown = with_dashes(cx, name);
    char *hint = best != NULL ? with_dashes(cx, best) : NULL;
    if (hint == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "unknown option '--%s'",
                            shown != NULL ? shown : name);
    }
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                        "unknown option '--%s'; the nearest known one is '--%s'",
                        shown != NULL ? shown : name, hint);
}

static bool
is_special(const char *name, special *what)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(specials); i++) {
        if (strcmp(name, specials[i].name) == 0) {
            *what = specials[i].what;
            return true;
        }
    }
    return false;
}

static bool
has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* value.p NULL = none was given. */
static ql_status
take_option(reader *r, char *name, ql_str value)
{
    special what;
    bool loose = false, is_switched = true; /* by skip_, enable_, disable_ */
    for (char *p = name; *p != '\0'; p++) {
        if (*p == '-') {
            *p = '_';
        }
    }
    if (has_prefix(name, "loose_")) {
        loose = true;
        name += strlen("loose_");
    }
    if (has_prefix(name, "skip_") && ql_sysvar_find((ql_str){name, strlen(name)}) < 0) {
        name += strlen("skip_");
        value = QL_STR("0");
    } else if (has_prefix(name, "enable_")) {
        name += strlen("enable_");
        value = QL_STR("1");
    } else if (has_prefix(name, "disable_")) {
        name += strlen("disable_");
        value = QL_STR("0");
    } else {
        is_switched = false;
    }
    if (is_special(name, &what)) {
        return take_special(r->cx, r->out, name, what, value);
    }
    int id = ql_sysvar_find((ql_str){name, strlen(name)});
    if (id >= 0 && !ql_sysvar_is_switch((ql_sysvar_id)id) && (value.p == NULL || is_switched) &&
        id != QL_SV_ADMIN_SOCKET) {
        return ql_fail_text(r->cx, QL_ER_UNKNOWN_ERROR, "option '--%s' requires an argument", name);
    }
    ql_str text = value.p != NULL ? value : QL_STR("1");
    ql_status st = ql_sysvars_configure(r->cx, r->sv, (ql_str){name, strlen(name)}, text);
    if (st != QL_END) {
        return st;
    }
    return loose ? QL_OK : unknown_option(r->cx, name);
}

/* ---- command line ---- */

static const char *
name_of_letter(char letter)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(letters); i++) {
        if (letters[i].letter == letter) {
            return letters[i].name;
        }
    }
    return NULL;
}

/* Name and value of argv[*i]; a value in the next argument is eaten too. */
static ql_status
split_argument(ql_ctx *cx, int argc, char **argv, int *i, char **name, ql_str *value)
{
    const char *arg = argv[*i], *eq;
    *value = (ql_str){NULL, 0};
    if (arg[0] == '-' && arg[1] != '-' && arg[1] != '\0') {
        const char *long_name = name_of_letter(arg[1]);
        if (long_name == NULL) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "unknown option '%s'", arg);
        }
        *name = ql_arena_strndup(cx, cx->arena, long_name, strlen(long_name));
        eq = arg[2] != '\0' ? arg + 1 : NULL;
    } else if (has_prefix(arg, "--") && arg[2] != '\0') {
        eq = strchr(arg, '=');
        *name = ql_arena_strndup(cx, cx->arena, arg + 2,
                                 eq != NULL ? (size_t)(eq - arg - 2) : strlen(arg + 2));
    } else {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "'%s' is not an option (quelld --help lists them)", arg);
    }
    if (eq != NULL) {
        *value = (ql_str){eq + 1, strlen(eq + 1)};
    } else if (*i + 1 < argc && argv[*i + 1][0] != '-') {
        (*i)++;
        *value = (ql_str){argv[*i], strlen(argv[*i])};
    }
    return *name != NULL ? QL_OK : QL_ERROR;
}

static ql_status
read_command_line(reader *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *name = NULL;
        ql_str value;
        QL_TRY(split_argument(r->cx, argc, argv, &i, &name, &value));
        QL_TRY(take_option(r, name, value));
    }
    return QL_OK;
}

/* ---- option file ---- */

static ql_str
trim(ql_str s)
{
    while (s.n != 0 && strchr(" \t\r", s.p[0]) != NULL) {
        s.p++;
        s.n--;
    }
    while (s.n != 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL) {
        s.n--;
    }
    return s;
}

/* Quotes removed; a # outside them starts a comment. */
static ql_str
file_value(ql_str s)
{
    s = trim(s);
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'')) {
        const char *end = memchr(s.p + 1, s.p[0], s.n - 1);
        if (end != NULL) {
            return (ql_str){s.p + 1, (size_t)(end - s.p - 1)};
        }
    }
    const char *hash = memchr(s.p, '#', s.n);
    return hash != NULL ? trim((ql_str){s.p, (size_t)(hash - s.p)}) : s;
}

static bool
is_our_section(ql_str line)
{
    return ql_str_eq(line, QL_STR("[mysqld]")) || ql_str_eq(line, QL_STR("[server]")) ||
           ql_str_eq(line, QL_STR("[quelld]"));
}

typedef enum section { SECTION_NONE, SECTION_OTHER, SECTION_OURS } section;

static ql_status
take_line(reader *r, const char *path, unsigned number, ql_str line, section *at)
{
    line = trim(line);
    if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';') {
        return QL_OK;
    }
    if (line.p[0] == '[') {
        *at = is_our_section(line) ? SECTION_OURS : SECTION_OTHER;
        return QL_OK;
    }
    if (line.p[0] == '!') {
        return ql_fail_text(r->cx, QL_ER_UNKNOWN_ERROR, "%s:%u: !include is not supported", path,
                            number);
    }
    if (*at == SECTION_NONE) {
        return ql_fail_text(r->cx, QL_ER_UNKNOWN_ERROR, "%s:%u: an option before any [section]",
                            path, number);
    }
    if (*at == SECTION_OTHER) {
        return QL_OK;
    }
    const char *eq = memchr(line.p, '=', line.n);
    ql_str left = eq != NULL ? trim((ql_str){line.p, (size_t)(eq - line.p)}) : file_value(line);
    ql_str value = {NULL, 0};
    if (eq != NULL) {
        value = file_value((ql_str){eq + 1, line.n - (size_t)(eq + 1 - line.p)});
    }
    char *name = ql_arena_strndup(r->cx, r->cx->arena, left.p, left.n);
    return name != NULL ? take_option(r, name, value) : QL_ERROR;
}

static ql_status
read_file(reader *r, const char *path)
{
    ql_str text;
    QL_TRY(ql_read_trusted(r->cx, "option file", path, FILE_MAX, &text));
    section at_section = SECTION_NONE;
    unsigned number = 0;
    for (size_t at = 0; at < text.n;) {
        const char *nl = memchr(text.p + at, '\n', text.n - at);
        size_t n = nl != NULL ? (size_t)(nl - text.p) - at : text.n - at;
        QL_TRY(take_line(r, path, ++number, (ql_str){text.p + at, n}, &at_section));
        at += n + 1;
    }
    return QL_OK;
}

static const char *
defaults_file(int argc, char **argv)
{
    static const char option[] = "--defaults-file";
    for (int i = 1; i < argc; i++) {
        if (has_prefix(argv[i], "--defaults-file=")) {
            return argv[i] + sizeof option;
        }
        if (strcmp(argv[i], option) == 0 && i + 1 < argc) {
            return argv[i + 1];
        }
    }
    return NULL;
}

/* ---- what the server itself wants to know ---- */

static ql_status
get_text(ql_ctx *cx, ql_sysvar_id id, ql_str *out)
{
    ql_value v;
    QL_TRY(ql_sysvar_get(cx, id, true, &v));
    *out = (ql_str){"", 0};
    if (v.kind == QL_K_STRING) {
        char *p = ql_arena_strndup(cx, cx->arena, v.s.p, v.s.n);
        if (p == NULL) {
            return QL_ERROR;
        }
        *out = (ql_str){p, v.s.n};
    }
    return QL_OK;
}

/* Set a variable from what others say. */
static ql_status
derive(ql_ctx *cx, const char *name, ql_str value)
{
    ql_status st = ql_sysvars_configure(cx, cx->inst->sysvars, (ql_str){name, strlen(name)}, value);
    return st == QL_END ? QL_OK : st;
}

/* Beside the socket: x.sock and x-admin.sock. 0 or OFF (--skip-admin-socket): none. */
static ql_status
find_admin_socket(ql_ctx *cx, ql_config *c)
{
    static const char suffix[] = ".sock";
    size_t n = sizeof suffix - 1;
    QL_TRY(get_text(cx, QL_SV_ADMIN_SOCKET, &c->admin_socket));
    if (ql_str_eq(c->admin_socket, QL_STR("0")) ||
        ql_str_eq_nocase(c->admin_socket, QL_STR("OFF"))) {
        c->admin_socket = (ql_str){"", 0};
        return derive(cx, "admin_socket", QL_STR(""));
    }
    if (c->admin_socket.n != 0 || c->socket.n == 0) {
        return QL_OK;
    }
    bool named = c->socket.n > n && memcmp(c->socket.p + c->socket.n - n, suffix, n) == 0;
    int stem = (int)(c->socket.n - (named ? n : 0));
    char *path =
        ql_arena_printf(cx, cx->arena, "%.*s-admin%s", stem, c->socket.p, named ? suffix : "");
    if (path == NULL) {
        return QL_ERROR;
    }
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_OPTION_IGNORED,
                     "no socket for administrators: '%s' is too long; see --admin-socket", path);
        return QL_OK;
    }
    c->admin_socket = (ql_str){path, strlen(path)};
    return derive(cx, "admin_socket", c->admin_socket);
}

static ql_status
collect(ql_ctx *cx, ql_config *c)
{
    QL_TRY(get_text(cx, QL_SV_DATADIR, &c->datadir));
    QL_TRY(get_text(cx, QL_SV_SOCKET, &c->socket));
    QL_TRY(get_text(cx, QL_SV_BIND_ADDRESS, &c->bind_address));
    QL_TRY(get_text(cx, QL_SV_ADMIN_ADDRESS, &c->admin_address));
    QL_TRY(get_text(cx, QL_SV_LOG_ERROR, &c->log_error));
    QL_TRY(get_text(cx, QL_SV_PID_FILE, &c->pid_file));
    QL_TRY(get_text(cx, QL_SV_TMPDIR, &c->tmpdir));
    QL_TRY(get_text(cx, QL_SV_VERSION, &c->version));
    QL_TRY(get_text(cx, QL_SV_INIT_FILE, &c->init_file));
    QL_TRY(get_text(cx, QL_SV_SSL_CERT, &c->ssl_cert));
    QL_TRY(get_text(cx, QL_SV_SSL_KEY, &c->ssl_key));
    QL_TRY(get_text(cx, QL_SV_TLS_VERSION, &c->tls_version));
    QL_TRY(find_admin_socket(cx, c));
    if (ql_sysvar_global_u64(cx->inst, QL_SV_SUPER_READ_ONLY) != 0) {
        QL_TRY(derive(cx, "read_only", QL_STR("1")));
    }
    c->port = ql_sysvar_global_u64(cx->inst, QL_SV_PORT);
    c->admin_port = ql_sysvar_global_u64(cx->inst, QL_SV_ADMIN_PORT);
    c->networking = ql_sysvar_global_u64(cx->inst, QL_SV_SKIP_NETWORKING) == 0;
    return QL_OK;
}

ql_status
ql_config_read(ql_ctx *cx, ql_sysvars *sv, int argc, char **argv, ql_config *out)
{
    reader r = {.cx = cx, .sv = sv, .out = out};
    const char *file = defaults_file(argc, argv);
    *out = (ql_config){.mode = QL_MODE_SERVE, .tls = true};
    if (file != NULL) {
        QL_TRY(read_file(&r, file));
    }
    QL_TRY(read_command_line(&r, argc, argv));
    return collect(cx, out);
}
