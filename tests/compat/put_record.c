/* SPDX-License-Identifier: Apache-2.0
 *
 * put_record DIR KEY VALUE...: puts records into a data directory that no server is using; KEY and
 * VALUE are hexadecimal, VALUE "-" removes the key, "?" prints the value. For the tests of what
 * servers of other versions have written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "intr/background.h"
#include "kv/kv.h"

static char *
from_hex(const char *text, size_t *n)
{
    *n = strlen(text) / 2;
    char *p = calloc(*n + 1, 1);
    for (size_t i = 0; p != NULL && i < *n; i++) {
        unsigned byte = 0;
        (void)sscanf(text + 2 * i, "%2x", &byte);
        p[i] = (char)byte;
    }
    return p;
}

static ql_status
print(ql_ctx *cx, ql_kv *kv, ql_str key)
{
    ql_kv_snap *snap = NULL;
    ql_str v;
    ql_status st = ql_kv_snap_begin(cx, kv, &snap);
    st = st == QL_OK ? ql_kv_get(cx, snap, key, &v) : st;
    for (size_t i = 0; st == QL_OK && i < v.n; i++) {
        (void)printf("%02x", (unsigned char)v.p[i]);
    }
    (void)printf("\n");
    ql_kv_snap_end(snap);
    return st == QL_END ? QL_OK : st;
}

static ql_status
put(ql_ctx *cx, ql_kv *kv, const char *key_text, const char *text)
{
    ql_kv_apply *a = NULL;
    size_t nk, nv;
    char *key = from_hex(key_text, &nk), *value = from_hex(text, &nv);
    ql_status st = QL_OK;
    if (strcmp(text, "?") == 0) {
        st = print(cx, kv, (ql_str){key, nk});
    } else {
        st = ql_kv_apply_begin(cx, kv, &a);
        if (st == QL_OK) {
            st = strcmp(text, "-") == 0
                     ? ql_kv_apply_del(cx, a, (ql_str){key, nk})
                     : ql_kv_apply_put(cx, a, (ql_str){key, nk}, (ql_str){value, nv});
        }
        st = st == QL_OK ? ql_kv_apply_commit(cx, a, QL_KV_DURABLE) : st;
    }
    free(key);
    free(value);
    return st;
}

int
main(int argc, char **argv)
{
    static ql_instance inst;
    static ql_intr intr;
    ql_ctx cx;
    ql_kv_options opt = {.max_readers = 16384, .must_exist = true}; /* as a server: its lock file */
    if (argc < 4 || argc % 2 != 0 || ql_background_init(&cx, &inst, &intr) != QL_OK) {
        return 2;
    }
    ql_status st = ql_kv_open(&cx, argv[1], &opt, &inst.kv);
    for (int i = 2; i < argc && st == QL_OK; i += 2) {
        st = put(&cx, inst.kv, argv[i], argv[i + 1]);
    }
    const ql_condition *c = ql_diag_error(cx.diag);
    if (st != QL_OK) {
        (void)fprintf(stderr, "%s\n", c != NULL ? c->text : "?");
    }
    ql_kv_close(inst.kv);
    ql_background_fini(&cx);
    return st != QL_OK;
}
