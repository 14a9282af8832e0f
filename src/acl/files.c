/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files of the server's machine a statement may touch: those that secure_file_priv allows
 * (manual, "Server System Variables"). Symbolic links are followed before anything is decided. Runs
 * on the session's thread; touches names, not contents.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"

static ql_status
refused(ql_ctx *cx)
{
    return ql_fail(cx, QL_ER_OPTION_PREVENTS_STATEMENT, "--secure-file-priv");
}

static ql_status
text_of(ql_ctx *cx, ql_sysvar_id id, ql_value *v, const char **text)
{
    QL_TRY(ql_sysvar_get(cx, id, true, v));
    *text = v->kind == QL_K_STRING ? ql_arena_strndup(cx, cx->arena, v->s.p, v->s.n) : "";
    return *text != NULL ? QL_OK : QL_ERROR;
}

/* Does path lie in or below dir? Both are absolute and without links. */
static bool
lies_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    if (n == 1) { /* "/" */
        return true;
    }
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* name as an absolute path, which may have links: relative ones are the data directory's. */
static ql_status
absolute(ql_ctx *cx, ql_str name, const char **out)
{
    ql_value v;
    const char *dir;
    QL_TRY(text_of(cx, QL_SV_DATADIR, &v, &dir));
    *out = name.n != 0 && name.p[0] == '/'
               ? ql_arena_strndup(cx, cx->arena, name.p, name.n)
               : ql_arena_printf(cx, cx->arena, "%s/%.*s", dir, (int)name.n, name.p);
    return *out != NULL ? QL_OK : QL_ERROR;
}

/* *real NULL: the file is not there. dir_room: the directory it would be in, "" when that is not
 * there either. */
static ql_status
resolve_names(ql_ctx *cx, const char *path, char **real, char **dir)
{
    char *room = ql_arena_alloc(cx, cx->arena, PATH_MAX), *dir_room;
    dir_room = room != NULL ? ql_arena_alloc(cx, cx->arena, PATH_MAX) : NULL;
    if (dir_room == NULL) {
        return QL_ERROR;
    }
    *real = realpath(path, room);
    int err = errno;
    const char *slash = strrchr(path, '/');
    char *parent = ql_arena_strndup(cx, cx->arena, path, slash > path ? (size_t)(slash - path) : 1);
    if (parent == NULL) {
        return QL_ERROR;
    }
    *dir = realpath(parent, dir_room);
    errno = err;
    return QL_OK;
}

ql_status
ql_acl_file_path(ql_ctx *cx, ql_str name, bool is_new, const char **out)
{
    ql_value v;
    const char *path, *secure;
    char *real, *dir;
    QL_TRY(text_of(cx, QL_SV_SECURE_FILE_PRIV, &v, &secure));
    if (v.kind == QL_K_NULL || memchr(name.p, '\0', name.n) != NULL || name.n == 0) {
        return refused(cx);
    }
    QL_TRY(absolute(cx, name, &path));
    QL_TRY(resolve_names(cx, path, &real, &dir));
    int err = errno;
    if (secure[0] != '\0') {
        char *room = ql_arena_alloc(cx, cx->arena, PATH_MAX);
        if (room == NULL) {
            return QL_ERROR;
        }
        const char *allowed = realpath(secure, room), *at = real != NULL ? real : dir;
        if (allowed == NULL || at == NULL || !lies_in(at, allowed)) {
            return refused(cx);
        }
    }
    if (real != NULL) {
        *out = real;
        return QL_OK;
    }
    if (!is_new) {
        return ql_fail(cx, QL_ER_EE_STAT, path, err, strerrordesc_np(err));
    }
    if (dir == NULL) {
        return ql_fail(cx, QL_ER_EE_CANTCREATEFILE, path, err, strerrordesc_np(err));
    }
    *out = ql_arena_printf(cx, cx->arena, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
                           strrchr(path, '/') + 1);
    return *out != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_acl_require_load_file(ql_ctx *cx)
{
    if (ql_acl_has(cx, QL_PRIV_FILE)) {
        return QL_OK;
    }
    const ql_account *a = cx->vars->account;
    return ql_fail(cx, QL_ER_ACCESS_DENIED_ERROR, a != NULL ? ql_cstr(cx, a->user) : "",
                   a != NULL ? ql_cstr(cx, a->host) : "",
                   a != NULL && a->auth_string.n != 0 ? "YES" : "NO");
}
