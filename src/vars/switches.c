/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of flags as MySQL writes them: optimizer_switch, optimizer_trace. Their names, in order, and
 * their defaults are in the default text of the variable (name=on,name=off,...). Pure functions; a
 * session's bits of optimizer_switch are a plain member of its ql_vars.
 */
#include "vars/switches.h"

#include <string.h>

#include "vars/vars_int.h"

/* --- sets of flags --------------------------------------------------------------------------- */

/* The next flag of a default text; false: no more. */
static bool
next_flag(const char **list, ql_str *name, bool *on)
{
    const char *p = *list;
    if (*p == '\0') {
        return false;
    }
    size_t n = strcspn(p, "=");
    *name = (ql_str){p, n};
    p += n + 1;
    *on = strncmp(p, "on", 2) == 0;
    p += strcspn(p, ",");
    *list = p + (*p == ',');
    return true;
}

static int
flag_number(const char *list, ql_str name)
{
    ql_str flag;
    bool on;
    for (int i = 0; next_flag(&list, &flag, &on); i++) {
        if (ql_str_eq_nocase(flag, name)) {
            return i;
        }
    }
    return -1;
}

uint64_t
qli_flags_default(const char *list)
{
    ql_str name;
    bool on;
    uint64_t bits = 0;
    for (unsigned i = 0; next_flag(&list, &name, &on); i++) {
        bits |= (uint64_t)on << i;
    }
    return bits;
}

uint64_t
qli_flags_all(const char *list)
{
    ql_str name;
    bool on;
    uint64_t bits = 0;
    for (unsigned i = 0; next_flag(&list, &name, &on); i++) {
        bits |= UINT64_C(1) << i;
    }
    return bits;
}

/* Up to '=' or ','. */
static ql_str
take_word(ql_str *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] != '=' && s->p[n] != ',') {
        n++;
    }
    ql_str word = {s->p, n};
    *s = (ql_str){s->p + n, s->n - n};
    return word;
}

typedef struct changes {
    uint64_t on, off;
    bool from_default;
} changes;

/* "flag=on", "flag=off", "flag=default" or "default"; each once. */
static bool
take_change(const char *list, uint64_t dflt, ql_str *s, changes *c)
{
    ql_str name = take_word(s);
    if (ql_str_eq_nocase(name, QL_STR("default"))) {
        bool again = c->from_default;
        c->from_default = true;
        return !again;
    }
    int i = flag_number(list, name);
    uint64_t bit = i < 0 ? 0 : UINT64_C(1) << i;
    if (bit == 0 || ((c->on | c->off) & bit) != 0 || s->n == 0 || s->p[0] != '=') {
        return false;
    }
    *s = (ql_str){s->p + 1, s->n - 1};
    ql_str to = take_word(s);
    bool as_default = ql_str_eq_nocase(to, QL_STR("default"));
    if (ql_str_eq_nocase(to, QL_STR("on")) || (as_default && (dflt & bit) != 0)) {
        c->on |= bit;
        return true;
    }
    c->off |= bit;
    return as_default || ql_str_eq_nocase(to, QL_STR("off"));
}

bool
qli_flags_parse(const char *list, ql_str text, uint64_t dflt, uint64_t *bits, ql_str *bad)
{
    changes c = {0};
    while (text.n != 0) {
        *bad = text;
        if (!take_change(list, dflt, &text, &c) || (text.n != 0 && text.p[0] != ',')) {
            return false;
        }
        if (text.n == 0) {
            break;
        }
        text = (ql_str){text.p + 1, text.n - 1};
        if (text.n == 0) { /* a comma, and nothing behind it */
            *bad = text;
            return false;
        }
    }
    *bits = ((c.from_default ? dflt : *bits) | c.on) & ~c.off;
    return true;
}

size_t
qli_flags_print(const char *list, uint64_t bits, char *out)
{
    ql_str name;
    bool on;
    size_t n = 0;
    for (unsigned i = 0; next_flag(&list, &name, &on); i++) {
        const char *value = bits >> i & 1 ? "=on" : "=off";
        size_t m = strlen(value);
        if (i != 0) {
            out[n++] = ',';
        }
        memcpy(out + n, name.p, name.n);
        memcpy(out + n + name.n, value, m);
        n += name.n + m;
    }
    out[n] = '\0';
    return n;
}

/* --- optimizer_switch ------------------------------------------------------------------------ */

static const bool defaults[] = {
#define QL_SWITCH(id, name, on) on,
#include "vars/switches.def"
#undef QL_SWITCH
};

bool
ql_switch_is_on(const ql_ctx *cx, ql_switch s)
{
    return cx->vars != NULL ? (cx->vars->switches >> s & 1) != 0 : defaults[s];
}

#ifdef QL_DEBUG
bool
ql_plans_plainly(const ql_ctx *cx)
{
    return cx->vars != NULL && cx->vars->plain_plans;
}
#endif
