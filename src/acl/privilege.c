/* SPDX-License-Identifier: Apache-2.0
 *
 * Privileges by name and number, and sets of them as text.
 */
#include <string.h>

#include "acl/acl_int.h"

static const struct {
    const char *name;
    bool dynamic;
} privileges[] = {
#define QL_PRIVILEGE(id, name, dynamic) {name, dynamic},
#include "acl/privileges.def"
#undef QL_PRIVILEGE
};

static bool
name_equals(ql_str a, const char *b)
{
    size_t n = strlen(b);
    if (a.n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) { /* MariaDB writes CONNECTION ADMIN */
        char x = a.p[i] == ' ' ? '_' : a.p[i], y = b[i] == ' ' ? '_' : b[i];
        if (!ql_str_eq_nocase((ql_str){&x, 1}, (ql_str){&y, 1})) {
            return false;
        }
    }
    return true;
}

int
ql_privilege_find(ql_str name)
{
    for (int i = 0; i < QL_PRIV_COUNT; i++) {
        if (name_equals(name, privileges[i].name)) {
            return i;
        }
    }
    return -1;
}

const char *
ql_privilege_name(ql_privilege p)
{
    return privileges[p].name;
}

bool
ql_privilege_is_dynamic(ql_privilege p)
{
    return privileges[p].dynamic;
}

ql_privs
ql_privs_all(void)
{
    ql_privs p = {{0, 0}};
    for (unsigned i = 0; i < QL_PRIV_COUNT; i++) {
        p.bits[i >> 6] |= 1ULL << (i & 63);
    }
    return p;
}

ql_status
ql_pmask_print(ql_ctx *cx, ql_arena *a, ql_pmask mask, ql_str *out)
{
    char text[1024]; /* the static ones all together have 470 */
    size_t n = 0;
    for (unsigned i = 0; i < 64; i++) {
        const char *name = i == 63 ? "GRANT" : i < QL_PRIV_COUNT ? privileges[i].name : "";
        size_t len = strlen(name);
        if (!(mask >> i & 1) || n + len + 2 > sizeof text) {
            continue;
        }
        if (n > 0) {
            text[n++] = ',';
            text[n++] = ' ';
        }
        memcpy(text + n, name, len);
        n += len;
    }
    char *copy = ql_arena_strndup(cx, a, text, n);
    *out = (ql_str){copy, n};
    return copy != NULL ? QL_OK : QL_ERROR;
}
