/* SPDX-License-Identifier: Apache-2.0
 *
 * A ctx of its own for a test, and a directory that is removed at the end.
 */
#ifndef TESTS_UNIT_KV_KV_SUPPORT_H
#define TESTS_UNIT_KV_KV_SUPPORT_H

#include "../lib/test.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "intr/background.h"
#include "kv/kv.h"
#include "kv/memkv.h"

typedef struct test_ctx {
    ql_instance inst;
    ql_ctx cx;
    ql_intr intr;
} test_ctx;

static inline void
test_ctx_init(test_ctx *t)
{
    memset(t, 0, sizeof *t);
    assert_int_equal(ql_background_init(&t->cx, &t->inst, &t->intr), QL_OK);
}

static inline void
test_ctx_fini(test_ctx *t)
{
    ql_background_fini(&t->cx);
}

static inline void
test_dir_make(char path[64])
{
    strcpy(path, "/tmp/quell-kv-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static inline void
test_dir_remove(const char *path)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char name[512];
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        (void)unlink(name);
    }
    closedir(d);
    assert_int_equal(rmdir(path), 0);
}

static inline void
assert_str(ql_str s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.p, want, s.n);
}

#endif
