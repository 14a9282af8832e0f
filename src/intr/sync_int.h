/* SPDX-License-Identifier: Apache-2.0
 *
 * One parsed DEBUG_SYNC action, shared by sync.c and sync_parse.c.
 */
#ifndef QL_INTR_SYNC_INT_H
#define QL_INTR_SYNC_INT_H

#include "intr/cv.h"
#include "intr/sync.h"

#define QLI_SYNC_NAME 64
#define QLI_SYNC_TIMEOUT_S 300

/* Owner: the list it is in. */
typedef struct qli_sync_action {
    struct qli_sync_action *next;
    ql_sync_point point; /* QL_SP_NONE: "now" */
    bool global, reset, clear, empty;
    bool keep_signal; /* NO_CLEAR_EVENT */
    char signal[256]; /* separated by commas, "" = none */
    char wait_for[QLI_SYNC_NAME];
    int64_t timeout_s;
    uint64_t execute;   /* times still to be executed */
    uint64_t hit_limit; /* passages until the point fails; 0 = no limit */
} qli_sync_action;

/* 1064 with a text that says what is wrong. */
ql_status qli_sync_parse(ql_ctx *cx, ql_str text, qli_sync_action *a) QL_MUST_USE;
/* The name in any case; QL_SP_NONE when there is none of that name. */
ql_sync_point qli_sync_point_find(const char *name, size_t n);

#endif
