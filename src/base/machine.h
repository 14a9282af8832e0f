/* SPDX-License-Identifier: Apache-2.0
 *
 * What the machine gives this process.
 */
#ifndef QL_BASE_MACHINE_H
#define QL_BASE_MACHINE_H

#include "base/status.h"

/* Bytes of memory that this process may use: what the machine has, or less if a limit of its
 * control group (v1 or v2, its own or one above it) says so. 0 = cannot be found out. root goes
 * before the paths under /proc and /sys: "" (tests: a made-up tree). */
uint64_t ql_machine_memory(const char *root);
/* The same with the limits of this process on its address space and data (ulimit -v, -d). */
uint64_t ql_machine_memory_here(void);
/* Bytes of this process in memory now that no file stands behind; 0 = cannot be found out. */
uint64_t ql_machine_anonymous(void);

#endif
